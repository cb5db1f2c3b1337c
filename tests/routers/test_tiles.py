"""Vector tiles, decoded: what is in them, not that they came."""

import itertools
from typing import Any

import mapbox_vector_tile
import morecantile
import pytest
from fastapi.testclient import TestClient

MVT = "application/vnd.mapbox-vector-tile"
WORLD = "WebMercatorQuad/0/0/0"


def tile(
    client: TestClient, collection: str, address: str = WORLD, **parameters: str | int
) -> dict[str, list[dict[str, Any]]]:
    answer = client.get(f"/collections/{collection}/tiles/{address}", params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MVT
    return {name: layer["features"] for name, layer in mapbox_vector_tile.decode(answer.content).items()}


def test_region_tile_carries_the_indicator_with_its_interval(client: TestClient):
    regions = {f["properties"]["id"]: f for f in tile(client, "regions")["regions"]}
    kenya = regions["country-KEN"]["properties"]
    assert kenya["value"] == pytest.approx(0.1 * 15.5 * 1.3 * 30)
    assert kenya["lower"] < kenya["value"] < kenya["upper"]
    assert (kenya["n_sites"], kenya["representative"], kenya["synthetic"]) == (12, True, False)


def test_region_without_sites_has_no_figure_and_a_refused_one_says_why(client: TestClient):
    regions = {f["properties"]["id"]: f["properties"] for f in tile(client, "regions")["regions"]}
    assert "value" not in regions["country-BRA"]
    assert "refused" not in regions["country-BRA"]
    assert "value" not in regions["country-FJI"]
    assert regions["country-FJI"]["refused"] == "too_few_sites"


def test_indicator_depth_and_period_choose_the_figure(client: TestClient):
    content = {
        f["properties"]["id"]: f["properties"] for f in tile(client, "regions", indicator="soc_content")["regions"]
    }
    assert content["country-KEN"]["value"] == pytest.approx(15.5)
    early = {f["properties"]["id"]: f["properties"] for f in tile(client, "regions", period="2010/2019")["regions"]}
    assert "value" in early["country-KEN"]
    assert tile(client, "regions", depth="0-30") == tile(client, "regions")


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("indicator", "ph", "soc_stock"),
        ("depth", "0-100", "0-30"),
        ("period", "1990/1999", "2010/2019"),
        ("period", "2019/2010", "ends before it begins"),
        ("kind", "planet", "country"),
    ],
)
@pytest.mark.parametrize("address", ["WebMercatorQuad/0/0/0", "WebMercatorQuad"])
def test_a_figure_that_there_is_not_is_refused_and_no_empty_map(
    client: TestClient, address: str, parameter: str, value: str, said: str
):
    answer = client.get(f"/collections/regions/tiles/{address}", params={parameter: value, "f": "tilejson"})
    assert answer.status_code == 400
    (fault,) = answer.json()["errors"]
    assert fault["parameter"] == parameter
    assert said in fault["detail"]


def test_all_countries_are_in_the_world_tile(client: TestClient):
    assert len(tile(client, "regions")["regions"]) > 230


def test_site_tile_has_stock_and_reason(client: TestClient):
    at = morecantile.tms.get("WebMercatorQuad").tile(37.0, 0.5, 14)
    sites = [f["properties"] for f in tile(client, "sites", f"WebMercatorQuad/14/{at.y}/{at.x}")["sites"]]
    assert {s["dataset"] for s in sites} == {"kenya"}
    chile = [f["properties"] for f in tile(client, "sites", dataset="chile")["sites"]]
    assert {s["reason"] for s in chile} == {"bulk_density_missing"}


def test_sites_never_vanish_on_zooming_in_and_all_are_there_at_the_end(client: TestClient):
    def ids(zoom: int) -> set[str]:
        found: set[str] = set()
        for x in range(2**zoom):
            for y in range(2**zoom):
                layers = tile(client, "sites", f"WebMercatorQuad/{zoom}/{y}/{x}")
                found |= {f["properties"]["id"] for f in layers.get("sites", [])}
        return found

    seen = [ids(zoom) for zoom in range(4)]
    assert all(a <= b for a, b in itertools.pairwise(seen))
    assert len(seen[0]) >= 4  # one per occupied cell at least


