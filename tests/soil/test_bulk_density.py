import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.soil.bulk_density import (
    fine_earth_per_total,
    from_fine_earth_and_mass,
    from_fine_earth_and_volume,
    from_whole_and_mass,
    from_whole_and_volume,
    stones_by_volume,
    stones_of_field_class,
)

NAN = np.nan


@pytest.fixture
def sample() -> dict[str, float]:
    """100 cm3 holding 30 cm3 of stones of 2.65 g/cm3 and 70 cm3 of fine earth of 1.20 g/cm3."""
    fine, stones = 70 * 1.20, 30 * 2.65
    return {
        "fine_earth": 1.20,
        "whole": (fine + stones) / 100,
        "volume": 0.30,
        "mass": stones / (fine + stones),
        "expected": fine / 100,
    }


def test_all_four_conversions_give_the_same_sample(sample: dict[str, float]):
    for convert, density, stones in (
        (from_fine_earth_and_volume, "fine_earth", "volume"),
        (from_fine_earth_and_mass, "fine_earth", "mass"),
        (from_whole_and_volume, "whole", "volume"),
        (from_whole_and_mass, "whole", "mass"),
    ):
        assert convert(sample[density], sample[stones]) == pytest.approx(sample["expected"])


def test_stones_by_volume_follow_from_stones_by_mass(sample: dict[str, float]):
    assert stones_by_volume(sample["mass"], sample["fine_earth"]) == pytest.approx(0.30)


def test_density_of_the_stones_matters_only_where_mass_and_volume_meet():
    cases = (("fine_earth", "volume"), ("fine_earth", "mass"), ("whole", "volume"), ("whole", "mass"))
    light, heavy = (
        [fine_earth_per_total(1.6, basis, 0.2, stones, stone_density=density).value[0] for basis, stones in cases]
        for density in (2.0, 2.65)
    )
    assert [a == b for a, b in zip(light, heavy, strict=True)] == [True, False, False, True]
    assert (light[2], heavy[2]) == pytest.approx((1.20, 1.07))


@pytest.mark.parametrize("density", [0.0, -2.65, NAN, np.inf])
def test_density_of_stones_must_be_a_positive_number(density: float):
    with pytest.raises(ValueError, match="density of stones"):
        fine_earth_per_total(1.6, "whole", 0.2, "volume", stone_density=density)


@pytest.mark.parametrize("basis", ["fine_earth", "whole"])
@pytest.mark.parametrize("stones", ["volume", "mass"])
def test_stated_bases_leave_no_spread(sample: dict[str, float], basis: str, stones: str):
    mass = fine_earth_per_total(sample[basis], basis, sample[stones], stones)
    assert mass.value == pytest.approx([sample["expected"]])
    assert mass.spread.tolist() == pytest.approx([0.0])


def test_density_that_needs_no_stones_is_taken_as_it_is():
    mass = fine_earth_per_total([0.9, 0.9], "fine_per_total", [0.4, NAN], "unknown")
    assert mass.value.tolist() == [0.9, 0.9]
    assert not mass.stones_assumed_zero.any()
    assert not mass.stones_needed.any()
    assert mass.stones.tolist() == [0.0, 0.0]


def test_missing_stones_are_computed_as_none_and_marked():
    mass = fine_earth_per_total([1.3, 1.3], ["fine_earth", "whole"], NAN, "unknown")
    assert mass.value.tolist() == [1.3, 1.3]
    assert mass.stones_assumed_zero.tolist() == [True, True]


def test_unstated_density_basis_with_stones_gives_the_middle_and_half_the_spread():
    # As fine earth 1.5 x 0.9 = 1.35, as whole soil 1.5 - 0.1 x 2.65 = 1.235.
    mass = fine_earth_per_total(1.5, "unknown", 0.1, "volume")
    assert mass.value == pytest.approx([1.2925])
    assert mass.spread == pytest.approx([0.0575])
    assert mass.basis_assumed.tolist() == [True]


