from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.soil.carbon import Layers, fixed_depth_stock
from app.soil.conversions import (
    CARBON_IN_CARBONATE,
    CONVERSIONS,
    FLAGS,
    REASONS,
    Converted,
    carbon_density_to_kg_m3,
    censored_mean,
    half_of_limit,
    inorganic_from_carbonate,
    oven_dry,
    soc_from_calibrated_loss_on_ignition,
    soc_from_loss_on_ignition,
    soc_from_organic_matter,
    soc_from_spectroscopy,
    soc_from_total_and_inorganic_carbon,
    soc_from_total_carbon,
    soc_from_walkley_black,
    stock_to_t_ha,
)
from app.soil.units import UnknownUnit

NAN = np.nan

SIMPLE: dict[str, Callable[[Any], Converted]] = {
    "oven_dry": lambda values: oven_dry(values, 0.02),
    "total_carbon": lambda values: soc_from_total_carbon(values, ph_h2o=5.0),
    "total_less_inorganic": lambda values: soc_from_total_and_inorganic_carbon(values, 0.0),
    "carbonate": inorganic_from_carbonate,
    "organic_matter": soc_from_organic_matter,
    "loss_on_ignition_calibrated": lambda values: soc_from_calibrated_loss_on_ignition(
        values, slope=0.5, intercept=0.0, rmse=1.0
    ),
    "loss_on_ignition": soc_from_loss_on_ignition,
    "walkley_black": lambda values: soc_from_walkley_black(values, 1.0),
    "spectroscopy": lambda values: soc_from_spectroscopy(values, 2.0),
}


def test_every_conversion_is_tested_here():
    assert set(SIMPLE) == set(CONVERSIONS)


@pytest.mark.parametrize("name", list(SIMPLE))
def test_result_names_its_conversion_and_version_and_its_target(name: str):
    found = SIMPLE[name]([10.0])
    assert found.conversions == (f"{name}/{CONVERSIONS[name].version}",)
    assert found.reason.tolist() == [None]
    assert found.value[0] > 0
    if name != "oven_dry":
        assert found.property == CONVERSIONS[name].target


@pytest.mark.parametrize("name", list(SIMPLE))
def test_what_cannot_be_true_has_a_reason_and_no_value(name: str):
    found = SIMPLE[name]([NAN, -1.0, np.inf, 10.0])
    assert found.reason.tolist() == ["missing", "out_of_range", "out_of_range", None]
    for column in (found.value, found.u_random, found.u_systematic):
        assert np.isnan(column).tolist() == [True, True, True, False]


@pytest.mark.parametrize("name", [name for name in SIMPLE if name != "loss_on_ignition_calibrated"])
def test_no_uncertainty_of_its_own_is_added_where_none_is_stated(name: str):
    assert SIMPLE[name]([10.0]).u_random.tolist() == [0.0]


@pytest.mark.parametrize("name", list(SIMPLE))
def test_no_values_and_any_shape_are_no_error(name: str):
    assert SIMPLE[name]([]).value.shape == (0,)
    assert SIMPLE[name]([[10.0, NAN]]).reason.tolist() == [[None, "missing"]]
    assert SIMPLE[name](10.0).value.shape == ()


@pytest.mark.parametrize("name", [name for name, entry in CONVERSIONS.items() if entry.target == "soc"])
@pytest.mark.parametrize("again", ["organic_matter", "walkley_black", "total_carbon", "total_less_inorganic"])
def test_organic_carbon_is_never_converted_again(name: str, again: str):
    found = SIMPLE[again](SIMPLE[name]([10.0, NAN]))
    assert found.reason.tolist() == ["already_converted", "missing"]
    assert np.isnan(found.value).all()


def test_water_is_taken_off_once():
    once = oven_dry([19.6], 0.02)
    assert once.value == pytest.approx([20.0])
    assert oven_dry(once, 0.02).reason.tolist() == ["already_converted"]


def test_water_adds_its_uncertainty():
    found = oven_dry([19.6], 0.02, u_values=0.98, u_water=0.01)
    assert found.u_random == pytest.approx([np.hypot(1.0, 20 * 0.01 / 0.98)])


@pytest.mark.parametrize("water", [-0.01, 0.5, 1.0, NAN])
def test_water_that_cannot_be_true_is_refused(water: float):
    assert oven_dry([20.0], water).reason.tolist() == ["water_out_of_range"]


