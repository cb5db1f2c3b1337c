"""Zonal statistics of exactextract 0.3 and polygon areas of pyproj 3.7.2; shares of cells by clipping with shapely."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Geod

from app.soil.zonal import ellipsoidal_cell_area, interpolated_quantile, spherical_cell_area, zonal_statistics

REGIONS = [
    ("luxembourg_elevation", "Clervaux"),
    ("luxembourg_elevation", "Redange"),
    ("luxembourg_elevation", "Vianden"),
    ("luxembourg_elevation", "Echternach"),
    ("luxembourg_elevation", "Capellen"),
    ("luxembourg_elevation", "Luxembourg"),
    ("boreal_half_degree", "big"),
    ("boreal_half_degree", "hole"),
    ("boreal_half_degree", "sliver_smaller_than_cell"),
    ("boreal_half_degree", "multi"),
    ("boreal_half_degree", "partly_outside_raster"),
    ("planar_100m", "skew"),
]


class Cells:
    """The cells of a raster in row-major order from the north-west corner, and their share in a polygon."""

    def __init__(self, case: dict[str, Any], region: str) -> None:
        raster = case["raster"]
        rows, columns = raster["nrows"], raster["ncols"]
        x = np.linspace(raster["xmin"], raster["xmax"], columns + 1)
        y = np.linspace(raster["ymax"], raster["ymin"], rows + 1)
        west, north = np.meshgrid(x[:-1], y[:-1])
        east, south = np.meshgrid(x[1:], y[1:])
        wkt = next(polygon["wkt"] for polygon in case["polygons"] if polygon["id"] == region)
        self.polygon = shapely.orient_polygons(shapely.from_wkt(wkt))
        boxes = shapely.box(west.ravel(), south.ravel(), east.ravel(), north.ravel())
        self.share = np.clip(shapely.area(shapely.intersection(boxes, self.polygon)) / shapely.area(boxes), 0, 1)
        self.top, self.bottom, self.width = north.ravel(), south.ravel(), (east - west).ravel()
        self.values = np.array(raster["values"], dtype=float)
        self.nodata = raster["nodata"]
        self.valid = np.where(self.values == self.nodata, np.nan, self.values)


@pytest.fixture(scope="module")
def cases(reference: Path) -> dict[str, dict[str, Any]]:
    read = json.loads((reference / "zonal/exactextract_cases.json").read_text(encoding="utf-8"))
    assert [(case["name"], region) for case in read for region in case["expected"]] == REGIONS
    return {case["name"]: case for case in read}


@pytest.mark.parametrize(("name", "region"), REGIONS)
def test_statistics_of_regions_agree_with_exactextract(cases: dict[str, dict[str, Any]], name: str, region: str):
    cells, theirs = Cells(cases[name], region), cases[name]["expected"][region]
    ours = zonal_statistics(cells.values, cells.share, nodata=cells.nodata)
    assert ours.mean == pytest.approx(theirs["mean"], abs=1e-4)
    assert (ours.minimum, ours.maximum) == (theirs["min"], theirs["max"])
    assert ours.sd == pytest.approx(theirs["stdev"], abs=1e-4)
    assert ours.sd is not None
    assert ours.sd**2 == pytest.approx(theirs["variance"], abs=1e-2)
    # Without areas the area is the number of cells, and the total the sum. exactextract keeps shares in 32 bits.
    assert (ours.area, ours.total) == pytest.approx((theirs["count"], theirs["sum"]), rel=1e-6)
    for key, share in (("quantile_5", 0.05), ("median", 0.5), ("quantile_95", 0.95)):
        assert interpolated_quantile(cells.valid, cells.share, share) == pytest.approx(theirs[key], abs=1e-4)


@pytest.mark.parametrize(("name", "region"), REGIONS[:-1])
def test_area_weighted_statistics_agree_with_exactextract(cases: dict[str, dict[str, Any]], name: str, region: str):
    cells, theirs = Cells(cases[name], region), cases[name]["expected"][region]
    areas = spherical_cell_area(cells.top, cells.bottom, cells.width)
    ours = zonal_statistics(cells.values, cells.share, areas, nodata=cells.nodata)
    assert ours.mean == pytest.approx(theirs["area_mean"], abs=1e-4)
    assert (ours.area, ours.total) == pytest.approx((theirs["area_m2"], theirs["area_sum"]), rel=1e-6)


@pytest.mark.parametrize(("name", "region"), REGIONS[:-1])
def test_ellipsoidal_cells_add_up_to_the_geodesic_polygon(cases: dict[str, dict[str, Any]], name: str, region: str):
    cells, theirs = Cells(cases[name], region), cases[name]["expected"][region]
    geodesic = abs(Geod(ellps="WGS84").geometry_area_perimeter(cells.polygon)[0])
    assert geodesic == pytest.approx(theirs["geodesic_polygon_area_m2_pyproj"], abs=1)
    # Edges are straight in degrees for the cells and geodesics for pyproj; cells outside the raster are not there.
    straight = shapely.segmentize(cells.polygon, 0.01)
    expected = abs(Geod(ellps="WGS84").geometry_area_perimeter(straight)[0])
    areas = ellipsoidal_cell_area(cells.top, cells.bottom, cells.width)
    ours = float(cells.share @ areas)
    if region == "partly_outside_raster":
        expected /= 2
    # A share of a cell is one of degrees: in cells of half a degree land and degrees differ by some per mille.
    assert ours == pytest.approx(expected, rel=1e-5 if name.startswith("luxembourg") else 4e-3)
    # exactextract's sphere is off by more than a per mille here.
    assert abs(float(cells.share @ spherical_cell_area(cells.top, cells.bottom, cells.width)) / ours - 1) > 1e-3


def test_a_mean_of_degrees_is_not_a_mean_of_land(cases: dict[str, dict[str, Any]]):
    theirs = cases["boreal_half_degree"]["expected"]["big"]
    assert theirs["mean"] / theirs["area_mean"] - 1 == pytest.approx(0.009, abs=5e-4)
