"""Attacks on what owners asked to keep back: positions within a cell, values of closed data, what is not published yet.

The strongest of them needs no list of tricks: two services that differ only in where, within its cell, a site truly lies
must hold the same published rows and give the same answers. What is equal in both cannot tell which it is.
"""

import datetime as dt
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import mapbox_vector_tile
import morecantile
import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.db import estimates, exports, releases, session
from app.db.session import Database
from app.db.tables import metadata
from app.main import create_app
from app.pipelines import deriving, disclosure, publishing
from app.settings import Settings
from tests.builders import Site, store
from tests.conftest import _create

CELL = (37.0000001, 0.4500001)
"""A corner of a cell of 10 km in Kenya, just inside."""
BORDER = (34.05, 0.95)
"""Where a cell of 10 km lies in Kenya and in Uganda."""


def inside(
    connection: Connection, lon: float, lat: float, precision: str, n: int, seed: int
) -> list[tuple[float, float]]:
    """Positions anywhere in the cell of a position."""
    w, s, e, n_ = connection.execute(
        text(
            "SELECT ST_XMin(c), ST_YMin(c), ST_XMax(c), ST_YMax(c) "
            "FROM pub.grid_cell(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :p) AS c"
        ),
        {"lon": lon, "lat": lat, "p": precision},
    ).one()
    chance = random.Random(seed)
    return [(w + (e - w) * chance.uniform(0.01, 0.99), s + (n_ - s) * chance.uniform(0.01, 0.99)) for _ in range(n)]


TERMS: dict[str, dict[str, Any]] = {
    "coarse": {"location_precision": "10km"},
    "middling": {"location_precision": "1km", "licence_class": "display_generalised_only", "licence": "Ours"},
    "fine": {"location_precision": "100m"},
    "country": {"location_precision": "region"},
}


def _store(connection: Connection) -> None:
    """The sets whose true positions the attacker wants, and an exact one beside them."""
    for slug, terms in TERMS.items():
        precision = terms["location_precision"]
        spots = inside(connection, *CELL, "10km" if precision == "region" else precision, 6, seed=len(slug))
        sites = [
            Site(key=f"{slug}-{i}", lon=x, lat=y, region="country-KEN", soc=(20.0 + i,), flags=["COORD_ROUNDED"])
            for i, (x, y) in enumerate(spots)
        ]
        deriving.derive(connection, store(connection, slug, sites, **terms))
    crossing = inside(connection, *BORDER, "10km", 1, seed=1)[0]
    site = Site(key="b", lon=crossing[0], lat=crossing[1], region="country-KEN")
    deriving.derive(connection, store(connection, "crossing", [site], location_precision="10km", synthetic=True))
    line = [Site(key=f"o{i}", lon=37.5 + i / 50, lat=0.31, region="country-KEN", soc=(30.0 + i,)) for i in range(12)]
    deriving.derive(connection, store(connection, "open", line))


def _displace(connection: Connection) -> None:
    """Move every coarse site elsewhere in its cell, and change all that is known only of the true place."""
    rows = connection.execute(
        text(
            "SELECT s.id, ST_X(s.geom) AS x, ST_Y(s.geom) AS y, d.location_precision AS p FROM core.site s "
            "JOIN core.dataset d ON d.id = s.dataset_id WHERE d.location_precision <> 'exact'"
        )
    ).all()
    for seed, row in enumerate(rows):
        ((x, y),) = inside(connection, row.x, row.y, "10km" if row.p == "region" else row.p, 1, seed=100 + seed)
        assert (x, y) != (row.x, row.y)
        connection.execute(
            text(
                "UPDATE core.site SET geom = ST_SetSRID(ST_MakePoint(:x, :y), 4326), position_text = 'moved', "
                "own_id = own_id || '-moved', name = 'Farm of the neighbour', flags = '{COORD_NEAR_BORDER,COORD_REPEATED}' "
                "WHERE id = :id"
            ),
            {"x": x, "y": y, "id": row.id},
        )
        connection.execute(
            text(
                "UPDATE core.visit SET sampled_from = sampled_from + 40, sampled_to = sampled_to + 41 WHERE site_id = :id"
            ),
            {"id": row.id},
        )
    connection.execute(
        text(
            "UPDATE core.layer SET flags = '{POSSIBLE_DUPLICATE,COORD_VAGUE}', result_flags = '{\"1\": [\"PEER_OUTLIER\"]}' "
            "WHERE visit_id IN (SELECT v.id FROM core.visit v JOIN core.site s ON s.id = v.site_id "
            "JOIN core.dataset d ON d.id = s.dataset_id WHERE d.location_precision <> 'exact')"
        )
    )
    connection.execute(
        text(
            "UPDATE core.site_region SET distance_m = 1234 WHERE site_id IN (SELECT s.id FROM core.site s "
            "JOIN core.dataset d ON d.id = s.dataset_id WHERE d.location_precision <> 'exact')"
        )
    )


