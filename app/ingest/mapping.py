"""A mapping says, in a TOML file, how the tables of one source become our columns. Nothing about a source is in code.

`load_mapping` reads a packaged mapping by its name or any other by its path, and refuses what it does not understand:
an unknown key in a mapping would be a silent mistake in every row. `docs/import.md` explains the format by example.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from app.errors import MappingInvalid
from app.ingest.numbers import Decimal
from app.soil.properties import PROPERTIES
from app.soil.units import UnknownUnit, depth_to_cm, factor

TableRole = Literal["layers", "sites", "lookup"]
SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
"""Short names of datasets, as they stand in addresses."""
LicenceClass = Literal["open", "attribution", "non_commercial", "aggregate_only", "display_generalised_only"]
LocationPrecision = Literal["exact", "100m", "1km", "10km", "region"]
SurfaceConvention = Literal["mineral", "organic_top"]
SamplingDesign = Literal["srs", "stratified", "grid", "purposive", "legacy"]
DensityBasis = Literal["fine_earth", "whole", "fine_per_total", "unknown"]
FragmentsBasis = Literal["volume", "mass", "unknown"]
Status = Literal["measured", "estimated", "assumed", "unknown"]
DateForm = Literal["day", "month", "year", "dd/mm/yyyy"]
Transform = Literal["complement"]

SITE_FIELDS = ("site_id", "site_name", "longitude", "latitude", "coord_uncertainty_m", "country_code", "cluster")
VISIT_FIELDS = (
    "profile_id",
    "replicate",
    "sampling_kind",
    "sampling_date",
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
LAYER_FIELDS = (
    "layer_id",
    "top_cm",
    "bottom_cm",
    "depth_range",
    "thickness_cm",
    "horizon",
    "kind",
    "surface_convention",
)

LICENCE_CLASSES: Mapping[str, LicenceClass] = MappingProxyType(
    {
        "CC0-1.0": "open",
        "PDDL-1.0": "open",
        "CC-BY-3.0": "attribution",
        "CC-BY-4.0": "attribution",
        "CC-BY-SA-3.0": "attribution",
        "CC-BY-SA-4.0": "attribution",
        "ODC-By-1.0": "attribution",
        "ODbL-1.0": "attribution",
        "OGL-UK-3.0": "attribution",
        "etalab-2.0": "attribution",
        "CC-BY-NC-3.0": "non_commercial",
        "CC-BY-NC-4.0": "non_commercial",
        "CC-BY-NC-SA-3.0": "non_commercial",
        "CC-BY-NC-SA-4.0": "non_commercial",
    }
)
"""SPDX identifiers of licences that allow adapted data to be published, and the class that follows from each."""

STANDARD = "standard"
_TEMPLATE_PART = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One place a text may come from: a column, a constant or a template of several columns.

    `words` translates what is found; a key that ends in * stands for all words that start so. `otherwise` is the
    translation of any other word, `empty` of an empty cell.
    """

    column: str | None = None
    constant: str | None = None
    template: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    empty: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read."""
        if self.template is not None:
            return tuple(_TEMPLATE_PART.findall(self.template))
        return (self.column,) if self.column is not None else ()


Field = tuple[Source, ...]
"""Sources in order of preference: the first that is not empty counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One column of measured values. `property` may depend on the row, as may unit, method, laboratory and status."""

    column: str
    property: Field
    unit: Field
    method: Field = ()
    laboratory: Field = ()
    status: Field = (Source(constant="measured"),)
    uncertainty: str | None = None
    transforms: tuple[Transform, ...] = ()
    assumed_when: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSource:
    """One table: where it is, how it is written, and for a joined one the key and the table it is joined to."""

    name: str
    role: TableRole
    file: str | None = None
    sheet: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: Decimal = "auto"
    missing: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    joined_to: str | None = None
    required: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """The dataset that a file belongs to: what is asked once and not in every row."""

    slug: str
    title: str
    licence: str
    licence_class: LicenceClass
    description: str | None = None
    citation: str | None = None
    doi: str | None = None
    licence_url: str | None = None
    source_url: str | None = None
    owners: tuple[str, ...] = ()
    sampling_design: SamplingDesign = "legacy"
    location_precision: LocationPrecision = "exact"
    surface_convention: SurfaceConvention = "mineral"
    bulk_density_basis: DensityBasis = "unknown"
    coarse_fragments_basis: FragmentsBasis = "unknown"
    contact_orcid: str | None = None
    synthetic: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingFile:
    """A mapping as it was read. `dataset` is None where the file itself says what it is, in `dataset_columns`."""

    name: str
    title: str
    tables: tuple[TableSource, ...]
    fields: Mapping[str, Field]
    values: tuple[Value, ...]
    dataset: Dataset | None = None
    dataset_columns: Mapping[str, str] = field(default_factory=dict)
    crs: str = "EPSG:4326"
    western_longitudes: bool = False
    area: tuple[float, float, float, float] | None = None
    area_name: str = "the declared area"
    depth_unit: str = "cm"
    upward_depths_are_heights: bool = False
    date_forms: tuple[DateForm, ...] = ("day", "month", "year")
    ignore_rows_without_values: bool = False
    glosis_methods: bool = False

    @property
    def main(self) -> TableSource:
        """The table with a row for each layer."""
        return next(table for table in self.tables if table.role == "layers")

    @property
    def sites(self) -> TableSource:
        """The table that says where and when: a table of its own, or the main one."""
        return next((table for table in self.tables if table.role == "sites"), self.main)


def available_mappings() -> tuple[str, ...]:
    """Names of the packaged mappings."""
    folder = resources.files("app.ingest") / "mappings"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_mapping(name_or_path: str | Path = STANDARD) -> MappingFile:
    """A packaged mapping by its name, or any mapping by its path. Raises MappingInvalid."""
    if str(name_or_path) in available_mappings():
        text = (resources.files("app.ingest") / "mappings" / f"{name_or_path}.toml").read_text("utf-8")
        return parse_mapping(text, f"{name_or_path}.toml")
    path = Path(name_or_path)
    if path.suffix != ".toml" or not path.is_file():
        message = f"There is no mapping {str(name_or_path)!r}; packaged are: {', '.join(available_mappings())}."
        raise MappingInvalid(message, code="MAPPING_NOT_FOUND")
    return parse_mapping(path.read_text("utf-8"), path.name)


def parse_mapping(text: str, file: str = "mapping.toml") -> MappingFile:
    """The mapping written in `text`. Raises MappingInvalid, which names the entry at fault."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingInvalid(f"{file} is no TOML: {error}.", code="MAPPING_INVALID", file=file) from error
    try:
        return _mapping(_Entry(tree, ""))
    except _EntryInvalid as error:
        raise MappingInvalid(f"{error}", code="MAPPING_INVALID", file=file, column=error.place or None) from error


