"""The embedded database: a private PostgreSQL + PostGIS cluster in the data folder, reached by a unix socket only.

One process owns the folder at a time (a lock that the kernel releases however the process ends). The owner creates the
cluster on first use and starts the server. Other processes on the machine (an import beside a running service) join as
guests. Whoever leaves last stops the server; one that outlived a killed owner is taken over as it runs.

PostgreSQL refuses to run as root, so under root the server drops to an unprivileged user. That user may not be able to
reach the data folder by its path (a clone below /root, a folder made by mktemp). The server therefore inherits the
opened folder and addresses it as /proc/self/fd/N, for which no permission on the parent folders is needed.
"""

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from app.errors import DatabaseUnavailable, InstanceRunning

SUPERUSER = "observatory"
DATABASE = "observatory"
OLDEST = (15,)  # the first with unique constraints that take two empty values for the same
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes, the terminating zero and a margin aside
STARTING_S = 120.0  # recovery after a crash replays the log before the server answers
STOPPING_S = 60.0

SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "80",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",  # planning geometry queries with it costs more than it saves
    "max_parallel_workers_per_gather": "0",  # two cores are shared with the service; small /dev/shm in containers
    "timezone": "UTC",
    "log_min_messages": "warning",
}


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running private server. `url` is the superuser's; `owned` is False for a guest."""

    socket_dir: Path
    owned: bool

    def url(self, user: str = SUPERUSER, database: str = DATABASE) -> str:
        """Connection URL in libpq's form for one of the roles."""
        return f"postgresql://{user}@/{database}?host={self.socket_dir}"


def find_binaries(configured: Path | None) -> Path:
    """Folder that holds initdb and postgres, of the newest installed version that has PostGIS."""
    candidates = [configured] if configured else sorted(_installed(), key=_version, reverse=True)
    for folder in candidates:
        there = (folder / "initdb").exists() and (folder / "postgres").exists()
        if there and _version(folder) >= OLDEST and _has_postgis(folder):
            return folder
    looked = ", ".join(str(c) for c in candidates) or "no PostgreSQL server"
    raise DatabaseUnavailable(
        f"No PostgreSQL server of version {OLDEST[0]} or newer with PostGIS on this machine (found: {looked}). "
        "Install it with: sudo apt-get install -y postgresql-postgis  "
        "or point DATABASE_URL to a server that has PostGIS."
    )


def _installed() -> list[Path]:
    folders = [p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    folders += [p.parent for p in Path("/usr/local/pgsql").glob("bin/initdb")]
    on_path = shutil.which("initdb")
    return [*folders, Path(on_path).resolve().parent] if on_path else folders


def _version(bindir: Path) -> tuple[int, ...]:
    out = subprocess.run(  # noqa: S603 - the server's own program
        [bindir / "postgres", "--version"], capture_output=True, text=True, check=False
    ).stdout
    digits = out.split()[2] if len(out.split()) > 2 else "0"
    return tuple(int(part) for part in digits.split(".") if part.isdigit())


def _has_postgis(bindir: Path) -> bool:
    # Debian's pg_config of the -dev package speaks for one version only, so the folders are tried by convention too.
    major = str(_version(bindir)[0]) if _version(bindir) else ""
    shares = [Path("/usr/share/postgresql") / major, bindir.parent / "share", bindir.parent / "share" / "postgresql"]
    return any((share / "extension" / "postgis.control").exists() for share in shares)


@contextlib.contextmanager
def running(data_dir: Path, *, bindir: Path | None = None, purpose: str, guest: bool) -> Iterator[Cluster]:
    """The data folder's cluster, running for the length of the block.

    data_dir : folder of the service; the cluster lives in its subfolder `cluster`.
    purpose : what this process is doing, told to whoever finds the folder taken.
    guest : whether to join a cluster that another process owns; otherwise that is InstanceRunning.
    """
    binaries = find_binaries(bindir)
    data_dir.mkdir(parents=True, exist_ok=True)
    folder = data_dir.resolve() / "cluster"
    server: subprocess.Popen[bytes] | int | None = None
    with contextlib.ExitStack() as stack:
        # Entered before the owner's lock and left after it: who waits here finds the folder free or the server alive.
        last_one = stack.enter_context(_among_users(data_dir / "observatory.users"))
        holder = stack.enter_context(_lock(data_dir / "observatory.lock", purpose))
        socket_dir = stack.enter_context(_short_path(folder))
        try:
            if holder is None:
                user = _unprivileged_user()
                if not (folder / "PG_VERSION").exists():
                    _create(binaries, folder, user)
                _check_version(binaries, folder)
                server = _start(binaries, folder, user, data_dir / "cluster.log", socket_dir)
                _create_database(socket_dir)
            elif guest:
                _await_answer(socket_dir, None, data_dir / "cluster.log")
            else:
                raise InstanceRunning(
                    f"The data folder {data_dir.resolve()} is in use by {holder}. "
                    "Stop that process, or set OBSERVATORY_DATA_DIR to another folder."
                )
            yield Cluster(socket_dir=socket_dir, owned=holder is None)
        finally:
            running_server = server or _survivor(folder)
            if running_server is not None and last_one():
                _stop(running_server)


@contextlib.contextmanager
def _among_users(path: Path) -> Iterator[Callable[[], bool]]:
    """Be counted among the users of the server; yields what tells, on leaving, whether nobody else is."""
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_SH)

        def last_one() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        yield last_one


