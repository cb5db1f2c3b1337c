"""Units of submitted values: any common spelling to the canonical unit of the property, or a refusal.

The factors are those between the units, nothing more; no unit is ever guessed from the numbers. A unit this module
does not know for a property is an error that names what is accepted, because a wrong factor of ten looks plausible in
a rich soil. Spellings may differ in spaces, superscripts and signs (`g kg-1`, `g·kg⁻¹`, `g/kg`), not in meaning:
`mg/m3` is not taken for `Mg/m3`.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.soil.properties import PROPERTIES


class UnknownUnit(ValueError):
    """The unit is not one we accept for this property."""


_CONTENT = {
    "g/kg": 1.0,
    "mg/g": 1.0,
    "kg/t": 1.0,
    "‰": 1.0,
    "%": 10.0,
    "wt%": 10.0,
    "g/100g": 10.0,
    "dag/kg": 10.0,
    "g/hg": 10.0,
    "cg/g": 10.0,
    "1": 1000.0,
    "kg/kg": 1000.0,
    "g/g": 1000.0,
    "dg/kg": 0.1,
    "mg/100g": 0.01,
    "mg/kg": 0.001,
    "µg/g": 0.001,
    "ppm": 0.001,
}
_DENSITY = {
    "g/cm3": 1.0,
    "kg/dm3": 1.0,
    "kg/l": 1.0,
    "g/ml": 1.0,
    "Mg/m3": 1.0,
    "t/m3": 1.0,
    "kg/m3": 0.001,
    "g/dm3": 0.001,
    "g/l": 0.001,
    "cg/cm3": 0.01,
}
_STONES = {"1": 1.0, "%": 0.01, "‰": 0.001}
_STONES_BY_VOLUME = {"vol%": 0.01, "cm3/cm3": 1.0, "m3/m3": 1.0, "cm3/100cm3": 0.01, "cm3/dm3": 0.001, "dm3/m3": 0.001}
_STONES_BY_MASS = {"wt%": 0.01, "g/g": 1.0, "kg/kg": 1.0, "g/100g": 0.01, "dag/kg": 0.01, "g/kg": 0.001}
_TEXTURE = {
    "%": 1.0,
    "wt%": 1.0,
    "g/100g": 1.0,
    "dag/kg": 1.0,
    "g/hg": 1.0,
    "g/kg": 0.1,
    "‰": 0.1,
    "1": 100.0,
    "g/g": 100.0,
    "kg/kg": 100.0,
}
_PH = {"1": 1.0, "pH": 1.0, "[pH]": 1.0, "pH*10": 0.1}
_EC = {
    "dS/m": 1.0,
    "mS/cm": 1.0,
    "mmho/cm": 1.0,
    "S/m": 10.0,
    "mS/m": 0.01,
    "µS/cm": 0.001,
    "µmho/cm": 0.001,
}
_CEC = {"cmol/kg": 1.0, "meq/100g": 1.0, "mmol/100g": 1.0, "mmol/kg": 0.1, "meq/kg": 0.1}
_PER_AREA = {
    "t/ha": 1.0,
    "t/har": 1.0,
    "Mg/ha": 1.0,
    "kg/m2": 10.0,
    "g/m2": 0.01,
    "g/cm2": 100.0,
    "mg/cm2": 0.1,
    "kg/ha": 0.001,
    "kt/ha": 1000.0,
}
_CARBON_PER_AREA = {
    "tC/ha": 1.0,
    "MgC/ha": 1.0,
    "kgC/m2": 10.0,
    "gC/m2": 0.01,
    "gC/cm2": 100.0,
    "kgC/ha": 0.001,
}
_DEPTH = {"cm": 1.0, "mm": 0.1, "dm": 10.0, "m": 100.0, "inch": 2.54, "ft": 30.48}


def _table(code: str) -> dict[str, float]:
    """Accepted units of one property and their factors, chosen by its canonical unit."""
    if code in {"coarse_fragments_volume", "porosity"}:
        return _STONES | _STONES_BY_VOLUME
    if code == "coarse_fragments_mass":
        return _STONES | _STONES_BY_MASS
    if code == "soc_stock_reported":
        return _PER_AREA | _CARBON_PER_AREA
    by_ucum = {
        "g/kg": _CONTENT,
        "g/cm3": _DENSITY,
        "1": _STONES,
        "%": _TEXTURE,
        "[pH]": _PH,
        "dS/m": _EC,
        "cmol/kg": _CEC,
        "t/har": _PER_AREA,
    }
    return by_ucum[PROPERTIES[code].ucum]


_FACTORS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {code: MappingProxyType(_table(code)) for code in PROPERTIES}
)

_WORDS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("percent", "per cent", "pct", "perc", "prozent"), "%")
    | dict.fromkeys(("permille", "per mille", "per mil", "permil", "promille"), "‰")
    | dict.fromkeys(("fraction", "ratio", "proportion", "unitless", "dimensionless", "none", "-"), "1")
    | dict.fromkeys(
        ("wt%", "wt %", "%wt", "weight %", "mass %", "mass%", "% w/w", "% (w/w)", "% (m/m)", "%w", "w%"), "wt%"
    )
    | dict.fromkeys(("vol%", "vol %", "%vol", "% vol", "volume %", "% v/v", "% (v/v)", "v/v", "v%", "%v"), "vol%")
    | dict.fromkeys(("ph", "ph unit", "ph units", "[ph]"), "pH")
    | dict.fromkeys(("ph*10", "phx10", "ph x 10", "ph*10 units"), "pH*10")
    | dict.fromkeys(("in", "inches", '"'), "inch")
    | dict.fromkeys(("feet", "foot"), "ft")
    | dict.fromkeys(("centimetre", "centimetres", "centimeter", "centimeters"), "cm")
    | dict.fromkeys(("metre", "metres", "meter", "meters"), "m")
    | dict.fromkeys(("millimetre", "millimetres", "millimeter", "millimeters"), "mm")
)

_TOKENS = (
    (re.compile(r"mol\s*(?:\((?:c|\+)\)|c\b|\+)", re.IGNORECASE), "mol"),
    (re.compile(r"\bper\b", re.IGNORECASE), "/"),
    (re.compile(r"\^"), ""),
    (re.compile(r"\bgr\b"), "g"),
    (re.compile(r"\bcc\b", re.IGNORECASE), "cm3"),
    (re.compile(r"\bme\b", re.IGNORECASE), "meq"),
    (re.compile(r"\bu(?=(?:S|g|mho)\b)"), "µ"),
    (re.compile(r"\b(?:ton|tonne)s?\b", re.IGNORECASE), "t"),
    (re.compile(r"100\s+g"), "100g"),
    # `g kg-1` and `g cm-3` to `g/kg` and `g/cm3`
    (re.compile(r"[\s·*.]+(\d*[A-Za-zµ]+)-1\b"), r"/\1"),
    (re.compile(r"[\s·*.]+(\d*[A-Za-zµ]+)-(\d)\b"), r"/\1\2"),
    (re.compile(r"\s+"), ""),
)

_SIGNS = {0x2212: "-", 0x2013: "-", 0x03BC: "µ"}  # minus sign, en dash, Greek mu

# A leading capital M is mega, a leading small m is milli; only `meq` is never mega.
_AMBIGUOUS_CASE = re.compile(r"(?<![A-Za-z])M(?=[A-Za-z])(?!eq)", re.ASCII)


def _spelling(unit: str) -> str:
    """One spelling for all ways to write a unit; still case-sensitive."""
    text = unicodedata.normalize("NFKC", unit.strip()).translate(_SIGNS)
    text = re.sub(r"\s+", " ", text)
    if text.casefold() in _WORDS:
        return _WORDS[text.casefold()]
    for pattern, replacement in _TOKENS:
        text = pattern.sub(replacement, text)
    return text


def _look_up(unit: str, table: Mapping[str, float]) -> float | None:
    spelling = _spelling(unit)
    if spelling in table:
        return table[spelling]
    if _AMBIGUOUS_CASE.search(spelling):
        return None
    folded = {key.casefold(): factor for key, factor in table.items() if not _AMBIGUOUS_CASE.search(key)}
    return folded.get(spelling.casefold())


def known_units(code: str) -> tuple[str, ...]:
    """Units accepted for property `code`, the canonical one first. Raises KeyError for an unknown property."""
    return tuple(_FACTORS[code])


def factor(code: str, unit: str) -> float:
    """Number a value in `unit` is multiplied with to get the canonical unit of property `code`.

    Raises UnknownUnit for a unit not accepted for this property, and KeyError for an unknown property.
    Factors agree with the R package `units` (see tests/published).
    """
    table = _FACTORS[code]
    found = 1.0 if code.startswith("ph") and not unit.strip() else _look_up(unit, table)
    if found is None:
        raise UnknownUnit(_refusal(PROPERTIES[code].title, unit, table))
    return found


def to_canonical(code: str, values: ArrayLike, unit: str) -> NDArray[np.float64]:
    """Values in the canonical unit of property `code`, same shape as `values`; NaN stays NaN.

    Raises UnknownUnit for a unit not accepted for this property, and KeyError for an unknown property.
    """
    return np.asarray(np.asarray(values, dtype=np.float64) * factor(code, unit), dtype=np.float64)


def depth_to_cm(values: ArrayLike, unit: str) -> NDArray[np.float64]:
    """Depths in [cm], same shape as `values`. Raises UnknownUnit for anything but a unit of length."""
    found = _look_up(unit, _DEPTH)
    if found is None:
        raise UnknownUnit(_refusal("Depth", unit, _DEPTH))
    return np.asarray(np.asarray(values, dtype=np.float64) * found, dtype=np.float64)


def _refusal(quantity: str, unit: str, table: Mapping[str, float]) -> str:
    said = f"unknown unit '{unit.strip()}'" if unit.strip() else "no unit given"
    return f"{quantity}: {said}; accepted are {', '.join(table)}"
