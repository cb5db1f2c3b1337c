"""From a file to a country's figure, held to an independent computation with pandas from the raw file."""

import dataclasses
import datetime as dt
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats
from sqlalchemy import Connection, Engine, text

from app import cli
from app.db import datasets, estimates, releases, session
from app.db.session import Database
from app.errors import InputRefused
from app.ingest.mapping import MappingFile, load_mapping
from app.pipelines import deriving, estimating, importing, publishing
from tests.builders import Site, store
from tests.conftest import SAMPLES, SHARED

TODAY = dt.date(2026, 1, 1)
LIMIT = 100_000_000


@pytest.fixture(scope="module")
def engine(another: Callable[[str], Database]) -> Iterator[Engine]:
    with session.disposing(another("pipelines").worker_engine()) as here:
        yield here


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as here:
        yield here
        here.rollback()


def run(connection: Connection, path: Path, mapping: MappingFile, **options: Any) -> importing.Imported:
    found = importing.import_file(connection, path, mapping, max_bytes=LIMIT, today=TODAY, **options)
    assert found.dataset is not None
    publishing.publish_dataset(connection, found.dataset)
    return found


def estimate(connection: Connection, region: str, indicator: str = "soc_stock", period: str = "all") -> Any:
    (row,) = estimates.of_region(connection, region, indicator=indicator, period=period)
    return row


def overlap(frame: pd.DataFrame, top: str, bottom: str, depth: float = 30) -> pd.Series:
    return (frame[bottom].clip(upper=depth) - frame[top].clip(lower=0)).clip(lower=0)


def of_sites(values: pd.Series) -> dict[str, float]:
    n = len(values)
    se = values.std(ddof=1) / math.sqrt(n)
    half = stats.t.ppf(0.975, n - 1) * se
    return {
        "n": n,
        "mean": values.mean(),
        "sd": values.std(ddof=1),
        "lower": values.mean() - half,
        "upper": values.mean() + half,
    }


# --- A country's figure, again with pandas --------------------------------------------------------------------------


def test_synthetic_country_figure_equals_pandas_from_the_raw_file(connection: Connection):
    run(connection, SAMPLES / "synthetic_soil.csv", dataclasses.replace(load_mapping(), dataset=cli._synthetic()))
    raw = pd.read_csv(SAMPLES / "synthetic_soil.csv", keep_default_na=False, na_values=[""])
    raw = raw[raw["country_code"] == "FR"]
    length = overlap(raw, "top_cm", "bottom_cm")
    stones = raw["coarse_fragments_pct"] / 100
    whole = raw["bulk_density_type"] == "whole"
    mass = raw["bulk_density_g_cm3"] * (1 - stones)  # by volume from fine earth, by mass from whole soil: both exact
    assert set(raw[whole]["coarse_fragments_basis"]) <= {"mass"}
    raw = raw.assign(part=0.1 * raw["soc"] * mass * length, length=length)
    profiles = (
        raw[length > 0]
        .groupby(["site_id", "sampling_date", "profile_id"])
        .agg(
            stock=("part", lambda p: p.sum(skipna=False)), covered=("length", "sum"), rock=("bedrock_depth_cm", "first")
        )
    )
    to_rock = profiles["covered"] >= profiles["rock"].fillna(30).clip(upper=30)
    complete = profiles[to_rock & profiles["stock"].notna()].reset_index()
    last = complete[complete["sampling_date"] == complete.groupby("site_id")["sampling_date"].transform("max")]
    expected = of_sites(last.groupby("site_id")["stock"].mean())
    found = estimate(connection, "country-FRA")
    assert found.n_sites == expected["n"] >= 10
    for name, key in (("value", "mean"), ("sd", "sd"), ("lower", "lower"), ("upper", "upper")):
        assert getattr(found, name) == pytest.approx(expected[key], rel=1e-12), name
    assert found.representative
    assert found.synthetic == "all"


