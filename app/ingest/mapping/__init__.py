"""A mapping says, in a TOML file or its JSON form, how the tables of one source become our columns.

Nothing about a source is in code. What is not understood is refused: an unknown key in a mapping would be a silent
mistake in every row. `docs/import.md` explains the format by example.
"""

from app.ingest.mapping.model import (
    LAYER_FIELDS,
    LICENCE_CLASSES,
    SITE_FIELDS,
    SLUG,
    STANDARD,
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
from app.ingest.mapping.packaged import available_mappings, load_mapping
from app.ingest.mapping.reading import mapping_from_json, outcomes, parse_mapping
from app.ingest.mapping.writing import mapping_to_json, mapping_to_toml

__all__ = [
    "LAYER_FIELDS",
    "LICENCE_CLASSES",
    "SITE_FIELDS",
    "SLUG",
    "STANDARD",
    "VISIT_FIELDS",
    "Dataset",
    "DateForm",
    "DensityBasis",
    "Extract",
    "Field",
    "FragmentsBasis",
    "LicenceClass",
    "LocationPrecision",
    "MappingFile",
    "SamplingDesign",
    "Source",
    "Status",
    "SurfaceConvention",
    "TableRole",
    "TableSource",
    "Transform",
    "Value",
    "Wide",
    "WideColumn",
    "available_mappings",
    "load_mapping",
    "mapping_from_json",
    "mapping_to_json",
    "mapping_to_toml",
    "outcomes",
    "parse_mapping",
]