def _publish(engine: Engine) -> None:
    with engine.begin() as connection:
        for slug in (*TERMS, "crossing", "open"):
            found = connection.scalar(text("SELECT id FROM core.dataset WHERE slug = :s"), {"s": slug})
            publishing.publish_dataset(connection, found)


@pytest.fixture(scope="module")
def twins(another: Callable[[str], Database]) -> tuple[Database, Database]:
    """Two databases that differ in the true positions only."""
    first = another("twin_a")
    with session.disposing(first.worker_engine()) as engine, engine.begin() as connection:
        _store(connection)
    second = _create(first, "twin_b", "twin_a")
    with session.disposing(second.worker_engine()) as engine:
        with engine.begin() as connection:
            _displace(connection)
        _publish(engine)
    with session.disposing(first.worker_engine()) as engine:
        _publish(engine)
    return first, second


@pytest.fixture(scope="module")
def services(twins: tuple[Database, Database]) -> Iterator[tuple[TestClient, TestClient]]:
    """The services on both."""
    apps = [
        create_app(
            Settings(database_url=own.owner.render_as_string(hide_password=False), log_level="error", _env_file=None)
        )
        for own in twins
    ]
    with TestClient(apps[0]) as first, TestClient(apps[1]) as second:
        yield first, second


# --- Everything that is published -----------------------------------------------------------------------------------

MADE_AT = {"created_at", "computed_at", "released_at"}


@pytest.mark.parametrize("table", sorted(t.fullname for t in metadata.tables.values() if t.schema == "pub"))
def test_published_rows_do_not_depend_on_where_in_its_cell_a_site_lies(twins: tuple[Database, Database], table: str):
    def rows(own: Database) -> list[str]:
        with session.disposing(own.web_engine(pool_size=1, timeout_s=30)) as engine, engine.connect() as connection:
            names = [c.name for c in metadata.tables[table].columns if c.name not in MADE_AT]
            listed = ", ".join(f'"{name}"' for name in names)
            found = connection.execute(text(f"SELECT ROW({listed})::text FROM {table}"))
            return sorted(found.scalars())

    first, second = rows(twins[0]), rows(twins[1])
    assert first == second
    assert first or table not in {"pub.site", "pub.observation", "pub.dataset", "pub.estimate", "pub.release"}


def _battery() -> Iterator[str]:
    """Requests with which somebody would look for the true places."""
    lon, lat = CELL
    for collection in ("sites", "observations"):
        yield f"/collections/{collection}"
        yield f"/collections/{collection}/tiles/WebMercatorQuad"
        yield f"/collections/{collection}/items?limit=3"
        for day in ("2015-06-01", "2015-07-11", "2015-01-01/2015-06-30", "2015-07-01/..", "../2014-12-31"):
            yield f"/collections/{collection}/items?limit=1000&datetime={day}"
        for slug in (*TERMS, "crossing", "nobody"):
            yield f"/collections/{collection}/items?limit=1000&dataset={slug}"
            for half, step in itertools.product((0.5, 0.1, 0.02, 0.004), range(-3, 4)):
                x, y = lon + step * half, lat + step * half / 2
                box = f"{x - half:.6f},{y - half:.6f},{x + half:.6f},{y + half:.6f}"
                yield f"/collections/{collection}/items?limit=1000&dataset={slug}&bbox={box}"
    for country in ("country-KEN", "country-UGA", "country-TZA"):
        yield f"/collections/sites/items?limit=1000&country={country}"
        yield f"/regions/{country}/indicators"
    yield "/collections/regions/items/country-KEN"
    yield "/collections/sites/items?bbox=1,2,3"
    yield "/indicators"
    for slug in (*TERMS, "crossing"):
        yield f"/datasets/{slug}"
        yield f"/datasets/{slug}/history"
        yield f"/datasets/{slug}/citation?format=datacite"


