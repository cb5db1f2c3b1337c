"""GeoJSON (RFC 7946) and GeoJSON text sequences (RFC 8142): features become rows, numbers stay as they are written.

The text is read feature by feature with the parser of the standard library. A driver that also follows references to
other files or services, or that guesses types, never sees it.
"""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from app.ingest.readers.package import MAX_CELLS
from app.ingest.readers.points import WGS84, Points, crs_name, one_crs, reserved_free
from app.ingest.readers.table import MAX_ROWS, ReadingNote, Table, column_names, finish, refuse

_SPACE = re.compile(r"[ \t\r\n\x1e]*")
_START = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n\x1e]*\{")
_GEOMETRIES = {"LineString", "Polygon", "MultiLineString", "MultiPolygon", "GeometryCollection"}


class _Fault(ValueError):
    """What is wrong with the text, and how many features were read before."""


def is_json(start: bytes) -> bool:
    """Whether a file that begins so is meant as JSON objects."""
    return _START.match(start) is not None


def read_geojson(path: Path) -> Table:
    """Read the features of a GeoJSON file as a table; the row number is the number of the feature."""
    name = path.name
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name} is not UTF-8, as GeoJSON must be: byte {error.start + 1} is no text."
        raise refuse("ENCODING_UNKNOWN", message, file=name) from error
    rows = _Rows(name)
    reader = _Reader(text, rows)
    try:
        reader.run()
    except (_Fault, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        message = f"{name} is no whole GeoJSON after feature {rows.count}: {what}."
        raise refuse("GEOFILE_BROKEN", message, file=name, row=rows.count + 1) from error
    try:
        return rows.table()
    except UnicodeEncodeError as error:
        message = f"{name} holds half of a character (\\u{ord(error.object[error.start]):04x})."
        raise refuse("GEOFILE_BROKEN", message, file=name) from error


class _Rows:
    """Features on their way into columns."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self.columns: dict[str, list[str | None]] = {}
        self.ids: list[str | None] = []
        self.points = Points()
        self.crs: set[str] = set()
        self.nested: set[str] = set()

    def add(self, feature: dict[str, Any]) -> None:
        """Take one feature."""
        properties = feature.get("properties")
        if properties is not None and not isinstance(properties, dict):
            raise _Fault("its properties are no object")
        for key, value in (properties or {}).items():
            self._cell(key.strip(), value)
        self.count += 1
        if self.count > MAX_ROWS:
            message = f"{self.name} has more than {MAX_ROWS:,} features."
            raise refuse("ROWS_TOO_MANY", message, file=self.name)
        for column in self.columns.values():
            if len(column) < self.count:
                column.append(None)
        identifier = feature.get("id")
        self.ids.append(identifier if isinstance(identifier, str) else None)
        self._geometry(feature.get("geometry"))
        if "crs" in feature:
            self.system(feature["crs"])

    def system(self, said: object) -> None:
        """Take the coordinate reference system that a collection or a feature names (GeoJSON of 2008)."""
        properties = said.get("properties") if isinstance(said, dict) else None
        name = properties.get("name") if isinstance(properties, dict) else None
        if said is not None and not isinstance(name, str):
            message = f"{self.name} refers to a coordinate system outside of itself; that is not followed."
            raise refuse("CRS_UNKNOWN", message, file=self.name)
        if isinstance(name, str) and name not in self.crs:
            self.crs.add(name)
            if len(self.crs) > 10:
                self._one_crs()

    def _one_crs(self) -> str:
        return one_crs({crs_name(name, self.name) for name in self.crs}, self.name) or WGS84

    def _cell(self, name: str, value: object) -> None:
        column = self.columns.get(name)
        if column is None:
            if (len(self.columns) + 1) * (self.count + 1) > MAX_CELLS:
                message = f"{self.name} has more than {MAX_CELLS} cells: properties differ from feature to feature."
                raise refuse("SHEET_TOO_LARGE", message, file=self.name, row=self.count + 1)
            column = self.columns[name] = [None] * self.count
        if len(column) > self.count:
            raise refuse(
                "HEADER_DUPLICATE",
                f"Feature {self.count + 1} of {self.name} has the property {name!r} twice.",
                file=self.name,
                row=self.count + 1,
                column=name,
            )
        if isinstance(value, dict | list):
            self.nested.add(name)
            value = None
        column.append({True: "TRUE", False: "FALSE"}[value] if isinstance(value, bool) else value)  # type: ignore[arg-type]

    def _geometry(self, said: object) -> None:
        points = self.points
        kind = said.get("type") if isinstance(said, dict) else None
        place = said.get("coordinates") if isinstance(said, dict) else None
        if said is None:
            points.miss("GEOMETRY_EMPTY", "nothing")
            return
        if kind == "MultiPoint" and isinstance(place, list):
            if len(place) != 1:
                points.miss("GEOMETRY_NOT_POINT" if place else "GEOMETRY_EMPTY", f"MultiPoint of {len(place)} points")
                return
            place = place[0]
        elif kind != "Point":
            points.miss("GEOMETRY_NOT_POINT", kind if kind in _GEOMETRIES else "not a geometry")
            return
        if not isinstance(place, list) or not all(isinstance(item, _Number) for item in place):
            points.miss("GEOMETRY_NOT_POINT", "Point without numbers")
        elif len(place) < 2:
            points.miss("GEOMETRY_EMPTY", f"{len(place)} coordinates")
        else:
            points.add(str(place[0]), str(place[1]), height=len(place) > 2)

    def table(self) -> Table:
        """The features as a table."""
        if not self.count:
            raise refuse("FILE_EMPTY", f"{self.name} holds no feature.", file=self.name)
        columns = {name: cells for name, cells in self.columns.items() if name not in self.nested}
        if "id" not in columns and any(self.ids):
            columns["id"] = self.ids
        reserved_free(list(columns), self.name)
        names = column_names(list(columns), self.name, row=1)
        crs = self._one_crs()
        nested = [ReadingNote(code="COLUMN_NESTED", details={}, column=name) for name in sorted(self.nested)]
        # A number is a text with a mark; polars wants the plain text.
        frame = pl.DataFrame(
            [
                *(
                    pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)
                    for name, cells in zip(names, columns.values(), strict=True)
                ),
                *self.points.columns(),
            ]
        )
        return finish(
            Table(
                file=self.name,
                sheet=None,
                frame=frame,
                rows=pl.int_range(1, self.count + 1, dtype=pl.Int64, eager=True).alias("row"),
                width=frame.width,
                notes=(*self.points.notes(crs), *nested),
                header=0,
                crs=crs,
                faults=tuple(self.points.faults),
            )
        )


class _Number(str):
    """The text of a number, told apart from a text in quotes."""

    __slots__ = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Fault(f"the name {next(name for name in names if names.count(name) > 1)[:60]!r} occurs twice")
    return found


class _Reader:
    """Goes through the text value by value, so that only one feature is held as objects."""

    def __init__(self, text: str, rows: _Rows) -> None:
        self.text = text
        self.at = 0
        self.rows = rows
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_object, parse_float=_Number, parse_int=_Number, parse_constant=_Number
        )

    def run(self) -> None:
        """Read all top-level objects: one collection, or a sequence of features."""
        while self._more():
            kind = self._object()
            if kind not in {"Feature", "FeatureCollection"}:
                message = f"{self.rows.name} is JSON, but no GeoJSON of features: its type is {str(kind)[:40]!r}."
                raise refuse("FORMAT_UNSUPPORTED", message, file=self.rows.name)

    def _more(self) -> bool:
        self._skip()
        return self.at < len(self.text)

    def _object(self) -> object:
        """Read one top-level object; its features are taken as they come. Returns its type."""
        self._expect("{")
        members: dict[str, Any] = {}
        taken = False
        while not self._is("}"):
            if members or taken:
                self._expect(",")
                self._skip()
            key = self._value()
            if not isinstance(key, str) or isinstance(key, _Number):
                raise _Fault("a name is no text")
            self._skip()
            self._expect(":")
            self._skip()
            if key in members or (key == "features" and taken):
                raise _Fault(f"the name {key[:60]!r} occurs twice")
            if key == "features" and self.text.startswith("[", self.at):
                self._features()
                taken = True
            else:
                members[key] = self._value()
            self._skip()
        if members.get("type") == "Feature" and not taken:
            self.rows.add(members)
        elif "crs" in members:
            self.rows.system(members["crs"])
        return members.get("type")

    def _features(self) -> None:
        self._expect("[")
        first = True
        while not self._is("]"):
            if not first:
                self._expect(",")
                self._skip()
            first = False
            feature = self._value()
            if not isinstance(feature, dict) or feature.get("type") != "Feature":
                raise _Fault("it is followed by something that is no feature")
            self.rows.add(feature)

    def _value(self) -> Any:
        try:
            value, self.at = self._decoder.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            line = self.text.count("\n", 0, error.pos) + 1
            raise _Fault(f"{error.msg[0].lower()}{error.msg[1:]} in line {line}") from error
        return value

    def _is(self, mark: str) -> bool:
        """Whether the next sign is `mark`, which is then passed."""
        self._skip()
        if self.text.startswith(mark, self.at):
            self.at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._is(mark):
            line = self.text.count("\n", 0, self.at) + 1
            raise _Fault(f"{mark!r} is missing in line {line}")

    def _skip(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
