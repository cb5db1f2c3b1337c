"""Make the map's own basemap: land, boundaries and country names as one PMTiles file.

    python scripts/build_basemap.py

Reads `data/samples/countries.geojson` and writes `web/public/basemap.pmtiles`, zoom levels 0 to 6; the map magnifies the
last one beyond that. One source layer, `basemap`, holds everything; its property `kind` tells the parts apart:

- `land`: the countries dissolved into one surface, so that no seam shows under the choropleth;
- `border` and `coast`: each line once, told apart by how many countries share it; `disputed` where one side has no
  ISO 3166-1 code;
- `label`: one point per country with its `code`, `name_en`, `name_fr`, `name_es` and `rank`, its place by area (0 is the largest).

An operator who needs other boundaries replaces the input and runs this again. Nothing happens when the output is newer
than the input and this script.
"""

import argparse
import itertools
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import geopandas
import pyogrio
import shapely
from pyproj import Geod
from shapely.geometry import LineString, Point, shape
from shapely.geometry.base import BaseGeometry

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "data" / "samples" / "countries.geojson"
TARGET = ROOT / "web" / "public" / "basemap.pmtiles"
LAYER = "basemap"
MAXZOOM = 6
SIMPLIFICATION = 3
"""Detail that low zoom levels lose: 3 of the 4096 units of a tile, less than half a pixel."""
MERCATOR_LIMIT = 85.06
"""Latitude where web tiles end. [degree]"""

GEOD = Geod(ellps="WGS84")

Vertex = tuple[float, float]
Segment = tuple[Vertex, Vertex]
Part = dict[str, Any]


def is_current(target: Path, inputs: Iterable[Path]) -> bool:
    """Whether the target exists and is newer than every input."""
    return target.is_file() and all(target.stat().st_mtime >= path.stat().st_mtime for path in inputs)


def is_seam(segment: Segment) -> bool:
    """Whether a segment only closes a polygon at 180° or outside the Mercator square: no real boundary runs there."""
    (x1, y1), (x2, y2) = segment
    return (abs(x1) == abs(x2) == 180) or (abs(y1) > MERCATOR_LIMIT and abs(y2) > MERCATOR_LIMIT)


def rings(geometry: BaseGeometry) -> Iterator[list[Vertex]]:
    """Every ring of a polygon or multipolygon, as vertices."""
    for polygon in shapely.get_parts(geometry):
        for ring in (polygon.exterior, *polygon.interiors):
            yield [(x, y) for x, y, *_ in ring.coords]


def boundaries(countries: list[tuple[dict[str, Any], BaseGeometry]]) -> dict[str, BaseGeometry]:
    """Boundary lines by kind. A segment that two countries share is a border, one that stands alone is coast."""
    owners: dict[Segment, list[int]] = defaultdict(list)
    for number, (_, geometry) in enumerate(countries):
        for ring in rings(geometry):
            for start, end in itertools.pairwise(ring):
                owners[min(start, end), max(start, end)].append(number)
    kinds: dict[str, list[LineString]] = defaultdict(list)
    for segment, held_by in owners.items():
        if is_seam(segment):
            continue
        disputed = any(not countries[number][0].get("iso_a3") for number in held_by)
        kind = "coast" if len(held_by) == 1 else "disputed" if disputed else "border"
        kinds[kind].append(LineString(segment))
    return {kind: shapely.line_merge(shapely.MultiLineString(lines)) for kind, lines in kinds.items()}


def labels(countries: list[tuple[dict[str, Any], BaseGeometry]]) -> Iterator[Part]:
    """One point per country with its names, ordered by area."""
    sized = [(abs(GEOD.geometry_area_perimeter(geometry)[0]), properties) for properties, geometry in countries]
    for rank, (_, properties) in enumerate(sorted(sized, key=lambda pair: -pair[0])):
        names = {key: properties[key] for key in ("code", "name_en", "name_fr", "name_es")}
        point = Point(properties["label_lon"], properties["label_lat"])
        yield {"kind": "label", "rank": rank, **names, "geometry": point}


def parts(source: Path) -> Iterator[Part]:
    """Everything the basemap draws, one record per feature."""
    features = json.loads(source.read_text(encoding="utf-8"))["features"]
    countries = [(feature["properties"], shape(feature["geometry"])) for feature in features]
    for polygon in shapely.get_parts(shapely.union_all([geometry for _, geometry in countries])):
        yield {"kind": "land", "geometry": polygon}
    for kind, lines in boundaries(countries).items():
        for line in shapely.get_parts(lines):
            yield {"kind": kind, "geometry": line}
    yield from labels(countries)


def build(source: Path, target: Path) -> None:
    """Write the tiles; the target appears complete or not at all."""
    frame = geopandas.GeoDataFrame(list(parts(source)), geometry="geometry", crs="EPSG:4326")
    frame["rank"] = frame["rank"].astype("Int32")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / target.name
        pyogrio.write_dataframe(
            frame,
            draft,
            layer=LAYER,
            driver="PMTiles",
            geometry_type="Unknown",
            dataset_options={
                "MINZOOM": 0,
                "MAXZOOM": MAXZOOM,
                "SIMPLIFICATION": SIMPLIFICATION,
                "SIMPLIFICATION_MAX_ZOOM": 0,
                "NAME": "Basemap",
                "DESCRIPTION": "Country boundaries",
            },
        )
        draft.replace(target)


def main() -> int:
    """Build unless the file is current."""
    parser = argparse.ArgumentParser(description="Make the map's basemap from the country boundaries.")
    parser.add_argument("--source", type=Path, default=SOURCE, help="GeoJSON of countries (default: %(default)s)")
    parser.add_argument("--target", type=Path, default=TARGET, help="PMTiles to write (default: %(default)s)")
    arguments = parser.parse_args()
    source, target = arguments.source, arguments.target
    if not source.is_file():
        print(f"build_basemap: {source} is missing: no country boundaries to draw", file=sys.stderr)
        return 1
    if is_current(target, (source, Path(__file__))):
        print(f"basemap: {target} is current")
        return 0
    print(f"basemap: drawing {source} into {target} (about ten seconds)")
    build(source, target)
    print(f"basemap: {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
