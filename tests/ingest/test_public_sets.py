"""The public sets: every row accounted for, and the counts again with pandas straight from the raw files."""

import datetime as dt
from collections import Counter
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


def first_reason(frame: pd.DataFrame, reasons: dict[str, pd.Series]) -> dict[str, int]:
    """How many rows each reason takes, in the order given."""
    left = pd.Series(data=True, index=frame.index)
    counts = {}
    for code, mask in reasons.items():
        hit = mask.reindex(frame.index, fill_value=False) & left
        counts[code] = int(hit.sum())
        left &= ~hit
    return {code: n for code, n in counts.items() if n}


def pairwise(frame: pd.DataFrame, top: str, bottom: str, profile: str) -> pd.Series:
    """Rows whose interval meets that of another row of the profile, or of one that is met in turn."""
    met = pd.Series(data=False, index=frame.index)
    for _, rows in frame.groupby(profile):
        spans = list(rows[[top, bottom]].itertuples(index=True, name=None))
        for i, (a, upper, lower) in enumerate(spans):
            for b, other_upper, other_lower in spans[i + 1 :]:
                if upper < other_lower and other_upper < lower:
                    met[a] = met[b] = True
    return met


# FEBR ----------------------------------------------------------------------------------------------------------------


def febr(name: str) -> pd.DataFrame:
    frame = pd.read_csv(FEBR / f"febr-{name}.txt", sep=";", dtype=str, keep_default_na=False, escapechar="\\")
    return frame.replace({"NA": None, "NULL": None})


def number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.str.replace(",", "."))


def test_febr_ledgers_close_at_the_rows_of_the_files():
    report = imported("febr", FEBR).report
    assert [(table.file, table.rows_read) for table in report.ledger] == [
        ("febr-camada.txt", 21_125),
        ("febr-observacao.txt", 7_300),
        ("febr-dataset.txt", 75),
    ]
    assert report.rows_read == report.rows_stored + report.rows_refused + report.rows_ignored == 28_500


def test_febr_rows_go_where_pandas_sends_them():
    layers, sites = febr("camada"), febr("observacao")
    key = ["dataset_id", "observacao_id"]
    repeated = sites.duplicated(key, keep=False)
    nowhere = sites["coord_x"].isna() | sites["coord_y"].isna()
    assert (int(nowhere.sum()), int(sites.duplicated(key).sum())) == (520, 15)
    _, observations, _ = imported("febr", FEBR).report.ledger
    assert dict(observations.refused) == first_reason(sites, {"KEY_REPEATED": repeated, "COORD_MISSING": nowhere})

    names = pd.Series(list(zip(layers["dataset_id"], layers["observacao_id"], strict=True)), index=layers.index)
    site_names = pd.Series(list(zip(sites["dataset_id"], sites["observacao_id"], strict=True)), index=sites.index)
    top, bottom = number(layers["profund_sup"]), number(layers["profund_inf"])
    reasons = {
        "DUPLICATE_ROW": layers.duplicated(),
        "ORPHAN": ~names.isin(set(site_names)) | layers["observacao_id"].isna(),
        "KEY_REPEATED": names.isin(set(site_names[repeated])),
        "COORD_MISSING": names.isin(set(site_names[nowhere])),
        "DEPTH_MISSING": top.isna() | bottom.isna(),
        "DEPTH_ZERO_THICKNESS": top == bottom,
        "DEPTH_IMPOSSIBLE": bottom > 1000,
    }
    assert {code: int(mask.sum()) for code, mask in reasons.items() if code not in {"KEY_REPEATED", "COORD_MISSING"}} == {
        "DUPLICATE_ROW": 1, "ORPHAN": 15, "DEPTH_MISSING": 350, "DEPTH_ZERO_THICKNESS": 33, "DEPTH_IMPOSSIBLE": 1,
    }  # fmt: skip
    standing = layers.assign(top=top, bottom=bottom, profile=names)[~pd.concat(reasons, axis=1).any(axis=1)]
    reasons["LAYER_DUPLICATE"] = standing.duplicated(["profile", "top", "bottom"], keep=False)
    standing = standing[~reasons["LAYER_DUPLICATE"]]
    reasons["LAYER_OVERLAP"] = pairwise(standing, "top", "bottom", "profile")
    found = imported("febr", FEBR).report
    assert {**found.ledger[0].refused, **found.ledger[0].ignored} == first_reason(layers, reasons)
    for code in ("ORPHAN", "DEPTH_MISSING", "DEPTH_ZERO_THICKNESS"):
        assert found.counts[code] == int(reasons[code].sum())


