"""The private cluster: one owner, no damage by killing it, reachable from any folder."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from app.db import cluster
from app.errors import DatabaseUnavailable, InstanceRunning

OWNER = """
import signal, sys, time
from pathlib import Path
from app.db import cluster
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with cluster.running(Path(sys.argv[1]), purpose="owning", guest=False) as here:
    print("ready", flush=True)
    time.sleep(120)
"""


def start_owner(data: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(data)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def answers(socket_dir: Path) -> bool:
    try:
        psycopg.connect(host=str(socket_dir), user=cluster.SUPERUSER, dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def test_data_outlive_a_stop_and_a_start(tmp_path: Path):
    with cluster.running(tmp_path / "data", purpose="first", guest=False) as here:
        with psycopg.connect(here.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
        folder = here.socket_dir
    assert not answers(folder)
    with (
        cluster.running(tmp_path / "data", purpose="second", guest=False) as here,
        psycopg.connect(here.url()) as connection,
    ):
        assert connection.execute("SELECT n FROM kept").fetchone() == (42,)


def test_second_owner_is_refused_by_name_and_a_guest_is_not(tmp_path: Path):
    data = tmp_path / "data"
    with cluster.running(data, purpose="serving on port 8000", guest=False):
        with (
            pytest.raises(
                InstanceRunning, match=rf"process {os.getpid()} \(serving on port 8000\).*OBSERVATORY_DATA_DIR"
            ),
            cluster.running(data, purpose="other", guest=False),
        ):
            pass
        with cluster.running(data, purpose="import", guest=True) as guest:
            assert not guest.owned
            with psycopg.connect(guest.url()) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        assert answers(data / "cluster"), "a guest that leaves must not stop the owner's server"


def test_server_lives_until_the_last_guest_has_left(tmp_path: Path):
    data = tmp_path / "data"
    owner = start_owner(data)
    with cluster.running(data, purpose="import", guest=True) as guest:
        owner.terminate()
        owner.communicate()
        with psycopg.connect(guest.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not answers(data / "cluster"), "the last one to leave stops the server"


def test_owner_who_leaves_before_a_guest_is_followed_by_another_on_the_same_server(tmp_path: Path):
    data = tmp_path / "data"
    owner = start_owner(data)
    before = int((data / "cluster" / "postmaster.pid").read_text().split()[0])
    with cluster.running(data, purpose="import", guest=True):
        owner.terminate()
        owner.communicate()
        with cluster.running(data, purpose="next", guest=False) as here:
            assert here.owned
            assert int((data / "cluster" / "postmaster.pid").read_text().split()[0]) == before
        assert answers(data / "cluster")


def test_killed_owner_leaves_a_server_that_the_next_one_takes_over(tmp_path: Path):
    data = tmp_path / "data"
    owner = start_owner(data)
    with psycopg.connect(
        host=str(data / "cluster"), user=cluster.SUPERUSER, dbname="observatory", autocommit=True
    ) as c:
        c.execute("CREATE TABLE kept AS SELECT 7 AS n")
    before = int((data / "cluster" / "postmaster.pid").read_text().split()[0])
    kill(owner)
    with cluster.running(data, purpose="next", guest=False) as here, psycopg.connect(here.url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
        assert int((data / "cluster" / "postmaster.pid").read_text().split()[0]) == before
    assert not answers(data / "cluster")


def test_everything_killed_at_once_recovers_what_was_committed(tmp_path: Path):
    data = tmp_path / "data"
    owner = start_owner(data)
    with psycopg.connect(
        host=str(data / "cluster"), user=cluster.SUPERUSER, dbname="observatory", autocommit=True
    ) as c:
        c.execute("CREATE TABLE kept AS SELECT 9 AS n")
    postmaster = int((data / "cluster" / "postmaster.pid").read_text().split()[0])
    kill(owner)
    os.kill(postmaster, signal.SIGKILL)
    end = time.monotonic() + 10  # its children notice within moments
    while answers(data / "cluster") and time.monotonic() < end:
        time.sleep(0.05)
    with cluster.running(data, purpose="next", guest=False) as here, psycopg.connect(here.url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (9,)


def test_number_of_a_dead_server_given_to_another_process_is_no_obstacle(tmp_path: Path):
    data = tmp_path / "data"
    with cluster.running(data, purpose="first", guest=False):
        pass
    (data / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n/elsewhere\n0\n5432\n\n\n0 0\nready\n")
    with cluster.running(data, purpose="second", guest=False) as here:
        assert answers(here.socket_dir)


def test_interrupted_first_start_leaves_nothing_half_made(tmp_path: Path):
    data = tmp_path / "data"
    (data / "cluster.new").mkdir(parents=True)
    (data / "cluster.new" / "PG_VERSION").write_text("15")
    with cluster.running(data, purpose="next", guest=False) as here:
        assert answers(here.socket_dir)
    assert not (data / "cluster.new").exists()


def test_folder_with_a_path_too_long_for_a_socket_works(tmp_path: Path):
    data = tmp_path / ("long-" * 20)
    with cluster.running(data, purpose="test", guest=False) as here:
        assert len(str(here.socket_dir)) < cluster.LONGEST_SOCKET_PATH < len(str(data))
        with psycopg.connect(here.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not here.socket_dir.exists()


def test_folder_that_only_its_owner_can_enter_works(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with cluster.running(closed / "data", purpose="test", guest=False) as here:
        assert answers(here.socket_dir)
        assert (closed / "data" / "cluster").stat().st_mode & 0o077 == 0


def test_listens_on_no_network_address(tmp_path: Path):
    with cluster.running(tmp_path, purpose="test", guest=False) as here, psycopg.connect(here.url()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_missing_server_names_the_command_that_installs_it(tmp_path: Path):
    with pytest.raises(DatabaseUnavailable, match="apt-get install"):
        cluster.find_binaries(tmp_path)


def test_cluster_of_another_version_is_refused_with_a_way_out(tmp_path: Path):
    data = tmp_path / "data"
    with cluster.running(data, purpose="first", guest=False):
        pass
    (data / "cluster" / "PG_VERSION").write_text("9\n")
    with (
        pytest.raises(DatabaseUnavailable, match=r"PostgreSQL 9 cluster.*OBSERVATORY_PG_BINDIR"),
        cluster.running(data, purpose="second", guest=False),
    ):
        pass


def test_server_that_cannot_start_says_why(tmp_path: Path):
    data = tmp_path / "data"
    with cluster.running(data, purpose="first", guest=False):
        pass
    with (data / "cluster" / "postgresql.conf").open("a") as file:
        file.write("shared_preload_libraries = 'no_such_library'\n")
    with (
        pytest.raises(DatabaseUnavailable, match="no_such_library"),
        cluster.running(data, purpose="second", guest=False),
    ):
        pass


def test_lock_says_who_holds_it(tmp_path: Path):
    with cluster.running(tmp_path, purpose="serving on port 8000", guest=False):
        told = json.loads((tmp_path / "observatory.lock").read_text())
    assert told == {"pid": os.getpid(), "purpose": "serving on port 8000"}