def test_unstated_density_basis_with_few_stones_is_read_as_fine_earth():
    mass = fine_earth_per_total(1.5, "unknown", 0.04, "volume")
    assert mass.value == pytest.approx([1.44])
    assert (mass.spread[0], mass.basis_assumed[0]) == (0.0, True)


def test_unstated_density_basis_without_stones_is_no_assumption():
    mass = fine_earth_per_total(1.5, "unknown", 0.0, "unknown")
    assert (mass.value[0], mass.basis_assumed[0], mass.stones_basis_assumed[0]) == (1.5, False, False)


def test_readings_too_far_apart_have_no_value_and_name_what_is_unstated():
    mass = fine_earth_per_total([1.5, 1.5], ["unknown", "whole"], [0.4, 0.4], ["volume", "unknown"])
    assert np.isnan(mass.value).all()
    assert mass.spread.tolist() == [0.0, 0.0]
    assert mass.density_basis_unknown.tolist() == [True, False]
    assert mass.stones_basis_unknown.tolist() == [False, True]


def test_missing_density_stays_missing():
    mass = fine_earth_per_total([NAN, 1.2], "fine_earth", 0.1, "volume")
    assert np.isnan(mass.value[0])
    assert mass.value[1] == pytest.approx(1.08)


@pytest.mark.parametrize(("density", "stones"), [(-1.0, 0.1), (0.0, 0.1), (np.inf, 0.1), (1.2, 1.0), (1.2, -0.1)])
def test_impossible_input_has_no_value(density: float, stones: float):
    for basis in ("fine_earth", "whole", "unknown"):
        assert np.isnan(fine_earth_per_total(density, basis, stones, "mass").value).all()


def test_no_layers_give_no_densities():
    assert fine_earth_per_total([], [], [], []).value.size == 0


def test_unknown_word_for_a_basis_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown bulk density basis 'dry'; accepted are fine_earth, whole"):
        fine_earth_per_total(1.2, "dry", 0.1, "volume")


def test_basis_of_a_missing_value_is_not_looked_at():
    words = np.array([["fine_earth", None], [None, "volume"]])
    mass = fine_earth_per_total([1.2, NAN], words[0], [NAN, 0.1], words[1])
    assert mass.value[0] == 1.2


def test_rock_density_is_explicit():
    light = fine_earth_per_total(1.6, "whole", 0.2, "volume", stone_density=2.0)
    assert light.value == pytest.approx([1.6 - 0.4])
    assert fine_earth_per_total(1.6, "whole", 0.2, "volume").value == pytest.approx([1.6 - 0.53])


def test_a_field_class_is_its_middle_with_the_uncertainty_of_its_width():
    stones, u = stones_of_field_class(np.array(["common", "none", "dominant", None], dtype=object))
    assert stones == pytest.approx([0.10, 0.0, 0.90, NAN], nan_ok=True)
    assert u == pytest.approx([0.10 / np.sqrt(12), 0.0, 0.20 / np.sqrt(12), NAN], nan_ok=True)


def test_field_classes_keep_their_shape_and_none_are_no_error():
    assert stones_of_field_class([["few", "many"]])[0].shape == (1, 2)
    assert stones_of_field_class([])[0].size == 0


def test_an_unknown_field_class_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown class of coarse fragments 'stony'; accepted are none, very_few"):
        stones_of_field_class(["few", "stony"])


@given(st.floats(0.3, 1.9), st.floats(0, 0.9), st.floats(2.0, 3.0))
def test_every_route_from_one_sample_ends_at_the_same_mass(fine_earth: float, volume: float, rock: float):
    fine, stones = fine_earth * (1 - volume), volume * rock
    by_mass = stones / (fine + stones)
    for basis, density, share, stones_basis in (
        ("fine_earth", fine_earth, volume, "volume"),
        ("fine_earth", fine_earth, by_mass, "mass"),
        ("whole", fine + stones, volume, "volume"),
        ("whole", fine + stones, by_mass, "mass"),
        ("fine_per_total", fine, volume, "volume"),
    ):
        found = fine_earth_per_total(density, basis, share, stones_basis, stone_density=rock).value
        assert found == pytest.approx([fine], rel=1e-9, abs=1e-12)