def test_febr_values_are_those_of_the_file():
    found = imported("febr", FEBR)
    layers = febr("camada").set_index(pd.RangeIndex(2, 21_127)).loc[found.layers["row"].to_list()]
    stored = found.results.join(found.layers.select("layer_key", "row"), on="layer_key")
    for column, code, factor in (
        ("carbono", "soc", 1),
        ("dsi", "bulk_density_whole", 1),
        ("argila", "clay", 0.1),
        ("ctc", "cec", 1),
    ):
        raw = number(layers[column]).dropna() * factor
        if code == "cec":
            raw = raw[raw <= 200]
        mine = stored.filter(pl.col("property") == code)
        assert mine["row"].to_list() == raw.index.to_list(), code
        np.testing.assert_allclose(mine["value"].to_numpy(), raw.to_numpy(), rtol=1e-12, err_msg=code)


def test_febr_fine_earth_of_1000_is_assumed_to_mean_no_stones():
    found = imported("febr", FEBR)
    stones = found.results.filter(pl.col("property") == "coarse_fragments_mass")
    raw = number(febr("camada")["terrafina"]).set_axis(range(2, 21_127)).loc[found.layers["row"].to_list()]
    np.testing.assert_allclose(stones["value"].to_numpy(), 1 - raw.to_numpy() / 1000, atol=1e-12)
    assert stones.filter(pl.col("status") == "assumed").height == int((raw == 1000).sum())
    assert stones.filter(pl.col("status") == "assumed")["flags"].explode().unique().to_list() == ["STATUS_ASSUMED"]


def test_febr_profiles_name_their_dataset_and_authors():
    found = imported("febr", FEBR)
    first = found.visits.row(0, named=True)
    assert first["campaign"].startswith("ctb0001: Conteúdo de ferro do solo")
    assert first["campaign"].endswith("(José Maria Filippini Alba, Embrapa Clima Temperado)")
    assert found.sites["position_crs"].unique().to_list() == ["EPSG:4674"]
    shared = febr("observacao").dropna(subset=["coord_x"]).drop_duplicates(["dataset_id", "observacao_id"], keep=False)
    assert found.report.counts["POSITION_SHARED"] == int(shared.duplicated(["coord_x", "coord_y"], keep=False).sum())


# NPCTR ---------------------------------------------------------------------------------------------------------------


def npctr() -> pd.DataFrame:
    frame = pd.read_excel(
        NPCTR, sheet_name="MasterTable", engine="calamine", na_values=["NA", ""], keep_default_na=False
    )
    names = frame["source"] + "/" + frame["pedon_id"].astype(str)
    located = frame.assign(pedon=names, x=frame["lon"].where(frame["lon"] <= 0, -frame["lon"]))
    return located.set_axis(range(2, len(frame) + 2))


