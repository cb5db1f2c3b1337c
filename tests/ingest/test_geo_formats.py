"""GeoJSON, GeoPackage, zipped Shapefile and GeoParquet become the same table of text, or a refusal that says why."""

import dataclasses
import datetime as dt
import json
import sqlite3
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import RefusedFile
from app.ingest.mapping import MappingFile, Source, load_mapping, parse_mapping
from app.ingest.read import read
from app.ingest.readers import Table, read_table
from app.ingest.readers import geojson as geojson_module
from app.ingest.readers import points as points_module
from tests.ingest.builders import TODAY

SOIL = gpd.GeoDataFrame(
    {
        "site": ["A", "Ç", None],
        "soc": [12.3, 0.1, None],
        "n": pd.array([1, None, 3], dtype="Int64"),
        "day": [dt.date(2019, 3, 14), None, dt.date(1948, 12, 22)],
    },
    geometry=[shapely.Point(36.74062, -1.24955), shapely.Point(-43.2, -22.9), shapely.Point(5.5, 50.25)],
    crs="EPSG:4326",
)
ROWS = [
    ("A", "12.3", "1", "2019-03-14", "36.74062", "-1.24955"),
    ("Ç", "0.1", None, None, "-43.2", "-22.9"),
    (None, None, "3", "1948-12-22", "5.5", "50.25"),
]


def refusal(path: Path, **options: Any) -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        read_table(path, **options)
    return caught.value


def faults(found: Table) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.code, fault.found) for fault in found.faults]


def as_geojson(frame: gpd.GeoDataFrame, folder: Path) -> Path:
    frame.to_file(folder / "t.geojson", driver="GeoJSON", engine="pyogrio")
    return folder / "t.geojson"


def as_geopackage(frame: gpd.GeoDataFrame, folder: Path) -> Path:
    frame.to_file(folder / "t.gpkg", driver="GPKG", layer="soil", engine="pyogrio")
    return folder / "t.gpkg"


def as_shapefile(frame: gpd.GeoDataFrame, folder: Path) -> Path:
    inner = folder / "soil"
    inner.mkdir()
    frame.to_file(inner / "soil.shp", driver="ESRI Shapefile", encoding="utf-8", engine="pyogrio")
    return zipped(inner, folder / "t.zip")


def zipped(inner: Path, path: Path, leave_out: tuple[str, ...] = ()) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(inner.iterdir()):
            if part.suffix not in leave_out:
                archive.write(part, part.name)
    return path


def as_geoparquet(frame: gpd.GeoDataFrame, folder: Path) -> Path:
    frame.to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


WRITERS = [as_geojson, as_geopackage, as_shapefile, as_geoparquet]
Writer = Callable[[gpd.GeoDataFrame, Path], Path]


@pytest.mark.parametrize("write", WRITERS)
def test_all_formats_give_the_same_table(tmp_path: Path, write: Writer):
    found = read_table(write(SOIL, tmp_path))
    assert found.frame.select("site", "soc", "n", "day", "geometry_x", "geometry_y").rows() == ROWS
    assert (found.rows.to_list(), found.rows_read, found.crs, found.header) == ([1, 2, 3], 3, "EPSG:4326", 0)
    assert found.faults == ()
    assert [note.code for note in found.notes] == ["CRS_OF_FILE"]


@pytest.mark.parametrize("write", WRITERS[1:])
def test_system_of_the_file_is_named(tmp_path: Path, write: Writer):
    assert read_table(write(SOIL.iloc[[1]].to_crs("EPSG:31983"), tmp_path)).crs == "EPSG:31983"


def test_old_geojson_may_name_another_system(tmp_path: Path):
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4674"}}
    assert read_table(collection(tmp_path, point(1, 2), crs=named)).crs == "EPSG:4674"


