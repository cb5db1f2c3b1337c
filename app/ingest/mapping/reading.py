"""A mapping as it is written, in TOML or JSON, becomes a `MappingFile`, or is refused with the place of the mistake."""

import contextlib
import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

import polars as pl
from pyproj import CRS
from pyproj.exceptions import CRSError

from app.errors import MappingInvalid
from app.ingest.mapping.entries import Entry, EntryInvalid, check_tree
from app.ingest.mapping.model import (
    LAYER_FIELDS,
    LICENCE_CLASSES,
    SITE_FIELDS,
    SLUG,
    VISIT_FIELDS,
    Dataset,
    DateForm,
    DensityBasis,
    Extract,
    Field,
    FragmentsBasis,
    LicenceClass,
    LocationPrecision,
    MappingFile,
    SamplingDesign,
    Source,
    Status,
    SurfaceConvention,
    TableRole,
    TableSource,
    Transform,
    Value,
    Wide,
    WideColumn,
)
from app.ingest.numbers import Decimal
from app.soil.properties import PROPERTIES
from app.soil.units import UnknownUnit, depth_to_cm, factor

_LONGEST_PATTERN = 300
_REGISTERED = re.compile(r"[A-Za-z]{2,10}:[A-Za-z0-9]{1,12}")


def parse_mapping(text: str, file: str = "mapping.toml") -> MappingFile:
    """The mapping written in `text`. Raises MappingInvalid, which names the entry at fault."""
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MappingInvalid(f"{file} is no TOML: {error}.", code="MAPPING_INVALID", file=file) from error
    return mapping_from_json(tree, file)


def mapping_from_json(body: Mapping[str, Any], file: str | None = None) -> MappingFile:
    """The mapping in a tree of plain dictionaries and lists. Raises MappingInvalid, which names the entry at fault."""
    try:
        check_tree(body)
        return _mapping(Entry(body, ""))
    except EntryInvalid as error:
        raise MappingInvalid(f"{error}", code="MAPPING_INVALID", file=file, column=error.place or None) from error


def _mapping(entry: Entry) -> MappingFile:
    name = entry.needed("name")
    title = entry.needed("title")
    dataset, dataset_columns = _dataset(entry.entry("dataset"))
    tables = tuple(_table(item) for item in entry.entries("tables"))
    fields = _fields(entry.entry("fields"))
    values = tuple(_value(item) for item in entry.entries("values"))
    position = entry.entry("position") or Entry({}, "position")
    crs = position.text("crs")
    depths = entry.entry("depths") or Entry({}, "depths")
    dates = entry.entry("dates") or Entry({}, "dates")
    rows = entry.entry("rows") or Entry({}, "rows")
    mapping = MappingFile(
        name=name,
        title=title,
        tables=tables,
        fields=fields,
        values=values,
        dataset=dataset,
        dataset_columns=dataset_columns,
        crs=_crs(crs or "EPSG:4326"),
        crs_stated=crs is not None,
        western_longitudes=position.choice("longitude_sign", Literal["as_given", "west"], "as_given") == "west",
        area=cast("tuple[float, float, float, float] | None", position.numbers("area", 4)),
        area_name=position.text("area_name") or "the declared area",
        depth_unit=_length(depths.text("unit") or "cm"),
        upward_depths_are_heights=depths.truth("upward_depths_are_heights"),
        date_forms=_date_forms(dates.texts("forms")),
        ignore_rows_without_values=rows.truth("ignore_without_values"),
        glosis_methods=entry.choice("methods", Literal["glosis", "free"], "free") == "glosis",
        prepare=None
        if (said := entry.choice("prepare", Literal["glosis", "exchange", "nothing"], "nothing")) == "nothing"
        else said,
    )
    for part in (position, depths, dates, rows, entry):
        part.close()
    _check_whole(mapping)
    return mapping


