"""Legacy positions: what is vague is found, flagged and given its uncertainty; what is exact is left alone."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from app.geo.middles import MIDDLES, near_middles
from app.geo.placing import countries
from app.ingest.checks.entries import date_after_upload
from app.ingest.draft import Draft, Place
from app.ingest.mapping import mapping_from_json, mapping_to_json
from app.ingest.read import Ingested
from app.ingest.report import Notebook
from tests.conftest import SAMPLES
from tests.ingest.builders import ingested, issue, mapped, mapping_of, refused, row


def sites(folder: Path, *positions: tuple[Any, Any], **cells: Any) -> Ingested:
    rows = [
        row(site_id=f"S{i}", profile_id=f"P{i}", longitude=str(x), latitude=str(y), **cells)
        for i, (x, y) in enumerate(positions)
    ]
    return ingested(folder, *rows)


@pytest.mark.parametrize(
    ("longitude", "latitude", "metres"),
    [
        ("36.7500", "-1.2833", 1855),  # 36 45', 1 17'
        ("36.7500", "-1.2500", 9277),  # both are multiples of 5'
        ("36.750012", "-1.2833", None),  # a seventh part of a second too far east
        ("36.7512", "-1.2833", None),
        ("36.750", "-1.283", None),  # with three decimals chance explains it
    ],
)
def test_whole_minutes_are_no_exact_position(tmp_path: Path, longitude: str, latitude: str, metres: float | None):
    found = sites(tmp_path, (longitude, latitude))
    flags, uncertainty = found.sites.select("flags", "coord_uncertainty_m").row(0)
    assert (flags == ["COORD_MINUTES"]) is (metres is not None)
    assert uncertainty == (None if metres is None else pytest.approx(metres))


def test_minutes_with_three_decimals_are_seen_where_most_are_so(tmp_path: Path):
    minutes = [(f"{36 + i / 60:.3f}", f"{-1 - (i * 7 % 60) / 60:.3f}") for i in range(1, 16)]
    found = sites(tmp_path, *minutes)
    flagged = found.sites.filter(pl.col("flags").list.contains("COORD_MINUTES")).height
    given = sum(1 for x, y in minutes if max(len(x.split(".")[1]), len(y.split(".")[1])) == 3)
    assert flagged == given


def test_larger_uncertainty_that_was_given_is_kept_without_a_flag(tmp_path: Path):
    found = sites(tmp_path, ("36.7500", "-1.2833"), coord_uncertainty_m="3000")
    assert found.sites.select("flags", "coord_uncertainty_m").row(0) == ([], 3000)


def test_middles_of_cells_are_a_lattice(tmp_path: Path):
    cells = [(f"{10.1234 + 0.25 * i:.4f}", f"{50.4321 + 0.5 * j:.4f}") for i in range(5) for j in range(4)]
    found = sites(tmp_path, *cells)
    assert found.report.counts["COORD_LATTICE"] == 20
    assert found.sites["coord_uncertainty_m"].unique().to_list() == [pytest.approx(111_320 * 0.5, rel=1e-3)]


def test_one_position_off_the_lines_is_no_lattice(tmp_path: Path):
    cells = [(f"{10.1234 + 0.25 * i:.4f}", f"{50.4321 + 0.5 * j:.4f}") for i in range(5) for j in range(4)]
    assert "COORD_LATTICE" not in sites(tmp_path, *cells, ("10.2034", "50.5321")).report.counts


def cloud(n: int) -> list[tuple[str, str]]:
    return [(f"{36.70131 + (i * 37 % 29) / 1000:.5f}", f"{-1.20173 - (i * 17 % 23) / 1000:.5f}") for i in range(n)]


def test_site_far_from_its_dataset_is_flagged(tmp_path: Path):
    found = sites(tmp_path, *cloud(24), ("36.70131", "6.90173"))
    assert issue(found, "COORD_OUTLIER").row == 26
    assert issue(found, "COORD_OUTLIER").message.startswith("902 km from the middle of the dataset")


@pytest.mark.parametrize(
    "others",
    [
        [("36.70131", "-0.70173")],  # 55 km: another valley
        [("36.70131", "6.90173")] * 3,  # a second cloud, not an outlier
    ],
)
def test_near_site_and_second_cloud_are_no_outliers(tmp_path: Path, others: list[tuple[str, str]]):
    assert "COORD_OUTLIER" not in sites(tmp_path, *cloud(24), *others).report.counts


def test_datum_that_is_not_named_is_said_once_and_survives_saving(tmp_path: Path):
    lines = "id,x,y,top,bottom,c\nA,1.00013,2.00017,0,10,5\nB,1.00113,2.00117,0,10,5\n"
    silent, named = mapping_of(), mapping_of('[position]\ncrs = "EPSG:4326"')
    assert mapped(tmp_path, silent, lines).report.counts["DATUM_NOT_STATED"] == 1
    assert "DATUM_NOT_STATED" not in mapped(tmp_path, named, lines).report.counts
    assert [mapping_from_json(mapping_to_json(m)).crs_stated for m in (silent, named)] == [False, True]


# Middles


def in_countries(folder: Path, longitude: float, latitude: float, **cells: Any) -> Ingested:
    cells = {"longitude": f"{longitude:.5f}", "latitude": f"{latitude:.5f}", **cells}
    return ingested(folder, row(**cells), locate=countries(SAMPLES / "countries.geojson").locate)


def test_middle_of_a_country_is_as_vague_as_the_country(tmp_path: Path):
    # The centroid of Brazil's boundary, by shapely from the sample file.
    found = in_countries(tmp_path, -53.09776, -10.78766, country_code="BR")
    assert issue(found, "COORD_CENTROID").message.startswith("The position lies 0 m from the centre of Brazil")
    # Half the width of a disc of 8.5 million km2.
    assert found.sites["coord_uncertainty_m"][0] == pytest.approx(1.64e6, rel=0.01)
    assert refused(found) == {}


def test_two_kilometres_from_the_middle_is_a_place_of_its_own(tmp_path: Path):
    found = in_countries(tmp_path, -53.09776, -10.76966, country_code="BR")
    assert found.sites.select("flags", "coord_uncertainty_m").row(0) == ([], None)


def test_small_countries_have_sites_in_their_middle_and_towns_are_middles():
    middles = pl.DataFrame(
        [("Smallness", "centre", 10.0, 45.0, 5_000.0), ("Paris", "town", 2.352, 48.857, 5_000.0)],
        schema=MIDDLES,
        orient="row",
    )
    found = near_middles(pl.DataFrame({"longitude": [10.0, 2.353, 2.4], "latitude": [45.0, 48.857, 48.857]}), middles)
    assert found["place"].to_list() == [None, "Paris", None]
    assert found["middle_distance_m"][1] == pytest.approx(73, abs=1)


def test_middle_across_the_antimeridian_is_near():
    middles = pl.DataFrame([("Fiji", "centre", 179.999, -17.0, 50_000.0)], schema=MIDDLES, orient="row")
    found = near_middles(pl.DataFrame({"longitude": [-179.999], "latitude": [-17.0]}), middles)
    assert found["middle_distance_m"][0] == pytest.approx(213, abs=2)


def test_sample_younger_than_its_file_is_refused_though_the_check_is_later():
    draft = Draft(mapping_of(), Notebook(), dt.date(2026, 1, 1), None, dt.date(2024, 5, 2))
    entries = pl.DataFrame(
        {
            "row": [2, 3, 4],
            "sampled_from": [dt.date(2024, 5, 2), dt.date(2024, 5, 3), dt.date(2027, 1, 1)],
            "date_text": ["2024-05-02", "2024-05-03", "2027"],
        }
    )
    draft.add("entries", entries, Place(file="a.csv", sheet=None))
    (found,) = date_after_upload(draft)
    assert (found.code, found.where["i"].to_list()) == ("DATE_AFTER_UPLOAD", [1])
