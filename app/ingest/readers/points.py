"""Geometries of a file become two columns of coordinates, and their coordinate reference system a name.

Sites are points. What is no single point is not moved, averaged or dropped here: its row keeps its number and gets a
fault, which refuses it where a mapping uses the geometry.
"""

import math
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from pyproj import CRS
from pyproj.exceptions import CRSError

from app.ingest.readers.table import Fault, ReadingNote, refuse

X, Y = "geometry_x", "geometry_y"
"""Names of the columns that a geometry becomes: east and north, or longitude and latitude."""
WGS84 = "EPSG:4326"
MAX_CRS_TEXT = 20_000
"""Longest description of a coordinate reference system that is looked at [character]."""

_KINDS = {
    1: "Point",
    2: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
    7: "GeometryCollection",
}
_WKT = re.compile(
    r"(?:SRID=(?P<srid>\d{1,9});\s*)?(?P<kind>[A-Za-z]{4,20})\s*(?:ZM|[ZM])?\s*(?P<body>EMPTY|\(.*\))", re.IGNORECASE
)
_SRID, _M, _Z = 0x2000_0000, 0x4000_0000, 0x8000_0000


@dataclass(kw_only=True, slots=True)
class Points:
    """Points in the making, one for each row of the file."""

    x: list[str | None] = field(default_factory=list)
    y: list[str | None] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    heights: int = 0
    srids: set[int] = field(default_factory=set)

    def add(self, x: str, y: str, *, height: bool = False) -> None:
        """Add a point by the text of its coordinates."""
        self.heights += height
        if _finite(x) and _finite(y):
            self.x.append(x)
            self.y.append(y)
        else:
            self.miss("GEOMETRY_NOT_FINITE", f"{x}, {y}")

    def miss(self, code: str, found: str) -> None:
        """Add a row without a point: why, and what stands in its place."""
        self.faults.append(Fault(row=len(self.x) + 1, code=code, found=found[:60]))
        self.x.append(None)
        self.y.append(None)

    def add_wkb(self, blob: bytes | None) -> None:
        """Add a geometry in well-known binary, with or without an SRID.

        Only points are taken apart, so that no nesting or count in a hostile geometry is ever followed.
        """
        if blob is None:
            self.miss("GEOMETRY_EMPTY", "nothing")
            return
        try:
            kind, height, start, order = self._head(blob)
            if kind == "MultiPoint":
                (count,) = struct.unpack_from(f"{order}I", blob, start)
                if count != 1:
                    self.miss("GEOMETRY_NOT_POINT" if count else "GEOMETRY_EMPTY", f"MultiPoint of {count} points")
                    return
                kind, height, start, order = self._head(blob, start + 4)
            if kind != "Point":
                self.miss("GEOMETRY_NOT_POINT", kind)
                return
            x, y = struct.unpack_from(f"{order}dd", blob, start)
        except (struct.error, IndexError):
            self.miss("GEOMETRY_NOT_POINT", "damaged")
            return
        if math.isnan(x) and math.isnan(y):
            self.miss("GEOMETRY_EMPTY", "an empty point")
        else:
            self.add(number(x), number(y), height=height)

    def _head(self, blob: bytes, at: int = 0) -> tuple[str, bool, int, str]:
        """Kind of geometry, whether it has a height, where its coordinates begin, and the byte order."""
        order = "<" if blob[at] == 1 else ">"
        (word,) = struct.unpack_from(f"{order}I", blob, at + 1)
        start = at + 5
        if word & _SRID:
            (srid,) = struct.unpack_from(f"{order}I", blob, start)
            self.srids.add(srid)
            start += 4
        plain = word & 0x0FFF_FFFF
        kind = _KINDS.get(plain % 1000 if plain < 4000 else 0, f"geometry of type {plain}")
        return kind, bool(word & _Z) or plain // 1000 in {1, 3}, start, order

    def add_wkt(self, text: str | None) -> None:
        """Add a geometry in well-known text, with or without an SRID."""
        if text is None or not text.strip():
            self.miss("GEOMETRY_EMPTY", "nothing")
            return
        found = _WKT.fullmatch(text.strip()[:1000])
        if found is None:
            self.miss("GEOMETRY_NOT_POINT", "not a geometry")
            return
        if found["srid"]:
            self.srids.add(int(found["srid"]))
        kind, body = found["kind"].upper(), found["body"].strip()
        if body.upper() == "EMPTY":
            self.miss("GEOMETRY_EMPTY", f"{kind} EMPTY")
            return
        places = [part.strip(" ()") for part in body.split(",")]
        numbers = places[0].split()
        if kind not in {"POINT", "MULTIPOINT"} or len(places) > 1 or not 2 <= len(numbers) <= 4:
            self.miss("GEOMETRY_NOT_POINT", kind if len(places) == 1 else f"{kind} of {len(places)} points")
        else:
            self.add(numbers[0], numbers[1], height=len(numbers) > 2)

    def columns(self) -> list[pl.Series]:
        """The two columns."""
        return [pl.Series(X, self.x, dtype=pl.String), pl.Series(Y, self.y, dtype=pl.String)]

    def notes(self, crs: str | None) -> tuple[ReadingNote, ...]:
        """What to say about the positions as a whole."""
        notes = [ReadingNote(code="CRS_OF_FILE", details={"crs": crs}, column=X)] if crs else []
        if self.heights:
            notes.append(ReadingNote(code="GEOMETRY_HEIGHT", details={"features": self.heights}, column=X))
        return tuple(notes)


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def number(value: float) -> str:
    """The shortest text that is this number: 12.3 and not 12.300000000000001, 1948 and not 1948.0."""
    return repr(value).removesuffix(".0")


