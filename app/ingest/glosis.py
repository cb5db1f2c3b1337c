"""The GloSIS harmonisation workbook (FAO) becomes three tables that the mapping `glosis` joins.

What the workbook says twice is compared and never resolved by guess: the unit of a laboratory value stands in its
heading and in `Procedures`, and the numbers must fit it. Where they disagree the values of that column are refused.
Names of people and their addresses are not read at all.

A workbook that we wrote ourselves has a sheet `Observatory`, which holds every value as it is stored. It is taken in
place of the others, after they were found to say the same.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from app.ingest import glosis_words as words
from app.ingest.cells import restored
from app.ingest.exchange import NAME as EXCHANGE
from app.ingest.exchange import SAME_MAX
from app.ingest.glosis_sheets import OBSERVATORY, SPECIMENS, specimen_numbers
from app.ingest.mapping import MappingFile, load_mapping
from app.ingest.numbers import parse_numbers
from app.ingest.readers import ReadingNote, Table, refuse
from app.ingest.readers.table import ColumnFault, column_names, finish
from app.ingest.readers.workbook import Sheet, read_sheets
from app.ingest.wide import ORIGIN
from app.soil.properties import PROPERTIES
from app.soil.units import UnknownUnit, factor

PLOTS, PROFILES, ELEMENTS, PROCEDURES, METADATA = (
    "Plot Data",
    "Profile Data",
    "Element Data",
    "Procedures",
    "Metadata",
)
_HEADER_SEARCH = 6


def prepare(path: Path, mapping: MappingFile, max_bytes: int) -> tuple[MappingFile, dict[str, Table]]:
    """The mapping that reads a workbook, and its tables by their names in it. Raises RefusedFile."""
    sheets = read_sheets(path, (PLOTS, PROFILES, ELEMENTS, SPECIMENS, PROCEDURES, METADATA, OBSERVATORY), max_bytes)
    if OBSERVATORY in sheets:
        return _ours(path, mapping, sheets)
    for needed in (PLOTS, ELEMENTS, SPECIMENS):
        if needed not in sheets:
            message = f"{path.name} has no sheet {needed!r}: it is no GloSIS workbook."
            raise refuse("SHEET_MISSING", message, file=path.name)
    plots = _table(path.name, PLOTS, sheets[PLOTS], "profile_code")
    plots = _with_profiles(plots, path.name, sheets.get(PROFILES))
    if METADATA in sheets and sheets[METADATA].height > 2:
        note = ReadingNote(code="CONTACTS_LEFT_OUT", details={"sheet": METADATA})
        plots = dataclasses.replace(plots, notes=(*plots.notes, note))
    return mapping, {
        "plots": plots,
        "elements": _table(path.name, ELEMENTS, sheets[ELEMENTS], "element_code"),
        "specimens": _specimens(path.name, sheets[SPECIMENS], sheets.get(PROCEDURES)),
    }


# Sheets become tables ------------------------------------------------------------------------------------------------


def _table(file: str, name: str, sheet: Sheet, key: str) -> Table:
    """A sheet whose names stand in the row that holds `key`, below a row of groups or not."""
    top = [[words.plain(column[i] or "") for column in sheet.columns] for i in range(min(_HEADER_SEARCH, sheet.height))]
    header = next((i for i, row in enumerate(top) if key in (cell.casefold() for cell in row)), None)
    if header is None:
        message = f"Sheet {name!r} of {file} has no column {key!r} in its first rows."
        raise refuse("COLUMNS_MISSING", message, file=file, column=key)
    titles = _titles(top[header], top[header - 1] if header else [])
    names = column_names(titles, file, header + 1, name)
    body = [column.slice(header + 1) for column in sheet.columns]
    frame, changed = _plain_cells(pl.DataFrame([c.alias(title) for c, title in zip(body, names, strict=True)]))
    notes = [*sheet.notes]
    if changed:
        notes.append(ReadingNote(code="TEXT_NORMALISED", details={"cells": changed}))
    return finish(
        Table(
            file=file,
            sheet=name,
            frame=frame,
            rows=pl.int_range(header + 2, sheet.height + 1, dtype=pl.Int64, eager=True).alias("row"),
            width=len(names),
            notes=tuple(notes),
            header=header + 1,
        )
    )


def _titles(names: list[str], groups: list[str]) -> list[str]:
    """Names of columns; one that occurs again is told apart by its group, then by a number."""
    group, titles = "", list[str]()
    seen: dict[str, int] = {}
    for position, name in enumerate(names):
        group = groups[position] if position < len(groups) and groups[position] else group
        title = name
        if title and title in seen:
            title = f"{group}: {name}" if group else name
        count = seen[title] = seen.get(title, 0) + 1
        titles.append(f"{title} {count}" if title and count > 1 else title)
    return titles


def _plain_cells(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Cells without subscripts, odd blanks and blanks at their ends, and how many of them changed."""
    changed = 0
    columns = []
    for column in frame.get_columns():
        texts = column.unique().drop_nulls()
        odd = {text: words.plain(text) for text in texts if words.plain(text) != text}
        if odd:
            changed += int(column.is_in(list(odd)).sum())
            column = column.replace(odd)  # noqa: PLW2901 - the same column, cleaned
        columns.append(column)
    return pl.DataFrame(columns), changed


