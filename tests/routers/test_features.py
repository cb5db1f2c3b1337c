"""Collections and features: what OGC API asks, on data that peers lose."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

GEOJSON = "application/geo+json"


def items(client: TestClient, collection: str, **parameters: str | int) -> Any:
    answer = client.get(f"/collections/{collection}/items", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == GEOJSON
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    assert body["numberReturned"] == len(body["features"])
    assert all({"rel", "type", "href"} <= set(link) for link in body["links"])
    return body


def links(body: Any) -> dict[str, str]:
    return {link["rel"]: link["href"] for link in body["links"]}


def test_collections_describe_themselves_alike_alone_and_in_the_list(client: TestClient):
    listed = client.get("/collections").json()["collections"]
    assert [c["id"] for c in listed] == ["observations", "sites", "regions", "partners"]
    for collection in listed:
        assert client.get(f"/collections/{collection['id']}").json() == collection


def test_extent_holds_every_feature(client: TestClient):
    (west, south, east, north) = client.get("/collections/sites").json()["extent"]["spatial"]["bbox"][0]
    points = [f["geometry"]["coordinates"] for f in items(client, "sites", limit=100)["features"]]
    assert min(p[0] for p in points) >= west
    assert max(p[0] for p in points) <= east
    assert all(south <= p[1] <= north for p in points)


def test_temporal_extent_is_that_of_the_sampling(client: TestClient):
    interval = client.get("/collections/observations").json()["extent"]["temporal"]["interval"][0]
    assert interval == ["2012-06-01T00:00:00Z", "2015-12-31T00:00:00Z"]  # a year is what is said of generalised records


def test_box_across_the_antimeridian_finds_both_sides(client: TestClient):
    found = items(client, "sites", bbox="177,-20,-179,-15")
    assert sorted(f["properties"]["own_id"] for f in found["features"]) == ["east", "west"]


def test_box_that_does_not_cross_it_finds_one_side(client: TestClient):
    found = items(client, "sites", bbox="177,-20,180,-15")
    assert [f["properties"]["own_id"] for f in found["features"]] == ["west"]


def test_box_of_six_numbers_ignores_heights(client: TestClient):
    assert items(client, "sites", bbox="177,-20,-5,180,-15,100")["numberMatched"] == 1


def test_pages_follow_each_other_without_gap_or_repetition(client: TestClient):
    seen: list[str] = []
    address: str | None = "/collections/observations/items?limit=7&dataset=kenya"
    pages = 0
    while address:
        body = client.get(address).json()
        seen += [f["id"] for f in body["features"]]
        assert body["numberMatched"] == 36
        address, pages = links(body).get("next"), pages + 1
    assert len(seen) == len(set(seen)) == 36
    assert pages == 6


def test_cursor_does_not_depend_on_the_limit(client: TestClient):
    first = items(client, "observations", limit=5)
    following = client.get(links(first)["next"].replace("limit=5", "limit=3")).json()
    everything = [f["id"] for f in items(client, "observations", limit=1000)["features"]]
    assert [f["id"] for f in following["features"]] == everything[5:8]


def test_offset_gives_the_same_features_as_the_cursor(client: TestClient):
    everything = [f["id"] for f in items(client, "observations", limit=1000)["features"]]
    assert [f["id"] for f in items(client, "observations", limit=4, offset=6)["features"]] == everything[6:10]


def test_offset_beyond_the_end_is_an_empty_page(client: TestClient):
    assert items(client, "sites", offset=5000)["features"] == []


def test_limit_above_the_maximum_is_clamped(client: TestClient):
    assert items(client, "sites", limit=999_999)["numberReturned"] == 17


def test_date_selects_both_ends_and_undated_features_match_any(client: TestClient):
    found = items(client, "sites", datetime="2012-06-01/2012-06-01", limit=100)
    keys = {f["properties"]["own_id"] for f in found["features"]}
    assert {"k0", "k11", "east"} <= keys
    assert "west" not in keys
    assert items(client, "sites", datetime="../2012-05-31", limit=100)["numberMatched"] == 1
    assert items(client, "sites", datetime="2015-06-01T12:00:00Z/..", limit=100)["numberMatched"] == 5


@pytest.mark.parametrize("box", ["37,0.5,37,0.5", "37,0.5,37.2,0.5", "37,0.4,37,0.5"])
def test_box_without_area_finds_the_region_it_lies_in(client: TestClient, box: str):
    found = client.get("/collections/regions/items", params={"bbox": box}).json()
    assert [f["id"] for f in found["features"]] == ["country-KEN"]


def test_observation_carries_unit_depth_licence_and_precision(client: TestClient):
    found = items(client, "observations", dataset="kenya", property="soc", limit=100)
    assert sorted(f["properties"]["value"] for f in found["features"]) == [10.0 + i for i in range(12)]
    some = found["features"][0]["properties"]
    assert (some["unit"], some["ucum"], some["upper_depth_cm"], some["lower_depth_cm"]) == ("g/kg", "g/kg", 0, 30)
    assert (some["licence"], some["location_precision"], some["sampled"]) == ("CC-BY-4.0", "exact", "2012-06-01")
    assert some["synthetic"] is False


def test_site_carries_its_stock_or_the_reason_for_none(client: TestClient):
    kenya = items(client, "sites", dataset="kenya", limit=100)["features"]
    by_key = {f["properties"]["own_id"]: f["properties"] for f in kenya}
    assert by_key["k10"]["soc_stock_0_30"] == pytest.approx(0.1 * 20 * 1.3 * 30)
    chile = items(client, "sites", dataset="chile")["features"][0]["properties"]
    assert (chile["soc_stock_0_30"], chile["soc_stock_0_30_reason"]) == (None, "bulk_density_missing")
    assert chile["soc_content_0_30"] == 20.0


def test_generalised_sites_share_one_published_point_and_hide_their_ids(client: TestClient):
    chile = items(client, "sites", dataset="chile")["features"]
    assert {tuple(f["geometry"]["coordinates"]) for f in chile} == {(-70.587178, -33.435)}
    assert {f["properties"]["own_id"] for f in chile} == {None}
    for site in (f["properties"] for f in chile):
        assert site["coordinate_uncertainty_m"] == site["coordinateUncertaintyInMeters"] == pytest.approx(7080, abs=50)
        assert "10 km" in site["dataGeneralizations"]
        assert "ask the owner" in site["informationWithheld"]
        assert site["footprintWKT"].startswith("POLYGON((")


def test_days_and_marks_of_generalised_records_are_withheld(client: TestClient):
    chile = items(client, "observations", dataset="chile")["features"][0]["properties"]
    assert (chile["sampled"], chile["sampled_precision"], chile["flags"]) == ("2015-01-01", "year", [])
    kenya = items(client, "observations", dataset="kenya")["features"][0]["properties"]
    assert (kenya["sampled"], kenya["sampled_precision"]) == ("2012-06-01", "day")
    assert [kenya[word] for word in ("dataGeneralizations", "informationWithheld", "footprintWKT")] == [None] * 3


def test_every_record_carries_its_terms(client: TestClient):
    for collection in ("sites", "observations"):
        terms = items(client, collection, dataset="chile")["features"][0]["properties"]
        assert terms["licence_class"] == "display_generalised_only"
        assert (terms["licence"], terms["citation"], terms["doi"]) == ("CC-BY-4.0", "Tester, T. (2026)", "10.1234/test")


def test_true_position_of_a_generalised_site_cannot_be_narrowed_by_a_box(client: TestClient):
    around_the_truth = "-70.613,-33.411,-70.612,-33.409"
    assert items(client, "sites", bbox=around_the_truth)["features"] == []
    assert items(client, "observations", bbox=around_the_truth)["features"] == []


def test_synthetic_records_say_so(client: TestClient):
    assert all(f["properties"]["synthetic"] for f in items(client, "sites", dataset="fiji")["features"])
    assert all(f["properties"]["synthetic"] for f in items(client, "observations", dataset="fiji")["features"])


def test_one_feature_by_the_id_of_its_page(client: TestClient):
    for collection in ("observations", "sites", "regions", "partners"):
        feature = items(client, collection, limit=1)["features"][0]
        alone = client.get(f"/collections/{collection}/items/{feature['id']}")
        assert alone.headers["content-type"] == GEOJSON
        body = alone.json()
        assert {link["rel"] for link in body.pop("links")} == {"self", "collection"}
        assert body == feature


def test_regions_carry_their_indicators(client: TestClient):
    kenya = client.get("/collections/regions/items/country-KEN").json()["properties"]
    stock = next(i for i in kenya["indicators"] if i["indicator"] == "soc_stock")
    assert stock["n_sites"] == 12
    assert stock["value"] == pytest.approx(0.1 * 15.5 * 1.3 * 30)


def test_partners_without_position_match_any_box(client: TestClient):
    everyone = items(client, "partners", limit=100)
    assert everyone["numberMatched"] == 45
    nowhere = [f for f in everyone["features"] if f["geometry"] is None]
    assert nowhere
    ocean = items(client, "partners", bbox="-30,-50,-29,-49", limit=100)
    assert {f["id"] for f in ocean["features"]} == {f["id"] for f in nowhere}


def test_head_answers_as_get_without_a_body(client: TestClient):
    answer = client.head("/collections/sites/items")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == GEOJSON


def test_unchanged_answer_is_304_until_the_next_release(client: TestClient):
    tag = client.get("/collections/sites/items").headers["etag"]
    again = client.get("/collections/sites/items", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/collections/sites/items", headers={"If-None-Match": 'W/"r0-0"'}).status_code == 200


def test_answer_may_be_read_by_any_origin(client: TestClient):
    answer = client.get("/collections/sites/items", headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_answer_is_compressed_when_asked(client: TestClient):
    answer = client.get("/collections/observations/items?limit=50", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(answer.content)["numberReturned"] == 45


def test_coordinate_reference_system_is_named(client: TestClient):
    answer = client.get("/collections/sites/items")
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"


def test_large_page_is_streamed_whole(client: TestClient):
    body = items(client, "observations", limit=10_000)
    assert body["numberReturned"] == body["numberMatched"] == 12 * 3 + 2 * 3 + 3


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("bbox=a,b,c,d", "bbox"),
        ("bbox=1,2,3", "bbox"),
        ("bbox=0,10,1,5", "bbox"),
        ("bbox=nan,0,1,1", "bbox"),
        ("bbox=-181,0,1,1", "bbox"),
        ("bbox=", "bbox"),
        ("datetime=garbage", "datetime"),
        ("datetime=../..", "datetime"),
        ("datetime=2021-01-01/2020-01-01", "datetime"),
        ("datetime=2020-01-01T00:00:00", "datetime"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=unlimited", "limit"),
        ("limit=1e3", "limit"),
        ("limit=", "limit"),
        ("offset=10001", "offset"),
        ("offset=x", "offset"),
        ("cursor=%00", "cursor"),
        ("cursor=abc", "cursor"),
        ("unknownQueryParameter12345=1", "unknownQueryParameter12345"),
        ("site=1", "site"),
        ("property=%00", "property"),
    ],
)
def test_malformed_or_unknown_parameter_is_a_400_that_names_it(client: TestClient, query: str, parameter: str):
    answer = client.get(f"/collections/observations/items?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["parameter"] == parameter
    assert parameter in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/conformance",
        "/healthz",
        "/readyz",
        "/collections",
        "/collections/sites",
        "/collections/sites/tiles",
        "/collections/sites/tiles/WebMercatorQuad",
        "/collections/sites/tiles/WebMercatorQuad/0/0/0",
        "/indicators",
        "/regions/country-KEN/indicators",
        "/collections/regions/items/country-KEN",
    ],
)
def test_unknown_parameter_is_refused_on_every_path(client: TestClient, path: str):
    assert client.get(path, params={"foo12345": "1"}).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/collections/nope",
        "/collections/nope/items",
        "/collections/sites/items/nope",
        "/collections/regions/items/country-XXX",
        "/collections/sites/items/00000000-0000-4000-8000-000000000000",
        "/collections/regions/items/%00",
        "/regions/nope/indicators",
        "/collections/sites/items/",
        "/nothing/here",
    ],
)
def test_what_is_not_there_is_a_404_problem(client: TestClient, path: str):
    answer = client.get(path)
    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404
