"""One file, or the folder of one source, becomes clean frames and a report: all of it in memory, nothing stored.

What cannot be understood as a whole raises `RefusedFile`. Everything else is in the report: each row that is read is
stored, refused or ignored, and the ledger closes.
"""

import dataclasses
import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from app.ingest.checks import ENTRY_CHECKS, LAYER_CHECKS, SITE_CHECKS, VALUE_CHECKS, VISIT_CHECKS, Check
from app.ingest.columns import check_header, columns_read, required_columns
from app.ingest.draft import Draft, Finding, Locate, Place, tally
from app.ingest.geometry import column_findings, geometry_findings, position_from_geometry, with_system
from app.ingest.harmonise import (
    clean,
    group_sites,
    group_visits,
    move_to_mineral_surface,
    place_of,
    read_entries,
    read_layers,
    read_results,
)
from app.ingest.mapping import LAYER_FIELDS, LICENCE_CLASSES, Dataset, MappingFile, SamplingDesign, TableSource
from app.ingest.prepare import prepared
from app.ingest.readers import MAX_BYTES, Table, read_table, refuse
from app.ingest.report import Notebook, Report, TableLedger, ValueLedger
from app.ingest.wide import ORIGIN, needed, origins, reshape


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingested:
    """What an import gives to the database: canonical frames, the dataset they belong to, and the report.

    sites : site_key, longitude, latitude [degree, WGS 84], position_text, position_crs, coord_uncertainty_m [m],
        country_code, cluster, name, flags, file, sheet, row
    visits : visit_key, site_key, profile_id, replicate, sampling_kind, sampled_from, sampled_to, date_precision,
        campaign, land_use, management, rock_depth_cm [cm], stratum, inclusion_weight, wrb, wrb_version, usda, remarks,
        file, sheet, row
    layers : layer_key, visit_key, own_id, top_cm, bottom_cm [cm, down positive, zero at the mineral surface], kind,
        horizon, flags, file, sheet, row
    results : layer_key, property, value [canonical unit of the property], qualifier, uncertainty, reported_value,
        reported_unit, method, laboratory, status, flags, column; words that repeat are enumerated or categorical
    """

    dataset: Dataset
    mapping: str
    sites: pl.DataFrame
    visits: pl.DataFrame
    layers: pl.DataFrame
    results: pl.DataFrame
    report: Report
    located: pl.DataFrame
    """site_key, region_id and distance_m (0 inside) of the sites that were placed in a country."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """A table with the columns that are read, cleaned.

    The table's own frame is emptied once it is cleaned: a million rows of text need not be held twice. Rows that may
    repeat others are kept whole in `repeats`, with their index as `i` behind a NUL.
    """

    source: TableSource
    table: Table
    frame: pl.DataFrame
    repeats: pl.DataFrame


def read(
    path: Path,
    mapping: MappingFile,
    *,
    today: dt.date,
    max_bytes: int = MAX_BYTES,
    locate: Locate | None = None,
    notebook: Notebook | None = None,
) -> Ingested:
    """Read, harmonise and check a file with a mapping.

    path : the file, or the folder that holds the files the mapping names.
    today : the day of the import; a sample cannot be younger.
    max_bytes : limit for each file. [byte]
    locate : finds the country of each site; without it no site is placed in one.
    notebook : takes the issues; without it one that keeps examples only.

    Raises RefusedFile when a file cannot be read or understood as a whole.
    """
    notebook = notebook or Notebook()
    mapping, known = prepared(path, mapping, max_bytes)
    parts = {
        source.name: _read_part(mapping, source, _locate(path, mapping, source), notebook, max_bytes, known)
        for source in mapping.tables
    }
    parts = _shared_sheets(parts, mapping)
    _note_outside(parts.values(), notebook)
    main, sites = parts[mapping.main.name], parts[mapping.sites.name]
    dataset = mapping.dataset or _dataset_of(mapping, main)
    mapping = with_system(mapping, sites.table)
    draft = Draft(mapping, notebook, today, locate)
    main, sites = _join_lookups(draft, parts, main), _join_lookups(draft, parts, sites)
    draft.origins = origins(mapping, main.frame)
    missing, of_values = _add_layers(draft, main)
    if sites.source is main.source:
        _add_entries(draft, main, alone=True)
    else:
        _add_entries(draft, sites, alone=False)
        _link(draft, main, sites)
    # Text that has been read is let go before the checks need memory of their own.
    parts = {name: _emptied(part) for name, part in parts.items()}
    main, sites = _of_layers(mapping, main), _emptied(sites)
    _harmonise_and_check(draft, main, of_values)
    return _assemble(draft, dataset, parts, missing)


def _emptied(part: _Part) -> _Part:
    return dataclasses.replace(part, frame=part.frame.clear(), repeats=part.repeats.clear())


def _of_layers(mapping: MappingFile, main: _Part) -> _Part:
    """The main table with only those columns that the fields of layers come from."""
    fields = (field for name, field in mapping.fields.items() if name in LAYER_FIELDS)
    wanted = {column for field in fields for source in field for column in source.columns}
    # One column stays where all fields are constants: a frame without columns has no rows either.
    kept = [name for name in main.frame.columns if name in wanted] or main.frame.columns[:1]
    return dataclasses.replace(main, frame=main.frame.select(kept), repeats=main.repeats.clear())


def files_of(path: Path, mapping: MappingFile) -> list[Path]:
    """The files that a mapping reads, given one of them or their folder; a workbook's sheets are one file."""
    return list(dict.fromkeys(_locate(path, mapping, source) for source in mapping.tables))


