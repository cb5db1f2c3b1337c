"""Layer stocks and their SD of GSIF `OCSKGM`, and sums and means of aqp slices, on 12 Africa Soil Profiles."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.soil.carbon import Layers, fixed_depth_content, fixed_depth_stock, layer_stock, layer_stock_uncertainty
from app.soil.depth import slab_mean

Table = dict[str, np.ndarray]


def columns(path: Path) -> Table:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {name: values if name == "profile_id" else values.astype(float) for name, values in table.items()}


@pytest.fixture(scope="module")
def table(reference: Path) -> Table:
    return columns(reference / "stocks/afsp_layers.csv")


@pytest.fixture(scope="module")
def expected(reference: Path) -> Table:
    return columns(reference / "stocks/afsp_profiles_expected.csv")


@pytest.fixture(scope="module")
def layers(table: Table, expected: Table) -> Layers:
    names = expected["profile_id"].tolist()
    size = table["profile_id"].size
    return Layers(
        profile=np.array([names.index(name) for name in table["profile_id"]]),
        top=table["top_cm"],
        bottom=table["bottom_cm"],
        organic=np.zeros(size, dtype=bool),
        soc=table["soc_g_kg"],
        soc_status=np.full(size, "measured", dtype=object),
        bulk_density=table["bd_t_m3"],
        bulk_density_basis=np.full(size, "fine_earth", dtype=object),
        bulk_density_status=np.full(size, "measured", dtype=object),
        coarse_fragments=table["cf_vol_pct"] / 100,
        coarse_fragments_basis=np.full(size, "volume", dtype=object),
        coarse_fragments_status=np.full(size, "measured", dtype=object),
    )


def test_layer_stocks_agree_with_gsif(table: Table):
    stock = layer_stock(
        table["soc_g_kg"], table["bd_t_m3"], table["bottom_cm"] - table["top_cm"], table["cf_vol_pct"] / 100
    )
    assert stock == pytest.approx(table["stock_t_ha"], abs=1e-6)


def test_layer_stock_uncertainties_agree_with_gsif(table: Table):
    uncertainty = layer_stock_uncertainty(
        table["soc_g_kg"],
        table["bd_t_m3"],
        table["bottom_cm"] - table["top_cm"],
        table["cf_vol_pct"] / 100,
        u_organic_carbon=0.1 * table["soc_g_kg"],
        u_bulk_density=0.1,
        u_coarse_fragments=0.05,
    )
    assert uncertainty == pytest.approx(table["stock_sd_t_ha"], abs=1e-6)


@pytest.mark.parametrize("lower", [30, 100])
def test_profile_stocks_agree_with_aqp_slices(layers: Layers, expected: Table, lower: int):
    stocks = fixed_depth_stock(layers, expected["profile_id"].size, 0, lower)
    assert stocks.reason.tolist() == [None] * 12
    assert stocks.value == pytest.approx(expected[f"stock_0_{lower}"], abs=1e-6)


def test_topsoil_contents_agree_with_aqp_slices(layers: Layers, expected: Table):
    contents = fixed_depth_content(layers, expected["profile_id"].size, 0, 30)
    assert contents.value == pytest.approx(expected["soc_mean_0_30"], abs=1e-6)


def test_topsoil_clay_agrees_with_aqp_slices(layers: Layers, table: Table, expected: Table):
    mean, coverage = slab_mean(
        layers.profile, layers.top, layers.bottom, table["clay_pct"], expected["profile_id"].size, upper=0, lower=30
    )
    assert mean == pytest.approx(expected["clay_mean_0_30"], abs=1e-6)
    assert coverage.tolist() == [1.0] * 12


def test_a_profile_that_loses_its_second_layer_loses_its_stock(layers: Layers, expected: Table):
    soc = layers.soc.copy()
    soc[1] = np.nan
    stocks = fixed_depth_stock(replace(layers, soc=soc), expected["profile_id"].size, 0, 30)
    assert np.isnan(stocks.value).tolist() == [True] + [False] * 11
    assert stocks.reason[0] == "soc_missing"
