"""Numbers of the field that a wrong digit would change unseen: each is held at its very edge, or to its source."""

import numpy as np
import pytest

from app.soil import bulk_density, carbon, classes, conversions, estimate, layers, texture
from app.soil.properties import PROPERTIES


def test_classes_of_stones_are_those_of_fao_2006():
    assert bulk_density.FIELD_CLASSES == {
        "none": (0, 0),
        "very_few": (0, 0.02),
        "few": (0.02, 0.05),
        "common": (0.05, 0.15),
        "many": (0.15, 0.40),
        "abundant": (0.40, 0.80),
        "dominant": (0.80, 1),
    }


def test_limits_of_particle_sizes_are_those_of_the_systems_they_name():
    for name, limits in texture.PARTICLE_SIZE_LIMITS.items():
        assert limits == tuple(float(limit) for limit in name.split("-"))


def test_readings_of_an_unstated_density_may_differ_by_a_quarter_of_their_middle():
    stones = np.arange(0.06, 0.5, 1e-4)
    found = bulk_density.fine_earth_per_total(np.full(stones.size, 1.5), "unknown", stones, "volume")
    accepted = ~found.density_basis_unknown
    assert 0 < accepted.sum() < stones.size
    widest = (found.spread[accepted] / found.value[accepted]).max()
    assert 0.2495 < widest <= 0.25


@pytest.mark.parametrize(("bottom", "status"), [(97.0, "stretched"), (96.98, "incomplete")])
def test_three_per_cent_of_the_interval_may_be_missing(bottom: float, status: str):
    words = np.full(1, "measured", dtype=object)
    core = layers.Layers(
        profile=np.zeros(1, dtype=np.intp),
        top=np.zeros(1),
        bottom=np.array([bottom]),
        organic=np.zeros(1, dtype=bool),
        soc=np.array([10.0]),
        soc_status=words,
        bulk_density=np.array([1.3]),
        bulk_density_basis=np.full(1, "fine_earth", dtype=object),
        bulk_density_status=words,
        coarse_fragments=np.zeros(1),
        coarse_fragments_basis=np.full(1, "volume", dtype=object),
        coarse_fragments_status=words,
    )
    assert carbon.fixed_depth_stock(core, 1, 0, 100).depth_status.tolist() == [status]


def test_inorganic_carbon_may_exceed_the_total_by_half_a_gram():
    found = conversions.soc_from_total_and_inorganic_carbon([10.0, 10.0], [10.4999, 10.5001])
    assert found.reason.tolist() == [None, "inorganic_exceeds_total"]


@pytest.mark.parametrize(("sites", "refused"), [(160, None), (161, "dominant_owner")])
def test_one_owner_of_closed_data_may_hold_four_fifths(sites: int, refused: str | None):
    owners = ["a"] * sites + ["b"] * 20 + ["c"] * (180 - sites)
    found = estimate.describe_sample([1.0] * 200, units=range(200), owners=owners, is_open=False)
    assert found.refused == refused


def test_quartiles_of_strata_of_equal_weight_are_the_plain_ones():
    found = estimate.stratified_mean(
        np.arange(1.0, 401.0), strata=["a", "b"] * 200, areas={"a": 1, "b": 1}, units=range(400), owners=[0] * 400
    )
    assert (found.q1, found.median, found.q3) == (100, 200, 300)


def test_quartiles_of_a_domain_are_those_of_its_sites():
    found = estimate.domain_mean(
        np.arange(1.0, 401.0), domain=[True] * 400, units=range(400), owners=[0] * 400, level=0.95
    )
    default = estimate.domain_mean(np.arange(1.0, 401.0), domain=[True] * 400, units=range(400), owners=[0] * 400)
    assert (found.q1, found.median, found.q3) == (100, 200, 300)
    assert (found.lower, found.upper, found.level) == (default.lower, default.upper, 0.95)


def test_ratio_of_the_directive_and_the_edges_of_its_use():
    assert (classes.DIRECTIVE_RATIO, classes.ORGANIC_SOC, classes.LEAST_CLAY, classes.SDG_CHANGE) == (13, 120, 5, 10)


@pytest.mark.parametrize(
    ("codes", "possible", "usual"),
    [
        (("soc",), (0, 580), (0.5, 120)),
        (("total_c", "inorganic_c", "caco3"), (0, 1000), None),
        (("organic_matter",), (0, 1000), (0.8, 250)),
        (("total_n",), (0, 1000), (0.05, 10)),
        (("bulk_density_fine_earth",), (0.01, 2.65), (0.6, 1.9)),
        (("bulk_density_fine_per_total",), (0.01, 2.65), (0.3, 1.9)),
        (("bulk_density_whole", "bulk_density"), (0.01, 3.6), (0.6, 2.2)),
        (("coarse_fragments_volume",), (0, 1), (0, 0.8)),
        (("sand", "silt", "clay"), (0, 100), None),
        (("ph_h2o", "ph_cacl2", "ph_kcl", "ph"), (1.5, 13), (3.5, 10)),
        (("ec",), (0, 60), (0, 16)),
        (("cec",), (0, 200), (1, 100)),
    ],
)
def test_ranges_are_those_of_the_rules_for_uploads(
    codes: tuple[str, ...], possible: tuple[float, float], usual: tuple[float, float] | None
):
    for code in codes:
        assert (PROPERTIES[code].possible, PROPERTIES[code].usual) == (possible, usual), code


def test_stones_up_to_a_twentieth_of_the_volume_leave_no_doubt_about_the_density():
    found = bulk_density.fine_earth_per_total([1.5, 1.5], "unknown", [0.05, 0.0501], "volume")
    assert found.value == pytest.approx([1.5 * 0.95, (1.5 * 0.9499 + 1.5 - 0.0501 * 2.65) / 2])
    assert (found.spread > 0).tolist() == [False, True]


def test_a_factor_of_wet_oxidation_above_one_and_six_tenths_is_none():
    found = conversions.soc_from_walkley_black([10.0, 10.0], [1.6, 1.601])
    assert found.reason.tolist() == [None, "factor_out_of_range"]
