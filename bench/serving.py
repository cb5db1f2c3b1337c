"""What readers of the map notice of a large import beside them: requests per second with and without, in one run.

    python bench/import.py --serving

A real service process answers tiles and pages of the sample set, for some seconds alone, then while another process
imports the large file into the same private cluster, as the service's worker process does. In the service a heartbeat
on its event loop notes how late it comes.
"""

import asyncio
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from app.main import create_app
from app.settings import Settings

SECONDS = 15.0
READERS = 4
BEAT_S = 0.01
PORT = 8765
TILES = tuple(
    f"/collections/sites/tiles/WebMercatorQuad/{z}/{y}/{x}" for z, y, x in ((0, 0, 0), (2, 1, 2), (3, 3, 4), (4, 6, 8))
)
PAGES = tuple(f"/collections/observations/items?limit=100&bbox={box}" for box in ("-10,35,30,60", "-80,-40,-35,10"))


def serve(folder: Path, beats: Path) -> None:
    """Serve the data folder and write, second by second, how late the event loop's heartbeat came at worst [s]."""
    settings = Settings(data_dir=folder, port=PORT, _env_file=None)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=PORT, log_config=None, access_log=False))

    async def heartbeat() -> None:
        with beats.open("w", encoding="utf-8") as out:
            while True:
                end, worst = time.time() + 1, 0.0
                while time.time() < end:
                    start = time.perf_counter()
                    await asyncio.sleep(BEAT_S)
                    worst = max(worst, time.perf_counter() - start - BEAT_S)
                out.write(f"{json.dumps([time.time(), worst])}\n")
                out.flush()

    async def both() -> None:
        beating = asyncio.create_task(heartbeat())
        await server.serve()
        beating.cancel()

    asyncio.run(both())


@contextmanager
def service(folder: Path, beats: Path) -> Iterator[None]:
    """The service as a process of its own, answering."""
    process = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, __file__, str(folder), str(beats)], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        for _ in range(300):
            try:
                ask(http.client.HTTPConnection("127.0.0.1", PORT, timeout=30), TILES[0])
                break
            except OSError:
                time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(30)


def ask(connection: http.client.HTTPConnection, path: str) -> None:
    """One request; anything but a good answer ends the benchmark."""
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status in {200, 204}, (path, answer.status, body[:300])


def requests_per_second(busy: Callable[[], bool]) -> tuple[float, float]:
    """Answers a second to some readers at once, and the slowest [s], for some seconds or as long as `busy`."""
    start = time.monotonic()
    counts, slowest = [0] * READERS, [0.0] * READERS

    def read(reader: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        paths = (*TILES, *PAGES)
        while busy():
            began = time.monotonic()
            ask(connection, paths[(counts[reader] + reader) % len(paths)])
            counts[reader] += 1
            slowest[reader] = max(slowest[reader], time.monotonic() - began)

    readers = [threading.Thread(target=read, args=(reader,)) for reader in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return sum(counts) / (time.monotonic() - start), max(slowest)


def measure(folder: Path, importing: list[str]) -> tuple[float, float]:
    """Print throughput alone and during an import; returns the share that is left and the longest block [s].

    importing : the command that imports into the cluster of the service and ends.
    """
    beats = folder / "beats.jsonl"
    with service(folder, beats):
        requests_per_second(for_seconds(3))
        alone, slowest = requests_per_second(for_seconds(SECONDS))
        print(f"alone: {alone:.0f} answers/s, the slowest {slowest:.2f} s")
        began = time.time()
        child = subprocess.Popen(importing, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves
        beside, slowest = requests_per_second(lambda: child.poll() is None)
        ended = time.time()
        assert child.returncode == 0, "the import failed"
        again, _ = requests_per_second(for_seconds(SECONDS))
    told = [json.loads(line) for line in beats.read_text(encoding="utf-8").splitlines()]
    worst = max(late for at, late in told if began < at < ended + 1)
    quiet = max(late for at, late in told if at < began)
    print(f"beside an import of {ended - began:.0f} s: {beside:.0f} answers/s, the slowest {slowest:.2f} s")
    print(f"alone again: {again:.0f} answers/s; cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
    print(f"the event loop was late by {1000 * worst:.0f} ms at worst beside the import, {1000 * quiet:.0f} ms alone")
    return beside / max(alone, again), worst


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Whether so many seconds from now have not passed."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


if __name__ == "__main__":
    if len(sys.argv) == 3:
        serve(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        print("Run: python bench/import.py --serving")