def crs_name(said: Any, file: str) -> str:
    """The short name of a coordinate reference system (EPSG:4326), or its WKT where it has none.

    said : a name, WKT or PROJJSON as the file holds it. Grids that a description may point to are never followed.
    """
    if isinstance(said, str) and len(said) > MAX_CRS_TEXT:
        raise _unknown(said, file)
    try:
        crs = CRS.from_json_dict(said) if isinstance(said, dict) else CRS.from_user_input(said)
        while crs.is_bound and crs.source_crs is not None:
            crs = crs.source_crs
        authority = crs.to_authority(min_confidence=70)
    except (CRSError, RecursionError, TypeError, ValueError) as error:
        raise _unknown(said, file) from error
    if crs.is_compound and crs.sub_crs_list:
        return crs_name(crs.sub_crs_list[0].to_wkt(), file)
    if authority in {("OGC", "CRS84"), ("EPSG", "4326")}:
        return WGS84
    return ":".join(authority) if authority else str(crs.to_wkt())


def same_crs(one: str, other: str) -> bool:
    """Whether two names mean the same system, whatever they say of the order of axes."""
    if one == other:
        return True
    try:
        return bool(CRS.from_user_input(one).equals(CRS.from_user_input(other), ignore_axis_order=True))
    except CRSError:
        return False


def one_crs(found: Iterable[str], file: str) -> str | None:
    """The one system of all features; several are refused."""
    names = sorted(set(found))
    for other in names[1:]:
        if not same_crs(names[0], other):
            message = f"Features of {file} are in several coordinate systems: {names[0][:60]} and {other[:60]}."
            raise refuse("CRS_MIXED", message, file=file)
    return names[0] if names else None


def reserved_free(columns: Sequence[str], file: str) -> None:
    """Refuse a file that has columns of its own under the names of the geometry."""
    for name in (X, Y):
        if name in columns:
            message = f"{file} has a column {name!r}, which is the name of its geometry here."
            raise refuse("HEADER_DUPLICATE", message, file=file, column=name)


def _unknown(said: object, file: str) -> Exception:
    shown = str(said)[:80]
    return refuse("CRS_UNKNOWN", f"The coordinate reference system of {file} is not known: {shown!r}.", file=file)
