"""Mixed models of lme4 1.1.31 and lmerTest 3.1.3: Highfield ley-arable plots of Rothamsted, and lme4's sleepstudy."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.soil.trend import Trend, mixed_trend

ROTATIONS = {
    "arable": "decrease",
    "ley_arable": "decrease",
    "permanent grass": "increase_compatible",
    "reseeded grass": "above_path",
}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def plots(reference: Path) -> list[dict[str, str]]:
    rows = rows_of(reference / "trend/highfield_clean.csv")
    assert len(rows) == 243
    assert {row["rotation_type"] for row in rows} == set(ROTATIONS)
    return rows


def highfield(plots: list[dict[str, str]], rotation: str) -> tuple[Trend, np.ndarray, np.ndarray]:
    rows = [row for row in plots if row["rotation_type"] == rotation]
    carbon = np.array([float(row["percent_soc"]) for row in rows])
    year = np.array([float(row["year"]) for row in rows])
    return mixed_trend(carbon, year, [row["main_plot"] for row in rows], origin=1948), carbon, year


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_highfield_trends_agree_with_lme4(reference: Path, plots: list[dict[str, str]], rotation: str):
    numbers = json.loads((reference / "trend/expected_highfield.json").read_text(encoding="utf-8"))
    theirs = numbers[f"highfield_{rotation.replace(' ', '_')}"]
    ours, carbon, year = highfield(plots, rotation)
    model = theirs["reml_random_intercept"]
    assert (ours.n_values, ours.n_sites, ours.origin) == (theirs["n_obs"], theirs["n_sites"], theirs["t0"])
    assert (ours.baseline, ours.per_year) == pytest.approx((model["intercept"], model["slope_per_year"]), rel=1e-6)
    assert ours.se == pytest.approx(model["se"], rel=1e-5)
    assert ours.df == pytest.approx(model["df_satterthwaite"], rel=1e-5)
    assert (ours.var_site, ours.var_residual) == pytest.approx((model["var_site"], model["var_residual"]), rel=1e-4)
    assert "sites_do_not_differ" not in ours.notes
    assert not model["singular"]
    assert ours.rate == pytest.approx(model["rate_permille_per_year_of_intercept"], rel=1e-6)
    assert ours.verdict == ROTATIONS[rotation]
    # A plain regression is another line with another error, twice too small or three times too large.
    plain = theirs["ols_ignoring_sites_for_contrast"]
    slope, covariance = np.polyfit(year, carbon, 1, cov=True)
    assert slope[0] == pytest.approx(plain["slope_per_year"], rel=1e-6)
    assert np.sqrt(covariance[0, 0]) == pytest.approx(plain["se"], rel=1e-6)
    assert ours.se is not None
    assert ours.se < plain["se"]


@pytest.mark.parametrize("random_slope", [False, True])
def test_sleepstudy_agrees_with_lme4(reference: Path, random_slope: bool):  # noqa: FBT001
    rows = rows_of(reference / "trend/sleepstudy.csv")
    theirs: dict[str, Any] = json.loads((reference / "trend/expected.json").read_text(encoding="utf-8"))[
        "lmm_sleepstudy"
    ]
    model = theirs["random_slope" if random_slope else "random_intercept"]
    ours = mixed_trend(
        [float(row["Reaction"]) for row in rows],
        [float(row["Days"]) for row in rows],
        [row["Subject"] for row in rows],
        random_slope=random_slope,
    )
    assert ours.n_values == 180
    assert (ours.per_year, ours.se) == pytest.approx((model["slope"], model["se"]), rel=1e-6)
    assert ours.df == pytest.approx(model["df"], rel=1e-5)
    if not random_slope:
        found = (ours.baseline, ours.var_site, ours.var_residual)
        assert found == pytest.approx((model["intercept"], model["var_site"], model["sigma2"]), rel=1e-6)
