from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from app.soil.carbon import fixed_depth_stock
from app.soil.conversions import ORGANIC_MATTER_FACTOR
from app.soil.esm import (
    INTERPOLATIONS,
    MASS_BASES,
    METHOD_VERSION,
    REASONS,
    EquivalentMassStock,
    common_mass,
    equivalent_mass_stock,
    first_campaign_mass,
    interpolate,
    layer_mass,
    mass_of_cores,
    mass_to_depth,
)
from app.soil.layers import Layers

NAN = np.nan


def make(*rows: tuple[int, float, float, float, float], **columns: Any) -> Layers:
    """Layers from (profile, top, bottom, soc, density); fine earth per total volume, all measured, unless changed."""
    size = len(rows)
    table = np.array(rows, dtype=float).reshape(size, 5)

    def column(name: str, default: Any, kind: type = object) -> np.ndarray:
        return np.array(np.broadcast_to(np.array(columns.get(name, default), dtype=kind), (size,)))

    return Layers(
        profile=table[:, 0].astype(np.intp),
        top=table[:, 1],
        bottom=table[:, 2],
        organic=column("organic", default=False, kind=bool),
        soc=table[:, 3],
        soc_status=column("soc_status", "measured"),
        bulk_density=table[:, 4],
        bulk_density_basis=column("bulk_density_basis", "fine_per_total"),
        bulk_density_status=column("bulk_density_status", "measured"),
        coarse_fragments=column("coarse_fragments", NAN, float),
        coarse_fragments_basis=column("coarse_fragments_basis", "volume"),
        coarse_fragments_status=column("coarse_fragments_status", "measured"),
        u_soc=columns.get("u_soc"),
        u_bulk_density=columns.get("u_bulk_density"),
    )


TWO = ((0, 0.0, 10.0, 30.0, 1.0), (0, 10.0, 30.0, 10.0, 1.0))
FOUR = ((0, 0, 10, 30, 1.2), (0, 10, 20, 20, 1.3), (0, 20, 40, 10, 1.4), (0, 40, 60, 4, 1.5))


def total(*rows: tuple[int, float, float, float, float], mass: Any = 2000.0, **options: Any) -> EquivalentMassStock:
    columns = {key: value for key, value in options.items() if key in Layers.__dataclass_fields__}
    rest = {key: value for key, value in options.items() if key not in columns}
    return equivalent_mass_stock(make(*rows, **columns), 1, mass, **({"mass_basis": "total"} | rest))


def test_straight_lines_can_be_done_in_the_head():
    stock = total(*TWO)
    assert (stock.value[0], stock.depth[0], stock.interpolation[0]) == (40.0, 20.0, "linear")
    assert (stock.sampled_mass[0], stock.n_layers[0], stock.mass_basis) == (3000.0, 2, "esm_total")


def test_mineral_mass_is_without_organic_matter():
    assert layer_mass(1.25, 10, 25) == pytest.approx(1187.5)
    assert layer_mass(1.25, 10, 25, organic_matter_factor=1.724) == pytest.approx(1250 * (1 - 0.0431))
    assert layer_mass(1.25, 10, 25, mass_basis="total") == pytest.approx(1250.0)
    assert ORGANIC_MATTER_FACTOR == 2.0


def test_mass_of_cores_needs_no_density():
    assert mass_of_cores(1000.0, 5, 40.0) == pytest.approx(1e7 / (5 * np.pi * 400))
    assert np.isnan(mass_of_cores([-1.0, 1.0, 1.0, NAN], [5, 0, 5, 5], [40.0, 40.0, 0.0, 40.0])).all()


def test_default_is_mineral_mass_and_the_cubic_for_three_layers_and_more():
    stock = equivalent_mass_stock(make(*FOUR), 1, 3000.0)
    assert (stock.mass_basis, stock.interpolation[0], stock.organic_matter_factor) == ("esm_mineral", "hyman", 2.0)
    assert equivalent_mass_stock(make(*FOUR[:3]), 1, 3000.0).interpolation[0] == "hyman"
    assert equivalent_mass_stock(make(*FOUR[:2]), 1, 2000.0).interpolation[0] == "linear"
    assert equivalent_mass_stock(make(*FOUR[:1]), 1, 1000.0).interpolation[0] == "linear"