class _EntryInvalid(ValueError):
    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place


class _Entry:
    """A TOML table that is emptied while it is read; what is left over at the end is not understood."""

    def __init__(self, tree: object, place: str) -> None:
        if not isinstance(tree, dict):
            raise _EntryInvalid(place, "must be a table")
        self._tree: dict[str, Any] = dict(tree)
        self.place = place

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def text(self, key: str) -> str | None:
        found: str | None = self._take(key, str, "text")
        return found

    def needed(self, key: str) -> str:
        found = self.text(key)
        if not found:
            raise _EntryInvalid(self.at(key), "is missing")
        return found

    def truth(self, key: str) -> bool:
        return bool(self._take(key, bool, "true or false"))

    def choice(self, key: str, allowed: Any, default: str | None = None) -> Any:
        found = self.text(key)
        options: tuple[str, ...] = get_args(allowed)
        if found is None:
            if default is None:
                raise _EntryInvalid(self.at(key), f"is missing; one of: {', '.join(options)}")
            return default
        if found not in options:
            raise _EntryInvalid(self.at(key), f"{found!r} is not one of: {', '.join(options)}")
        return found

    def texts(self, key: str) -> tuple[str, ...] | None:
        found = self._take(key, list, "a list")
        if found is None:
            return None
        if not all(isinstance(item, str) for item in found):
            raise _EntryInvalid(self.at(key), "must be a list of texts")
        return tuple(found)

    def numbers(self, key: str, count: int) -> tuple[float, ...] | None:
        found = self._take(key, list, "a list")
        if found is None:
            return None
        if len(found) != count or not all(isinstance(item, int | float) for item in found):
            raise _EntryInvalid(self.at(key), f"must be a list of {count} numbers")
        return tuple(float(item) for item in found)

    def words(self, key: str) -> dict[str, str]:
        found = self._take(key, dict, "a table")
        if found is None:
            return {}
        if not all(isinstance(item, str) for item in found.values()):
            raise _EntryInvalid(self.at(key), "must translate texts to texts")
        return dict(found)

    def entry(self, key: str) -> "_Entry | None":
        found = self._tree.pop(key, None)
        return None if found is None else _Entry(found, self.at(key))

    def entries(self, key: str) -> "list[_Entry]":
        found = self._take(key, list, "a list of tables") or []
        return [_Entry(item, f"{self.at(key)}[{position}]") for position, item in enumerate(found, start=1)]

    def any(self, key: str) -> Any:
        return self._tree.pop(key, None)

    def names(self) -> tuple[str, ...]:
        return tuple(self._tree)

    def close(self) -> None:
        if self._tree:
            raise _EntryInvalid(self.at(next(iter(self._tree))), "is not understood here")

    def _take(self, key: str, kind: type, name: str) -> Any:
        found = self._tree.pop(key, None)
        if found is not None and not isinstance(found, kind):
            raise _EntryInvalid(self.at(key), f"must be {name}")
        return found


