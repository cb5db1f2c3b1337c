from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.soil.carbon import (
    FLAGS,
    METHOD_VERSION,
    REASONS,
    Layers,
    ProfileValues,
    extrapolated_stock,
    fixed_depth_content,
    fixed_depth_stock,
    layer_stock,
    layer_stock_uncertainty,
)
from app.soil.depth import slab_mean, slab_mean_by_mass
from app.soil.layers import U_THICKNESS
from app.soil.pedotransfer import manrique_jones1991

NAN = np.nan


def make(*rows: tuple[int, float, float, float, float], **columns: Any) -> Layers:
    """Layers from (profile, top, bottom, soc, bulk density); other columns measured, fine earth and free of stones."""
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
        bulk_density_basis=column("bulk_density_basis", "fine_earth"),
        bulk_density_status=column("bulk_density_status", "measured"),
        coarse_fragments=column("coarse_fragments", 0.0, float),
        coarse_fragments_basis=column("coarse_fragments_basis", "volume"),
        coarse_fragments_status=column("coarse_fragments_status", "measured"),
        u_soc=columns.get("u_soc"),
        u_bulk_density=columns.get("u_bulk_density"),
        rule_ids=per_layer(columns["rule_ids"]) if "rule_ids" in columns else None,
    )


def per_layer(rule_ids: list[Any]) -> np.ndarray:
    column = np.empty(len(rule_ids), dtype=object)
    column[:] = rule_ids
    return column


def one(layers: Layers, upper: float = 0, lower: float = 30, rock: float | None = None) -> dict[str, Any]:
    """The stock of the only profile, as plain values."""
    stocks = fixed_depth_stock(layers, 1, upper, lower, None if rock is None else [rock])
    columns = {name: getattr(stocks, name) for name in ProfileValues.__dataclass_fields__}
    return {name: values if isinstance(values, str) else values[0] for name, values in columns.items()}


def test_stock_of_a_layer_can_be_done_in_the_head():
    assert layer_stock(20, 1.3, 30) == pytest.approx(78.0)
    assert layer_stock([20, 20, NAN], 1.3, 30, [0.0, 0.5, 0.0]) == pytest.approx([78.0, 39.0, NAN], nan_ok=True)


def test_relative_uncertainties_of_a_layer_add_in_quadrature():
    u = layer_stock_uncertainty(20, 1.0, 30, u_organic_carbon=0.6, u_bulk_density=0.04)
    assert u == pytest.approx(60 * 0.05)


def test_a_layer_without_stated_errors_has_none():
    assert layer_stock_uncertainty(20, 1.3, 30) == 0.0


def test_negative_correlation_of_carbon_and_density_lowers_the_uncertainty():
    u = layer_stock_uncertainty(20, 1.0, 30, u_organic_carbon=0.8, u_bulk_density=0.04, correlation=-1.0)
    assert u == pytest.approx(0.0)


def test_stock_sums_the_parts_of_layers_inside_the_interval():
    stock = one(make((0, 10, 40, 10, 1.4), (0, 0, 10, 30, 1.2)))
    assert stock["value"] == pytest.approx(64.0)
    assert (stock["reason"], stock["depth_status"], stock["coverage"], stock["n_layers"]) == (None, "complete", 1.0, 2)
    assert (stock["tier"], stock["flags"]) == ("A", ())


def test_stock_of_a_deeper_interval_leaves_the_topsoil_out():
    assert one(make((0, 0, 20, 30, 1.2), (0, 20, 60, 10, 1.5)), 30, 60)["value"] == pytest.approx(45.0)


def test_profiles_do_not_mix_and_profiles_without_layers_say_so():
    stocks = fixed_depth_stock(make((2, 0, 30, 20, 1.3), (0, 0, 30, 10, 1.3)), 3, 0, 30)
    assert stocks.value == pytest.approx([39.0, NAN, 78.0], nan_ok=True)
    assert stocks.reason.tolist() == [None, "no_mineral_layer", None]


def test_a_partial_sum_is_never_given():
    stock = one(make((0, 0, 20, 20, 1.3)))
    assert np.isnan(stock["value"])
    assert (stock["reason"], stock["depth_status"]) == ("incomplete_depth", "incomplete")
    assert stock["coverage"] == pytest.approx(2 / 3)
    assert (stock["tier"], stock["soc_source"]) == (None, None)


