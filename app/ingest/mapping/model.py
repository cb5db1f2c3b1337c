"""What a mapping says, as frozen records: tables, fields, values, and the dataset they belong to."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from app.ingest.numbers import Decimal

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
Prepare = Literal["glosis", "exchange"]
DateForm = Literal["day", "month", "year", "dd/mm/yyyy", "mm/dd/yyyy", "dd/mm/yy", "yyyymmdd", "excel"]
"""How dates are written. Of years with two digits, 69 to 99 are of the 20th century; excel is the number of days since 1899-12-30 by which spreadsheets keep them."""
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
    "middle_cm",
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
TEMPLATE_PART = re.compile(r"\{([^{}]+)\}")


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
            return tuple(TEMPLATE_PART.findall(self.template))
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
class Extract:
    """Parts of a text column become columns, one for each named group of the pattern."""

    column: str
    pattern: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WideColumn:
    """A column of a wide table whose cells become the column `value` of rows that carry `words`."""

    column: str
    value: str
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wide:
    """How columns of a wide table become rows: columns listed one by one, or found by a pattern in their names.

    The named groups of `pattern` become columns; the group `value`, or the text `value`, names the column of values.
    """

    columns: tuple[WideColumn, ...] = ()
    pattern: str | None = None
    value: str | None = None


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
    header_row: int | None = None
    """Row of the column names, 0 where there is none; without it they are looked for."""
    first_row: int | None = None
    last_row: int | None = None
    names: tuple[str, ...] | None = None
    """Names of the columns by position, instead of those in the header; an empty one leaves its column out."""
    extract: tuple[Extract, ...] = ()
    wide: Wide | None = None


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
    embargo_until: dt.date | None = None
    consent: str | None = None


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
    crs_stated: bool = True
    """Whether the source names its coordinate reference system, or WGS 84 was taken because it names none."""
    western_longitudes: bool = False
    area: tuple[float, float, float, float] | None = None
    area_name: str = "the declared area"
    depth_unit: str = "cm"
    upward_depths_are_heights: bool = False
    date_forms: tuple[DateForm, ...] = ("day", "month", "year")
    ignore_rows_without_values: bool = False
    glosis_methods: bool = False
    prepare: Prepare | None = None
    """What is done to the file before the mapping is applied, where that needs more than a mapping can say."""

    @property
    def main(self) -> TableSource:
        """The table with a row for each layer."""
        return next(table for table in self.tables if table.role == "layers")

    @property
    def sites(self) -> TableSource:
        """The table that says where and when: a table of its own, or the main one."""
        return next((table for table in self.tables if table.role == "sites"), self.main)