def _dataset(entry: Entry | None) -> tuple[Dataset | None, dict[str, str]]:
    if entry is None:
        raise EntryInvalid("dataset", "is missing")
    columns = entry.words("from_columns")
    if columns:
        entry.close()
        return None, columns
    licence = entry.needed("licence")
    default = LICENCE_CLASSES.get(licence)
    slug = entry.needed("slug")
    if not SLUG.fullmatch(slug):
        raise EntryInvalid(entry.at("slug"), "may hold small letters, digits and hyphens")
    doi = entry.text("doi")
    if doi is not None and not doi.startswith("10."):
        raise EntryInvalid(entry.at("doi"), "must start with 10., without https://doi.org/")
    dataset = Dataset(
        slug=slug,
        title=entry.needed("title"),
        licence=licence,
        licence_class=entry.choice("licence_class", LicenceClass, default),
        description=entry.text("description"),
        citation=entry.text("citation"),
        doi=doi,
        licence_url=entry.text("licence_url"),
        source_url=entry.text("source_url"),
        owners=entry.texts("owners") or (),
        sampling_design=entry.choice("sampling_design", SamplingDesign, "legacy"),
        location_precision=entry.choice("location_precision", LocationPrecision, "exact"),
        surface_convention=entry.choice("surface_convention", SurfaceConvention, "mineral"),
        bulk_density_basis=entry.choice("bulk_density_basis", DensityBasis, "unknown"),
        coarse_fragments_basis=entry.choice("coarse_fragments_basis", FragmentsBasis, "unknown"),
        synthetic=entry.truth("synthetic"),
        embargo_until=_day(entry, "embargo_until"),
        consent=entry.text("consent"),
    )
    entry.close()
    return dataset, {}


def _day(entry: Entry, key: str) -> dt.date | None:
    """A day, as TOML or as text writes it."""
    found = entry.any(key)
    if isinstance(found, str):
        with contextlib.suppress(ValueError):
            return dt.date.fromisoformat(found)
    if found is not None and (not isinstance(found, dt.date) or isinstance(found, dt.datetime)):
        raise EntryInvalid(entry.at(key), "must be a day such as 2027-12-31")
    return found


def _table(entry: Entry) -> TableSource:
    first, last = entry.rows("rows")
    table = TableSource(
        name=entry.needed("name"),
        role=entry.choice("role", TableRole),
        file=_file_name(entry),
        sheet=entry.text("sheet"),
        delimiter=entry.text("delimiter"),
        encoding=entry.text("encoding"),
        decimal=entry.choice("decimal", Decimal, "auto"),
        missing=entry.texts("missing") or (),
        key=entry.texts("key") or (),
        joined_to=entry.text("joined_to"),
        required=entry.texts("required"),
        header_row=entry.row("header_row", least=0),
        first_row=first,
        last_row=last,
        names=entry.texts("names"),
        extract=tuple(_extract(item) for item in entry.entries("extract")),
        wide=_wide(entry.entry("wide")),
    )
    entry.close()
    if table.header_row == 0 and table.names is None:
        raise EntryInvalid(entry.at("names"), "are missing: a table without header needs the names of its columns")
    if table.header_row is not None and first is not None and first <= table.header_row:
        raise EntryInvalid(entry.at("rows"), "must begin below the header")
    named = [name for name in table.names or () if name]
    if repeated := next((name for name in named if named.count(name) > 1), None):
        raise EntryInvalid(entry.at("names"), f"has {repeated!r} twice")
    return table


def _file_name(entry: Entry) -> str | None:
    """The name of a file beside the main one: a mapping may come from anyone, and must not point elsewhere."""
    name = entry.text("file")
    if name is not None and (not name.strip(". ") or any(mark in name for mark in "/\\:")):
        raise EntryInvalid(entry.at("file"), "must be the name of a file, without a folder")
    return name


def _extract(entry: Entry) -> Extract:
    extract = Extract(column=entry.needed("column"), pattern=entry.needed("pattern"))
    entry.close()
    groups(extract.pattern, entry.at("pattern"))
    return extract


def _wide(entry: Entry | None) -> Wide | None:
    if entry is None:
        return None
    wide = Wide(
        columns=tuple(_wide_column(item) for item in entry.entries("columns")),
        pattern=entry.text("pattern"),
        value=entry.text("value"),
    )
    entry.close()
    if (wide.pattern is None) == (not wide.columns):
        raise EntryInvalid(entry.place, "needs either columns or a pattern")
    if wide.pattern is not None and ("value" in groups(wide.pattern, entry.at("pattern"))) == (wide.value is not None):
        raise EntryInvalid(entry.at("value"), "must be named either by a group of the pattern or here")
    if wide.columns and wide.value is not None:
        raise EntryInvalid(entry.at("value"), "belongs to a pattern; listed columns name their own")
    if wide.columns:
        _check_wide_columns(wide, entry)
    return wide


