"""Which coordinate reference system eastings and northings are in: ranked, never decided.

A system is possible where the positions, read in it, lie in its area of use; it is likely where they lie in the country
that the file or its owner names. Many systems can be possible at once, so that only the owner can say.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import ProjError

Floats = NDArray[np.float64]

_MOST = 12
_SAMPLE = 200
_COMMON = (
    *(f"EPSG:{code}" for code in (
        27700, 29903, 2154, 27572, 3035, 31370, 28992, 2056, 21781, 25828, 25829, 25830, 25831, 25832, 25833, 25834,
        31467, 31468, 5514, 2180, 23700, 3763, 3006, 3067, 3301, 3346, 3059, 3794, 3765, 31255, 31287, 2100, 3844,
        31982, 31983, 31984, 31981, 31980, 31979, 31978, 5880, 29193, 29182, 6372, 9377, 3116, 5343, 22185, 5361,
        28354, 28355, 28356, 7854, 7855, 7856, 3577, 2193, 5070, 3978, 2046, 2048, 3857,
    )),
)  # fmt: skip
_UTM = (*(f"EPSG:{32600 + zone}" for zone in range(1, 61)), *(f"EPSG:{32700 + zone}" for zone in range(1, 61)))


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """A coordinate reference system that positions may be in."""

    code: str
    name: str
    confidence: float
    reason: str


@cache
def _countries(path: Path) -> tuple[tuple[str, frozenset[str], shapely.Geometry], ...]:
    """Alpha-2 code, names and codes in small letters, and shape of each country."""
    tree = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for feature in tree["features"]:
        said = feature["properties"]
        names = {said.get(key) for key in ("code", "iso_a3", "iso_a2", "name_en", "name_fr", "name_es")}
        shape = shapely.make_valid(shapely.from_geojson(json.dumps(feature["geometry"])))
        found.append((said.get("iso_a2") or "", frozenset(str(n).casefold() for n in names if n), shape))
    return tuple(found)


def country_codes(words: Sequence[str], boundaries: Path | None) -> dict[str, str]:
    """Alpha-2 codes of countries that are named or coded otherwise; words that are no country are left out."""
    if boundaries is None:
        return {}
    index = {name: code for code, names, _ in _countries(boundaries) for name in names if code}
    return {word: index[word.casefold()] for word in words if word.casefold() in index}


def systems(
    east: Floats, north: Floats, *, countries: Sequence[str] = (), boundaries: Path | None = None
) -> list[System]:
    """Systems in which these eastings and northings can be, the likeliest first; at most 12.

    countries : alpha-2 codes that the file or its owner names.
    """
    step = max(1, len(east) // _SAMPLE)
    x, y = east[::step], north[::step]
    shapes = _shapes(countries, boundaries)
    found = [system for code in _candidates(shapes) if (system := _judged(code, x, y, shapes, boundaries)) is not None]
    found.sort(key=lambda system: (-system.confidence, _rank(system.code)))
    if not found:
        return []
    # Confidence is shared: several systems that fit equally well make each of them less sure.
    total = sum(system.confidence for system in found)
    return [
        System(code=s.code, name=s.name, confidence=round(s.confidence * s.confidence / total, 3), reason=s.reason)
        for s in found[:_MOST]
    ]


def _shapes(countries: Sequence[str], boundaries: Path | None) -> list[tuple[str, shapely.Geometry]]:
    if boundaries is None:
        return []
    return [(code, shape) for code, _, shape in _countries(boundaries) if code in countries]


def _candidates(shapes: Sequence[tuple[str, shapely.Geometry]]) -> list[str]:
    if not shapes:
        return list(dict.fromkeys([*_COMMON, *_UTM]))
    codes: dict[str, None] = {}
    for _, shape in shapes:
        # The largest piece: islands far away would ask for the systems of half the world.
        piece = max(shapely.get_parts(shape), key=lambda part: part.area)
        west, south, east, north = piece.bounds
        area = AreaOfInterest(west, south, east, north)
        found = query_crs_info(auth_name="EPSG", pj_types=[PJType.PROJECTED_CRS], area_of_interest=area, contains=False)
        codes |= dict.fromkeys(f"EPSG:{info.code}" for info in found if not info.deprecated)
    common = [code for code in (*_COMMON, *_UTM) if code in codes]
    return list(dict.fromkeys([*common, *codes]))[:250]


def _rank(code: str) -> int:
    order = (*_COMMON, *_UTM)
    return order.index(code) if code in order else len(order)


def _judged(  # noqa: PLR0911 - each line is a reason why it cannot be
    code: str, x: Floats, y: Floats, shapes: Sequence[tuple[str, shapely.Geometry]], boundaries: Path | None
) -> System | None:
    try:
        name, use, transformer = _system(code)
        longitude, latitude = transformer.transform(x, y)
    except ProjError:
        return None  # an engineering system that is tied to no place, or positions far outside
    if use is None:
        return None
    good = np.isfinite(longitude) & np.isfinite(latitude)
    across = (longitude >= use.west) & (longitude <= use.east)
    if use.west > use.east:
        across = (longitude >= use.west) | (longitude <= use.east)
    inside = good & across & (latitude >= use.south) & (latitude <= use.north)
    share = float(inside.mean())
    if share < 0.9:
        return None
    if shapes:
        within = np.zeros(len(longitude), dtype=np.bool_)
        for _, shape in shapes:
            within |= shapely.contains_xy(shapely.buffer(shape, 0.05), longitude, latitude)
        home = float(within.mean())
        names = ", ".join(name for name, _ in shapes)
        if home < 0.5:
            return None
        reason = f"{home:.0%} of the positions lie in {names}, {share:.0%} in the area of use of the system."
        return System(code=code, name=name, confidence=0.9 * home * share, reason=reason)
    land = _on_land(longitude, latitude, boundaries)
    if land is not None and land < 0.5:
        return None
    where = "" if land is None else f", {land:.0%} on land"
    reason = f"{share:.0%} of the positions lie in the area of use of the system{where}; no country is named."
    return System(code=code, name=name, confidence=0.5 * share * (1.0 if land is None else land), reason=reason)


@cache
def _system(code: str) -> tuple[str, Any, Transformer]:
    crs = CRS.from_user_input(code)
    return crs.name, crs.area_of_use, Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


def _on_land(longitude: Floats, latitude: Floats, boundaries: Path | None) -> float | None:
    if boundaries is None:
        return None
    tree = _tree(boundaries)
    points = np.asarray(shapely.points(longitude, latitude))
    hits = tree.query(points, predicate="within")[0]
    return float(np.isin(np.arange(len(points)), hits).mean())


@cache
def _tree(path: Path) -> shapely.STRtree:
    return shapely.STRtree([shape for _, _, shape in _countries(path)])
