"""Validation over HTTP and at the command line: the rules of an upload, nothing kept, and the place of positions."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sqlalchemy import Connection, text

from app.db import session
from app.db.session import Database
from app.geo import placing
from app.ingest.mapping import load_mapping
from app.pipelines import importing, validating
from tests.test_cli import ROOT
from tests.test_pipelines import HEADER, ROW, made
from tests.uploads import BAD_ROW, CSV, MIXED, Desk, desk_on, problem


@pytest.fixture(scope="module")
def desk(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("validate")
    with desk_on(another("validate"), folder, max_validate_mb=1, validations=1, rate_limits=False) as here:
        yield here


def validate(desk: Desk, content: Any, **parameters: str) -> Any:
    return desk.client.post(
        "/validate",
        params={"filename": "made.csv", "mapping": "standard", **parameters},
        content=content,
        headers={"Content-Type": "text/csv"},
    )


def left(desk: Desk) -> list[Path]:
    return [file for file in desk.settings.data_dir.rglob("*") if file.is_file()]


def test_anybody_gets_the_report_that_an_upload_gets_and_nothing_is_kept(desk: Desk):
    rows = [
        ROW,
        BAD_ROW,
        ROW.replace("S1,P1,37.1234,0.5123", "S3,P3,0.5123,37.1234"),
        ROW.replace("S1,P1", "S4,P4").replace(",KE,", ",,"),
    ]
    content = "\n".join([HEADER, *rows]).encode()
    answer = validate(desk, content)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["acceptable"], found["located"], found["mapping"]) == (True, True, "standard")
    assert found["report"]["rows"] == {"read": 4, "stored": 2, "refused": 2, "ignored": 0}
    assert left(desk) == []
    assert desk.run("SELECT count(*) FROM core.upload").scalar() == 0
    desk.dataset("same")
    upload = desk.checked("same", content)
    report = desk.get(f"/uploads/{upload}/report", limit=5000).json()
    assert found["report"] == {name: report[name] for name in found["report"]}


def test_refused_file_is_an_answer_and_not_an_error(desk: Desk):
    found = validate(desk, b"a,b\n1,2\n").json()
    assert (found["acceptable"], found["report"]["issues"][0]["code"]) == (False, "COLUMNS_MISSING")
    assert "strict" in validate(desk, MIXED, strict="true").json()["fault"]


@pytest.mark.parametrize(
    ("content", "headers", "parameters", "status", "said"),
    [
        (b"", {}, {}, 400, "empty"),
        (CSV * 8000, {}, {}, 413, "1 MB"),
        (iter([CSV * 2000, CSV * 2000]), {}, {}, 413, "1 MB"),
        (CSV, {"Content-Type": "text/html"}, {}, 415, "text/html"),
        (CSV, {}, {"mapping": "no-such"}, 404, "no-such"),
        (CSV, {}, {"mapping": "../../etc/passwd"}, 400, "mapping"),
        (CSV, {}, {"filename": "../made.csv"}, 400, "folder"),
        (CSV, {}, {"dataset": "x"}, 400, "dataset"),
    ],
)  # fmt: skip
def test_wrong_request_is_a_problem_that_names_it(
    desk: Desk, content: Any, headers: dict[str, str], parameters: dict[str, str], status: int, said: str
):
    answer = desk.client.post(
        "/validate",
        params={"filename": "made.csv", "mapping": "standard", **parameters},
        content=content,
        headers={"Content-Type": "text/csv", **headers},
    )
    assert said in problem(answer, status)
    assert [file for file in left(desk) if "uploads" not in file.parts] == []


def test_more_at_once_than_there_are_places_are_told_to_come_back(desk: Desk):
    places = desk.client.app.state.validations  # type: ignore[attr-defined]
    with places.one():
        answer = validate(desk, CSV)
    assert "try again" in problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert validate(desk, CSV).status_code == 200


def test_file_that_takes_too_long_is_given_up(tmp_path: Path):
    from app.errors import Busy

    with pytest.raises(Busy, match="longer than"):
        validating.validate_apart(made(tmp_path, ROW), "made.csv", None, max_bytes=10**6, timeout_s=0.05, strict=False)


def test_file_that_takes_too_much_memory_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from app.errors import TooLarge

    wide = tmp_path / "wide.csv"
    wide.write_bytes((",".join(f"c{i}" for i in range(200)) + "\n").encode() + (b"," * 199 + b"1\n") * 300_000)
    code = "import app.pipelines.validating as v; v.MEMORY_MB = 300; v.main()"
    real = subprocess.run

    def small(command: list[str], **more: Any) -> Any:
        return real([command[0], "-c", code], **more)

    monkeypatch.setattr(subprocess, "run", small)
    with pytest.raises(TooLarge, match="memory"):
        validating.validate_apart(wide, "wide.csv", None, max_bytes=10**8, timeout_s=120, strict=False)


def test_settings_and_passwords_do_not_reach_the_process_that_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = {}
    real = subprocess.run

    def looking(command: list[str], **more: Any) -> Any:
        seen.update(more["env"])
        return real(command, **more)

    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@host/base")
    monkeypatch.setattr(subprocess, "run", looking)
    found = validating.validate_apart(
        made(tmp_path, ROW), "made.csv", None, max_bytes=10**6, timeout_s=60, strict=False
    )
    assert found["report"]["rows"]["stored"] == 1
    assert "PATH" in seen
    assert not [name for name in seen if "DATABASE" in name or "OBSERVATORY" in name]


# At the command line -------------------------------------------------------------------------------------------------


def observatory(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "app", "validate", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_command_needs_no_database_and_says_what_it_found(tmp_path: Path):
    done = observatory(str(made(tmp_path, ROW, BAD_ROW)), "--mapping", "standard")
    assert done.returncode == 0, done.stderr
    assert "DEPTH_INVERTED" in done.stdout
    strict = observatory(str(made(tmp_path, ROW, BAD_ROW)), "--mapping", "standard", "--strict")
    assert (strict.returncode, "Not acceptable" in strict.stderr) == (1, True), strict.stderr


def test_without_boundaries_the_report_says_that_no_site_was_placed(tmp_path: Path):
    found = validating.validate(
        made(tmp_path, ROW.replace("37.1234,0.5123", "0.5123,37.1234")),
        "made.csv",
        load_mapping(),
        max_bytes=10**6,
        today=dt.date(2026, 1, 1),
        boundaries=tmp_path / "none.geojson",
    )
    assert (found["located"], found["report"]["rows"]["stored"]) == (False, 1)


# The same country as the database finds ------------------------------------------------------------------------------


@pytest.fixture
def connection(reference: Database) -> Iterator[Connection]:
    with session.disposing(reference.worker_engine()) as engine, engine.connect() as here:
        yield here
        here.rollback()


def test_countries_are_those_that_the_database_finds(connection: Connection):
    chance = np.random.default_rng(7)
    n = 3000
    codes = connection.scalars(text("SELECT iso_a2 FROM core.region WHERE iso_a2 IS NOT NULL ORDER BY id")).all()
    near = connection.execute(
        text(
            "SELECT ST_X(p.geom), ST_Y(p.geom), r.iso_a2 FROM core.region r, ST_DumpPoints(r.geom) p "
            "WHERE r.kind = 'country' AND abs(ST_Y(p.geom)) < 89 ORDER BY hashtext(r.id || p.path::text) LIMIT 1500"
        )
    ).all()
    x = np.concatenate([chance.uniform(-180, 180, n), [p[0] for p in near] + chance.normal(0, 0.05, len(near))])
    y = np.concatenate([chance.uniform(-89, 89, n), [p[1] for p in near] + chance.normal(0, 0.05, len(near))])
    declared = [None if i % 3 else str(chance.choice(codes)) for i in range(n)] + [
        p[2] if i % 2 else None for i, p in enumerate(near)
    ]
    sites = pl.DataFrame(
        {
            "site_key": [f"s{i}" for i in range(len(x))],
            "longitude": np.clip(x, -180, 180),
            "latitude": y,
            "country_code": pl.Series(declared, dtype=pl.String),
        }
    )
    mine = placing.countries(placing.BOUNDARIES).locate(sites)
    theirs = importing.locate(connection, sites).select(mine.columns)
    both = mine.join(theirs, on="site_key", suffix="_db")
    for name in ("region_id", "region", "declared", "repair"):
        differs = both.filter(pl.col(name).ne_missing(pl.col(f"{name}_db")))
        # On the line itself two engines may round to different sides; a handful of random points come so near.
        assert len(differs) <= len(sites) * 0.001, (name, differs.head(5).rows(named=True))
    close = both.filter(pl.col("distance_m") > 0)
    assert len(close) > 100
    off = np.abs(close["distance_m"].to_numpy() - close["distance_m_db"].to_numpy())
    # Long straight edges are straight in degrees here and geodesic there.
    assert np.quantile(off, 0.99) < 60
    assert off.max() < 300