def test_air_dry_organic_matter_becomes_oven_dry_carbon():
    found = soc_from_organic_matter(oven_dry([39.2], 0.02, of="organic_matter"))
    assert found.value == pytest.approx([20.0])
    assert found.conversions == ("oven_dry/1", "organic_matter/1")
    assert oven_dry(soc_from_organic_matter([39.2]), 0.02).value == pytest.approx([20.0])


def test_a_conversion_of_another_property_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="walkley_black converts soc, not inorganic_c"):
        soc_from_walkley_black(inorganic_from_carbonate([10.0]), 1.0)


def test_total_carbon_is_organic_only_without_carbonates():
    found = soc_from_total_carbon(
        [20.0] * 5, ph_h2o=[6.4, 6.5, NAN, 8.0, NAN], carbonate_free=[False, False, False, True, True], u_total=0.5
    )
    assert found.reason.tolist() == [None, "carbonates_possible", "carbonates_possible", None, None]
    assert (found.value[0], found.u_random[0], found.u_systematic[0], found.source[0]) == (
        20.0,
        0.5,
        0.0,
        "measured_dc",
    )


def test_difference_of_total_and_inorganic_carbon_adds_their_variances():
    found = soc_from_total_and_inorganic_carbon([30.0], [18.0], u_total=0.6, u_inorganic=0.8)
    assert (found.value[0], found.u_random[0]) == (12.0, pytest.approx(1.0))
    assert found.flag.tolist() == ["inorganic_dominates"]


def test_exactly_half_of_inorganic_carbon_is_not_flagged():
    assert soc_from_total_and_inorganic_carbon([30.0], [15.0]).flag.tolist() == [None]


def test_a_small_negative_difference_is_zero_and_a_larger_one_is_refused():
    found = soc_from_total_and_inorganic_carbon([10.0, 10.0], [10.5, 10.6])
    assert found.value[0] == 0.0
    assert found.flag.tolist() == ["difference_below_zero", None]
    assert found.reason.tolist() == [None, "inorganic_exceeds_total"]


def test_carbonate_holds_twelve_per_cent_of_carbon():
    assert inorganic_from_carbonate([150.0], u_caco3=10.0).value == pytest.approx([18.0])
    assert inorganic_from_carbonate([150.0], u_caco3=10.0).u_random == pytest.approx([1.2])
    assert pytest.approx(12.011 / 100.087, abs=1e-4) == CARBON_IN_CARBONATE


def test_carbonate_can_be_taken_off_total_carbon():
    inorganic = inorganic_from_carbonate([100.0], u_caco3=5.0)
    found = soc_from_total_and_inorganic_carbon([30.0], inorganic, u_total=0.8)
    assert found.value == pytest.approx([18.0])
    assert found.u_random == pytest.approx([1.0])
    assert found.conversions == ("carbonate/1", "total_less_inorganic/1")


def test_a_missing_inorganic_carbon_is_not_zero():
    assert soc_from_total_and_inorganic_carbon([30.0], [NAN]).reason.tolist() == ["missing"]


def test_a_stated_factor_of_organic_matter_is_undone_without_uncertainty():
    found = soc_from_organic_matter([34.48, 40.0], [1.724, NAN], u_organic_matter=[1.724, 0.0])
    assert found.value == pytest.approx([20.0, 20.0])
    assert found.u_random == pytest.approx([1.0, 0.0])
    assert found.u_systematic == pytest.approx([0.0, 20 * (2.5 - 1.4) / np.sqrt(12) / 2])
    assert found.flag.tolist() == [None, "factor_not_stated"]


@pytest.mark.parametrize("factor", [1.39, 2.51, 0.0, -2.0, np.inf])
def test_a_factor_of_organic_matter_that_no_soil_has_is_refused(factor: float):
    assert soc_from_organic_matter([40.0], factor).reason.tolist() == ["factor_out_of_range"]


def test_calibrated_loss_on_ignition_carries_the_error_of_its_calibration():
    found = soc_from_calibrated_loss_on_ignition([60.0], slope=0.5, intercept=-4.0, rmse=1.2, u_loss=1.0)
    assert (found.value[0], found.u_random[0]) == (26.0, pytest.approx(1.3))
    assert found.flag.tolist() == [None]


def test_loss_on_ignition_outside_its_calibration_is_refused():
    found = soc_from_calibrated_loss_on_ignition(
        [9.0, 10.0, 201.0], slope=0.5, intercept=0.0, rmse=1.0, calibrated=(10.0, 200.0)
    )
    assert found.reason.tolist() == ["calibration_exceeded", None, "calibration_exceeded"]


