"""Text becomes numbers: decimal marks, detection limits and markers for missing values.

The common case, a plain number, costs one cast of the whole column; only cells that fail it are looked at more closely.
A cell is never guessed: `1,234` is refused unless the column, or the mapping, tells which mark the comma is.
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl

Decimal = Literal["auto", ".", ","]

TEXT_MARKERS = frozenset({"", "na", "n/a", "#n/a", "n.a.", "null", "*", "-", "--", "n.d.", "nd", "ns", "n.s."})
"""Markers for missing text, in lower case; `nd` and `ns` are "not determined" and "not sampled"."""
NUMBER_MARKERS = TEXT_MARKERS | {"tr", "tr.", "trace", "traces", "none", "missing", "."}
"""Markers for missing numbers that are text, in lower case; a trace is below an unknown limit."""
ANY_NUMBER_MARKERS = (-9999.0, -999.0)
"""Numbers that mean missing in any column."""
VALUE_MARKERS = (*ANY_NUMBER_MARKERS, -99.0, -1.0, 9999.0)
"""Numbers that mean missing for a property; -99 and -1 can be true longitudes and heights."""

_PLAIN = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_COMMA_DECIMAL = r"^[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]{1,3})?$"
_COMMA_MAY_GROUP = r"^[+-]?[1-9][0-9]{0,2},[0-9]{3}$"
_COMMA_GROUPS_POINT = r"^[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+\.[0-9]*$|^[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}$"
_POINT_GROUPS_COMMA = r"^[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]*$|^[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}$"
_SPACE_GROUPS = r"^[+-]?[1-9][0-9]{0,2}(?:[ '’\u00a0\u202f][0-9]{3})+(?:[.,][0-9]*)?$"  # noqa: RUF001
_SPACES = r"[ '’\u00a0\u202f]"  # noqa: RUF001
_POINT_MAY_GROUP = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"
_NOT_FINITE = r"(?i)^[+-]?(?:nan|inf|infinity)$"
_LIMIT = r"^(<=|>=|<|>|≤|≥)\s*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Numbers:
    """One column of numbers, as long as the text it was read from.

    value : f64, null where missing or refused
    qualifier : '=', '<' or '>' (a limit of detection or of the scale)
    missing : true where the cell is empty or holds a marker
    marker : true where a marker stood for missing, false for an empty cell
    refused : rule code of cells that hold no number, else null
    decimal_comma : whether the column was read with decimal commas although the mapping left it open
    """

    value: pl.Series
    qualifier: pl.Series
    missing: pl.Series
    marker: pl.Series
    refused: pl.Series
    decimal_comma: bool


def parse_numbers(
    text: pl.Series,
    *,
    decimal: Decimal = "auto",
    markers: frozenset[str] = NUMBER_MARKERS,
    number_markers: tuple[float, ...] = VALUE_MARKERS,
) -> Numbers:
    """Read a column of text as numbers.

    text : cells; null is empty.
    decimal : the decimal mark that is declared; `auto` takes the point, and the comma where the column leaves no doubt.
    markers : words that mean missing, in lower case.      number_markers : numbers that mean missing.
    """
    value = text.cast(pl.Float64, strict=False)
    if decimal == ",":
        # With a declared comma a point is never a decimal mark: 1.234 may be a thousand.
        value = value.set(text.str.contains(".", literal=True).fill_null(value=False), None)
    finite = value.is_finite().fill_null(value=False)
    odd = (~finite & text.is_not_null()).arg_true()
    marker = finite & value.is_in(list(number_markers))
    value = value.set(~finite | marker, None)
    qualifier, refused = _same("=", len(text)), _same(None, len(text))
    missing = marker | text.is_null()
    if not len(odd):
        return Numbers(
            value=value, qualifier=qualifier, missing=missing, marker=marker, refused=refused, decimal_comma=False
        )
    close = _look_closer(text, odd, decimal, markers, number_markers)
    comma = decimal == "auto" and bool(close["comma"].any())
    value = value.scatter(odd, close["number"])
    refused = refused.scatter(odd, close["refused"])
    if comma:
        grouped = (text.str.contains(_POINT_MAY_GROUP) & ~marker).fill_null(value=False)
        value = value.set(grouped, None)
        refused = refused.set(grouped, "NUMBER_AMBIGUOUS")
    return Numbers(
        value=value,
        qualifier=qualifier.scatter(odd, close["qualifier"]),
        missing=missing.scatter(odd, close["missing"]),
        marker=marker.scatter(odd, close["marker"]),
        refused=refused,
        decimal_comma=comma,
    )


def decimals(text: pl.Series) -> pl.Series:
    """Digits behind the decimal mark of each cell, 0 where there is none."""
    return text.str.extract(r"[.,](\d+)").str.len_chars().fill_null(0).cast(pl.Int64)


def _same(word: str | None, size: int) -> pl.Series:
    return pl.Series([word], dtype=pl.String).new_from_index(0, size)


def _look_closer(
    text: pl.Series,
    odd: pl.Series,
    decimal: Decimal,
    markers: frozenset[str],
    number_markers: tuple[float, ...],
) -> pl.DataFrame:
    """The cells at `odd` that a plain cast cannot read: number, qualifier, missing, marker, refused, comma."""
    body = pl.col("body")
    frame = (
        pl.DataFrame({"text": text.gather(odd).str.strip_chars()})
        .with_columns(
            word=pl.col("text").str.to_lowercase().is_in(list(markers)),
            limit=pl.col("text").str.extract(_LIMIT),
            body=pl.col("text").str.replace(_LIMIT, ""),
        )
        .with_columns(
            body=pl.when(body.str.contains(_SPACE_GROUPS)).then(body.str.replace_all(_SPACES, "")).otherwise(body)
        )
        .with_columns(
            plain=body.str.contains(_PLAIN),
            comma=body.str.contains(_COMMA_DECIMAL) & ~body.str.contains(_COMMA_MAY_GROUP),
            may_group=body.str.contains(_COMMA_MAY_GROUP),
            comma_groups=body.str.contains(_COMMA_GROUPS_POINT),
            point_groups=body.str.contains(_POINT_GROUPS_COMMA),
        )
    )
    certain = bool(frame["comma"].any()) or bool(frame["point_groups"].any())
    groups = bool(frame["comma_groups"].any())
    points = bool(text.str.contains(".", literal=True).any())
    readable = {
        ",": {"comma": True, "may_group": True, "point_groups": True, "comma_groups": False},
        ".": {"comma": False, "may_group": False, "point_groups": False, "comma_groups": True},
        "auto": {
            "comma": True,
            "may_group": certain and not points and not groups,
            "point_groups": True,
            "comma_groups": True,
        },
    }[decimal]
    without_comma = body.str.replace_all(",", "", literal=True)
    point_for_comma = body.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    may_be_thousand = decimal == "auto" and groups and not certain
    plain = pl.col("plain") if decimal != "," else pl.col("plain") & ~body.str.contains(".", literal=True)
    number = (
        pl.when(plain)
        .then(body)
        .when(pl.col("comma") & readable["comma"])
        .then(point_for_comma)
        .when(pl.col("may_group") & readable["may_group"])
        .then(point_for_comma)
        .when((pl.col("may_group") & may_be_thousand) | (pl.col("comma_groups") & readable["comma_groups"]))
        .then(without_comma)
        .when(pl.col("point_groups") & readable["point_groups"])
        .then(point_for_comma)
        .otherwise(None)
        .cast(pl.Float64, strict=False)
    )
    two_ways = pl.any_horizontal("plain", "comma", "may_group", "comma_groups", "point_groups")
    return (
        frame.with_columns(number=number)
        .with_columns(
            empty=pl.col("text") == "",
            marker=pl.col("word") | pl.col("number").is_in(list(number_markers)).fill_null(value=False),
        )
        .with_columns(missing=pl.col("empty") | pl.col("marker"), marker=pl.col("marker") & ~pl.col("empty"))
        .with_columns(
            refused=pl.when(pl.col("missing"))
            .then(None)
            .when(body.str.contains(_NOT_FINITE) | pl.col("number").is_infinite())
            .then(pl.lit("NUMBER_NOT_FINITE"))
            .when(pl.col("number").is_not_null())
            .then(None)
            .when(two_ways)
            .then(pl.lit("NUMBER_AMBIGUOUS"))
            .otherwise(pl.lit("NOT_A_NUMBER"))
        )
        .select(
            number=pl.when(pl.col("missing") | pl.col("refused").is_not_null()).then(None).otherwise(pl.col("number")),
            qualifier=pl.when(pl.col("missing"))
            .then(pl.lit("="))
            .when(pl.col("limit").is_in(["<", "<=", "≤"]))
            .then(pl.lit("<"))
            .when(pl.col("limit").is_not_null())
            .then(pl.lit(">"))
            .otherwise(pl.lit("=")),
            missing="missing",
            marker="marker",
            refused="refused",
            comma=pl.col("comma") | pl.col("point_groups"),
        )
    )
