from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.ingest.numbers import Numbers, decimals, parse_numbers

# A busy machine is no fault.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def numbers(*cells: str | None, **options: Any) -> Numbers:
    return parse_numbers(pl.Series(cells, dtype=pl.String), **options)


def test_plain_numbers_are_read():
    assert numbers("1", "2.50", "-3e-2", "+4", ".5").value.to_list() == [1, 2.5, -0.03, 4, 0.5]


@pytest.mark.parametrize(
    "marker", ["NA", "n.d.", "*", "ns", "tr", "-", "#N/A", "-9999", "-999", "-99", "-1", "9999", "-9999.0", ""]
)
def test_marker_for_missing_is_never_a_number(marker: str):
    found = numbers(marker)
    assert found.value.to_list() == [None]
    assert found.missing.to_list() == [True]
    assert found.refused.to_list() == [None]


def test_detection_limits_keep_their_sign():
    found = numbers("<0.5", "≤ 3", "> 60", "7")
    assert found.value.to_list() == [0.5, 3, 60, 7]
    assert found.qualifier.to_list() == ["<", "<", ">", "="]


@pytest.mark.parametrize("cell", ["NaN", "inf", "-Infinity", "1e400"])
def test_nan_and_infinity_are_refused(cell: str):
    assert numbers(cell).refused.to_list() == ["NUMBER_NOT_FINITE"]
    assert numbers(cell).value.to_list() == [None]


@pytest.mark.parametrize("cell", ["abc", "12.5 %", "1_000", "0x10", "1.2.3", "--1", "١٢"])
def test_text_in_a_number_is_refused(cell: str):
    assert numbers(cell).refused.to_list() == ["NOT_A_NUMBER"]


def test_decimal_commas_are_read_where_the_column_leaves_no_doubt():
    found = numbers("1,5", "0,25", "1,234", "7")
    assert found.value.to_list() == [1.5, 0.25, 1.234, 7]
    assert found.decimal_comma


def test_comma_that_may_be_a_thousand_is_refused():
    assert numbers("1,234", "7").refused.to_list() == ["NUMBER_AMBIGUOUS", None]


def test_point_that_may_be_a_thousand_is_refused_among_decimal_commas():
    assert numbers("1,5", "1.234").refused.to_list() == [None, "NUMBER_AMBIGUOUS"]


def test_thousands_separators_are_read_when_nothing_else_is_possible():
    assert numbers("1,234.5", "1,234", "2.5").value.to_list() == [1234.5, 1234, 2.5]
    assert numbers("1.234,5").value.to_list() == [1234.5]
    assert numbers("1 234.5", "1'234", "12\u202f000").value.to_list() == [1234.5, 1234, 12000]


def test_declared_comma_makes_a_point_ambiguous():
    found = numbers("1,234", "1.234", "2.5", "1.234,5", decimal=",")
    assert found.value.to_list() == [1.234, None, None, 1234.5]
    assert found.refused.to_list() == [None, "NUMBER_AMBIGUOUS", "NUMBER_AMBIGUOUS", None]


def test_declared_point_makes_a_comma_ambiguous():
    assert numbers("1,5", "2.5", decimal=".").refused.to_list() == ["NUMBER_AMBIGUOUS", None]


def test_decimals_are_counted_as_they_were_written():
    assert decimals(pl.Series(["12", "12.50", "-1,1234", None])).to_list() == [0, 2, 4, 0]


@patient
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6).filter(
            lambda x: x not in {-1, -99, -999, -9999, 9999}
        ),
        min_size=1,
    )
)
def test_a_number_written_with_either_mark_is_the_same(items: list[float]):
    points = [f"{item:.6f}" for item in items]
    commas = [text.replace(".", ",") for text in points]
    with_points = parse_numbers(pl.Series(points), number_markers=()).value
    assert with_points.to_list() == [float(text) for text in points]
    assert parse_numbers(pl.Series(commas), decimal=",", number_markers=()).value.to_list() == with_points.to_list()


@patient
@given(st.lists(st.text(max_size=8), max_size=5))
def test_every_cell_is_a_number_missing_or_refused(cells: list[str]):
    found = parse_numbers(pl.Series(cells, dtype=pl.String))
    for value, missing, refused in zip(found.value, found.missing, found.refused, strict=True):
        assert (value is not None) + missing + (refused is not None) == 1
