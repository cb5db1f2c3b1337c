"""Small files in our column schema, and the shortest way to read them."""

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from app.ingest.mapping import MappingFile, load_mapping, parse_mapping
from app.ingest.read import Ingested, read
from app.ingest.report import Issue

TODAY = dt.date(2026, 1, 1)

ROW: Mapping[str, Any] = {
    "site_id": "S1",
    "profile_id": "P1",
    "longitude": "36.74062",
    "latitude": "-1.24955",
    "sampling_date": "2019-03-14",
    "top_cm": "0",
    "bottom_cm": "20",
    "soc": "18.4",
    "soc_unit": "g/kg",
    "soc_method": "OrgC_dc-ht-analyser",
    "licence": "CC-BY-4.0",
}


def row(**cells: Any) -> dict[str, Any]:
    return {**ROW, **cells}


def profile(*depths: tuple[Any, Any], **cells: Any) -> list[dict[str, Any]]:
    return [row(top_cm=top, bottom_cm=bottom, **cells) for top, bottom in depths]


def written(folder: Path, rows: Sequence[Mapping[str, Any]], *, name: str = "soil.csv", delimiter: str = ",") -> Path:
    columns = list(dict.fromkeys(column for cells in rows for column in cells))
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, delimiter=delimiter, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def ingested(folder: Path, *rows: Mapping[str, Any], **options: Any) -> Ingested:
    return read(written(folder, rows), load_mapping(), today=TODAY, **options)


def issue(found: Ingested, code: str) -> Issue:
    (only,) = [item for item in found.report.issues if item.code == code]
    return only


def refused(found: Ingested) -> dict[str, int]:
    return dict(found.report.ledger[0].refused)


def values(found: Ingested, code: str) -> list[float]:
    return found.results.filter(pl.col("property") == code)["value"].to_list()


def mapping_of(text: str = "", **replace: str) -> MappingFile:
    """A small mapping of one table with the columns id, x, y, top, bottom, c; `text` is put at its end."""
    parts = {
        "dataset": 'slug = "small"\ntitle = "Small"\nlicence = "CC0-1.0"',
        "tables": 'name = "layers"\nrole = "layers"',
        "fields": 'site_id = { column = "id" }\nlongitude = { column = "x" }\nlatitude = { column = "y" }\n'
        'top_cm = { column = "top" }\nbottom_cm = { column = "bottom" }',
        "values": 'column = "c"\nproperty = "soc"\nunit = "g/kg"',
        **replace,
    }
    head = 'name = "small"\ntitle = "Small"\n'
    return parse_mapping(
        f"{head}[dataset]\n{parts['dataset']}\n[[tables]]\n{parts['tables']}\n[fields]\n{parts['fields']}\n"
        f"[[values]]\n{parts['values']}\n{text}\n"
    )


def mapped(folder: Path, mapping: MappingFile, lines: str) -> Ingested:
    path = folder / "small.csv"
    path.write_text(lines, encoding="utf-8")
    return read(path, mapping, today=TODAY)