@pytest.mark.parametrize("write", WRITERS)
def test_geometries_that_are_no_point_get_a_fault_with_their_number(tmp_path: Path, write: Writer):
    shapes = [
        shapely.Point(1, 2),
        shapely.Polygon([(0, 0), (1, 0), (1, 1)]),
        None,
        shapely.MultiPoint([(3, 4)]),
        shapely.MultiPoint([(3, 4), (5, 6)]),
        shapely.LineString([(0, 0), (1, 1)]),
    ]
    if write is as_shapefile:  # holds one kind of geometry only
        shapes = [
            shapely.MultiPoint([(1, 2)]),
            None,
            shapely.MultiPoint([(3, 4)]),
            shapely.MultiPoint([(3, 4), (5, 6)]),
        ]
    frame = gpd.GeoDataFrame({"site": list("abcdef")[: len(shapes)]}, geometry=shapes, crs="EPSG:4326")
    found = read_table(write(frame, tmp_path))
    if write is as_shapefile:
        expected = [(2, "GEOMETRY_EMPTY", "nothing"), (4, "GEOMETRY_NOT_POINT", "MultiPoint of 2 points")]
        assert found.frame["geometry_x"].to_list() == ["1", None, "3", None]
    else:
        expected = [
            (2, "GEOMETRY_NOT_POINT", "Polygon"),
            (3, "GEOMETRY_EMPTY", "nothing"),
            (5, "GEOMETRY_NOT_POINT", "MultiPoint of 2 points"),
            (6, "GEOMETRY_NOT_POINT", "LineString"),
        ]
        assert [x and float(x) for x in found.frame["geometry_x"]] == [1, None, None, 3, None, None]
    assert faults(found) == expected
    assert found.frame.height == len(shapes)


@pytest.mark.parametrize("write", WRITERS)
def test_heights_are_not_read_and_it_is_said(tmp_path: Path, write: Writer):
    frame = gpd.GeoDataFrame({"site": ["a"]}, geometry=[shapely.Point(1, 2, 300)], crs="EPSG:4326")
    found = read_table(write(frame, tmp_path))
    assert "GEOMETRY_HEIGHT" in [note.code for note in found.notes]
    assert [float(cell) for cell in found.frame.select("geometry_x", "geometry_y").row(0)] == [1, 2]


def test_infinite_coordinates_are_faults(tmp_path: Path):
    shapes = [shapely.Point(float("inf"), 2), shapely.Point(1, float("nan")), shapely.Point(1, 2)]
    frame = gpd.GeoDataFrame({"site": ["a", "b", "c"]}, geometry=shapes, crs="EPSG:4326")
    for write in (as_geopackage, as_geoparquet):
        codes = [(row, code) for row, code, _ in faults(read_table(write(frame, tmp_path)))]
        assert codes == [(1, "GEOMETRY_NOT_FINITE"), (2, "GEOMETRY_NOT_FINITE")]
    path = text(tmp_path, '{"type":"FeatureCollection","features":[' + point("NaN", 2) + "," + point(1, "1e999") + "]}")
    assert [code for _, code, _ in faults(read_table(path))] == ["GEOMETRY_NOT_FINITE"] * 2


def point(x: Any, y: Any, **properties: Any) -> str:
    return (
        '{"type":"Feature","properties":' + json.dumps(properties or {"site": "A"}) + ',"geometry":'
        f'{{"type":"Point","coordinates":[{x},{y}]}}}}'
    )


def text(folder: Path, content: str | bytes, name: str = "t.geojson") -> Path:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / name


def collection(folder: Path, *features: str, **members: Any) -> Path:
    rest = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in members.items())
    return text(folder, f'{{"type":"FeatureCollection","features":[{",".join(features)}]{rest}}}')


# GeoJSON -------------------------------------------------------------------------------------------------------------


def test_numbers_of_geojson_stay_as_they_are_written(tmp_path: Path):
    path = text(
        tmp_path,
        '{"features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[36.70,-1.2500]},'
        '"properties":{"soc":12.30,"big":12345678901234567890,"small":1e-7,"yes":true,"word":"01"}}],'
        '"type":"FeatureCollection"}',
    )
    assert read_table(path).frame.row(0) == ("12.30", "12345678901234567890", "1e-7", "TRUE", "01", "36.70", "-1.2500")


@pytest.mark.parametrize("separator", ["\n", "\n\x1e", " "])
def test_sequences_of_features_are_read(tmp_path: Path, separator: str):
    lines = separator.join(point(i, i, site=f"s{i}") for i in range(3))
    assert read_table(text(tmp_path, lines, "t.geojsonl")).frame["site"].to_list() == ["s0", "s1", "s2"]


def test_properties_may_differ_from_feature_to_feature(tmp_path: Path):
    found = read_table(collection(tmp_path, point(1, 2, a=1), point(1, 2, b=2), point(3, 4, a=3, b=4)))
    assert found.frame.select("a", "b").rows() == [("1", None), (None, "2"), ("3", "4")]


