"""How long a million layers take from file to database, against a bare COPY of the same file; ratios of one run.

    python bench/import.py                      # 1,000,000 layers; prints ratio, phases and peak memory
    python bench/import.py --layers 100000      # smaller
    python bench/import.py --publish            # publication as well, as a figure of its own
    python bench/import.py --serving            # what readers of the map notice of an import beside them

A private cluster in a temporary folder, with the settings of a running service: fsync included. The file is invented,
the same on every run: five layers a profile, sites on land in their declared countries, and a few faults. The bare COPY
streams the file from this process into one plain logged table of text columns without index.

Phases are clocked around the functions of each step; what is not named is in `other`.
"""

import argparse
import contextlib
import dataclasses
import datetime as dt
import functools
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import shapely
from sqlalchemy import Connection, Engine, text

from app import cli
from app.db import bulk, migrations, session
from app.db.session import Database
from app.ingest.mapping import load_mapping
from app.pipelines import importing, publishing, seeding
from app.settings import Settings

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
TODAY = dt.date(2026, 1, 1)
WANTED_RATIO = 6.0
WANTED_GB = 1.5
WANTED_SHARE = 0.5
WANTED_BLOCK_S = 0.1
PER_PROFILE = 5
FAULTS = 40
"""Rows made wrong in each of several ways."""


# The file --------------------------------------------------------------------------------------------------------------