def test_up_to_one_centimetre_is_stretched_and_flagged():
    stock = one(make((0, 0, 29, 20, 1.3)))
    assert stock["value"] == pytest.approx(78.0)
    assert (stock["depth_status"], stock["flags"]) == ("stretched", ("stretched",))


def test_a_small_gap_is_filled_by_the_layer_above():
    stock = one(make((0, 0, 10, 30, 1.0), (0, 11, 30, 10, 1.0)))
    assert stock["value"] == pytest.approx(0.1 * (30 * 11 + 10 * 19))


def test_a_small_gap_at_the_surface_is_filled_by_the_first_layer():
    assert one(make((0, 0.5, 30, 20, 1.3)))["value"] == pytest.approx(78.0)


def test_three_percent_of_a_deep_interval_is_tolerated_and_no_more():
    assert one(make((0, 0, 97, 10, 1.0)), 0, 100)["depth_status"] == "stretched"
    assert one(make((0, 0, 96, 10, 1.0)), 0, 100)["reason"] == "incomplete_depth"


def test_a_wide_gap_gives_no_stock():
    assert one(make((0, 0, 10, 30, 1.0), (0, 15, 30, 10, 1.0)))["reason"] == "incomplete_depth"


def test_a_profile_that_begins_below_the_surface_has_no_stock():
    assert one(make((0, 5, 30, 20, 1.3)))["reason"] == "starts_below_surface"


def test_overlapping_layers_have_no_stock():
    assert one(make((0, 0, 20, 20, 1.3), (0, 15, 30, 20, 1.3)))["reason"] == "overlap"


def test_faults_below_the_interval_do_not_matter():
    layers = make(
        (0, 0, 30, 20, 1.3), (0, 30, 60, NAN, NAN), (0, 50, 90, 5, 1.3), (0, 90, 80, 5, 1.3), (0, 90, NAN, 5, 1)
    )
    assert one(layers)["value"] == pytest.approx(78.0)


@pytest.mark.parametrize(("top", "bottom"), [(30.0, 10.0), (10.0, 10.0), (10.0, NAN), (NAN, NAN)])
def test_a_faulty_depth_inside_the_interval_gives_no_stock(top: float, bottom: float):
    assert one(make((0, 0, 30, 20, 1.3), (0, top, bottom, 20, 1.3)))["reason"] == "depth_invalid"


def test_stock_to_the_rock_is_the_stock():
    stock = one(make((0, 0, 20, 20, 1.0)), rock=20)
    assert stock["value"] == pytest.approx(40.0)
    assert (stock["depth_status"], stock["coverage"], stock["flags"]) == ("limited_by_rock", 1.0, ("limited_by_rock",))


def test_rock_below_the_interval_does_not_limit_it():
    assert one(make((0, 0, 30, 20, 1.3)), rock=80)["depth_status"] == "complete"


def test_rock_does_not_excuse_a_profile_that_stopped_above_it():
    assert one(make((0, 0, 10, 20, 1.0)), rock=20)["reason"] == "incomplete_depth"


def test_a_rock_layer_without_values_does_not_spoil_the_stock():
    assert one(make((0, 0, 20, 20, 1.0), (0, 20, 50, NAN, NAN)), rock=20)["value"] == pytest.approx(40.0)


def test_carbon_measured_below_the_rock_contradicts_it():
    stock = one(make((0, 0, 20, 20, 1.0), (0, 20, 30, 10, 1.0)), rock=20)
    assert stock["value"] == pytest.approx(50.0)
    assert stock["flags"] == ("rock_depth_contradicted",)


def test_rock_above_the_interval_leaves_no_soil():
    assert one(make((0, 0, 20, 20, 1.0)), 30, 60, rock=20)["reason"] == "rock_above_interval"


def test_organic_layers_are_a_pool_of_their_own():
    stock = one(make((0, -5, 0, 400, 0.1), (0, 0, 30, 20, 1.3), organic=[True, False]))
    assert stock["value"] == pytest.approx(78.0)
    assert stock["flags"] == ("organic_layer_excluded",)
    assert one(make((0, 0, 40, 400, 0.1), organic=True))["reason"] == "no_mineral_layer"