def test_compaction_alone_changes_the_fixed_depth_stock_and_not_the_equivalent_one():
    loose = make((0, 0, 10, 30, 1.0), (0, 10, 20, 20, 1.0), (0, 20, 40, 10, 1.0))
    dense = make((0, 0, 8, 30, 1.25), (0, 8, 16, 20, 1.25), (0, 16, 32, 10, 1.25))
    assert fixed_depth_stock(dense, 1, 0, 30).value[0] > fixed_depth_stock(loose, 1, 0, 30).value[0] + 4
    stocks = [equivalent_mass_stock(core, 1, 2900.0).value[0] for core in (loose, dense)]
    assert stocks[0] == pytest.approx(stocks[1])


def test_a_core_that_does_not_reach_the_mass_is_refused_not_extrapolated():
    stock = total(*TWO, mass=3000.001)
    assert (stock.reason[0], stock.interpolation[0], stock.n_layers[0]) == ("mass_not_reached", None, 0)
    assert np.isnan([stock.value[0], stock.depth[0], stock.u_random[0], stock.u_systematic[0]]).all()
    assert total(*TWO, mass=3000.0).value[0] == 50.0


@pytest.mark.parametrize(
    ("mass", "reason"),
    [(NAN, "reference_mass_missing"), (0.0, "reference_mass_invalid"), (-1.0, "reference_mass_invalid"), (np.inf, "reference_mass_invalid")],
)  # fmt: skip
def test_a_reference_mass_that_is_none_is_named(mass: float, reason: str):
    assert total(*TWO, mass=mass).reason.tolist() == [reason]


@pytest.mark.parametrize("status", ["estimated", "assumed", "unknown", "other_campaign", "ptf:manrique_jones1991"])
def test_a_density_that_was_not_measured_is_refused(status: str):
    assert total(*TWO, bulk_density_status=status).reason.tolist() == ["bulk_density_not_measured"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((0, 10, 30, NAN, 1.0), "soc_missing"),
        ((0, 10, 30, -1, 1.0), "soc_out_of_range"),
        ((0, 10, 30, 581, 1.0), "soc_out_of_range"),
        ((0, 10, 30, 10, NAN), "bulk_density_missing"),
        ((0, 10, 30, 10, -1), "bulk_density_out_of_range"),
        ((0, 10, 30, 10, 2.7), "bulk_density_out_of_range"),
        ((0, 11, 30, 10, 1.0), "gap"),
        ((0, 9, 30, 10, 1.0), "overlap"),
        ((0, 30, 10, 10, 1.0), "depth_invalid"),
        ((0, 10, 10, 10, 1.0), "depth_invalid"),
        ((0, 10, NAN, 10, 1.0), "depth_invalid"),
        ((0, 10, np.inf, 10, 1.0), "depth_invalid"),
        ((0, NAN, NAN, 10, 1.0), "depth_invalid"),
    ],
)
def test_a_fault_above_the_reference_mass_is_named(row: tuple[int, float, float, float, float], reason: str):
    assert total(TWO[0], row).reason.tolist() == [reason]
    assert reason in REASONS


def test_a_density_of_zero_with_a_stated_uncertainty_is_refused():
    stock = total(TWO[0], (0, 10, 30, 10, 0.0), u_bulk_density=np.array([0.05, 0.05]))
    assert stock.reason.tolist() == ["bulk_density_out_of_range"]


def test_faults_below_the_reference_mass_do_not_matter():
    assert total(*TWO, (0, 30, 60, NAN, NAN), (0, 50, 90, 5, 1.3), (0, 90, 80, 5, 1.3)).value[0] == 40.0


def test_an_overlap_spoils_the_layer_it_begins_in():
    rows = (*TWO, (0, 20, 40, 5, 1.0))
    assert total(*rows, mass=1500.0).reason.tolist() == ["overlap"]
    assert total(*rows, mass=1000.0).value[0] == 30.0


