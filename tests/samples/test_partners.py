"""Partners, agreements, objectives and statistics say what the fact sheet of the Initiative says, no more and no less."""

import csv
import json
from datetime import date
from pathlib import Path

import pytest

from tests.conftest import SHARED

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


PARTNERS = rows(SAMPLES / "partners.csv")
AGREEMENTS = rows(SAMPLES / "agreements.csv")
STATISTICS = rows(SAMPLES / "network_statistics.csv")
COUNTRIES = {
    feature["properties"]["iso_a3"]: feature["properties"]
    for feature in json.loads((SAMPLES / "countries.geojson").read_text(encoding="utf-8"))["features"]
}
COLLEGES = {row["college"] for row in STATISTICS if row["dimension"] == "college"}


def facts(name: str) -> list[dict[str, str]]:
    if SHARED is None or not (SHARED / "4p1000").is_dir():
        pytest.skip("the fact sheet of the Initiative is not here")
    return rows(SHARED / "4p1000" / name)


def test_partners_are_named_as_in_the_fact_sheet():
    kept = {
        "name": "name",
        "country_iso3": "country_iso3",
        "college": "college",
        "agreement": "agreement_as_stated",
        "agreement_date": "agreement_date_as_stated",
        "place": "place",
        "latitude": "latitude",
        "longitude": "longitude",
        "location_precision": "location_precision",
        "source": "source",
    }
    assert [{ours: row[theirs] for theirs, ours in kept.items()} for row in facts("partners-named.csv")] == [
        {ours: row[ours] for ours in kept.values()} for row in PARTNERS
    ]


def test_objectives_are_those_of_the_strategic_plan():
    ours = rows(SAMPLES / "objectives.csv")
    assert ours == facts("strategic-objectives.csv")


def test_statistics_are_those_of_the_brochure():
    region = {r["region"]: r["partners_total"] for r in facts("network-stats-by-region.csv")}
    college = {r["college"]: (r["forum_total"], r["consortium_total"]) for r in facts("network-stats-by-college.csv")}
    group = {(r["college"], r["group"]): (r["forum"], r["consortium"]) for r in facts("network-stats-by-group.csv")}
    assert {r["region"]: r["forum"] for r in STATISTICS if r["dimension"] == "region"} == region
    assert {r["college"]: (r["forum"], r["consortium"]) for r in STATISTICS if r["dimension"] == "college"} == college
    assert {
        (r["college"], r["group"]): (r["forum"], r["consortium"]) for r in STATISTICS if r["dimension"] == "group"
    } == group


def test_regions_and_colleges_both_sum_to_858_partners():
    regions = sum(int(r["forum"]) for r in STATISTICS if r["dimension"] == "region")
    colleges = sum(
        int(r["forum"]) for r in STATISTICS if r["dimension"] == "college" and r["college"] != "funding_bodies"
    )
    assert (regions, colleges) == (858, 858)


@pytest.mark.parametrize("tier", ["forum", "consortium"])
def test_groups_sum_to_their_college(tier: str):
    totals = {r["college"]: int(r[tier] or 0) for r in STATISTICS if r["dimension"] == "college"}
    sums = dict.fromkeys(totals, 0)
    for row in STATISTICS:
        if row["dimension"] == "group":
            sums[row["college"]] += int(row[tier] or 0)
    assert {college: sums[college] for college in totals} == totals


def test_partner_names_are_unique_and_colleges_known():
    assert len({row["name"] for row in PARTNERS}) == len(PARTNERS) == 45
    assert {row["college"] for row in PARTNERS} < COLLEGES


def test_country_codes_and_region_follow_the_country():
    for row in PARTNERS:
        country = COUNTRIES.get(row["country_iso3"]) if row["country_iso3"] else None
        expected = (country["iso_a2"], country["initiative_region"]) if country else ("", "")
        assert (row["country_iso2"], row["initiative_region"]) == expected, row["name"]


def test_only_partners_stated_as_members_are_in_the_consortium():
    members = {row["name"] for row in PARTNERS if "consortium" in row["tiers"].split(";")}
    assert members == {row["name"] for row in PARTNERS if row["agreement_as_stated"] == "Consortium member"}
    assert len(members) == 3
    assert all("forum" in row["tiers"].split(";") for row in PARTNERS)
    assert "companies" not in {row["college"] for row in PARTNERS if row["name"] in members}


def test_position_and_its_precision_come_together():
    for row in PARTNERS:
        given = bool(row["longitude"]), bool(row["latitude"]), bool(row["location_precision"])
        assert given in {(True,) * 3, (False,) * 3}, row["name"]
        assert row["location_precision"] in {"city", "country", ""}, row["name"]
        assert bool(row["place"]) == (row["location_precision"] == "city"), row["name"]


def test_every_agreement_belongs_to_a_partner_whose_words_name_it():
    stated = {row["name"]: row["agreement_as_stated"] for row in PARTNERS}
    for row in AGREEMENTS:
        words = stated[row["organisation"]].replace("agreements", "agreement")
        assert row["kind"] in words, row


def test_every_partner_without_agreement_only_states_a_role():
    without = {row["agreement_as_stated"] for row in PARTNERS} - {
        row["agreement_as_stated"]
        for row in PARTNERS
        if any(agreement["organisation"] == row["name"] for agreement in AGREEMENTS)
    }
    assert without == {
        "civil society partner",
        "producers' organisation",
        "company partner",
        "Consortium member",
        "Forum partner",
        "joined by April 2025",
    }


def test_agreement_dates_are_dates_with_their_precision():
    for row in AGREEMENTS:
        assert (row["starts_on_precision"] == "unknown") == (row["starts_on"] == ""), row
        if row["starts_on_precision"] == "year":
            assert row["starts_on"].endswith("-01-01"), row
        if row["starts_on"] and row["ends_on"]:
            assert date.fromisoformat(row["starts_on"]) < date.fromisoformat(row["ends_on"]), row


@pytest.mark.parametrize(
    ("organisation", "expected"),
    [
        ("GIZ", [("2021-12-01", "2023-03-31")]),
        ("IRD", [("2020-01-01", ""), ("2022-01-01", "")]),
        ("AFRIS African Innovation Services", [("2021-09-01", "2024-08-31"), ("2024-01-01", "")]),
        ("IT2", [("2019-06-20", "2020-06-19")]),
    ],
)
def test_several_agreements_of_one_organisation_are_rows_of_their_own(
    organisation: str, expected: list[tuple[str, str]]
):
    found = [(row["starts_on"], row["ends_on"]) for row in AGREEMENTS if row["organisation"] == organisation]
    assert found == expected