def test_lists_and_records_in_properties_are_left_out_and_it_is_said(tmp_path: Path):
    found = read_table(collection(tmp_path, point(1, 2, a=1, deep={"x": 1}), point(1, 2, a=2, deep="word")))
    assert found.frame.columns == ["a", "geometry_x", "geometry_y"]
    assert [(note.code, note.column) for note in found.notes][-1] == ("COLUMN_NESTED", "deep")


@pytest.mark.parametrize(
    ("content", "code", "row"),
    [
        ('{"type":"FeatureCollection","features":[' + point(1, 2) + ",", "GEOFILE_BROKEN", 2),
        ('{"type":"FeatureCollection","features":[' + point(1, 2) + " " + point(1, 2) + "]}", "GEOFILE_BROKEN", 2),
        ('{"type":"FeatureCollection","features":[' + point(1, 2) + ",[]]}", "GEOFILE_BROKEN", 2),
        ('{"type":"FeatureCollection","features":[]}', "FILE_EMPTY", None),
        ('{"type":"Topology","objects":{}}', "FORMAT_UNSUPPORTED", None),
        ('{"type":"gdal_streamed_alg","command_line":"gdal vector pipeline"}', "FORMAT_UNSUPPORTED", None),
        ('{"type":"FeatureCollection","features":' + "[" * 200_000, "GEOFILE_BROKEN", 1),
        ('{"type":"Feature","properties":{"a":1,"a":2},"geometry":null}', "GEOFILE_BROKEN", 1),
        ('{"type":"Feature","properties":{"a":1," a":2},"geometry":null}', "HEADER_DUPLICATE", 1),
        ('{"type":"Feature","properties":{"geometry_x":1},"geometry":null}', "HEADER_DUPLICATE", None),
        (b'{"type":"Feature","properties":{"a":"\xff"}}', "ENCODING_UNKNOWN", None),
        ("{not json", "GEOFILE_BROKEN", 1),
    ],
)
def test_text_that_is_no_whole_geojson_is_refused(tmp_path: Path, content: str | bytes, code: str, row: int | None):
    error = refusal(text(tmp_path, content))
    assert (error.code, error.row) == (code, row)


def test_systems_that_differ_or_lie_elsewhere_are_refused(tmp_path: Path):
    linked = {"type": "link", "properties": {"href": "http://127.0.0.1:1/crs"}}
    assert refusal(collection(tmp_path, point(1, 2), crs=linked)).code == "CRS_UNKNOWN"
    named = {"type": "name", "properties": {"name": "EPSG:31983"}}
    mixed = point(1, 2)[:-1] + ',"crs":' + json.dumps(named) + "}"
    other = {"type": "name", "properties": {"name": "EPSG:4326"}}
    assert refusal(collection(tmp_path, mixed, crs=other)).code == "CRS_MIXED"
    strange = {"type": "name", "properties": {"name": "+proj=no +nadgrids=/etc/passwd"}}
    assert refusal(collection(tmp_path, point(1, 2), crs=strange)).code == "CRS_UNKNOWN"


def test_property_names_that_never_repeat_are_refused_before_memory_fills(tmp_path: Path):
    features = ",".join(point(1, 2, **{f"p{i}": 1}) for i in range(6000))
    error = refusal(text(tmp_path, '{"type":"FeatureCollection","features":[' + features + "]}"))
    assert error.code == "SHEET_TOO_LARGE"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.text('{}[]",:12.eE-tfnNa \n\x1e\\', max_size=60))
def test_any_text_in_braces_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: str):
    path = text(tmp_path_factory.mktemp("t"), "{" + content)
    try:
        read_table(path)
    except RefusedFile as error:
        assert error.code in {"GEOFILE_BROKEN", "FORMAT_UNSUPPORTED", "FILE_EMPTY"}  # noqa: PT017


# GeoPackage ----------------------------------------------------------------------------------------------------------


def changed(path: Path, *statements: str) -> Path:
    database = sqlite3.connect(path)
    database.create_function("ST_IsEmpty", 1, lambda _: 0)
    for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
        database.create_function(name, 1, lambda _: 0.0)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return path