def _said(answer: Any) -> Any:
    body = answer.json()
    if isinstance(body, dict):
        body.pop("timeStamp", None)
        for one in body.get("releases", []):
            if isinstance(one, dict):
                one.pop("at")
        for one in body.get("dates", []):
            one.pop("date")
    return answer.status_code, answer.headers.get("etag"), body


def test_no_answer_depends_on_where_in_its_cell_a_site_lies(services: tuple[TestClient, TestClient]):
    first, second = services
    for path in _battery():
        assert _said(first.get(path)) == _said(second.get(path)), path


def test_no_tile_depends_on_where_in_its_cell_a_site_lies(services: tuple[TestClient, TestClient]):
    first, second = services
    world = morecantile.tms.get("WebMercatorQuad")
    seen = 0
    for zoom in range(15):
        middle = world.tile(*CELL, zoom)
        around = range(-1, 2) if zoom < 14 else range(-3, 4)
        for dx, dy in itertools.product(around, around):
            x, y = middle.x + dx, middle.y + dy
            if not (0 <= x < 2**zoom and 0 <= y < 2**zoom):
                continue
            for collection in ("sites", "observations"):
                path = f"/collections/{collection}/tiles/WebMercatorQuad/{zoom}/{y}/{x}"
                a, b = first.get(path).content, second.get(path).content
                assert mapbox_vector_tile.decode(a) == mapbox_vector_tile.decode(b), path
                seen += len(a)
    assert seen > 0


def test_pages_and_their_cursors_do_not_depend_on_it_either(services: tuple[TestClient, TestClient]):
    def walk(client: TestClient) -> list[Any]:
        path, seen = "/collections/sites/items?limit=4", []
        while path:
            body = client.get(path).json()
            seen.append([(f["id"], f["geometry"]) for f in body["features"]])
            path = next((link["href"] for link in body["links"] if link["rel"] == "next"), "")
        return seen

    assert walk(services[0]) == walk(services[1])


def test_boxes_count_generalised_positions_only(services: tuple[TestClient, TestClient]):
    """Bisecting by boxes ends at the centre of the cell, wherever the site is."""
    client = services[0]
    box = [36.0, -0.5, 38.0, 1.5]
    asked: dict[str, str] = {"dataset": "coarse", "limit": "1"}
    for step in range(40):
        axis = step % 2
        half = list(box)
        half[axis + 2] = (box[axis] + box[axis + 2]) / 2
        found = client.get("/collections/sites/items", params={**asked, "bbox": ",".join(map(str, half))}).json()
        box = half if found["numberMatched"] else [*(half[axis + 2] if i == axis else v for i, v in enumerate(box))]
    (site,) = client.get("/collections/sites/items", params=asked).json()["features"]
    x, y = site["geometry"]["coordinates"]
    assert (box[0] + box[2]) / 2 == pytest.approx(x, abs=1e-5)
    assert (box[1] + box[3]) / 2 == pytest.approx(y, abs=1e-5)


def test_country_is_withheld_where_the_cell_lies_in_several(services: tuple[TestClient, TestClient]):
    (site,) = services[0].get("/collections/sites/items", params={"dataset": "crossing"}).json()["features"]
    assert site["properties"]["country"] is None
    assert "country" in site["properties"]["informationWithheld"]
    (inner, *_) = services[0].get("/collections/sites/items", params={"dataset": "coarse"}).json()["features"]
    assert inner["properties"]["country"] == "country-KEN"


