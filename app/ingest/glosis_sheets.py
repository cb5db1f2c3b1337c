"""The sheets of a GloSIS workbook, made of the exchange form.

The workbook has one number for a property and specimen, in one unit and by one procedure. What it cannot hold (limits,
uncertainties, laboratories, the unit as given, dates of a month or year, replicates) stands in the sheet `Observatory`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from app.ingest.exchange import value_columns
from app.ingest.glosis_words import PROPERTIES as KNOWN
from app.ingest.numbers import parse_numbers
from app.soil.units import factor, known_units

OBSERVATORY = "Observatory"
SPECIMENS = "Specimen Data"
_GROUPED = {"Plot Data", "Profile Data", "Element Data", "Metadata"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One sheet: its name, the row of groups above the names where it has one, and its columns."""

    name: str
    groups: Mapping[str, str] | None
    frame: pl.DataFrame


def sheets(exchange: pl.DataFrame, owners: tuple[str, ...]) -> list[Made]:
    """The sheets of a workbook, in their order; columns of numbers are numbers, all others text."""
    frame = _coded(exchange)
    plots = frame.unique("profile_code", keep="first", maintain_order=True)
    layers = frame.group_by("profile_code", maintain_order=True).len().select("profile_code", n_layers=pl.col("len"))
    plots = plots.join(layers, on="profile_code", maintain_order="left")
    empty = pl.lit(None, pl.String)
    plot = plots.select(
        project_name=_column(plots, "project"),
        site_code="site_id",
        plot_code="profile_code",
        profile_code="profile_code",
        plot_type=empty,
        n_layers=pl.col("n_layers").cast(pl.Float64),
        date="sampling_date",
        longitude=_number("longitude"),
        latitude=_number("latitude"),
        altitude=empty,
        positional_accuracy=_number("coord_uncertainty_m"),
        extent=empty,
        map_sheet_code=empty,
        Landuse="land_use",
    )
    profile = plots.select("profile_code", pl.col("wrb").alias("WRB Soil Group"), pl.col("usda").alias("USDA order"))
    element = frame.select(
        "profile_code",
        "element_code",
        type=pl.when(pl.col("horizon").is_null()).then(pl.lit("Layer")).otherwise(pl.lit("Horizon")),
        order_element=pl.col("order").cast(pl.Float64),
        upper_depth=_number("top_cm"),
        lower_depth=_number("bottom_cm"),
        horizon_code="horizon",
    )
    numbers = specimen_numbers(exchange)
    specimen = frame.select(
        "profile_code", "element_code", specimen_code=pl.col("layer_id").fill_null(pl.col("element_code"))
    ).with_columns(series.alias(title) for title, series in numbers.items())
    contacts = plots.select(
        plot_code="profile_code",
        name=empty,
        role=empty,
        email=empty,
        organization=pl.lit("; ".join(owners) or None, pl.String),
        country=_column(plots, "country_code"),
    )
    location = dict.fromkeys(plot.columns[:13], "Location") | {"Landuse": "Land Use"}
    return [
        Made(name="Plot Data", groups=location, frame=plot),
        Made(
            name="Profile Data", groups={"profile_code": "Profile", "WRB Soil Group": "Classification"}, frame=profile
        ),
        Made(name="Element Data", groups={"profile_code": "Element", "upper_depth": "Depth"}, frame=element),
        Made(name=SPECIMENS, groups=None, frame=specimen),
        Made(name="Procedures", groups=None, frame=_procedures(frame, list(numbers))),
        Made(name="Metadata", groups={"plot_code": "Plot", "name": "Contact"}, frame=contacts),
        Made(name=OBSERVATORY, groups=None, frame=exchange),
    ]


def specimen_numbers(exchange: pl.DataFrame) -> dict[str, pl.Series]:
    """Columns of `Specimen Data`: numbers in the canonical unit, null where the value is a limit."""
    found = {}
    for column, code in value_columns():
        if column not in exchange.columns or code not in KNOWN:
            continue
        cells = parse_numbers(exchange[column], decimal=".")
        units = exchange[f"{column}_unit"]
        factors = {unit: factor(code, unit) for unit in units.unique().drop_nulls()}
        times = units.replace_strict(factors, default=None, return_dtype=pl.Float64)
        exact = pl.Series(cells.qualifier == "=")
        found[_title(column, code)] = (cells.value * times).set(~exact.fill_null(value=False), None)
    return found


def _title(column: str, code: str) -> str:
    number = column.removeprefix(code).removeprefix("_")
    label = KNOWN[code][0] + (f" {number}" if number else "")
    unit = known_units(code)[0]
    return label if unit == "1" and code.startswith("ph") else f"{label} ({unit})"


def _coded(exchange: pl.DataFrame) -> pl.DataFrame:
    """Each layer with codes of its profile and element that are unique in the workbook."""
    key = ["site_id", "profile_id", "sampling_date", "replicate"]
    visits = exchange.select(key).unique(maintain_order=True)
    parts = [
        pl.col("site_id"),
        pl.col("profile_id"),
        pl.col("sampling_date").fill_null(""),
        pl.col("replicate").fill_null(""),
    ]
    alone = pl.len().over("profile_id") == 1
    whole = pl.concat_str(parts, separator="/").str.strip_chars_end("/")
    visits = visits.with_columns(pl.when(alone).then("profile_id").otherwise(whole).alias("profile_code"))
    again = pl.int_range(pl.len()).over("profile_code")
    visits = visits.with_columns(
        pl.when(again > 0)
        .then(pl.concat_str("profile_code", pl.lit("#"), again + 1))
        .otherwise("profile_code")
        .alias("profile_code")
    )
    frame = exchange.join(visits, on=key, how="left", nulls_equal=True, maintain_order="left")
    order = (pl.int_range(pl.len()).over("profile_code") + 1).alias("order")
    return frame.with_columns(order).with_columns(
        pl.concat_str("profile_code", pl.lit("-"), "order").alias("element_code")
    )


def _procedures(frame: pl.DataFrame, titles: list[str]) -> pl.DataFrame:
    """One row for each laboratory heading; a procedure only where all values of the column were made by it."""
    rows = []
    for column, code in value_columns():
        if column not in frame.columns or code not in KNOWN or _title(column, code) not in titles:
            continue
        used = frame.filter(pl.col(column).is_not_null())[f"{column}_method"].unique()
        method = used[0] if len(used) == 1 else None
        unit = "pH" if code.startswith("ph") else known_units(code)[0]
        rows.append((_title(column, code), KNOWN[code][1], method, unit))
    names = ("soil_property", "property_phys_chem_id", "procedure_phys_chem_id", "unit_of_measure_id")
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def _number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64, strict=False)


def _column(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name) if name in frame.columns else pl.lit(None, pl.String)
