"""Sizes, allocation and the balanced sample: worked by hand, and the design's properties by simulation."""

import numpy as np
import pytest
from scipy import stats

from app.soil import design
from app.soil.change import detectable_difference
from app.soil.design import Campaigns, allocate, difference_found, local_pivotal, sites_needed
from tests.soil.pages import equations, public_functions, results, text_of

TEN_YEARS = Campaigns(sd=20.0, mean=50.0, years=10.0, correlation=0.9)


def test_the_spread_of_revisits_is_that_of_differences():
    assert TEN_YEARS.spread == pytest.approx(20 * np.sqrt(0.2))
    assert Campaigns(sd=20.0, mean=50.0, years=10.0, design="independent", correlation=0.9).spread == 20.0
    rng = np.random.default_rng(1)
    pairs = rng.multivariate_normal([50, 52], [[400, 360], [360, 400]], size=200_000)
    assert np.diff(pairs).std(ddof=1) == pytest.approx(TEN_YEARS.spread, rel=0.01)


def test_difference_and_rate_are_each_others_inverse():
    assert design.difference_of(4.0, TEN_YEARS) == pytest.approx(2.0)
    assert design.rate_of(2.0, TEN_YEARS) == pytest.approx(4.0)


@pytest.mark.parametrize("kind", ["revisit", "independent"])
def test_the_size_is_the_smallest_that_finds_the_difference(kind: design.Revisit):
    campaigns = Campaigns(sd=20.0, mean=50.0, years=10.0, correlation=0.9, design=kind)
    n = sites_needed(2.0, campaigns)
    assert difference_found(n, campaigns) <= 2.0 < difference_found(n - 1, campaigns)


def test_a_whole_number_is_not_rounded_up_past_itself():
    exact = detectable_difference(TEN_YEARS.spread, 30, paired=True)
    assert sites_needed(exact, TEN_YEARS) == 30


def test_the_power_is_kept_in_simulated_campaigns():
    n = sites_needed(4.0, TEN_YEARS)
    rng = np.random.default_rng(5)
    d = rng.normal(4.0, TEN_YEARS.spread, size=(4000, n))
    t = d.mean(axis=1) / (d.std(axis=1, ddof=1) / np.sqrt(n))
    found = (t > stats.t.ppf(0.975, n - 1)).mean()
    assert found == pytest.approx(0.8, abs=0.025)


def test_sites_are_allocated_by_area_and_every_stratum_gets_two():
    assert allocate({"a": 60, "b": 30, "c": 10}, 100) == {"a": 60, "b": 30, "c": 10}
    assert allocate({"a": 60, "b": 30, "c": 10}, 11) == {"a": 6, "b": 3, "c": 2}
    assert allocate({"a": 1e6, "b": 1, "c": 1}, 6) == {"a": 2, "b": 2, "c": 2}
    assert allocate({"a": 1, "b": 1, "c": 1}, 10) == {"a": 4, "b": 3, "c": 3}


def test_allocation_keeps_the_sum_whatever_the_areas():
    rng = np.random.default_rng(3)
    for _ in range(200):
        areas = {str(i): float(area) for i, area in enumerate(rng.lognormal(0, 3, size=rng.integers(1, 20)))}
        n = int(rng.integers(2 * len(areas), 500))
        found = allocate(areas, n)
        assert sum(found.values()) == n
        assert min(found.values()) >= 2


def test_allocation_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="3 strata need at least 2"):
        allocate({"a": 1, "b": 1, "c": 1}, 5)
    with pytest.raises(ValueError, match="above zero"):
        allocate({"a": 1, "b": 0}, 5)


@pytest.mark.parametrize("n", [0, 1, 2, 37, 99, 100])
def test_a_balanced_sample_has_exactly_the_wanted_size(n: int):
    places = np.random.default_rng(2).random((100, 2))
    sample = local_pivotal(places, n, np.random.default_rng(n))
    assert len(set(sample.tolist())) == n


def test_places_that_coincide_do_not_stop_the_sample():
    assert local_pivotal(np.zeros((60, 2)), 20, np.random.default_rng(1)).size == 20


def test_a_balanced_sample_of_too_many_is_refused():
    with pytest.raises(ValueError, match="between 0 and 3"):
        local_pivotal(np.zeros((3, 2)), 4, np.random.default_rng(1))


def test_the_same_seed_gives_the_same_balanced_sample():
    places = np.random.default_rng(2).random((500, 3))
    one, same, other = (local_pivotal(places, 50, np.random.default_rng(seed)).tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_every_place_is_drawn_equally_often_also_where_places_are_dense():
    rng = np.random.default_rng(4)
    places = np.concatenate((rng.random((30, 2)), 0.01 * rng.random((30, 2))))
    runs = 4000
    counts = np.zeros(60)
    for seed in range(runs):
        counts[local_pivotal(places, 15, np.random.default_rng(seed))] += 1
    # Each is binomial (4000, 0.25); the largest of 60 lies within four standard errors.
    assert np.abs(counts / runs - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / runs)


def test_neighbours_are_the_nearest_undecided_whatever_left_before():
    rng = np.random.default_rng(6)
    places = rng.random((300, 2))
    undecided = design._Undecided(places)
    for gone in rng.permutation(300)[:290].tolist():
        undecided.remove(gone)
        some = undecided.left[int(rng.integers(len(undecided.left)))]
        others = np.array([place for place in undecided.left if place != some])
        nearest = others[np.argmin(((places[others] - places[some]) ** 2).sum(axis=1))]
        assert undecided.nearest(some) == nearest


def test_a_balanced_sample_beats_a_simple_random_one_on_a_trend():
    places = np.random.default_rng(7).random((600, 2))
    carbon = 40 + 30 * places[:, 0] + 10 * places[:, 1]
    balanced, simple = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        balanced.append(carbon[local_pivotal(places, 40, rng)].mean())
        simple.append(carbon[rng.choice(600, 40, replace=False)].mean())
    assert np.mean(balanced) == pytest.approx(carbon.mean(), abs=4 * np.std(balanced) / 20)
    assert np.var(balanced) < 0.25 * np.var(simple)


def test_the_method_page_says_what_the_code_does():
    assert {name for name in public_functions(design) if f"`{name}`" not in text_of("sampling_plan")} == set()
    printed = {" ".join(line.split()) for line in text_of("sampling_plan").splitlines()}
    assert [line for line in equations(design) if line not in printed] == []


def test_the_worked_example_is_what_the_code_computes():
    difference = design.difference_of(4.0, TEN_YEARS)
    independent = Campaigns(sd=20.0, mean=50.0, years=10.0, design="independent")
    found = difference_found(50, TEN_YEARS)
    sites = allocate({"a": 60, "b": 30, "c": 10}, 11)
    assert results("sampling_plan") == [
        f"{difference:.2f}",
        f"{TEN_YEARS.spread:.2f}",
        str(sites_needed(difference, TEN_YEARS)),
        str(sites_needed(difference, independent)),
        f"{found:.2f}",
        f"{design.rate_of(found, TEN_YEARS):.2f}",
        *(str(n) for n in sites.values()),
        f"{60 / sites['a']:.1f}",
        f"{10 / sites['c']:.1f}",
    ]