def test_layers_are_chosen_like_sheets(tmp_path: Path):
    path = as_geopackage(SOIL, tmp_path)
    SOIL[["n", "geometry"]].to_file(path, driver="GPKG", layer="plots", engine="pyogrio")
    assert read_table(path, wanted=frozenset({"n", "geometry_x"}) - {"geometry_x"}).sheet == "soil"
    assert read_table(path, sheet="plots").frame.columns == ["fid", "n", "geometry_x", "geometry_y"]
    error = refusal(path, sheet="plot")
    assert (error.code, "Did you mean 'plots'" in error.message) == ("SHEET_MISSING", True)


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE soil RENAME TO real", "CREATE VIEW soil AS SELECT * FROM real"),
        ("ALTER TABLE soil ADD COLUMN bomb AS (zeroblob(1000000000))",),
        ("DROP TABLE soil", "CREATE VIRTUAL TABLE soil USING fts5(site)"),
    ],
    ids=["view", "computed column", "virtual table"],
)
def test_layers_that_are_no_stored_features_are_refused(tmp_path: Path, statements: tuple[str, ...]):
    path = changed(as_geopackage(SOIL, tmp_path), *statements)
    changed(
        path,
        "UPDATE gpkg_geometry_columns SET table_name = 'soil'",
        "UPDATE gpkg_contents SET table_name = 'soil'",
    )
    assert refusal(path).code == "GEOFILE_UNSAFE"


def test_features_in_other_systems_than_their_layer_are_refused(tmp_path: Path):
    path = as_geopackage(SOIL, tmp_path)
    srs = (
        "INSERT INTO gpkg_spatial_ref_sys VALUES ('UTM', 31983, 'EPSG', 31983, 'undefined', NULL)"
        if len(sqlite3.connect(path).execute("SELECT * FROM gpkg_spatial_ref_sys").description) == 6
        else "INSERT INTO gpkg_spatial_ref_sys VALUES ('UTM', 31983, 'EPSG', 31983, 'undefined', NULL, NULL)"
    )
    blob = b"GP\x00\x01" + struct.pack("<i", 31983) + shapely.to_wkb(shapely.Point(500000, 7000000))
    changed(path, srs, f"UPDATE soil SET geom = x'{blob.hex()}' WHERE fid = 2")
    assert refusal(path).code == "CRS_MIXED"
    changed(path, "DELETE FROM gpkg_spatial_ref_sys WHERE srs_id = 31983")
    assert refusal(path).code == "CRS_UNKNOWN"


def test_hostile_geometries_in_a_geopackage_are_faults_and_break_nothing(tmp_path: Path):
    head = b"GP\x00\x01" + struct.pack("<i", 4326)
    nested = b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" * 100_000
    many = struct.pack("<BII", 1, 4, 0xFFFF_FFFF)
    short = struct.pack("<BId", 1, 1, 5.0)
    path = as_geopackage(SOIL, tmp_path)
    for fid, blob in enumerate((head + nested, head + many, head + short), start=1):
        changed(path, f"UPDATE soil SET geom = x'{blob.hex()}' WHERE fid = {fid}")
    assert faults(read_table(path)) == [
        (1, "GEOMETRY_NOT_POINT", "GeometryCollection"),
        (2, "GEOMETRY_NOT_POINT", "MultiPoint of 4294967295 points"),
        (3, "GEOMETRY_NOT_POINT", "damaged"),
    ]


def test_nested_multipoints_are_not_followed():
    points = points_module.Points()
    points.add_wkb(struct.pack("<BII", 1, 4, 1) * 100_000)
    points.add_wkb(shapely.to_wkb(shapely.set_srid(shapely.Point(1.5, 2), 4674), include_srid=True))
    assert [fault.found for fault in points.faults] == ["MultiPoint"]
    assert (points.x, points.srids) == ([None, "1.5"], {4674})


def test_sqlite_database_that_is_no_geopackage_is_refused(tmp_path: Path):
    changed(tmp_path / "t.sqlite", "CREATE TABLE a (b)")
    assert refusal(tmp_path / "t.sqlite").code == "FORMAT_UNSUPPORTED"


def test_cut_off_geopackage_is_refused(tmp_path: Path):
    path = as_geopackage(SOIL, tmp_path)
    path.write_bytes(path.read_bytes()[:5000])
    assert refusal(path).code == "GEOFILE_BROKEN"


# Zipped Shapefile ----------------------------------------------------------------------------------------------------