def _locate(path: Path, mapping: MappingFile, source: TableSource) -> Path:
    if path.is_dir():
        name = source.file or mapping.main.file
        if name is None:
            message = f"{path.name} is a folder; the mapping {mapping.name} reads one file: name it."
            raise refuse("FILE_NOT_FOUND", message, file=path.name)
        return path / name
    if source.role == "layers" or source.file is None:
        return path
    return path.parent / source.file


def _read_part(
    mapping: MappingFile,
    source: TableSource,
    path: Path,
    notebook: Notebook,
    max_bytes: int,
    known: Mapping[str, Table],
) -> _Part:
    table = known.get(source.name) or read_table(
        path,
        sheet=source.sheet,
        wanted=frozenset(needed(source, required_columns(mapping, source))),
        delimiter=source.delimiter,
        encoding=source.encoding,
        header_row=source.header_row,
        names=source.names,
        first_row=source.first_row,
        last_row=source.last_row,
        max_bytes=max_bytes,
    )
    table = position_from_geometry(mapping, source, reshape(table, source))
    for note in table.notes:
        notebook.count(note.code)
        notebook.example(
            note.code,
            note.details,
            file=table.file,
            sheet=table.sheet,
            row=note.row,
            column=note.column,
            value=note.value,
        )
    check_header(mapping, source, table, notebook)
    notebook.count("ROW_RAGGED", len(table.ragged))
    notebook.count("ROW_BLANK", len(table.blank))
    for row, found in table.ragged:
        details = {"found": found, "expected": table.width}
        notebook.example("ROW_RAGGED", details, file=table.file, sheet=table.sheet, row=row)
    for row in table.blank:
        notebook.example("ROW_BLANK", {}, file=table.file, sheet=table.sheet, row=row)
    frame = clean(table, columns_read(mapping, source), source.missing, notebook)
    # Equal hashes are compared in full later: a row is never dropped because of a collision.
    suspects = table.frame.hash_rows().is_duplicated().arg_true()
    repeats = table.frame[suspects].with_columns(suspects.cast(pl.Int64).alias("\x00i"))
    return _Part(
        source=source, table=dataclasses.replace(table, frame=table.frame.clear()), frame=frame, repeats=repeats
    )