def test_npctr_rows_go_where_pandas_sends_them():
    raw = npctr()
    assert len(raw) == 6_868
    pedons = raw.groupby("pedon")
    assert pedons.ngroups == 1_283
    x, y = pedons["x"].transform("first"), pedons["lat"].transform("first")
    apart = 111_320 * np.hypot((raw["x"] - x) * np.cos(np.radians(y)), raw["lat"] - y)
    conflict = (apart > 50).groupby(raw["pedon"]).transform("any")
    upward = raw["depth2"] > raw["depth1"]
    top = raw["depth2"].where(~upward, -raw["depth2"])
    bottom = raw["depth1"].where(~upward, -raw["depth1"])
    bottom = bottom.fillna((top + raw["depth"]).where(raw["depth"] > 0))
    horizon = raw["horizon"].fillna("")
    organic = (raw["horizon_type"] == "Organic") | (
        raw["horizon_type"].isna()
        & (
            horizon.str.match(r"\d?[OLFH]+[a-z]{0,2}\d*([ /-].*)?$")
            | (~horizon.str.match(r"[\d'(/]*[A-Z]") & (bottom <= 0))
        )
    )
    reasons = {
        "COORD_MISSING": x.isna(),
        "COORD_ZERO": (x == 0) & (y == 0),
        "COORD_OUTSIDE_AREA": (x > -120) & (x != 0),
        "COORD_CONFLICT": conflict,
        "DEPTH_MISSING": top.isna() | bottom.isna(),
        "DEPTH_ZERO_THICKNESS": top == bottom,
        "DEPTH_ABOVE_SURFACE": ~organic & (top < 0) & (bottom > top),
    }
    standing = raw.assign(top=top, bottom=bottom)[~pd.concat(reasons, axis=1).any(axis=1)]
    reasons["LAYER_DUPLICATE"] = standing.duplicated(["pedon", "top", "bottom"], keep=False)
    standing = standing[~reasons["LAYER_DUPLICATE"]]
    reasons["LAYER_OVERLAP"] = pairwise(standing, "top", "bottom", "pedon")
    (ledger,) = imported("npctr", NPCTR).report.ledger
    assert ledger.rows_read == 6_868
    assert dict(ledger.refused) == first_reason(raw, reasons)


def test_npctr_repairs_and_refusals_are_counted_whole():
    raw, counts = npctr(), imported("npctr", NPCTR).report.counts
    first = raw.groupby("pedon").first()
    assert counts["COORD_SIGN_RESTORED"] == int((first["lon"] > 0).sum()) == 973
    assert counts["COORD_ZERO"] == 2
    no_bottom = raw["depth1"].isna()
    assert int(no_bottom.sum()) == 497
    # 488 were computed from the thickness; 4 more belong to the pedon without a position, whose rows get no warnings.
    assert counts["DEPTH_FROM_THICKNESS"] + counts["DEPTH_MISSING"] + 4 == 497
    # Three of the 438 rows without thickness have no depths either.
    assert int((raw["depth"] == 0).sum()) == 438
    assert counts["DEPTH_ZERO_THICKNESS"] == int((raw["depth1"] == raw["depth2"]).sum()) == 435
    impossible = Counter(
        issue.column for issue in imported("npctr", NPCTR).report.issues if issue.code == "VALUE_IMPOSSIBLE"
    )
    assert set(impossible) == {"cconc", "bulk_density"}
    assert counts["VALUE_IMPOSSIBLE"] == int((raw["cconc"] > 58).sum() + (raw["bulk_density"] < 0.01).sum()) == 25 + 252


def test_npctr_stocks_of_the_source_follow_from_what_was_stored():
    found = imported("npctr", NPCTR)
    wide = found.results.pivot("property", index="layer_key", values="value").join(  # noqa: PD010  (polars)
        found.layers.select("layer_key", "row", "top_cm", "bottom_cm"), on="layer_key"
    )
    wide = wide.drop_nulls(["soc", "bulk_density_fine_earth", "coarse_fragments_volume"]).sort("row")
    mass = wide["bulk_density_fine_earth"] * (1 - wide["coarse_fragments_volume"])
    stock = 0.1 * wide["soc"] * mass * (wide["bottom_cm"] - wide["top_cm"]) * 100
    published = npctr()["ccontent"].loc[wide["row"].to_list()]
    thickness_kept = (
        npctr()["depth"].loc[wide["row"].to_list()].to_numpy() == (wide["bottom_cm"] - wide["top_cm"]).to_numpy()
    )
    comparable = thickness_kept & published.notna().to_numpy()
    assert comparable.sum() > 5_700
    np.testing.assert_allclose(stock.to_numpy()[comparable], published.to_numpy()[comparable], rtol=1e-3, atol=1.0)


