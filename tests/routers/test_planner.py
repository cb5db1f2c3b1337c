"""Planning over HTTP: sizes, places, refusals, and samples that come back as what they were drawn as."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, text

from app.db import session
from app.db.session import Database
from app.ingest.columns import SCHEMA
from app.ingest.mapping import load_mapping
from app.soil.design import Campaigns, difference_found, sites_needed
from tests.test_pipelines import run

Plan = Callable[..., dict[str, Any]]


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def stratum(name: Any, shape: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"stratum": name, **more}, "geometry": shape}


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


KENYA = box(36.5, 0, 38.5, 1)
HALVES = collection(stratum("crop & field", box(36, 0, 37.5, 1)), stratum("grass", box(37.5, 0, 38, 1)))


@pytest.fixture
def connection(another: Callable[[str], Database]) -> Iterator[Connection]:
    with session.disposing(another("planned").worker_engine()) as engine, engine.connect() as here:
        yield here
        here.rollback()


@pytest.fixture
def plan(client: TestClient) -> Plan:
    def made(**body: Any) -> dict[str, Any]:
        answer = client.post("/planner/plan", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/geo+json")
        found: dict[str, Any] = answer.json()
        return found

    return made


def refused(client: TestClient, status: int = 400, **body: Any) -> tuple[str, str]:
    answer = client.post("/planner/plan", json=body)
    assert answer.status_code == status, answer.text
    document = answer.json()
    faults = document.get("errors") or [{"parameter": ""}]
    return faults[0]["parameter"], document["detail"]


def places(found: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.array([feature["geometry"]["coordinates"] for feature in found["features"]])


def test_the_size_comes_from_a_regions_own_estimate(client: TestClient):
    stored = client.get("/regions/country-KEN/indicators?indicator=soc_stock&period=all").json()["estimates"][0]
    query = "/planner/sample-size?region=country-KEN&correlation=0.9&years=10&rate=4&n=50"
    found = client.get(query).json()
    assert found["source"]["sd"] == stored["sd"]
    assert found["source"]["mean"] == stored["value"]
    campaigns = Campaigns(sd=stored["sd"], mean=stored["value"], years=10, correlation=0.9)
    assert found["needed"]["n"] == sites_needed(0.04 * stored["value"], campaigns)
    assert found["found"]["difference"] == pytest.approx(difference_found(50, campaigns))
    warned = any("not drawn at random" in said for said in found["assumptions"])
    assert warned is not stored["representative"]
    sizes = [row["n"] for row in found["table"]]
    assert sizes == sorted(sizes, reverse=True)


def test_a_region_whose_spread_is_not_shown_is_refused_with_the_reason(client: TestClient):
    answer = client.get("/planner/sample-size?region=country-CHL&correlation=0.9&indicator=soc_content")
    assert answer.status_code == 400
    assert "Give sd and mean" in answer.json()["detail"]
    assert client.get("/planner/sample-size?region=nowhere&correlation=0.9").status_code == 404


def test_independent_samples_need_no_correlation_and_more_sites(client: TestClient):
    given = "/planner/sample-size?sd=20&mean=50&rate=4&years=10"
    revisit = client.get(f"{given}&correlation=0.9").json()
    independent = client.get(f"{given}&design=independent").json()
    assert revisit["needed"]["n"] == 159
    assert independent["needed"]["n"] == 1571
    assert independent["correlation"] is None


def test_a_size_beyond_all_campaigns_is_null(client: TestClient):
    found = client.get("/planner/sample-size?sd=1e6&mean=1&rate=1&correlation=0").json()
    assert found["needed"]["n"] is None


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("sd=20&mean=50", "correlation"),
        ("sd=20&correlation=0.9", "mean"),
        ("sd=nan&mean=50&correlation=0.9", "sd"),
        ("sd=-1&mean=50&correlation=0.9", "sd"),
        ("sd=20&mean=50&correlation=1", "correlation"),
        ("sd=20&mean=50&correlation=0.9&design=independent", "correlation"),
        ("sd=20&mean=50&correlation=0.9&design=other", "design"),
        ("sd=20&mean=50&correlation=0.9&rate=4&difference=2", "difference"),
        ("sd=20&mean=50&correlation=0.9&alpha=0.9", "alpha"),
        ("sd=20&mean=50&correlation=0.9&power=inf", "power"),
        ("sd=20&mean=50&correlation=0.9&n=1", "n"),
        ("sd=20&mean=50&correlation=0.9&n=1000001", "n"),
        ("sd=20&mean=50&correlation=0.9&period=all", "period"),
        ("region=country-KEN&sd=20&correlation=0.9", "sd"),
        ("region=country-KEN&indicator=gold&correlation=0.9", "indicator"),
        ("sd=20&mean=50&correlation=0.9&years=0", "years"),
        ("sd=20&mean=50&correlation=0.9&colour=red", "colour"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, query: str, parameter: str):
    answer = client.get(f"/planner/sample-size?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == parameter


@pytest.mark.parametrize("design", ["srs", "balanced"])
def test_a_polygon_gets_its_places_with_weights_and_reserves(plan: Plan, design: str):
    found = plan(polygon=KENYA, design=design, n=40, reserve=0.25, seed=7)
    at = places(found)
    assert len(at) == 50
    assert ((at >= [36.5, 0]) & (at <= [38.5, 1])).all()
    said = [feature["properties"] for feature in found["features"]]
    assert [entry["reserve"] for entry in said] == [False] * 40 + [True] * 10
    assert [entry["order"] for entry in said] == list(range(1, 51))
    assert len({entry["site_id"] for entry in said}) == 50
    area = found["plan"]["strata"][0]["area_km2"]
    assert area == pytest.approx(24_618, rel=0.001)
    assert sum(entry["inclusion_weight"] for entry in said[:40]) == pytest.approx(area)
    assert found["plan"]["recorded_design"] == {"srs": "srs", "balanced": "grid"}[design]


def test_the_same_request_gives_the_same_plan_and_another_seed_another(plan: Plan):
    one, same, other = (plan(polygon=KENYA, design="balanced", n=30, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one["plan"]["id"] != other["plan"]["id"]
    assert places(one).tolist() != places(other).tolist()
    made = plan(polygon=KENYA, design="balanced", n=30)
    assert plan(polygon=KENYA, design="balanced", n=30, seed=made["plan"]["seed"]) == made


def test_strata_share_the_sites_by_area_and_hold_their_own(plan: Plan):
    found = plan(strata=HALVES, design="stratified", n=40, seed=1)
    strata = {entry["stratum"]: entry for entry in found["plan"]["strata"]}
    assert {name: entry["n"] for name, entry in strata.items()} == {"crop & field": 30, "grass": 10}
    for feature in found["features"]:
        longitude = feature["geometry"]["coordinates"][0]
        assert (longitude > 37.5) == (feature["properties"]["stratum"] == "grass")


def test_strata_may_bring_their_own_numbers(plan: Plan):
    own = collection(stratum("a", box(36, 0, 37, 1), n=5), stratum("b", box(37, 0, 38, 1), n=9))
    found = plan(strata=own, design="balanced", seed=1)
    assert [entry["n"] for entry in found["plan"]["strata"]] == [5, 9]
    assert found["plan"]["recorded_design"] == "stratified"
    weights = {f["properties"]["stratum"]: f["properties"]["inclusion_weight"] for f in found["features"]}
    assert weights["a"] / weights["b"] == pytest.approx(9 / 5, rel=1e-6)


def test_strata_are_cut_by_a_polygon_and_what_they_leave_out_is_said(plan: Plan):
    found = plan(polygon=box(37, 0, 39, 1), strata=HALVES, design="stratified", n=20, seed=1)
    assert {entry["n"] for entry in found["plan"]["strata"]} == {10}
    assert places(found)[:, 0].min() >= 37
    assert any("cover 50 % of the area" in note for note in found["plan"]["notes"])


def test_a_region_is_sampled_inside_its_boundary_over_the_antimeridian(plan: Plan, client: TestClient):
    found = plan(region="country-FJI", design="balanced", n=60, seed=3)
    stored = client.get("/collections/regions/items/country-FJI").json()["properties"]["area_km2"]
    assert found["plan"]["strata"][0]["area_km2"] == pytest.approx(stored, rel=0.001)
    assert np.abs(places(found)[:, 0]).min() > 176


def test_a_plan_as_waypoints_names_every_place(client: TestClient):
    answer = client.post("/planner/plan?f=gpx", json={"strata": HALVES, "design": "stratified", "n": 12, "seed": 1})
    assert answer.headers["content-type"].startswith("application/gpx+xml")
    tree = ET.fromstring(answer.text.encode())  # noqa: S314 - our own answer
    points = tree.findall("{http://www.topografix.com/GPX/1/1}wpt")
    assert len(points) == 12
    described = [point.findtext("{http://www.topografix.com/GPX/1/1}desc", "") for point in points]
    assert sum("stratum crop & field" in said for said in described) == 9


def test_the_samples_of_a_plan_come_back_as_the_probability_sample_they_are(
    client: TestClient, connection: Connection, tmp_path: Path
):
    body = {"strata": HALVES, "design": "balanced", "n": 12, "reserve": 0.1, "seed": 5}
    answer = client.post("/planner/plan?f=csv", json=body)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == [column.name for column in SCHEMA]
    used = [row for row in rows if "reserve" not in row["remarks"]]
    assert (len(rows), len(used)) == (14, 12)
    for i, row in enumerate(used):
        row |= {"sampling_date": "2019-05-01", "top_cm": "0", "bottom_cm": "30", "soc": str(10 + i), "soc_unit": "g/kg"}
        row |= {"licence": "CC-BY-4.0", "bulk_density_g_cm3": "1.3", "bulk_density_type": "fine_earth"}
    file = tmp_path / "filled.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(used)
    run(connection, file, load_mapping())
    assert connection.execute(text("SELECT sampling_design FROM core.dataset")).scalars().all() == ["stratified"]
    found = connection.execute(
        text("SELECT s.own_id, v.stratum, v.inclusion_weight FROM core.visit v JOIN core.site s ON s.id = v.site_id")
    ).all()
    assert {tuple(row) for row in found} == {
        (row["site_id"], row["stratum"], float(row["inclusion_weight"])) for row in used
    }


@pytest.mark.parametrize(
    ("body", "parameter", "said"),
    [
        ({"design": "srs", "n": 5}, "region", "Give a region"),
        ({"design": "srs", "n": 5, "region": "country-KEN", "polygon": KENYA}, "polygon", "not both"),
        ({"design": "srs", "polygon": KENYA}, "n", "how many"),
        ({"design": "srs", "polygon": KENYA, "n": 5001}, "n", ""),
        ({"design": "srs", "polygon": KENYA, "n": 0}, "n", ""),
        ({"design": "grid", "polygon": KENYA, "n": 5}, "design", ""),
        ({"design": "srs", "polygon": KENYA, "n": 5, "seed": -1}, "seed", ""),
        ({"design": "srs", "polygon": KENYA, "n": 5, "colour": 1}, "colour", ""),
        ({"design": "stratified", "polygon": KENYA, "n": 5}, "design", "needs strata"),
        ({"design": "srs", "strata": HALVES, "n": 5}, "design", "takes none"),
        ({"design": "stratified", "strata": HALVES, "n": 3}, "n", "at least 2 sites each"),
        ({"design": "stratified", "strata": {}, "n": 9}, "strata", "FeatureCollection"),
        ({"design": "stratified", "strata": collection(stratum(7, KENYA)), "n": 9}, "strata", "Feature 1"),
        ({"design": "stratified", "strata": collection(stratum("a", KENYA, n=1))}, "strata", "from 2"),
        (
            {"design": "stratified", "strata": collection(stratum("a", KENYA), stratum("b", KENYA)), "n": 9},
            "strata",
            "overlap",
        ),
        (
            {"design": "stratified", "region": "country-FJI", "strata": HALVES, "n": 9},
            "strata",
            "outside",
        ),
        ({"design": "srs", "polygon": {"type": "Point", "coordinates": [1, 1]}, "n": 9}, "polygon", "must be"),
        ({"design": "srs", "polygon": box(0, 0, 1e-6, 1e-6), "n": 9}, "polygon", "at least 100 m²"),
        ({"design": "srs", "polygon": box(-30, -5, -25, 0), "n": 9}, "polygon", "is this the sea"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(client: TestClient, body: dict[str, Any], parameter: str, said: str):
    named, detail = refused(client, **body)
    assert named.split(".")[-1] == parameter
    assert said in detail


def test_an_unknown_region_and_form_are_refused(client: TestClient):
    assert "no region" in refused(client, 404, region="nowhere", design="srs", n=5)[1]
    answer = client.post("/planner/plan?f=kml", json={"region": "country-KEN", "design": "srs", "n": 5})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "f")


def test_places_in_water_are_counted(plan: Plan):
    notes = plan(polygon=box(40, -4, 45, 0), design="srs", n=50, seed=1)["plan"]["notes"]
    assert any("outside the published countries" in note for note in notes)


def test_large_areas_are_read_up_to_the_limit_and_refused_above(client: TestClient, plan: Plan):
    def circle(vertices: int) -> dict[str, Any]:
        angle = np.linspace(0, 2 * np.pi, vertices)[:-1]
        ring = np.round(np.column_stack((37 + np.cos(angle), np.sin(angle))), 7).tolist()
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}

    assert len(plan(polygon=circle(100_000), design="balanced", n=5000, seed=1)["features"]) == 5000
    assert "at most 100,000" in refused(client, 413, polygon=circle(100_002), design="srs", n=5)[1]


def test_many_unknown_fields_are_one_fault(client: TestClient):
    answer = client.post("/planner/plan", json={f"x{i}": 1 for i in range(50_000)})
    assert answer.status_code in {400, 422}
    assert len(answer.content) < 5000


def test_the_method_page_that_answers_name_is_served(client: TestClient):
    named = client.get("/planner/sample-size?sd=20&mean=50&correlation=0.9").json()["method"]
    answer = client.get(f"/{named}")
    assert answer.status_code == 200
    assert answer.text.startswith("# Sampling plan")
