"""How long publication takes, against a bare INSERT … SELECT of the same rows; ratios of one run.

    python bench/publishing.py                       # 3,000, 10,000 and 50,000 sites, 24 values each
    python bench/publishing.py --sites 10000         # one size
    python bench/publishing.py --plans plans.txt     # the plans of all statements that take a while, as well

A private cluster in a temporary folder for each size, with the settings of a running service: fsync included. The sites
are those of bench/import.py, with three layers each. The bare INSERT writes the rows that were published into tables with
the same columns, indexes and limits of values. Every publication is one transaction, its commit included, after a checkpoint.

Four publications: the first; the second, with nothing changed; one with the value of one layer changed; and one after the
file was uploaded again, as it was.
"""

import argparse
import contextlib
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, event, text

from app.db import estimates, releases, samples, session
from app.pipelines import estimating, publishing

sys.path.insert(0, str(Path(__file__).parent))
importing = importlib.import_module("import")  # its name is a keyword

LAYERS = 3
SIZES = (3_000, 10_000, 50_000)
WANTED_US = 50.0
"""Time of the first publication for each value [µs]."""
WANTED_GROWTH = 1.5
"""How many times as long the largest size may take for each value as the smallest."""
WANTED_UNCHANGED = 0.3
"""Share of the first publication that one with nothing changed may take."""
SLOW_MS = 20

STEPS: tuple[tuple[Any, str, str], ...] = (
    (releases.zooms, "_choose", "choose zooms"),
    (releases, "seal", "seal"),
    (importing.bulk, "refresh_statistics", "statistics"),
    (publishing, "estimate_regions", "estimates: the rest"),
    (samples, "values", "estimates: read values"),
    (estimating, "_with_cells", "estimates: cells"),
    (estimating, "_estimates", "estimates: compute"),
    (estimating, "_withhold_what_others_betray", "estimates: disclosure"),
    (estimating, "_hold_back_what_earlier_ones_betray", "estimates: disclosure"),
    (estimates, "write", "estimates: write"),
    (estimates, "remember", "estimates: write"),
)
"""Owner, function, and the phase that its time counts to."""


@contextlib.contextmanager
def clocked(clock: Any) -> Iterator[None]:
    """Clock the steps of a publication for the length of the block."""
    before: list[tuple[Any, str, Any]] = []

    def put(owner: Any, name: str, phase: Any) -> None:
        before.append((owner, name, getattr(owner, name)))
        setattr(owner, name, clock.clocked(getattr(owner, name), phase))

    for owner, name, phase in STEPS:
        if hasattr(owner, name):
            put(owner, name, phase)
    put(releases, "_bring", lambda *given, **_: f"bring {given[3]}s")
    try:
        yield
    finally:
        for owner, name, value in reversed(before):
            setattr(owner, name, value)


def publication(engine: Engine, dataset: UUID, title: str, n: int, *, phases: bool = True) -> float:
    """Seconds of a publication, its commit included; printed with its phases."""
    importing.settle(engine)
    clock = importing.Clock()
    start = time.perf_counter()
    with clocked(clock), engine.begin() as connection, importing.used(connection) as processor:
        number = publishing.publish_dataset(connection, dataset)
    seconds = time.perf_counter() - start
    with engine.connect() as connection:
        said = connection.scalar(text("SELECT changes FROM pub.release WHERE number = :n"), {"n": number})
    print(
        f"{title}: {seconds:.2f} s, {seconds / n * 1e6:.1f} µs a value; processor {processor[0]:.2f} s; {said['observations']}"
    )
    if phases:
        rest = {**clock.seconds, "the rest, commit": seconds - sum(clock.seconds.values())}
        for phase, spent in sorted(rest.items(), key=lambda pair: -pair[1]):
            if spent >= 0.005:
                print(f"    {spent:7.2f} s  {phase}")
    return seconds