def test_region_only_sites_stand_on_the_label_with_an_uncertainty_that_covers_the_country(
    services: tuple[TestClient, TestClient], twins: tuple[Database, Database]
):
    sites = services[0].get("/collections/sites/items", params={"dataset": "country"}).json()["features"]
    assert len({tuple(s["geometry"]["coordinates"]) for s in sites}) == 1
    reach = {s["properties"]["coordinateUncertaintyInMeters"] for s in sites}.pop()
    with session.disposing(twins[0].worker_engine()) as engine, engine.connect() as connection:
        farthest = connection.scalar(
            text(
                "SELECT max(ST_Distance(r.label_point::geography, c.geom::geography)) FROM core.region r, "
                "LATERAL ST_DumpPoints(r.geom) c WHERE r.id = 'country-KEN'"
            )
        )
    assert farthest < reach < farthest + 20_000


def test_true_position_lies_within_the_published_uncertainty(twins: tuple[Database, Database]):
    for own in twins:
        with session.disposing(own.worker_engine()) as engine, engine.connect() as connection:
            over = connection.scalar(
                text(
                    "SELECT count(*) FROM pub.site p JOIN core.site s USING (id) WHERE p.location_precision <> 'exact' "
                    "AND ST_Distance(p.geom::geography, s.geom::geography) > p.coordinate_uncertainty_m"
                )
            )
        assert over == 0


@pytest.mark.parametrize("slug", [*TERMS, "crossing"])
def test_exports_for_everybody_do_not_depend_on_it(twins: tuple[Database, Database], slug: str):
    def exported(own: Database) -> Any:
        with session.disposing(own.worker_engine()) as engine, engine.connect() as connection:
            dataset = connection.scalar(text("SELECT id FROM core.dataset WHERE slug = :s"), {"s": slug})
            layers = exports.layers(connection, dataset, exact=False)
            return layers, exports.results(connection, dataset, exact=False)

    first, second = exported(twins[0]), exported(twins[1])
    assert len(first[0]) > 0
    for a, b in zip(first, second, strict=True):
        assert a.equals(b)


# --- Again and again ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(another: Callable[[str], Database]) -> Iterator[Engine]:
    with session.disposing(another("disclosure").worker_engine()) as here:
        yield here


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as here:
        yield here
        here.rollback()


def publish(connection: Connection, slug: str, sites: list[Site], **terms: Any) -> UUID:
    connection.execute(
        text("DELETE FROM core.site WHERE dataset_id IN (SELECT id FROM core.dataset WHERE slug = :s)"), {"s": slug}
    )
    dataset = store(connection, slug, sites, **terms)
    deriving.derive(connection, dataset)
    publishing.publish_dataset(connection, dataset)
    return dataset


def test_releases_uploads_and_small_corrections_never_move_a_published_position(connection: Connection):
    seen = set()
    for shift in range(12):
        spots = inside(connection, *CELL, "10km", 3, seed=shift)
        sites = [Site(key=f"s{i}", lon=x, lat=y, region="country-KEN") for i, (x, y) in enumerate(spots)]
        publish(connection, "again", sites, location_precision="10km")
        seen |= set(
            connection.execute(
                text("SELECT ST_AsEWKB(geom), coordinate_uncertainty_m FROM pub.site WHERE dataset_id IS NOT NULL")
            ).all()
        )
    assert len({(bytes(place), reach) for place, reach in seen}) == 1


def test_publishing_unchanged_data_writes_no_row(connection: Connection):
    sites = [Site(key=f"s{i}", lon=37 + i / 9, lat=0.4, region="country-KEN") for i in range(12)]
    dataset = publish(connection, "steady", sites, location_precision="1km")
    number = publishing.publish_dataset(connection, dataset)
    changes = connection.scalar(text("SELECT changes FROM pub.release WHERE number = :n"), {"n": number})
    nothing = {"added": 0, "changed": 0, "removed": 0}
    assert (changes["sites"], changes["observations"], changes["terms"], changes["figures"]) == (*[nothing] * 3, 0)
    for table in ("site", "observation", "dataset", "estimate"):
        touched = f"SELECT count(*) FROM pub.{table} WHERE released_from = :n OR released_to = :n"
        assert connection.scalar(text(touched), {"n": number}) == 0