def _with_profiles(plots: Table, file: str, sheet: Sheet | None) -> Table:
    """The plots with the soil classes of their profiles, and list texts `CODE - label` as their codes."""
    frame = plots.frame
    land_use = next((name for name in frame.columns if name.casefold().replace(" ", "") == "landuse"), None)
    if land_use is not None:
        frame = frame.with_columns(pl.col(land_use).str.extract(r"^([A-Z]{1,2})[0-9]*(?:\s+-\s|$)").alias("land_use"))
    else:
        frame = frame.with_columns(pl.lit(None, pl.String).alias("land_use"))
    classes = {"WRB Soil Group": "wrb", "USDA order": "usda"}
    found: dict[str, str] = {}
    if sheet is not None and sheet.height > 2:
        profiles = _table_or_none(file, sheet)
        found = {name: title for name, title in classes.items() if profiles is not None and name in profiles.columns}
        if profiles is not None and found:
            once = profiles.filter(pl.col("profile_code").is_not_null()).unique("profile_code", keep="none")
            chosen = once.select("profile_code", *(pl.col(name).alias(title) for name, title in found.items()))
            frame = frame.join(chosen, on="profile_code", how="left", maintain_order="left")
    missing = [pl.lit(None, pl.String).alias(title) for title in classes.values() if title not in frame.columns]
    return dataclasses.replace(plots, frame=frame.with_columns(missing))


def _table_or_none(file: str, sheet: Sheet) -> pl.DataFrame | None:
    try:
        return _table(file, PROFILES, sheet, "profile_code").frame
    except Exception as error:
        if getattr(error, "code", "") == "HEADER_ONLY":
            return None
        raise


# Laboratory values -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Procedure:
    property: str | None
    code: str | None
    unit: str | None


def _specimens(file: str, sheet: Sheet, procedures: Sheet | None) -> Table:
    """Specimens with a column of values, unit and method for each property that we know."""
    table = _table(file, SPECIMENS, sheet, "specimen_code")
    said = _procedures(file, procedures)
    columns: list[pl.Series] = []
    faults: list[ColumnFault] = []
    notes = list(table.notes)
    used: dict[str, int] = {}
    for title in table.frame.columns:
        column = table.frame[title]
        base, unit = words.heading(title)
        procedure = said.get(base.casefold()) or said.get(words.plain(title).casefold())
        told = procedure or _Procedure(property=None, code=None, unit=None)
        code, agree = words.agreed(
            words.by_heading(base), words.by_name(told.property or ""), words.by_procedure(told.code or "")
        )
        if code is None or used.get(code, 0) >= SAME_MAX:
            if base.casefold() == "c":
                notes.append(ReadingNote(code="GLOSIS_PROPERTY_UNCLEAR", details={"heading": title}, column=title))
            columns.append(column)
            continue
        used[code] = used.get(code, 0) + 1
        name = code if used[code] == 1 else f"{code}_{used[code]}"
        taken = unit or told.unit or ("1" if code.startswith("ph") else None)
        columns += [
            column.alias(name),
            _constant(f"{name}_unit", taken, len(column)),
            _constant(f"{name}_method", told.code, len(column)),
            _constant(f"{ORIGIN}{name}", title, len(column)),
        ]
        if not agree:
            detail = f"the heading {title!r}, the property {told.property!r} and the procedure {told.code!r} differ"
            faults.append(ColumnFault(column=name, code="GLOSIS_PROPERTY_CONFLICT", details={"detail": detail}))
        elif fault := _unit_fault(code, column, unit, told.unit):
            faults.append(ColumnFault(column=name, code="GLOSIS_UNIT_CONFLICT", details={"detail": fault}))
    return dataclasses.replace(table, frame=pl.DataFrame(columns), notes=tuple(notes), column_faults=tuple(faults))


def _constant(name: str, text: str | None, height: int) -> pl.Series:
    return pl.Series(name, [text], dtype=pl.String).new_from_index(0, height)


