from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.soil.texture import (
    HYPRES_CLASSES,
    PARTICLE_SIZE_LIMITS,
    REASONS,
    USDA_CLASSES,
    close_fractions,
    convert_silt_limit,
    hypres_texture,
    usda_texture,
)

NAN = np.nan
USDA = "2-50-2000"


def usda(sand: float, silt: float, clay: float) -> str | None:
    code: str | None = usda_texture(sand, silt, clay, limits=USDA).code[0]
    return code


def the_manual(sand: Fraction, silt: Fraction, clay: Fraction) -> list[str]:
    """Every class of the Soil Survey Manual whose words fit, each read on its own, in exact fractions."""
    words = {
        "s": silt + Fraction(3, 2) * clay < 15,
        "ls": silt + Fraction(3, 2) * clay >= 15 and silt + 2 * clay < 30,
        "sl": (7 <= clay < 20 and sand > 52 and silt + 2 * clay >= 30)
        or (clay < 7 and silt < 50 and silt + 2 * clay >= 30),
        "l": 7 <= clay < 27 and 28 <= silt < 50 and sand <= 52,
        "sil": (silt >= 50 and 12 <= clay < 27) or (50 <= silt < 80 and clay < 12),
        "si": silt >= 80 and clay < 12,
        "scl": 20 <= clay < 35 and silt < 28 and sand > 45,
        "cl": 27 <= clay < 40 and 20 < sand <= 45,
        "sicl": 27 <= clay < 40 and sand <= 20,
        "sc": clay >= 35 and sand > 45,
        "sic": clay >= 40 and silt >= 40,
        "c": clay >= 40 and sand <= 45 and silt < 40,
    }
    return [name for name, fits in words.items() if fits]


@st.composite
def points(draw: st.DrawFn) -> tuple[Fraction, Fraction, Fraction]:
    """A point of the triangle, in millionths of a per cent, often on or beside a border."""
    scale = draw(st.sampled_from([10**6, 10**5, 10, 2, 1]))
    clay = draw(st.integers(0, 100 * scale))
    sand = draw(st.integers(0, 100 * scale - clay))
    return Fraction(sand, scale), 100 - Fraction(sand + clay, scale), Fraction(clay, scale)


@settings(derandomize=True, max_examples=2000)
@given(points())
def test_every_point_of_the_triangle_has_exactly_the_one_class_of_the_manual(
    point: tuple[Fraction, Fraction, Fraction],
):
    fitting = the_manual(*point)
    assert [usda(*(float(share) for share in point))] == fitting


def test_every_corner_where_borders_meet_has_exactly_one_class():
    clays = (0, 7, 12, 20, 27, 35, 40, 55, 60, 100)
    sands = (0, 15, 20, 43, 45, 52, 65, 70, 85, 86, 90)
    near = [Fraction(step, 10**6) for step in (-1, 0, 1)]
    for clay, sand, a, b in product(clays, sands, near, near):
        c, s = clay + a, sand + b
        if c >= 0 and s >= 0 and c + s <= 100:
            assert [usda(float(s), float(100 - c - s), float(c))] == the_manual(s, 100 - c - s, c)


@settings(derandomize=True)
@given(points())
def test_every_point_of_the_triangle_has_a_hypres_class(point: tuple[Fraction, Fraction, Fraction]):
    assert hypres_texture(*(float(share) for share in point), limits=USDA).code[0] in HYPRES_CLASSES


@settings(derandomize=True)
@given(points())
def test_the_order_of_the_soils_does_not_matter(point: tuple[Fraction, Fraction, Fraction]):
    sand, silt, clay = (float(share) for share in point)
    first = usda_texture([sand, 40], [silt, 40], [clay, 20], limits=USDA).code
    second = usda_texture([40, sand], [40, silt], [20, clay], limits=USDA).code
    assert first.tolist() == second[::-1].tolist()


def test_borders_belong_to_the_class_the_manual_names():
    assert (usda(40, 33, 27), usda(40, 33.1, 26.9)) == ("cl", "l")
    assert (usda(52, 41, 7), usda(52.1, 40.9, 7)) == ("l", "sl")
    assert (usda(20, 48, 32), usda(20.1, 47.9, 32)) == ("sicl", "cl")
    assert (usda(85, 15, 0), usda(85.1, 14.9, 0)) == ("ls", "s")
    assert (usda(70, 30, 0), usda(70.1, 29.9, 0)) == ("sl", "ls")
    assert (usda(45, 15, 40), usda(45.1, 14.9, 40)) == ("c", "sc")


def test_binary_rounding_moves_no_border():
    # In binary, 45.1 + 27.3 + 27.6 is not 100, and 100 - 72.4 is not 27.6.
    assert usda(45.1, 27.3, 27.6) == "scl"
    assert usda(100 - 60.1 - 12.9, 60.1, 12.9) == "sil"
    assert usda(44.7 + 0.3, 28.0, 27.0) == "cl"


def test_hypres_borders_belong_to_the_finer_class():
    def hypres(sand: float, silt: float, clay: float) -> str:
        return str(hypres_texture(sand, silt, clay, limits=USDA).code[0])

    assert (hypres(20, 20, 60), hypres(20, 20.1, 59.9)) == ("VF", "F")
    assert (hypres(20, 45, 35), hypres(20, 45.1, 34.9)) == ("F", "M")
    assert (hypres(15, 65, 20), hypres(14.9, 65.1, 20)) == ("M", "MF")
    assert (hypres(65, 20, 15), hypres(65.1, 19.9, 15)) == ("M", "C")
    assert (hypres(70, 12, 18), hypres(70, 12.1, 17.9)) == ("M", "C")