def test_a_core_that_begins_below_the_surface_is_refused():
    assert total((0, 5, 30, 10, 1.0), mass=1000.0).reason.tolist() == ["starts_below_surface"]
    assert total((0, -5, 30, 10, 1.0), mass=1000.0).reason.tolist() == ["depth_invalid"]


def test_stones_are_taken_off_or_their_unstated_basis_is_named():
    stock = total(*TWO, bulk_density_basis="fine_earth", coarse_fragments=0.2, mass=1600.0)
    assert stock.value[0] == pytest.approx(0.8 * 40)
    unstated = {"bulk_density_basis": "whole", "coarse_fragments": 0.4, "coarse_fragments_basis": "unknown"}
    assert total(*TWO, **unstated).reason.tolist() == ["coarse_fragments_basis_unknown"]
    unstated = {"bulk_density_basis": "unknown", "coarse_fragments": 0.4}
    assert total(*TWO, **unstated).reason.tolist() == ["bulk_density_basis_unknown"]
    assert total(*TWO, coarse_fragments=1.0).reason.tolist() == ["coarse_fragments_out_of_range"]


def test_a_layer_that_is_all_organic_matter_has_no_mineral_mass():
    peat = ((0, 0, 10, 500.0, 0.2), (0, 10, 30, 10, 1.0))
    assert equivalent_mass_stock(make(*peat), 1, 100.0).reason.tolist() == ["no_mineral_mass"]
    assert total(*peat, mass=100.0).value[0] == pytest.approx(50.0)
    almost = ((0, 0, 10, 499.0, 0.2), (0, 10, 30, 10, 1.0))
    assert equivalent_mass_stock(make(*almost), 1, 0.4).value[0] == pytest.approx(99.8)


def test_organic_surface_layers_are_not_part_of_the_core():
    stock = total((0, -5, 0, 400, 0.1), *TWO, organic=[True, False, False])
    assert stock.value[0] == 40.0
    assert total((0, 0, 40, 400, 0.1), organic=True).reason.tolist() == ["no_mineral_layer"]


def test_profiles_do_not_mix_and_layers_come_in_any_order():
    layers = make((2, 10, 30, 10, 1.0), (0, 0, 40, 5, 1.0), (2, 0, 10, 30, 1.0))
    stocks = equivalent_mass_stock(layers, 3, [1000.0, 1000.0, 2000.0], mass_basis="total")
    assert stocks.value == pytest.approx([5.0, NAN, 40.0], nan_ok=True)
    assert stocks.reason.tolist() == [None, "no_mineral_layer", None]


def test_no_cores_are_no_error():
    assert equivalent_mass_stock(make(), 0, 1000.0).value.size == 0
    assert equivalent_mass_stock(make(), 2, 1000.0).reason.tolist() == ["no_mineral_layer"] * 2
    assert mass_to_depth(make(), 1, 30).reason.tolist() == ["no_mineral_layer"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mass_basis": "dry"}, "unknown mass basis 'dry'; accepted are mineral, total"),
        ({"interpolation": "pchip"}, "unknown interpolation 'pchip'; accepted are auto, hyman, linear"),
        ({"organic_matter_factor": 0.58}, "organic matter is at least its own carbon"),
        ({"correlation": 1.005}, "correlation"),
        ({"correlation": -1.005}, "correlation"),
        ({"organic_matter_factor": 0.995}, "organic matter"),
        ({"mass": [1.0, 2.0]}, r"reference_mass has shape \(2,\), expected one or \(1,\)"),
    ],
)
def test_unknown_words_and_wrong_shapes_are_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        total(*TWO, **options)


def test_a_profile_number_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"0 \.\. 0"):
        total((1, 0, 30, 10, 1.0))


def test_mass_to_a_depth_inside_a_layer_is_its_share():
    found = mass_to_depth(make(*TWO), 1, 20, mass_basis="total")
    assert (found.value[0], found.reason[0]) == (2000.0, None)


