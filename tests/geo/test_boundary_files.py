"""Boundary files of any make as regions: what is repaired, what is refused, and areas that are right."""

import warnings
from pathlib import Path
from typing import Any

import geopandas as gpd
import polars as pl
import pytest
import shapely

from app.errors import RefusedFile
from app.geo import boundaries, boundary_files
from app.geo.boundary_files import Boundaries, Columns
from tests.conftest import SAMPLES, SHARED

COLUMNS = Columns(code="code", name="name")


def written(folder: Path, shapes: list[Any], *, crs: str | None = "EPSG:4326", **columns: list[Any]) -> Path:
    known = {"code": [f"U{i}" for i in range(len(shapes))], "name": ["Unit"] * len(shapes)} | columns
    path = folder / "units.gpkg"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a file without a reference system is what some tests want
        gpd.GeoDataFrame(known, geometry=shapes, crs=crs).to_file(path, engine="pyogrio")
    return path


def read(path: Path, **options: Any) -> Boundaries:
    return boundary_files.read(path, kind="first_level", columns=COLUMNS, **options)


def area(found: Boundaries, code: str = "U0") -> float:
    return float(found.frame.row(by_predicate=pl.col("code") == code, named=True)["area_km2"])


def shape(found: Boundaries) -> Any:
    return shapely.from_wkb(bytes.fromhex(found.frame["geom"][0]))


def test_plain_area_is_taken_as_it_is(tmp_path: Path):
    found = read(written(tmp_path, [shapely.box(10, 45, 11, 46)]))
    assert found.mended == ()
    assert found.frame.row(0, named=True)["id"] == "first_level-U0"
    assert area(found) == pytest.approx(boundaries.area_km2(shapely.box(10, 45, 11, 46)))


@pytest.mark.parametrize(
    ("drawn", "code"),
    [
        (shapely.Polygon([(178, -18), (-178, -18), (-178, -16), (178, -16)]), "ANTIMERIDIAN_CUT"),
        (shapely.box(178, -18, 182, -16), "LONGITUDE_WRAPPED"),
        (shapely.box(-182, -18, -178, -16), "LONGITUDE_WRAPPED"),
    ],
    ids=["edges jump over it", "east of 180", "west of -180"],
)
def test_region_over_the_antimeridian_has_the_area_it_has_elsewhere(tmp_path: Path, drawn: Any, code: str):
    found = read(written(tmp_path, [drawn]))
    assert [m.code for m in found.mended] == [code]
    assert area(found) == pytest.approx(boundaries.area_km2(shapely.box(8, -18, 12, -16)), rel=1e-6)
    west, south, east, north = shape(found).bounds
    assert (west, east) == (-180, 180)
    assert (south, north) == (-18, -16)
    assert shape(found).covers(shapely.Point(179, -17))
    assert shape(found).covers(shapely.Point(-179, -17))
    assert not shape(found).covers(shapely.Point(0, -17))


def test_area_that_spans_the_globe_is_not_cut():
    band = shapely.box(-180, -90, 180, -80)
    assert not boundary_files._crosses(band)


def test_bow_tie_is_repaired_and_said(tmp_path: Path):
    found = read(written(tmp_path, [shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])]))
    assert [m.code for m in found.mended] == ["RING_REPAIRED"]
    assert "Self-intersection" in found.mended[0].detail
    assert shape(found).is_valid
    assert area(found) == pytest.approx(
        sum(
            boundaries.area_km2(p)
            for p in (shapely.Polygon([(0, 0), (1, 1), (0, 2)]), shapely.Polygon([(2, 0), (2, 2), (1, 1)]))
        ),
        rel=1e-5,
    )


def test_features_of_one_code_are_parts_of_one_region(tmp_path: Path):
    found = read(written(tmp_path, [shapely.box(0, 0, 1, 1), shapely.box(5, 0, 6, 1)], code=["A", "A"]))
    assert found.frame.height == 1
    assert [m.code for m in found.mended] == ["PARTS_JOINED"]
    assert area(found, "A") == pytest.approx(2 * boundaries.area_km2(shapely.box(0, 0, 1, 1)), rel=1e-6)


def test_lines_of_a_collection_are_left_out_and_said(tmp_path: Path):
    mixed = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.LineString([(0, 0), (9, 9)])])
    found = read(written(tmp_path, [mixed]))
    assert [m.code for m in found.mended] == ["COLLECTION_REDUCED"]
    assert shape(found).bounds == (0, 0, 1, 1)