def _shared_sheets(parts: Mapping[str, _Part], mapping: MappingFile) -> dict[str, _Part]:
    """Where several tables stand in one sheet, what lies outside all of them is counted once, for the main one."""
    found = dict(parts)
    first = sorted(found, key=lambda name: name != mapping.main.name)
    for name in first:
        part = found[name]
        sheet = [
            other
            for other in first
            if (found[other].table.file, found[other].table.sheet) == (part.table.file, part.table.sheet)
        ]
        if len(sheet) == 1:
            continue
        mine: tuple[int, ...] = ()
        blank: tuple[int, ...] = ()
        if sheet[0] == name:
            read = {row for other in sheet for row in found[other].table.rows}
            read |= {found[other].table.header for other in sheet}
            read |= {row for other in sheet for row in found[other].table.blank}
            mine = tuple(row for row in part.table.outside if row not in read)
            blank = tuple(row for row in part.table.outside_blank if row not in read)
        table = dataclasses.replace(part.table, outside=mine, outside_blank=blank)
        found[name] = dataclasses.replace(part, table=table)
    return found


def _note_outside(parts: Iterable[_Part], notebook: Notebook) -> None:
    for table in (part.table for part in parts):
        for code, rows in (("ROW_OUTSIDE", table.outside), ("ROW_BLANK", table.outside_blank)):
            notebook.count(code, len(rows))
            for row in rows[: notebook.room(code, table.file)]:
                notebook.example(code, {}, file=table.file, sheet=table.sheet, row=row)


# Tables are joined ---------------------------------------------------------------------------------------------------


def _join_lookups(draft: Draft, parts: Mapping[str, _Part], part: _Part) -> _Part:
    """The table with the columns of the tables that are joined to it, as `table.column`."""
    frame = part.frame
    for other in parts.values():
        if other.source.role != "lookup" or other.source.joined_to != part.source.name:
            continue
        key = list(other.source.key)
        name = f"table {other.source.name}"
        if name not in draft.frames:
            draft.add(name, pl.DataFrame({"row": other.table.rows}), place_of(other.table))
            _stop_repeated(draft, name, other)
            nameless = other.frame.select(pl.any_horizontal(pl.col(key).is_null())).to_series().arg_true()
            draft.apply(Finding(code="KEY_MISSING", on=name, where=pl.DataFrame({"i": nameless.cast(pl.Int64)})))
            referenced = other.frame.join(frame.select(key).unique(), on=key, how="semi")
            index = other.frame.with_row_index("i").join(frame.select(key).unique(), on=key, how="anti")
            index = index.filter(pl.all_horizontal(pl.col(key).is_not_null()))
            idle = pl.DataFrame({"i": index["i"].cast(pl.Int64)}) if referenced.height < other.frame.height else None
            if idle is not None:
                draft.apply(Finding(code="NOT_REFERENCED", on=name, where=idle.sort("i")))
        numbered = other.frame.with_columns(other.table.rows.alias(f"{ORIGIN}row"))
        kept = numbered.filter(pl.Series(draft.marks[name].alive))
        renamed = kept.rename({column: f"{other.source.name}.{column}" for column in kept.columns if column not in key})
        frame = frame.join(renamed, on=key, how="left", maintain_order="left")
    return dataclasses.replace(part, frame=frame)


def _stop_repeated(draft: Draft, name: str, part: _Part) -> None:
    """Repeated rows are passed over; rows that share a key with different content are all refused."""
    _stop_duplicates(draft, name, part)
    keys = part.frame.select(part.source.key).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int64).alias("i"), pl.Series("alive", draft.marks[name].alive)
    )
    shared = (
        keys.filter("alive", *(pl.col(column).is_not_null() for column in part.source.key))
        .with_columns(times=pl.len().over(part.source.key))
        .filter(pl.col("times") > 1)
        .select("i", "times", pl.concat_str(part.source.key, separator=" / ").alias("key"))
    )
    draft.apply(Finding(code="KEY_REPEATED", on=name, where=shared))