def _mapping(entry: _Entry) -> MappingFile:
    name = entry.needed("name")
    title = entry.needed("title")
    dataset, dataset_columns = _dataset(entry.entry("dataset"))
    tables = tuple(_table(item) for item in entry.entries("tables"))
    fields = _fields(entry.entry("fields"))
    values = tuple(_value(item) for item in entry.entries("values"))
    position = entry.entry("position") or _Entry({}, "position")
    depths = entry.entry("depths") or _Entry({}, "depths")
    dates = entry.entry("dates") or _Entry({}, "dates")
    rows = entry.entry("rows") or _Entry({}, "rows")
    mapping = MappingFile(
        name=name,
        title=title,
        tables=tables,
        fields=fields,
        values=values,
        dataset=dataset,
        dataset_columns=dataset_columns,
        crs=position.text("crs") or "EPSG:4326",
        western_longitudes=position.choice("longitude_sign", Literal["as_given", "west"], "as_given") == "west",
        area=cast("tuple[float, float, float, float] | None", position.numbers("area", 4)),
        area_name=position.text("area_name") or "the declared area",
        depth_unit=_length(depths.text("unit") or "cm"),
        upward_depths_are_heights=depths.truth("upward_depths_are_heights"),
        date_forms=_date_forms(dates.texts("forms")),
        ignore_rows_without_values=rows.truth("ignore_without_values"),
        glosis_methods=entry.choice("methods", Literal["glosis", "free"], "free") == "glosis",
    )
    for part in (position, depths, dates, rows, entry):
        part.close()
    _check_whole(mapping)
    return mapping


def _dataset(entry: _Entry | None) -> tuple[Dataset | None, dict[str, str]]:
    if entry is None:
        raise _EntryInvalid("dataset", "is missing")
    columns = entry.words("from_columns")
    if columns:
        entry.close()
        return None, columns
    licence = entry.needed("licence")
    default = LICENCE_CLASSES.get(licence)
    slug = entry.needed("slug")
    if not SLUG.fullmatch(slug):
        raise _EntryInvalid(entry.at("slug"), "may hold small letters, digits and hyphens")
    doi = entry.text("doi")
    if doi is not None and not doi.startswith("10."):
        raise _EntryInvalid(entry.at("doi"), "must start with 10., without https://doi.org/")
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
    )
    entry.close()
    return dataset, {}


def _table(entry: _Entry) -> TableSource:
    table = TableSource(
        name=entry.needed("name"),
        role=entry.choice("role", TableRole),
        file=entry.text("file"),
        sheet=entry.text("sheet"),
        delimiter=entry.text("delimiter"),
        encoding=entry.text("encoding"),
        decimal=entry.choice("decimal", Decimal, "auto"),
        missing=entry.texts("missing") or (),
        key=entry.texts("key") or (),
        joined_to=entry.text("joined_to"),
        required=entry.texts("required"),
    )
    entry.close()
    return table


