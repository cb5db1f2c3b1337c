"""The pedotransfer functions on Brazilian soils they were not made from: errors and ranges of use, all recomputed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.soil.calibrations import CALIBRATIONS
from app.soil.pedotransfer import PEDOTRANSFERS, Pedotransfer
from tests.conftest import SHARED

BY_NAME = pytest.mark.parametrize("record", PEDOTRANSFERS.values(), ids=list(PEDOTRANSFERS))

CLASSES = {
    "soc": [0, 1, 2, 5, 10, 20, 30, 40, 60, 100, 150, 200, 310],
    "clay": range(0, 100, 10),
    "silt": range(0, 100, 10),
    "sand": range(0, 110, 10),
}
"""Ends of the classes in which a mean error is looked at: soc in [g/kg], texture in [%]."""

WIDEST_MEAN_ERROR = 0.25
LEAST_LAYERS = 10


@pytest.fixture(scope="module")
def febr() -> pd.DataFrame:
    """Layers of FEBR with measured carbon, texture and density, chosen as app.soil.calibrations says."""
    path = (SHARED or Path()) / "data" / "febr-brazil" / "febr-camada.txt"
    if not path.is_file():
        pytest.skip("no public datasets: set OBSERVATORY_TEST_DATA to the folder that holds them")
    raw = pd.read_csv(path, sep=";", decimal=",", na_values=["NA"], dtype={"dataset_id": str}, escapechar="\\")
    soils = pd.DataFrame(
        {
            "dataset": raw["dataset_id"],
            "top": raw["profund_sup"],
            "soc": raw["carbono"],
            "clay": raw["argila"] / 10,
            "silt": raw["silte"] / 10,
            "sand": raw["areia"] / 10,
            "density": raw["dsi"],
        }
    )
    sound = (raw["terrafina"] >= 950) & (raw["carbono"] > 0) & raw["dsi"].between(0.1, 1.9)
    sound &= (soils["clay"] + soils["silt"] + soils["sand"]).between(95, 105) & (soils["dataset"] != "ctb0036")
    return soils[sound]


def of_use(record: Pedotransfer, soils: pd.DataFrame) -> pd.DataFrame:
    """The soils inside the range of use, topsoils only for the function of topsoils, with the error of each."""
    inside = np.logical_and.reduce([soils[name].between(low, high) for name, (low, high) in record.domain.items()])
    if record.id == "hollis2012_cultivated":
        inside &= soils["top"] < 30
    chosen = soils[inside]
    predicted = record.density(**{name: chosen[name].to_numpy() for name in record.domain})
    return chosen.assign(error=predicted - chosen["density"])


def test_the_choice_of_layers_is_the_one_described(febr: pd.DataFrame):
    assert (len(febr), febr["dataset"].nunique()) == (1184, 20)


@BY_NAME
def test_errors_in_the_record_are_those_of_these_soils(febr: pd.DataFrame, record: Pedotransfer):
    (stated,) = [error for error in CALIBRATIONS[record.id].errors if error.kind == "ours"]
    error = of_use(record, febr)["error"]
    assert len(error) == stated.n
    assert round(float(np.sqrt((error**2).mean())), 2) == stated.rmse
    assert round(float(error.mean()), 2) == stated.bias


@BY_NAME
def test_the_range_of_use_ends_where_a_function_leaves_these_soils(febr: pd.DataFrame, record: Pedotransfer):
    soils = of_use(record, febr)
    for name in record.domain:
        classes = pd.cut(soils[name], CLASSES[name], include_lowest=True)
        found = soils["error"].groupby(classes, observed=True).agg(["size", "mean"])
        found = found[found["size"] >= LEAST_LAYERS]
        assert len(found) >= 2, f"{name} is checked by one class only"
        assert found["mean"].abs().max() <= WIDEST_MEAN_ERROR, name


@pytest.mark.parametrize(
    ("function", "name", "low", "high"),
    [
        ("honeysett_ratkowsky1989", "soc", 0, 5),
        ("tomasella_hodnett1998", "silt", 60, 80),
        ("kaur2002", "soc", 20, 30),
        ("kaur2002", "silt", 30, 40),
        ("kaur2002", "clay", 50, 60),
        ("hollis2012_cultivated", "clay", 80, 90),
        ("jeffrey1970", "soc", 0, 2),
    ],
)
def test_beyond_the_cuts_a_function_is_off(febr: pd.DataFrame, function: str, name: str, low: float, high: float):
    record = PEDOTRANSFERS[function]
    start, end = record.domain[name]
    assert high <= start or low >= end, "the class must lie outside the range of use"
    soils = febr[(febr[name] > low) & (febr[name] <= high)]
    error = record.density(**{key: soils[key].to_numpy() for key in record.domain}) - soils["density"]
    assert len(error) >= LEAST_LAYERS
    assert abs(error.mean()) > WIDEST_MEAN_ERROR
