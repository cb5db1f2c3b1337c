"""Ten pedotransfer functions on eight soils by the R package soilptf 0.5.3 (AgroCares)."""

import csv
from pathlib import Path

import numpy as np
import pytest

from app.soil.pedotransfer import PEDOTRANSFERS

COLUMNS = {
    "alexander1980_a": "alexander1980_a",
    "alexander1980_b": "alexander1980_b",
    "manrique_jones1991": "manrique_jones1991",
    "tomasella_hodnett1998": "tomasella_hodnett1998",
    "bernoux1998": "bernoux1998",
    "kaur2002": "kaur2002",
    "hollis2012_other_mineral": "hollis2012_mineral",
    "hollis2012_cultivated_topsoil": "hollis2012_cultivated",
    "honeysett_ratkowsky1989_from_om1724": "honeysett_ratkowsky1989",
    "jeffrey1970_log10_from_om1724": "jeffrey1970",
}


@pytest.fixture(scope="module")
def table(reference: Path) -> dict[str, np.ndarray]:
    with (reference / "bulk_density/ptf_values.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def test_every_column_is_compared(table: dict[str, np.ndarray]):
    assert set(table) - set(COLUMNS) == {"soc_g_kg", "clay_pct", "silt_pct", "sand_pct"}


@pytest.mark.parametrize(("column", "function"), COLUMNS.items())
def test_densities_agree_with_soilptf(table: dict[str, np.ndarray], column: str, function: str):
    record = PEDOTRANSFERS[function]
    names = {"soc": "soc_g_kg", "clay": "clay_pct", "silt": "silt_pct", "sand": "sand_pct"}
    found = record.density(**{name: table[names[name]] for name in record.domain})
    assert found == pytest.approx(table[column], abs=1e-4)
