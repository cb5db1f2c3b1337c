"""Words of the GloSIS harmonisation workbook of FAO, and ours: headings, properties, procedures.

Names of properties and prefixes of procedure codes are those of the GloSIS code lists (http://w3id.org/glosis/model).
"""

import re
import unicodedata

PROPERTIES = {
    "soc": ("OrgC", "Carbon (C) - organic"),
    "total_c": ("TotC", "Carbon (C) - total"),
    "inorganic_c": ("InOrgC", "carbonInorganicProperty"),
    "caco3": ("CaCO3", "totalCarbonateEquivalentProperty"),
    "organic_matter": ("OrgM", "organicMatterProperty"),
    "total_n": ("TotalN", "Nitrogen (N) - total"),
    "bulk_density_fine_earth": ("Bulk Density fine earth", "bulkDensityFineEarthProperty"),
    "bulk_density_whole": ("Bulk Density whole soil", "bulkDensityWholeSoilProperty"),
    "coarse_fragments": ("Coarse fragments", "coarseFragmentsProperty"),
    "clay": ("Clay", "Clay texture fraction"),
    "silt": ("Silt", "Silt texture fraction"),
    "sand": ("Sand", "Sand texture fraction"),
    "ph_h2o": ("pH-H2O", "pH - Hydrogen potential"),
    "ph_cacl2": ("pH-CaCl2", "pH - Hydrogen potential"),
    "ph_kcl": ("pH-KCl", "pH - Hydrogen potential"),
    "ec": ("EC", "electricalConductivityProperty"),
    "cec": ("CEC", "cationExchangeCapacitycSoilProperty"),
}
"""Our properties that GloSIS knows, with the heading that we write and the name of the property there."""

_HEADINGS = {
    "orgc": "soc",
    "corg": "soc",
    "oc": "soc",
    "soc": "soc",
    "toc": "soc",
    "organic carbon": "soc",
    "organic c": "soc",
    "soil organic carbon": "soc",
    "totc": "total_c",
    "total c": "total_c",
    "total carbon": "total_c",
    "inorgc": "inorganic_c",
    "inorganic carbon": "inorganic_c",
    "caco3": "caco3",
    "calcium carbonate": "caco3",
    "om": "organic_matter",
    "som": "organic_matter",
    "orgm": "organic_matter",
    "organic matter": "organic_matter",
    "n": "total_n",
    "tn": "total_n",
    "totaln": "total_n",
    "total n": "total_n",
    "total nitrogen": "total_n",
    "nitrogen": "total_n",
    "bulk density": "bulk_density",
    "bd": "bulk_density",
    "bulk density fine earth": "bulk_density_fine_earth",
    "bulk density whole soil": "bulk_density_whole",
    "coarse fragments": "coarse_fragments",
    "clay": "clay",
    "silt": "silt",
    "sand": "sand",
    "ph-h2o": "ph_h2o",
    "ph h2o": "ph_h2o",
    "ph (h2o)": "ph_h2o",
    "ph water": "ph_h2o",
    "ph-cacl2": "ph_cacl2",
    "ph cacl2": "ph_cacl2",
    "ph-kcl": "ph_kcl",
    "ph kcl": "ph_kcl",
    "ph": "ph",
    "ec": "ec",
    "electrical conductivity": "ec",
    "cec": "cec",
    "cation exchange capacity": "cec",
}
"""Headings that mean one property only. `C` may be organic or total carbon: `Procedures` must say which."""

_NAMES = {
    "carbon (c) - organic": "soc",
    "carbon (c) - total": "total_c",
    "carboninorganicproperty": "inorganic_c",
    "totalcarbonateequivalentproperty": "caco3",
    "calcium carbonate equivalent - total": "caco3",
    "organicmatterproperty": "organic_matter",
    "nitrogen (n) - total": "total_n",
    "bulkdensityfineearthproperty": "bulk_density_fine_earth",
    "bulkdensitywholesoilproperty": "bulk_density_whole",
    "coarsefragmentsproperty": "coarse_fragments",
    "clay texture fraction": "clay",
    "silt texture fraction": "silt",
    "sand texture fraction": "sand",
    "ph - hydrogen potential": "ph",
    "ph - hydrogen potential in water": "ph_h2o",
    "electricalconductivityproperty": "ec",
    "cationexchangecapacitycsoilproperty": "cec",
    "cation exchange capacity": "cec",
}

_PROCEDURES = (
    ("OrgC_", "soc"),
    ("TotC_", "total_c"),
    ("InOrgC_", "inorganic_c"),
    ("CaCO3_", "caco3"),
    ("OrgM_", "organic_matter"),
    ("TotalN_", "total_n"),
    ("BlkDensF_", "bulk_density_fine_earth"),
    ("BlkDensW_", "bulk_density_whole"),
    ("CrsFrg_", "coarse_fragments"),
    ("pHH2O", "ph_h2o"),
    ("pHCaCl2", "ph_cacl2"),
    ("pHKCl", "ph_kcl"),
    ("ECe_", "ec"),
    ("EC_", "ec"),
    ("CEC_", "cec"),
)
"""Procedures that belong to one property; those of texture serve sand, silt and clay alike."""

_WIDER = {
    "ph": {"ph_h2o", "ph_cacl2", "ph_kcl"},
    "bulk_density": {"bulk_density_fine_earth", "bulk_density_whole"},
}
"""A word that leaves open what another says."""


def plain(text: str) -> str:
    """A text with subscripts and superscripts as digits, and single blanks."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip()


def heading(text: str) -> tuple[str, str | None]:
    """Name and unit of a heading such as `CEC (cmol/kg)`; no unit where there is none."""
    found = re.fullmatch(r"(.*\S)\s*[(\[]([^()\[\]]*(?:\([^()]*\)[^()\[\]]*)?)[)\]]", plain(text))
    if found is None or plain(text).casefold() in _HEADINGS:
        return plain(text), None
    return found[1], found[2].strip()


def by_heading(name: str) -> str | None:
    """The property that a heading means."""
    return _HEADINGS.get(plain(name).casefold())


def by_name(name: str) -> str | None:
    """The property of a GloSIS name."""
    return _NAMES.get(plain(name).casefold())


def by_procedure(code: str) -> str | None:
    """The property that a procedure belongs to."""
    return next((known for prefix, known in _PROCEDURES if plain(code).startswith(prefix)), None)


def agreed(*found: str | None) -> tuple[str | None, bool]:
    """The one property that several say, the narrower where one leaves it open; and whether they agree."""
    said = [code for code in dict.fromkeys(found) if code is not None]
    if not said:
        return None, True
    narrow = [code for code in said if not any(other in _WIDER.get(code, ()) for other in said)]
    fits = all(code == narrow[0] or narrow[0] in _WIDER.get(code, ()) for code in said)
    return narrow[0], fits
