"""Regions in the database: a hierarchy whose areas add up, and boundary files with their sites."""

from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import Connection, text

from app.db import regions, session
from app.db.session import Database
from app.errors import RefusedFile
from app.geo import boundaries
from app.geo.boundary_files import Columns
from app.ingest.mapping import load_mapping
from app.pipelines import bounding, deriving, importing, publishing
from tests.builders import Site, store
from tests.conftest import SHARED
from tests.test_pipelines import HEADER, ROW, TODAY

COLUMNS = Columns(code="code", name="name", parent="country")


@pytest.fixture(scope="module")
def engine_url(another: Callable[[str], Database]) -> Database:
    return another("bounding")


@pytest.fixture
def here(engine_url: Database) -> Iterator[Connection]:
    with session.disposing(engine_url.worker_engine()) as engine, engine.connect() as connection:
        yield connection
        connection.rollback()


def file(folder: Path, *units: tuple[str, str, shapely.Geometry]) -> Path:
    path = folder / "units.gpkg"
    codes, countries, shapes = zip(*units, strict=True)
    gpd.GeoDataFrame(
        {"code": codes, "name": codes, "country": countries}, geometry=list(shapes), crs="EPSG:4326"
    ).to_file(path, engine="pyogrio")
    return path


def bounded(connection: Connection, path: Path, kind: bounding.Kind = "first_level") -> bounding.Bounded:
    return bounding.import_boundaries(connection, path, kind=kind, columns=COLUMNS, source="A test", licence="CC0-1.0")


WEST, EAST = shapely.box(36, 0, 37, 1), shapely.box(37, 0, 38, 1)


def test_ledger_of_the_world_closes(here: Connection):
    rows = {row.id: row for row in regions.ledger(here)}
    assert set(rows) == {"world-all", *(boundaries.initiative_id(name) for name in boundaries.INITIATIVE_NAMES)}
    for row in rows.values():
        assert abs(row.open_km2) < 1e-3 * row.area_km2
        assert row.undivided_km2 < 1e-4 * row.area_km2
        assert row.parts_km2 == pytest.approx(row.area_km2, rel=1e-12)
    assert rows["world-all"].n_parts == 6


def test_units_find_their_country_their_sites_and_their_estimate(here: Connection, tmp_path: Path):
    sites = [Site(key=f"k{i}", lon=37.1 + i / 100, lat=0.5, region="country-KEN", soc=(10.0 + i,)) for i in range(12)]
    dataset = store(here, "kenya", sites)
    deriving.derive(here, dataset)
    publishing.publish_dataset(here, dataset)
    done = bounded(here, file(tmp_path, ("KE-W", "KEN", WEST), ("KE-E", "KE", EAST)))
    assert done.n_sites == 12
    assert {r.id for r in here.execute(text("SELECT id FROM core.region WHERE parent_id = 'country-KEN'"))} == {
        "first_level-KE-W",
        "first_level-KE-E",
    }
    estimate = here.execute(
        text(
            "SELECT value, n_sites FROM pub.estimate WHERE region_id = 'first_level-KE-E' AND indicator = 'soc_content' "
            "AND period = 'all' AND upper_cm = 0 AND lower_cm = 30 AND released_to IS NULL"
        )
    ).one()
    assert estimate.n_sites == 12
    assert estimate.value == pytest.approx(15.5)
    shown = here.scalar(text("SELECT count(*) FROM pub.region WHERE kind = 'first_level' AND released_to IS NULL"))
    assert shown == 2


def test_site_that_comes_later_finds_its_unit_as_well(here: Connection, tmp_path: Path):
    bounded(here, file(tmp_path, ("KE-W", "KEN", WEST), ("KE-E", "KEN", EAST)))
    csv = tmp_path / "later.csv"
    csv.write_text(f"{HEADER}\n{ROW}\n", encoding="utf-8")
    done = importing.import_file(here, csv, load_mapping(), max_bytes=10_000, today=TODAY)
    found = here.scalars(
        text(
            "SELECT region_id FROM core.site_region JOIN core.site s ON s.id = site_id WHERE s.dataset_id = :d ORDER BY 1"
        ),
        {"d": done.dataset},
    ).all()
    assert found == ["country-KEN", "first_level-KE-E"]


def test_ledger_says_what_no_unit_covers_and_what_lies_outside(here: Connection, tmp_path: Path):
    half_in_uganda = shapely.box(33, 0, 35, 1)
    bounded(here, file(tmp_path, ("KE-W", "KEN", WEST), ("KE-X", "KEN", half_in_uganda)))
    row = next(row for row in regions.ledger(here) if row.id == "country-KEN")
    assert row.outside_km2 > 5_000
    assert row.undivided_km2 > 500_000
    assert abs(row.open_km2) < 1e-3 * row.area_km2


def test_a_newer_file_updates_the_units_it_holds(here: Connection, tmp_path: Path):
    first = bounded(here, file(tmp_path, ("KE-W", "KEN", WEST)))
    second = bounded(here, file(tmp_path, ("KE-W", "KEN", EAST)))
    assert second.release == first.release + 1
    rows = here.execute(text("SELECT released_to FROM pub.region WHERE id = 'first_level-KE-W' ORDER BY fid")).scalars()
    assert rows.all() == [second.release, None]


def test_units_that_overlap_are_refused_and_custom_regions_are_not(here: Connection, tmp_path: Path):
    path = file(tmp_path, ("A", "KEN", WEST), ("B", "KEN", shapely.box(36.5, 0, 37.5, 1)))
    with pytest.raises(RefusedFile) as refused:
        bounded(here, path)
    assert refused.value.code == "BOUNDARY_OVERLAP"
    done = bounded(here, path, "custom")
    assert [pair[:2] for pair in done.overlaps] == [("custom-A", "custom-B")]


def test_unit_of_no_known_country_is_refused(here: Connection, tmp_path: Path):
    with pytest.raises(RefusedFile, match="XYZ") as refused:
        bounded(here, file(tmp_path, ("A", "XYZ", WEST)))
    assert refused.value.code == "BOUNDARY_PARENT"


@pytest.mark.skipif(SHARED is None, reason="the public datasets are absent")
def test_ledger_of_countries_divided_by_natural_earth_closes(here: Connection):
    assert SHARED
    path = SHARED / "data" / "boundaries-natural-earth" / "ne_50m_admin_1_states_provinces_v5.geojson"
    done = bounding.import_boundaries(
        here,
        path,
        kind="first_level",
        columns=Columns(code="iso_3166_2", name="name_en", parent="adm0_a3"),
        source="Natural Earth",
        licence="Public domain",
    )
    assert len(done.ids) == 294
    rows = [row for row in regions.ledger(here) if row.id.startswith("country-")]
    assert len(rows) == 9
    for row in rows:
        assert abs(row.open_km2) < 1e-3 * row.area_km2, row