def sites_on_land(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Random places in countries, as many in each as its share of the land: longitude, latitude, country."""
    told = json.loads((SAMPLES / "countries.geojson").read_text(encoding="utf-8"))["features"]
    told = [f for f in told if f["properties"]["iso_a2"] and f["properties"]["code"] != "ATA"]
    areas = shapely.from_geojson([json.dumps(f["geometry"]) for f in told])
    codes = np.array([f["properties"]["iso_a2"] for f in told])
    tree = shapely.STRtree(areas)
    parts: list[pl.DataFrame] = []
    while sum(len(p) for p in parts) < n:
        # Uniform on the sphere, south of the ice.
        x = rng.uniform(-180, 180, n)
        y = np.degrees(np.arcsin(rng.uniform(np.sin(np.radians(-55)), np.sin(np.radians(70)), n)))
        x, y = x.round(5), y.round(5)
        point, area = tree.query(shapely.points(x, y), predicate="within")
        _, first = np.unique(point, return_index=True)
        point, area = point[first], area[first]
        parts.append(pl.DataFrame({"longitude": x[point], "latitude": y[point], "country_code": codes[area]}))
    return pl.concat(parts).head(n)


def write_file(path: Path, layers: int) -> None:
    """A file of our own columns with so many layers, five a profile."""
    rng = np.random.default_rng(4)
    n = layers // PER_PROFILE
    sites = sites_on_land(n, rng)
    which = np.repeat(np.arange(n), PER_PROFILE)
    depth = np.tile(np.arange(PER_PROFILE), n)
    limits = np.array([0, 10, 30, 50, 75, 100])
    top, bottom = limits[depth].astype(float), limits[depth + 1].astype(float)
    size = n * PER_PROFILE
    middle = (top + bottom) / 2
    soc = (np.exp(rng.normal(3.1, 0.4, n))[which] * np.exp(-0.02 * middle) * rng.uniform(0.9, 1.1, size)).round(2)
    clay = rng.uniform(5, 60, size).round(1)
    sand = (rng.uniform(0.1, 0.9, size) * (100 - clay)).round(1)
    years = rng.integers(1985, 2024, n)
    days = np.array(
        [f"{y}-{m:02d}-{d:02d}" for y, m, d in zip(years, rng.integers(1, 13, n), rng.integers(1, 29, n), strict=True)]
    )

    def either(*words: str, among: int = n) -> np.ndarray[Any, np.dtype[np.str_]]:
        return np.array(words)[rng.integers(0, len(words), among)]

    labs, land = (
        either("Laboratory A", "Laboratory B", "Laboratory C, soils", "Laboratory D"),
        either("AA", "AP", "FN", "FP", "HE", "PN"),
    )
    methods = either("OrgC_dc-ht", "OrgC_dc", "OrgC_wc-cro3-walkleyblack")
    frame = pl.DataFrame(
        {
            "site_id": which,
            "profile_id": which,
            "longitude": sites["longitude"].gather(which),
            "latitude": sites["latitude"].gather(which),
            "country_code": sites["country_code"].gather(which),
            "sampling_date": days[which],
            "layer_id": np.arange(size),
            "top_cm": top.astype(int),
            "bottom_cm": bottom.astype(int),
            "horizon": np.array(["Ah", "A", "B", "BC", "C"])[depth],
            "soc": soc,
            "soc_unit": ["g/kg"] * size,
            "soc_method": methods[which],
            "n_total_g_kg": (soc / rng.uniform(9, 14, size)).round(2),
            "bulk_density_g_cm3": rng.uniform(1.1, 1.6, size).round(2),
            "bulk_density_type": ["fine_earth"] * size,
            "coarse_fragments_pct": rng.integers(0, 25, size),
            "coarse_fragments_basis": ["volume"] * size,
            "clay_pct": clay,
            "silt_pct": (100 - clay - sand).round(1),
            "sand_pct": sand,
            "ph": rng.uniform(4, 8.5, size).round(1),
            "ph_method": either("pHH2O_ratio1-5", "pHH2O_ratio1-2.5")[which],
            "land_use": land[which],
            "lab": labs[which],
            "project": ["Benchmark of the import"] * size,
            "licence": ["CC-BY-4.0"] * size,
        }
    ).with_columns(
        pl.format("S{}", pl.col("site_id").cast(pl.String).str.zfill(7)).alias("site_id"),
        pl.format("P{}", pl.col("profile_id").cast(pl.String).str.zfill(7)).alias("profile_id"),
        pl.format("L{}", pl.col("layer_id").cast(pl.String).str.zfill(8)).alias("layer_id"),
    )
    # A tenth of the values is not there, and some rows are wrong.
    absent = {name: pl.Series(rng.random(size) < 0.1) for name in ("ph", "n_total_g_kg", "coarse_fragments_pct")}
    frame = frame.with_columns(pl.when(~mask).then(pl.col(name)).alias(name) for name, mask in absent.items())
    frame = frame.with_columns(pl.all().cast(pl.String))
    ways = (
        ("soc", "1234"),
        ("soc", "<0.5"),
        ("bottom_cm", "0"),
        ("ph", "77"),
        ("clay_pct", "many"),
        ("sampling_date", "32.13.2020"),
        ("latitude", "95.0"),
    )
    for name, wrong in ways:
        frame[rng.choice(size, FAULTS, replace=False), name] = wrong
    frame.write_csv(path)


# The clock -------------------------------------------------------------------------------------------------------------

STEPS = (
    ("app.ingest.read", "read_table", "read"),
    ("app.ingest.read", "clean", "read"),
    ("app.ingest.read", "check_header", "read"),
    ("app.ingest.read", "read_entries", "harmonise: where and when"),
    ("app.ingest.read", "group_sites", "harmonise: sites"),
    ("app.ingest.read", "group_visits", "harmonise: visits"),
    ("app.ingest.read", "read_layers", "harmonise: layers"),
    ("app.ingest.read", "read_results", "harmonise: values"),
    ("app.ingest.read", "_stop_duplicates", "check: repeated rows"),
    ("app.ingest.read", "_assemble", "assemble"),
    ("app.pipelines.importing", "locate", "locate"),
    ("app.pipelines.importing", "files_of", "read"),
    ("app.pipelines.importing", "_sha256", "checksum"),
    ("app.db.bulk", "refresh_statistics", "store: statistics"),
)
"""Module, function and the phase that its time counts to; inner phases are taken off the outer ones."""


class Clock:
    """Adds up the time of phases, each without the phases inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def clocked(self, function: Callable[..., Any], phase: str | Callable[..., str]) -> Callable[..., Any]:
        """The same function, its time added to a phase."""

        @functools.wraps(function)
        def timed(*given: Any, **named: Any) -> Any:
            self._inner.append(0.0)
            start = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                whole = time.perf_counter() - start
                name = phase if isinstance(phase, str) else phase(*given, **named)
                self.seconds[name] += whole - self._inner.pop()
                self._inner[-1] += whole

        return timed

    @contextlib.contextmanager
    def everywhere(self) -> Iterator[None]:
        """Clock all steps for the length of the block."""
        before: list[tuple[Any, str, Any]] = []

        def put(owner: Any, name: str, phase: str | Callable[..., str]) -> None:
            before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, self.clocked(getattr(owner, name), phase))

        for module, name, phase in STEPS:
            owner = importlib.import_module(module)
            if hasattr(owner, name):
                put(owner, name, phase)
        put(bulk, "copy_parts", lambda _, table, *__, **___: f"store: {getattr(table, 'name', table)}")
        put(bulk, "copy_out", "derive: read back")
        reading = importlib.import_module("app.ingest.read")
        for group in ("ENTRY_CHECKS", "SITE_CHECKS", "VISIT_CHECKS", "LAYER_CHECKS", "VALUE_CHECKS"):
            checks = getattr(reading, group)
            before.append((reading, group, checks))
            title = f"check: {group.removesuffix('_CHECKS').lower()}"
            setattr(reading, group, tuple(self.clocked(check, title) for check in checks))
        try:
            yield
        finally:
            for owner, name, value in reversed(before):
                setattr(owner, name, value)


