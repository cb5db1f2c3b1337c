"""Fits of R mpspline2 0.1.9 (PyPI mpspline gives the same) and interval means of mpspline2 and ithir 2.0.0."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.soil.spline import Splines, interval_means, interval_means_mpspline2, mass_preserving_spline, values_at

Case = dict[str, Any]


@pytest.fixture(scope="module")
def cases(reference: Path) -> list[Case]:
    every: list[Case] = json.loads((reference / "spline/mpspline_cases.json").read_text(encoding="utf-8"))
    return every


@pytest.fixture(scope="module")
def fitted(cases: list[Case]) -> list[tuple[Case, Splines]]:
    found = [(case, fit(case)) for case in cases if case["fitted"]]
    assert (len(cases), len(found)) == (28, 27)
    return found


def numbers(values: list[float | None]) -> np.ndarray:
    return np.array(values, dtype=float)


def fit(case: Case) -> Splines:
    top, bottom, value = (numbers([layer[key] for layer in case["layers"]]) for key in ("top", "bottom", "value"))
    return mass_preserving_spline(np.zeros(top.size, dtype=int), top, bottom, value, 1, smoothing=case["lam"])


def limits(case: Case) -> tuple[list[float], list[float]]:
    return case["target_breaks_cm"][:-1], case["target_breaks_cm"][1:]


def test_fitted_layer_means_agree_with_mpspline2(fitted: list[tuple[Case, Splines]]):
    for case, splines in fitted:
        assert splines.fitted == pytest.approx(case["fitted_layer_means"], abs=1e-6), case["id"]
        if "rmse" in case:
            rmse = np.sqrt(np.mean((splines.fitted - splines.observed) ** 2))
            assert rmse == pytest.approx(case["rmse"], abs=1e-6), case["id"]


def test_curves_agree_with_mpspline2_at_every_centimetre(fitted: list[tuple[Case, Splines]]):
    for case, splines in fitted:
        expected = numbers(case["value_at_top_of_each_cm"])
        found, _ = values_at(splines, np.arange(expected.size), low=case["vlow"], high=case["vhigh"])
        assert found[0] == pytest.approx(expected, abs=1e-6, nan_ok=True), case["id"]


def test_interval_means_agree_with_the_integral_of_the_curve(fitted: list[tuple[Case, Splines]]):
    for case, splines in fitted:
        found = interval_means(splines, *limits(case)).value[0]
        expected = numbers(case["interval_mean_exact_integral"])
        assert found == pytest.approx(expected, abs=1e-4, nan_ok=True), case["id"]


def test_means_of_whole_centimetres_agree_with_mpspline2(fitted: list[tuple[Case, Splines]]):
    for case, splines in fitted:
        means = interval_means_mpspline2(splines, *limits(case), low=case["vlow"], high=case["vhigh"])
        expected = numbers(case["interval_mean_mpspline2_1cm"])
        assert means.value[0] == pytest.approx(expected, abs=1e-6, nan_ok=True), case["id"]


def test_the_integral_lies_between_the_two_conventions_of_whole_centimetres(fitted: list[tuple[Case, Splines]]):
    """mpspline2 takes the upper end of each centimetre, ithir the lower: 11.3 and 10.5 g/kg for a 5-15 cm of 10.9."""
    between = compared = 0
    widest = 0.0
    for case, splines in fitted:
        if case["set"] == "edge":
            continue  # ithir takes negative depths for real ones and has no numbers for the others
        exact = interval_means(splines, *limits(case)).value[0]
        for ours, one, other in zip(
            exact, case["interval_mean_mpspline2_1cm"], case["interval_mean_ithir_1cm"], strict=True
        ):
            if one is not None and other is not None:
                compared += 1
                between += min(one, other) - 1e-6 <= ours <= max(one, other) + 1e-6
                widest = max(widest, abs(one / ours - 1))
    assert (between, compared) == (138, 140)
    assert widest == pytest.approx(0.039, abs=0.001)


def test_what_mpspline2_refuses_or_drops_is_refused_or_flagged(cases: list[Case]):
    found = {case["id"]: fit(case) for case in cases if case["set"] == "edge"}
    assert found["overlapping_layers"].reason.tolist() == ["overlap"]
    assert found["missing_value_in_middle"].flags == (("missing_value_dropped",),)
    assert found["negative_depth_litter_layer"].flags == (("organic_layer_dropped",),)
    assert found["gap_at_surface"].flags == ((),)
