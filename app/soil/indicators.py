"""The indicators we publish: what each one is, apart from how it is computed.

The catalogue, the legend, the colours of map and tiles and the page under docs/methods all come from these records.
The computation is named by `compute`: a function of app.soil taking layers, n_profiles, upper, lower, rock_depth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.soil.carbon import ProfileValues, fixed_depth_content, fixed_depth_stock

CARBON_RAMP = ("#e5c287", "#d4a363", "#c28441", "#ae6727", "#964c15", "#7a340f", "#5c200e", "#3d110b")
"""Sand to dark brown: equal steps of lightness in OKLCH (0.83 to 0.25), so that the order survives every form of
colour blindness and print in grey; the lightest still shows on a light basemap. The more carbon, the darker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Indicator:
    """One published indicator.

    title : by language code. depths : intervals as (upper, lower) [cm].
    colors, breaks : class i is coloured colors[i] and holds values from breaks[i - 1] up to but below breaks[i], so
    there is one more colour than breaks [unit of the indicator].
    method : page under docs/methods, without its ending. inputs : codes of app.soil.properties.
    """

    id: str
    title: Mapping[str, str]
    description: str
    unit: str
    ucum: str
    depths: tuple[tuple[int, int], ...]
    colors: tuple[str, ...]
    breaks: tuple[float, ...]
    method: str
    inputs: tuple[str, ...]
    references: tuple[str, ...]
    compute: Callable[..., ProfileValues]


_ALL = (
    Indicator(
        id="soc_stock",
        title={
            "en": "SOC stock",
            "fr": "Stock de carbone organique du sol",
            "es": "Reserva de carbono orgánico del suelo",
        },
        description=(
            "Mass of organic carbon in the mineral soil per area, to a fixed depth. "
            "Computed only for profiles with carbon, bulk density and depths complete over the interval."
        ),
        unit="t C/ha",
        ucum="t/har",
        depths=((0, 30),),
        colors=CARBON_RAMP,
        breaks=(20.0, 35.0, 50.0, 65.0, 85.0, 110.0, 150.0),
        method="soc_stock",
        inputs=(
            "soc",
            "bulk_density_fine_earth",
            "bulk_density_whole",
            "bulk_density_fine_per_total",
            "bulk_density",
            "coarse_fragments_volume",
            "coarse_fragments_mass",
            "coarse_fragments",
        ),
        references=(
            "FAO 2020, A protocol for measurement, monitoring, reporting and verification of soil organic carbon in agricultural landscapes, doi:10.4060/cb0509en",
            "Poeplau, Vos, Don 2017, SOIL 3:61-66, doi:10.5194/soil-3-61-2017",
        ),
        compute=fixed_depth_stock,
    ),
    Indicator(
        id="soc_content",
        title={
            "en": "SOC content",
            "fr": "Teneur en carbone organique du sol",
            "es": "Contenido de carbono orgánico del suelo",
        },
        description=(
            "Mass of organic carbon per mass of fine earth, weighted by thickness over a fixed depth of the mineral soil. "
            "Needs no bulk density; it says how rich the soil is, not how much carbon it holds."
        ),
        unit="g/kg",
        ucum="g/kg",
        depths=((0, 30),),
        colors=CARBON_RAMP,
        breaks=(5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 80.0),
        method="soc_content",
        inputs=("soc",),
        references=(
            "Beaudette, Roudier, O'Geen 2013, Computers & Geosciences 52:258-268, doi:10.1016/j.cageo.2012.10.020",
        ),
        compute=fixed_depth_content,
    ),
)

INDICATORS: Mapping[str, Indicator] = MappingProxyType({entry.id: entry for entry in _ALL})
"""All published indicators by id, in the order they are listed."""
