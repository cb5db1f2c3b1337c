"""A running service, a headless browser and something on the map, for tests that look at it.

`OBSERVATORY_E2E_URL` names a service that runs already; without it one is started on a free port with the sample data.
Needs Chromium at /usr/bin/chromium and a built map; without either the tests skip and say so.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright
from shapely.geometry import shape

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
BUILT = ROOT / "app" / "static" / "index.html"
RUNNING = os.environ.get("OBSERVATORY_E2E_URL", "").rstrip("/")

ALONE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""Nothing but this machine can be reached, so a page that needs anything else fails."""
WEBGL = ["--no-sandbox", "--enable-unsafe-swiftshader", ALONE]
NO_WEBGL = ["--no-sandbox", "--disable-gpu", "--disable-software-rasterizer", ALONE]

DESKTOP = (1100, 700)
PHONE = (390, 844)

START_S = 180


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of this folder that drive the browser skip where there is none."""
    missing = "Chromium is not installed" if not CHROMIUM.exists() else None
    if missing is None and not RUNNING and not BUILT.exists():
        missing = "the map is not built: npm run build in web/"
    if missing:
        for item in items:
            if item.get_closest_marker("e2e"):
                item.add_marker(pytest.mark.skip(reason=missing))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
        try:
            connection.request("GET", "/readyz")
            with connection.getresponse() as answer:
                return answer.status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a service that holds data, without a slash at the end."""
    if RUNNING:
        yield RUNNING
        return
    port = _free_port()
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("OBSERVATORY_", "DATABASE_"))}
    data = tmp_path_factory.mktemp("observatory")
    environment = {**outside, "OBSERVATORY_DATA_DIR": str(data), "OBSERVATORY_PORT": str(port)}
    command = [sys.executable, "-m", "app"]
    subprocess.run([*command, "seed"], cwd=ROOT, env=environment, check=True, timeout=START_S)
    log = data / "serve.log"
    with log.open("w") as output:
        service = subprocess.Popen([*command, "serve"], cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + START_S
            while not _is_ready(port):
                if service.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"the service did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.3)
            yield f"http://127.0.0.1:{port}"
        finally:
            service.terminate()
            service.wait(timeout=60)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What launches browsers."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def answer(playwright: Playwright, base_url: str) -> Iterator[Callable[[str], Any]]:
    """What the service says at a path, parsed."""
    client = playwright.request.new_context(base_url=base_url)
    yield lambda path: client.get(path, fail_on_status_code=True).json()
    client.dispose()


@dataclass(frozen=True, kw_only=True)
class Country:
    """A country with a figure, and a point on its land."""

    id: str
    name: str
    name_fr: str
    longitude: float
    latitude: float
    value: float
    n_sites: int


@pytest.fixture(scope="session")
def country(answer: Callable[[str], Any]) -> Country:
    """The largest country that has a stock over all years."""
    features = answer("/collections/regions/items?kind=country&limit=1000")["features"]
    found = [
        (feature["properties"]["area_km2"], feature, summary)
        for feature in features
        for summary in feature["properties"]["indicators"]
        if (summary["indicator"], summary["period"]) == ("soc_stock", "all") and summary["lower"] is not None
    ]
    if not found:
        pytest.skip("no country has a figure with an interval: the service holds no soil data")
    _, feature, summary = max(found, key=lambda one: float(one[0]))
    inside = shape(feature["geometry"]).representative_point()
    return Country(
        id=feature["id"],
        name=feature["properties"]["name"],
        name_fr=feature["properties"]["name_fr"],
        longitude=inside.x,
        latitude=inside.y,
        value=summary["value"],
        n_sites=summary["n_sites"],
    )


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium that draws WebGL in software."""
    launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=WEBGL)
    yield launched
    launched.close()


@dataclass(frozen=True)
class Visit:
    """A page on the map and what it did that nobody may see."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def settled(self) -> Page:
        """The page, once the map is drawn or the table is there."""
        expect(self.page.locator("[data-idle], table.regions").first).to_be_attached(timeout=30_000)
        return self.page


Look = Callable[..., Visit]


@pytest.fixture
def look(browser: Browser, base_url: str) -> Iterator[Look]:
    """Opens the map at a query and hash: look("?view=table", size=PHONE). Fails the test on any console error."""
    visits: list[Visit] = []

    def open_page(
        address: str = "",
        *,
        size: tuple[int, int] = DESKTOP,
        scheme: str = "light",
        touch: bool = False,
        on: Browser = browser,
    ) -> Visit:
        context = on.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            has_touch=touch,
            locale="en-GB",
            timezone_id="UTC",
        )
        visit = Visit(context.new_page())

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error":
                visit.errors.append(message.text)

        visit.page.on("console", heard)
        visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
        visit.page.on("request", lambda request: visit.requests.append(request.url))
        visits.append(visit)
        visit.page.goto(f"{base_url}/map/{address}")
        return visit

    yield open_page
    errors = [error for visit in visits for error in visit.errors]
    for visit in visits:
        visit.page.context.close()
    assert errors == []
