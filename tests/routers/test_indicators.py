"""Indicators of a region: the figure with everything needed to judge it, or the reason for none."""

import math
from typing import Any

import pytest
from fastapi.testclient import TestClient
from scipy import stats

from app.routers.schemas import Estimate


def stock(client: TestClient, region: str, **parameters: str) -> Any:
    answer = client.get(
        f"/regions/{region}/indicators", params={"indicator": "soc_stock", "period": "all", **parameters}
    )
    assert answer.status_code == 200, answer.text
    (only,) = answer.json()["estimates"]
    return only


def test_mean_and_interval_are_those_of_student(client: TestClient):
    values = [0.1 * (10 + i) * 1.3 * 30 for i in range(12)]
    mean = sum(values) / 12
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / 11)
    half = stats.t.ppf(0.975, 11) * sd / math.sqrt(12)
    found = stock(client, "country-KEN")
    assert found["value"] == pytest.approx(mean)
    assert found["sd"] == pytest.approx(sd)
    assert found["interval"]["lower"] == pytest.approx(mean - half)
    assert found["interval"]["upper"] == pytest.approx(mean + half)
    assert (found["interval"]["df"], found["interval"]["level"], found["n_sites"]) == (11, 0.95, 12)


def test_every_word_of_an_estimate_is_there(client: TestClient):
    assert set(stock(client, "country-KEN")) == set(Estimate.__annotations__)


def test_coverage_says_what_the_figure_rests_on(client: TestClient):
    coverage = stock(client, "country-KEN")["coverage"]
    assert (coverage["sites_in_region"], coverage["sites_with_value"]) == (12, 12)
    assert 1 <= coverage["cells_occupied"] <= 12 < coverage["cells_in_region"]
    assert (coverage["first_year"], coverage["last_year"]) == (2012, 2012)


def test_datasets_come_with_licence_and_citation(client: TestClient):
    (dataset,) = stock(client, "country-KEN")["datasets"]
    assert dataset == {
        "id": "kenya",
        "title": "A set made for a test",
        "licence": "CC-BY-4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "citation": "Tester, T. (2026)",
        "doi": "10.1234/test",
        "licence_class": "attribution",
        "n_sites": 12,
        "synthetic": False,
    }


def test_refusal_has_a_reason_and_a_count_but_no_value(client: TestClient):
    fiji = stock(client, "country-FJI")
    assert (fiji["value"], fiji["interval"], fiji["n_sites"]) == (None, None, 2)
    assert fiji["refused"]["code"] == "too_few_sites"
    assert fiji["synthetic"] == "all"


def test_sites_that_may_not_betray_their_owner_are_refused(client: TestClient):
    chile = client.get("/regions/country-CHL/indicators", params={"indicator": "soc_content", "period": "all"}).json()
    assert chile["estimates"][0]["value"] is None
    assert chile["estimates"][0]["refused"]["code"] == "too_few_owners"


def test_profiles_without_value_are_counted_by_reason(client: TestClient):
    chile = stock(client, "country-CHL")
    assert chile["refused"]["code"] == "no_sites"
    assert chile["coverage"]["profiles_without_value"] == {"bulk_density_missing": 3}


def test_periods_are_all_years_and_decades(client: TestClient):
    periods = [
        e["period"]["id"] for e in client.get("/regions/country-KEN/indicators?indicator=soc_stock").json()["estimates"]
    ]
    assert periods == ["all", "2010/2019"]


def test_region_without_sites_has_no_estimates_and_is_no_error(client: TestClient):
    answer = client.get("/regions/country-BRA/indicators")
    assert (answer.status_code, answer.json()["estimates"]) == (200, [])


def test_catalogue_names_unit_ramp_and_method(client: TestClient):
    catalogue = client.get("/indicators").json()
    for indicator in catalogue["indicators"]:
        assert len(indicator["ramp"]["colors"]) == len(indicator["ramp"]["breaks"]) + 1
        assert indicator["unit"]["label"]
        page = client.get(f"/{indicator['method']}")
        assert page.status_code == 200
        assert page.text.startswith("# ")
    assert catalogue["periods"][0]["id"] == "all"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("indicator=ph", "indicator"),
        ("period=1066/1075", "period"),
        ("depth=30", "depth"),
        ("depth=²-30", "depth"),
        ("year=2010", "year"),
    ],
)
def test_unknown_choice_is_named(client: TestClient, query: str, parameter: str):
    answer = client.get(f"/regions/country-KEN/indicators?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == parameter
