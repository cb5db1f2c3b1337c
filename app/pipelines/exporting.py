"""A stored dataset becomes a file: as tables for any program, or as a GloSIS workbook; read back, it is the same dataset.

Each value is written as it was reported, where that text reads back to the very number that is stored, and otherwise as
the stored number in the canonical unit, with all of its digits.
"""

import csv
import datetime as dt
import io
import os
import zipfile
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import polars as pl
import xlsxwriter
from sqlalchemy import Connection

from app.db import datasets, exports
from app.errors import Conflict, InputRefused, NotFound
from app.ingest import exchange
from app.ingest.cells import guarded, guarded_text
from app.ingest.glosis_sheets import sheets
from app.ingest.mapping import Dataset
from app.ingest.numbers import parse_numbers
from app.soil.properties import PROPERTIES
from app.soil.units import UnknownUnit, factor, known_units

Kind = Literal["glosis", "csv"]
Positions = Literal["exact", "published"]
SUFFIX = {"glosis": ".xlsx", "csv": ".zip"}
MEDIA = {
    "glosis": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "application/zip",
}
KEPT_FOR = dt.timedelta(hours=24)
"""How long the file of an export can be fetched."""
SHEET_ROWS = 1_000_000
"""Most layers of a workbook: a sheet ends at 1,048,576 rows."""


def make_export(connection: Connection, export_id: UUID, folder: Path) -> str | None:
    """Make the file of an export that was asked for; returns its name below `folder`, None where it was forgotten."""
    asked = exports.find(connection, export_id)
    if asked is None or asked.state != "waiting":
        return None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"{export_id}{SUFFIX[asked.kind]}"
    try:
        write(connection, asked.dataset_id, asked.kind, asked.positions, folder / name)
    except (InputRefused, Conflict, NotFound) as error:
        exports.finish(connection, export_id, fault=str(error))
        return None
    exports.finish(connection, export_id, path=name)
    return name


def give_up(connection: Connection, export_id: UUID) -> None:
    """Say of an export that its job failed every time."""
    asked = exports.find(connection, export_id)
    if asked is not None and asked.state == "waiting":
        exports.finish(connection, export_id, fault="The file could not be made. Operators find the reason in the log.")


def tidy(connection: Connection, folder: Path) -> int:
    """Forget exports after their day and remove their files; returns how many."""
    paths = exports.forget(connection, before=dt.datetime.now(dt.UTC) - KEPT_FOR)
    for name in paths:
        (folder / name).unlink(missing_ok=True)
    oldest = (dt.datetime.now(dt.UTC) - KEPT_FOR).timestamp()
    for file in folder.iterdir() if folder.is_dir() else ():
        # What a killed process left behind.
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)
    return len(paths)


def write(connection: Connection, dataset_id: UUID, kind: Kind, positions: Positions, target: Path) -> int:
    """Write a dataset to `target`, whole or not at all; returns the number of layers.

    Raises
    ------
    Conflict
        If there is nothing to write, or more than the format can hold.
    """
    terms = terms_of(connection, dataset_id)
    frame = exchange_frame(connection, dataset_id, terms, exact=positions == "exact")
    if frame.is_empty():
        where = "published" if positions == "published" else "stored"
        raise Conflict(f"No layer of {terms.slug} is {where}.")
    if kind == "glosis" and frame.height > SHEET_ROWS:
        raise Conflict(f"{terms.slug} has {frame.height:,} layers; a workbook holds {SHEET_ROWS:,}. Export it as csv.")
    part = target.with_name(f".{target.name}.part")
    try:
        (_write_workbook if kind == "glosis" else _write_tables)(frame, terms, positions, part)
        os.replace(part, target)  # noqa: PTH105 - replaces in one step on every system
    finally:
        part.unlink(missing_ok=True)
    return frame.height


def terms_of(connection: Connection, dataset_id: UUID) -> Dataset:
    """What is registered of a dataset."""
    row = datasets.by_id(connection, dataset_id)
    owners = exports.owners(connection, dataset_id)
    return Dataset(
        slug=row.slug,
        title=row.title,
        licence=row.licence,
        licence_class=row.licence_class,
        description=row.description,
        citation=row.citation,
        doi=row.doi,
        licence_url=row.licence_url,
        source_url=row.source_url,
        owners=owners,
        sampling_design=row.sampling_design,
        location_precision=row.location_precision,
        surface_convention=row.surface_convention,
        bulk_density_basis=row.bulk_density_basis,
        coarse_fragments_basis=row.coarse_fragments_basis,
        synthetic=row.synthetic,
    )


# The exchange form -----------------------------------------------------------------------------------------------------


