"""Each quirk that the README of a public set names ends in the rule that is made for it, in the counts of the raw file."""

import datetime as dt
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from app.errors import RefusedFile
from app.ingest.mapping import load_mapping
from app.ingest.read import Ingested, read
from tests.conftest import SHARED

pytestmark = pytest.mark.skipif(SHARED is None, reason="the public data sets are not here")

DATA = (SHARED or Path()) / "data"
FEBR = DATA / "febr-brazil"
NPCTR = DATA / "npctr-pedon-soc" / "McNicoletal-2024-NPCTR-Pedon-SOC-Database.xlsx"
ROTHAMSTED = DATA / "rothamsted-long-term"


@cache
def imported(mapping: str, path: Path) -> Ingested:
    return read(path, load_mapping(mapping), today=dt.date(2026, 1, 1))


@cache
def master() -> pd.DataFrame:
    frame = pd.read_excel(
        NPCTR, sheet_name="MasterTable", engine="calamine", na_values=["NA", ""], keep_default_na=False
    )
    return frame.set_axis(range(2, len(frame) + 2))


# NPCTR ---------------------------------------------------------------------------------------------------------------


def test_973_longitudes_without_their_minus_are_restored_and_said():
    found = imported("npctr", NPCTR)
    assert found.report.counts["COORD_SIGN_RESTORED"] == 973
    flagged = found.sites.filter(pl.col("flags").list.contains("COORD_SIGN_RESTORED"))
    assert (flagged["longitude"] < 0).all()
    assert (flagged["position_text"].str.split(" ").list.first().cast(pl.Float64) > 0).all()


def test_depths_that_count_upwards_are_heights():
    raw, found = master(), imported("npctr", NPCTR)
    upward = raw.index[raw["depth2"] > raw["depth1"]]
    assert len(upward) == 5_136
    # 54 of them belong to pedons that are refused for their position, whose rows get no warnings.
    assert found.report.counts["DEPTH_AS_HEIGHT"] == len(upward) - 54
    stored = found.layers.filter(pl.col("row").is_in(list(upward)))
    given = raw.loc[stored["row"].to_list()]
    np.testing.assert_allclose(stored["top_cm"].to_numpy(), -given["depth2"].to_numpy() + 0.0)
    np.testing.assert_allclose(stored["bottom_cm"].to_numpy(), -given["depth1"].to_numpy() + 0.0)


def test_text_na_is_missing_in_text_and_empty_in_numbers():
    counts = imported("npctr", NPCTR).report.counts
    assert counts["MISSING_MARKER"] > 0
    assert set(imported("npctr", NPCTR).layers["horizon"].drop_nulls()) & {"NA"} == set()


def test_carbon_in_percent_becomes_grams_in_a_kilogram():
    found = imported("npctr", NPCTR)
    soc = found.results.filter(pl.col("property") == "soc").join(
        found.layers.select("layer_key", "row"), on="layer_key"
    )
    raw = master()["cconc"].loc[soc["row"].to_list()]
    np.testing.assert_allclose(soc["value"].to_numpy(), 10 * raw.to_numpy(), rtol=1e-12)
    assert soc["reported_unit"].unique().to_list() == ["%"]


def test_stock_in_grams_in_a_square_metre_becomes_tonnes_in_a_hectare():
    found = imported("npctr", NPCTR)
    stock = found.results.filter(pl.col("property") == "soc_stock_reported")
    rows = stock.join(found.layers.select("layer_key", "row"), on="layer_key")
    raw = master()["ccontent"].loc[rows["row"].to_list()]
    assert stock["reported_unit"].unique().to_list() == ["g/m2"]
    np.testing.assert_allclose(rows["value"].to_numpy(), raw.to_numpy() / 100, rtol=1e-12)
    assert len(raw) > 5_000


def test_reported_stocks_follow_from_their_parts_and_those_that_do_not_are_flagged():
    found = imported("npctr", NPCTR)
    wide = found.results.pivot("property", index="layer_key", values="value").join(  # noqa: PD010  (polars)
        found.layers.select("layer_key", "top_cm", "bottom_cm"), on="layer_key"
    )
    parts = ("soc", "bulk_density_fine_earth", "coarse_fragments_volume", "soc_stock_reported")
    wide = wide.drop_nulls(parts)
    mass = (
        wide["bulk_density_fine_earth"] * (1 - wide["coarse_fragments_volume"]) * (wide["bottom_cm"] - wide["top_cm"])
    )
    computed = 0.1 * wide["soc"] * mass
    off = ((wide["soc_stock_reported"] - computed).abs() > 0.5 + 0.05 * computed).sum()
    flagged = found.results.filter(pl.col("flags").list.contains("STOCK_MISMATCH"))
    assert flagged["property"].unique().to_list() in ([], ["soc_stock_reported"])
    assert flagged.height == off == found.report.counts.get("STOCK_MISMATCH", 0)
    # The source computed them so: only thicknesses that its depths do not give make a difference.
    assert off < 0.02 * wide.height


def test_stocks_of_whole_pedons_are_not_read_and_said():
    issues = [issue for issue in imported("npctr", NPCTR).report.issues if issue.code == "COLUMN_UNKNOWN"]
    assert {"total_c", "total_c_1m"} <= {issue.column for issue in issues}


