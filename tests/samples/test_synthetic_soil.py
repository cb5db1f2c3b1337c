"""The synthetic set is what it says: reproducible, logical in depth, inside its countries, and true on average."""

import csv
import io
import json
import math
import statistics
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from data.samples import make_soil

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((SAMPLES / name).read_text(encoding="utf-8"))))


LAYERS = rows("synthetic_soil.csv")
TRUTH = {row["country_code"]: row for row in rows("synthetic_truth.csv")}
PROFILES: dict[str, list[dict[str, str]]] = defaultdict(list)
for _layer in LAYERS:
    PROFILES[_layer["profile_id"]].append(_layer)
DATASET: dict[str, Any] = json.loads((SAMPLES / "synthetic_dataset.json").read_text(encoding="utf-8"))


def fine_earth_per_total(layer: dict[str, str]) -> float:
    """Fine-earth mass per total volume, by the identity that the declared bases call for. [g/cm³]"""
    density, stones = float(layer["bulk_density_g_cm3"]), float(layer["coarse_fragments_pct"]) / 100
    basis = layer["bulk_density_type"], layer["coarse_fragments_basis"]
    return density if basis == ("fine_per_total", "volume") else density * (1 - stones)


def stock_0_30(layers: list[dict[str, str]]) -> float | None:
    """Stock of 0-30 cm, or to the rock, in t C/ha; None where a layer or a bulk density is missing."""
    total, covered = 0.0, 0.0
    for layer in layers:
        share = min(float(layer["bottom_cm"]), 30) - float(layer["top_cm"])
        if share <= 0:
            continue
        if not layer["bulk_density_g_cm3"]:
            return None
        total += 0.1 * float(layer["soc"]) * fine_earth_per_total(layer) * share
        covered += share
    rock = layers[0]["bedrock_depth_cm"]
    return total if covered >= min(30.0, float(rock) if rock else math.inf) else None


def sampled_on(text: str) -> date:
    return date.fromisoformat(text if len(text) == 10 else f"{text}-15")


def country_stocks() -> dict[str, dict[int, dict[str, tuple[date, float]]]]:
    """Date and stock by country, campaign year and site, where the stock can be computed."""
    found: dict[str, dict[int, dict[str, tuple[date, float]]]] = defaultdict(lambda: defaultdict(dict))
    for layers in PROFILES.values():
        stock = stock_0_30(layers)
        if stock is not None:
            day = sampled_on(layers[0]["sampling_date"])
            found[layers[0]["country_code"]][day.year][layers[0]["site_id"]] = day, stock
    return found


STOCKS = country_stocks()


def rates() -> Iterator[tuple[float, float, float]]:
    """True rate, its paired estimate between first and last campaign, and the standard error [‰/yr], 10 pairs or more."""
    for country, campaigns in STOCKS.items():
        first, last = campaigns[min(campaigns)], campaigns[max(campaigns)]
        both = sorted(set(first) & set(last))
        if len(both) < 10:
            continue
        before, after = [first[site][1] for site in both], [last[site][1] for site in both]
        years = statistics.mean((last[site][0] - first[site][0]).days / 365.25 for site in both)
        ratio = sum(after) / sum(before)
        spread = statistics.stdev(b - ratio * a for a, b in zip(before, after, strict=True))
        error = spread / math.sqrt(len(both)) / statistics.mean(before) / years
        yield float(TRUTH[country]["true_rate_permille_per_year"]), 1000 * (ratio - 1) / years, 1000 * error


RATES = list(rates())


def test_generator_writes_the_same_bytes_again():
    made = make_soil.build()
    assert set(made) == {"synthetic_soil.csv", "synthetic_truth.csv"}
    for name, text in made.items():
        assert (SAMPLES / name).read_bytes() == text.encode(), name


def test_set_is_small_enough_to_live_in_the_repository():
    assert (SAMPLES / "synthetic_soil.csv").stat().st_size < 3_000_000


def test_every_row_says_that_it_is_synthetic_and_free():
    said = {(row["project"], row["remarks"], row["licence"], row["design"]) for row in LAYERS}
    assert said == {("Synthetic demonstration set", "synthetic: not measured", "CC0-1.0", "srs")}
    assert (DATASET["synthetic"], DATASET["licence"], DATASET["sampling_design"]) == (True, "CC0-1.0", "srs")


def test_dataset_record_counts_its_sites_and_countries():
    sites = len({row["site_id"] for row in LAYERS})
    assert f"{sites} invented sites in {len(TRUTH)} countries" in DATASET["description"]


