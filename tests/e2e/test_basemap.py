import json
import os
from pathlib import Path

import pyogrio
import pytest
from shapely.geometry import box, mapping

from scripts import build_basemap

NAMES = {"name_en": "Here", "name_fr": "Ici", "name_es": "Aquí", "label_lon": 5.0, "label_lat": 5.0}


def feature(code: str, west: float, east: float, iso_a3: str | None) -> dict[str, object]:
    properties = {"code": code, "iso_a3": iso_a3, **NAMES}
    return {"type": "Feature", "properties": properties, "geometry": mapping(box(west, 0, east, 10))}


@pytest.fixture
def countries(tmp_path: Path) -> Path:
    """Three squares in a row; the last has no recognised code."""
    path = tmp_path / "countries.geojson"
    features = [feature("AAA", 0, 10, "AAA"), feature("BBB", 10, 30, "BBB"), feature("XXX", 30, 40, None)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def of_kind(source: Path, kind: str) -> list[build_basemap.Part]:
    return [part for part in build_basemap.parts(source) if part["kind"] == kind]


def test_a_line_between_two_countries_is_a_border_and_drawn_once(countries: Path):
    (border,) = of_kind(countries, "border")
    assert sorted(border["geometry"].coords) == [(10, 0), (10, 10)]


def test_a_line_beside_a_country_without_a_code_is_disputed(countries: Path):
    (line,) = of_kind(countries, "disputed")
    assert sorted(line["geometry"].coords) == [(30, 0), (30, 10)]


def test_coast_and_borders_together_are_every_edge_once(countries: Path):
    lengths = {
        kind: sum(p["geometry"].length for p in of_kind(countries, kind)) for kind in ("coast", "border", "disputed")
    }
    assert lengths == {"coast": 100, "border": 10, "disputed": 10}


def test_land_is_one_surface_without_seams(countries: Path):
    (land,) = of_kind(countries, "land")
    assert land["geometry"].equals(box(0, 0, 40, 10))


def test_the_largest_country_is_named_first(countries: Path):
    assert {label["rank"]: label["code"] for label in of_kind(countries, "label")}[0] == "BBB"


def test_no_line_is_drawn_where_a_polygon_was_cut_at_180_degrees():
    assert build_basemap.is_seam(((180.0, 60.0), (180.0, 70.0)))
    assert not build_basemap.is_seam(((179.0, 60.0), (180.0, 70.0)))


def test_tiles_hold_every_kind_and_are_not_made_twice(countries: Path, tmp_path: Path):
    target = tmp_path / "basemap.pmtiles"
    build_basemap.build(countries, target)
    kinds = set(pyogrio.read_dataframe(target).kind)
    assert kinds == {"land", "coast", "border", "disputed", "label"}
    assert build_basemap.is_current(target, [countries])
    os.utime(countries, (target.stat().st_mtime + 10,) * 2)
    assert not build_basemap.is_current(target, [countries])
