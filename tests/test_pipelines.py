"""From a file to a country's figure, held to an independent computation with pandas from the raw file."""

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from scipy import stats
from sqlalchemy import Connection, Engine, text

from app import pipelines
from app.db import estimates, releases
from app.db.session import Database
from app.errors import InputRefused
from app.ingest.mapping import load_mapping
from tests.builders import Site, store
from tests.conftest import SAMPLES, SHARED

TODAY = dt.date(2026, 1, 1)
LIMIT = 100_000_000


@pytest.fixture(scope="module")
def engine(database: Database) -> Iterator[Engine]:
    """A database of its own with the reference data."""
    owner = database.owner_engine()
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE pipelines"))
    owner.dispose()
    own = Database(**{role: getattr(database, role).set(database="pipelines") for role in ("owner", "worker", "web")})
    from app.db import migrations

    owner = own.owner_engine()
    migrations.upgrade(owner)
    owner.dispose()
    here = own.worker_engine()
    with here.begin() as connection:
        pipelines.load_reference(connection, SAMPLES)
    yield here
    here.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as here:
        yield here
        here.rollback()


def run(connection: Connection, path: Path, mapping: str, **options: Any) -> pipelines.Imported:
    found = pipelines.import_file(connection, path, load_mapping(mapping), max_bytes=LIMIT, today=TODAY, **options)
    assert found.dataset is not None
    pipelines.publish_dataset(connection, found.dataset)
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
    return {"n": n, "mean": values.mean(), "sd": values.std(ddof=1), "lower": values.mean() - half, "upper": values.mean() + half}


# --- A country's figure, again with pandas --------------------------------------------------------------------------


def test_synthetic_country_figure_equals_pandas_from_the_raw_file(connection: Connection):
    run(connection, SAMPLES / "synthetic_soil.csv", "standard", synthetic=True)
    raw = pd.read_csv(SAMPLES / "synthetic_soil.csv", keep_default_na=False, na_values=[""])
    raw = raw[raw["country_code"] == "FR"]
    length = overlap(raw, "top_cm", "bottom_cm")
    stones = raw["coarse_fragments_pct"] / 100
    whole = raw["bulk_density_type"] == "whole"
    mass = raw["bulk_density_g_cm3"] * (1 - stones)  # by volume from fine earth, by mass from whole soil: both exact
    assert set(raw[whole]["coarse_fragments_basis"]) <= {"mass"}
    raw = raw.assign(part=0.1 * raw["soc"] * mass * length, length=length, needed=length > 0)
    profiles = raw[raw["needed"]].groupby(["site_id", "sampling_date", "profile_id"]).agg(
        stock=("part", lambda p: p.sum(skipna=False)), covered=("length", "sum"))
    complete = profiles[(profiles["covered"] == 30) & profiles["stock"].notna()].reset_index()
    last = complete[complete["sampling_date"] == complete.groupby("site_id")["sampling_date"].transform("max")]
    expected = of_sites(last.groupby("site_id")["stock"].mean())
    found = estimate(connection, "country-FRA")
    limited = connection.scalar(
        text("SELECT count(*) FROM core.derived d JOIN core.visit v ON v.id = d.visit_id JOIN core.site s ON s.id = v.site_id "
             "WHERE s.own_id LIKE 'SYN-FRA%' AND d.quantity = 'soc_stock' AND d.depth_status IN ('stretched', 'limited_by_rock')"))
    assert limited == 0, "the pandas version knows complete profiles only"
    assert found.n_sites == expected["n"] >= 10
    for name, key in (("value", "mean"), ("sd", "sd"), ("lower", "lower"), ("upper", "upper")):
        assert getattr(found, name) == pytest.approx(expected[key], rel=1e-12), name
    assert found.representative
    assert found.synthetic == "all"


@pytest.mark.skipif(SHARED is None, reason="the public datasets are not here")
def test_brazil_from_febr_equals_pandas_from_the_raw_files(connection: Connection):
    assert SHARED is not None
    folder = SHARED / "data" / "febr-brazil"
    run(connection, folder, "febr")
    read = {"sep": ";", "decimal": ",", "na_values": ["NA"], "keep_default_na": False}
    layers = pd.read_csv(folder / "febr-camada.txt", **read)
    key = ["dataset_id", "observacao_id"]
    # The sites that were stored, by id; which of them lie in Brazil is the database's geometry to say.
    sites = pd.DataFrame(
        connection.execute(
            text("SELECT s.own_id FROM core.site s JOIN core.site_region r ON r.site_id = s.id WHERE r.region_id = 'country-BRA'")
        ).all(), columns=["own_id"])
    layers["own_id"] = layers["dataset_id"] + ":" + layers["observacao_id"].astype(str)
    separator = sites["own_id"].iloc[0].removeprefix(sites["own_id"].iloc[0].split(layers["observacao_id"].iloc[0])[0])
    assert separator
    layers = layers.merge(sites, on="own_id")
    assert len(layers) > 10_000
    layers = layers[(layers["profund_inf"] > layers["profund_sup"])]
    length = overlap(layers, "profund_sup", "profund_inf")
    mass = layers["dsi"] * layers["terrafina"] / 1000
    layers = layers.assign(part=0.1 * layers["carbono"] * mass * length, length=length)
    inside = layers[layers["length"] > 0].drop_duplicates([*key, "profund_sup", "profund_inf"])
    profiles = inside.groupby("own_id").agg(stock=("part", lambda p: p.sum(skipna=False)), covered=("length", "sum"))
    expected = of_sites(profiles[(profiles["covered"] == 30) & profiles["stock"].notna()]["stock"])
    found = estimate(connection, "country-BRA")
    assert found.n_sites == expected["n"] > 100
    assert found.value == pytest.approx(expected["mean"], rel=1e-9)
    assert found.sd == pytest.approx(expected["sd"], rel=1e-9)
    assert found.lower == pytest.approx(expected["lower"], rel=1e-9)
    assert not found.representative