def test_release_writes_and_counts_only_what_differs(connection: Connection):
    sites = [Site(key=f"s{i}", lon=37 + i / 9, lat=0.4, region="country-KEN") for i in range(12)]
    dataset = publish(connection, "steady", sites)
    connection.execute(text("UPDATE core.site SET geom = ST_Translate(geom, 0.001, 0) WHERE own_id = 's3'"))
    connection.execute(text("DELETE FROM core.site WHERE own_id = 's4'"))
    number = publishing.publish_dataset(connection, dataset)
    changes = connection.scalar(text("SELECT changes FROM pub.release WHERE number = :n"), {"n": number})
    assert changes["sites"] == {"added": 0, "changed": 1, "removed": 1}
    assert changes["observations"] == {"added": 0, "changed": 3, "removed": 3}


def test_hash_of_a_release_is_one_over_its_rows(connection: Connection):
    def sealed(soc: float) -> bytes:
        step = connection.begin_nested()
        publish(connection, "sealed", [Site(key="s", lon=37, lat=0.4, region="country-KEN", soc=(soc,))])
        connection.execute(
            text(
                "UPDATE pub.observation SET id = md5(property)::uuid, site_id = md5('s')::uuid, "
                "visit_id = md5('v')::uuid, dataset_id = md5('d')::uuid WHERE released_to IS NULL"
            )
        )
        connection.execute(text("UPDATE pub.site SET id = md5('s')::uuid, dataset_id = md5('d')::uuid"))
        connection.execute(text("UPDATE pub.dataset SET id = md5('d')::uuid"))
        connection.execute(text("UPDATE pub.estimate SET datasets = '[]'"))
        latest = releases.current(connection)
        connection.execute(text("UPDATE pub.release SET content_hash = sha256('x') WHERE number = :n"), {"n": latest})
        connection.execute(text("SELECT core.seal_release(:n)"), {"n": latest})
        found: bytes = connection.scalar(text("SELECT content_hash FROM pub.release WHERE number = :n"), {"n": latest})
        step.rollback()
        return bytes(found)

    assert sealed(20.0) == sealed(20.0)
    assert sealed(20.0) != sealed(20.5)


# --- Classes of licences --------------------------------------------------------------------------------------------


def three(n: int, soc: float, **more: Any) -> list[Site]:
    return [
        Site(key=f"s{i}", lon=36.6 + i / 9, lat=0.2, region="country-KEN", soc=(soc + i,), **more) for i in range(n)
    ]


CLOSED = {"licence_class": "aggregate_only", "licence": "For figures only"}


def stock(connection: Connection, period: str = "all") -> Any:
    return next((e for e in estimates.of_region(connection, "country-KEN", indicator="soc_stock", period=period)), None)


def closed(connection: Connection, sizes: dict[str, int], **more: Any) -> None:
    """A set of closed data for each owner."""
    for place, (owner, n) in enumerate(sizes.items()):
        publish(connection, f"of-{owner}", three(n, 20.0 + 7 * place, **more), owners=(owner,), **CLOSED)


def test_aggregate_only_data_are_in_figures_and_nowhere_else(connection: Connection):
    closed(connection, {"a": 5, "b": 5, "c": 5})
    for table in ("site", "observation"):
        assert connection.scalar(text(f"SELECT count(*) FROM pub.{table}")) == 0
    found = stock(connection)
    assert (found.n_sites, found.n_owners, found.refused) == (15, 3, None)
    assert found.value is not None
    assert {d["licence_class"] for d in found.dataset_terms} == {"aggregate_only"}


def test_database_refuses_exact_positions_under_a_licence_for_generalised_ones(connection: Connection):
    with pytest.raises(DBAPIError, match="generalised_licence_has_cells"):
        store(connection, "wrong", three(1, 20.0), licence_class="display_generalised_only")


