"""A `MappingFile` as a tree of plain dictionaries, ready for JSON, and as TOML: what is read again is the same mapping."""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from app.ingest.mapping.model import LICENCE_CLASSES, Dataset, Field, MappingFile, Source, TableSource, Value

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDTH = 118


def mapping_to_json(mapping: MappingFile) -> dict[str, Any]:
    """The tree that `mapping_from_json` reads; what has its default is left out."""
    tree: dict[str, Any] = {"name": mapping.name, "title": mapping.title}
    if mapping.glosis_methods:
        tree["methods"] = "glosis"
    if mapping.prepare is not None:
        tree["prepare"] = mapping.prepare
    tree["dataset"] = _dataset(mapping.dataset) if mapping.dataset else {"from_columns": dict(mapping.dataset_columns)}
    tree["tables"] = [_table(table) for table in mapping.tables]
    position: dict[str, Any] = {}
    if mapping.crs_stated:
        position["crs"] = mapping.crs
    if mapping.western_longitudes:
        position["longitude_sign"] = "west"
    if mapping.area is not None:
        position["area"] = list(mapping.area)
    if mapping.area_name != "the declared area":
        position["area_name"] = mapping.area_name
    depths: dict[str, Any] = {"unit": mapping.depth_unit} if mapping.depth_unit != "cm" else {}
    if mapping.upward_depths_are_heights:
        depths["upward_depths_are_heights"] = True
    parts = {
        "position": position,
        "depths": depths,
        "dates": {"forms": list(mapping.date_forms)},
        "rows": {"ignore_without_values": True} if mapping.ignore_rows_without_values else {},
    }
    tree |= {name: part for name, part in parts.items() if part}
    tree["fields"] = {name: _field(field) for name, field in mapping.fields.items()}
    tree["values"] = [_value(value) for value in mapping.values]
    return tree


def _dataset(dataset: Dataset) -> dict[str, Any]:
    said = _said(dataset)
    if LICENCE_CLASSES.get(dataset.licence) == dataset.licence_class:
        said.pop("licence_class", None)
    if dataset.embargo_until is not None:
        said["embargo_until"] = dataset.embargo_until.isoformat()
    return said


def _said(record: Any) -> dict[str, Any]:
    """Fields of a record that differ from their default; tuples as lists."""
    found = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if value != default:
            found[field.name] = list(value) if isinstance(value, tuple) else value
    return found


def _table(table: TableSource) -> dict[str, Any]:
    said = _said(table)
    first, last = said.pop("first_row", None), said.pop("last_row", None)
    if first is not None:
        said["rows"] = [first] if last is None else [first, last]
    for name in ("required", "names"):
        if (words := getattr(table, name)) is not None:
            said[name] = list(words)
    if table.extract:
        said["extract"] = [_said(item) for item in table.extract]
    if table.wide is not None:
        wide = _said(table.wide)
        if table.wide.columns:
            wide["columns"] = [
                {"column": item.column, "value": item.value, **item.words} for item in table.wide.columns
            ]
        said["wide"] = wide
    return said


def _source(source: Source) -> dict[str, Any]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in _said(source).items()}


def _field(field: Field) -> Any:
    return _source(field[0]) if len(field) == 1 else [_source(source) for source in field]


def _value(value: Value) -> dict[str, Any]:
    said: dict[str, Any] = {"column": value.column}
    for name in ("property", "unit", "method", "laboratory", "status"):
        field: Field = getattr(value, name)
        if name == "status" and field == (Source(constant="measured"),):
            continue
        if len(field) == 1 and field[0] == Source(constant=field[0].constant):
            said[name] = field[0].constant
        elif field:
            said[name] = _field(field)
    if value.uncertainty is not None:
        said["uncertainty"] = value.uncertainty
    if value.transforms:
        said["transforms"] = list(value.transforms)
    if value.assumed_when is not None:
        said["assumed_when"] = value.assumed_when
    return said


# TOML ------------------------------------------------------------------------------------------------------------------


def mapping_to_toml(mapping: MappingFile) -> str:
    """The mapping as a TOML file that a person can read and change."""
    tree = mapping_to_json(mapping)
    lines = [f"{name} = {_written(item)}" for name, item in tree.items() if isinstance(item, str)]
    for name, item in tree.items():
        if isinstance(item, Mapping):
            lines += ["", f"[{name}]", *_lines(item)]
        elif isinstance(item, list):
            for part in item:
                lines += ["", f"[[{name}]]", *_lines({k: v for k, v in part.items() if k not in {"wide", "extract"}})]
                for extract in part.get("extract", ()):
                    lines += ["", f"[[{name}.extract]]", *_lines(extract)]
                if "wide" in part:
                    lines += ["", f"[{name}.wide]", *_lines(part["wide"])]
    return "\n".join(lines) + "\n"


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(name)} = {_written(item, len(name) + 3)}" for name, item in table.items()]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    # A JSON string is a basic string of TOML, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _written(item: Any, before: int = 0) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return _text(item)
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_written(value)}" for name, value in item.items()) + " }"
    parts = [_written(part) for part in item]
    line = f"[{', '.join(parts)}]"
    if before + len(line) <= _WIDTH or not parts:
        return line
    return "[\n" + "".join(f"  {part},\n" for part in parts) + "]"