def _procedures(file: str, sheet: Sheet | None) -> dict[str, _Procedure]:
    """What `Procedures` says of each heading, by the heading with and without its unit, in small letters."""
    if sheet is None or sheet.height < 2:
        return {}
    try:
        frame = _table(file, PROCEDURES, sheet, "soil_property").frame
    except Exception as error:
        if getattr(error, "code", "") == "HEADER_ONLY":
            return {}
        raise
    found: dict[str, _Procedure] = {}
    for row in frame.iter_rows(named=True):
        title = row.get("soil_property")
        if not title:
            continue
        told = _Procedure(
            property=row.get("property_phys_chem_id"),
            code=row.get("procedure_phys_chem_id"),
            unit=row.get("unit_of_measure_id"),
        )
        for key in (words.plain(title).casefold(), words.heading(title)[0].casefold()):
            found.setdefault(key, told)
    return found


def _unit_fault(code: str, column: pl.Series, heading: str | None, procedure: str | None) -> str | None:
    """Why the unit of a column cannot be relied on; None where all that is said fits."""
    factors = {}
    for place, unit in (("heading", heading), ("Procedures", procedure)):
        if unit is not None:
            try:
                factors[place] = (unit, factor(code, unit))
            except UnknownUnit:
                if place == "Procedures" and heading is not None:
                    return f"Procedures give the unit {unit!r}, which is none of this property, the heading {heading!r}"
    if len(factors) == 2 and factors["heading"][1] != factors["Procedures"][1]:
        return f"the heading says {factors['heading'][0]!r}, Procedures say {factors['Procedures'][0]!r}"
    usual = PROPERTIES[code].usual
    numbers = parse_numbers(column).value.drop_nulls()
    if not factors or usual is None or len(numbers) < 3:
        return None
    place, (unit, times) = next(iter(factors.items()))
    middle = float(np.median(numbers.to_numpy())) * times
    if middle > usual[1] or middle < usual[0] / 10:
        low, high = usual
        return f"{place} say {unit!r}, but half of the values would then lie beyond {middle:.3g} (usual: {low:g} to {high:g})"
    return None


# Our own workbooks -----------------------------------------------------------------------------------------------------


def _ours(path: Path, mapping: MappingFile, sheets: dict[str, Sheet]) -> tuple[MappingFile, dict[str, Table]]:
    sheet = sheets[OBSERVATORY]
    names = column_names([(column[0] or "").strip() for column in sheet.columns], path.name, 1, OBSERVATORY)
    frame = pl.DataFrame([restored(c.slice(1)).alias(title) for c, title in zip(sheet.columns, names, strict=True)])
    table = finish(
        Table(
            file=path.name,
            sheet=OBSERVATORY,
            frame=frame,
            rows=pl.int_range(2, sheet.height + 1, dtype=pl.Int64, eager=True).alias("row"),
            width=len(names),
            notes=sheet.notes,
        )
    )
    for fault in _differences(path.name, table.frame, sheets):
        raise fault
    exchange = load_mapping(EXCHANGE)
    dataset = mapping.dataset if mapping.dataset is None or mapping.dataset.slug != "glosis" else None
    if dataset is not None:
        exchange = dataclasses.replace(exchange, dataset=dataset, dataset_columns={})
    return exchange, {"layers": table}


def _differences(file: str, frame: pl.DataFrame, sheets: dict[str, Sheet]) -> Iterator[Exception]:
    """A refusal where somebody changed a number in `Specimen Data` and not in `Observatory`, or the other way."""
    if SPECIMENS not in sheets:
        return
    wanted = specimen_numbers(frame)
    sheet = sheets[SPECIMENS]
    found = {str(column[0] or "").strip(): column.slice(1) for column in sheet.columns}
    for heading, numbers in wanted.items():
        there = found.get(heading)
        read = parse_numbers(there, decimal=".").value if there is not None else pl.Series([], dtype=pl.Float64)
        read = read.extend_constant(None, max(0, len(numbers) - len(read)))
        a, b = numbers.to_numpy().astype(float), read.to_numpy().astype(float)[: len(numbers)]
        same = (np.isnan(a) & np.isnan(b)) | np.isclose(a, b, rtol=1e-12, atol=0)
        if not same.all():
            row = int(np.flatnonzero(~same)[0])
            message = (
                f"{file}: {heading!r} in row {row + 2} of {SPECIMENS!r} is {b[row]:.15g}, where the sheet "
                f"{OBSERVATORY!r} holds {a[row]:.15g}."
            )
            yield refuse("GLOSIS_SHEETS_DIFFER", message, file=file, row=row + 2, column=heading)
