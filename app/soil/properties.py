"""The observed properties: one entry each with code, unit, definition, ranges and GloSIS link.

Everything that reads or writes a soil value uses these codes. A value is stored in the canonical unit given here;
`app.soil.units` converts to it. A value outside `possible` cannot be true and is refused; one outside `usual` is rare
in mineral soil and is kept with a warning.

Sources of the ranges: GloSIS observation list (FAO); 580 g/kg is carbon at 58 % of pure organic matter (Pribyl 2010,
Geoderma 156:75, doi:10.1016/j.geoderma.2010.02.003). Quantities are defined for the oven-dry fine earth (< 2 mm)
unless the definition says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

_GLOSIS = "http://w3id.org/glosis/model/v1.0.0/"
_LAYER = _GLOSIS + "layerhorizon#"
_CODE = _GLOSIS + "codelists#physioChemicalPropertyCode-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Property:
    """One observed property of a soil layer.

    `possible` and `usual` are closed intervals in the canonical unit; `usual` is None where no habit exists.
    `glosis` is the IRI of the property in the GloSIS web ontology, empty where GloSIS has none with the same meaning.
    """

    code: str
    title: str
    unit: str
    ucum: str
    definition: str
    possible: tuple[float, float]
    usual: tuple[float, float] | None
    glosis: str


def _content(code: str, title: str, definition: str, usual: tuple[float, float] | None, glosis: str) -> Property:
    return Property(
        code=code,
        title=title,
        unit="g/kg",
        ucum="g/kg",
        definition=definition,
        possible=(0.0, 580.0) if code == "soc" else (0.0, 1000.0),
        usual=usual,
        glosis=glosis,
    )


def _density(
    code: str, title: str, definition: str, *, upper: float, usual: tuple[float, float], glosis: str
) -> Property:
    return Property(
        code=code,
        title=title,
        unit="g/cm³",
        ucum="g/cm3",
        definition=definition,
        possible=(0.01, upper),
        usual=usual,
        glosis=glosis,
    )


def _stones(code: str, title: str, definition: str) -> Property:
    return Property(
        code=code,
        title=title,
        unit="1",
        ucum="1",
        definition=definition,
        possible=(0.0, 1.0),
        usual=(0.0, 0.8),
        glosis=_LAYER + "coarseFragmentsProperty",
    )


def _texture(code: str, title: str, definition: str, glosis: str) -> Property:
    return Property(
        code=code,
        title=title,
        unit="%",
        ucum="%",
        definition=definition,
        possible=(0.0, 100.0),
        usual=None,
        glosis=_CODE + glosis,
    )


def _ph(code: str, title: str, definition: str) -> Property:
    return Property(
        code=code,
        title=title,
        unit="1",
        ucum="[pH]",
        definition=definition,
        possible=(1.5, 13.0),
        usual=(3.5, 10.0),
        glosis=_CODE + "pH",
    )


_ALL = (
    _content(
        "soc", "Soil organic carbon", "Mass of organic carbon per mass of fine earth.", (0.5, 120.0), _CODE + "Carorg"
    ),
    _content(
        "total_c",
        "Total carbon",
        "Mass of organic and inorganic carbon per mass of fine earth.",
        None,
        _CODE + "Cartot",
    ),
    _content(
        "inorganic_c",
        "Inorganic carbon",
        "Mass of carbonate carbon per mass of fine earth.",
        None,
        _LAYER + "carbonInorganicProperty",
    ),
    _content(
        "caco3",
        "Calcium carbonate equivalent",
        "Carbonates expressed as mass of calcium carbonate per mass of fine earth.",
        None,
        _LAYER + "totalCarbonateEquivalentProperty",
    ),
    _content(
        "organic_matter",
        "Soil organic matter",
        "Mass of organic matter per mass of fine earth, as reported by the laboratory.",
        (0.8, 250.0),
        _LAYER + "organicMatterProperty",
    ),
    _content("total_n", "Total nitrogen", "Mass of nitrogen per mass of fine earth.", (0.05, 10.0), _CODE + "Nittot"),
    _density(
        "bulk_density_fine_earth",
        "Bulk density of the fine earth",
        "Dry mass of fine earth per volume of fine earth: total volume less the volume of coarse fragments.",
        upper=2.65,
        usual=(0.6, 1.9),
        glosis=_LAYER + "bulkDensityFineEarthProperty",
    ),
    _density(
        "bulk_density_whole",
        "Bulk density of the whole soil",
        "Dry mass of fine earth and coarse fragments per total volume.",
        upper=3.6,
        usual=(0.6, 2.2),
        glosis=_LAYER + "bulkDensityWholeSoilProperty",
    ),
    _density(
        "bulk_density_fine_per_total",
        "Fine-earth mass per total volume",
        "Dry mass of fine earth per total volume, coarse fragments included: the density a carbon stock needs.",
        upper=2.65,
        usual=(0.3, 1.9),
        glosis="",
    ),
    _density(
        "bulk_density",
        "Bulk density, basis not stated",
        "Dry mass per volume; the source does not say whether coarse fragments are part of mass and volume.",
        upper=3.6,
        usual=(0.6, 2.2),
        glosis="",
    ),
    _stones(
        "coarse_fragments_volume",
        "Coarse fragments by volume",
        "Volume of fragments larger than 2 mm per total volume of the layer.",
    ),
    _stones(
        "coarse_fragments_mass",
        "Coarse fragments by mass",
        "Dry mass of fragments larger than 2 mm per total dry mass of the layer.",
    ),
    _stones(
        "coarse_fragments",
        "Coarse fragments, basis not stated",
        "Share of fragments larger than 2 mm; the source does not say whether by volume or by mass.",
    ),
    Property(
        code="porosity",
        title="Total porosity",
        unit="1",
        ucum="1",
        definition="Volume of pores per total volume of the fine earth.",
        possible=(0.0, 1.0),
        usual=(0.2, 0.9),
        glosis="",
    ),
    _texture("clay", "Clay", "Mass of particles smaller than 2 µm per mass of mineral fine earth.", "Textclay"),
    _texture(
        "silt",
        "Silt",
        "Mass of particles from 2 µm up to the silt limit of the method (50 or 63 µm) per mass of mineral fine earth.",
        "Textsilt",
    ),
    _texture(
        "sand",
        "Sand",
        "Mass of particles from the silt limit of the method (50 or 63 µm) to 2 mm per mass of mineral fine earth.",
        "Textsand",
    ),
    _ph("ph_h2o", "pH in water", "pH of a suspension of soil in water."),
    _ph("ph_cacl2", "pH in calcium chloride", "pH of a suspension of soil in calcium chloride solution."),
    _ph("ph_kcl", "pH in potassium chloride", "pH of a suspension of soil in potassium chloride solution."),
    _ph("ph", "pH, extractant not stated", "pH of a soil suspension; the source does not name the extractant."),
    Property(
        code="ec",
        title="Electrical conductivity",
        unit="dS/m",
        ucum="dS/m",
        definition="Electrical conductivity of a soil extract or suspension; the ratio is part of the method.",
        possible=(0.0, 60.0),
        usual=(0.0, 16.0),
        glosis=_LAYER + "electricalConductivityProperty",
    ),
    Property(
        code="cec",
        title="Cation exchange capacity",
        unit="cmol(c)/kg",
        ucum="cmol/kg",
        definition="Amount of exchangeable positive charge per mass of fine earth.",
        possible=(0.0, 200.0),
        usual=(1.0, 100.0),
        glosis=_LAYER + "cationExchangeCapacitycSoilProperty",
    ),
    Property(
        code="soc_stock_reported",
        title="Organic carbon stock, as reported",
        unit="t/ha",
        ucum="t/har",
        definition="Mass of organic carbon per area between top and bottom of the layer, as the source computed it.",
        possible=(0.0, 6000.0),
        usual=(0.0, 600.0),
        glosis="",
    ),
    Property(
        code="soil_mass_reported",
        title="Soil mass, as reported",
        unit="t/ha",
        ucum="t/har",
        definition="Dry mass of fine soil per area between top and bottom of the layer, as the source computed it.",
        possible=(0.0, 265_000.0),
        usual=None,
        glosis="",
    ),
)

PROPERTIES: Mapping[str, Property] = MappingProxyType({entry.code: entry for entry in _ALL})
"""All observed properties by code, in the order they are listed to users."""


def is_possible(code: str, values: ArrayLike) -> NDArray[np.bool_]:
    """Tell which values of property `code`, in its canonical unit, can be true. NaN is not a value: False."""
    return _inside(np.asarray(values, dtype=np.float64), PROPERTIES[code].possible)


def is_usual(code: str, values: ArrayLike) -> NDArray[np.bool_]:
    """Tell which values of property `code`, in its canonical unit, are common in mineral soil. NaN: False."""
    entry = PROPERTIES[code]
    return _inside(np.asarray(values, dtype=np.float64), entry.usual or entry.possible)


def _inside(values: NDArray[np.float64], interval: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray((values >= interval[0]) & (values <= interval[1]), dtype=np.bool_)
