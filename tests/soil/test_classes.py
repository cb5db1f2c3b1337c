from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.soil.classes import (
    PH_CLASSES,
    REASONS,
    ROOT_RESTRICTING_DENSITY,
    ph_class,
    root_restriction,
    sdg_15_3_1,
    soc_to_clay,
)
from app.soil.texture import USDA_CLASSES

NAN = np.nan


@settings(derandomize=True, max_examples=500)
@given(st.integers(1, 12000), st.integers(50, 1000))
def test_carbon_to_clay_is_compared_as_the_decimals_that_were_written(soc_hundredths: int, clay_tenths: int):
    soc, clay = soc_hundredths / 100, clay_tenths / 10
    ratio = Fraction(soc_hundredths, 100) / (10 * Fraction(clay_tenths, 10))
    expected = next(
        (name for name, least in (("very good", 8), ("good", 10), ("moderate", 13)) if ratio >= Fraction(1, least)),
        "degraded",
    )
    ours = soc_to_clay(soc, clay)
    assert (ours.code[0], ours.meets_directive[0]) == (expected, ratio > Fraction(1, 13))


@pytest.mark.parametrize(
    ("soc", "clay", "code", "meets"),
    [
        (20, 26, "moderate", False),
        (20.1, 26, "moderate", True),
        (19.9, 26, "degraded", False),
        (20, 20, "good", True),
        (19.9, 20, "moderate", True),
        (25, 20, "very good", True),
        (24.9, 20, "good", True),
    ],
)
def test_bounds_of_carbon_to_clay_belong_to_the_better_class_but_not_to_the_target(
    soc: float, clay: float, code: str, *, meets: bool
):
    ours = soc_to_clay(soc, clay)
    assert (ours.code[0], ours.meets_directive[0]) == (code, meets)


def test_carbon_to_clay_by_hand():
    assert soc_to_clay(20, 26).ratio[0] == pytest.approx(1 / 13)


def test_carbon_to_clay_is_refused_where_it_says_nothing():
    ours = soc_to_clay([NAN, 581, 20, 20, 121, 20, 120, 20], [20, 20, NAN, 101, 20, 4.9, 20, 5])
    assert ours.reason.tolist() == [
        "soc_missing",
        "soc_out_of_range",
        "clay_missing",
        "clay_out_of_range",
        "organic_soil",
        "clay_too_low",
        None,
        None,
    ]
    assert ours.code[:6].tolist() == [None] * 6
    assert ours.meets_directive[:6].tolist() == [None] * 6
    assert np.isnan(ours.ratio[:6]).all()


def test_soil_without_clay_has_no_ratio_whatever_the_least_clay():
    assert soc_to_clay(20, 0, least_clay=0).reason.tolist() == ["clay_too_low"]


def test_negative_carbon_cannot_be_true():
    assert soc_to_clay(-1, 20).reason.tolist() == ["soc_out_of_range"]


def test_ph_is_rounded_to_one_decimal_halves_up():
    assert ph_class([5.04, 5.05, 5.549999, 5.55]).code.tolist() == [
        "very strongly acid",
        "strongly acid",
        "strongly acid",
        "moderately acid",
    ]


def test_ph_classes_leave_no_tenth_out_and_follow_each_other():
    tenths = np.arange(15, 131)
    codes = ph_class(tenths / 10).code.tolist()
    assert list(dict.fromkeys(codes)) == list(PH_CLASSES)
    assert [codes[bound - 15] != codes[bound - 14] for bound in list(PH_CLASSES.values())[:-1]] == [True] * 10


@pytest.mark.parametrize(
    ("lowest", "highest", "code"),
    [
        (1.5, 3.4, "ultra acid"),
        (3.5, 4.4, "extremely acid"),
        (4.5, 5.0, "very strongly acid"),
        (5.1, 5.5, "strongly acid"),
        (5.6, 6.0, "moderately acid"),
        (6.1, 6.5, "slightly acid"),
        (6.6, 7.3, "neutral"),
        (7.4, 7.8, "slightly alkaline"),
        (7.9, 8.4, "moderately alkaline"),
        (8.5, 9.0, "strongly alkaline"),
        (9.1, 13.0, "very strongly alkaline"),
    ],
)
def test_lowest_and_highest_ph_of_each_class_belong_to_it(lowest: float, highest: float, code: str):
    assert ph_class([lowest, highest]).code.tolist() == [code, code]


def test_missing_and_impossible_ph_carry_their_reason():
    assert ph_class([NAN, 0.5, 14, -1, np.inf]).reason.tolist() == ["ph_missing"] + ["ph_out_of_range"] * 4