def test_mass_to_the_rock_is_the_mass():
    layers = make((0, 0, 25, 10, 1.0), (1, 0, 25, 10, 1.0))
    found = mass_to_depth(layers, 2, 30, [25.0, NAN], mass_basis="total")
    assert found.value == pytest.approx([2500.0, NAN], nan_ok=True)
    assert found.reason.tolist() == [None, "depth_not_reached"]


def test_mass_above_a_fault_is_known_and_below_it_is_not():
    layers = make(TWO[0], (0, 10, 30, NAN, 1.0))
    assert mass_to_depth(layers, 1, 10, mass_basis="total").value[0] == 1000.0
    assert mass_to_depth(layers, 1, 30).reason.tolist() == ["soc_missing"]


@pytest.mark.parametrize("depth", [0.0, -5.0, NAN, np.inf])
def test_a_depth_that_is_none_is_refused(depth: float):
    with pytest.raises(ValueError, match="depth must be positive"):
        mass_to_depth(make(*TWO), 1, depth)


def test_rock_depths_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match="rock_depth"):
        mass_to_depth(make(*TWO), 1, 30, [20.0, 30.0])


def test_reference_is_the_mean_mass_of_the_first_campaign_of_each_site():
    mass = [3000.0, 3200.0, 4000.0, 3500.0, 9.0]
    site, campaign = ["a", "a", "a", "b", "b"], [2001, 2001, 2011, 2015, 2010]
    assert first_campaign_mass(mass, site, campaign).tolist() == [3100.0, 3100.0, 3100.0, 9.0, 9.0]


def test_a_later_campaign_does_not_stand_in_for_the_first():
    assert np.isnan(first_campaign_mass([NAN, 4000.0], ["a", "a"], [2001, 2011])).all()
    assert first_campaign_mass([3000.0, NAN, 4000.0], ["a"] * 3, [2001, 2001, 2011]).tolist() == [3000.0] * 3
    assert np.isnan(first_campaign_mass([3000.0], ["a"], [NAN])).all()
    assert first_campaign_mass([], [], []).size == 0


def test_campaigns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="equal length"):
        first_campaign_mass([1.0, 2.0], ["a"], [2001, 2011])


def test_common_mass_is_reached_by_every_core():
    assert common_mass([3000.0, NAN, 2800.0]) == 2800.0
    assert np.isnan(common_mass([NAN]))
    assert np.isnan(common_mass([]))


def test_three_points_make_a_parabola_as_in_r():
    # splinefun(c(0, 1, 3), c(0, 2, 3), method = "hyman"): slopes 2.5, 1.5 and -0.5, the last lifted to 0.
    slopes = [2.5, 1.5, 0.0]
    expected = CubicHermiteSpline([0, 1, 3], [0, 2, 3], slopes)
    at = np.linspace(0, 3, 13)
    assert interpolate([0, 1, 3], [0, 2, 3], at) == pytest.approx(expected(at))


def test_two_points_make_a_straight_line():
    assert interpolate([0, 10], [0, 5], [2.0]).tolist() == [1.0]


def test_a_cubic_is_reproduced_where_no_slope_needs_the_filter():
    x = np.array([0.0, 1.0, 2.0, 4.0, 7.0])
    at = np.linspace(0, 7, 29)
    assert interpolate(x, x**3 / 50 + x, at) == pytest.approx(at**3 / 50 + at)


def test_slopes_are_held_to_three_times_the_smaller_secant():
    x, y = [0.0, 1.0, 2.0, 3.0], [0.0, 0.01, 5.0, 5.01]
    found = interpolate(x, y, np.linspace(0, 3, 301))
    assert (np.diff(found) >= 0).all()
    assert (np.diff(CubicSpline(x, y)(np.linspace(0, 3, 301))) < 0).any()


def test_interpolation_beyond_the_ends_is_missing():
    assert np.isnan(interpolate([0, 10], [0, 5], [-0.1, 10.1])).all()
    assert interpolate([0, 10], [0, 5], []).size == 0


