import datetime as dt

import polars as pl
import pytest

from app.ingest.dates import parse_dates
from app.ingest.depths import kind_of, parse_depths, split_range


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        ("1948-12-22", dt.date(1948, 12, 22), dt.date(1948, 12, 22), "day"),
        ("1948-12-22 00:00:00", dt.date(1948, 12, 22), dt.date(1948, 12, 22), "day"),
        ("2015-02", dt.date(2015, 2, 1), dt.date(2015, 2, 28), "month"),
        ("1956", dt.date(1956, 1, 1), dt.date(1956, 12, 31), "year"),
        ("1948.000", dt.date(1948, 1, 1), dt.date(1948, 12, 31), "year"),
    ],
)
def test_date_is_never_more_precise_than_it_was_written(text: str, first: dt.date, last: dt.date, precision: str):
    found = parse_dates(pl.Series([text]), ("day", "month", "year"))
    assert found.row(0) == (first, last, precision, False)


@pytest.mark.parametrize("text", ["2015-02-30", "03/04/2015", "spring 1956", "56"])
def test_date_that_is_none_is_unreadable(text: str):
    found = parse_dates(pl.Series([text]), ("day", "month", "year"))
    assert found.row(0) == (None, None, "unknown", True)


def test_day_first_dates_are_read_where_they_are_declared():
    assert parse_dates(pl.Series(["03/04/2015"]), ("dd/mm/yyyy",))["sampled_from"].to_list() == [dt.date(2015, 4, 3)]


def test_missing_date_is_not_unreadable():
    assert parse_dates(pl.Series([None], dtype=pl.String), ("day",)).row(0) == (None, None, "unknown", False)


def test_open_and_wavy_depths_are_read_and_marked():
    found = parse_depths(pl.Series(["80+", "10/15", "20", "x", None]), "cm", "auto")
    assert found.value.to_list() == [80, 12.5, 20, None, None]
    assert found.open.to_list() == [True, False, False, False, False]
    assert found.wavy.to_list() == [False, True, False, False, False]
    assert found.unreadable.to_list() == [False, False, False, True, False]
    assert found.missing.to_list() == [False, False, False, False, True]


def test_depths_in_other_units_become_centimetres():
    assert parse_depths(pl.Series(["0.3"]), "m", "auto").value.to_list() == pytest.approx([30])


def test_minus_99_is_a_height_and_minus_9999_is_missing():
    assert parse_depths(pl.Series(["-99", "-9999"]), "cm", "auto").value.to_list() == [-99, None]


def test_depth_ranges_are_split():
    upper, lower, strange = split_range(pl.Series(["0-23", "0–23 cm", "10 to 20", "-5-0", "80-100+", "deep"]))
    assert upper.to_list() == ["0", "0", "10", "-5", "80", None]
    assert lower.to_list() == ["23", "23", "20", "0", "100+", None]
    assert strange.to_list() == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("horizon", "bottom", "kind"),
    [
        ("Oi", 5, "organic"),
        ("LFH", 0, "organic"),
        ("2Oa", 40, "organic"),
        ("Ap", 20, "mineral"),
        ("Layer 1", 20, "mineral"),
        ("Horizon 2", 20, "mineral"),
        ("Ah", 0, "mineral"),
        (None, 0, "organic"),
        (None, 20, "mineral"),
    ],
)
def test_organic_layers_are_told_by_designation_or_by_lying_above_zero(horizon: str | None, bottom: float, kind: str):
    frame = pl.DataFrame({"h": [horizon], "b": [bottom]}, schema={"h": pl.String, "b": pl.Float64})
    assert frame.select(kind_of("h", "b")).item() == kind