@pytest.mark.skipif(SHARED is None, reason="the public datasets are not here")
def test_brazil_from_febr_equals_pandas_from_the_raw_files(connection: Connection):
    assert SHARED is not None
    folder = SHARED / "data" / "febr-brazil"
    run(connection, folder, load_mapping("febr"))
    layers = pd.read_csv(folder / "febr-camada.txt", sep=";", decimal=",", na_values=["NA"], keep_default_na=False)
    key = ["dataset_id", "observacao_id"]
    # The sites that were stored, by id; which of them lie in Brazil is the database's geometry to say.
    sites = pd.DataFrame(
        connection.execute(
            text(
                "SELECT s.own_id FROM core.site s JOIN core.site_region r ON r.site_id = s.id WHERE r.region_id = 'country-BRA'"
            )
        ).all(),
        columns=["own_id"],
    )
    layers["own_id"] = layers["dataset_id"] + "/" + layers["observacao_id"].astype(str)
    layers = layers.merge(sites, on="own_id")
    assert len(layers) > 10_000
    layers = layers[(layers["profund_inf"] > layers["profund_sup"])]
    length = overlap(layers, "profund_sup", "profund_inf")
    mass = layers["dsi"] * layers["terrafina"] / 1000
    layers = layers.assign(part=0.1 * layers["carbono"] * mass * length, length=length)
    inside = layers[(layers["length"] > 0) & layers["part"].notna()]
    inside = inside[~inside.duplicated([*key, "profund_sup", "profund_inf"], keep=False)]
    # A layer that lies over another (0-2 cm over 0-31 cm in one profile) makes both worthless.
    total = layers.groupby("own_id")["length"].sum()
    inside = inside[inside["own_id"].map(total) <= 30]
    deepest = inside.sort_values("profund_inf").groupby("own_id").last()
    profiles = inside.groupby("own_id").agg(stock=("part", "sum"), covered=("length", "sum"))
    missing = 30 - profiles["covered"]
    # One centimetre may be missing: the neighbour is stretched over it.
    stretched = profiles["stock"] + missing * deepest["part"] / deepest["length"]
    expected = of_sites(stretched[(missing >= 0) & (missing <= 1)])
    found = estimate(connection, "country-BRA")
    assert found.n_sites == expected["n"] > 100
    assert found.value == pytest.approx(expected["mean"], rel=1e-9)
    assert found.sd == pytest.approx(expected["sd"], rel=1e-9)
    assert found.lower == pytest.approx(expected["lower"], rel=1e-9)
    assert not found.representative


# --- What publication does ------------------------------------------------------------------------------------------


def published(connection: Connection, slug: str, sites: list[Site], **terms: Any) -> Any:
    dataset = store(connection, slug, sites, **terms)
    deriving.derive(connection, dataset)
    return dataset, publishing.publish_dataset(connection, dataset)


def line(n: int, **more: Any) -> list[Site]:
    return [
        Site(key=f"s{i}", lon=37.0 + i / 50, lat=0.3, region="country-KEN", soc=(20.0 + i,), **more) for i in range(n)
    ]


def test_synthetic_and_measured_data_never_share_a_number(connection: Connection):
    published(connection, "invented", line(12), synthetic=True)
    assert estimate(connection, "country-KEN").synthetic == "all"
    measured = [Site(key=f"m{i}", lon=36.0, lat=0.1 + i / 9, region="country-KEN", soc=(40.0,)) for i in range(10)]
    published(connection, "measured", measured)
    found = estimate(connection, "country-KEN")
    assert (found.synthetic, found.n_sites, found.coverage["sites_in_region"]) == ("none", 10, 10)
    assert found.value == pytest.approx(0.1 * 40 * 1.3 * 30)
    assert [d["id"] for d in found.dataset_terms] == ["measured"]


def test_withdrawing_takes_points_and_figures_out_and_keeps_the_releases(connection: Connection):
    dataset, number = published(connection, "kept", line(12))
    gone = publishing.withdraw_dataset(connection, "kept")
    assert gone == number + 1
    assert estimates.of_region(connection, "country-KEN") == []
    now = connection.scalar(text("SELECT count(*) FROM pub.site WHERE released_to IS NULL"))
    then = connection.scalar(
        text(
            "SELECT count(*) FROM pub.site WHERE dataset_id = :d AND released_from <= :n AND (released_to IS NULL OR released_to > :n)"
        ),
        {"d": dataset, "n": number},
    )
    assert (now, then) == (0, 12)
    assert datasets.by_id(connection, dataset).state == "withdrawn"
    with pytest.raises(InputRefused, match="ALREADY_WITHDRAWN"):
        publishing.withdraw_dataset(connection, "kept")


def test_publication_that_waits_does_not_undo_a_withdrawal(connection: Connection):
    dataset, _ = published(connection, "kept", line(12))
    gone = publishing.withdraw_dataset(connection, "kept")
    assert publishing.publish_dataset(connection, dataset) == gone
    assert connection.scalar(text("SELECT count(*) FROM pub.site WHERE released_to IS NULL")) == 0


