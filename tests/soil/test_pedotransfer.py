from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.soil.calibrations import CALIBRATIONS, ErrorKind
from app.soil.pedotransfer import (
    LEAST_RELATIVE_U,
    PEDOTRANSFERS,
    REASONS,
    Pedotransfer,
    Predicted,
    adams1973,
    carbon_sensitivity,
    fill_missing,
    hollis2012_organic,
    jeffrey1970,
    kaur2002,
    manrique_jones1991,
    predict,
)

NAN = np.nan
EVERY = list(PEDOTRANSFERS.values())
BY_NAME = pytest.mark.parametrize("record", EVERY, ids=list(PEDOTRANSFERS))


def inputs(record: Pedotransfer, **changes: Any) -> dict[str, Any]:
    """The middle of the domain of each input, except where changed."""
    return {name: (low + high) / 2 for name, (low, high) in record.domain.items()} | changes


def test_manrique_jones_can_be_done_in_the_head():
    assert manrique_jones1991(40.0) == pytest.approx(1.024)


def test_hollis_for_organic_horizons_uses_the_natural_logarithm():
    assert hollis2012_organic(10.0 * np.e**3) == pytest.approx(1.4903 - 0.33293 * 3)


def test_jeffrey_uses_the_logarithm_to_base_ten():
    assert jeffrey1970(10.0 * 100 / 1.724 / 10) == pytest.approx(1.482 - 0.6786)


def test_adams_mixes_organic_and_mineral_soil_by_volume():
    assert adams1973(500.0 / 1.724, 1.30) == pytest.approx(100 / (50 / 0.244 + 50 / 1.30))
    assert adams1973(0.0) == pytest.approx(1.30)
    assert adams1973(0.0, 1.27) == pytest.approx(1.27)


def test_plain_function_is_arithmetic_where_prediction_is_refused():
    assert kaur2002(35.0, 60.0, 25.0) == pytest.approx(0.400156, abs=1e-6)
    assert predict("kaur2002", soc=15.0, clay=60.0, silt=25.0).reason == "outside_calibration"
    assert predict("kaur2002", soc=15.0, clay=45.0, silt=25.0).reason == np.array(None)


def test_a_layer_that_begins_below_the_deepest_sample_of_the_calibration_is_refused():
    found = predict("bernoux1998", soc=[20.0] * 4, clay=30.0, top=[0.0, 34.9, 35.0, NAN])
    assert found.reason.tolist() == [None, None, "outside_calibration", None]
    assert np.isnan(found.value).tolist() == [False, False, True, False]
    assert predict("bernoux1998", soc=20.0, clay=30.0).reason == np.array(None)
    # Where no source says how deep the samples were, depth cannot refuse.
    assert CALIBRATIONS["manrique_jones1991"].deepest is None
    assert predict("manrique_jones1991", soc=20.0, top=500.0).reason == np.array(None)


@BY_NAME
def test_impossible_or_missing_carbon_has_no_density(record: Pedotransfer):
    for soc in (NAN, -1.0):
        assert np.isnan(record.density(**inputs(record, soc=soc)))


@BY_NAME
def test_shape_is_kept_and_no_values_are_no_error(record: Pedotransfer):
    assert predict(record.id, **inputs(record, soc=np.array([[20.0, 30.0]]))).value.shape == (1, 2)
    assert predict(record.id, **inputs(record, soc=[])).value.size == 0


@BY_NAME
def test_both_ends_of_the_domain_are_inside_and_beyond_them_is_refused(record: Pedotransfer):
    for name, (low, high) in record.domain.items():
        step = (high - low) * 1e-6
        found = predict(
            record.id, **inputs(record, **{name: np.array([low - step, low, high, high + step, NAN, np.inf])})
        )
        assert found.reason.tolist() == [
            "outside_calibration", None, None, "outside_calibration", "input_missing", "outside_calibration",
        ]  # fmt: skip
        assert np.isnan(found.value).tolist() == np.isnan(found.u).tolist() == [True, False, False, True, True, True]


@BY_NAME
def test_density_stays_physical_over_the_whole_domain(record: Pedotransfer):
    axes = [np.linspace(low, high, 15) for low, high in record.domain.values()]
    grid = dict(zip(record.domain, np.meshgrid(*axes), strict=True))
    value = predict(record.id, **grid).value
    possible = grid.get("clay", np.zeros(1)) + grid.get("silt", grid.get("sand", np.zeros(1))) <= 100
    value = value[np.broadcast_to(possible, value.shape)]
    assert value.min() > 0.1
    assert value.max() < 1.9