@pytest.mark.parametrize(
    ("soc", "density", "reason"),
    [
        (NAN, 1.3, "soc_missing"),
        (581.0, 1.3, "soc_out_of_range"),
        (-1.0, 1.3, "soc_out_of_range"),
        (np.inf, 1.3, "soc_out_of_range"),
        (20.0, NAN, "bulk_density_missing"),
        (20.0, 0.0, "bulk_density_out_of_range"),
        (20.0, 2.7, "bulk_density_out_of_range"),
        (20.0, np.inf, "bulk_density_out_of_range"),
    ],
)
def test_one_incomplete_layer_takes_the_stock_away_and_is_named(soc: float, density: float, reason: str):
    stock = one(make((0, 0, 10, 20, 1.3), (0, 10, 30, soc, density)))
    assert np.isnan(stock["value"])
    assert stock["reason"] == reason
    assert stock["coverage"] == pytest.approx(1 / 3)
    assert stock["depth_status"] == "complete"


def test_carbon_of_zero_is_a_value():
    stock = one(make((0, 0, 30, 0.0, 1.3)))
    assert stock["value"] == 0.0
    assert np.hypot(stock["u_random"], stock["u_systematic"]) == pytest.approx(0.1 * 0.5 * 1.3 * 30)


def test_stones_take_their_volume_from_the_fine_earth():
    assert one(make((0, 0, 30, 20, 1.3), coarse_fragments=0.5))["value"] == pytest.approx(39.0)


def test_missing_stones_are_flagged_and_cost_a_tier():
    stock = one(make((0, 0, 30, 20, 1.3), coarse_fragments=NAN, coarse_fragments_status=None))
    assert stock["value"] == pytest.approx(78.0)
    assert (stock["cf_source"], stock["tier"], stock["flags"]) == ("assumed_zero", "B", ("cf_assumed_zero",))


def test_impossible_stones_are_named():
    assert one(make((0, 0, 30, 20, 1.3), coarse_fragments=1.0))["reason"] == "coarse_fragments_out_of_range"


def test_unstated_bases_that_matter_too_much_are_named():
    unstated = {"coarse_fragments": 0.4, "coarse_fragments_basis": "unknown"}
    assert one(make((0, 0, 30, 20, 1.5), bulk_density_basis="whole", **unstated))["reason"] == (
        "coarse_fragments_basis_unknown"
    )
    assert one(make((0, 0, 30, 20, 1.5), bulk_density_basis="unknown", coarse_fragments=0.4))["reason"] == (
        "bulk_density_basis_unknown"
    )


def test_spread_of_an_unstated_basis_is_systematic_uncertainty():
    stock = one(make((0, 0, 30, 20, 1.5), bulk_density_basis="unknown", coarse_fragments=0.1, u_soc=np.array([0.0])))
    assert stock["value"] == pytest.approx(0.1 * 20 * 1.2925 * 30)
    assert stock["u_systematic"] == pytest.approx(0.1 * 20 * 0.0575 * 30)
    assert (stock["tier"], stock["flags"]) == ("B", ("bd_type_assumed",))


def test_estimated_density_is_a_common_error_and_costs_a_tier():
    layers = make((0, 0, 10, 30, 1.0), (0, 10, 30, 10, 1.0), bulk_density_status="estimated", u_soc=np.zeros(2))
    stock = one(layers)
    assert stock["u_systematic"] == pytest.approx(0.15 * 50)
    assert (stock["bd_source"], stock["tier"], stock["flags"]) == ("estimated", "B", ("bulk_density_estimated",))
    errors = [0.1 * soc * 1.0 * length * np.hypot(0.05, 1 / length) for soc, length in ((30, 10), (10, 20))]
    assert stock["u_random"] == pytest.approx(np.hypot(*errors), rel=1e-12)


def test_two_estimates_are_the_lowest_tier():
    stock = one(make((0, 0, 30, 20, 1.3), bulk_density_status="estimated", soc_status="estimated"))
    assert stock["tier"] == "C"


def test_weakest_layer_decides_the_source():
    layers = make((0, 0, 10, 30, 1.0), (0, 10, 30, 10, 1.0), soc_status=["measured", "unknown"])
    assert one(layers)["soc_source"] == "unknown"