def test_few_closed_values_give_the_mean_only(connection: Connection):
    closed(connection, {"a": 2, "b": 2, "c": 2})
    found = stock(connection)
    assert found.value is not None
    assert [found.sd, found.se, found.lower, found.median, found.q1] == [None] * 5
    assert found.notes == ["spread_withheld"]


def test_median_of_three_closed_values_is_not_given(connection: Connection):
    closed(connection, {"a": 1, "b": 1, "c": 1})
    found = stock(connection)
    assert (found.value, found.median, found.refused) == (None, None, "could_betray")
    assert (found.coverage["first_year"], found.quality) == (None, {})


def test_figures_of_an_embargoed_set_wait(connection: Connection):
    publish(connection, "later", three(12, 20.0), embargo_until=dt.date(2999, 1, 1))
    assert stock(connection) is None
    assert connection.scalar(text("SELECT count(*) FROM pub.dataset")) == 0
    assert connection.scalar(text("SELECT count(*) FROM pub.release WHERE kind <> 'reference'")) == 0


# --- Differences of figures -----------------------------------------------------------------------------------------


def test_decade_that_all_years_less_the_others_would_betray_takes_another_along(connection: Connection):
    years = {"a": (1995, 2005), "b": (1995, 2005), "c": (1995, 2005), "d": (2015,)}
    for place, (owner, sampled) in enumerate(years.items()):
        sites = [
            replace(site, key=f"{site.key}-{year}", year=year) for year in sampled for site in three(4, 20.0 + place)
        ]
        publish(connection, f"of-{owner}", sites, owners=(owner,), **CLOSED)
    shown = {p: stock(connection, p).value is not None for p in ("all", "1990/1999", "2000/2009", "2010/2019")}
    assert shown["all"]
    assert not shown["2010/2019"]
    assert sorted([shown["1990/1999"], shown["2000/2009"]]) == [False, True]
    hidden = "1990/1999" if not shown["1990/1999"] else "2000/2009"
    assert stock(connection, hidden).refused == "could_betray"


def test_open_data_are_never_withheld_for_it(connection: Connection):
    sites = [replace(s, key=f"{s.key}-{y}", year=y) for y in (1995, 2005, 2015) for s in three(5, 20.0)]
    publish(connection, "free", sites)
    assert all(stock(connection, p).value is not None for p in ("all", "1990/1999", "2000/2009", "2010/2019"))


def test_one_closed_site_more_does_not_show_in_the_difference_of_two_releases(connection: Connection):
    closed(connection, {"a": 5, "b": 5, "c": 5})
    before = stock(connection)
    publish(
        connection,
        "of-a",
        [*three(5, 20.0), Site(key="new", lon=37.3, lat=0.6, region="country-KEN", soc=(90.0,))],
        owners=("a",),
        **CLOSED,
    )
    after = stock(connection)
    assert (after.value, after.n_sites) == (before.value, before.n_sites)
    assert "held_back" in after.notes
    # Enough owners changed theirs: the newer data come in together.
    for owner, soc in (("b", 27.0), ("c", 34.0)):
        more = [Site(key="new", lon=37.3, lat=0.6, region="country-KEN", soc=(50.0,))]
        publish(connection, f"of-{owner}", [*three(5, soc), *more], owners=(owner,), **CLOSED)
    at_last = stock(connection)
    assert at_last.n_sites == 18
    assert "held_back" not in at_last.notes


def test_closed_data_that_are_taken_back_leave_no_figure_to_subtract_from(connection: Connection):
    # Stored before one is published, so that the first figure has all four.
    for owner, soc in (("b", 27.0), ("c", 34.0), ("d", 41.0)):
        deriving.derive(connection, store(connection, f"of-{owner}", three(5, soc), owners=(owner,), **CLOSED))
    closed(connection, {"a": 5})
    assert stock(connection).n_sites == 20
    publishing.withdraw_dataset(connection, "of-d")
    found = stock(connection)
    assert (found.value, found.refused) == (None, "could_betray")


def test_same_closed_file_again_keeps_its_figure(connection: Connection):
    closed(connection, {"a": 5, "b": 5, "c": 5})
    before = stock(connection)
    closed(connection, {"a": 5, "b": 5, "c": 5})
    after = stock(connection)
    assert (after.value, after.notes) == (before.value, before.notes)