def test_a_calibration_without_a_range_holds_for_every_possible_loss():
    found = soc_from_calibrated_loss_on_ignition([0.0, 1000.0], slope=0.5, intercept=0.0, rmse=1.2)
    assert found.reason.tolist() == [None, None]
    assert found.u_random == pytest.approx([1.2, 1.2], rel=1e-12)


def test_a_calibration_below_zero_is_refused_not_clipped():
    found = soc_from_calibrated_loss_on_ignition([4.0], slope=0.5, intercept=-4.0, rmse=1.2)
    assert found.reason.tolist() == ["result_out_of_range"]


@pytest.mark.parametrize("calibration", [{"slope": NAN}, {"rmse": NAN}, {"rmse": -1.0}, {"slope": 0.0}])
def test_a_calibration_that_is_none_is_refused(calibration: dict[str, Any]):
    values: dict[str, Any] = {"slope": 0.5, "intercept": 0.0, "rmse": 1.0} | calibration
    assert soc_from_calibrated_loss_on_ignition([60.0], **values).reason.tolist() == ["calibration_missing"]


def test_half_of_the_loss_on_ignition_is_a_rough_figure_and_rougher_with_clay():
    found = soc_from_loss_on_ignition([60.0, 60.0], clay=[20.0, NAN])
    assert found.value.tolist() == [30.0, 30.0]
    factor = 30 * 1.1 / np.sqrt(12) / 2
    assert found.u_systematic == pytest.approx([np.hypot(factor, 10 / np.sqrt(3)), factor], rel=1e-12)
    assert found.u_systematic[0] == pytest.approx(7.5, abs=0.05)
    assert found.flag.tolist() == ["loi_uncalibrated"] * 2
    assert soc_from_loss_on_ignition([0.0, 1000.0, 1000.1]).reason.tolist() == [None, None, "out_of_range"]
    assert soc_from_loss_on_ignition([60.0], clay=[101.0]).reason.tolist() == ["out_of_range"]


def test_uncorrected_wet_oxidation_is_multiplied_once_and_corrected_is_left_alone():
    found = soc_from_walkley_black([10.0, 13.0, 13.2], [1.0, 1.3, 1.32], u_carbon=1.0)
    assert found.value == pytest.approx([13.0, 13.0, 13.2])
    assert found.u_random == pytest.approx([1.3, 1.0, 1.0])
    assert found.u_systematic[:2] == pytest.approx([10 * 0.385 / np.sqrt(12)] * 2)
    assert found.source.tolist() == ["measured_wc_corrected"] * 3


def test_an_unstated_correction_is_refused_or_both_readings_are_shown():
    refused = soc_from_walkley_black([10.0], NAN)
    assert refused.reason.tolist() == ["correction_not_stated"]
    both = soc_from_walkley_black([10.0], NAN, both_readings=True)
    assert both.value == pytest.approx([11.5])
    assert both.u_systematic == pytest.approx([np.hypot(1.5, 11.5 * 0.385 / np.sqrt(12) / 1.3)])
    assert (both.flag[0], both.source[0]) == ("correction_assumed", "measured_wc_assumed")


@pytest.mark.parametrize("factor", [0.9, 1.724, np.inf])
def test_a_recovery_factor_that_is_none_is_refused(factor: float):
    assert soc_from_walkley_black([10.0], factor).reason.tolist() == ["factor_out_of_range"]


def test_spectroscopy_carries_its_validation_error_as_common_to_all():
    found = soc_from_spectroscopy([10.0, 10.0, 10.0], [2.0, NAN, -1.0])
    assert found.reason.tolist() == [None, "error_not_stated", "error_not_stated"]
    assert (found.u_random[0], found.u_systematic[0], found.source[0]) == (0.0, 2.0, "spectral")


def test_an_impossible_uncertainty_refuses_the_value():
    assert soc_from_organic_matter([40.0], u_organic_matter=[-1.0]).reason.tolist() == ["out_of_range"]
    assert soc_from_organic_matter([40.0], u_organic_matter=[NAN]).reason.tolist() == ["out_of_range"]


def test_mixed_shapes_are_refused_by_name():
    with pytest.raises(ValueError, match="factor has shape"):
        soc_from_organic_matter([40.0, 30.0, 20.0], [1.724, 2.0])
    with pytest.raises(ValueError, match="values has shape"):
        soc_from_total_and_inorganic_carbon([40.0, 30.0], [1.0, 2.0, 3.0])