def test_shapefile_without_system_or_encoding_says_so(tmp_path: Path):
    as_shapefile(SOIL, tmp_path)
    found = read_table(zipped(tmp_path / "soil", tmp_path / "u.zip", leave_out=(".prj", ".cpg")))
    assert found.crs is None
    assert [note.code for note in found.notes] == ["ENCODING_ASSUMED"]
    declared = read_table(zipped(tmp_path / "soil", tmp_path / "v.zip", leave_out=(".cpg",)), encoding="utf-8")
    assert declared.frame["site"].to_list()[1] == "Ç"


@pytest.mark.parametrize("part", [".shx", ".dbf"])
def test_shapefile_without_its_parts_is_refused(tmp_path: Path, part: str):
    as_shapefile(SOIL, tmp_path)
    error = refusal(zipped(tmp_path / "soil", tmp_path / "u.zip", leave_out=(part,)))
    assert (error.code, part in error.message) == ("GEOFILE_BROKEN", True)


def test_part_under_a_false_name_never_reaches_another_driver(tmp_path: Path):
    as_shapefile(SOIL, tmp_path)
    vrt = '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    (tmp_path / "soil" / "soil.shp").write_text(vrt)
    assert refusal(zipped(tmp_path / "soil", tmp_path / "u.zip")).code == "CONTENT_MISMATCH"


@pytest.mark.parametrize("name", ["../../x.shp", "/etc/x.shp"])
def test_names_that_lead_out_of_a_shapefile_are_refused(tmp_path: Path, name: str):
    path = as_shapefile(SOIL, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"x")
    assert refusal(path).code == "ARCHIVE_REFUSED"