@contextlib.contextmanager
def _lock(path: Path, purpose: str) -> Iterator[str | None]:
    """Hold the folder's lock; yields None when it is ours, otherwise who holds it."""
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            try:
                told = json.loads(file.read() or "{}")
            except json.JSONDecodeError:
                told = {}
            yield f"process {told.get('pid', 'unknown')} ({told.get('purpose', 'starting')})"
            return
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid(), "purpose": purpose}, file)
        file.flush()
        yield None


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[Path]:
    """A path to `folder` that a socket address can hold: itself, or a link to it where it is too long."""
    if len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="observatory-", dir="/tmp") as short:
        link = Path(short) / "s"
        link.symlink_to(folder)
        yield link


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom the server runs as when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise DatabaseUnavailable("PostgreSQL does not run as root, and neither user postgres nor nobody exists.")


def _create(binaries: Path, folder: Path, user: pwd.struct_passwd | None) -> None:
    """Initialise the cluster beside its place and move it there, so that a killed attempt leaves nothing half made."""
    fresh = folder.with_name("cluster.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if user:
        os.chown(fresh, user.pw_uid, user.pw_gid)
    with _opened(fresh) as (descriptor, here):
        made = subprocess.run(  # noqa: S603 - the server's own program
            [
                *(binaries / "initdb", "-D", here, "-U", SUPERUSER, "--no-instructions"),
                *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"),
            ],
            pass_fds=[descriptor],
            capture_output=True,
            text=True,
            check=False,
            **_child(user),
        )
    if made.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise DatabaseUnavailable(f"initdb could not create the database in {folder}: {made.stderr.strip()}")
    fresh.rename(folder)


def _check_version(binaries: Path, folder: Path) -> None:
    made_by = (folder / "PG_VERSION").read_text(encoding="ascii").strip()
    ours = str(_version(binaries)[0])
    if made_by != ours:
        raise DatabaseUnavailable(
            f"The data folder holds a PostgreSQL {made_by} cluster, the installed server is {ours}. Set "
            f"OBSERVATORY_PG_BINDIR to a version {made_by} server, or dump the data there and load it into a new folder."
        )


def _start(
    binaries: Path, folder: Path, user: pwd.struct_passwd | None, log: Path, socket_dir: Path
) -> "subprocess.Popen[bytes] | int":
    survivor = _survivor(folder)
    if survivor is not None:
        _await_answer(socket_dir, None, log)
        return survivor
    with log.open("wb") as output, _opened(folder) as (descriptor, here):
        settings = {**SERVER_SETTINGS, "unix_socket_directories": here}
        server = subprocess.Popen(  # noqa: S603 - the server's own program
            [binaries / "postgres", "-D", here, *(f"--{name}={value}" for name, value in settings.items())],
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in the terminal must reach us, who stop the server in order
            **_child(user),
        )
    try:
        _await_answer(socket_dir, server, log)
    except BaseException:
        _stop(server)
        raise
    return server


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[tuple[int, str]]:
    """The folder as an inheritable descriptor, and the path by which a child that inherits it may name it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor, f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _child(user: pwd.struct_passwd | None) -> dict[str, Any]:
    """How every child of ours runs: in a folder that any user can return to, in the C locale, as `user`."""
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    return {"cwd": "/", "env": environment, **who}


def _survivor(folder: Path) -> int | None:
    """Process number of a server that still runs in this folder, from before its owner was killed."""
    pid_file = folder / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split()[0])
    except (OSError, ValueError, IndexError):
        return None
    if not _ended(pid):
        with contextlib.suppress(PermissionError, FileNotFoundError):
            if Path(f"/proc/{pid}/cwd").readlink() == folder:
                return pid
    # The server is gone, or its number was given to another process after a reboot. Its files would make the next one
    # refuse to start; orphaned sessions are still found by the shared memory that belongs to the folder.
    for file in (pid_file, folder / f"{SOCKET_NAME}.lock"):
        file.unlink(missing_ok=True)
    return None


def _ended(pid: int) -> bool:
    """Whether a process is gone, or only waits to be reaped: without a proper init a zombie may stay for ever."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] in {"Z", "X"}
    except (OSError, IndexError):
        return True


def _await_answer(socket_dir: Path, server: "subprocess.Popen[bytes] | None", log: Path) -> None:
    end = time.monotonic() + STARTING_S
    while True:
        try:
            psycopg.connect(
                host=str(socket_dir), user=SUPERUSER, dbname="postgres", connect_timeout=5, autocommit=True
            ).close()
        except psycopg.OperationalError as fault:
            if server is not None and server.poll() is not None:
                said = log.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
                raise DatabaseUnavailable(f"The database server stopped while starting:\n{said}") from fault
            if time.monotonic() > end:
                raise DatabaseUnavailable(f"The database server gives no answer after {STARTING_S:.0f} s.") from fault
            time.sleep(0.05)
        else:
            return


def _create_database(socket_dir: Path) -> None:
    with psycopg.connect(host=str(socket_dir), user=SUPERUSER, dbname="postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")  # type: ignore[call-overload, unused-ignore]


def _stop(server: "subprocess.Popen[bytes] | int") -> None:
    """Stop in order ("fast": sessions end, nothing is lost); at once only if that takes too long."""
    for number, patience in ((signal.SIGINT, STOPPING_S), (signal.SIGQUIT, 10.0)):
        if isinstance(server, int):
            with contextlib.suppress(ProcessLookupError):
                os.kill(server, number)
            if _gone(server, patience):
                return
        else:
            server.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(patience)
                return


def _gone(pid: int, patience: float) -> bool:
    end = time.monotonic() + patience
    while not _ended(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