def exchange_frame(connection: Connection, dataset_id: UUID, terms: Dataset, *, exact: bool) -> pl.DataFrame:
    """A dataset in the exchange form: columns of text, null where there is nothing; only columns that are used."""
    layers = exports.layers(connection, dataset_id, exact=exact)
    x, y = _coordinates(layers)
    dates = pl.DataFrame(
        {
            "day": layers["sampled_from"].dt.strftime("%Y-%m-%d"),
            "month": layers["sampled_from"].dt.strftime("%Y-%m"),
            "year": layers["sampled_from"].dt.strftime("%Y"),
            "precision": layers["date_precision"],
        }
    )
    date = dates.select(
        pl.when(precision="day").then("day").when(precision="month").then("month").when(precision="year").then("year")
    ).to_series()
    made = {
        "longitude": x,
        "latitude": y,
        "sampling_date": date,
        "surface_convention": pl.Series(["mineral"], dtype=pl.String).new_from_index(0, layers.height),
        **{
            column: pl.Series([said], dtype=pl.String).new_from_index(0, layers.height)
            for column, said in zip(
                exchange.TERMS.values(), (terms.title, terms.licence, terms.sampling_design), strict=True
            )
        },
    }
    columns = [
        _text(made[name] if name in made else layers[name]).alias(name)
        for name in (*exchange.FIELDS.values(), *exchange.TERMS.values())
    ]
    return pl.DataFrame([*columns, *_values(layers, exports.results(connection, dataset_id, exact=exact))])


def _text(column: pl.Series) -> pl.Series:
    if column.dtype != pl.Float64:
        return column.cast(pl.String)
    return pl.Series(column.name, [None if x is None else repr(x).removesuffix(".0") for x in column], dtype=pl.String)