def test_random_errors_shrink_over_layers_and_common_ones_do_not():
    whole = one(make((0, 0, 30, 20, 1.0)))
    thirds = one(make((0, 0, 10, 20, 1.0), (0, 10, 20, 20, 1.0), (0, 20, 30, 20, 1.0)))
    assert thirds["u_systematic"] == pytest.approx(whole["u_systematic"])
    assert whole["u_systematic"] == pytest.approx(60 * 0.07 / np.sqrt(2))
    carbon, density, stones, thickness = 0.07 / np.sqrt(2), 0.05, 0.05, 1 / 10
    relative = np.sqrt(carbon**2 + density**2 + stones**2 + thickness**2)
    assert thirds["u_random"] == pytest.approx(60 * relative / np.sqrt(3))


def test_given_uncertainties_replace_the_defaults():
    layers = make(
        (0, 0, 30, 20, 1.0), bulk_density_basis="fine_per_total", u_soc=np.array([2.0]), u_bulk_density=np.array([0.1])
    )
    stock = one(layers)
    assert stock["u_random"] == pytest.approx(60 * np.sqrt(0.1**2 + 0.1**2 + (1 / 30) ** 2))
    assert stock["u_systematic"] == 0.0
    assert stock["cf_source"] == "not_needed"


def test_content_is_weighted_by_thickness_and_needs_no_density():
    content = fixed_depth_content(make((0, 0, 10, 30, NAN), (0, 10, 40, 9, NAN)), 1, 0, 30)
    assert content.value == pytest.approx([16.0])
    assert (content.tier[0], content.bd_source[0]) == ("A", "not_needed")


def test_content_to_the_rock_is_that_of_the_soil_above_it():
    content = fixed_depth_content(make((0, 0, 10, 30, NAN), (0, 10, 20, 10, NAN)), 1, 0, 30, [20.0])
    assert content.value == pytest.approx([20.0])


def test_content_follows_the_same_rules_of_completeness():
    layers = make((0, 0, 20, 20, 1.3), (1, 0, 10, 20, 1.3), (1, 10, 30, NAN, 1.3))
    assert fixed_depth_content(layers, 2, 0, 30).reason.tolist() == ["incomplete_depth", "soc_missing"]


def test_no_profiles_and_no_layers_are_no_error():
    stocks = fixed_depth_stock(make(), 0, 0, 30)
    assert (stocks.value.size, stocks.flags) == (0, ())
    assert fixed_depth_stock(make(), 2, 0, 30).reason.tolist() == ["no_mineral_layer"] * 2


def test_every_reason_and_flag_is_one_of_the_tables():
    stocks = fixed_depth_stock(make((0, 0, 20, 20, 1.3), (1, 0, 29.5, 20, 1.3)), 2, 0, 30)
    assert stocks.reason[0] in REASONS
    assert set(stocks.flags[1]) <= set(FLAGS)


@pytest.mark.parametrize(("upper", "lower"), [(30, 30), (30, 0), (-5, 30)])
def test_an_empty_interval_is_refused(upper: float, lower: float):
    with pytest.raises(ValueError, match="depth interval"):
        fixed_depth_stock(make((0, 0, 30, 20, 1.3)), 1, upper, lower)


def test_a_profile_number_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"0 \.\. 0"):
        fixed_depth_stock(make((1, 0, 30, 20, 1.3)), 1, 0, 30)


def test_an_unknown_status_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown soc_status 'guessed'"):
        one(make((0, 0, 30, 20, 1.3), soc_status="guessed"))


def test_columns_of_unequal_length_are_refused_by_name():
    with pytest.raises(ValueError, match="u_soc has shape"):
        make((0, 0, 30, 20, 1.3), u_soc=np.zeros(2))


def test_rock_depths_of_the_wrong_length_are_refused():
    with pytest.raises(ValueError, match="rock_depth"):
        fixed_depth_stock(make((0, 0, 30, 20, 1.3)), 1, 0, 30, [20.0, 30.0])


@pytest.mark.parametrize(
    ("word", "tier", "flags"),
    [
        ("measured_dc", "A", ()),
        ("measured", "A", ()),
        ("measured_wc_corrected", "B", ()),
        ("measured_wc_assumed", "B", ()),
        ("spectral", "B", ("soc_estimated",)),
        ("om_converted", "B", ("soc_estimated",)),
        ("loi_converted", "B", ("soc_estimated",)),
    ],
)
def test_only_dry_combustion_keeps_the_best_tier_where_the_method_is_stated(
    word: str, tier: str, flags: tuple[str, ...]
):
    stock = one(make((0, 0, 30, 20, 1.3), soc_status=word))
    assert (stock["soc_source"], stock["tier"], stock["flags"]) == (word, tier, flags)