def _fields(entry: _Entry | None) -> dict[str, Field]:
    if entry is None:
        raise _EntryInvalid("fields", "is missing")
    known = {*SITE_FIELDS, *VISIT_FIELDS, *LAYER_FIELDS}
    fields = {}
    for name in entry.names():
        if name not in known:
            raise _EntryInvalid(entry.at(name), f"is not a field; fields are: {', '.join(sorted(known))}")
        fields[name] = _sources(entry, name)
    return fields


def _sources(entry: _Entry, key: str) -> Field:
    found = entry.any(key)
    place = entry.at(key)
    if isinstance(found, list):
        return tuple(_source(_Entry(item, f"{place}[{i}]")) for i, item in enumerate(found, start=1))
    return (_source(_Entry(found, place)),)


def _source(entry: _Entry) -> Source:
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
        raise _EntryInvalid(entry.place, "needs exactly one of: column, constant, template")
    return source


def _constant_or_sources(entry: _Entry, key: str) -> Field:
    found = entry.any(key)
    if found is None:
        return ()
    if isinstance(found, str):
        return (Source(constant=found),)
    return _sources(_Entry({key: found}, entry.place), key)


def _value(entry: _Entry) -> Value:
    transforms = entry.texts("transforms") or ()
    for name in transforms:
        if name not in get_args(Transform):
            raise _EntryInvalid(entry.at("transforms"), f"{name!r} is not one of: {', '.join(get_args(Transform))}")
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
        raise _EntryInvalid(entry.at("property"), "is missing")
    if unknown := sorted(properties - PROPERTIES.keys()):
        raise _EntryInvalid(entry.at("property"), f"{unknown[0]!r} is not one of: {', '.join(PROPERTIES)}")
    if strange := sorted(outcomes(value.status) - set(get_args(Status))):
        raise _EntryInvalid(entry.at("status"), f"{strange[0]!r} is not one of: {', '.join(get_args(Status))}")
    if not value.unit:
        raise _EntryInvalid(entry.at("unit"), "is missing: no unit is ever guessed")
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
            raise _EntryInvalid(place, str(error)) from error


def _length(unit: str) -> str:
    try:
        depth_to_cm(1.0, unit)
    except UnknownUnit as error:
        raise _EntryInvalid("depths.unit", str(error)) from error
    return unit


def _date_forms(forms: tuple[str, ...] | None) -> tuple[DateForm, ...]:
    for form in forms or ():
        if form not in get_args(DateForm):
            raise _EntryInvalid("dates.forms", f"{form!r} is not one of: {', '.join(get_args(DateForm))}")
    return cast("tuple[DateForm, ...]", forms) or ("day", "month", "year")


def _check_whole(mapping: MappingFile) -> None:
    """What no single entry shows: the tables fit together and no needed field is missing."""
    _check_tables(mapping)
    for name in ("site_id", "longitude", "latitude"):
        if name not in mapping.fields:
            raise _EntryInvalid(f"fields.{name}", "is missing")
    if not {"top_cm", "bottom_cm"} <= mapping.fields.keys() and "depth_range" not in mapping.fields:
        raise _EntryInvalid("fields", "need top_cm and bottom_cm, or depth_range")
    if not mapping.values:
        raise _EntryInvalid("values", "are missing")
    if len({value.column for value in mapping.values}) != len(mapping.values):
        raise _EntryInvalid("values", "name a column twice")


def _check_tables(mapping: MappingFile) -> None:
    roles = [table.role for table in mapping.tables]
    if roles.count("layers") != 1 or roles.count("sites") > 1:
        raise _EntryInvalid("tables", "need exactly one table with role layers and at most one with role sites")
    names = [table.name for table in mapping.tables]
    for table in mapping.tables:
        place = f"tables.{table.name}"
        if names.count(table.name) > 1:
            raise _EntryInvalid(place, "is named twice")
        if len(names) > 1 and not table.file and not table.sheet:
            raise _EntryInvalid(place, "needs a file or a sheet")
        if table.role != "layers" and not table.key:
            raise _EntryInvalid(place, "needs a key to join it by")
        if table.role == "lookup" and table.joined_to not in {mapping.main.name, mapping.sites.name}:
            raise _EntryInvalid(f"{place}.joined_to", "must name the table with role layers or sites")