def bare_insert(engine: Engine) -> tuple[float, int]:
    """Seconds of writing the published rows into plain tables with the same indexes, and how many values there are."""
    with engine.begin() as connection:
        for name in ("site", "observation"):
            connection.execute(
                text(f"CREATE TABLE bare_{name} (LIKE pub.{name} INCLUDING INDEXES INCLUDING CONSTRAINTS)")
            )
    importing.settle(engine)
    start = time.perf_counter()
    with engine.begin() as connection:
        for name in ("site", "observation"):
            n = connection.execute(
                text(f"INSERT INTO bare_{name} SELECT * FROM pub.{name} WHERE released_to IS NULL")  # noqa: S608 - ours
            ).rowcount
    seconds = time.perf_counter() - start
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE bare_site, bare_observation"))
    return seconds, n


def change_one(connection: Connection) -> None:
    """Another value in one layer."""
    connection.execute(
        text(
            "UPDATE core.layer SET result_values[1] = result_values[1] + 1 WHERE id = (SELECT max(id) FROM core.layer WHERE procedures <> '{}')"
        )
    )


def explain_slow(engine: Engine) -> None:
    """Let the server write down the plans of slow statements. Its log stands in the data folder."""

    @event.listens_for(engine, "connect")
    def each(raw: Any, _: Any) -> None:
        with raw.cursor() as cursor:
            cursor.execute("LOAD 'auto_explain'")
            for name, value in (
                ("log_min_duration", SLOW_MS),
                ("log_analyze", "on"),
                ("log_buffers", "on"),
                ("log_timing", "on"),
                ("log_nested_statements", "on"),
            ):
                cursor.execute(f"SET auto_explain.{name} = '{value}'")
        raw.commit()


def measure(n_sites: int, plans: Path | None) -> tuple[float, float]:
    """Print what one size takes; returns the first publication [µs a value], and the share that an unchanged one takes."""
    with tempfile.TemporaryDirectory(prefix="observatory-bench-") as scratch:
        path, data = Path(scratch) / "sites.csv", Path(scratch) / "data"
        importing.PER_PROFILE = LAYERS
        importing.write_file(path, n_sites * LAYERS)
        with importing.fresh_cluster(data) as here, session.disposing(here.owner_engine()) as engine:
            found = importing.whole_import(engine, path)[2]
            assert found.dataset is not None
            with engine.connect() as connection:
                n = connection.scalar(text("SELECT sum(cardinality(procedures)) FROM core.layer"))
            print(f"== {n_sites:,} sites, {n:,} values; load {os.getloadavg()[0]:.2f}")
            if plans is not None:
                engine.dispose()
                explain_slow(engine)
            first = publication(engine, found.dataset, "first", n)
            bare, rows = bare_insert(engine)
            assert rows == n
            print(f"bare INSERT: {bare:.2f} s, {bare / n * 1e6:.1f} µs a value; ratio {first / bare:.1f}")
            second = publication(engine, found.dataset, "unchanged", n)
            with engine.begin() as connection:
                change_one(connection)
            publication(engine, found.dataset, "one value changed", n)
            importing.whole_import(engine, path)
            publication(engine, found.dataset, "uploaded again", n)
            print(f"load {os.getloadavg()[0]:.2f}", flush=True)
        if plans is not None:
            with plans.open("ab") as out:
                for log in sorted(data.rglob("*.log")):
                    out.write(log.read_bytes())
    return first / n * 1e6, second / first


def main() -> int:
    """All sizes; 1 if something is slower than wanted."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--sites", type=int, nargs="+", default=SIZES)
    asked.add_argument("--plans", type=Path, help="file to append the plans of slow statements to")
    given = asked.parse_args()
    found = [measure(n, given.plans) for n in given.sites]
    each, unchanged = [us for us, _ in found], max(share for _, share in found)
    growth = each[-1] / each[0]
    checks = (
        (f"first: {max(each):.1f} µs a value; wanted {WANTED_US:g}", max(each) <= WANTED_US),
        (f"growth from the smallest to the largest: {growth:.2f}; wanted {WANTED_GROWTH:g}", growth <= WANTED_GROWTH),
        (f"unchanged: {unchanged:.2f} of the first; wanted {WANTED_UNCHANGED:g}", unchanged <= WANTED_UNCHANGED),
    )
    for words, good in checks:
        print(f"{words}: {importing.met(good)}")
    return 0 if all(good for _, good in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
