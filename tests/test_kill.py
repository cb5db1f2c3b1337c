"""Killed at any moment: an upload is stored whole or not at all, and the next service finishes it."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from app.db import accounts, datasets, migrations, session
from app.pipelines import seeding
from app.settings import Settings
from tests.builders import DEFAULTS
from tests.conftest import SAMPLES
from tests.people import Person, person
from tests.test_cli import ROOT, environment, free_port

KILLS = 10
PATIENCE_S = 120.0
UNFINISHED = ("received", "checking", "accepted", "storing")

# One snapshot of what is stored, what is published and what the uploads say.
SEEN = text(
    """
    SELECT (SELECT array_agg(DISTINCT s.upload_id) FROM core.site s WHERE s.dataset_id = :d) AS of_uploads,
           (SELECT count(*) FROM core.site s JOIN core.visit v ON v.site_id = s.id JOIN core.layer l ON l.visit_id = v.id
            WHERE s.dataset_id = :d) AS layers,
           (SELECT count(*) FROM core.site s WHERE s.dataset_id = :d) AS sites,
           (SELECT count(*) FROM pub.site p JOIN core.site s ON s.id = p.id
            WHERE s.dataset_id = :d AND p.released_to IS NULL) AS shown,
           (SELECT count(*) FROM pub.site p WHERE p.dataset_id = :d AND p.released_to IS NULL) AS all_shown,
           (SELECT jsonb_object_agg(u.id, jsonb_build_array(u.state, u.rows_stored)) FROM core.upload u
            WHERE u.dataset_id = :d) AS uploads
    """
)


class Running:
    """`observatory serve` with the worker beside it, and what a contributor asks of it."""

    def __init__(self, data: Path, somebody: Person) -> None:
        self.data = data
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            cwd=ROOT,
            env=environment(data, OBSERVATORY_PORT=str(self.port), OBSERVATORY_LOG_LEVEL="error"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers=somebody.headers, timeout=60, trust_env=False
        )
        until(self._ready)

    def _ready(self) -> bool:
        assert self.process.poll() is None, "the service ended by itself"
        with contextlib.suppress(httpx.TransportError):
            return self.client.get("/readyz").status_code == 200
        return False

    def workers(self) -> list[int]:
        """Process numbers of the workers on this data folder."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (
                    b"--supervised" in (folder / "cmdline").read_bytes()
                    and f"OBSERVATORY_DATA_DIR={self.data}\0".encode() in (folder / "environ").read_bytes()
                ):
                    found.append(int(folder.name))
        return found

    def kill(self, what: str) -> None:
        for number in self.workers() if what != "service" else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        if what != "worker":
            self.process.kill()
            self.process.wait(30)
            self.client.close()

    def end(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(60)


def until(done: Any, patience: float = PATIENCE_S) -> Any:
    end = time.monotonic() + patience
    while not (found := done()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Person, Any]]:
    """A data folder with countries, a dataset and its contributor."""
    data = tmp_path_factory.mktemp("killed")
    settings = Settings(data_dir=data, _env_file=None)
    with session.opened(settings, purpose="test") as here:
        with session.disposing(here.owner_engine()) as owner:
            migrations.upgrade(owner)
        with session.disposing(here.worker_engine()) as engine, engine.begin() as connection:
            seeding.load_reference(connection, SAMPLES)
            somebody = person(connection, "Olga")
            dataset = datasets.register(connection, {**DEFAULTS, "slug": "killed", "state": "draft"}, ["Olga"])
            accounts.give(connection, somebody.account, "contributor", dataset_id=dataset)
    return (yield data, somebody, dataset)


def variant(number: int) -> bytes:
    """The beginning of the synthetic set: files of some thousand layers that differ in how many."""
    lines = (SAMPLES / "synthetic_soil.csv").read_bytes().splitlines(keepends=True)
    return b"".join(lines[: 5_000 - 40 * number])


def send(service: Running, number: int) -> str:
    answer = service.client.post(
        "/uploads",
        params={"dataset": "killed", "filename": "soil.csv", "mapping": "standard", "mode": "replace"},
        content=variant(number),
        headers={"Content-Type": "text/csv", "Idempotency-Key": f"number-{number}"},
    )
    assert answer.status_code in {200, 201}, answer.text
    return str(answer.json()["id"])


def follow(service: Running, upload: str, seconds: float) -> str:
    """Accept the upload once it is checked, and look on until it rests or the time is over; the last state."""
    end = time.monotonic() + seconds
    while True:
        state = str(service.client.get(f"/uploads/{upload}").json()["state"])
        if state == "checked":
            service.client.post(f"/uploads/{upload}/accept")
        elif state not in UNFINISHED or time.monotonic() > end:
            return state
        time.sleep(0.05)


def require_whole(engine: Engine, dataset: Any) -> None:
    """Whatever is stored is one whole upload, published as it is stored; or there is nothing."""
    with engine.begin() as connection:
        seen: Any = connection.execute(SEEN, {"d": dataset}).one()
    stored = {upload: rows for upload, (state, rows) in (seen.uploads or {}).items() if state == "stored"}
    if not seen.of_uploads:
        assert (stored, seen.layers, seen.all_shown) == ({}, 0, 0)
        return
    (upload,) = seen.of_uploads
    assert stored == {str(upload): seen.layers}, "the one that is stored, with all its rows"
    assert (seen.shown, seen.all_shown) == (seen.sites, seen.sites), "published as it is stored"


def test_upload_is_whole_or_not_there_whenever_it_is_killed(place: tuple[Path, Person, Any]):
    data, somebody, dataset = place
    chance = random.Random(20261123)
    service = Running(data, somebody)
    with (
        session.opened(Settings(data_dir=data, _env_file=None), purpose="looking on") as here,
        session.disposing(here.worker_engine()) as engine,
    ):
        began = time.monotonic()
        upload = send(service, 0)
        assert follow(service, upload, PATIENCE_S) == "stored"
        lasts = time.monotonic() - began
        require_whole(engine, dataset)
        number, kills, moments = 1, 0, []
        upload = send(service, number)
        while kills < KILLS:
            state = follow(service, upload, chance.uniform(0, lasts * 1.1))
            if state not in UNFINISHED:
                assert state == "stored", "killed ones are finished in the end"
                require_whole(engine, dataset)
                number += 1
                upload = send(service, number)
                continue
            what = chance.choice(("service", "worker", "both"))
            service.kill(what)
            kills += 1
            moments.append(f"{what} while {state}")
            require_whole(engine, dataset)
            if what != "worker":
                service = Running(data, somebody)
                require_whole(engine, dataset)
        assert follow(service, upload, PATIENCE_S) == "stored", moments
        require_whole(engine, dataset)
        with engine.begin() as connection:
            left = connection.scalar(
                text("SELECT count(*) FROM core.upload WHERE state NOT IN ('stored', 'superseded')")
            )
        assert left == 0
        service.end()