def _check_wide_columns(wide: Wide, entry: Entry) -> None:
    names = set(wide.columns[0].words)
    values = {item.value for item in wide.columns}
    seen = set()
    for position, item in enumerate(wide.columns, start=1):
        place = f"{entry.at('columns')}[{position}]"
        if set(item.words) != names:
            raise EntryInvalid(place, f"must say the same as the others: {', '.join(sorted(names)) or 'nothing'}")
        if clash := values & names:
            raise EntryInvalid(place, f"has {min(clash)!r} both as a value and as a word")
        key = (item.value, tuple(sorted(item.words.items())))
        if key in seen:
            raise EntryInvalid(place, f"says the same as an earlier one of {item.value!r}")
        seen.add(key)


def _wide_column(entry: Entry) -> WideColumn:
    column, value = entry.needed("column"), entry.needed("value")
    return WideColumn(column=column, value=value, words=entry.rest())


def groups(pattern: str, place: str = "pattern") -> tuple[str, ...]:
    """Named groups of a pattern. It runs in linear time whatever it says, so that nobody can stop us with one."""
    if len(pattern) > _LONGEST_PATTERN:
        raise EntryInvalid(place, f"has more than {_LONGEST_PATTERN} characters")
    try:
        found = pl.Series([""]).str.extract_groups(pattern)
    except pl.exceptions.PolarsError as error:
        said = str(error).strip().splitlines()[-1].removeprefix("error: ")
        raise EntryInvalid(place, f"is no pattern we can read: {said}") from error
    fields = found.struct.fields if isinstance(found.dtype, pl.Struct) else []
    names = tuple(name for name in fields if not name.isdigit())
    if not names:
        raise EntryInvalid(place, "needs a named group, such as (?<depth>...)")
    return names


def _fields(entry: Entry | None) -> dict[str, Field]:
    if entry is None:
        raise EntryInvalid("fields", "is missing")
    known = {*SITE_FIELDS, *VISIT_FIELDS, *LAYER_FIELDS}
    fields = {}
    for name in entry.names():
        if name not in known:
            raise EntryInvalid(entry.at(name), f"is not a field; fields are: {', '.join(sorted(known))}")
        fields[name] = _sources(entry, name)
    return fields


def _sources(entry: Entry, key: str) -> Field:
    found = entry.any(key)
    place = entry.at(key)
    if isinstance(found, list):
        return tuple(_source(Entry(item, f"{place}[{i}]")) for i, item in enumerate(found, start=1))
    return (_source(Entry(found, place)),)


def _source(entry: Entry) -> Source:
    source = Source(
        column=entry.text("column"),
        constant=entry.text("constant"),
        template=entry.text("template"),
        words=entry.words("words"),
        otherwise=entry.text("otherwise"),
        empty=entry.text("empty"),
    )
    entry.close()
    if sum(item is not None for item in (source.column, source.constant, source.template)) != 1:
        raise EntryInvalid(entry.place, "needs exactly one of: column, constant, template")
    return source


def _constant_or_sources(entry: Entry, key: str) -> Field:
    found = entry.any(key)
    if found is None:
        return ()
    if isinstance(found, str):
        return (Source(constant=found),)
    return _sources(Entry({key: found}, entry.place), key)


