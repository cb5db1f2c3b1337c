"""Weights of geostatspy 0.0.79 `declus` (a port of GSLIB) for one origin, and cells of h3 4.5.0."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from app.soil.declustering import declustered_mean, h3_cells, square_cells


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", range(3))
def test_square_cells_agree_with_gslib(reference: Path, case: int):
    points = rows_of(reference / "declustering/points.csv")
    cases = json.loads((reference / "declustering/expected.json").read_text(encoding="utf-8"))
    assert (len(points), len(cases)) == (120, 3)
    theirs = cases[case]
    x, y, values = (np.array([float(point[name]) for point in points]) for name in ("x", "y", "value"))
    cells = square_cells(x, y, theirs["cell_size"], origin=tuple(theirs["origin"]))
    ours = declustered_mean(values, cells)
    assert ours.weights == pytest.approx(theirs["weights_sum_to_1"], abs=1e-9)
    assert ours.mean == pytest.approx(theirs["declustered_mean"], abs=1e-9)
    assert ours.plain_mean == pytest.approx(theirs["naive_mean"], abs=1e-9)


@pytest.mark.parametrize("resolution", [3, 5, 7])
def test_hexagons_agree_with_h3(reference: Path, resolution: int):
    rows = rows_of(reference / "h3/h3_cells.csv")
    assert len(rows) == 23
    cells = h3_cells([float(row["lon"]) for row in rows], [float(row["lat"]) for row in rows], resolution)
    assert cells.tolist() == [row[f"h3_r{resolution}"] for row in rows]