def test_npctr_status_of_each_value_follows_its_method():
    found = imported("npctr", NPCTR)
    raw = npctr().loc[found.layers["row"].to_list()]
    status = found.results.group_by("property", "status").len()
    counts = {(code, word): n for code, word, n in status.iter_rows()}
    measured = raw["cconc"].notna() & (raw["cconc"] <= 58) & (raw["cconc_method"] == 0)
    assert counts["soc", "measured"] == int(measured.sum())
    assert counts["coarse_fragments_volume", "assumed"] == int((raw["cf_method"] == 2).sum())
    assert set(found.visits["date_precision"]) == {"unknown"}


def test_npctr_position_as_given_is_kept_beside_the_repaired_one():
    site = (
        imported("npctr", NPCTR).sites.filter(pl.col("flags").list.contains("COORD_SIGN_RESTORED")).row(0, named=True)
    )
    given = float(site["position_text"].split()[0])
    assert given > 0
    assert site["longitude"] == -given


def test_edition_of_2018_is_refused_by_either_mapping():
    path = NPCTR.with_name("McNicoletal-2018-NPCTR-Pedon-SOC-Database.xlsx")
    for mapping, message in (("standard", "None of the 14 sheets"), ("npctr", "has no sheet 'MasterTable'")):
        with pytest.raises(RefusedFile, match=message) as caught:
            read(path, load_mapping(mapping), today=dt.date(2026, 1, 1))
        assert caught.value.code == "SHEET_MISSING"


# Rothamsted ----------------------------------------------------------------------------------------------------------


def test_highfield_stars_are_passed_over_and_the_rest_stored():
    found = imported("rothamsted-highfield", ROTHAMSTED / "highfield")
    raw = pd.read_csv(ROTHAMSTED / "highfield" / "soil_data.csv", dtype=str)
    (ledger,) = found.report.ledger
    assert (ledger.rows_read, ledger.stored, dict(ledger.ignored)) == (937, 303, {"NO_VALUES": 634})
    assert len(raw) == 937
    assert int((raw["percent_soc"] != "*").sum()) == 303
    stored = raw[raw["percent_soc"] != "*"]
    soc = found.results.filter(pl.col("property") == "soc")
    np.testing.assert_allclose(soc["value"].to_numpy(), stored["percent_soc"].astype(float).to_numpy() * 10)
    assert found.layers.select("top_cm", "bottom_cm").unique().rows() == [(0, 23)]
    assert found.visits["date_precision"].value_counts().sort("date_precision").rows() == [("day", 291), ("year", 12)]
    assert found.sites["cluster"].unique().to_list() == ["Highfield ley-arable experiment"]
    assert sorted(found.sites["site_key"]) == sorted(stored["main_plot"].unique())


def test_highfield_workbook_gives_what_its_csv_gives():
    from_csv = imported("rothamsted-highfield", ROTHAMSTED / "highfield")
    from_xlsx = imported("rothamsted-highfield", ROTHAMSTED / "highfield" / "01-HLA-SOC4814.xlsx")
    assert from_xlsx.report.rows_read == 937
    assert from_xlsx.visits.drop("file", "sheet").equals(from_csv.visits.drop("file", "sheet"))
    keys = ["layer_key", "property", "status", "method"]
    assert from_xlsx.results.select(keys).equals(from_csv.results.select(keys))
    np.testing.assert_allclose(from_xlsx.results["value"].to_numpy(), from_csv.results["value"].to_numpy(), atol=5e-3)


def test_woburn_is_stored_whole_with_its_declared_depth_and_status():
    found = imported("rothamsted-woburn", ROTHAMSTED / "woburn" / "soil_data.csv")
    (ledger,) = found.report.ledger
    assert (ledger.rows_read, ledger.stored) == (960, 960)
    assert found.layers.select("top_cm", "bottom_cm").unique().rows() == [(0, 25)]
    soc = found.results.filter(pl.col("property") == "soc")
    assert dict(soc["status"].value_counts().rows()) == {"assumed": 80, "measured": 880}
    assert found.results.filter(pl.col("property") == "bulk_density")["status"].unique().to_list() == ["estimated"]
    assert (found.sites.height, found.sites["cluster"].n_unique()) == (80, 1)
    assert found.visits["sampled_from"].min() == dt.date(1938, 1, 1)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("broadbalk/02-BKSOC1843-data.xlsx", "SHEET_MISSING"),
        ("hoosfield/01-HBSOC1852-data.xlsx", "COLUMNS_MISSING"),
        ("hoosfield/01-HBSOC1852-data.csv", "COLUMNS_MISSING"),
    ],
)
def test_sheets_made_for_people_are_refused(path: str, code: str):
    with pytest.raises(RefusedFile) as caught:
        read(ROTHAMSTED / path, load_mapping(), today=dt.date(2026, 1, 1))
    assert caught.value.code == code
    assert "site_id" in caught.value.message