def test_number_that_did_not_change_keeps_its_release(connection: Connection):
    dataset, number = published(connection, "steady", line(12))
    before = estimate(connection, "country-KEN").released_from
    assert publishing.publish_dataset(connection, dataset) == number + 1
    assert estimate(connection, "country-KEN").released_from == before == number


def test_region_that_a_dataset_left_loses_its_figure(connection: Connection):
    published(connection, "moving", line(12))
    left = releases.regions_of(connection, datasets.find(connection, "moving").id)  # type: ignore[union-attr]
    connection.execute(text("UPDATE core.site_region SET region_id = 'country-UGA'"))
    publishing.publish_dataset(connection, datasets.find(connection, "moving").id, left)  # type: ignore[union-attr]
    assert estimates.of_region(connection, "country-KEN") == []
    assert estimate(connection, "country-UGA").n_sites == 12


def test_plots_of_one_experiment_are_one_unit_and_give_no_regional_mean(connection: Connection):
    published(connection, "trial", line(20, cluster="field"))
    found = estimate(connection, "country-KEN")
    assert (found.n_sites, found.n_units, found.value, found.refused) == (20, 1, None, "too_few_sites")


def test_owners_who_share_a_dataset_count_as_one_holder():
    assert estimating.holders([{"A"}, {"A", "B"}, {"B", "C"}, {"D"}]) == ["A", "A", "A", "D"]
    assert estimating.holders([{"A"}, {"B"}, {"A"}]) == ["A", "B", "A"]
    assert estimating.holders([]) == []


def test_status_is_the_state_as_last_seen(connection: Connection):
    early = line(10, year=1995)
    late = [dataclasses.replace(site, year=2015, soc=(site.soc[0] + 10,)) for site in early]
    dataset = store(connection, "revisited", early)
    for site in late:
        connection.execute(
            text(
                "WITH v AS (INSERT INTO core.visit (site_id, own_id, sampling_kind, sampled_from, sampled_to, date_precision, source_file, source_row) "
                "SELECT id, '2', 'single', '2015-06-01', '2015-06-01', 'day', 'f', 1 FROM core.site WHERE own_id = :key AND dataset_id = :d RETURNING id), "
                "r AS (SELECT p.id, x.value FROM core.procedure p JOIN core.upload u ON u.id = p.upload_id AND u.dataset_id = :d "
                "JOIN (VALUES ('soc', CAST(:soc AS float8)), ('bulk_density_fine_earth', 1.3), ('coarse_fragments_volume', 0)) AS x (property, value) USING (property)) "
                "INSERT INTO core.layer (visit_id, top_cm, bottom_cm, kind, source_file, source_row, procedures, result_values, result_texts) "
                "SELECT v.id, 0, 30, 'mineral', 'f', 1, array_agg(r.id), array_agg(r.value), array_agg(CAST('x' AS text)) FROM v, r GROUP BY v.id"
            ),
            {"key": site.key, "d": dataset, "soc": site.soc[0]},
        )
    deriving.derive(connection, dataset)
    publishing.publish_dataset(connection, dataset)
    assert estimate(connection, "country-KEN").value == pytest.approx(0.1 * 34.5 * 1.3 * 30)
    assert estimate(connection, "country-KEN", period="1990/1999").value == pytest.approx(0.1 * 24.5 * 1.3 * 30)


def test_each_release_has_a_hash_that_chains_it_to_the_one_before(connection: Connection):
    published(connection, "a", line(3))
    published(connection, "b", line(3))
    hashes = connection.scalars(text("SELECT content_hash FROM pub.release ORDER BY number")).all()
    assert len(set(hashes)) == len(hashes) >= 3


def test_refresh_computes_the_same_figures_again(connection: Connection):
    published(connection, "steady", line(12))
    before = estimate(connection, "country-KEN")
    _, changed = publishing.refresh(connection)
    assert changed == 0
    assert estimate(connection, "country-KEN").value == before.value


# --- Import ---------------------------------------------------------------------------------------------------------

ROW = "S1,P1,37.1234,0.5123,KE,2015-06-01,0,30,20,g/kg,OrgC_dc,1.3,fine_earth,0,volume,CC-BY-4.0"
HEADER = (
    "site_id,profile_id,longitude,latitude,country_code,sampling_date,top_cm,bottom_cm,soc,soc_unit,soc_method,"
    "bulk_density_g_cm3,bulk_density_type,coarse_fragments_pct,coarse_fragments_basis,licence"
)