def test_open_site_more_changes_the_figure_at_once(connection: Connection):
    publish(connection, "free", three(12, 20.0))
    before = stock(connection).value
    publish(
        connection, "free", [*three(12, 20.0), Site(key="new", lon=37.3, lat=0.6, region="country-KEN", soc=(90.0,))]
    )
    assert stock(connection).value > before


HOLDERS = {f"{owner}{i}": owner for owner in "abcdef" for i in range(9)}


def sites(*names: str) -> frozenset[str]:
    return frozenset(f"{name}{i}" for name in names for i in range(3))


@pytest.mark.parametrize(
    ("figures", "withheld"),
    [
        ({"whole": sites("a", "b", "c")}, 0),
        ({"whole": sites("a", "b", "c", "d", "e", "f"), "part": sites("a", "b", "c")}, 0),
        ({"whole": sites("a", "b", "c", "d"), "part": sites("a", "b", "c")}, 1),
        ({"whole": sites("a", "b", "c", "d", "e", "f"), "one": sites("a", "b", "c"), "two": sites("d", "e")}, 1),
        ({"one": sites("a", "b", "c"), "two": sites("d", "e", "f")}, 0),
        ({"one": sites("a", "b", "c", "d"), "two": sites("b", "c", "d", "e")}, 0),
        # a+b+c+d, b+c+d+e, a+e+f..: the sum of the first two less the others isolates what none contains alone.
        ({"ab": sites("a", "b", "c", "d"), "bc": sites("b", "c", "d"), "open": frozenset()}, 1),
    ],
)
def test_nothing_unsafe_follows_from_what_is_left(figures: dict[str, frozenset[str]], withheld: int):
    gone = disclosure.to_withhold(figures, HOLDERS)
    assert len(gone) == withheld
    left = {key: found for key, found in figures.items() if key not in gone}
    assert disclosure._betrayed({k: v for k, v in left.items() if v}, HOLDERS) == frozenset()


def test_chance_figures_leave_no_unsafe_difference():
    chance = random.Random(4)
    for _ in range(200):
        figures = {
            str(i): frozenset(chance.sample(sorted(HOLDERS), chance.randint(0, 40)))
            for i in range(chance.randint(1, 6))
        }
        figures["all"] = frozenset().union(*figures.values())
        own = {key: found for key, found in figures.items() if disclosure.safe(found, HOLDERS)}
        gone = disclosure.to_withhold(own, HOLDERS)
        left = [found for key, found in own.items() if key not in gone]
        for one, other in itertools.permutations(left, 2):
            if other < one:
                assert disclosure.safe(one - other, HOLDERS)


# --- What the roles of the database can see -------------------------------------------------------------------------

POSITIONS = {
    "site",
    "site_region",
    "site_practice",
    "visit",
    "layer",
    "procedure",
    "derived",
    "disclosed",
}


def _relations(connection: Connection) -> list[str]:
    return list(
        connection.scalars(
            text(
                "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = 'core' AND c.relkind IN ('r', 'v', 'm', 'p', 'S')"
            )
        )
    )


@pytest.fixture(scope="module")
def owner_engine(twins: tuple[Database, Database]) -> Iterator[Engine]:
    with session.disposing(twins[0].owner_engine()) as here:
        yield here


def test_public_role_has_no_right_on_anything_in_core(owner_engine: Engine):
    with owner_engine.connect() as here:
        relations = _relations(here)
        assert len(relations) > 20
        assert not here.scalar(text("SELECT has_schema_privilege('observatory_web', 'core', 'USAGE')"))
        for name in relations:
            kind = "sequence" if name.endswith("_seq") else "any_column" if "." in name else "table"
            rights = ("USAGE", "SELECT", "UPDATE") if kind == "sequence" else ("SELECT", "INSERT", "UPDATE")
            function = {"sequence": "has_sequence_privilege", "any_column": "has_any_column_privilege"}[kind]
            for right in rights:
                allowed = here.scalar(text(f"SELECT {function}('observatory_web', :n, :r)"), {"n": name, "r": right})
                assert not allowed, (name, right)


