"""Stored data meet today's rules, and profiles of other datasets: flags change, values and rows never."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from app.db import duplicates, rechecks, session
from app.db.session import Database
from app.errors import InputRefused, NotFound
from app.ingest.mapping import load_mapping
from app.pipelines import comparing, importing, publishing, rechecking
from tests.builders import Site, store
from tests.conftest import SHARED

TODAY = dt.date(2026, 11, 23)


@pytest.fixture(scope="module")
def engine(another: Callable[[str], Database]) -> Iterator[Engine]:
    with session.disposing(another("rechecking").worker_engine()) as here:
        yield here


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as here:
        yield here
        here.rollback()


def profile(key: str = "a", **changes: Any) -> Site:
    return Site(**{"key": key, "lon": 37.12345, "lat": 0.54321, "region": "country-KEN", "soc": (18.4, 9.2), **changes})


def flags(connection: Connection, dataset: UUID) -> list[list[str]]:
    statement = text(
        "SELECT l.flags FROM core.site s JOIN core.visit v ON v.site_id = s.id JOIN core.layer l ON l.visit_id = v.id "
        "WHERE s.dataset_id = :d ORDER BY s.own_id, l.top_cm"
    )
    return [list(found) for found in connection.scalars(statement, {"d": dataset})]


def candidates(connection: Connection) -> list[Any]:
    return list(connection.execute(text("SELECT * FROM core.duplicate_candidate")))


# Duplicates across datasets


def test_same_profile_in_two_datasets_waits_for_a_person_and_nothing_is_merged(connection: Connection):
    first = store(connection, "national", [profile()])
    second = store(connection, "world", [profile("w1")])
    assert rechecking.find_duplicates(connection, second) == 1
    (found,) = candidates(connection)
    assert (found.state, found.distance_m, found.shared_values) == ("open", 0, 4)
    assert {found.first_dataset_id, found.second_dataset_id} == {first, second}
    assert flags(connection, first) == flags(connection, second) == [["POSSIBLE_DUPLICATE"]] * 2
    assert rechecking.find_duplicates(connection, second) == 0, "found once"
    assert (
        connection.scalar(
            text("SELECT count(*) FROM core.site WHERE dataset_id IN (:a, :b)"), {"a": first, "b": second}
        )
        == 2
    )


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"lon": 37.12345 + 45 / 111_320}, 1),  # 45 m
        ({"lon": 37.12345 + 55 / 111_320}, 0),  # 55 m
        ({"year": None}, 1),
        ({"year": 2016}, 0),
        ({"soc": (18.45, 9.2)}, 1),  # rounded on the way
        ({"soc": (19.4, 10.2), "density": 1.1}, 0),
        ({"thickness": 20.0}, 0),  # other depths
    ],
)
def test_place_date_and_values_must_agree(connection: Connection, changes: dict[str, Any], found: int):
    store(connection, "national", [profile()])
    assert rechecking.find_duplicates(connection, store(connection, "world", [profile("w1", **changes)])) == found


def test_zeros_agree_without_being_the_same(connection: Connection):
    store(connection, "national", [profile(soc=(18.4,), year=None)])
    other = store(connection, "world", [profile("w1", soc=(25.0,), density=1.3, year=None)])
    assert rechecking.find_duplicates(connection, other) == 0


@pytest.mark.parametrize(
    "terms",
    [
        {"location_precision": "10km"},
        {"licence_class": "aggregate_only"},
        {"state": "draft"},
        {"embargo_until": dt.date(2099, 1, 1)},
    ],
)
def test_flag_betrays_no_position_that_is_not_published(connection: Connection, terms: dict[str, Any]):
    hidden = store(connection, "hidden", [profile()], **terms)
    seen = store(connection, "seen", [profile("w1")])
    assert rechecking.find_duplicates(connection, seen) == 1, "reviewers of both may see it"
    assert flags(connection, hidden) == flags(connection, seen) == [[], []]


def test_profiles_that_a_person_told_apart_lose_the_flag_and_are_not_asked_about_again(connection: Connection):
    first = store(connection, "national", [profile()])
    second = store(connection, "world", [profile("w1")])
    rechecking.find_duplicates(connection, second)
    (found,) = candidates(connection)
    duplicates.decide(connection, found.id, state="different", note="two pits of one trench", account=None)
    assert comparing.settle_duplicates(connection, first) == comparing.settle_duplicates(connection, second) == 2
    assert rechecking.find_duplicates(connection, second) == 0
    assert flags(connection, first) == flags(connection, second) == [[], []]


@pytest.mark.skipif(SHARED is None, reason="the public data sets are not here")
def test_a_national_collection_under_two_names_is_found_profile_by_profile(connection: Connection):
    path = (SHARED or Path()) / "data" / "febr-brazil"
    stored = [
        importing.import_file(connection, path, load_mapping("febr"), max_bytes=10**9, today=TODAY, slug=slug).dataset
        for slug in ("febr-one", "febr-two")
    ]
    # Profiles that can be told: exact values other than zeros and assumed ones, two of them or a date.
    wanted = connection.scalar(
        text(
            "SELECT count(*) FROM (SELECT v.id FROM core.site s JOIN core.visit v ON v.site_id = s.id "
            "JOIN core.result r ON r.visit_id = v.id AND r.status <> 'assumed' AND r.value <> 0 AND r.qualifier = '=' "
            "WHERE s.dataset_id = :d GROUP BY v.id HAVING count(*) > 1 OR bool_and(v.sampled_from IS NOT NULL)) told"
        ),
        {"d": stored[0]},
    )
    paired = connection.scalar(
        text("SELECT count(*) FROM core.duplicate_candidate WHERE first_profile = second_profile AND distance_m < 1")
    )
    assert wanted > 1_500
    assert paired == wanted


# Rules over stored data


def test_what_was_just_imported_is_found_as_it_was(connection: Connection, tmp_path: Path):
    lines = [
        "site_id,profile_id,longitude,latitude,sampling_date,top_cm,bottom_cm,soc,soc_unit,soc_method,ph,ph_method,licence",
        "A,1,36.7500,-1.2833,2019-03-14,0,10,12,g/kg,OrgC_dc-ht,10.8,pHH2O_ratio1-5,CC-BY-4.0",
        "A,1,36.7500,-1.2833,2019-03-14,20,30,30,g/kg,OrgC_dc-spec,,,CC-BY-4.0",
        "B,1,36.71,-1.29,2019-03-14,5,30,<0.5,g/kg,combustion,,,CC-BY-4.0",
    ]
    path = tmp_path / "soil.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    importing.import_file(connection, path, load_mapping(), max_bytes=10**6, today=TODAY, slug="own")
    found = rechecking.recheck(connection, "own", today=TODAY)
    assert (found.added, found.removed, found.changed) == ({}, {}, 0)
    assert {
        "COORD_MINUTES",
        "LAYER_GAP",
        "SOC_RISES_WITH_DEPTH",
        "METHOD_UNKNOWN",
        "VALUE_UNUSUAL",
    } <= found.counts.keys()


def test_value_that_is_impossible_today_is_flagged_and_listed_and_kept(connection: Connection):
    dataset = store(connection, "old", [profile(soc=(18.4, 700.0))])
    found = rechecking.recheck(connection, "old", today=TODAY)
    assert found.added["VALUE_IMPOSSIBLE"] == 1
    kept = connection.execute(
        text("SELECT value, flags FROM core.result WHERE property = 'soc' ORDER BY value DESC")
    ).first()
    assert kept is not None
    assert (kept.value, "VALUE_IMPOSSIBLE" in kept.flags) == (700, True)
    (run,) = rechecks.runs(connection, dataset, 5)
    assert run.counts["impossible"] == [
        {"code": "VALUE_IMPOSSIBLE", "row": 3, "column": "soc", "message": "700 g/kg is outside 0 to 580."}
    ]
    assert run.rules_version == "2"


def test_flags_that_no_rule_finds_any_more_go_and_those_of_reading_stay(connection: Connection):
    dataset = store(connection, "old", [profile(flags=["COORD_ROUNDED", "COORD_SIGN_RESTORED"])])
    found = rechecking.recheck(connection, "old", today=TODAY)
    assert found.removed == {"COORD_ROUNDED": 1}
    kept = connection.scalar(text("SELECT flags FROM core.site WHERE dataset_id = :d"), {"d": dataset})
    assert kept == ["COORD_SIGN_RESTORED"]


def test_dismissed_flag_stays_dismissed_until_it_is_restored(connection: Connection):
    dataset = store(connection, "old", [profile(soc=(9.0, 30.0))])
    assert rechecking.recheck(connection, "old", today=TODAY).added["SOC_RISES_WITH_DEPTH"] == 1
    (record,) = connection.execute(
        text("SELECT layer_id || '/' || place FROM core.result WHERE 'SOC_RISES_WITH_DEPTH' = ANY (flags)")
    ).scalars()

    def decide(*, dismissed: bool) -> None:
        rechecks.decide(
            connection,
            dataset=dataset,
            kind="result",
            record=record,
            code="SOC_RISES_WITH_DEPTH",
            dismissed=dismissed,
            note="a buried horizon",
            account=None,
        )
        assert comparing.settle_flag(connection, dataset, "result", record, "SOC_RISES_WITH_DEPTH")

    def flagged() -> int:
        return int(
            connection.scalar(text("SELECT count(*) FROM core.result WHERE 'SOC_RISES_WITH_DEPTH' = ANY (flags)")) or 0
        )

    decide(dismissed=True)
    assert flagged() == 0
    assert rechecking.recheck(connection, "old", today=TODAY).added == {}
    assert flagged() == 0
    decide(dismissed=False)
    assert flagged() == 1
    assert rechecking.recheck(connection, "old", today=TODAY).changed == 0


def test_publication_is_asked_for_only_where_flags_changed(connection: Connection):
    def asked() -> int:
        return int(
            connection.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'publish_dataset'")) or 0
        )

    store(connection, "old", [profile(soc=(9.0, 30.0))])
    before = asked()
    rechecking.recheck(connection, "old", today=TODAY)
    assert asked() == before + 1
    rechecking.recheck(connection, "old", today=TODAY)
    assert asked() == before + 1


def test_carbon_far_from_published_values_nearby_is_flagged_when_it_is_stored(connection: Connection):
    sites = [profile(f"n{i}", lon=37.1 + i / 200, soc=(12.0 + i % 5,), thickness=20.0) for i in range(15)]
    publishing.publish_dataset(connection, store(connection, "published", sites))
    mine = store(
        connection,
        "mine",
        [profile("m1", lon=37.31, soc=(160.0,), thickness=20.0), profile("m2", lon=37.33, soc=(14.5,), thickness=20.0)],
    )
    assert comparing.find_outliers(connection, mine) == 1
    assert comparing.find_outliers(connection, mine) == 0, "flagged once"
    invented = store(connection, "invented", [profile("i1", lon=37.31, soc=(160.0,), thickness=20.0)], synthetic=True)
    assert comparing.find_outliers(connection, invented) == 0, "invented values have no measured peers"


def test_dataset_that_is_not_there_or_holds_nothing_is_refused_by_name(connection: Connection):
    with pytest.raises(NotFound, match="'nowhere'"):
        rechecking.recheck(connection, "nowhere", today=TODAY)
    store(connection, "emptied", [profile()])
    publishing.withdraw_dataset(connection, "emptied", forget=True)
    with pytest.raises(InputRefused, match="'emptied' holds no observations"):
        rechecking.recheck(connection, "emptied", today=TODAY)