def test_a_sum_of_99_to_101_is_rounding_and_of_95_to_105_is_marked():
    closed = close_fractions([40.4, 42, 38, 50], [40.4, 42, 38, 50], [20.2, 21, 19, 6], limits=USDA)
    assert closed.sand[:3].tolist() == [40, 40, 40]
    assert closed.clay[:3].tolist() == [20, 20, 20]
    assert closed.rescaled.tolist() == [False, True, True, False]
    assert closed.reason.tolist() == [None, None, None, "texture_sum_out_of_range"]


def test_shares_that_do_not_add_up_would_have_no_class_unless_divided_by_their_sum():
    # Clay 26.9, silt 27.9 and sand 44.9 fit no class as they stand: 28 % silt is wanted for loam, 45 % sand below it.
    assert the_manual(Fraction(449, 10), Fraction(279, 10), Fraction(269, 10)) == []
    assert usda(44.9, 27.9, 26.9) == "scl"


def test_bounds_of_the_accepted_sums_are_exact():
    closed = close_fractions([39, 41, 35, 45, 38.9, 41.1], 40, 20, limits=USDA)
    assert closed.rescaled.tolist() == [False, False, True, True, True, True]
    assert close_fractions([34.9, 45.1], 40, 20, limits=USDA).reason.tolist() == ["texture_sum_out_of_range"] * 2


def test_the_third_fraction_is_what_the_others_leave_and_marked():
    closed = close_fractions([40, NAN, 30], [NAN, 40, 30], [20, 20, NAN], limits=USDA)
    assert (closed.silt[0], closed.sand[1], closed.clay[2]) == (40, 40, 40)
    assert closed.third_by_difference.tolist() == [True] * 3


def test_missing_impossible_and_contradictory_shares_carry_their_reason():
    classes = usda_texture(
        [NAN, -1, 101, np.inf, 60, 40], [NAN, 50, 0, 0, NAN, 40], [20, 51, 0, 0, 45, 20], limits=USDA
    )
    assert classes.reason.tolist() == [
        "fraction_missing",
        "fraction_out_of_range",
        "fraction_out_of_range",
        "fraction_out_of_range",
        "texture_sum_out_of_range",
        None,
    ]
    assert classes.code.tolist() == [None] * 5 + ["l"]
    assert np.isnan(classes.fractions.clay[:5]).all()
    assert set(classes.reason) - {None} <= set(REASONS)


def test_classes_are_not_given_for_unknown_or_foreign_particle_sizes():
    classes = usda_texture(40, 40, 20, limits=np.array(["2-50-2000", "1-50-1000", "0-3-7", None], dtype=object))
    assert classes.reason.tolist() == [
        None,
        "particle_size_limits_not_convertible",
        "particle_size_limits_unknown",
        "particle_size_limits_unknown",
    ]


def test_other_silt_limits_are_converted_before_the_class_and_marked():
    classes = usda_texture([10, 10], [80, 80], [10, 10], limits=["2-50-2000", "2-63-2000"])
    assert classes.code.tolist() == ["si", "sil"]
    assert classes.fractions.psd_converted.tolist() == [False, True]
    # 80 ln(25) / ln(31.5) = 74.64
    assert classes.fractions.silt[1] == pytest.approx(74.6409, abs=1e-4)


def test_silt_limit_by_hand():
    silt, sand = convert_silt_limit(40, 40, source=63, target=50)
    assert (float(silt), float(sand)) == pytest.approx((37.3204, 42.6796), abs=1e-4)
    coarser, _ = convert_silt_limit(40, 40, source=20, target=50)
    assert float(coarser) == pytest.approx(40 + 40 * np.log(2.5) / np.log(100))


@settings(derandomize=True)
@given(st.floats(0, 100), st.sampled_from([20.0, 60.0, 63.0, 64.0]))
def test_conversion_of_the_silt_limit_loses_no_mass_and_leaves_the_same_limit_alone(silt: float, limit: float):
    moved, sand = convert_silt_limit(silt, 100 - silt, source=limit, target=50)
    assert float(moved + sand) == pytest.approx(100)
    assert 0 <= float(moved) <= 100
    assert float(convert_silt_limit(silt, 100 - silt, source=limit, target=limit)[0]) == pytest.approx(silt)


def test_a_silt_limit_outside_clay_and_sand_is_refused_by_name():
    with pytest.raises(ValueError, match="silt limits 2 and 50 µm"):
        convert_silt_limit(40, 40, source=2, target=50)


def test_no_soils_have_no_classes_and_one_number_has_one():
    assert usda_texture([], [], [], limits=USDA).code.size == 0
    assert hypres_texture(40, 40, 20, limits=USDA).code.tolist() == ["M"]


def test_columns_of_different_lengths_are_refused_by_name():
    with pytest.raises(ValueError, match=r"sand \(2,\), silt \(3,\), clay \(1,\), limits \(1,\)"):
        usda_texture([1, 2], [1, 2, 3], 5, limits=USDA)


def test_every_class_of_the_tables_is_reached():
    size = np.arange(0, 101, 1.0)
    clay, sand = (axis.ravel() for axis in np.meshgrid(size, size))
    inside = clay + sand <= 100
    clay, sand = clay[inside], sand[inside]
    assert set(usda_texture(sand, 100 - clay - sand, clay, limits=USDA).code) == set(USDA_CLASSES)
    assert set(hypres_texture(sand, 100 - clay - sand, clay, limits=USDA).code) == set(HYPRES_CLASSES)


def test_every_convertible_limit_gives_a_class():
    for name, (_, silt, sand) in PARTICLE_SIZE_LIMITS.items():
        assert silt < sand
        assert (usda_texture(40, 40, 20, limits=name).code[0] is None) == (name == "1-50-1000")