def test_missing_bottoms_come_from_the_thickness_where_there_is_one():
    counts = imported("npctr", NPCTR).report.counts
    assert (counts["DEPTH_FROM_THICKNESS"], counts["DEPTH_ZERO_THICKNESS"]) == (488, 435)


def test_values_that_cannot_be_are_refused_and_their_rows_kept():
    raw, counts = master(), imported("npctr", NPCTR).report.counts
    assert int((raw["cconc"] > 58).sum()) == 25
    assert counts["VALUE_IMPOSSIBLE"] >= 25 + int((raw["bulk_density"] < 0.01).sum())
    assert counts["COORD_ZERO"] == 2


def test_edition_before_tidying_stays_refused_for_want_of_its_sheet():
    path = NPCTR.with_name("McNicoletal-2018-NPCTR-Pedon-SOC-Database.xlsx")
    with pytest.raises(RefusedFile) as caught:
        read(path, load_mapping("npctr"), today=dt.date(2026, 1, 1))
    assert caught.value.code == "SHEET_MISSING"


# FEBR ----------------------------------------------------------------------------------------------------------------


def test_decimal_commas_behind_semicolons_are_numbers():
    found = imported("febr", FEBR)
    assert found.results.filter(pl.col("property") == "soc").height > 5_000
    assert "NOT_A_NUMBER" not in found.report.counts


def test_repeated_keys_missing_observations_and_repeated_rows_have_their_rules():
    # 15 of the 520 observations without a position have a repeated key and are refused for that.
    counts = imported("febr", FEBR).report.counts
    assert (counts["KEY_REPEATED"], counts["ORPHAN"], counts["DUPLICATE_ROW"]) == (30, 15, 1)
    assert (counts["DEPTH_MISSING"], counts["DEPTH_ZERO_THICKNESS"], counts["COORD_MISSING"]) == (350, 33, 505)


def test_stones_measured_as_none_and_not_measured_are_told_apart_by_their_status():
    found = imported("febr", FEBR)
    assert found.report.counts["STATUS_ASSUMED"] == found.results.filter(pl.col("status") == "assumed").height > 10_000


def test_ph_of_0_6_is_refused():
    found = imported("febr", FEBR)
    issues = [i for i in found.report.issues if i.code == "VALUE_IMPOSSIBLE" and i.column == "ph"]
    assert any(issue.value == "0,6" for issue in issues)


# Rothamsted ----------------------------------------------------------------------------------------------------------


def test_rows_of_stars_are_passed_over_and_stars_are_missing():
    found = imported("rothamsted-highfield", ROTHAMSTED / "highfield")
    (ledger,) = found.report.ledger
    assert dict(ledger.ignored) == {"NO_VALUES": 634}
    raw = pd.read_csv(ROTHAMSTED / "highfield" / "soil_data.csv", dtype=str)
    stars = sum(int((raw[column] == "*").sum()) for column in ("percent_soc", "bulk_density"))
    missing = {item.column: item.missing for item in iter(found.report.values)}
    assert missing["percent_soc"] + missing["bulk_density"] == stars


def test_ns_is_not_sampled():
    found = imported("rothamsted-broadbalk", ROTHAMSTED / "broadbalk" / "02-BKSOC1843-data.xlsx")
    marks = [issue for issue in found.report.issues if issue.code == "MISSING_MARKER"]
    assert {issue.value for issue in marks} == {"ns"}
    assert found.report.counts["MISSING_MARKER"] == 6


def test_two_heading_rows_and_a_row_without_its_year_have_their_rules():
    found = imported("rothamsted-broadbalk", ROTHAMSTED / "broadbalk" / "02-BKSOC1843-data.xlsx")
    outside = [issue.row for issue in found.report.issues if issue.code == "ROW_OUTSIDE"]
    assert {10, 11} <= set(outside)
    assert {issue.row for issue in found.report.issues if issue.code == "KEY_MISSING"} == {38}


def test_carbon_comes_in_two_units_and_stocks_in_two_more():
    units = {
        (code, unit)
        for mapping, path in (
            ("febr", FEBR),
            ("npctr", NPCTR),
            ("rothamsted-broadbalk", ROTHAMSTED / "broadbalk" / "02-BKSOC1843-data.xlsx"),
            ("rothamsted-hoosfield", ROTHAMSTED / "hoosfield" / "01-HBSOC1852-data.csv"),
        )
        for code, unit in imported(mapping, path).results.select("property", "reported_unit").unique().rows()
        if code.startswith("soc")
    }
    assert units == {("soc", "g/kg"), ("soc", "%"), ("soc_stock_reported", "g/m2"), ("soc_stock_reported", "t/ha")}


def test_labels_with_decimals_dates_of_years_and_odd_plot_names_are_read():
    found = imported("rothamsted-highfield", ROTHAMSTED / "highfield")
    assert found.visits["date_precision"].value_counts().sort("date_precision").rows() == [("day", 291), ("year", 12)]
    assert all(key == key.strip() for key in found.sites["site_key"])


def test_value_of_1938_repeated_in_all_plots_is_assumed():
    found = imported("rothamsted-woburn", ROTHAMSTED / "woburn" / "soil_data.csv")
    first = found.results.join(found.layers, on="layer_key").join(found.visits, on="visit_key")
    first = first.filter((pl.col("property") == "soc") & (pl.col("sampled_from") == dt.date(1938, 1, 1)))
    assert (first.height, first["status"].unique().to_list()) == (80, ["assumed"])