def test_countries_lie_in_all_five_regions_and_some_have_few_sites():
    features = json.loads((SAMPLES / "countries.geojson").read_text(encoding="utf-8"))["features"]
    region = {f["properties"]["iso_a2"]: f["properties"]["initiative_region"] for f in features}
    sites: dict[str, set[str]] = defaultdict(set)
    for row in LAYERS:
        sites[row["country_code"]].add(row["site_id"])
    assert 40 <= len(sites) <= 50
    assert len({region[country] for country in sites}) == 5
    counts = [len(found) for found in sites.values()]
    assert (min(counts), max(counts)) == (3, 40)
    assert sum(3 <= count <= 8 for count in counts) == 7
    assert all(count == int(TRUTH[country]["n_sites"]) for country, count in zip(sites, counts, strict=True))


def test_sites_lie_inside_their_country():
    features = json.loads((SAMPLES / "countries.geojson").read_text(encoding="utf-8"))["features"]
    land = {f["properties"]["iso_a2"]: shapely.geometry.shape(f["geometry"]) for f in features}
    outside = {
        row["site_id"]
        for row in LAYERS
        if not shapely.contains_xy(land[row["country_code"]], float(row["longitude"]), float(row["latitude"]))
    }
    assert outside == set()


def test_a_site_keeps_its_position_over_all_visits():
    places: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for row in LAYERS:
        places[row["site_id"]].add((row["longitude"], row["latitude"], row["country_code"]))
    assert all(len(found) == 1 for found in places.values())
    assert len({next(iter(found)) for found in places.values()}) == len(places) == 855


def test_sites_are_revisited_in_two_to_four_campaigns_at_least_five_years_apart():
    for country, row in TRUTH.items():
        years = [int(year) for year in row["campaigns"].split(";")]
        assert 2 <= len(years) <= 4, country
        assert all(later - earlier >= 5 for earlier, later in pairwise(years)), country
        assert (min(years) >= 2004, max(years) <= 2024) == (True, True), country
    visits: dict[str, set[str]] = defaultdict(set)
    for profile, layers in PROFILES.items():
        visits[layers[0]["site_id"]].add(profile)
    assert sum(len(found) >= 2 for found in visits.values()) / len(visits) > 0.9


def test_layers_of_a_profile_start_at_zero_and_join_without_gap_or_overlap():
    for profile, layers in PROFILES.items():
        assert layers[0]["top_cm"] == "0", profile
        assert all(float(layer["bottom_cm"]) - float(layer["top_cm"]) >= 2 for layer in layers), profile
        assert all(upper["bottom_cm"] == lower["top_cm"] for upper, lower in pairwise(layers)), profile


def test_no_layer_reaches_below_the_rock():
    shallow = [row for row in LAYERS if row["bedrock_depth_cm"]]
    assert {int(row["bedrock_depth_cm"]) < 30 for row in shallow} == {True}
    assert all(int(row["bottom_cm"]) <= int(row["bedrock_depth_cm"]) for row in shallow)
    assert 20 <= len({row["site_id"] for row in shallow}) <= 60


def test_the_hard_cases_a_reader_must_meet_are_there_but_rare():
    profiles = list(PROFILES.values())
    short = sum(
        not layers[0]["bedrock_depth_cm"] and max(float(layer["bottom_cm"]) for layer in layers) < 30
        for layers in profiles
    )
    lost = sum(any(not layer["bulk_density_g_cm3"] for layer in layers) for layers in profiles)
    assert 0.01 < short / len(profiles) < 0.05
    assert 0.01 < lost / len(profiles) < 0.05
    assert {
        (row["bulk_density_type"], row["coarse_fragments_basis"]) for row in LAYERS if row["bulk_density_type"]
    } == {
        ("fine_earth", "volume"),
        ("whole", "mass"),
        ("fine_per_total", "volume"),
    }


def test_values_are_possible_and_hardly_ever_unusual():
    possible = {"soc": (0, 580), "ph": (1.5, 13), "n_total_g_kg": (0, 1000), "coarse_fragments_pct": (0, 100)}
    usual = {"soc": (0.5, 120), "ph": (3.5, 10), "n_total_g_kg": (0.05, 10), "coarse_fragments_pct": (0, 80)}
    unusual = 0
    for row in LAYERS:
        for column, (low, high) in possible.items():
            assert low <= float(row[column]) <= high, row
        unusual += any(not low <= float(row[column]) <= high for column, (low, high) in usual.items())
        assert sum(int(row[f"{part}_pct"]) for part in ("clay", "silt", "sand")) == 100, row
        assert min(int(row[f"{part}_pct"]) for part in ("clay", "silt", "sand")) >= 0, row
        assert 5 <= float(row["soc"]) / float(row["n_total_g_kg"]) <= 40, row
        if row["bulk_density_g_cm3"]:
            assert 0.2 <= fine_earth_per_total(row) <= 1.9, row
    assert unusual / len(LAYERS) < 0.001


def test_carbon_declines_with_depth():
    rising = sum(
        float(lower["soc"]) > 1.5 * float(upper["soc"])
        for layers in PROFILES.values()
        for upper, lower in pairwise(layers)
    )
    assert rising == 0
    surface = [float(row["soc"]) for row in LAYERS if row["top_cm"] == "0"]
    deepest = [float(row["soc"]) for row in LAYERS if row["top_cm"] == "30"]
    assert statistics.median(deepest) < 0.5 * statistics.median(surface)