def test_desk_role_cannot_read_observations_or_positions(owner_engine: Engine):
    with owner_engine.connect() as here:
        relations = {name.split(".")[1]: name for name in _relations(here) if not name.endswith("_seq")}
        for table in POSITIONS | {"result"}:
            for right in ("SELECT", "UPDATE"):
                allowed = here.scalar(
                    text("SELECT has_any_column_privilege('observatory_desk', :n, :r)"),
                    {"n": relations[table], "r": right},
                )
                assert not allowed, (table, right)


@pytest.mark.parametrize("role", ["observatory_web", "observatory_desk"])
def test_functions_that_act_for_their_owner_are_known_and_not_for_the_public(owner_engine: Engine, role: str):
    with owner_engine.connect() as here:
        found = here.execute(
            text(
                "SELECT p.oid::regprocedure::text AS name, has_function_privilege(:r, p.oid, 'EXECUTE') AS may "
                "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname IN ('core', 'pub', 'public')"
            ),
            {"r": role},
        ).all()
    allowed = {row.name.split("(")[0] for row in found if row.may}
    assert allowed <= (set() if role == "observatory_web" else {"core.take_down", "core.record_flags"})


@pytest.mark.parametrize("role", ["web", "desk"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT geom FROM core.site",
        "EXPLAIN SELECT geom FROM core.site WHERE ST_X(geom) > 37",
        "EXPLAIN ANALYZE SELECT * FROM core.site",
        "COPY core.site TO STDOUT",
        "COPY (SELECT geom FROM core.site) TO STDOUT",
        "SELECT * FROM core.result",
        "CREATE VIEW pub.mine AS SELECT * FROM core.site",
        "CREATE FUNCTION pub.mine() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::text'",
        "SELECT * FROM pg_statistic",
        "SELECT ST_EstimatedExtent('core', 'site', 'geom')",
        "SELECT ST_EstimatedExtent('core', 'site', 'geom', true)",
        "SELECT query_to_xml('SELECT geom FROM core.site', true, false, '')",
        "SELECT table_to_xml('core.site'::regclass, true, false, '')",
        "SELECT pg_read_file('PG_VERSION')",
        "SET ROLE observatory_worker",
        "SELECT core.refresh_statistics()",
        "ALTER TABLE core.site OWNER TO observatory_web",
    ],
)
def test_no_way_round_the_rights(twins: tuple[Database, Database], role: str, statement: str):
    make = twins[0].web_engine if role == "web" else twins[0].desk_engine
    with session.disposing(make(pool_size=1, timeout_s=5)) as engine, engine.connect() as here:
        with pytest.raises(DBAPIError) as refusal:
            here.execute(text(statement))
        assert isinstance(refusal.value.orig, psycopg.errors.InsufficientPrivilege), refusal.value.orig


@pytest.mark.parametrize("role", ["web", "desk"])
def test_catalogue_tells_nothing_of_what_is_in_core(twins: tuple[Database, Database], role: str):
    make = twins[0].web_engine if role == "web" else twins[0].desk_engine
    with session.disposing(twins[0].owner_engine()) as owner, owner.connect() as here:
        here.execute(text("ANALYZE core.site"))
        here.commit()
        number = here.scalar(text("SELECT 'core.site'::regclass::oid"))
    with session.disposing(make(pool_size=1, timeout_s=5)) as engine, engine.connect() as here:
        seen = "SELECT count(*) FROM pg_stats WHERE schemaname = 'core' AND tablename IN ('site', 'visit', 'layer', 'derived')"
        assert here.scalar(text(seen)) == 0
        # Functions of PostGIS for its developers show the histogram and the index of any table to who knows its number.
        for function in ("_postgis_stats", "_postgis_index_extent"):
            with pytest.raises(DBAPIError, match="permission denied for function"):
                here.scalar(text(f"SELECT {function}(CAST(:n AS oid)::regclass, 'geom')"), {"n": number})
            here.rollback()