@pytest.mark.parametrize(
    ("mass", "quantity", "method", "message"),
    [
        ([0.0], [0.0], "hyman", "at least two points"),
        ([0.0, 1.0], [0.0], "hyman", "equal length"),
        ([0.0, 0.0], [0.0, 1.0], "hyman", "mass must rise"),
        ([0.0, 1.0], [1.0, 0.0], "hyman", "quantity must not fall"),
        ([0.0, NAN], [0.0, 1.0], "hyman", "mass must rise"),
        ([0.0, 1.0], [0.0, 1.0], "auto", "accepted are hyman, linear"),
    ],
)
def test_points_that_make_no_curve_are_refused(mass: list[float], quantity: list[float], method: str, message: str):
    with pytest.raises(ValueError, match=message):
        interpolate(mass, quantity, [0.5], interpolation=method)


def test_first_order_uncertainty_is_the_derivative_of_the_straight_lines():
    for basis, factor in (("total", 2.0), ("mineral", 2.0), ("mineral", 1.724)):
        rows = [list(row) for row in FOUR]
        u_soc, u_density = np.array([2.0, 1.5, 1.0, 0.5]), np.array([0.06, 0.05, 0.07, 0.04])

        def value(changed: list[list[float]], basis: str = basis, factor: float = factor) -> float:
            layers = make(*(tuple(row) for row in changed))  # type: ignore[arg-type]
            options: dict[str, Any] = {"mass_basis": basis, "interpolation": "linear", "organic_matter_factor": factor}
            return float(equivalent_mass_stock(layers, 1, 3300.0, **options).value[0])

        variance = 0.0
        for row in range(4):
            for column, u in ((3, u_soc[row]), (4, u_density[row])):
                step = [list(r) for r in rows]
                step[row][column] += 1e-6
                variance += ((value(step) - value(rows)) / 1e-6 * u) ** 2
            thickness = rows[row][2] - rows[row][1]
            step = [list(r) for r in rows]
            step[row][4] *= 1 + 1e-6
            variance += ((value(step) - value(rows)) / 1e-6 / thickness) ** 2
        layers = make(*FOUR, u_soc=u_soc, u_bulk_density=u_density)
        found = equivalent_mass_stock(
            layers, 1, 3300.0, mass_basis=basis, interpolation="linear", organic_matter_factor=factor
        )
        assert found.u_random[0] == pytest.approx(np.sqrt(variance), rel=1e-6)
        assert found.u_systematic[0] == 0.0


def test_bias_of_the_laboratory_is_common_to_the_layers():
    stock = total(*TWO)
    # 7 %, at least 0.5 g/kg, half of the variance: 1000 t of fine earth in the first layer, 1000 in the second.
    assert stock.u_systematic[0] == pytest.approx(0.001 * 1000 * (30 * 0.07 + 10 * 0.07) / np.sqrt(2))


def test_assumed_stones_are_common_and_matter_only_where_carbon_differs():
    stock = total(*TWO, bulk_density_basis="fine_earth", u_soc=np.zeros(2))
    assert stock.u_systematic[0] == pytest.approx(0.05 * 0.001 * 1000 * (30 - 10))
    assert (stock.cf_source[0], stock.tier[0]) == ("assumed_zero", "B")


def test_an_unstated_basis_is_common_too():
    stock = total(*TWO, mass=1000.0, bulk_density_basis="unknown", coarse_fragments=0.1, u_soc=np.zeros(2))
    # 1.0 g/cm3 reads 0.9 as fine earth and 1 - 0.265 = 0.735 as whole soil: middle 0.8175, half of the range 0.0825.
    relative = 0.0825 / 0.8175
    assert stock.u_systematic[0] == pytest.approx(0.001 * 817.5 * (30 - 10) * relative)
    assert (stock.tier[0], stock.bd_source[0]) == ("B", "measured")