def test_projected_file_is_transformed_along_its_own_straight_edges(tmp_path: Path):
    # 200 km by 200 km in UTM 33: the geodesic area differs from the plane one by the scale of the projection only.
    square = shapely.box(400_000, 5_000_000, 600_000, 5_200_000)
    found = read(written(tmp_path, [square], crs="EPSG:32633"))
    assert area(found) == pytest.approx(40_000, rel=1.2e-3)
    assert len(shapely.get_coordinates(shape(found))) > 80


def test_code_that_cannot_stand_in_an_address_is_changed_and_said(tmp_path: Path):
    found = read(written(tmp_path, [shapely.box(0, 0, 1, 1)], code=["AU-X02~"]))
    assert found.frame["id"].to_list() == ["first_level-AU-X02"]
    assert found.mended[0].code == "CODE_CHANGED"


@pytest.mark.parametrize(
    ("shapes", "options", "columns", "code"),
    [
        ([shapely.Point(0, 0)], {}, {}, "BOUNDARY_NOT_AREA"),
        ([shapely.Polygon()], {}, {}, "BOUNDARY_EMPTY"),
        ([shapely.box(0, 0, 1, 95)], {}, {}, "COORD_OUT_OF_RANGE"),
        ([shapely.box(0, 0, 1, 1)], {"crs": None}, {}, "CRS_MISSING"),
        ([shapely.box(0, 0, 1, 1)], {}, {"code": ["~"]}, "BOUNDARY_CODE"),
        ([shapely.box(0, 0, 1, 1)], {}, {"code": [None]}, "BOUNDARY_CODE"),
    ],
)
def test_what_cannot_be_repaired_is_refused_by_name(
    tmp_path: Path, shapes: list[Any], options: dict[str, Any], columns: dict[str, Any], code: str
):
    with pytest.raises(RefusedFile) as refused:
        read(written(tmp_path, shapes, **options, **columns))
    assert refused.value.code == code


def test_missing_column_is_named(tmp_path: Path):
    path = written(tmp_path, [shapely.box(0, 0, 1, 1)])
    with pytest.raises(RefusedFile, match="iso") as refused:
        boundary_files.read(path, kind="custom", columns=Columns(code="iso", name="name"))
    assert refused.value.code == "BOUNDARY_COLUMNS"


def test_reference_to_another_file_is_not_followed(tmp_path: Path):
    (tmp_path / "a.vrt").write_text(
        "<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    with pytest.raises(RefusedFile) as refused:
        read(tmp_path / "a.vrt")
    assert refused.value.code == "FORMAT_UNSUPPORTED"


def test_overlap_of_two_units_is_found_and_a_shared_border_is_none(tmp_path: Path):
    apart = read(written(tmp_path, [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]))
    assert boundary_files.overlaps(apart) == ()
    across = read(written(tmp_path, [shapely.box(0, 0, 1, 1), shapely.box(0.9, 0, 2, 1)]))
    ((first, second, common),) = boundary_files.overlaps(across)
    assert (first, second) == ("first_level-U0", "first_level-U1")
    assert common == pytest.approx(boundaries.area_km2(shapely.box(0.9, 0, 1, 1)), rel=1e-6)


def test_world_and_initiative_regions_are_the_sums_of_their_children():
    countries = boundaries.countries(SAMPLES / "countries.geojson")
    every = boundaries.with_parents(countries)
    assert every["id"].to_list()[:2] == ["world-all", "initiative-africa"]
    for parent in ("world-all", *(boundaries.initiative_id(name) for name in boundaries.INITIATIVE_NAMES)):
        own = every.row(by_predicate=pl.col("id") == parent, named=True)
        children = every.filter(pl.col("parent_id") == parent)
        assert own["area_km2"] == pytest.approx(children["area_km2"].sum(), rel=1e-12)
        drawn = boundaries.area_km2(shapely.from_wkb(bytes.fromhex(own["geom"])))
        assert drawn == pytest.approx(own["area_km2"], rel=1e-4)
    assert every.filter(pl.col("parent_id") == "world-all")["id"].to_list().count("country-ATA") == 1
    total = countries["area_km2"].sum()
    assert every.row(by_predicate=pl.col("id") == "world-all", named=True)["area_km2"] == pytest.approx(
        total, rel=1e-12
    )


@pytest.mark.skipif(SHARED is None, reason="the public datasets are absent")
def test_natural_earth_states_are_read_and_mended():
    assert SHARED
    path = SHARED / "data" / "boundaries-natural-earth" / "ne_50m_admin_1_states_provinces_v5.geojson"
    found = boundary_files.read(
        path, kind="first_level", columns=Columns(code="iso_3166_2", name="name_en", parent="adm0_a3")
    )
    assert found.frame.height == 294
    assert {(m.code, m.region) for m in found.mended} == {("CODE_CHANGED", "AU-X02"), ("RING_REPAIRED", "BR-GO")}
    assert boundary_files.overlaps(found) == ()
