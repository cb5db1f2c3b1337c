"""Differences of means against scipy, adjusted p values against statsmodels' rule, and bands of ranks."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.soil.comparison import REFUSALS, Difference, Side, difference, holm, ranks


def side(**changes: Any) -> Side:
    fields = {
        "value": 50.0,
        "se": 2.0,
        "df": 11.0,
        "refused": False,
        "representative": True,
        "synthetic": False,
        "method_version": "1",
        "datasets": frozenset({"a"}),
    }
    return Side(**{**fields, **changes})


OTHER = side(value=44.0, se=1.5, df=7.0, datasets=frozenset({"b"}))


def test_the_test_of_a_difference_is_welchs():
    rng = np.random.default_rng(4)
    first, second = rng.normal(50, 9, 14), rng.normal(43, 3, 9)

    def of(sample: Any, name: str) -> Side:
        se = float(sample.std(ddof=1) / np.sqrt(sample.size))
        return side(value=float(sample.mean()), se=se, df=float(sample.size - 1), datasets=frozenset({name}))

    found = difference(of(first, "a"), of(second, "b"))
    wanted = stats.ttest_ind(first, second, equal_var=False)
    interval = wanted.confidence_interval(0.95)
    assert (found.t, found.p, found.df) == pytest.approx((wanted.statistic, wanted.pvalue, wanted.df))
    assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high))
    assert found.refused is None


def test_turning_the_question_round_turns_the_sign_only():
    one, two = difference(side(), OTHER), difference(OTHER, side())
    assert (one.value, one.se, one.p) == pytest.approx((-two.value if two.value else None, two.se, two.p))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"refused": True, "value": None}, "side_refused"),
        ({"value": None}, "side_refused"),
        ({"synthetic": True}, "synthetic_mixed"),
    ],
)
def test_what_cannot_be_compared_has_no_difference(changes: dict[str, Any], code: str):
    assert difference(side(**changes), OTHER) == Difference(refused=code)
    assert difference(OTHER, side(**changes)) == Difference(refused=code)
    assert code in REFUSALS


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"representative": False}, "not_representative"),
        ({"datasets": frozenset({"a", "b"})}, "shared_datasets"),
        ({"method_version": "2"}, "method_versions_differ"),
        ({"se": None, "df": None}, "no_standard_error"),
        ({"df": None}, "no_standard_error"),
    ],
)
def test_what_cannot_be_tested_is_described_only(changes: dict[str, Any], code: str):
    assert difference(side(**changes), OTHER) == Difference(value=6.0, refused=code)
    assert difference(OTHER, side(**changes)) == Difference(value=-6.0, refused=code)
    assert code in REFUSALS


def test_two_figures_without_error_are_not_tested_and_one_is_enough_for_a_test():
    certain = side(se=0.0)
    assert difference(certain, side(se=0.0, datasets=frozenset({"b"}))).refused == "no_variation"
    found = difference(certain, OTHER)
    assert (found.se, found.df) == pytest.approx((1.5, 7.0))


def test_adjusted_p_values_are_holms():
    # Worked by hand: 0.01 x 4; 0.02 x 3; the larger of 0.06 and 0.03 x 2; the larger of that and 0.04 x 1.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_overlapping_intervals_share_a_band_also_through_others():
    lower, upper = [50.0, 44.0, 41.0, 30.0], [56.0, 51.0, 45.0, 40.0]
    found = ranks(lower, upper)
    assert [r.band for r in found] == [1, 1, 1, 2]
    # The first and the third do not overlap: the third cannot be first.
    assert [(r.best, r.worst) for r in found] == [(1, 2), (1, 3), (2, 3), (4, 4)]


def test_intervals_that_touch_overlap():
    assert [r.band for r in ranks([2.0, 1.0], [3.0, 2.0])] == [1, 1]
    assert [(r.best, r.worst) for r in ranks([2.0, 1.0], [3.0, 2.0])] == [(1, 2), (1, 2)]


bounds = st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e6)).map(lambda p: (p[0], p[0] + p[1]))


@given(st.lists(bounds, max_size=12))
def test_bands_hold_all_that_overlap_and_ranks_are_what_pairs_say(intervals: list[tuple[float, float]]):
    found = ranks([a for a, _ in intervals], [b for _, b in intervals])
    for i, j in itertools.permutations(range(len(intervals)), 2):
        overlap = intervals[i][0] <= intervals[j][1] and intervals[j][0] <= intervals[i][1]
        if overlap:
            assert found[i].band == found[j].band
        if found[i].band < found[j].band:
            assert intervals[i][0] > intervals[j][1]
    for i, one in enumerate(found):
        above = sum(other[0] > intervals[i][1] for other in intervals)
        below = sum(other[1] < intervals[i][0] for other in intervals)
        assert (one.best, one.worst) == (1 + above, len(intervals) - below)
    assert sorted({r.band for r in found}) == list(range(1, len({r.band for r in found}) + 1))