def test_every_source_is_a_status_a_stock_accepts():
    for convert in SIMPLE.values():
        found = convert([10.0])
        if found.property != "soc":
            continue
        word = np.array(["measured"], dtype=object)
        layers = Layers(
            profile=np.zeros(1, dtype=np.intp),
            top=np.array([0.0]),
            bottom=np.array([30.0]),
            organic=np.array([False]),
            soc=found.value,
            soc_status=found.source,
            bulk_density=np.array([1.3]),
            bulk_density_basis=np.array(["fine_per_total"], dtype=object),
            bulk_density_status=word,
            coarse_fragments=np.array([NAN]),
            coarse_fragments_basis=np.array(["unknown"], dtype=object),
            coarse_fragments_status=word,
        )
        assert fixed_depth_stock(layers, 1, 0, 30).soc_source[0] == found.source[0]


@given(st.floats(0.1, 250), st.floats(1.4, 2.5))
def test_organic_matter_round_trips_through_its_factor(soc: float, factor: float):
    assert soc_from_organic_matter([soc * factor], factor).value[0] == pytest.approx(soc)


@given(st.lists(st.floats(0, 300), min_size=1, max_size=20), st.floats(0.0, 0.4))
def test_water_never_changes_the_order_of_values(values: list[float], water: float):
    found = oven_dry(np.array(values), water)
    assert (found.value >= np.array(values) - 1e-12).all()


def test_half_of_the_limit_stands_for_values_below_it():
    assert half_of_limit([4.0, 2.0, 9.0], ["=", "<", ">"]).tolist()[:2] == [4.0, 1.0]
    assert np.isnan(half_of_limit([9.0], [">"]))


def test_mean_with_few_values_below_the_limit():
    mean = censored_mean([4, 6, 8, 10, 6, 4, 8, 2], ["="] * 7 + ["<"])
    assert (mean.mean, mean.share, mean.n, mean.reason) == (5.875, 0.125, 8, None)


@pytest.mark.parametrize(
    ("values", "qualifiers", "reason"),
    [
        ([], [], "no_values"),
        ([NAN], ["="], "no_values"),
        ([4.0, 4.0, 2.0], ["=", "=", "<"], "too_many_below_limit"),
        ([4.0] * 17 + [2.0] * 3, ["="] * 17 + ["<"] * 3, "too_many_below_limit"),
        ([4.0, 9.0], ["=", ">"], "above_range"),
    ],
)
def test_a_mean_of_limits_is_refused(values: list[float], qualifiers: list[str], reason: str):
    found = censored_mean(values, qualifiers)
    assert (found.mean, found.reason) == (None, reason)
    assert found.share == pytest.approx(qualifiers.count("<") / max(len(qualifiers), 1))


def test_an_unknown_qualifier_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown qualifier '~'"):
        half_of_limit([1.0], ["~"])
    with pytest.raises(ValueError, match="qualifiers has shape"):
        half_of_limit([1.0], ["=", "="])


@pytest.mark.parametrize("unit", ["kg/m2", "kg m-2", "kg m⁻²", "kg/m²", "kg m^-2"])
def test_published_stocks_become_tonnes_per_hectare(unit: str):
    assert stock_to_t_ha([7.8], unit) == pytest.approx([78.0])


@pytest.mark.parametrize(
    ("unit", "factor"), [("t/ha", 1), ("Mg ha-1", 1), ("g/cm2", 100), ("g m-2", 0.01), ("kg/ha", 0.001)]
)
def test_units_of_stocks(unit: str, factor: float):
    assert stock_to_t_ha(2.0, unit) == pytest.approx(2.0 * factor)


def test_carbon_per_volume_of_soilgrids():
    assert carbon_density_to_kg_m3([300.0], "hg/m³") == pytest.approx([30.0])
    assert [float(carbon_density_to_kg_m3(2.0, unit)) for unit in ("kg/m3", "g dm-3", "t/m3")] == [2.0, 2.0, 2000.0]


def test_unknown_units_are_refused_with_what_is_accepted():
    with pytest.raises(UnknownUnit, match="Carbon stock: unknown unit 'g/kg'; accepted are t/ha"):
        stock_to_t_ha(1.0, "g/kg")
    with pytest.raises(UnknownUnit, match="Carbon density"):
        carbon_density_to_kg_m3(1.0, "kg/m2")


def test_every_code_has_a_sentence():
    assert all(sentence.endswith(".") for table in (REASONS, FLAGS) for sentence in table.values())