def test_correlation_of_carbon_and_density_enters_the_random_part():
    values = {"u_soc": np.array([2.0, 1.0]), "u_bulk_density": np.array([0.1, 0.1])}
    assert total(*TWO, correlation=-1.0, **values).u_random[0] < total(*TWO, correlation=1.0, **values).u_random[0]
    found = [total(*TWO, correlation=r, **values).u_random[0] for r in (-0.5, 0.0, 0.5)]
    cross = 2 * (0.001 * 1000 * 2.0) * (0.001 * 20 * 1000 * 0.1)
    assert np.square(found) == pytest.approx(found[1] ** 2 + cross * np.array([-0.5, 0.0, 0.5]))


def test_quality_is_that_of_the_layers_above_the_reference_mass():
    words = ["measured_dc", "measured_dc", "om_converted", "om_converted"]
    shallow = equivalent_mass_stock(make(*FOUR, soc_status=words), 1, 2000.0)
    deep = equivalent_mass_stock(make(*FOUR, soc_status=words), 1, 4000.0)
    assert (shallow.soc_source[0], shallow.tier[0], shallow.bd_source[0]) == ("measured_dc", "A", "measured")
    assert (deep.soc_source[0], deep.tier[0], deep.cf_source[0]) == ("om_converted", "B", "not_needed")


def test_every_word_has_a_sentence():
    for table in (REASONS, MASS_BASES, INTERPOLATIONS):
        assert all(sentence.endswith(".") for sentence in table.values())


def test_a_stock_carries_its_version_and_the_rules_of_the_layers_it_rests_on():
    rules = np.empty(4, dtype=object)
    rules[:] = [("B", "A"), ["A", "C"], None, ("DEEP",)]
    layers = replace(make(*FOUR), rule_ids=rules)
    stock = equivalent_mass_stock(layers, 2, 2000.0, mass_basis="total")
    assert (stock.algorithm_version, stock.n_layers[0]) == (METHOD_VERSION, 2)
    assert stock.rule_ids == (("A", "B", "C"), ())
    assert equivalent_mass_stock(layers, 1, 6000.0, mass_basis="total").rule_ids == (("A", "B", "C", "DEEP"),)
    assert equivalent_mass_stock(replace(layers, rule_ids=None), 2, 2000.0).rule_ids == ((), ())


def test_rules_of_the_layer_that_ends_a_core_too_soon_are_carried_and_no_deeper_ones():
    rules = np.empty(3, dtype=object)
    rules[:] = [None, ("SOC",), ("DEEP",)]
    rows = ((0, 0, 10, 30, 1.0), (0, 10, 20, NAN, 1.0), (0, 20, 40, 10, 1.0))
    layers = replace(make(*rows), rule_ids=rules)
    stock = equivalent_mass_stock(layers, 1, 1500.0, mass_basis="total")
    assert (stock.reason[0], stock.rule_ids) == ("soc_missing", (("SOC",),))
    assert equivalent_mass_stock(layers, 1, 500.0, mass_basis="total").rule_ids == ((),)


def test_density_of_the_stones_moves_the_mass_of_whole_soil_with_stones_by_volume():
    layers = make((0, 0, 10, 20, 1.6), (0, 10, 30, 10, 1.6), bulk_density_basis="whole", coarse_fragments=0.2)
    heavy, light = (mass_to_depth(layers, 1, 10, mass_basis="total", stone_density=d).value for d in (2.65, 2.0))
    assert (heavy[0], light[0]) == pytest.approx((1070.0, 1200.0))
    assert mass_to_depth(layers, 1, 10, mass_basis="total").value == pytest.approx(heavy)
    stock = equivalent_mass_stock(layers, 1, 1200.0, mass_basis="total", stone_density=2.0)
    assert (stock.value[0], stock.depth[0]) == pytest.approx((24.0, 10.0))


@st.composite
def profiles(draw: st.DrawFn) -> Layers:
    """One core of one to seven layers from the surface without gaps."""
    n = draw(st.integers(1, 7))

    def column(strategy: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(strategy, min_size=n, max_size=n)))

    thickness = column(st.floats(1, 40))
    bottom = np.cumsum(thickness)
    rows = zip([0] * n, bottom - thickness, bottom, column(st.floats(0, 300)), column(st.floats(0.3, 1.9)), strict=True)
    layers = make(*rows)
    # Bottoms and tops of neighbours must be the same number for the layers to touch.
    return Layers(
        **(
            {name: getattr(layers, name) for name in Layers.__dataclass_fields__}
            | {"top": np.concatenate([[0.0], layers.bottom[:-1]])}
        )
    )