def _stop_duplicates(draft: Draft, name: str, part: _Part) -> None:
    """Rows that repeat an earlier row in every column of the file."""
    if part.repeats.is_empty():
        return
    index = part.repeats["\x00i"]
    columns = part.table.frame.columns
    first = (
        part.repeats.with_columns(part.table.rows.gather(index).alias("\x00row"))
        .filter(pl.Series(draft.marks[name].alive).gather(index))
        .with_columns(pl.col("\x00row").first().over(columns).alias("\x00first"))
        .filter(pl.col("\x00row") > pl.col("\x00first"))
        .select(pl.col("\x00i").alias("i"), pl.col("\x00first").alias("first"))
    )
    draft.apply(Finding(code="DUPLICATE_ROW", on=name, where=first))


def _link(draft: Draft, main: _Part, sites: _Part) -> None:
    """Tell each layer the row of the site table that it belongs to."""
    key = list(sites.source.key)
    index = sites.frame.select(key).with_row_index("entry").unique(key, keep="first", maintain_order=True)
    entry = main.frame.select(key).join(index, on=key, how="left", maintain_order="left")["entry"]
    draft.frames["layers"] = draft.frames["layers"].with_columns(entry)
    label = pl.concat_str([pl.col(name).fill_null("(empty)") for name in key], separator=" / ").alias("key")
    orphans = (
        main.frame.select(label)
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("i"), entry, pl.lit(sites.table.file).alias("table"))
        .filter(pl.col("entry").is_null())
        .drop("entry")
    )
    draft.apply(Finding(code="ORPHAN", on="layers", where=orphans))


# Frames are filled and checked ---------------------------------------------------------------------------------------


def _add_layers(draft: Draft, main: _Part) -> tuple[dict[str, int], list[Finding]]:
    """Add layers and results as they are read; the missing cells of each value column, and findings about values."""
    place = place_of(main.table)
    rows = main.table.rows
    draft.add(
        "layers", pl.DataFrame({"row": rows, "entry": pl.int_range(len(rows), dtype=pl.UInt32, eager=True)}), place
    )
    results, findings, missing = read_results(draft.mapping, main.frame, main.table, draft.notebook)
    draft.add("results", results, place)
    _apply(draft, column_findings(main.table, results))
    if draft.mapping.ignore_rows_without_values:
        empty = np.bincount(results["layer"].to_numpy(), minlength=len(rows)) == 0
        draft.apply(Finding(code="NO_VALUES", on="layers", where=pl.DataFrame({"i": np.flatnonzero(empty)})))
    _stop_duplicates(draft, "layers", main)
    return missing, findings


def _add_entries(draft: Draft, sites: _Part, *, alone: bool) -> None:
    """Add the rows that say where and when; `alone` when they are the layer rows themselves."""
    entries, findings = read_entries(draft.mapping, sites.frame, sites.table.rows)
    draft.add("entries", entries, place_of(sites.table), marks=draft.marks["layers"] if alone else None)
    _apply(draft, geometry_findings(sites.table))
    if not alone:
        _stop_repeated(draft, "entries", sites)
    _apply(draft, findings)


def _harmonise_and_check(draft: Draft, main: _Part, of_values: Iterable[Finding]) -> None:
    """From rows that were read to frames that can be stored; the order decides which fault a row is refused for."""
    _run(draft, ENTRY_CHECKS)
    _apply(draft, group_sites(draft))
    _run(draft, SITE_CHECKS)
    draft.spread()
    _apply(draft, group_visits(draft))
    _run(draft, VISIT_CHECKS)
    draft.spread()
    draft.frames["entries"] = draft.frames["entries"].select("row", "site", "visit")

    layers, findings = read_layers(draft.mapping, main.frame, main.table.rows)
    entry = draft.frames["layers"]["entry"]
    visit = draft.frames["entries"]["visit"].gather(entry.fill_null(0)).set(entry.is_null(), None)
    draft.frames["layers"] = layers.with_columns(entry, visit.alias("visit"))
    _apply(draft, findings)
    _apply(draft, move_to_mineral_surface(draft))
    _run(draft, LAYER_CHECKS)
    _apply(draft, of_values)
    _run(draft, VALUE_CHECKS)


