from itertools import product

import numpy as np
import pytest

from app.soil.ipcc import (
    CLIMATES,
    FACTORS,
    GRASSLAND,
    REASONS,
    SOILS,
    annual_change,
    reference_stock,
    stock_change_factor,
    tier1_stock,
)

NAN = np.nan
WARM = "warm_temperate_moist"


def test_stock_of_native_land_is_the_reference():
    found = tier1_stock("high_activity_clay", WARM)
    assert (found.value, found.error, found.lower, found.upper) == pytest.approx((64, 5, 60.8, 67.2))


def test_stock_of_cropland_by_hand():
    found = tier1_stock("high_activity_clay", WARM, land_use="annual_crops", management="no_tillage")
    assert found.value == pytest.approx(64 * 0.69 * 1.10)
    assert found.error == pytest.approx(np.sqrt(5**2 + 16**2 + 4**2))
    assert found.upper == pytest.approx(64 * 0.69 * 1.10 * (1 + np.sqrt(297) / 100))


def test_input_of_manure_multiplies_too():
    found = tier1_stock("sandy", "tropical_dry", land_use="annual_crops", input_level="cropland_high_with_manure")
    assert found.value == pytest.approx(9 * 0.92 * 1.37)


def test_categories_of_cropland_and_grassland_do_not_mix():
    found = tier1_stock("sandy", WARM, land_use="annual_crops", input_level="grassland_high")
    assert (found.reason, found.value) == ("categories_of_two_land_uses", None)
    assert tier1_stock("sandy", WARM, management="improved_grassland", input_level="grassland_high").reason is None
    assert {category for _, category, _ in FACTORS} >= GRASSLAND


@pytest.mark.parametrize(
    ("soil", "climate", "land_use", "reason"),
    [
        ("chernozem", WARM, "nominal", "soil_unknown"),
        ("sandy", "mediterranean", "nominal", "climate_unknown"),
        ("sandy", WARM, "vineyard", "category_unknown"),
        ("sandy", WARM, "no_tillage", "category_unknown"),
        ("spodic", "tropical_wet", "nominal", "no_default"),
        ("sandy", "polar_dry", "annual_crops", "no_default"),
        ("sandy", "tropical_montane", "perennial_crops", "value_in_doubt"),
    ],
)
def test_land_without_a_default_is_refused_with_a_reason(soil: str, climate: str, land_use: str, reason: str):
    found = tier1_stock(soil, climate, land_use=land_use)
    assert (found.reason, found.value, found.error, found.lower) == (reason, None, None, None)
    assert reason in REASONS


def test_a_value_in_doubt_is_given_only_when_asked_for():
    found = tier1_stock("sandy", "tropical_montane", land_use="perennial_crops", accept_doubtful=True)
    assert (found.value, found.land_use.other) == pytest.approx((52 * 1.01, 1.1))


def test_perennial_crops_keep_the_stock_of_the_tropics_and_lose_a_quarter_elsewhere():
    assert tier1_stock("sandy", "tropical_wet", land_use="perennial_crops").value == pytest.approx(46 * 1.01)
    assert stock_change_factor("land_use", "perennial_crops", "tropical_dry").error == 25
    assert stock_change_factor("land_use", "perennial_crops", WARM).value == 0.72


def test_no_interval_reaches_below_zero():
    of_kind = {
        kind: ["nominal", *dict.fromkeys(category for k, category, _ in FACTORS if k == kind)]
        for kind in ("land_use", "management", "input")
    }
    found = [
        tier1_stock(soil, climate, land_use=land_use, management=management, input_level=input_level)
        for soil, climate, land_use, management, input_level in product(SOILS, CLIMATES, *of_kind.values())
    ]
    lowest = [stock.lower for stock in found if stock.lower is not None]
    assert len(lowest) > 1000
    # Four errors of 50 % make 100 %.
    assert min(lowest) == 0


def test_yearly_change_by_hand():
    assert annual_change(64, 44.2, 10).tolist() == pytest.approx([9.9])
    assert annual_change([64, 50], [44.2, 60]).tolist() == pytest.approx([0.99, -0.5])


def test_change_is_spread_over_twenty_years_or_the_time_elapsed_if_longer():
    assert annual_change(60, 40, elapsed=5)[0] == annual_change(60, 40, elapsed=20)[0] == 1
    assert annual_change(60, 40, elapsed=40)[0] == 0.5


def test_missing_and_negative_stocks_have_no_change():
    assert np.isnan(annual_change([NAN, 50, -1, 50], [50, NAN, 50, 50], [1, 1, 1, -1])).all()
    assert annual_change([], []).size == 0
    with pytest.raises(ValueError, match="elapsed is 0 years"):
        annual_change(1, 1, elapsed=0)


def test_nominal_factors_are_one_and_known_in_every_zone():
    for climate in CLIMATES:
        assert stock_change_factor("management", "nominal", climate).value == 1
    assert stock_change_factor("management", "nominal", "nowhere").reason == "climate_unknown"


def test_values_lie_where_soils_can():
    for soil in SOILS:
        for climate in CLIMATES:
            found = reference_stock(soil, climate)
            assert found.reason == "no_default" or 5 <= (found.value or 0) <= 150
    assert all(0.5 < (entry.value or 0) < 1.5 for entry in FACTORS.values())