def _value(entry: Entry) -> Value:
    transforms = entry.texts("transforms") or ()
    for name in transforms:
        if name not in get_args(Transform):
            raise EntryInvalid(entry.at("transforms"), f"{name!r} is not one of: {', '.join(get_args(Transform))}")
    value = Value(
        column=entry.needed("column"),
        property=_constant_or_sources(entry, "property"),
        unit=_constant_or_sources(entry, "unit"),
        method=_constant_or_sources(entry, "method"),
        laboratory=_constant_or_sources(entry, "laboratory"),
        status=_constant_or_sources(entry, "status") or (Source(constant="measured"),),
        uncertainty=entry.text("uncertainty"),
        transforms=cast("tuple[Transform, ...]", transforms),
        assumed_when=entry.text("assumed_when"),
    )
    entry.close()
    properties = outcomes(value.property)
    if not properties:
        raise EntryInvalid(entry.at("property"), "is missing")
    if unknown := sorted(properties - PROPERTIES.keys()):
        raise EntryInvalid(entry.at("property"), f"{unknown[0]!r} is not one of: {', '.join(PROPERTIES)}")
    if strange := sorted(outcomes(value.status) - set(get_args(Status))):
        raise EntryInvalid(entry.at("status"), f"{strange[0]!r} is not one of: {', '.join(get_args(Status))}")
    if not value.unit:
        raise EntryInvalid(entry.at("unit"), "is missing: no unit is ever guessed")
    for source in value.unit:
        if source.constant is not None:
            _check_unit(entry.at("unit"), source.constant, properties)
    return value


def outcomes(sources: Field) -> set[str]:
    """The words that a field with constants and translations can result in."""
    found = {word for source in sources for word in (source.constant, source.otherwise, source.empty) if word}
    return found | {word for source in sources for word in source.words.values()}


def _check_unit(place: str, unit: str, properties: set[str]) -> None:
    for code in properties:
        try:
            factor(code, unit)
        except UnknownUnit as error:
            raise EntryInvalid(place, str(error)) from error


def _length(unit: str) -> str:
    try:
        depth_to_cm(1.0, unit)
    except UnknownUnit as error:
        raise EntryInvalid("depths.unit", str(error)) from error
    return unit


def _crs(name: str) -> str:
    """A system by its code in a register: a definition in words of PROJ could name files and addresses."""
    place = "position.crs"
    if not _REGISTERED.fullmatch(name):
        raise EntryInvalid(place, f"{name!r} is no code of a register, such as EPSG:4326")
    try:
        crs = CRS.from_user_input(name)
    except CRSError as error:
        raise EntryInvalid(place, f"{name!r} is not known") from error
    if not (crs.is_geographic or crs.is_projected):
        raise EntryInvalid(place, f"{name!r} ({crs.name}) has no east and north")
    return name


def _date_forms(forms: tuple[str, ...] | None) -> tuple[DateForm, ...]:
    for form in forms or ():
        if form not in get_args(DateForm):
            raise EntryInvalid("dates.forms", f"{form!r} is not one of: {', '.join(get_args(DateForm))}")
    return cast("tuple[DateForm, ...]", forms) or ("day", "month", "year")


def _check_whole(mapping: MappingFile) -> None:
    """What no single entry shows: the tables fit together and no needed field is missing."""
    _check_tables(mapping)
    for name in ("site_id", "longitude", "latitude"):
        if name not in mapping.fields:
            raise EntryInvalid(f"fields.{name}", "is missing")
    ways = ({"top_cm", "bottom_cm"}, {"top_cm", "thickness_cm"}, {"middle_cm", "thickness_cm"}, {"depth_range"})
    if not any(way <= mapping.fields.keys() for way in ways):
        raise EntryInvalid(
            "fields", "need top_cm and bottom_cm, or depth_range, or thickness_cm with top_cm or middle_cm"
        )
    if not mapping.values:
        raise EntryInvalid("values", "are missing")
    if len({value.column for value in mapping.values}) != len(mapping.values):
        raise EntryInvalid("values", "name a column twice")


def _check_tables(mapping: MappingFile) -> None:
    roles = [table.role for table in mapping.tables]
    if roles.count("layers") != 1 or roles.count("sites") > 1:
        raise EntryInvalid("tables", "need exactly one table with role layers and at most one with role sites")
    names = [table.name for table in mapping.tables]
    for table in mapping.tables:
        place = f"tables.{table.name}"
        if names.count(table.name) > 1:
            raise EntryInvalid(place, "is named twice")
        if len(names) > 1 and not table.file and not table.sheet:
            raise EntryInvalid(place, "needs a file or a sheet")
        if table.role != "layers" and not table.key:
            raise EntryInvalid(place, "needs a key to join it by")
        if table.role == "lookup" and table.joined_to not in {mapping.main.name, mapping.sites.name}:
            raise EntryInvalid(f"{place}.joined_to", "must name the table with role layers or sites")