def peak_gb(pid: int | None = None) -> float:
    """Largest memory that a process held [GB]."""
    status = Path(f"/proc/{pid or 'self'}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024**2


# The comparison --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def fresh_cluster(folder: Path) -> Iterator[Database]:
    """A private cluster at this version's schema, with countries and vocabularies."""
    settings = Settings(data_dir=folder, _env_file=None)
    with session.opened(settings, purpose="benchmark") as here:
        with session.disposing(here.owner_engine()) as owner:
            migrations.upgrade(owner)
        with session.disposing(here.worker_engine()) as engine, engine.begin() as connection:
            seeding.load_reference(connection, SAMPLES)
        yield here


def bare_copy(engine: Engine, path: Path) -> tuple[float, float]:
    """Seconds of a COPY of the file into one plain table, commit included; and of processor time."""
    with path.open(encoding="utf-8") as opened:
        names = opened.readline().strip().split(",")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS bare"))
        connection.execute(text(f"CREATE TABLE bare ({', '.join(f'{name} text' for name in names)})"))
    settle(engine)
    start = time.perf_counter()
    with (
        engine.begin() as connection,
        used(connection) as processor,
        bulk.driver(connection).cursor() as cursor,
        path.open("rb") as opened,
        cursor.copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy,
    ):
        while block := opened.read(1 << 20):
            copy.write(block)
    seconds = time.perf_counter() - start
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE bare"))
    return seconds, processor[0]


def processor_s(connection: Connection) -> float:
    """Processor time that this process and the server's side of a connection have used so far [s]."""
    pid = connection.scalar(text("SELECT pg_backend_pid()"))
    told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return time.process_time() + (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def settle(engine: Engine) -> None:
    """What was written before is on disk: nothing of it is waited for later."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))


@contextlib.contextmanager
def used(connection: Connection) -> Iterator[list[float]]:
    """Yields a list that has the processor time of the block after it [s]."""
    found = [processor_s(connection)]
    yield found
    found[0] = processor_s(connection) - found[0]


def whole_import(engine: Engine, path: Path) -> tuple[float, float, importing.Imported]:
    """Seconds of an import to the end of its transaction, without publication; of processor time; and its outcome."""
    start = time.perf_counter()
    with engine.begin() as connection, used(connection) as processor:
        found = importing.import_file(
            connection, path, load_mapping(), max_bytes=path.stat().st_size, today=TODAY, replace=True
        )
    return time.perf_counter() - start, processor[0], found


def compare(path: Path, folder: Path, *, publish: bool, passes: int) -> bool:
    """Print the ratio, where the time goes and how much memory it takes; tell whether all is as wanted."""
    with fresh_cluster(folder) as here, session.disposing(here.owner_engine()) as owner:
        engine = owner
        bares = [bare_copy(owner, path) for _ in range(max(passes, 2))]
        bare, bare_work = (min(column) for column in zip(*bares, strict=True))
        print(f"bare COPY of {path.stat().st_size / 1e6:.0f} MB: {bare:.2f} s, processor {bare_work:.2f} s")
        clock = Clock()
        settle(owner)
        with clock.everywhere():
            seconds, work, found = whole_import(engine, path)
        assert found.report is not None
        assert found.dataset is not None
        memory = peak_gb()
        print(
            f"import: {seconds:.2f} s, processor {work:.2f} s; rows {found.report.rows_read:,}, stored {found.report.rows_stored:,}"
        )
        named = sum(clock.seconds.values())
        for phase, spent in sorted({**clock.seconds, "other, commit": seconds - named}.items(), key=lambda p: -p[1]):
            print(f"    {spent:6.2f} s  {phase}")
        with engine.connect() as connection:
            size = connection.scalar(
                text(
                    "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'core' AND relkind = 'r'"
                )
            )
        print(f"stored: {int(size or 0) / 1e6:.0f} MB with indexes")
        print(f"ratio: {seconds / bare:.1f}; wanted {WANTED_RATIO:g}: {met(seconds / bare <= WANTED_RATIO)}")
        print(f"ratio of processor time: {work / bare_work:.1f}; it depends less on what else the machine does")
        print(f"peak memory of this process: {memory:.2f} GB; wanted below {WANTED_GB:g}: {met(memory < WANTED_GB)}")
        if publish:
            start = time.perf_counter()
            with engine.begin() as connection:
                publishing.publish_dataset(
                    connection,
                    found.dataset,
                    progress=lambda what: print(f"    {time.perf_counter() - start:6.1f} s  {what}"),
                )
            print(f"publication: {time.perf_counter() - start:.1f} s; peak {peak_gb():.2f} GB")
        return seconds / bare <= WANTED_RATIO and memory < WANTED_GB


def beside(path: Path, folder: Path) -> bool:
    """Print what an import leaves of the throughput of a service; tell whether it is enough."""
    import serving  # noqa: PLC0415 - its neighbour, needed only here

    with (
        fresh_cluster(folder) as here,
        session.disposing(here.worker_engine()) as engine,
        engine.begin() as connection,
    ):
        samples = SAMPLES / "synthetic_soil.csv"
        mapping = dataclasses.replace(load_mapping(), dataset=cli._synthetic())  # noqa: SLF001
        found = importing.import_file(connection, samples, mapping, max_bytes=10**8, today=TODAY)
        assert found.dataset is not None
        publishing.publish_dataset(connection, found.dataset)
    command = [sys.executable, __file__, "--into", str(folder), str(path)]
    share, late = serving.measure(folder, command)
    print(f"share of the throughput left: {share:.2f}; wanted {WANTED_SHARE}: {met(share >= WANTED_SHARE)}")
    print(f"event loop late by at most {WANTED_BLOCK_S * 1000:.0f} ms: {met(late <= WANTED_BLOCK_S)}")
    return share >= WANTED_SHARE and late <= WANTED_BLOCK_S


def import_into(folder: Path, path: Path) -> None:
    """Import into the cluster that a service runs, as a worker process does."""
    with (
        session.opened(Settings(data_dir=folder, _env_file=None), purpose="importing") as here,
        session.disposing(here.worker_engine()) as engine,
    ):
        whole_import(engine, path)


def met(good: bool) -> str:  # noqa: FBT001
    """In words."""
    return "met" if good else "NOT MET"


def main() -> int:
    """The comparison; 1 if something is slower or larger than wanted."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--layers", type=int, default=1_000_000)
    asked.add_argument("--publish", action="store_true")
    asked.add_argument("--serving", action="store_true")
    asked.add_argument("--passes", type=int, default=2, help="passes of the bare COPY; the shortest counts")
    asked.add_argument("--keep", type=Path, help="folder to keep the file in, for another run")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="observatory-bench-") as scratch:
        folder = given.keep or Path(scratch)
        path = folder / f"layers-{given.layers}.csv"
        if not path.exists():
            subprocess.run(  # noqa: S603 - ourselves
                [sys.executable, __file__, "--write", str(path), "--layers", str(given.layers)], check=True
            )
        print(f"load before: {os.getloadavg()[0]:.2f}")
        data = Path(scratch) / "data"
        good = beside(path, data) if given.serving else compare(path, data, publish=given.publish, passes=given.passes)
        print(f"load after: {os.getloadavg()[0]:.2f}")
    return 0 if good else 1


if __name__ == "__main__":
    if "--write" in sys.argv:
        write_file(Path(sys.argv[2]), int(sys.argv[4]))
        sys.exit(0)
    if "--into" in sys.argv:
        import_into(Path(sys.argv[2]), Path(sys.argv[3]))
        sys.exit(0)
    sys.exit(main())
