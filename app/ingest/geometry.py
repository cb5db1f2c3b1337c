"""The geometry of a file as the position that a mapping asks for, and the coordinate system of both.

The geometry counts where the mapping names it, or where the file has none of the columns that the mapping names for the
position. The system that the file itself names wins over none; against another that the mapping states it is refused.
"""

import dataclasses

import polars as pl

from app.errors import MappingInvalid
from app.ingest.draft import Finding
from app.ingest.mapping import MappingFile, TableSource
from app.ingest.readers import Table, refuse
from app.ingest.readers.points import Points, X, Y, crs_name, one_crs, same_crs

_TEXT_NAMES = {"geometry", "geom", "the_geom", "wkt"}
_TEXT = r"(?i)^\s*(?:SRID=\d+;\s*)?[A-Z]+\s*(?:ZM|Z|M)?\s*(?:\(|EMPTY)"
_NOTES = {"CRS_OF_FILE", "GEOMETRY_HEIGHT"}


def position_from_geometry(mapping: MappingFile, source: TableSource, table: Table) -> Table:
    """The table with its geometry under the names that the mapping reads, or without the geometry's faults."""
    table = _with_text(table)
    if X not in table.frame.columns:
        return table
    named = {axis: _columns(mapping, axis) for axis in ("longitude", "latitude")}
    present = {*named["longitude"], *named["latitude"]} & set(table.frame.columns)
    if present & {X, Y}:
        return table
    if source is not mapping.sites or present or not all(named.values()):
        notes = tuple(note for note in table.notes if note.code not in _NOTES)
        return dataclasses.replace(table, crs=None, faults=(), notes=notes)
    frame = table.frame.with_columns(
        pl.col(X).alias(named["longitude"][0]), pl.col(Y).alias(named["latitude"][0])
    ).drop(X, Y)
    return dataclasses.replace(table, frame=frame, located=True)


def _with_text(table: Table) -> Table:
    """A table with a column of well-known text as one with a geometry; the text itself is then used up."""
    if X in table.frame.columns or table.header == 0:
        return table
    name = next((name for name in table.frame.columns if name.casefold() in _TEXT_NAMES), None)
    if name is None or not table.frame[name].str.contains(_TEXT).any():
        return table
    points = Points()
    for text in table.frame[name]:
        points.add_wkt(text)
    crs = one_crs((crs_name(f"EPSG:{srid}", table.file) for srid in points.srids), table.file)
    rows = table.rows.to_list()
    faults = tuple(dataclasses.replace(fault, row=rows[fault.row - 1]) for fault in points.faults)
    return dataclasses.replace(
        table,
        frame=table.frame.drop(name).with_columns(points.columns()),
        crs=crs,
        faults=faults,
        notes=(*table.notes, *points.notes(crs)),
    )


def _columns(mapping: MappingFile, axis: str) -> list[str]:
    return [source.column for source in mapping.fields.get(axis, ()) if source.column is not None]


def with_system(mapping: MappingFile, table: Table) -> MappingFile:
    """The mapping with the coordinate system in which the positions of the site table are. Raises RefusedFile."""
    reads = {X, Y} & {*_columns(mapping, "longitude"), *_columns(mapping, "latitude")}
    if not table.located and not (reads and X in table.frame.columns):
        return mapping
    if table.crs is None:
        if mapping.crs_stated:
            return mapping
        message = f"Neither {table.file} nor the mapping says in which coordinate system its points are."
        raise refuse("CRS_MISSING", message, file=table.file)
    if not mapping.crs_stated:
        return dataclasses.replace(mapping, crs=table.crs)
    if not same_crs(_stated(mapping), table.crs):
        message = f"The mapping states {mapping.crs}, {table.file} says that it is in {table.crs[:80]}."
        raise refuse("CRS_CONFLICT", message, file=table.file)
    return mapping


def _stated(mapping: MappingFile) -> str:
    try:
        return crs_name(mapping.crs, mapping.name)
    except Exception as error:
        message = f"The coordinate reference system {mapping.crs!r} is not known."
        raise MappingInvalid(message, code="MAPPING_INVALID", column="position.crs") from error


def column_findings(table: Table, results: pl.DataFrame) -> list[Finding]:
    """What makes all values of some columns unreliable, for each of their values."""
    column = results["column"].cast(pl.String)
    findings = []
    for fault in table.column_faults:
        rows = (column == fault.column).arg_true().cast(pl.Int64).alias("i")
        where = pl.DataFrame([rows]).with_columns(pl.lit(text).alias(name) for name, text in fault.details.items())
        findings.append(Finding(code=fault.code, on="results", where=where))
    return findings


def geometry_findings(table: Table) -> list[Finding]:
    """What is wrong with geometries, for the rows of the site table."""
    if not table.faults:
        return []
    faults = pl.DataFrame(
        {
            "row": [fault.row for fault in table.faults],
            "code": [fault.code for fault in table.faults],
            "found": [fault.found for fault in table.faults],
        },
        schema={"row": pl.Int64, "code": pl.String, "found": pl.String},
    )
    rows = pl.DataFrame({"row": table.rows.cast(pl.Int64)}).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("i")
    )
    placed = rows.join(faults, on="row", how="inner", maintain_order="left")
    return [
        Finding(code=str(code), on="entries", where=some.select("i", "found"), column="geometry")
        for (code,), some in placed.group_by("code", maintain_order=True)
    ]
