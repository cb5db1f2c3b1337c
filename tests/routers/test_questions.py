"""Questions to several figures: series, rankings, comparisons, their forms, and what is refused."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from scipy import stats
from sqlalchemy import Connection

from app.db import session
from app.db.session import Database
from app.main import create_app
from app.pipelines import deriving, publishing
from app.routers import schemas
from app.routers.figures import COLUMNS
from app.routers.questions import COMPARED_COLUMNS, RANK_COLUMNS
from app.settings import Settings
from tests.builders import Site, store

KEN, UGA, TZA, ETH, RWA, BDI, SOM, SSD, COD = (
    f"country-{code}" for code in ("KEN", "UGA", "TZA", "ETH", "RWA", "BDI", "SOM", "SSD", "COD")
)
SOC = {
    KEN: [20.0 + i for i in range(12)],
    UGA: [24.0 + i / 2 for i in range(10)],
    TZA: [50.0 + i / 4 for i in range(12)],
    ETH: [21.0 + i for i in range(12)],
    RWA: [40.0 + i for i in range(11)],
    BDI: [30.0, 31.0],
    SOM: [10.0 + i for i in range(12)],
    SSD: [30.0 + i for i in range(12)],
    COD: [60.0 + i for i in range(12)],
}
CHOICE = "indicator=soc_content"


def sites(region: str, at: int, *, year: int = 2012) -> list[Site]:
    return [
        Site(key=f"{region}-{i}", lon=20.0 + at + i / 20, lat=0.4, region=region, soc=(value,), year=year)
        for i, value in enumerate(SOC[region])
    ]


def fill(connection: Connection) -> None:
    """Own random samples, two regions of one dataset, convenience samples, a refusal, and generated data."""
    early = [Site(key=f"e{i}", lon=33 + i / 9, lat=1.4, region=KEN, soc=(12.0 + i,), year=1995) for i in range(6)]
    bare = [Site(key=f"b{i}", lon=32 + i / 9, lat=1.2, region=UGA, soc=(27.0,), density=None) for i in range(2)]
    for slug, of_it, terms in (
        ("kenya", sites(KEN, 0) + early, {}),
        ("uganda", sites(UGA, 1) + bare, {"licence": "=cmd()", "citation": "Nakato, A. & Co_2026"}),
        ("tanzania", sites(TZA, 2), {"doi": None, "citation": None}),
        ("both", sites(ETH, 3) + sites(SSD, 4), {}),
        ("chosen", sites(RWA, 5), {"sampling_design": "legacy"}),
        ("few", sites(BDI, 6), {}),
        ("invented", sites(SOM, 7) + sites(COD, 8), {"synthetic": True}),
    ):
        dataset = store(connection, slug, of_it, **terms)
        deriving.derive(connection, dataset)
        publishing.publish_dataset(connection, dataset)


@pytest.fixture(scope="module")
def asking(another: Callable[[str], Database]) -> Iterator[TestClient]:
    own = another("asked")
    with session.disposing(own.worker_engine()) as engine, engine.begin() as connection:
        fill(connection)
    settings = Settings(database_url=own.owner.render_as_string(hide_password=False), log_level="error", _env_file=None)
    with TestClient(create_app(settings)) as here:
        yield here


def answer(client: TestClient, address: str) -> Any:
    found = client.get(address)
    assert found.status_code == 200, found.text
    return found.json()


def table(client: TestClient, address: str) -> list[dict[str, str]]:
    found = client.get(address)
    assert found.status_code == 200, found.text
    assert found.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in found.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(found.text, newline="")))


# --- Series


def test_a_series_has_the_periods_in_order_and_says_that_it_is_no_trend(asking: TestClient):
    found = answer(asking, f"/regions/{KEN}/series?{CHOICE}")
    assert set(found) == set(schemas.Series.__annotations__)
    assert [e["period"]["id"] for e in found["series"]] == ["1990/1999", "2010/2019"]
    assert [e["value"] for e in found["series"]] == pytest.approx([14.5, 25.5])
    assert [e["n_sites"] for e in found["series"]] == [6, 12]
    assert found["series"][0]["indicative"]
    assert found["all_years"]["n_sites"] == 18
    assert [note["code"] for note in found["notes"]] == ["not_a_trend"]
    assert "trend" not in found


def test_a_series_of_a_region_without_figures_is_empty_and_no_error(asking: TestClient):
    found = answer(asking, f"/regions/country-BRA/series?{CHOICE}")
    assert (found["series"], found["all_years"]) == ([], None)


# --- Rankings


def places(ranking: Any) -> dict[str, tuple[int, int, int]]:
    return {
        entry["region"]["id"]: (band["band"], entry["rank"]["best"], entry["rank"]["worst"])
        for band in ranking["bands"]
        for entry in band["regions"]
    }


def test_regions_whose_intervals_overlap_share_a_band(asking: TestClient):
    found = answer(asking, f"/rankings?{CHOICE}&period=2010/2019")
    assert set(found) == set(schemas.Rankings.__annotations__)
    assert places(found) == {
        TZA: (1, 1, 1),
        SSD: (2, 2, 2),
        ETH: (3, 3, 5),
        UGA: (3, 3, 5),
        KEN: (3, 3, 5),
    }
    bands = [band["regions"] for band in found["bands"]]
    for one, two in itertools.combinations(range(len(bands)), 2):
        assert all(
            a["estimate"]["interval"]["lower"] > b["estimate"]["interval"]["upper"]
            for a, b in itertools.product(bands[one], bands[two])
        )


def test_convenience_samples_and_refusals_have_no_rank(asking: TestClient):
    found = answer(asking, f"/rankings?{CHOICE}")
    (described,) = found["described"]
    assert (described["region"]["id"], described["rank"]) == (RWA, None)
    assert not described["estimate"]["representative"]
    (refused,) = found["refused"]
    assert (refused["region"]["id"], refused["rank"]) == (BDI, None)
    assert refused["estimate"]["refused"]["code"] == "too_few_sites"
    assert not {RWA, BDI} & set(places(found))


def test_measured_and_generated_data_are_never_ranked_together(asking: TestClient):
    measured, generated = (answer(asking, f"/rankings?{CHOICE}&synthetic={s}") for s in ("none", "all"))
    assert not {SOM, COD} & set(places(measured))
    assert measured["left_out"] == {"generated": 2}
    assert places(generated) == {COD: (1, 1, 1), SOM: (2, 2, 2)}
    assert generated["left_out"] == {"measured": len(places(measured)) + 2}
    assert (generated["described"], generated["refused"]) == ([], [])


def test_a_kind_without_figures_is_an_empty_ranking(asking: TestClient):
    found = answer(asking, f"/rankings?{CHOICE}&kind=network")
    assert (found["bands"], found["described"], found["refused"]) == ([], [], [])


def test_a_ranking_as_geojson_has_a_boundary_for_each_region(asking: TestClient):
    found = asking.get(f"/rankings?{CHOICE}&f=geojson")
    assert found.headers["content-type"] == "application/geo+json"
    features = {f["id"]: f for f in found.json()["features"]}
    assert set(features) == {KEN, UGA, TZA, ETH, SSD, RWA, BDI}
    assert all(f["geometry"]["type"] == "MultiPolygon" for f in features.values())
    assert features[TZA]["properties"]["band"] == 1
    assert features[RWA]["properties"]["list"] == "described"
    assert features[BDI]["properties"]["estimate"]["value"] is None


# --- Comparisons


def test_two_independent_samples_are_tested_as_scipy_tests_them(asking: TestClient):
    found = answer(asking, f"/regions/{TZA}/compare?with={KEN}&{CHOICE}&period=2010/2019")
    assert set(found) == set(schemas.Comparisons.__annotations__)
    (compared,) = found["comparisons"]
    assert set(compared) == set(schemas.Comparison.__annotations__)
    wanted = stats.ttest_ind(SOC[TZA], SOC[KEN], equal_var=False)
    interval = wanted.confidence_interval(0.95)
    assert compared["difference"] == pytest.approx(np.mean(SOC[TZA]) - np.mean(SOC[KEN]))
    assert (compared["interval"]["lower"], compared["interval"]["upper"]) == pytest.approx(interval)
    test = compared["test"]
    assert (test["t"], test["df"], test["p"]) == pytest.approx((wanted.statistic, wanted.df, wanted.pvalue))
    assert test["p_adjusted"] == test["p"]
    assert (compared["verdict"], compared["refused"]) == ("different", None)


def test_with_several_regions_p_values_are_adjusted(asking: TestClient):
    found = answer(asking, f"/regions/{KEN}/compare?with={UGA},{TZA},{ETH}&{CHOICE}&period=2010/2019")
    assert [c["with"] for c in found["comparisons"]] == [UGA, TZA, ETH]
    assert set(found["estimates"]) == {KEN, UGA, TZA, ETH}
    tests = {c["with"]: c["test"] for c in found["comparisons"]}
    assert tests[TZA]["p_adjusted"] == pytest.approx(3 * tests[TZA]["p"])
    assert tests[UGA]["p_adjusted"] >= tests[UGA]["p"]
    verdicts = {c["with"]: c["verdict"] for c in found["comparisons"]}
    assert verdicts == {UGA: "no_difference_shown", TZA: "different", ETH: "no_difference_shown"}


@pytest.mark.parametrize(
    ("one", "other", "code", "described"),
    [
        (KEN, RWA, "not_representative", True),
        (RWA, KEN, "not_representative", True),
        (ETH, SSD, "shared_datasets", True),
        (KEN, BDI, "side_refused", False),
        (BDI, KEN, "side_refused", False),
        (KEN, SOM, "synthetic_mixed", False),
        (KEN, "country-BRA", "no_estimate", False),
        ("country-BRA", KEN, "no_estimate", False),
    ],
)
def test_what_cannot_be_tested_says_why(asking: TestClient, one: str, other: str, code: str, described: bool):  # noqa: FBT001 - of a table
    (compared,) = answer(asking, f"/regions/{one}/compare?with={other}&{CHOICE}")["comparisons"]
    assert compared["refused"]["code"] == code
    assert (compared["difference"] is not None) is described
    assert [compared[name] for name in ("se", "interval", "test", "verdict")] == [None] * 4


# --- Explanations


def test_an_explanation_says_what_was_counted_and_left_out_and_why(asking: TestClient):
    found = answer(asking, f"/regions/{UGA}/explain?indicator=soc_stock")
    assert set(found) == set(schemas.Explanation.__annotations__)
    counts = found["counts"]
    assert (counts["sites_in_region"], counts["sites_with_value"], counts["units"]) == (12, 10, 10)
    assert counts["profiles_without_value"] == [
        {"code": "bulk_density_missing", "reason": "A layer in this depth interval has no bulk density.", "n": 2}
    ]
    assert {t["id"]: t["met"] for t in found["thresholds"]} == {
        "median": True,
        "mean": True,
        "full": True,
        "interval": False,
    }
    assert found["method"]["version"] == found["estimate"]["method_version"]
    assert "bulk_density_fine_earth" in found["method"]["of_profiles"]["inputs"]
    for part in ("of_profiles", "of_regions"):
        page = asking.get(found["method"][part]["page"].removeprefix("http://testserver"))
        assert page.text.startswith("# ")
    (version,) = found["versions"]
    assert (version["value"], version["until_release"]) == (found["estimate"]["value"], None)
    assert any(link["href"].endswith("/datasets/uganda") for link in found["links"])


def test_a_refusal_is_explained_by_the_threshold_that_it_misses(asking: TestClient):
    found = answer(asking, f"/regions/{BDI}/explain?{CHOICE}")
    assert found["estimate"]["refused"]["code"] == "too_few_sites"
    assert not any(t["met"] for t in found["thresholds"])


def test_what_there_is_not_cannot_be_explained(asking: TestClient):
    found = asking.get(f"/regions/country-BRA/explain?{CHOICE}")
    assert found.status_code == 404
    assert "Brazil" in found.json()["detail"]


# --- Forms


def test_tables_have_the_documented_columns_and_the_values_of_the_documents(asking: TestClient):
    (row,) = table(asking, f"/regions/{KEN}/indicators?{CHOICE}&period=2010/2019&f=csv")
    (estimate,) = answer(asking, f"/regions/{KEN}/indicators?{CHOICE}&period=2010/2019")["estimates"]
    assert tuple(row) == COLUMNS
    assert float(row["value"]) == estimate["value"]
    assert float(row["interval_upper"]) == estimate["interval"]["upper"]
    assert (row["representative"], row["refused"], row["datasets"]) == ("true", "", "kenya")
    assert len(table(asking, f"/regions/{KEN}/series?{CHOICE}&f=csv")) == 3


def test_a_ranking_as_a_table_lists_all_with_their_place(asking: TestClient):
    rows = table(asking, f"/rankings?{CHOICE}&f=csv")
    assert tuple(rows[0]) == RANK_COLUMNS
    assert {row["region"]: row["list"] for row in rows} == {
        **dict.fromkeys((KEN, UGA, TZA, ETH, SSD), "ranked"),
        RWA: "described",
        BDI: "refused",
    }
    assert [row["band"] == "" for row in rows] == [row["list"] != "ranked" for row in rows]


def test_a_comparison_as_a_table(asking: TestClient):
    rows = table(asking, f"/regions/{KEN}/compare?with={TZA},{RWA}&{CHOICE}&f=csv")
    assert tuple(rows[0]) == COMPARED_COLUMNS
    assert [(row["with"], row["verdict"], row["refused"]) for row in rows] == [
        (TZA, "different", ""),
        (RWA, "", "not_representative"),
    ]
    assert float(rows[0]["difference"]) < 0


def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(asking: TestClient):
    (row,) = table(asking, f"/regions/{UGA}/indicators?{CHOICE}&period=all&f=csv")
    assert row["licences"] == "'=cmd()"


def test_a_citation_names_release_method_datasets_and_licences(asking: TestClient):
    address = f"/regions/{UGA}/indicators?{CHOICE}&period=all"
    release = answer(asking, address)["release"]
    text = asking.get(f"{address}&f=bibtex")
    assert text.headers["content-type"].startswith("application/x-bibtex")
    assert f"version = {{release {release}}}" in text.text
    assert r"Nakato, A. \& Co\_2026. Licence: =cmd()" in text.text
    assert "SOC content 0–30 cm, Uganda, all years" in text.text
    (item,) = answer(asking, f"{address}&f=csl")
    assert f"as_of={release}" in item["URL"]
    assert "Method version 1" in item["note"]
    assert item["author"] == [{"literal": "Soil Health Observatory"}]
    record = answer(asking, f"{address}&f=datacite")
    assert record["relatedIdentifiers"] == [
        {"relatedIdentifier": "10.1234/test", "relatedIdentifierType": "DOI", "relationType": "IsDerivedFrom"}
    ]
    assert record["rightsList"][0]["rights"] == "=cmd()"
    assert record["version"] == f"release {release}"
    lasting = answer(asking, record["url"].removeprefix("http://testserver"))
    assert lasting["estimates"] == answer(asking, address)["estimates"]


def test_a_dataset_that_does_not_say_how_is_cited_by_owners_and_title(asking: TestClient):
    (item,) = answer(asking, f"/regions/{TZA}/series?{CHOICE}&f=csl")
    assert "Tester: A set made for a test. Licence: CC-BY-4.0" in item["note"]


def test_a_citation_is_of_one_figure(asking: TestClient):
    several = asking.get(f"/regions/{KEN}/indicators?{CHOICE}&f=bibtex")
    assert several.status_code == 400
    assert several.json()["errors"][0]["parameter"] == "depth"
    none = asking.get(f"/regions/country-BRA/indicators?{CHOICE}&f=csl")
    assert none.status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        f"/regions/{KEN}/indicators?{CHOICE}",
        f"/regions/{KEN}/series?{CHOICE}",
        f"/rankings?{CHOICE}",
        f"/regions/{KEN}/compare?with={UGA}&{CHOICE}",
    ],
)
def test_every_link_of_an_answer_leads_to_an_answer(asking: TestClient, address: str):
    links = answer(asking, address)["links"]
    assert {"self", "memento", "alternate"} <= {found["rel"] for found in links}
    for found in links:
        reached = asking.get(found["href"].removeprefix("http://testserver"))
        assert reached.status_code == 200, found
        assert reached.headers["content-type"].startswith(found["type"])


# --- What is refused


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        (f"/regions/{KEN}/series", "indicator"),
        (f"/regions/{KEN}/series?indicator=ph", "indicator"),
        (f"/regions/{KEN}/series?{CHOICE}&depth=0-20", "depth"),
        (f"/regions/{KEN}/series?{CHOICE}&depth=30-0", "depth"),
        (f"/regions/{KEN}/series?{CHOICE}&period=all", "period"),
        (f"/regions/{KEN}/series?{CHOICE}&f=xml", "f"),
        (f"/regions/{KEN}/series?{CHOICE}&f=geojson", "f"),
        ("/rankings", "indicator"),
        ("/rankings?indicator=", "indicator"),
        (f"/rankings?{CHOICE}&kind=planet", "kind"),
        (f"/rankings?{CHOICE}&kind=%00", "kind"),
        (f"/rankings?{CHOICE}&period=1066/1075", "period"),
        (f"/rankings?{CHOICE}&period=2019/2010", "period"),
        (f"/rankings?{CHOICE}&period=%00", "period"),
        (f"/rankings?{CHOICE}&synthetic=some", "synthetic"),
        (f"/regions/{KEN}/indicators?period=2019/2010", "period"),
        (f"/regions/{KEN}/indicators?depth=0-100", "depth"),
        (f"/regions/{KEN}/compare?{CHOICE}", "with"),
        (f"/regions/{KEN}/compare?{CHOICE}&with=", "with"),
        (f"/regions/{KEN}/compare?{CHOICE}&with={UGA},", "with"),
        (f"/regions/{KEN}/compare?{CHOICE}&with={UGA},{UGA}", "with"),
        (f"/regions/{KEN}/compare?{CHOICE}&with={KEN}", "with"),
        (f"/regions/{KEN}/compare?{CHOICE}&with=country-XXX", "with"),
        (f"/regions/{KEN}/compare?{CHOICE}&with=%00", "with"),
        (f"/regions/{KEN}/compare?{CHOICE}&with=" + ",".join(f"r{i}" for i in range(21)), "with"),
        (f"/regions/{KEN}/compare?with={UGA}", "indicator"),
        (f"/regions/{KEN}/explain", "indicator"),
        (f"/regions/{KEN}/explain?{CHOICE}&f=csv", "f"),
        (f"/regions/{KEN}/explain?{CHOICE}&period=2019/2010", "period"),
    ],
)
def test_what_is_unknown_or_malformed_is_named(asking: TestClient, address: str, parameter: str):
    found = asking.get(address)
    assert found.status_code == 400, found.text
    assert found.json()["errors"][0]["parameter"] == parameter


@pytest.mark.parametrize("question", ["indicators", "series", "compare", "explain"])
@pytest.mark.parametrize("region", ["country-XXX", "%00", "é%20%22"])
def test_an_unknown_region_is_not_found(asking: TestClient, question: str, region: str):
    more = f"&with={KEN}" if question == "compare" else ""
    assert asking.get(f"/regions/{region}/{question}?{CHOICE}{more}").status_code == 404


@pytest.mark.parametrize(
    "address", [f"/regions/{KEN}/series?{CHOICE}", f"/rankings?{CHOICE}", f"/regions/{KEN}/compare?with={UGA}&{CHOICE}"]
)
def test_an_answer_that_did_not_change_is_not_sent_again(asking: TestClient, address: str):
    first = asking.get(address)
    again = asking.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)