def test_every_texture_has_a_density_that_restricts_roots():
    assert set(ROOT_RESTRICTING_DENSITY) == set(USDA_CLASSES)
    names = list(ROOT_RESTRICTING_DENSITY)
    ours = root_restriction(names, 50, 1.5)
    assert [name for name, restricts in zip(names, ours.restricts, strict=True) if restricts] == ["c"]


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        (1.80, ("s", "ls", "sl")),
        (1.75, ("l", "scl", "cl", "si")),
        (1.65, ("sil", "sicl")),
        (1.58, ("sc", "sic")),
        (1.47, ("c",)),
    ],
)
def test_density_that_restricts_roots_falls_with_clay(limit: float, names: tuple[str, ...]):
    clay = 50 if names == ("c",) else 30
    assert root_restriction(names, clay, 1.5).limit.tolist() == [limit] * len(names)


@pytest.mark.parametrize(
    ("name", "clay", "limit"),
    [("cl", 34.9, 1.75), ("cl", 35, 1.58), ("c", 45, 1.58), ("c", 45.1, 1.47), ("sc", 50, 1.58), ("s", NAN, 1.8)],
)
def test_clay_decides_the_density_of_clay_loam_and_clay(name: str, clay: float, limit: float):
    assert root_restriction(name, clay, 1.5).limit[0] == limit


def test_a_density_at_the_limit_does_not_restrict_roots():
    assert root_restriction("sl", NAN, [1.8, 1.81]).restricts.tolist() == [False, True]


def test_root_restriction_without_texture_clay_or_density_carries_its_reason():
    names = np.array(["loam", None, "c", "cl", "s", "s", "s"], dtype=object)
    ours = root_restriction(names, [20, 20, NAN, 120, 5, 5, NAN], [1.5, 1.5, 1.5, 1.5, NAN, -1, 1.5])
    assert ours.reason.tolist() == [
        "texture_class_unknown",
        "texture_class_unknown",
        "clay_missing",
        "clay_out_of_range",
        "bulk_density_missing",
        "bulk_density_out_of_range",
        None,
    ]
    assert ours.restricts[:6].tolist() == [None] * 6
    assert np.isnan(ours.limit[:6]).all()


def test_size_and_significance_of_a_stock_change_are_told_apart():
    ours = sdg_15_3_1([50] * 4, [44, 44, 56, 51], lower=[-9, -13, 1, NAN], upper=[-3, 1, 11, NAN])
    assert ours.status.tolist() == [-1, -1, 1, 0]
    assert ours.significant.tolist() == [True, False, True, None]
    assert ours.supported.tolist() == [-1, 0, 1, None]


def test_an_interval_that_touches_zero_is_not_significant():
    assert sdg_15_3_1(50, 60, lower=0, upper=20).significant.tolist() == [False]
    assert sdg_15_3_1(50, 40, lower=-20, upper=0).significant.tolist() == [False]


@settings(derandomize=True)
@given(st.integers(1, 5000), st.integers(0, 10000))
def test_a_tenth_more_or_less_is_compared_as_decimals(first: int, second: int):
    ours = sdg_15_3_1(first / 10, second / 10)
    change = Fraction(second - first, first)
    assert ours.status[0] == (change >= Fraction(1, 10)) - (change <= Fraction(-1, 10))


def test_ten_per_cent_is_the_bound_of_a_stock_change():
    assert sdg_15_3_1([50] * 4, [45, 45.1, 55, 54.9]).status.tolist() == [-1, 0, 1, 0]
    assert sdg_15_3_1([50] * 4, [45, 44.9, 55, 55.1], bound_counts=False).status.tolist() == [0, -1, 0, 1]


def test_stock_changes_that_cannot_be_computed_carry_their_reason():
    ours = sdg_15_3_1([NAN, 50, 0, -1, 50, np.inf], [50, NAN, 50, 50, -1, 50])
    assert ours.reason.tolist() == [
        "stock_missing",
        "stock_missing",
        "baseline_not_positive",
        "baseline_not_positive",
        "stock_out_of_range",
        "stock_out_of_range",
    ]
    assert ours.status.tolist() == [None] * 6
    assert np.isnan(ours.change).all()


def test_no_values_have_no_classes():
    assert soc_to_clay([], []).code.size == ph_class([]).code.size == sdg_15_3_1([], []).status.size == 0
    assert root_restriction([], [], []).limit.size == 0


def test_every_reason_has_a_sentence_and_columns_that_do_not_match_are_named():
    assert all(sentence.endswith(".") for sentence in REASONS.values())
    with pytest.raises(ValueError, match=r"soc \(2,\), clay \(3,\)"):
        soc_to_clay([1, 2], [1, 2, 3])