def test_shapefile_that_unpacks_too_far_is_refused(tmp_path: Path):
    path = as_shapefile(SOIL, tmp_path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("soil.sbn", b"\0" * 100_000_000)
    assert refusal(path).code in {"ARCHIVE_REFUSED", "FILE_TOO_LARGE"}


# GeoParquet ----------------------------------------------------------------------------------------------------------


def test_parquet_without_geometry_is_a_table(tmp_path: Path):
    pq.write_table(pa.table({"a": pa.array([1.5, None], pa.float32()), "b": ["x", "y"]}), tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet")
    assert (found.frame.rows(), found.crs) == ([("1.5", "x"), (None, "y")], None)


def test_types_of_parquet_become_text_as_it_would_be_written(tmp_path: Path):
    moment = dt.datetime(2019, 3, 14, 9, 30, tzinfo=dt.UTC)
    columns = {
        "float": pa.array([12.3], pa.float32()),
        "decimal": pa.array([pa.scalar("1.50").cast(pa.decimal128(5, 2)).as_py()]),
        "moment": pa.array([moment.replace(tzinfo=None)], pa.timestamp("ns")),
        "midnight": pa.array([dt.datetime(2019, 3, 14)], pa.timestamp("ms")),  # noqa: DTZ001
        "truth": [True],
        "word": pa.array(["x"]).dictionary_encode(),
        "list": [[1]],
        "bytes": [b"x"],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet")
    assert found.frame.row(0) == ("12.3", "1.50", "2019-03-14 09:30:00", "2019-03-14", "TRUE", "x")
    assert [note.column for note in found.notes] == ["list", "bytes"]


def test_one_long_text_repeated_a_million_times_is_refused(tmp_path: Path):
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 10_000]))
    pq.write_table(pa.table({"a": words}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    assert refusal(tmp_path / "t.parquet").code == "FILE_TOO_LARGE"


def test_undefined_system_of_geoparquet_stays_undefined(tmp_path: Path):
    path = as_geoparquet(SOIL.set_crs(None, allow_override=True), tmp_path)
    assert read_table(path).crs is None


@pytest.mark.parametrize("geo", [b"{}", b"not json", b'{"primary_column":"x","columns":{"x":{}}}'])
def test_geoparquet_with_broken_metadata_is_refused(tmp_path: Path, geo: bytes):
    table = pa.table({"a": [1]}).replace_schema_metadata({b"geo": geo})
    pq.write_table(table, tmp_path / "t.parquet")
    assert refusal(tmp_path / "t.parquet").code == "GEOFILE_BROKEN"


def test_cut_off_parquet_is_refused(tmp_path: Path):
    path = as_geoparquet(SOIL, tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    assert refusal(path).code == "GEOFILE_BROKEN"


# Names that promise something else -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t.gpkg", "t.geojson", "t.parquet", "t.geoparquet"])
@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"<?xml version='1.0'?><a/>", b"PK\x05\x06" + b"\0" * 18])
def test_other_content_under_a_geographic_name_is_refused(tmp_path: Path, name: str, content: bytes):
    assert refusal(text(tmp_path, content, name)).code == "CONTENT_MISMATCH"


def test_vrt_is_never_opened(tmp_path: Path):
    vrt = b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    for name in ("t.vrt", "t.csv", "t.shp"):
        assert refusal(text(tmp_path, vrt, name)).code in {"FORMAT_UNSUPPORTED", "DELIMITER_UNKNOWN"}


# Through an import ---------------------------------------------------------------------------------------------------

LAYERS = {
    "site_id": ["A", "A", "B", "C"],
    "profile_id": ["1", "1", "1", "1"],
    "sampling_date": ["2019"] * 4,
    "top_cm": [0, 10, 0, 0],
    "bottom_cm": [10, 30, 10, 10],
    "soc": [12.3, 8.1, 20.0, 15.0],
    "soc_unit": ["g/kg"] * 4,
    "licence": ["CC-BY-4.0"] * 4,
}
PLACES = [shapely.Point(36.74062, -1.24955)] * 2 + [shapely.Point(36.81234, -1.31234), None]


def layers_frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(LAYERS, geometry=PLACES, crs="EPSG:4326")


def position_mapping(crs: str | None) -> MappingFile:
    fields = "\n".join(
        f'{name} = {{ column = "{name}" }}'
        for name in ("site_id", "profile_id", "sampling_date", "top_cm", "bottom_cm")
    )
    return parse_mapping(
        f"""
        name = "points"
        title = "Points"
        [dataset]
        slug = "points"
        title = "Points"
        licence = "CC0-1.0"
        [[tables]]
        name = "layers"
        role = "layers"
        {f'[position]{chr(10)}crs = "{crs}"' if crs else ""}
        [fields]
        {fields}
        longitude = {{ column = "geometry_x" }}
        latitude = {{ column = "geometry_y" }}
        [[values]]
        column = "soc"
        property = "soc"
        unit = "g/kg"
        """
    )


@pytest.mark.parametrize("write", [as_geojson, as_geopackage, as_geoparquet])
def test_geometry_stands_for_the_position_of_our_own_columns(tmp_path: Path, write: Writer):
    found = read(write(layers_frame(), tmp_path), load_mapping(), today=TODAY)
    assert found.sites.select("site_key", "longitude", "latitude", "position_text", "position_crs").rows() == [
        ("A", 36.74062, -1.24955, "36.74062 -1.24955", "EPSG:4326"),
        ("B", 36.81234, -1.31234, "36.81234 -1.31234", "EPSG:4326"),
    ]
    assert found.report.counts["GEOMETRY_EMPTY"] == 1
    (issue,) = [issue for issue in found.report.issues if issue.code == "GEOMETRY_EMPTY"]
    assert (issue.row, issue.severity) == (4, "error")
    assert (found.report.rows_read, found.report.rows_stored, found.report.rows_refused) == (4, 3, 1)


def test_system_of_the_file_wins_over_none_and_is_kept_with_the_site(tmp_path: Path):
    frame = layers_frame().iloc[:3].to_crs("EPSG:21037")
    found = read(as_geopackage(frame, tmp_path), position_mapping(None), today=TODAY)
    assert found.sites["position_crs"].to_list() == ["EPSG:21037"] * 2
    assert found.sites["longitude"].to_list() == pytest.approx([36.74062, 36.81234], abs=1e-6)
    assert [note.message for note in found.report.issues if note.code == "CRS_OF_FILE"]


def test_system_that_the_mapping_states_against_the_file_is_refused(tmp_path: Path):
    path = as_geopackage(layers_frame().iloc[:3].to_crs("EPSG:21037"), tmp_path)
    with pytest.raises(RefusedFile) as caught:
        read(path, position_mapping("EPSG:4326"), today=TODAY)
    assert caught.value.code == "CRS_CONFLICT"
    assert read(path, position_mapping("EPSG:21037"), today=TODAY).sites.height == 2


def test_points_without_any_system_are_refused_unless_the_mapping_states_one(tmp_path: Path):
    as_shapefile(layers_frame().iloc[:3].rename(columns={"sampling_date": "sampling_d"}), tmp_path)
    path = zipped(tmp_path / "soil", tmp_path / "u.zip", leave_out=(".prj",))
    mapping = position_mapping(None)
    mapping = dataclasses.replace(mapping, fields={**mapping.fields, "sampling_date": (Source(column="sampling_d"),)})
    with pytest.raises(RefusedFile) as caught:
        read(path, mapping, today=TODAY)
    assert caught.value.code == "CRS_MISSING"
    stated = dataclasses.replace(mapping, crs_stated=True)
    assert read(path, stated, today=TODAY).sites.height == 2


def test_geometry_beside_columns_of_the_position_is_left_out_and_it_is_said(tmp_path: Path):
    frame = layers_frame().assign(longitude=36.5, latitude=-1.5)
    found = read(as_geopackage(frame, tmp_path), load_mapping(), today=TODAY)
    assert found.sites["longitude"].unique().to_list() == [36.5]
    assert "GEOMETRY_EMPTY" not in found.report.counts
    unread = {issue.column for issue in found.report.issues if issue.code == "COLUMN_UNKNOWN"}
    assert {"geometry_x", "geometry_y"} <= unread


# Well-known text in a table --------------------------------------------------------------------------------------------


def with_text(folder: Path, *geometries: str) -> Path:
    columns = ["site_id", "profile_id", "sampling_date", "top_cm", "bottom_cm", "soc", "soc_unit", "licence"]
    lines = [",".join([*columns, "geometry"])]
    lines += [f'S{i},1,2019,0,10,12.3,g/kg,CC-BY-4.0,"{geometry}"' for i, geometry in enumerate(geometries)]
    return text(folder, "\n".join(lines) + "\n", "t.csv")


def test_well_known_text_stands_for_the_position_and_its_srid_is_obeyed(tmp_path: Path):
    path = with_text(
        tmp_path,
        "SRID=4326;POINT (36.74062 -1.24955)",
        "SRID=4326;POINT Z (36.81234 -1.31234 1800)",
        "SRID=4326;MULTIPOINT ((36.91234 -1.31234))",
        "SRID=4326;MULTIPOINT ((1 2), (3 4))",
        "POINT EMPTY",
        "SRID=4326;POINT (nan 5)",
        "POLYGON ((0 0, 1 1, 1 0, 0 0))",
    )
    found = read(path, load_mapping(), today=TODAY)
    assert found.sites["longitude"].to_list() == [36.74062, 36.81234, 36.91234]
    faulty = {
        issue.row: issue.code for issue in found.report.issues if issue.code.startswith("GEOMETRY_") and issue.row
    }
    assert {row: faulty[row] for row in (5, 6, 7, 8)} == {
        5: "GEOMETRY_NOT_POINT",
        6: "GEOMETRY_EMPTY",
        7: "GEOMETRY_NOT_FINITE",
        8: "GEOMETRY_NOT_POINT",
    }


@pytest.mark.parametrize(
    ("geometries", "code"),
    [
        (("SRID=4326;POINT (36.7 -1.2)", "SRID=31983;POINT (500000 7000000)"), "CRS_MIXED"),
        (("POINT (36.7 -1.2)",), "CRS_MISSING"),
        (("SRID=999999;POINT (36.7 -1.2)",), "CRS_UNKNOWN"),
    ],
)
def test_well_known_text_without_one_system_is_refused(tmp_path: Path, geometries: tuple[str, ...], code: str):
    with pytest.raises(RefusedFile) as caught:
        read(with_text(tmp_path, *geometries), position_mapping(None), today=TODAY)
    assert caught.value.code == code


# Ten million rows ------------------------------------------------------------------------------------------------------


def test_ten_million_rows_are_refused_by_what_the_file_says_of_itself(tmp_path: Path):
    pq.write_table(pa.table({"a": pa.array([1] * 10, pa.int8()).take(pa.nulls(0, pa.int64()))}), tmp_path / "e.parquet")
    assert refusal(tmp_path / "e.parquet").code == "FILE_EMPTY"
    pq.write_table(pa.table({"a": pa.nulls(10_000_000, pa.int8())}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    assert refusal(tmp_path / "t.parquet").code == "ROWS_TOO_MANY"


def test_more_features_than_the_limit_are_refused_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(geojson_module, "MAX_ROWS", 3)
    assert refusal(collection(tmp_path, *[point(1, 2)] * 4)).code == "ROWS_TOO_MANY"
    assert read_table(collection(tmp_path, *[point(1, 2)] * 3)).frame.height == 3
