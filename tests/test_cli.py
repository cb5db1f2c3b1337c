"""The command line as its user meets it: a process of its own, its words and its exit codes."""

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app import cli, worker
from app.db import jobs, releases, session
from app.ingest.mapping import load_mapping
from app.pipelines import importing
from app.settings import Settings
from tests.test_pipelines import HEADER, ROW, made

ROOT = Path(__file__).parents[1]


def environment(data: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "OBSERVATORY_DATA_DIR": str(data),
        "OBSERVATORY_LOG_LEVEL": "warning",
        "COLUMNS": "200",
        **more,
    }


def observatory(data: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=environment(data, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as the first `make run` leaves it."""
    data = tmp_path_factory.mktemp("seeded")
    done = observatory(data, "seed", "--if-new")
    assert done.returncode == 0, done.stderr
    assert "synthetic_soil.csv" in done.stdout
    return data


class Service:
    """A running `observatory serve`."""

    def __init__(self, data: Path, *options: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", *options],
            cwd=ROOT,
            env=environment(data, OBSERVATORY_PORT=str(self.port)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + 60
        while True:
            try:
                get(self.port, "/readyz")
            except OSError:
                assert self.process.poll() is None, self.process.communicate()[1]
                assert time.monotonic() < end
                time.sleep(0.1)
            else:
                return

    def end(self, number: int) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[1]


@pytest.fixture
def service(seeded: Path) -> Iterator[Service]:
    here = Service(seeded)
    yield here
    if here.process.poll() is None:
        here.end(signal.SIGTERM)


def test_seeding_twice_does_nothing_the_second_time(seeded: Path):
    again = observatory(seeded, "seed", "--if-new")
    assert (again.returncode, again.stdout) == (0, "")


def test_doctor_finds_a_seeded_folder_sound(seeded: Path):
    said = observatory(seeded, "doctor").stdout
    assert "cannot read exact positions" in said
    assert cli.SYNTHETIC in said
    assert "up to date" in said


def test_served_map_data_import_beside_it_and_clean_stop(service: Service, seeded: Path, tmp_path: Path):
    assert get(service.port, "/collections/sites/items")["numberMatched"] > 800
    before = get(service.port, "/readyz")["release"]
    done = observatory(seeded, "import", str(made(tmp_path, ROW)), "--dataset", "beside")
    assert done.returncode == 0, done.stderr
    assert get(service.port, "/readyz")["release"] == before + 1
    assert get(service.port, "/collections/sites/items?dataset=beside")["numberMatched"] == 1
    service.end(signal.SIGINT)
    assert service.process.returncode in {0, -signal.SIGINT, 130}
    assert not (seeded / "cluster" / "postmaster.pid").exists(), "the database is stopped with the service"


def test_second_service_on_the_same_folder_is_refused(service: Service, seeded: Path):
    other = observatory(seeded, "serve", OBSERVATORY_PORT=str(free_port()))
    assert other.returncode == 3
    assert f"in use by process {service.process.pid} (serving on port {service.port})" in other.stderr
    assert "Traceback" not in other.stderr


def test_killed_service_is_followed_by_one_that_serves(seeded: Path):
    first = Service(seeded)
    first.end(signal.SIGKILL)
    second = Service(seeded)
    assert get(second.port, "/collections/sites/items")["numberMatched"] > 800
    second.end(signal.SIGTERM)


def test_worker_does_the_waiting_jobs_and_ends_when_told(seeded: Path, tmp_path: Path):
    settings = Settings(data_dir=seeded)
    with session.opened(settings, purpose="test") as here, session.disposing(here.worker_engine()) as engine:
        with engine.begin() as connection:
            before = releases.current(connection)
            importing.import_file(
                connection,
                made(tmp_path, ROW),
                load_mapping(),
                max_bytes=10**8,
                today=dt.date(2026, 1, 1),
                slug="queued",
            )
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "worker"],
            cwd=ROOT,
            env=environment(seeded),
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + 60
        while True:
            with engine.connect() as connection:
                if releases.current(connection) > before and not jobs.waiting(connection):
                    break
            assert time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said


def test_publication_whose_worker_was_killed_is_done_by_the_next(seeded: Path, tmp_path: Path):
    settings = Settings(data_dir=seeded)
    with session.opened(settings, purpose="test") as here, session.disposing(here.worker_engine()) as engine:
        with engine.begin() as connection:
            before = releases.current(connection)
            for slug in ("killed", "next"):
                importing.import_file(
                    connection,
                    made(tmp_path, ROW),
                    load_mapping(),
                    max_bytes=10**8,
                    today=dt.date(2026, 1, 1),
                    slug=slug,
                )
            connection.execute(
                text(
                    "UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (SELECT min(id) FROM procrastinate_jobs)"
                )
            )
        # In a thread of its own: the browser tests keep an event loop running in this one.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(worker.work, here, settings, wait=False).result()
        with engine.connect() as connection:
            assert (releases.current(connection), jobs.waiting(connection)) == (before + 2, 0)


def test_port_in_use_is_said_plainly(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = observatory(tmp_path, "serve", OBSERVATORY_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 3
    assert "OBSERVATORY_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_setting_is_named(tmp_path: Path):
    done = observatory(tmp_path, "doctor", OBSERVATORY_PORT="many")
    assert done.returncode == 3
    assert "port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("url", ["nonsense", "mysql://somewhere/db"])
def test_database_url_of_another_kind_is_refused_with_an_example(tmp_path: Path, url: str):
    done = observatory(tmp_path, "migrate", DATABASE_URL=url)
    assert done.returncode == 3
    assert "PostgreSQL" in done.stderr or "postgresql://" in done.stderr
    assert "Traceback" not in done.stderr


def test_database_that_cannot_be_reached_is_said_plainly(tmp_path: Path):
    done = observatory(tmp_path, "migrate", DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none")
    assert done.returncode == 3
    assert "gives no answer" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "empty.csv", "FILE_EMPTY"),
        ((HEADER + "\n" + ROW).replace("soc_unit", "unit_of_carbon").encode(), "column.csv", "soc_unit"),
        ((HEADER + "\n" + ROW.replace("0.5123", "95")).encode(), "nowhere.csv", "Nothing was stored"),
        (b"PK\x03\x04 not a workbook", "broken.xlsx", "broken.xlsx"),
        (b"site_id,profile_id\n", "header.csv", "header.csv"),
    ],
)
def test_file_that_cannot_be_understood_is_refused_whole(
    seeded: Path, tmp_path: Path, content: bytes, name: str, said: str
):
    path = tmp_path / name
    path.write_bytes(content)
    done = observatory(seeded, "import", str(path), "--dataset", "refused")
    assert done.returncode == 1, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "refused" not in observatory(seeded, "doctor").stdout.split("datasets")[1]


def test_file_over_the_limit_is_refused_before_it_is_read(seeded: Path, tmp_path: Path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(400_000_000)
    done = observatory(seeded, "import", str(path))
    assert done.returncode == 1
    assert "300 MB" in done.stderr.replace("\n", " ")


def test_rows_at_fault_are_named_and_the_others_stored(seeded: Path, tmp_path: Path):
    rows = [
        ROW,
        ROW.replace("S1,P1", "S2,P2").replace(",20,g/kg", ",much,g/kg"),
        ROW.replace("S1,P1", "S3,P3").replace(",0,30,", ",30,0,"),
        ROW.replace("S1,P1", "S4,P4").replace("37.1234,0.5123", "0.5123,37.1234"),
        ROW.replace("S1,P1", "S5,P5").replace("37.1234,0.5123", "0,0"),
        ROW.replace("S1,P1", "S6,P6").replace(",g/kg,", ",furlong,"),
    ]
    report = tmp_path / "report.json"
    done = observatory(seeded, "import", str(made(tmp_path, *rows)), "--dataset", "mixed", "--report", str(report))
    assert done.returncode == 0, done.stderr
    said = json.loads(report.read_text(encoding="utf-8"))
    assert said["rows"] == {"read": 6, "stored": 3, "refused": 3, "ignored": 0}
    places = {(issue["code"], issue["row"]) for issue in said["issues"] if issue["severity"] == "error"}
    assert ("DEPTH_INVERTED", 4) in places
    assert ("COORD_OTHER_COUNTRY", 5) in places
    assert ("COORD_ZERO", 6) in places
    assert ("UNIT_UNKNOWN", 7) in places
    assert any(row == 3 for _, row in places), "text in a number"


def test_strict_import_with_a_fault_stores_nothing_and_fails(seeded: Path, tmp_path: Path):
    bad = ROW.replace(",0,30,", ",30,0,")
    done = observatory(seeded, "import", str(made(tmp_path, bad)), "--dataset", "strict", "--strict")
    assert done.returncode == 1
    assert "strict" not in observatory(seeded, "doctor").stdout.split("datasets")[1]


def test_missing_file_and_mapping_are_named(seeded: Path, tmp_path: Path):
    assert "FILE_MISSING" in observatory(seeded, "import", str(tmp_path / "none.csv")).stderr
    done = observatory(seeded, "import", str(made(tmp_path, ROW)), "--mapping", "none")
    assert done.returncode == 1
    assert "febr" in done.stderr


def test_name_that_fits_no_address_and_report_without_a_folder_are_refused_before_work(seeded: Path, tmp_path: Path):
    file = str(made(tmp_path, ROW))
    named = observatory(seeded, "import", file, "--dataset", "a/b")
    assert (named.returncode, "NAME_INVALID: 'a/b'" in named.stderr) == (1, True), named.stderr
    reported = observatory(
        seeded, "import", file, "--dataset", "unreported", "--report", str(tmp_path / "no" / "r.json")
    )
    assert (reported.returncode, "FOLDER_MISSING" in reported.stderr) == (1, True), reported.stderr


def test_brackets_in_names_are_shown_and_are_no_markup(seeded: Path, tmp_path: Path):
    file = tmp_path / "depth [cm] [bold].csv"
    file.write_text("a,b\n1,2\n")
    done = observatory(seeded, "import", str(file))
    assert (done.returncode, "depth [cm] [bold].csv" in done.stderr) == (1, True), done.stderr


def test_proposal_names_its_questions_and_their_answers_make_a_mapping_that_validates(tmp_path: Path):
    file, mine = tmp_path / "mine.csv", tmp_path / "mine.toml"
    rows = "".join(f"A{i},36.7{i}234,-1.21234,0-20,2012,{1.5 + i / 100:.2f}\n" for i in range(10, 30))
    file.write_text("plot,lon,lat,depth,year,OC (%)\n" + rows, encoding="utf-8")
    asked = observatory(tmp_path, "propose", str(file))
    assert asked.returncode == 0, asked.stderr
    assert "OC (%)  soc [%], 75%." in asked.stdout
    assert "licence: Under which licence do you give the data?" in asked.stdout
    open_yet = observatory(tmp_path, "propose", str(file), "--write", str(mine), "--answer", "licence=CC-BY-4.0")
    assert (open_yet.returncode, "MAPPING_INCOMPLETE: 1 question is open: method." in open_yet.stderr) == (1, True)
    assert not mine.exists()
    answers = ("--answer", "licence=CC-BY-4.0", "--answer", "method=not stated")
    assert observatory(tmp_path, "propose", str(file), "--write", str(mine), *answers).returncode == 0
    checked = observatory(tmp_path, "validate", str(file), "--mapping", str(mine))
    assert checked.returncode == 0, checked.stderr + checked.stdout


def test_template_is_a_file_that_the_import_understands(tmp_path: Path):
    done = observatory(tmp_path, "template")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].startswith("site_id,")


def test_synthetic_set_is_removed_with_one_command_and_stays_away(seeded: Path):
    done = observatory(seeded, "seed", "--remove")
    assert done.returncode == 0, done.stderr
    here = Service(seeded, "--seed")
    assert get(here.port, f"/collections/sites/items?dataset={cli.SYNTHETIC}")["numberMatched"] == 0
    assert get(here.port, "/regions/country-FRA/indicators")["estimates"] == []
    here.end(signal.SIGTERM)