def test_density_of_another_campaign_and_stones_by_field_class_are_named():
    stock = one(make((0, 0, 30, 20, 1.3), bulk_density_status="other_campaign", coarse_fragments_status="field_class"))
    assert (stock["bd_source"], stock["cf_source"], stock["tier"]) == ("other_campaign", "field_class", "C")


def test_sources_of_one_property_are_not_those_of_another():
    with pytest.raises(ValueError, match="unknown bulk_density_status 'om_converted'"):
        one(make((0, 0, 30, 20, 1.3), bulk_density_status="om_converted"))


def test_error_of_carbon_counts_once_where_the_density_was_predicted_from_it():
    density = float(manrique_jones1991(40.0))
    layers = make(
        (0, 0, 30, 40, density),
        bulk_density_status="ptf:manrique_jones1991",
        bulk_density_basis="fine_per_total",
        u_soc=np.array([4.0]),
        u_bulk_density=np.array([0.23]),
    )
    stock = one(layers)

    def of(soc: float) -> float:
        return float(0.1 * soc * manrique_jones1991(soc) * 30)

    slope = (of(40.001) - of(39.999)) / 0.002
    length = stock["value"] * U_THICKNESS / 30
    assert stock["u_random"] == pytest.approx(np.hypot(slope * 4.0, length), rel=1e-6)
    assert stock["u_systematic"] == pytest.approx(stock["value"] * 0.23 / density)
    assert stock["bd_source"] == "ptf:manrique_jones1991"


def test_correlation_of_carbon_and_density_enters_the_stock_as_in_the_layer():
    layers = make(
        (0, 0, 30, 20, 1.3),
        bulk_density_basis="fine_per_total",
        u_soc=np.array([2.0]),
        u_bulk_density=np.array([0.1]),
    )
    for correlation in (-1.0, -0.4, 0.0, 0.7):
        expected = layer_stock_uncertainty(
            20, 1.3, 30, u_organic_carbon=2.0, u_bulk_density=0.1, u_thickness=1.0, correlation=correlation
        )
        assert fixed_depth_stock(layers, 1, 0, 30, correlation=correlation).u_random[0] == pytest.approx(expected)


@pytest.mark.parametrize("correlation", [-1.005, 1.005, NAN])
def test_a_correlation_beyond_one_is_refused(correlation: float):
    with pytest.raises(ValueError, match="correlation"):
        fixed_depth_stock(make((0, 0, 30, 20, 1.3)), 1, 0, 30, correlation=correlation)
    assert fixed_depth_stock(make((0, 0, 30, 20, 1.3)), 1, 0, 30, correlation=1.0).reason[0] is None


def test_error_of_no_carbon_at_all_is_counted_in_full_where_the_density_was_predicted():
    layers = make((0, 0, 30, 0.0, 1.66), bulk_density_status="ptf:manrique_jones1991", u_soc=np.array([0.5]))
    assert one(layers)["u_random"] == pytest.approx(0.1 * 0.5 * 1.66 * 30, rel=1e-12)


@pytest.mark.parametrize(
    ("density", "reason"),
    [(0.0199, "bulk_density_out_of_range"), (0.02, None), (2.65, None), (2.651, "bulk_density_out_of_range")],
)
def test_fine_earth_mass_has_bounds_that_belong_to_it(density: float, reason: str | None):
    assert one(make((0, 0, 30, 20, density)))["reason"] == reason


def test_a_profile_sampled_too_shallow_is_extended_by_the_mean_curve_and_says_so():
    layers = make((0, 0, 20, 20, 1.0), u_soc=np.zeros(1))
    assert one(layers)["reason"] == "incomplete_depth"
    stock = extrapolated_stock(layers, 1, 20, 30)
    ratio = (1 - 0.9786**30) / (1 - 0.9786**20)
    assert stock.value[0] == pytest.approx(40 * ratio)
    assert stock.value[0] == pytest.approx(54.4, abs=0.05)
    assert stock.u_systematic[0] == pytest.approx(0.15 * stock.value[0])
    assert stock.u_random[0] == pytest.approx(one(layers, lower=20)["u_random"] * ratio, rel=1e-12)
    assert (stock.reason[0], stock.depth_status[0], stock.tier[0]) == (None, "extrapolated", "C")
    assert stock.flags == (("extrapolated",),)
    assert stock.coverage[0] == pytest.approx(2 / 3)


