"""The flow of a file over HTTP, on a real database with real jobs."""

import csv
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.db.session import Database
from app.identity.roles import Grant
from tests.test_pipelines import HEADER, ROW
from tests.uploads import BAD_ROW, CSV, MIXED, Desk, desk_on, problem, zipped


@pytest.fixture(scope="module")
def desk(another: Callable[[str], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk_on(another("uploads"), tmp_path_factory.mktemp("uploads"), max_upload_mb=1, rate_limits=False) as here:
        yield here


# The way of a sound file ---------------------------------------------------------------------------------------------


def test_file_is_checked_accepted_stored_and_published(desk: Desk):
    dataset = desk.dataset("way")
    sent = desk.send("way", MIXED)
    assert sent.status_code == 201, sent.text
    upload = sent.json()
    assert sent.headers["location"].endswith(f"/uploads/{upload['id']}")
    assert (upload["state"], upload["dataset"], upload["filename"]) == ("received", "way", "made.csv")
    assert desk.files.path(bytes.fromhex(upload["sha256"])).read_bytes() == MIXED
    desk.jobs()
    checked = desk.get(f"/uploads/{upload['id']}").json()
    assert checked["state"] == "checked"
    assert checked["rows"] == {"read": 2, "stored": 1, "refused": 1, "ignored": 0}
    assert desk.run("SELECT count(*) FROM core.site WHERE dataset_id = :d", d=dataset).scalar() == 0
    report = desk.get(f"/uploads/{upload['id']}/report").json()
    assert [(i["code"], i["row"]) for i in report["issues"] if i["severity"] == "error"] == [("DEPTH_INVERTED", 3)]
    assert desk.post(f"/uploads/{upload['id']}/accept").json()["state"] == "accepted"
    desk.jobs()
    stored = desk.get(f"/uploads/{upload['id']}").json()
    assert (stored["state"], stored["fault"]) == ("stored", None)
    assert stored["finished_at"] is not None
    shown = desk.client.get("/collections/sites/items?dataset=way").json()
    assert shown["numberMatched"] == 1
    assert desk.run("SELECT max(number) FROM pub.release").scalar() == stored["release"]
    deeds = desk.run("SELECT action FROM core.audit WHERE target = :t ORDER BY entry", t=f"upload {upload['id']}")
    assert deeds.scalars().all() == ["send upload", "accept upload", "store upload"]
