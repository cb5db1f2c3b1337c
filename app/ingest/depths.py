"""Depths of layers: centimetres, down positive, zero at the mineral surface, from any of the forms they come in."""

from dataclasses import dataclass

import polars as pl

from app.ingest.numbers import ANY_NUMBER_MARKERS, TEXT_MARKERS, Decimal, Numbers, parse_numbers
from app.soil.units import depth_to_cm

_OPEN = r"^(\d[\d.,]*)\s*\+$"
_WAVY = r"^(\d[\d.,]*)\s*/\s*(\d[\d.,]*)$"
_RANGE = r"^(-?\d[\d.,]*)\s*(?:-|–|—|to)\s*(-?\d[\d.,]*\s*\+?)\s*(?:cm)?$"
_ORGANIC_HORIZON = r"^\d?[OLFH]+[a-z]{0,2}\d*(?:[ /-].*)?$"
_OTHER_HORIZON = r"^[\d'(/]*[A-Z]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Depths:
    """One column of depths [cm], as long as its text, and where a form other than a plain number was met."""

    value: pl.Series
    missing: pl.Series
    unreadable: pl.Series
    open: pl.Series
    wavy: pl.Series


def parse_depths(text: pl.Series, unit: str, decimal: Decimal) -> Depths:
    """Read depths. `80+` is 80, `10/15` is the mean of the two; both are marked."""
    is_open = text.str.contains(_OPEN).fill_null(value=False)
    is_wavy = text.str.contains(_WAVY).fill_null(value=False)
    if is_open.any():
        text = text.zip_with(~is_open, text.str.extract(_OPEN))
    plain = _numbers(text.set(is_wavy, None) if is_wavy.any() else text, decimal)
    value = plain.value
    if is_wavy.any():
        upper, lower = (_numbers(text.str.extract(_WAVY, group), decimal).value for group in (1, 2))
        value = value.zip_with(~is_wavy, (upper + lower) / 2)
    return Depths(
        value=value * float(depth_to_cm(1.0, unit)),
        missing=plain.missing & ~is_wavy,
        unreadable=plain.refused.is_not_null() | (is_wavy & value.is_null()),
        open=is_open,
        wavy=is_wavy,
    )


def split_range(text: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Upper and lower depth of texts such as `0-23` or `0 to 23 cm`, and where the text is none of these."""
    upper = text.str.extract(_RANGE, 1)
    return upper, text.str.extract(_RANGE, 2).str.strip_chars(), text.is_not_null() & upper.is_null()


def kind_of(horizon: str, bottom: str) -> pl.Expr:
    """Organic layers by their designation (O, L, F, H of FAO 2006 and the Canadian system), or by lying above zero.

    A layer without a designation that ends at or above the mineral surface can only be organic.
    """
    return (
        pl.when(pl.col(horizon).str.contains(_ORGANIC_HORIZON))
        .then(pl.lit("organic"))
        .when(pl.col(horizon).str.contains(_OTHER_HORIZON))
        .then(pl.lit("mineral"))
        .when(pl.col(bottom) <= 0)
        .then(pl.lit("organic"))
        .otherwise(pl.lit("mineral"))
    )


def _numbers(text: pl.Series, decimal: Decimal) -> Numbers:
    return parse_numbers(text, decimal=decimal, markers=TEXT_MARKERS, number_markers=ANY_NUMBER_MARKERS)
