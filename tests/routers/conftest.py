"""The whole service on a database with hostile fixtures: both sides of the antimeridian, holes, generalised points."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.db import session
from app.db.session import Database
from app.main import create_app
from app.pipelines import deriving, publishing
from app.settings import Settings
from tests.builders import Site, store

KENYA = [
    Site(key=f"k{i}", lon=37 + i / 100, lat=0.5, region="country-KEN", soc=(10.0 + i,), year=2012) for i in range(12)
]
FIJI = [
    Site(key="west", lon=177.9, lat=-17.9, region="country-FJI"),
    Site(key="east", lon=-179.9, lat=-16.8, region="country-FJI", year=None),
]
CHILE = [Site(key=f"c{i}", lon=-70.6123456, lat=-33.41 - i / 1e5, region="country-CHL", density=None) for i in range(3)]


@pytest.fixture(scope="session")
def served(another: Callable[[str], Database]) -> str:
    """A database with three small datasets published; its URL."""
    own = another("served")
    with session.disposing(own.worker_engine()) as engine:
        _fill(engine)
    return own.owner.render_as_string(hide_password=False)


def _fill(engine: Engine) -> None:
    with engine.begin() as connection:
        for slug, sites, terms in (
            ("kenya", KENYA, {}),
            ("fiji", FIJI, {"synthetic": True}),
            ("chile", CHILE, {"location_precision": "10km", "licence_class": "display_generalised_only"}),
        ):
            dataset = store(connection, slug, sites, **terms)
            deriving.derive(connection, dataset)
            publishing.publish_dataset(connection, dataset)


@pytest.fixture(scope="session")
def client(served: str) -> Iterator[TestClient]:
    """The service, answering in this process."""
    settings = Settings(database_url=served, log_level="error", _env_file=None)
    with TestClient(create_app(settings), raise_server_exceptions=False) as here:
        yield here