def test_rows_of_one_layer_never_repeat():
    keys = [(row["site_id"], row["sampling_date"], row["top_cm"]) for row in LAYERS]
    assert len(keys) == len(set(keys))


def test_noise_free_layers_hold_exactly_the_true_stock():
    country = make_soil.Country("TST", 5, "moist", 4.0, (2010, 2020))
    land = shapely.box(0, 45, 5, 50)
    points = make_soil.draw_population(np.random.default_rng(1), country, land)
    for index in range(200):
        layers = make_soil.true_layers(points, index, country.layers)
        share = np.clip(np.minimum(layers.bottom, 30) - layers.top, 0, None)
        stock = 0.1 * layers.carbon * layers.density * (1 - layers.fragments) * share
        assert float(stock.sum()) == pytest.approx(float(points.stock[index]), rel=1e-9)


def test_the_population_mean_changes_at_exactly_the_rate_of_its_country():
    country = make_soil.Country("TST", 5, "moist", 4.0, (2010, 2020))
    points = make_soil.draw_population(np.random.default_rng(2), country, shapely.box(0, 45, 5, 50))
    later = points.stock * (1 + points.rate / 1000 * 12.5)
    assert 1000 * (later.mean() / points.stock.mean() - 1) / 12.5 == pytest.approx(4.0, abs=1e-9)


def test_points_are_uniform_over_area_not_over_degrees():
    rng = np.random.default_rng(3)
    _, latitude = make_soil.draw_points(rng, shapely.box(0, 0, 10, 80), 20_000)
    share_south = float((latitude < 30).mean())
    assert share_south == pytest.approx(math.sin(math.radians(30)) / math.sin(math.radians(80)), abs=0.01)


@pytest.mark.parametrize(
    ("latitude", "moisture", "zone"),
    [
        (-10.0, "wet", ("tropical", "wet")),
        (30.0, "wet", ("warm temperate", "moist")),
        (-45.0, "dry", ("cool temperate", "dry")),
        (60.0, "montane", ("boreal", "moist")),
        (70.0, "moist", ("polar", "moist")),
    ],
)
def test_climate_zone_is_the_belt_of_the_latitude_with_the_moisture_of_the_country(
    latitude: float, moisture: str, zone: tuple[str, str]
):
    assert make_soil.zone_of(latitude, moisture) == zone


def test_first_campaign_means_agree_with_the_true_means_within_their_errors():
    scores = []
    for country, campaigns in STOCKS.items():
        stocks = [stock for _, stock in campaigns[min(campaigns)].values()]
        if len(stocks) >= 10:
            error = statistics.stdev(stocks) / math.sqrt(len(stocks))
            scores.append((statistics.mean(stocks) - float(TRUTH[country]["true_mean_stock_0_30_t_ha"])) / error)
    assert len(scores) >= 35
    # 38 scores of a t-like spread near 1: their mean has a standard error near 0.17.
    assert abs(statistics.mean(scores)) < 3 * statistics.stdev(scores) / math.sqrt(len(scores))
    assert 0.7 < statistics.stdev(scores) < 1.4


def test_true_rates_run_from_minus_six_to_plus_eight():
    given = sorted(float(row["true_rate_permille_per_year"]) for row in TRUTH.values())
    assert (given[0], given[-1]) == (-6.0, 8.0)


def test_paired_estimates_recover_the_true_rates_within_their_errors():
    scores = [(estimate - true) / error for true, estimate, error in RATES]
    assert len(scores) >= 35
    assert abs(statistics.mean(scores)) < 2 / math.sqrt(len(scores))
    assert 0.75 < math.sqrt(statistics.mean(score**2 for score in scores)) < 1.3
    assert sum(abs(score) < 2.2 for score in scores) / len(scores) >= 0.9


def test_pooled_over_countries_the_rate_is_unbiased():
    weight = sum(1 / error**2 for *_, error in RATES)
    bias = sum((estimate - true) / error**2 for true, estimate, error in RATES) / weight
    assert abs(bias) < 2 / math.sqrt(weight)
    assert 1 / math.sqrt(weight) < 0.3


def test_estimated_rates_rise_one_for_one_with_the_true_rates():
    weights = [1 / error**2 for *_, error in RATES]
    middle = sum(w * true for w, (true, _, _) in zip(weights, RATES, strict=True)) / sum(weights)
    spread = sum(w * (true - middle) ** 2 for w, (true, _, _) in zip(weights, RATES, strict=True))
    slope = sum(w * (true - middle) * estimate for w, (true, estimate, _) in zip(weights, RATES, strict=True)) / spread
    assert abs(slope - 1) < 2 / math.sqrt(spread)
    assert slope > 0.7
