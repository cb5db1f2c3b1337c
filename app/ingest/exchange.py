"""The exchange form: one table with a row for each layer that holds all that we store of a dataset, value by value.

It is our column schema where that has a column, and for each property its value with unit, method, laboratory, status
and uncertainty in columns of their own. Exports write it, and the mapping `exchange` reads it back to the same values;
so nothing that another format cannot hold is lost. A property that a layer has several times (two methods, two
laboratories) has several groups of columns: `soc`, `soc_2`, `soc_3`.
"""

import json
from collections.abc import Sequence

from app.ingest.mapping import Dataset
from app.soil.properties import PROPERTIES

NAME = "exchange"
TABLE = "data.csv"
"""Name of the table in an archive."""
SAME_MAX = 4
"""How many results of one property a layer may have."""
SUFFIXES = ("unit", "method", "laboratory", "status", "uncertainty")

FIELDS = {
    "site_id": "site_id",
    "site_name": "site_name",
    "cluster": "cluster",
    "profile_id": "profile_id",
    "replicate": "replicate",
    "sampling_kind": "sampling_kind",
    "longitude": "longitude",
    "latitude": "latitude",
    "coord_uncertainty_m": "coord_uncertainty_m",
    "country_code": "country_code",
    "sampling_date": "sampling_date",
    "campaign": "campaign",
    "surface_convention": "surface_convention",
    "layer_id": "layer_id",
    "top_cm": "top_cm",
    "bottom_cm": "bottom_cm",
    "kind": "layer_kind",
    "horizon": "horizon",
    "land_use": "land_use",
    "management": "management",
    "rock_depth_cm": "bedrock_depth_cm",
    "wrb": "wrb",
    "wrb_version": "wrb_version",
    "usda": "usda",
    "stratum": "stratum",
    "inclusion_weight": "inclusion_weight",
    "remarks": "remarks",
}
"""Fields of a mapping and the columns that hold them."""
TERMS = {"title": "project", "licence": "licence", "sampling_design": "design"}
"""What describes the whole dataset, and the columns that hold it."""
REQUIRED = ("site_id", "profile_id", "longitude", "latitude", "sampling_date", "top_cm", "bottom_cm")


def value_columns() -> list[tuple[str, str]]:
    """Columns of values and their properties."""
    return [
        (code if number == 1 else f"{code}_{number}", code) for code in PROPERTIES for number in range(1, SAME_MAX + 1)
    ]


def columns() -> list[str]:
    """All columns, in the order in which they are written."""
    values = [name for column, _ in value_columns() for name in (column, *(f"{column}_{part}" for part in SUFFIXES))]
    return [*FIELDS.values(), *TERMS.values(), *values]


def values_text(present: Sequence[str] | None = None) -> str:
    """The entries of a mapping for the columns of values, all or those that are `present`."""
    return "\n".join(
        f"[[values]]\n"
        f'column = "{column}"\n'
        f'property = "{code}"\n'
        f'unit = {{ column = "{column}_unit" }}\n'
        f'method = {{ column = "{column}_method" }}\n'
        f'laboratory = {{ column = "{column}_laboratory" }}\n'
        f'status = {{ column = "{column}_status" }}\n'
        f'uncertainty = "{column}_uncertainty"\n'
        for column, code in value_columns()
        if present is None or column in present
    )


def mapping_text(dataset: Dataset | None = None, *, present: Sequence[str] | None = None) -> str:
    """The mapping that reads the exchange form, as TOML.

    dataset : what the data belong to; without it the columns `project`, `licence` and `design` say it.
    """
    lines = ["# Written by the Observatory. All that is stored of a dataset, one row for each layer.", ""]
    lines += [f'name = "{NAME}"', 'title = "Exchange form of the Observatory"', 'prepare = "exchange"', ""]
    if dataset is None:
        lines += ["[dataset.from_columns]", *(f'{key} = "{column}"' for key, column in TERMS.items())]
    else:
        lines += ["[dataset]", *_dataset(dataset)]
    required = ", ".join(f'"{name}"' for name in REQUIRED)
    lines += ["", "[[tables]]", 'name = "layers"', 'role = "layers"', 'decimal = "."', f"required = [{required}]"]
    lines += [f'file = "{TABLE}"']
    lines += ["", "[position]", 'crs = "EPSG:4326"', "", "[fields]"]
    lines += [f'{field} = {{ column = "{column}" }}' for field, column in FIELDS.items()]
    return "\n".join(lines) + "\n\n" + values_text(present)


def _dataset(dataset: Dataset) -> list[str]:
    said = {
        "slug": dataset.slug,
        "title": dataset.title,
        "licence": dataset.licence,
        "licence_class": dataset.licence_class,
        "description": dataset.description,
        "citation": dataset.citation,
        "doi": dataset.doi,
        "licence_url": dataset.licence_url,
        "source_url": dataset.source_url,
        "sampling_design": dataset.sampling_design,
        "location_precision": dataset.location_precision,
        # Depths were moved to the mineral surface when they were stored.
        "surface_convention": "mineral",
        "bulk_density_basis": dataset.bulk_density_basis,
        "coarse_fragments_basis": dataset.coarse_fragments_basis,
    }
    lines = [f"{key} = {_quoted(value)}" for key, value in said.items() if value is not None]
    lines += [f"owners = [{', '.join(_quoted(owner) for owner in dataset.owners)}]"] if dataset.owners else []
    return [*lines, "synthetic = true"] if dataset.synthetic else lines


def _quoted(text: str) -> str:
    # JSON's escapes are those of a basic string of TOML.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