def _apply(draft: Draft, findings: Iterable[Finding]) -> None:
    for finding in findings:
        draft.apply(finding)


def _run(draft: Draft, checks: Iterable[Check]) -> None:
    for check in checks:
        _apply(draft, check(draft))


# What is handed on ---------------------------------------------------------------------------------------------------

_VISIT_COLUMNS = (
    "visit_key",
    "site_key",
    "profile_id",
    "replicate",
    "sampling_kind",
    "sampled_from",
    "sampled_to",
    "date_precision",
    "campaign",
    "land_use",
    "management",
    "rock_depth_cm",
    "stratum",
    "inclusion_weight",
    "wrb",
    "wrb_version",
    "usda",
    "remarks",
)


_RESULT_COLUMNS = (
    "property",
    "value",
    "qualifier",
    "uncertainty",
    "reported_value",
    "reported_unit",
    "method",
    "laboratory",
    "status",
)


def _assemble(draft: Draft, dataset: Dataset, parts: Mapping[str, _Part], missing: Mapping[str, int]) -> Ingested:
    """Frames of what stands, and the report."""
    report = draft.notebook.close(_table_ledgers(draft, parts), _value_ledgers(draft, parts, missing))
    layers = draft.frames["layers"]
    standing = draft.alive("layers")
    number = np.cumsum(standing) - 1
    entries = draft.frames["entries"]
    used = entries.filter(pl.Series(draft.alive("entries")))
    visits = draft.frames["visits"].with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("visit"))
    visits = visits.filter(pl.col("visit").is_in(used["visit"].unique().implode()))
    sites = draft.frames["sites"].with_columns(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("site"), draft.marks["sites"].flags()
    )
    sites = sites.filter(pl.col("site").is_in(visits["site"].unique().implode()))
    keys = draft.frames["visits"]["visit_key"]
    kept = pl.Series(standing)
    layers_out = layers.with_columns(draft.marks["layers"].flags()).filter(kept)
    results_out = _standing_results(draft, number)
    return Ingested(
        dataset=dataset,
        mapping=draft.mapping.name,
        sites=sites.select(
            "site_key",
            "longitude",
            "latitude",
            "position_text",
            "position_crs",
            "coord_uncertainty_m",
            "country_code",
            "cluster",
            pl.col("site_name").alias("name"),
            "flags",
            *_origin(draft.places["sites"]),
        ),
        visits=visits.select(*_VISIT_COLUMNS, *_origin(draft.places["visits"])),
        layers=layers_out.select(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("layer_key"),
            keys.gather(layers_out["visit"]).alias("visit_key"),
            "own_id",
            "top_cm",
            "bottom_cm",
            "kind",
            "horizon",
            "flags",
            *_origin(draft.places["layers"]),
        ),
        results=results_out,
        located=draft.located.join(sites.select("site_key"), on="site_key", how="semi"),
        report=report,
    )


def _standing_results(draft: Draft, number: NDArray[np.int64]) -> pl.DataFrame:
    """The results that stand, with the number of their layer.

    The draft gives its own away, column by column: they are the most of what it holds in memory.
    """
    stands = pl.Series(draft.alive("results"))
    results = draft.frames.pop("results")
    columns = {
        "layer_key": pl.Series(number[results["layer"].to_numpy()], dtype=pl.Int64),
        **{name: results[name] for name in _RESULT_COLUMNS},
        "flags": draft.marks["results"].flags(),
        "column": _read_from(draft, results),
    }
    del results
    if not stands.all():
        for name in tuple(columns):
            columns[name] = columns[name].filter(stands)
    return pl.DataFrame([column.alias(name) for name, column in columns.items()])


def _read_from(draft: Draft, results: pl.DataFrame) -> pl.Series:
    """The column that each result was read from, also where the columns of values were made of others."""
    if not draft.origins:
        return results["column"]
    column = results["column"].cast(pl.String)
    for name, origin in draft.origins.items():
        mine = column == name
        if mine.any():
            column = column.zip_with(~mine, origin.gather(results["layer"]))
    return column