def _coordinates(layers: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Coordinates as they were given, where these are the stored ones, else with six decimals or more."""
    given = layers["position_text"].str.split_exact(" ", 1).struct.rename_fields(["x", "y"]).struct.unnest()
    found = []
    for axis, name in (("x", "longitude"), ("y", "latitude")):
        said = given[axis].cast(pl.Float64, strict=False)
        same = (said == layers[name]).fill_null(value=False)
        long = pl.Series([_decimals(x) for x in layers[name]], dtype=pl.String)
        found.append(given[axis].zip_with(same, long))
    return found[0], found[1]


def _decimals(value: float | None) -> str | None:
    """A coordinate with all its digits; fewer than six decimals would say that it is a rounded one."""
    if value is None:
        return None
    text = repr(value)
    if "e" in text:
        return f"{value:.20f}".rstrip("0")
    return text + "0" * max(0, 6 - len(text.partition(".")[2]))


def _values(layers: pl.DataFrame, results: pl.DataFrame) -> list[pl.Series]:
    """Columns of values with unit, method, laboratory, status and uncertainty, for each property that occurs."""
    if results.is_empty():
        return []
    again = results.with_columns(number=pl.int_range(pl.len()).over("layer", "property") + 1)
    most = int(again["number"].max())  # type: ignore[arg-type]  # a number, since there are rows
    if most > exchange.SAME_MAX:
        raise Conflict(f"A layer has {most} values of one property; an export holds {exchange.SAME_MAX}.")
    place = layers.select("layer", pl.int_range(pl.len(), dtype=pl.Int64).alias("at"))
    again = _written(again).join(place, on="layer", how="left", maintain_order="left")
    columns = []
    for name, code in exchange.value_columns():
        number = int(name.removeprefix(code).removeprefix("_") or 1)
        mine = again.filter((pl.col("property") == code) & (pl.col("number") == number))
        if mine.is_empty():
            continue
        for part, source in (("", "text"), *((f"_{part}", part) for part in exchange.SUFFIXES)):
            blank = pl.Series(f"{name}{part}", [None], dtype=pl.String).new_from_index(0, layers.height)
            columns.append(blank.scatter(mine["at"], mine[source]))
    return columns


def _written(results: pl.DataFrame) -> pl.DataFrame:
    """Text, unit and uncertainty of each value, so that reading them gives what is stored."""
    read = parse_numbers(results["reported_value"], decimal=".")
    pairs = results.select("property", "reported_unit").unique()
    factors = pl.Series([_factor(*pair) for pair in pairs.iter_rows()], dtype=pl.Float64)
    times = results.select("property", "reported_unit").join(
        pairs.with_columns(factors.alias("times")), on=["property", "reported_unit"], how="left", maintain_order="left"
    )["times"]
    uncertainty = results["uncertainty"]
    same = (
        (read.value * times == results["value"])
        & (read.qualifier.cast(pl.String) == results["qualifier"])
        & (uncertainty.is_null() | (uncertainty / times * times == uncertainty))
    ).fill_null(value=False)
    sign = results["qualifier"].replace({"=": ""})
    plain = sign + _text(results["value"])
    canonical = results["property"].replace_strict({code: known_units(code)[0] for code in PROPERTIES})
    return results.with_columns(
        results["reported_value"].zip_with(same, plain).alias("text"),
        results["reported_unit"].zip_with(same, canonical).alias("unit"),
        _text((uncertainty / times).zip_with(same, uncertainty)).alias("uncertainty"),
    )


def _factor(code: str, unit: str) -> float | None:
    try:
        return factor(code, unit)
    except UnknownUnit:
        return None


# Files -----------------------------------------------------------------------------------------------------------------


def _about(terms: Dataset, positions: Positions, frame: pl.DataFrame) -> list[tuple[str, str]]:
    """What everybody who uses the file must know."""
    said = [
        ("Title", terms.title),
        ("Description", terms.description),
        ("Owners", "; ".join(terms.owners) or None),
        ("Licence", terms.licence),
        ("Licence text", terms.licence_url),
        ("Licence class", terms.licence_class),
        ("Citation", terms.citation),
        ("DOI", f"https://doi.org/{terms.doi}" if terms.doi else None),
        ("Source", terms.source_url),
        ("Sampling design", terms.sampling_design),
        ("Synthetic", "These data were made by a generator, not measured." if terms.synthetic else None),
        ("Positions", {"exact": "exact: do not pass them on", "published": "as published"}[positions]),
        ("Depths", "cm below the mineral surface; organic layers above it are negative"),
        ("Layers", f"{frame.height}"),
        ("Written", dt.datetime.now(dt.UTC).date().isoformat()),
        (
            "Apostrophes",
            "One before =, +, - or @ keeps a text from being taken for a formula; it is no part of the text.",
        ),
    ]
    return [(name, text) for name, text in said if text]


def _dictionary(frame: pl.DataFrame) -> list[tuple[str, str, str, str]]:
    """Column, property, canonical unit and definition of each column of values."""
    return [
        (name, entry.title, entry.unit, entry.definition)
        for name, code in exchange.value_columns()
        if name in frame.columns
        for entry in (PROPERTIES[code],)
    ]


def _write_tables(frame: pl.DataFrame, terms: Dataset, positions: Positions, target: Path) -> None:
    """A ZIP with the table, the mapping that reads it, its terms, and what its columns mean."""
    present = [name for name, _ in exchange.value_columns() if name in frame.columns]
    mapping = exchange.mapping_text(terms, present=present)
    about = "".join(f"{name}: {text}\n" for name, text in _about(terms, positions, frame))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(exchange.TABLE, "w", force_zip64=True) as table:
            frame.with_columns(guarded(column) for column in frame.get_columns()).write_csv(
                table, line_terminator="\r\n"
            )
        archive.writestr("mapping.toml", mapping)
        archive.writestr("README.txt", about)
        archive.writestr("dictionary.csv", _csv([("column", "property", "unit", "definition"), *_dictionary(frame)]))


def _csv(rows: list[tuple[str, ...]]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows([guarded_text(cell) for cell in row] for row in rows)
    return stream.getvalue()


def _write_workbook(frame: pl.DataFrame, terms: Dataset, positions: Positions, target: Path) -> None:
    """A GloSIS workbook, with what it cannot hold in the sheet Observatory."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(target, options) as book:
        book.set_properties({"title": terms.title, "comments": f"{terms.licence}. {terms.citation or ''}"})
        bold = book.add_format({"bold": True})
        for made in sheets(frame, terms.owners):
            sheet = book.add_worksheet(made.name)
            first = 0
            if made.groups is not None:
                for column, name in enumerate(made.frame.columns):
                    if name in made.groups:
                        sheet.write_string(0, column, made.groups[name], bold)
                first = 1
            for column, name in enumerate(made.frame.columns):
                sheet.write_string(first, column, name, bold)
            sheet.freeze_panes(first + 1, 0)
            _rows(sheet, made.frame, first + 1)
        _plain_sheet(book, "About", [("Term", "Value"), *_about(terms, positions, frame)], bold)
        header = ("Column", "Property", "Unit", "Definition")
        _plain_sheet(book, "Dictionary", [header, *_dictionary(frame)], bold)


def _rows(sheet: Any, frame: pl.DataFrame, first: int) -> None:
    texts = [guarded(column) if column.dtype == pl.String else column for column in frame.get_columns()]
    for number, cells in enumerate(zip(*texts, strict=True), start=first):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(number, column, cell[:32_767])
            elif cell is not None:
                sheet.write_number(number, column, cell)


def _plain_sheet(book: Any, name: str, rows: list[tuple[str, ...]], bold: Any) -> None:
    sheet = book.add_worksheet(name)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write_string(number, column, guarded_text(cell), None if number else bold)