@BY_NAME
def test_uncertainty_is_the_larger_of_15_per_cent_and_the_error_on_independent_soils(record: Pedotransfer):
    found = predict(record.id, **inputs(record))
    assert found.u == max(0.15 * found.value, record.rmse)
    assert LEAST_RELATIVE_U == 0.15


@BY_NAME
def test_the_error_used_is_the_largest_found_on_independent_soils(record: Pedotransfer):
    errors = record.calibration.errors
    assert record.rmse == max(error.rmse for error in errors)
    assert 0.2 <= record.rmse <= 0.45
    assert all(error.low is None or error.low < error.rmse for error in errors)


@BY_NAME
def test_every_statement_names_its_source_and_judgement_says_so(record: Pedotransfer):
    known = record.calibration
    assert known.domain_source.startswith("judgement: ")
    assert known.calibration_source.startswith("metadata of the collection soilptf")
    assert {error.kind for error in known.errors} <= set(get_args(ErrorKind))
    assert all(error.source for error in known.errors)
    assert all(
        "doi:10." in error.source or "abstract" in error.source for error in known.errors if error.kind != "ours"
    )
    assert all(error.n for error in known.errors if error.kind == "ours")
    assert known.doi is None or known.doi.startswith("10.")


def test_every_function_has_a_calibration_and_every_calibration_a_function():
    assert list(CALIBRATIONS) == list(PEDOTRANSFERS)


@BY_NAME
def test_source_names_the_function(record: Pedotransfer):
    assert predict(record.id, **inputs(record)).source == f"ptf:{record.id}"


@BY_NAME
def test_sensitivity_to_carbon_is_the_derivative(record: Pedotransfer):
    for share in (0.1, 0.5, 0.9):
        low, high = record.domain["soc"]
        soc = low + share * (high - low)
        step = soc * 1e-5

        def stock(carbon: float) -> float:
            return float(carbon * record.density(**inputs(record, soc=carbon)))

        numeric = (stock(soc + step) - stock(soc - step)) / (2 * step) * soc / stock(soc)
        density = record.density(**inputs(record, soc=soc))
        assert carbon_sensitivity(record.id, soc, density) == pytest.approx(numeric, rel=1e-6)
        assert carbon_sensitivity(record.id, soc, density) < 1


def test_unknown_function_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown pedotransfer function 'saxton1986'; accepted are alexander1980_a"):
        predict("saxton1986", soc=10.0)


def test_mixed_shapes_are_refused():
    with pytest.raises(ValueError, match="shape"):
        predict("bernoux1998", soc=[10.0, 20.0], clay=[10.0, 20.0, 30.0])


def predicted() -> Predicted:
    return predict("manrique_jones1991", soc=[40.0, 40.0, 40.0, NAN])


def test_a_measured_density_wins_over_another_campaign_and_that_over_a_prediction():
    filled = fill_missing(
        [1.3, NAN, NAN, NAN], ["measured"] * 4, [1.4, 1.4, NAN, NAN], predicted(), [0.05, NAN, NAN, NAN]
    )
    assert filled.value == pytest.approx([1.3, 1.4, 1.024, NAN], nan_ok=True)
    assert filled.u == pytest.approx([0.05, 0.21, 0.24, NAN], nan_ok=True)
    assert filled.status.tolist() == ["measured", "other_campaign", "ptf:manrique_jones1991", "unknown"]


def test_filling_needs_equal_shapes():
    with pytest.raises(ValueError, match="same shape"):
        fill_missing([1.3], ["measured"], [1.4, 1.4], predicted(), [0.05])


@given(st.sampled_from(EVERY), st.floats(0, 1), st.floats(0, 1))
def test_more_carbon_never_makes_soil_heavier(record: Pedotransfer, one: float, other: float):
    low, high = record.domain["soc"]
    poor, rich = sorted(low + share * (high - low) for share in (one, other))
    assert record.density(**inputs(record, soc=rich)) <= record.density(**inputs(record, soc=poor)) + 1e-12


def test_every_code_has_a_sentence():
    assert all(sentence.endswith(".") for sentence in REASONS.values())