def test_observation_tile_is_of_one_property(client: TestClient):
    carbon = tile(client, "observations")["observations"]
    assert {f["properties"]["property"] for f in carbon} == {"soc"}
    density = tile(client, "observations", property="bulk_density_fine_earth")["observations"]
    assert {f["properties"]["unit"] for f in density} == {"g/cm³"}


def test_partner_tile_leaves_out_who_has_no_position(client: TestClient):
    assert len(tile(client, "partners")["partners"]) == 43


def test_generalised_point_is_drawn_where_it_is_published(client: TestClient):
    at = morecantile.tms.get("WebMercatorQuad").tile(-70.587178, -33.435, 14)
    assert len(tile(client, "sites", f"WebMercatorQuad/14/{at.y}/{at.x}", dataset="chile")["sites"]) == 3
    true = morecantile.tms.get("WebMercatorQuad").tile(-70.6123456, -33.41, 14)
    assert tile(client, "sites", f"WebMercatorQuad/14/{true.y}/{true.x}", dataset="chile") == {}


def test_empty_tile_is_empty_and_no_error(client: TestClient):
    answer = client.get("/collections/sites/tiles/WebMercatorQuad/14/0/0")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("WebMercatorQuad/15/0/0", 404),
        ("WebMercatorQuad/2/4/0", 404),
        ("WebMercatorQuad/2/0/4", 404),
        ("WebMercatorQuad/2/2147483647/0", 404),
        ("WebMercatorQuad/2/99999999999999999999/0", 400),
        ("WebMercatorQuad/x/0/0", 400),
        ("WebMercatorQuad/2/-1/0", 400),
        ("WebMercatorQuad/2/1.5/0", 400),
        ("WorldCRS84Quad/0/0/0", 404),
    ],
)
def test_tile_that_cannot_exist_is_refused(client: TestClient, address: str, status: int):
    answer = client.get(f"/collections/sites/tiles/{address}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["depth=30-0", "depth=x", "depth=0-", "release=x", "colour=red"])
def test_bad_tile_parameter_is_named(client: TestClient, query: str):
    answer = client.get(f"/collections/regions/tiles/{WORLD}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == query.split("=", maxsplit=1)[0]


def test_tile_addressed_by_release_may_be_kept_for_ever(client: TestClient):
    release = client.get("/readyz").json()["release"]
    kept = client.get(f"/collections/sites/tiles/{WORLD}", params={"release": release})
    assert "immutable" in kept.headers["cache-control"]
    assert "immutable" not in client.get(f"/collections/sites/tiles/{WORLD}").headers["cache-control"]
    stale = client.get(f"/collections/sites/tiles/{WORLD}", params={"release": release - 1})
    assert "immutable" not in stale.headers["cache-control"]


def test_tile_unchanged_since_last_time_is_304(client: TestClient):
    tag = client.get(f"/collections/sites/tiles/{WORLD}").headers["etag"]
    assert client.get(f"/collections/sites/tiles/{WORLD}", headers={"If-None-Match": tag}).status_code == 304


def test_tileset_names_its_address_and_limits(client: TestClient):
    listed = client.get("/collections/sites/tiles").json()["tilesets"]
    assert [t["tileMatrixSetId"] for t in listed] == ["WebMercatorQuad"]
    template = next(link for link in listed[0]["links"] if link["rel"] == "item")
    assert "{tileMatrix}/{tileRow}/{tileCol}" in template["href"]
    assert listed[0]["tileMatrixSetLimits"][1] == {
        "tileMatrix": "1",
        "minTileRow": 0,
        "maxTileRow": 1,
        "minTileCol": 0,
        "maxTileCol": 1,
    }


def test_tilejson_leads_to_tiles_of_this_release(client: TestClient):
    document = client.get(
        "/collections/regions/tiles/WebMercatorQuad", params={"f": "tilejson", "period": "2010/2019"}
    ).json()
    address = document["tiles"][0].format(z=0, y=0, x=0)
    assert "period=2010%2F2019" in address
    assert "immutable" in client.get(address).headers["cache-control"]
    assert document["vector_layers"][0]["id"] == "regions"