def test_a_complete_profile_is_not_extrapolated():
    layers = make((0, 0, 40, 20, 1.0))
    measured, extended = fixed_depth_stock(layers, 1, 0, 30), extrapolated_stock(layers, 1, 20, 30)
    assert (extended.value[0], extended.tier[0], extended.flags) == (measured.value[0], "A", ((),))
    assert extended.depth_status[0] == "complete"


def test_extrapolation_stops_at_the_rock():
    layers = make((0, 0, 20, 20, 1.0), (1, 0, 20, 20, 1.0))
    stock = extrapolated_stock(layers, 2, 20, 30, [25.0, 20.0])
    assert stock.value == pytest.approx([40 * (1 - 0.9786**25) / (1 - 0.9786**20), 40.0])
    assert stock.depth_status.tolist() == ["extrapolated", "limited_by_rock"]


@pytest.mark.parametrize("row", [(0, 0, 15, 20, 1.0), (0, 5, 20, 20, 1.0), (0, 0, 20, NAN, 1.0), (0, 0, 20, 20, NAN)])
def test_what_is_not_complete_to_the_sampled_depth_is_not_extrapolated(row: tuple[int, float, float, float, float]):
    stock = extrapolated_stock(make(row), 1, 20, 30)
    assert np.isnan(stock.value[0])
    assert stock.reason[0] is not None


@pytest.mark.parametrize(("sampled", "lower"), [(30, 30), (40, 30), (0, 30), (NAN, 30)])
def test_an_extrapolation_that_goes_nowhere_is_refused(sampled: float, lower: float):
    with pytest.raises(ValueError, match="goes nowhere"):
        extrapolated_stock(make((0, 0, 20, 20, 1.0)), 1, sampled, lower)


@pytest.mark.parametrize(
    "compute",
    [
        lambda layers: fixed_depth_stock(layers, 1, 0, 30),
        lambda layers: fixed_depth_content(layers, 1, 0, 30),
        lambda layers: extrapolated_stock(layers, 1, 20, 30),
    ],
)
def test_every_figure_says_how_and_by_what_version_it_was_made(compute: Any):
    figure = compute(make((0, 0, 20, 20, 1.3), rule_ids=[("SOC_HIGH",)]))
    assert (figure.mass_basis, figure.interpolation) == ("fixed_depth", "none")
    assert (figure.algorithm_version, figure.rule_ids) == (METHOD_VERSION, (("SOC_HIGH",),))


def test_rules_raised_inside_the_interval_are_carried_once_and_sorted():
    layers = make(
        (1, 0, 10, 20, 1.3),
        (1, 10, 40, 20, 1.3),
        (1, 40, 60, 20, 1.3),
        (0, 0, 30, 20, 1.3),
        rule_ids=[["Z", "A"], ("A", "B"), ("BELOW",), None],
    )
    assert fixed_depth_stock(layers, 3, 0, 30).rule_ids == ((), ("A", "B", "Z"), ())
    assert fixed_depth_stock(layers.take(np.array([1, 3])), 3, 0, 30).rule_ids == ((), ("A", "B"), ())
    assert fixed_depth_stock(replace(layers, rule_ids=None), 3, 0, 30).rule_ids == ((), (), ())


def test_rules_of_organic_layers_and_of_rock_are_not_those_of_the_figure():
    layers = make(
        (0, -5, 0, 400, 0.1),
        (0, 0, 20, 20, 1.0),
        (0, 20, 50, NAN, NAN),
        organic=[True, False, False],
        rule_ids=[("ORGANIC",), ("OWN",), ("ROCK",)],
    )
    assert one(layers, rock=20)["rule_ids"] == ("OWN",)


def test_rules_of_a_layer_that_spoils_the_figure_are_carried():
    faulty = make((0, 0, 30, 20, 1.3), (0, 20, 10, 20, 1.3), rule_ids=[None, ("DEPTH",)])
    assert (one(faulty)["reason"], one(faulty)["rule_ids"]) == ("depth_invalid", ("DEPTH",))
    missing = make((0, 0, 10, 20, 1.3), (0, 10, 30, NAN, 1.3), rule_ids=[(), ("SOC",)])
    assert (one(missing)["reason"], one(missing)["rule_ids"]) == ("soc_missing", ("SOC",))


