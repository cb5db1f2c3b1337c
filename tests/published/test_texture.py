"""Texture classes of aqp 2.3.2 (NASIS rules) and soiltexture 1.5.3, and its conversion of particle-size limits."""

import csv
from pathlib import Path

import numpy as np
import pytest

from app.soil.texture import convert_silt_limit, hypres_texture, usda_texture

Rows = list[dict[str, str]]


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fractions(rows: Rows) -> tuple[np.ndarray, ...]:
    return tuple(np.array([float(row[name]) for row in rows]) for name in ("sand", "silt", "clay"))


@pytest.fixture(scope="module")
def grid(reference: Path) -> Rows:
    return rows_of(reference / "texture/usda_grid_integer.csv")


def test_usda_classes_of_the_whole_grid_agree_with_aqp(grid: Rows):
    assert len(grid) == 2601
    assert usda_texture(*fractions(grid), limits="2-50-2000").code.tolist() == [row["usda"] for row in grid]


def test_usda_classes_of_shares_with_decimals_agree_with_the_nasis_rules(reference: Path):
    rows = rows_of(reference / "texture/usda_decimals.csv")
    assert len(rows) == 600
    assert usda_texture(*fractions(rows), limits="2-50-2000").code.tolist() == [row["usda"] for row in rows]


def test_hypres_classes_of_the_whole_grid_agree_with_soiltexture(grid: Rows):
    ours = hypres_texture(*fractions(grid), limits="2-50-2000").code
    for row, code in zip(grid, ours, strict=True):
        # On a border soiltexture names all neighbours.
        assert code in row["hypres_soiltexture_pkg"].split("|"), row


def test_the_polygons_of_soiltexture_differ_from_the_manual_near_its_corners(grid: Rows):
    ours = usda_texture(*fractions(grid), limits="2-50-2000").code
    theirs = [row["usda_soiltexture_pkg"] for row in grid]
    differing = [i for i, name in enumerate(theirs) if ours[i] not in name.split("|")]
    assert len(differing) == 48
    example = next(row for row in grid if (row["sand"], row["clay"]) == ("0", "12"))
    assert (example["usda"], example["usda_soiltexture_pkg"]) == ("sil", "si")
    assert usda_texture(0, 88, 12, limits="2-50-2000").code[0] == "sil"


def test_log_linear_silt_limits_agree_with_soiltexture(reference: Path):
    rows = rows_of(reference / "texture/particle_size_loglinear.csv")
    assert len(rows) == 24
    for row in rows:
        source, target = (float(row[name].split("-")[2]) for name in ("from", "to"))
        silt, sand = convert_silt_limit(float(row["silt_in"]), float(row["sand_in"]), source=source, target=target)
        assert (float(silt), float(sand)) == pytest.approx((float(row["silt_out"]), float(row["sand_out"])), abs=1e-5)
        assert row["clay_in"] == row["clay_out"]
