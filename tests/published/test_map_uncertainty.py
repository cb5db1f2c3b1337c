"""Standard error of a map mean with the correlograms of gstat 2.1.0 (`variogramLine(covariance = TRUE)`)."""

import json
from pathlib import Path

import numpy as np
import pytest

from app.soil.map_uncertainty import exponential_correlogram, map_mean_error, spherical_correlogram

MODELS = {"Exp": exponential_correlogram, "Sph": spherical_correlogram}


@pytest.mark.parametrize("name", ["exp", "sph"])
def test_error_of_a_map_mean_agrees_with_gstat(reference: Path, name: str):
    cases = json.loads((reference / "map_uncertainty/regional_mean_variance.json").read_text(encoding="utf-8"))
    assert set(cases) == {"exp", "sph"}
    theirs = cases[name]
    assert theirs["sill_total"] == 1
    sd, weights, x, y = (np.array([cell[key] for cell in theirs["cells"]]) for key in ("sigma", "w", "x", "y"))

    def correlogram(distance: np.ndarray) -> np.ndarray:
        return MODELS[theirs["model"]](distance, theirs["range_parameter"], theirs["nugget"])

    ours = map_mean_error(sd, weights, x, y, correlogram=correlogram)
    assert ours.n_cells == 20
    assert ours.se is not None
    assert ours.se**2 == pytest.approx(theirs["var_correlated"], abs=1e-6)
    assert ours.se == pytest.approx(theirs["se_correlated"], abs=1e-6)
    assert ours.se_independent == pytest.approx(theirs["se_if_independent"], abs=1e-6)
    assert ours.se_dependent == pytest.approx(theirs["se_if_perfectly_correlated"], abs=1e-6)
    assert theirs["se_if_independent"] < ours.se < theirs["se_if_perfectly_correlated"]