def test_sheet_that_starts_with_a_title_is_told_to_start_with_its_header():
    with pytest.raises(RefusedFile, match="column names must stand in row 1"):
        read(ROTHAMSTED / "hoosfield" / "01-HBSOC1852-data.csv", load_mapping(), today=dt.date(2026, 1, 1))


# Rules that compare values ------------------------------------------------------------------------------------------


def side_by_side(found: Ingested) -> pd.DataFrame:
    """Exact values of what was stored, one row a layer, in pandas; a property given twice counts with its first column."""
    exact = found.results.filter(pl.col("qualifier") == "=").select("layer_key", "property", "value").to_pandas()
    wide = exact.pivot_table(index="layer_key", columns="property", values="value", aggfunc="first")
    layers = found.layers.select("layer_key", "visit_key", "top_cm", "bottom_cm", "kind").to_pandas()
    return layers.merge(wide, left_on="layer_key", right_index=True, how="left")


@pytest.mark.parametrize(("mapping", "path"), [("febr", FEBR), ("npctr", NPCTR)])
def test_carbon_that_rises_with_depth_is_counted_as_pandas_counts_it(mapping: str, path: Path):
    found = imported(mapping, path)
    layers = side_by_side(found)
    mineral = layers[(layers["kind"] == "mineral") & layers["soc"].notna()].sort_values(["visit_key", "top_cm"])
    above = mineral.groupby("visit_key")["soc"].shift()
    rises = (mineral["soc"] > 1.5 * above) & (mineral["soc"] > above + 0.5)
    assert found.report.counts.get("SOC_RISES_WITH_DEPTH", 0) == int(rises.sum()) > 0


def test_febr_exchange_capacity_beyond_clay_and_humus_is_counted_as_pandas_counts_it():
    layers = side_by_side(imported("febr", FEBR))
    beyond = layers["cec"] > 1.5 * layers["clay"] + 0.8 * layers["soc"] + 5
    assert imported("febr", FEBR).report.counts["CEC_IMPLAUSIBLE"] == int(beyond.sum()) > 0


def test_febr_positions_read_to_the_minute_are_found():
    found = imported("febr", FEBR)
    sites = found.sites.filter(pl.col("flags").list.contains("COORD_MINUTES"))
    given = (
        sites["position_text"].str.split(" ").list.eval(pl.element().str.replace(",", ".").cast(pl.Float64)).to_list()
    )
    off = [max(abs(part * 60 - round(part * 60)) for part in pair) for pair in given]
    assert len(off) == found.report.counts["COORD_MINUTES"] > 400
    assert max(off) < 60 * 0.6e-3
    assert set(sites["coord_uncertainty_m"]) == {1855.0, 9277.0}


def test_febr_profiles_under_two_names_share_all_their_values():
    found = imported("febr", FEBR)
    repeated = found.layers.filter(pl.col("flags").list.contains("PROFILE_REPEATED"))
    told = found.results.filter(pl.col("value") != 0, pl.col("status") != "assumed")
    values = told.join(repeated.select("layer_key", "visit_key", "top_cm", "bottom_cm"), on="layer_key")
    alike = (
        values.sort("visit_key", "top_cm", "property")
        .group_by("visit_key", maintain_order=True)
        .agg(pl.concat_str("top_cm", "bottom_cm", "property", "value", separator=" ").str.join("|").alias("all"))
    )
    assert repeated.height == found.report.counts["PROFILE_REPEATED"] > 0
    assert min(alike.group_by("all").len()["len"].to_list()) >= 2
