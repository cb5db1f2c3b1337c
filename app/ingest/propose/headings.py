"""A heading is cut into the words that name a quantity, and its unit."""

import re
import unicodedata

from app.soil.units import UnknownUnit, depth_to_cm, factor, known_units

_BRACKET = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_CAMEL = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z]{2})")
_WORDS = re.compile(r"[^a-z0-9%]+")
_SIGNS = str.maketrans(
    {"⁻": "-", "−": "-", "–": "-", "·": " ", "²": "2", "³": "3", "¹": "1", "µ": "u", "μ": "u", "‰": " permil "}
)

_SUFFIXES = {
    "g kg": "g/kg", "g kg 1": "g/kg", "gkg": "g/kg", "gkg 1": "g/kg", "g per kg": "g/kg", "g kg1": "g/kg",
    "mg kg": "mg/kg", "mg kg 1": "mg/kg", "mgkg": "mg/kg", "ppm": "mg/kg", "mg g": "mg/g", "mg g 1": "mg/g",
    "dag kg": "dag/kg", "dag kg 1": "dag/kg", "g 100g": "g/100g", "g 100 g": "g/100g", "permil": "‰",
    "pct": "%", "perc": "%", "percent": "%", "prozent": "%", "%": "%", "wt%": "%", "wt pct": "wt%", "vol%": "vol%",
    "vol pct": "vol%", "pct vol": "vol%", "% vol": "vol%", "vol %": "vol%", "% v": "vol%", "% wt": "wt%",
    "g cm3": "g/cm3", "g cm 3": "g/cm3", "gcm3": "g/cm3", "g cc": "g/cm3", "kg dm3": "kg/dm3",
    "kg dm 3": "kg/dm3", "kg m3": "kg/m3", "kg m 3": "kg/m3", "t m3": "t/m3", "t m 3": "t/m3", "mg m3": "Mg/m3",
    "mg m 3": "Mg/m3", "kg l": "kg/l", "kg l 1": "kg/l", "g l": "g/l",
    "cmol kg": "cmol/kg", "cmol kg 1": "cmol/kg", "cmolc kg": "cmol/kg", "cmolc kg 1": "cmol/kg",
    "cmol c kg": "cmol/kg", "cmol c kg 1": "cmol/kg", "meq 100g": "meq/100g", "meq 100 g": "meq/100g",
    "mmol kg": "mmol/kg", "mmol kg 1": "mmol/kg", "mmolc kg": "mmol/kg", "mmolc kg 1": "mmol/kg", "me 100g": "meq/100g",
    "ds m": "dS/m", "ds m 1": "dS/m", "ms cm": "mS/cm", "ms cm 1": "mS/cm", "us cm": "µS/cm", "us cm 1": "µS/cm",
    "ms m": "mS/m", "ms m 1": "mS/m", "mmhos cm": "mmho/cm", "mmho cm": "mmho/cm",
    "t ha": "t/ha", "t ha 1": "t/ha", "tc ha": "t/ha", "tc ha 1": "t/ha", "t c ha": "t/ha", "t c ha 1": "t/ha",
    "mg ha": "Mg/ha", "mg ha 1": "Mg/ha", "mg c ha": "Mg/ha", "mg c ha 1": "Mg/ha", "mgc ha": "Mg/ha",
    "kg m2": "kg/m2", "kg m 2": "kg/m2", "kg c m2": "kg/m2", "kgc m2": "kg/m2", "g m2": "g/m2", "g m 2": "g/m2",
    "g c m2": "g/m2", "g cm2": "g/cm2", "g cm 2": "g/cm2", "gc m2": "g/m2", "kg ha": "kg/ha", "kg ha 1": "kg/ha",
    "cm": "cm", "mm": "mm", "dm": "dm", "m": "m",
}  # fmt: skip
"""Units as they end a heading, written as `phrase` writes it; `mg` before an area or volume is a megagram."""
LONGEST = 120
"""Characters of a heading that can be one: longer ones are sentences, and could take long to search."""
_LENGTHS = frozenset({"cm", "mm", "dm", "m"})
_DENIED = frozenset({"dd", "wgs84", "decimal degrees", "degrees", "deg", "decimal"})
"""Words in brackets that say something else than a unit of a value."""


def phrase(text: str) -> str:
    """A heading as the tables of words write it: small letters, no accents, one space between words."""
    cut = _CAMEL.sub(" ", text.translate(_SIGNS).replace("ß", "ss"))
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", cut) if not unicodedata.combining(mark))
    return _WORDS.sub(" ", plain.casefold()).strip()


def split(heading: str) -> tuple[str, str | None]:
    """The words of a heading and its unit, None where it names none.

    `SOC (g kg-1)` is (`soc`, `g/kg`), `argila_pct` is (`argila`, `%`), `pH (H2O)` is (`ph h2o`, None).
    """
    unit = None
    if len(heading) > LONGEST:
        return "", None
    rest = heading
    for inside in _BRACKET.findall(heading):
        found = unit_of(inside)
        if found is not None:
            unit = unit or found
            rest = re.sub(rf"[(\[{{]{re.escape(inside)}[)\]}}]", " ", rest)
    words = phrase(rest)
    for extra in _DENIED:
        words = re.sub(rf"(?:^|(?<= )){re.escape(extra)}(?= |$)", "", words).strip() if words != extra else words
    words = re.sub(r" +", " ", words)
    if unit is not None:
        return words, unit
    return _by_ending(words)


def _by_ending(words: str) -> tuple[str, str | None]:
    """Words without the unit that they end or begin with."""
    parts = words.split(" ")
    for count in range(min(4, len(parts) - 1), 0, -1):
        ending = " ".join(parts[-count:])
        if ending in _SUFFIXES:
            return " ".join(parts[:-count]), _SUFFIXES[ending]
    if len(parts) > 1 and parts[0] == "%":
        return " ".join(parts[1:]), "%"
    if words.startswith("%") and len(words) > 1:
        return words[1:].strip(), "%"
    if words.endswith("%") and len(words) > 1:
        return words[:-1].strip(), "%"
    return words, None


def unit_of(text: str) -> str | None:
    """The unit that a text such as `g kg-1` or `%` is, None where it is none that we know."""
    words = phrase(text)
    if not words:
        return "‰" if "‰" in text else None
    if words in _SUFFIXES:
        # Case tells mega from milli where both are units: mg/m3 beside Mg/m3.
        return _SUFFIXES[words]
    return None


def fits(code: str, unit: str) -> bool:
    """Whether a unit is one that the property may have."""
    try:
        factor(code, unit)
    except UnknownUnit:
        return False
    return True


def is_length(unit: str) -> bool:
    """Whether a unit is one of length."""
    try:
        depth_to_cm(1.0, unit)
    except UnknownUnit:
        return False
    return unit in _LENGTHS


def units_for(code: str) -> tuple[str, ...]:
    """Units to choose from for a property, the usual ones first."""
    usual = {
        "g/kg": ("g/kg", "%", "mg/kg", "1"),
        "g/cm3": ("g/cm3", "kg/m3"),
        "%": ("%", "g/kg", "1"),
        "dS/m": ("dS/m", "mS/m", "µS/cm"),
        "cmol/kg": ("cmol/kg", "mmol/kg"),
        "t/ha": ("t/ha", "kg/m2", "g/m2", "kg/ha"),
    }
    known = known_units(code)
    if code.startswith("coarse") or code == "porosity":
        return ("%", "1")
    return tuple(unit for unit in usual.get(known[0], known[:4]) if unit in known)