def test_density_of_the_stones_moves_a_stock_of_whole_soil_with_stones_by_volume():
    layers = make((0, 0, 30, 20, 1.6), bulk_density_basis="whole", coarse_fragments=0.2)
    assert fixed_depth_stock(layers, 1, 0, 30).value == pytest.approx([20 * 1.07 * 3])
    assert fixed_depth_stock(layers, 1, 0, 30, stone_density=2.0).value == pytest.approx([20 * 1.20 * 3])
    extended = extrapolated_stock(layers, 1, 20, 40, stone_density=2.0).value[0]
    assert extended / extrapolated_stock(layers, 1, 20, 40).value[0] == pytest.approx(1.20 / 1.07)


@st.composite
def profiles(draw: st.DrawFn) -> Layers:
    """One profile of one to six layers without gaps, with stones, down to at least 40 cm."""
    n = draw(st.integers(1, 6))

    def column(strategy: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(strategy, min_size=n, max_size=n)))

    thickness = column(st.integers(1, 40).map(float))
    thickness[-1] += 40
    bottom = np.cumsum(thickness)
    rows = list(
        zip([0] * n, bottom - thickness, bottom, column(st.floats(0, 300)), column(st.floats(0.3, 1.9)), strict=True)
    )
    return make(*rows, coarse_fragments=column(st.floats(0, 0.6)))


def joined(*parts: Layers) -> Layers:
    columns = (name for name in Layers.__dataclass_fields__ if getattr(parts[0], name) is not None)
    return Layers(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in columns})


@given(profiles(), st.integers(0, 5), st.floats(0.05, 0.95))
def test_splitting_a_layer_changes_nothing(layers: Layers, which: int, share: float):
    row = which % layers.top.size
    cut = layers.top[row] + share * (layers.bottom[row] - layers.top[row])
    below = layers.take(np.array([row]))
    bottom = layers.bottom.copy()
    bottom[row] = cut
    split = joined(replace(layers, bottom=bottom), replace(below, top=np.array([cut])))
    for before, after in (
        (fixed_depth_stock(layers, 1, 0, 30), fixed_depth_stock(split, 1, 0, 30)),
        (fixed_depth_content(layers, 1, 0, 30), fixed_depth_content(split, 1, 0, 30)),
    ):
        assert after.value == pytest.approx(before.value, rel=1e-9)
        assert after.u_systematic == pytest.approx(before.u_systematic, rel=1e-9)
        assert (after.reason[0], after.tier[0], after.flags) == (before.reason[0], before.tier[0], before.flags)


@given(profiles(), st.integers(1, 39))
def test_stock_is_additive_over_depth(layers: Layers, cut: int):
    whole, upper, lower = (fixed_depth_stock(layers, 1, *part).value[0] for part in ((0, 40), (0, cut), (cut, 40)))
    assert upper + lower == pytest.approx(whole, rel=1e-9)


@given(profiles(), st.randoms(use_true_random=False))
def test_order_of_the_layers_does_not_matter(layers: Layers, random: Any):
    order = list(range(layers.top.size))
    random.shuffle(order)
    shuffled = fixed_depth_stock(layers.take(np.array(order)), 1, 0, 30)
    straight = fixed_depth_stock(layers, 1, 0, 30)
    assert shuffled.value == pytest.approx(straight.value, rel=1e-12)
    assert shuffled.u_random == pytest.approx(straight.u_random, rel=1e-12)


@given(profiles())
def test_content_times_mean_density_misses_the_stock_by_the_covariance_only(layers: Layers):
    """Mean carbon weighted by mass, times the mass, is the stock; weighted by thickness it is not."""
    fine = layers.bulk_density * (1 - layers.coarse_fragments)
    arrays = (layers.profile, layers.top, layers.bottom)
    by_mass, _ = slab_mean_by_mass(*arrays, layers.soc, fine, 1, upper=0, lower=30)
    density, _ = slab_mean(*arrays, fine, 1, upper=0, lower=30)
    assert 0.1 * by_mass * density * 30 == pytest.approx(fixed_depth_stock(layers, 1, 0, 30).value, rel=1e-9)