@given(profiles(), st.sampled_from(["mineral", "total"]), st.sampled_from(["auto", "hyman", "linear"]))
def test_own_mass_of_the_reference_core_returns_its_stock(layers: Layers, basis: str, interpolation: str):
    for row in range(layers.bottom.size):
        depth = float(layers.bottom[row])
        mass = mass_to_depth(layers, 1, depth, mass_basis=basis).value
        stock = equivalent_mass_stock(layers, 1, mass, mass_basis=basis, interpolation=interpolation)
        assert stock.value == pytest.approx(fixed_depth_stock(layers, 1, 0, depth).value, rel=1e-9, abs=1e-9)
        assert stock.depth == pytest.approx([depth], rel=1e-9)


@given(profiles(), st.floats(0.001, 1), st.floats(0.001, 1), st.sampled_from(["hyman", "linear"]))
def test_more_mass_never_holds_less_carbon(layers: Layers, one: float, other: float, interpolation: str):
    sampled = mass_to_depth(layers, 1, float(layers.bottom[-1])).value[0]
    less, more = (
        equivalent_mass_stock(layers, 1, share * sampled, interpolation=interpolation).value[0]
        for share in sorted((one, other))
    )
    assert less <= more * (1 + 1e-9) + 1e-9


@given(profiles(), st.integers(0, 6), st.floats(0.05, 0.95), st.floats(0.01, 1.0))
def test_splitting_a_layer_changes_nothing_on_straight_lines(layers: Layers, which: int, share: float, at: float):
    row = which % layers.top.size
    cut = float(layers.top[row] + share * (layers.bottom[row] - layers.top[row]))
    rows = [
        (0, float(top), float(bottom), float(soc), float(density))
        for top, bottom, soc, density in zip(layers.top, layers.bottom, layers.soc, layers.bulk_density, strict=True)
    ]
    _, top, bottom, soc, density = rows[row]
    split = make(*rows[:row], (0, top, cut, soc, density), (0, cut, bottom, soc, density), *rows[row + 1 :])
    mass = at * mass_to_depth(layers, 1, float(layers.bottom[-1])).value[0]
    before, after = (equivalent_mass_stock(core, 1, mass, interpolation="linear") for core in (layers, split))
    assert after.value == pytest.approx(before.value, rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0.1, 50), st.floats(0, 20)), min_size=1, max_size=8), st.floats(0, 1))
def test_monotone_cubic_never_leaves_the_values_of_its_interval(steps: list[tuple[float, float]], share: float):
    x, y = (np.concatenate([[0.0], np.cumsum(part)]) for part in np.array(steps).T)
    at = share * x[-1]
    right = int(np.clip(np.searchsorted(x, at), 1, x.size - 1))
    found = float(interpolate(x, y, at))
    assert y[right - 1] - 1e-9 <= found <= y[right] + 1e-9


def test_flags_say_what_a_stock_rests_on_and_a_refusal_has_none():
    layers = make(*TWO, bulk_density_basis="whole", soc_status=np.array(["measured", "estimated"], dtype=object))
    stock = equivalent_mass_stock(layers, 1, 2000.0, mass_basis="total")
    assert stock.flags == (("soc_estimated", "cf_assumed_zero"),)
    assert (stock.depth_status[0], stock.tier[0]) == ("complete", "C")
    shallow = equivalent_mass_stock(layers, 1, 500.0, mass_basis="total")
    assert shallow.flags == (("cf_assumed_zero",),)
    beyond = equivalent_mass_stock(layers, 1, 9000.0, mass_basis="total")
    assert (beyond.flags, beyond.depth_status[0]) == (((),), None)
    plain = total(*TWO)
    assert plain.flags == ((),)
