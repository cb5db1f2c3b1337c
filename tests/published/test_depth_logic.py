"""Depth flags of aqp 2.3.2 `checkHzDepthLogic` on Africa Soil Profiles, real and corrupted."""

import csv
from pathlib import Path

import numpy as np
import pytest

from app.soil.depth import any_in_profile, check_depths


def number(text: str) -> float:
    return float(text) if text else np.nan


@pytest.fixture(scope="module")
def compared(reference: Path) -> dict[str, tuple[dict[str, str], dict[str, bool]]]:
    with (reference / "qc/depth_expected.csv").open(encoding="utf-8") as file:
        expected = {row["profile_id"]: row for row in csv.DictReader(file)}
    with (reference / "qc/depth_layers.csv").open(encoding="utf-8") as file:
        layers = list(csv.DictReader(file))
    names = list(expected)
    profile = np.array([names.index(row["profile_id"]) for row in layers])
    flags = check_depths(
        profile, [number(row["top_cm"]) for row in layers], [number(row["bottom_cm"]) for row in layers]
    )
    found = {
        "valid": flags.valid(profile, len(names)),
        "depthLogic": any_in_profile(flags.inverted, profile, len(names)),
        "sameDepth": any_in_profile(flags.zero_thickness, profile, len(names)),
        "missingDepth": any_in_profile(flags.missing, profile, len(names)),
        "overlapOrGap": any_in_profile(flags.overlap | flags.gap, profile, len(names)),
    }
    return {
        name: (expected[name], {key: bool(values[i]) for key, values in found.items()}) for i, name in enumerate(names)
    }


def test_depth_flags_agree_with_aqp(compared: dict[str, tuple[dict[str, str], dict[str, bool]]]):
    assert len(compared) >= 20
    for name, (expected, ours) in compared.items():
        # Where a depth is missing, aqp goes on comparing what is left; only these two flags are comparable.
        keys = ("valid", "missingDepth") if expected["missingDepth"] == "TRUE" else tuple(ours)
        assert {key: ours[key] for key in keys} == {key: expected[key] == "TRUE" for key in keys}, name