def _origin(place: Place) -> list[pl.Expr]:
    return [pl.lit(place.file).alias("file"), pl.lit(place.sheet, pl.String).alias("sheet"), pl.col("row")]


def _table_ledgers(draft: Draft, parts: Mapping[str, _Part]) -> list[TableLedger]:
    ledgers = []
    for part in parts.values():
        name = {"layers": "layers", "sites": "entries"}.get(part.source.role, f"table {part.source.name}")
        stored, refused, ignored = tally(draft.marks[name].numbers)
        draft.notebook.rows(part.table, draft.marks[name].numbers)
        if part.table.ragged:
            refused["ROW_RAGGED"] = len(part.table.ragged)
        if blank := len(part.table.blank) + len(part.table.outside_blank):
            ignored["ROW_BLANK"] = blank
        if part.table.outside:
            ignored["ROW_OUTSIDE"] = len(part.table.outside)
        ledgers.append(
            TableLedger(
                file=part.table.file,
                sheet=part.table.sheet,
                rows_read=part.table.rows_read,
                stored=stored,
                refused=refused,
                ignored=ignored,
            )
        )
    return ledgers


def _value_ledgers(draft: Draft, parts: Mapping[str, _Part], missing: Mapping[str, int]) -> list[ValueLedger]:
    table = parts[draft.mapping.main.name].table
    results = draft.frames["results"]
    own = draft.marks["results"].numbers
    of_row = draft.marks["layers"].numbers[results["layer"].to_numpy()]
    reason = np.where(own > 0, own, of_row)
    ledgers = []
    for column, absent in missing.items():
        stored, refused, ignored = tally(reason[(results["column"] == column).to_numpy()])
        ledgers.append(
            ValueLedger(
                file=table.file,
                sheet=table.sheet,
                column=column,
                values_read=len(table.rows),
                stored=stored,
                missing=absent,
                refused=refused,
                ignored=ignored,
            )
        )
    return ledgers


# The dataset, where the file says what it is -------------------------------------------------------------------------


def _dataset_of(mapping: MappingFile, main: _Part) -> Dataset:
    said = {name: _one(main, column) for name, column in mapping.dataset_columns.items()}
    licence = _licence(main, said.get("licence"), mapping.dataset_columns.get("licence"))
    title = said.get("title") or Path(main.table.file).stem
    design = said.get("sampling_design") or "legacy"
    if design not in get_args(SamplingDesign):
        message = f"The design {design!r} is not one of: {', '.join(get_args(SamplingDesign))}."
        raise refuse(
            "DATASET_INVALID", message, file=main.table.file, column=mapping.dataset_columns["sampling_design"]
        )
    return Dataset(
        slug=_slug(title),
        title=title,
        licence=licence,
        licence_class=LICENCE_CLASSES[licence],
        sampling_design=cast("SamplingDesign", design),
        contact_orcid=said.get("contact_orcid"),
    )


def _one(part: _Part, column: str) -> str | None:
    """The one value of a column that describes the whole dataset."""
    if column not in part.frame.columns:
        return None
    words = part.frame[column].unique(maintain_order=True).drop_nulls()
    if len(words) > 1:
        second = int(part.table.rows[int((part.frame[column] == words[1]).arg_true()[0])])
        message = f"Column {column} says {words[0]!r} and, in row {second}, {words[1]!r}."
        raise refuse("DATASET_MIXED", message, file=part.table.file, row=second, column=column, value=str(words[1]))
    return str(words[0]) if len(words) else None


def _licence(part: _Part, said: str | None, column: str | None) -> str:
    known = {name.casefold(): name for name in LICENCE_CLASSES}
    spelling = re.sub(r"[\s_]+", "-", said or "").casefold()
    if spelling not in known:
        what = f"The licence {said!r} is not known" if said else "No row names a licence"
        message = f"{what}; known are: {', '.join(LICENCE_CLASSES)}."
        raise refuse("LICENCE_UNKNOWN", message, file=part.table.file, column=column, value=said)
    return known[spelling]


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-") or "dataset"