def made(folder: Path, *rows: str, name: str = "made.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def test_file_in_our_columns_becomes_a_stock(connection: Connection, tmp_path: Path):
    run(connection, made(tmp_path, ROW), load_mapping())
    stock = connection.execute(text("SELECT value, tier FROM core.derived WHERE quantity = 'soc_stock'")).one()
    assert (stock.value, stock.tier) == (pytest.approx(78.0), "A")


def test_wet_oxidation_keeps_a_profile_out_of_the_first_tier(connection: Connection, tmp_path: Path):
    run(connection, made(tmp_path, ROW.replace("OrgC_dc", "OrgC_wc-cro3-walkleyblack")), load_mapping())
    found = connection.execute(text("SELECT tier, soc_source FROM core.derived WHERE quantity = 'soc_stock'")).one()
    assert tuple(found) == ("B", "measured_wc_assumed")


def test_wet_oxidation_with_its_factor_stated_is_known_to_be_corrected(connection: Connection, tmp_path: Path):
    path = tmp_path / "factor.csv"
    row = ROW.replace("OrgC_dc", "OrgC_wc-cro3-walkleyblack") + ",1.3"
    path.write_text(f"{HEADER},soc_correction\n{row}\n", encoding="utf-8")
    run(connection, path, load_mapping())
    found = connection.execute(text("SELECT tier, soc_source FROM core.derived WHERE quantity = 'soc_stock'")).one()
    assert tuple(found) == ("B", "measured_wc_corrected")


def test_generalised_only_licence_with_exact_positions_is_refused(connection: Connection, tmp_path: Path):
    terms = dataclasses.replace(cli._synthetic(), licence_class="display_generalised_only")
    with pytest.raises(InputRefused, match="TERMS_CONTRADICT"):
        run(connection, made(tmp_path, ROW), dataclasses.replace(load_mapping(), dataset=terms))


def test_same_file_under_stricter_terms_is_not_taken_for_done(connection: Connection, tmp_path: Path):
    path = made(tmp_path, ROW)
    exact = dataclasses.replace(load_mapping(), dataset=cli._synthetic())
    run(connection, path, exact)
    coarse = dataclasses.replace(exact, dataset=dataclasses.replace(cli._synthetic(), location_precision="10km"))
    with pytest.raises(InputRefused, match="under other terms"):
        run(connection, path, coarse)
    run(connection, path, coarse, replace=True)
    assert connection.scalars(text("SELECT location_precision FROM pub.site WHERE released_to IS NULL")).all() == [
        "10km"
    ]


def test_embargo_keeps_points_and_figures_back(connection: Connection):
    dataset = store(connection, "later", line(12), embargo_until=dt.date(2999, 1, 1))
    deriving.derive(connection, dataset)
    publishing.publish_dataset(connection, dataset)
    assert connection.scalar(text("SELECT count(*) FROM pub.site WHERE released_to IS NULL")) == 0
    assert estimates.of_region(connection, "country-KEN") == []


def test_every_stored_value_knows_its_file_row_and_reported_text(connection: Connection, tmp_path: Path):
    run(connection, made(tmp_path, ROW.replace(",20,g/kg,", ",2.0,%,")), load_mapping())
    found = connection.execute(
        text(
            "SELECT r.value, r.reported_value, r.reported_unit, r.method, r.source_column, l.source_file, l.source_row "
            "FROM core.result r JOIN core.layer l ON l.id = r.layer_id WHERE r.property = 'soc'"
        )
    ).one()
    assert tuple(found) == (20.0, "2.0", "%", "OrgC_dc", "soc", "made.csv", 2)


def test_position_in_another_country_is_refused_with_the_repair(connection: Connection, tmp_path: Path):
    swapped = ROW.replace("37.1234,0.5123", "0.5123,37.1234")
    found = run(connection, made(tmp_path, ROW, swapped.replace("S1,P1", "S2,P2")), load_mapping())
    assert found.report is not None
    (issue,) = [i for i in found.report.issues if i.code == "COORD_OTHER_COUNTRY"]
    assert (issue.row, issue.severity) == (3, "error")
    assert "longitude and latitude swapped" in issue.message
    assert found.report.ledger[0].refused == {"COORD_OTHER_COUNTRY": 1}


def test_position_in_the_sea_is_refused(connection: Connection, tmp_path: Path):
    sea = ROW.replace("S1,P1,37.1234,0.5123,KE", "S2,P2,-30.5123,-20.1234,")
    found = run(connection, made(tmp_path, ROW, sea), load_mapping())
    assert found.report is not None
    assert found.report.ledger[0].refused == {"COORD_NO_COUNTRY": 1}


def test_position_just_off_the_generalised_coast_counts_to_its_country(connection: Connection, tmp_path: Path):
    off = ROW.replace("S1,P1,37.1234,0.5123,KE", "S2,P2,39.7512,-4.0501,KE")
    found = run(connection, made(tmp_path, off), load_mapping())
    assert found.report is not None
    placed = connection.execute(text("SELECT region_id, distance_m FROM core.site_region")).one()
    assert placed.region_id == "country-KEN"
    assert 0 < placed.distance_m < 10_000
    assert found.report.counts["COORD_NEAR_BORDER"] == 1


def test_same_file_again_changes_nothing_and_another_needs_a_word(connection: Connection, tmp_path: Path):
    path = made(tmp_path, ROW)
    run(connection, path, load_mapping())
    again = importing.import_file(connection, path, load_mapping(), max_bytes=LIMIT, today=TODAY)
    assert again.report is None
    made(tmp_path, ROW.replace(",20,", ",25,"))
    with pytest.raises(InputRefused, match="--replace"):
        importing.import_file(connection, path, load_mapping(), max_bytes=LIMIT, today=TODAY)
    run(connection, path, load_mapping(), replace=True)
    assert connection.scalars(text("SELECT value FROM core.result WHERE property = 'soc'")).all() == [25.0]
    assert (
        connection.scalars(text("SELECT state FROM core.upload ORDER BY created_at, state DESC")).all().count("stored")
        == 1
    )


def test_strict_import_stores_nothing_when_a_row_is_refused(connection: Connection, tmp_path: Path):
    bad = ROW.replace("S1,P1", "S2,P2").replace(",0,30,", ",30,0,")
    found = importing.import_file(
        connection, made(tmp_path, ROW, bad), load_mapping(), max_bytes=LIMIT, today=TODAY, strict=True
    )
    assert found.dataset is None
    assert connection.scalar(text("SELECT count(*) FROM core.dataset")) == 0


def test_job_is_enqueued_with_the_data_or_not_at_all(engine: Engine, tmp_path: Path):
    waiting = text("SELECT count(*) FROM procrastinate_jobs")
    with engine.connect() as connection:
        before = connection.scalar(waiting)
        importing.import_file(connection, made(tmp_path, ROW), load_mapping(), max_bytes=LIMIT, today=TODAY)
        assert connection.scalar(waiting) == (before or 0) + 1
        connection.rollback()
        assert connection.scalar(waiting) == before


def test_import_before_the_countries_says_what_to_run(database: Database, tmp_path: Path):
    with (
        session.disposing(database.worker_engine()) as engine,
        engine.connect() as connection,
        pytest.raises(InputRefused, match="observatory seed"),
    ):
        importing.import_file(connection, made(tmp_path, ROW), load_mapping(), max_bytes=LIMIT, today=TODAY)


@pytest.mark.skipif(SHARED is None, reason="the public datasets are not here")
@pytest.mark.parametrize(
    ("path", "mapping", "rows"),
    [
        ("febr-brazil", "febr", 75 + 7300 + 21125),
        ("npctr-pedon-soc/McNicoletal-2024-NPCTR-Pedon-SOC-Database.xlsx", "npctr", 6868),
        ("rothamsted-long-term/highfield/soil_data.csv", "rothamsted-highfield", 937),
        ("rothamsted-long-term/woburn/soil_data.csv", "rothamsted-woburn", 960),
    ],
)
def test_ledger_of_a_real_set_closes_in_the_database(connection: Connection, path: str, mapping: str, rows: int):
    assert SHARED is not None
    found = importing.import_file(
        connection, SHARED / "data" / path, load_mapping(mapping), max_bytes=LIMIT, today=TODAY
    )
    assert found.report is not None
    upload = connection.execute(
        text("SELECT rows_read, rows_stored, rows_refused, rows_ignored FROM core.upload")
    ).one()
    assert upload.rows_read == rows == upload.rows_stored + upload.rows_refused + upload.rows_ignored
    layers = connection.scalar(text("SELECT count(*) FROM core.layer"))
    main = max(found.report.ledger, key=lambda part: part.rows_read)
    assert layers == main.stored
    derived = connection.execute(
        text("SELECT count(*), count(value), count(reason) FROM core.derived WHERE quantity = 'soc_stock'")
    ).one()
    visits = connection.scalar(text("SELECT count(*) FROM core.visit"))
    assert derived[0] == visits == derived[1] + derived[2]
