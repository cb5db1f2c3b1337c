"""One small file for each rule: found with its row, refused or flagged as the catalogue says, the rest untouched."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from app.ingest.checks import CHECKS
from tests.ingest.builders import ingested, issue, mapped, mapping_of, profile, refused, row, values


def codes(folder: Path, *rows: dict[str, Any]) -> list[str]:
    return list(ingested(folder, *rows).report.counts)


def test_every_check_has_a_sentence():
    assert all(check.__doc__ for check in CHECKS)
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)


# Depths


@pytest.mark.parametrize(
    ("top", "bottom", "code"),
    [
        ("20", "10", "DEPTH_INVERTED"),
        ("20", "20", "DEPTH_ZERO_THICKNESS"),
        ("", "20", "DEPTH_MISSING"),
        ("20", "NA", "DEPTH_MISSING"),
        ("20", "deep", "DEPTH_UNREADABLE"),
        ("0-20", "30", "DEPTH_UNREADABLE"),
        ("900", "1001", "DEPTH_IMPOSSIBLE"),
        ("-5", "10", "DEPTH_ABOVE_SURFACE"),
    ],
)
def test_impossible_depth_refuses_its_row(tmp_path: Path, top: str, bottom: str, code: str):
    found = ingested(tmp_path, row(), row(profile_id="P2", top_cm=top, bottom_cm=bottom))
    assert issue(found, code).row == 3
    assert refused(found) == {code: 1}


def test_overlapping_layers_are_all_refused_and_the_others_kept(tmp_path: Path):
    found = ingested(tmp_path, *profile(("0", "10"), ("10", "30"), ("20", "40"), ("40", "60")))
    assert [item.row for item in found.report.issues if item.code == "LAYER_OVERLAP"] == [3, 4]
    assert found.layers["row"].to_list() == [2, 5]


def test_layer_inside_a_long_one_overlaps_with_all_it_touches(tmp_path: Path):
    found = ingested(tmp_path, *profile(("0", "100"), ("10", "20"), ("50", "60"), ("100", "120")))
    assert refused(found) == {"LAYER_OVERLAP": 3}


def test_replicates_do_not_overlap(tmp_path: Path):
    assert (
        codes(tmp_path, row(replicate="1"), row(replicate="2"), row(profile_id="P2"), row(sampling_date="2009-05"))
        == []
    )


def test_same_depths_with_other_values_are_both_refused(tmp_path: Path):
    found = ingested(tmp_path, row(), row(soc="20"), row(top_cm="20", bottom_cm="30"))
    assert refused(found) == {"LAYER_DUPLICATE": 2}


def test_gap_between_layers_is_reported_with_its_row(tmp_path: Path):
    found = ingested(tmp_path, *profile(("0", "10"), ("20", "30")))
    assert (issue(found, "LAYER_GAP").row, issue(found, "LAYER_GAP").message) == (
        3,
        "Gap from 10 to 20 cm above this layer.",
    )
    assert found.layers["flags"].to_list() == [[], ["LAYER_GAP"]]


def test_profile_that_does_not_start_at_the_surface_is_flagged(tmp_path: Path):
    found = ingested(tmp_path, *profile(("10", "20"), ("20", "30")))
    assert found.layers["flags"].to_list() == [["LAYER_FIRST_NOT_AT_ZERO"], []]


def test_organic_layer_above_the_surface_is_kept_apart(tmp_path: Path):
    found = ingested(tmp_path, *profile(("-4", "0"), horizon="Oi"), *profile(("0", "20"), horizon="Ap"))
    assert found.report.counts == {}
    assert found.layers["kind"].to_list() == ["organic", "mineral"]


def test_zero_at_the_top_of_the_organic_layer_is_moved_to_the_mineral_surface(tmp_path: Path):
    rows = [
        row(top_cm=top, bottom_cm=bottom, horizon=horizon, surface_convention="organic_top")
        for top, bottom, horizon in (("0", "3", "Oi"), ("3", "5", "Oa"), ("5", "20", "Ah"), ("20", "40", "Bw"))
    ]
    found = ingested(tmp_path, *rows, row(profile_id="P2"))
    assert found.layers.select("top_cm", "bottom_cm").rows() == [(-5, -2), (-2, 0), (0, 15), (15, 35), (0, 20)]
    assert found.report.counts == {"DEPTH_SURFACE_SHIFTED": 4}


def test_open_depth_takes_its_number_and_is_flagged(tmp_path: Path):
    found = ingested(tmp_path, row(bottom_cm="80+"))
    assert issue(found, "DEPTH_OPEN").message == "'80+' was read as 80 cm."
    assert found.layers.select("bottom_cm", "flags").row(0) == (80, ["DEPTH_OPEN"])


def test_layer_below_three_metres_is_flagged(tmp_path: Path):
    assert ingested(tmp_path, *profile(("0", "320"))).layers["flags"].to_list() == [["DEPTH_DEEP"]]


def test_upward_depths_are_heights_where_the_mapping_declares_it(tmp_path: Path):
    mapping = mapping_of("[depths]\nupward_depths_are_heights = true")
    found = mapped(
        tmp_path, mapping, "id,x,y,top,bottom,c\nA,1.00001,2,6,0,400\nA,1.00001,2,0,-10,50\nA,1.00001,2,10,30,9\n"
    )
    assert found.layers.select("top_cm", "bottom_cm", "kind").rows() == [
        (-6, 0, "organic"),
        (0, 10, "mineral"),
        (10, 30, "mineral"),
    ]
    assert str(found.layers["bottom_cm"][0]) == "0.0"
    assert found.report.counts["DEPTH_AS_HEIGHT"] == 2


def test_bottom_is_computed_from_thickness_where_the_mapping_declares_it(tmp_path: Path):
    fields = 'site_id = { column = "id" }\nlongitude = { column = "x" }\nlatitude = { column = "y" }\ntop_cm = { column = "top" }\nbottom_cm = { column = "bottom" }\nthickness_cm = { column = "t" }'
    found = mapped(
        tmp_path,
        mapping_of(fields=fields),
        "id,x,y,top,bottom,t,c\nA,1.00001,2,0,,10,5\nA,1.00001,2,10,20,99,5\nA,1.00001,2,20,,0,5\n",
    )
    assert found.layers.select("bottom_cm", "flags").rows() == [(10, ["DEPTH_FROM_THICKNESS"]), (20, [])]
    assert refused(found) == {"DEPTH_MISSING": 1}


# Values


def test_impossible_value_is_refused_and_the_rest_of_its_row_kept(tmp_path: Path):
    found = ingested(tmp_path, row(soc="900", ph="6"))
    assert issue(found, "VALUE_IMPOSSIBLE").message == "900 g/kg is outside 0 to 580."
    assert found.results["property"].to_list() == ["ph"]


def test_rare_value_is_kept_with_a_flag(tmp_path: Path):
    found = ingested(tmp_path, row(ph="10.8", ph_method="pHH2O_ratio1-5"))
    assert found.results.filter(pl.col("property") == "ph_h2o").select("value", "flags").row(0) == (
        10.8,
        ["VALUE_UNUSUAL"],
    )


def test_organic_layers_may_hold_much_carbon(tmp_path: Path):
    assert codes(tmp_path, *profile(("-4", "0"), horizon="Oi", soc="450")) == []


def test_organic_carbon_above_total_carbon_refuses_both(tmp_path: Path):
    found = ingested(tmp_path, row(soc="20", total_c_g_kg="15", ph="6"))
    assert found.report.counts["SOC_ABOVE_TOTAL_C"] == 2
    assert found.results["property"].to_list() == ["ph"]


def test_small_excess_over_total_carbon_is_analytical(tmp_path: Path):
    assert codes(tmp_path, row(soc="20.4", total_c_g_kg="20")) == []


@pytest.mark.parametrize(
    ("sand", "kept", "code"), [("39", 3, None), ("43", 3, "TEXTURE_SUM_OFF"), ("60", 0, "TEXTURE_SUM_WRONG")]
)
def test_texture_must_add_up(tmp_path: Path, sand: str, kept: int, code: str | None):
    found = ingested(tmp_path, row(clay_pct="31", silt_pct="30", sand_pct=sand))
    assert list(found.report.counts) == ([code] if code else [])
    assert found.results.filter(pl.col("property").is_in(["sand", "silt", "clay"])).height == kept


def test_texture_of_three_tenths_adds_up_in_binary_too(tmp_path: Path):
    assert codes(tmp_path, row(clay_pct="33.1", silt_pct="33.2", sand_pct="34.7")) == []


def test_dense_soil_with_much_carbon_is_suspect(tmp_path: Path):
    found = ingested(tmp_path, row(soc="100", bulk_density_g_cm3="1.7", bulk_density_type="fine_earth"))
    assert (
        issue(found, "BULK_DENSITY_SUSPECT").message == "1.7 g/cm³ with 100 g/kg of organic carbon; usual is 0.8 g/cm³."
    )


def test_detection_limit_is_kept_with_its_sign(tmp_path: Path):
    found = ingested(tmp_path, row(soc="<0.5"))
    assert found.results.select("value", "qualifier", "reported_value").row(0) == (0.5, "<", "<0.5")
    assert found.report.counts == {"VALUE_CENSORED": 1}


def test_marker_is_missing_and_counted(tmp_path: Path):
    found = ingested(tmp_path, row(soc="-9999"), row(top_cm="20", bottom_cm="30", soc="n.d."))
    assert found.results.height == 0
    assert found.report.counts == {"MISSING_MARKER": 2}
    assert found.report.values[0].missing == 2


def test_same_value_everywhere_is_suspect(tmp_path: Path):
    rows = [
        row(profile_id=f"P{i}", soc=str(10 + i), coarse_fragments_pct="0", coarse_fragments_basis="volume")
        for i in range(10)
    ]
    found = ingested(tmp_path, *rows)
    assert (issue(found, "VALUES_IDENTICAL").column, issue(found, "VALUES_IDENTICAL").message) == (
        "coarse_fragments_pct",
        "All 10 values are 0.",
    )


@pytest.mark.parametrize(
    ("values_", "word"),
    [([f"{1 + i / 10:.1f}" for i in range(10)], "probably %"), ([f"0.0{i + 1}" for i in range(10)], "probably kg/kg")],
)
def test_values_that_look_like_another_unit_are_reported_and_not_changed(tmp_path: Path, values_: list[str], word: str):
    found = ingested(tmp_path, *(row(profile_id=f"P{i}", soc=soc) for i, soc in enumerate(values_)))
    assert word in issue(found, "UNIT_SUSPECT").message
    assert values(found, "soc") == [float(soc) for soc in values_]


def test_bulk_density_type_decides_the_property(tmp_path: Path):
    kinds = {
        "fine_earth": "bulk_density_fine_earth",
        "whole": "bulk_density_whole",
        "fine_per_total": "bulk_density_fine_per_total",
        "": "bulk_density",
    }
    rows = [row(profile_id=f"P{i}", bulk_density_g_cm3="1.3", bulk_density_type=kind) for i, kind in enumerate(kinds)]
    found = ingested(tmp_path, *rows)
    assert [code for code in found.results["property"] if code != "soc"] == list(kinds.values())


def test_unknown_bulk_density_type_refuses_the_value(tmp_path: Path):
    found = ingested(tmp_path, row(bulk_density_g_cm3="1.3", bulk_density_type="dry"))
    assert (
        issue(found, "WORD_UNKNOWN").message
        == "'dry' in bulk_density_type is not one of: fine_earth, whole, fine_per_total."
    )
    assert found.results["property"].to_list() == ["soc"]


def test_spectral_carbon_and_field_estimates_are_not_measured(tmp_path: Path):
    found = ingested(
        tmp_path,
        row(
            soc_method="OrgC_dc-spec",
            coarse_fragments_pct="5",
            coarse_fragments_basis="volume",
            coarse_fragments_method="CrsFrg_fldcls",
        ),
    )
    assert found.results["status"].to_list() == ["estimated", "estimated"]


def test_uncertainty_is_converted_with_its_value(tmp_path: Path):
    found = ingested(tmp_path, row(soc="1.5", soc_unit="%", soc_uncertainty="0.1"))
    assert found.results.select("value", "uncertainty").row(0) == pytest.approx((15, 1))


def test_carbon_without_method_is_flagged(tmp_path: Path):
    assert ingested(tmp_path, row(soc_method="")).results["flags"].to_list() == [["METHOD_MISSING"]]


def test_method_that_is_no_procedure_code_is_flagged(tmp_path: Path):
    assert ingested(tmp_path, row(soc_method="combustion")).results["flags"].to_list() == [["METHOD_UNKNOWN"]]


def test_wet_oxidation_needs_its_factor(tmp_path: Path):
    method = "OrgC_wc-cro3-walkleyblack"
    found = ingested(tmp_path, row(soc_method=method), row(profile_id="P2", soc_method=method, soc_correction="1.3"))
    assert found.results["flags"].to_list() == [["CORRECTION_MISSING"], []]
    assert found.results["method"].to_list() == [method, f"{method}; factor 1.3 applied"]


# Dates, sites, visits


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("2026-01-02", "DATE_IN_FUTURE"),
        ("2027", "DATE_IN_FUTURE"),
        ("1839", "DATE_TOO_EARLY"),
        ("03/04/2015", "DATE_UNREADABLE"),
    ],
)
def test_impossible_date_refuses_its_row(tmp_path: Path, date: str, code: str):
    found = ingested(tmp_path, row(sampling_date=date))
    assert issue(found, code).value == date
    assert refused(found) == {code: 1}


def test_current_year_is_not_in_the_future(tmp_path: Path):
    assert codes(tmp_path, row(sampling_date="2026")) == ["DATE_YEAR_ONLY"]


def test_missing_date_is_a_warning(tmp_path: Path):
    found = ingested(tmp_path, row(sampling_date=""))
    assert found.report.counts == {"DATE_MISSING": 1}
    assert found.visits.select("sampled_from", "date_precision").row(0) == (None, "unknown")


def test_rounded_position_gets_an_uncertainty(tmp_path: Path):
    found = ingested(tmp_path, row(longitude="36.7", latitude="-1.24"))
    assert found.sites.select("coord_uncertainty_m", "flags").row(0) == (pytest.approx(1113.2), ["COORD_ROUNDED"])


def test_stated_uncertainty_that_covers_the_rounding_is_kept(tmp_path: Path):
    found = ingested(tmp_path, row(longitude="36.7", latitude="-1.24", coord_uncertainty_m="5000"))
    assert found.sites.select("coord_uncertainty_m", "flags").row(0) == (5000, [])


def test_equal_coordinates_are_refused(tmp_path: Path):
    assert refused(ingested(tmp_path, row(longitude="12.345", latitude="12.345"))) == {"COORD_EQUAL": 1}


def test_site_with_two_places_is_refused(tmp_path: Path):
    found = ingested(tmp_path, row(), row(sampling_date="2009", longitude="36.75062"))
    assert issue(found, "COORD_CONFLICT").message == "Site S1 has positions 1113 m apart."
    assert refused(found) == {"COORD_CONFLICT": 2}


def test_positions_of_a_site_may_differ_as_receivers_do(tmp_path: Path):
    found = ingested(tmp_path, row(), row(sampling_date="2009-04-02", longitude="36.74070"))
    assert found.report.counts == {}
    assert found.sites["longitude"].to_list() == [36.74062]


def test_sites_on_one_point_are_flagged_unless_they_are_one_cluster(tmp_path: Path):
    found = ingested(tmp_path, row(), row(site_id="S2"), row(site_id="S3", cluster="C"), row(site_id="S4", cluster="C"))
    assert found.sites["flags"].to_list() == [["POSITION_SHARED"], ["POSITION_SHARED"], [], []]


AREA = '[position]\narea = [-74, -34, -28, 6]\narea_name = "Brazil"'


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [("-22.9", "-43.2", "COORD_SWAPPED"), ("43.2", "-22.9", "COORD_SIGN"), ("2.1", "48.8", "COORD_OUTSIDE_AREA")],
)
def test_position_outside_the_declared_area_is_refused_with_the_likely_repair(
    tmp_path: Path, x: str, y: str, code: str
):
    found = mapped(tmp_path, mapping_of(AREA), f"id,x,y,top,bottom,c\nA,{x},{y},0,10,5\n")
    assert "Brazil" in issue(found, code).message
    assert refused(found) == {code: 1}


def test_lost_western_sign_is_restored_loudly_where_the_mapping_declares_it(tmp_path: Path):
    mapping = mapping_of('[position]\nlongitude_sign = "west"')
    found = mapped(tmp_path, mapping, "id,x,y,top,bottom,c\nA,131.6861,54.07,0,10,5\nB,-131.6861,54.08,0,10,5\n")
    assert found.sites.select("longitude", "position_text", "flags").rows() == [
        (-131.6861, "131.6861 54.07", ["COORD_SIGN_RESTORED"]),
        (-131.6861, "-131.6861 54.08", []),
    ]
    assert issue(found, "COORD_SIGN_RESTORED").message == "Longitude 131.6861 was read as -131.6861."


def test_projected_coordinates_become_degrees(tmp_path: Path):
    mapping = mapping_of('[position]\ncrs = "EPSG:32723"')
    found = mapped(tmp_path, mapping, "id,x,y,top,bottom,c\nA,683466,7460689,0,10,5\n")
    assert found.sites.select("longitude", "latitude").row(0) == pytest.approx((-43.2105, -22.9519), abs=1e-3)
    assert found.sites.select("position_text", "position_crs").row(0) == ("683466 7460689", "EPSG:32723")


def test_sirgas_2000_is_wgs_84_within_a_metre(tmp_path: Path):
    found = mapped(
        tmp_path, mapping_of('[position]\ncrs = "EPSG:4674"'), "id,x,y,top,bottom,c\nA,-43.2105,-22.9519,0,10,5\n"
    )
    assert found.sites.select("longitude", "latitude").row(0) == pytest.approx((-43.2105, -22.9519), abs=1e-5)


def test_namibia_is_not_missing(tmp_path: Path):
    assert ingested(tmp_path, row(country_code="NA")).sites["country_code"].to_list() == ["NA"]


def test_country_that_is_no_code_is_left_out(tmp_path: Path):
    found = ingested(tmp_path, row(country_code="Kenya"))
    assert issue(found, "COUNTRY_UNKNOWN").value == "Kenya"
    assert found.sites["country_code"].to_list() == [None]


def test_land_use_that_is_no_fao_code_is_left_out(tmp_path: Path):
    found = ingested(tmp_path, row(land_use="cropland"), row(profile_id="P2", land_use="AA"))
    assert issue(found, "ATTRIBUTE_DROPPED").message == "'cropland' cannot be used as land_use."
    assert found.visits["land_use"].to_list() == [None, "AA"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("inclusion_weight", "0"),
        ("bedrock_depth_cm", "-5"),
        ("coord_uncertainty_m", "x"),
        ("sampling_kind", "core"),
        ("surface_convention", "top"),
    ],
)
def test_attribute_that_cannot_be_used_is_left_out_and_its_row_kept(tmp_path: Path, column: str, cell: str):
    found = ingested(tmp_path, row(**{column: cell}))
    assert issue(found, "ATTRIBUTE_DROPPED").value == cell
    assert found.layers.height == 1


def test_rows_of_one_visit_that_disagree_are_reported(tmp_path: Path):
    found = ingested(tmp_path, row(land_use="AA"), row(top_cm="20", bottom_cm="30", land_use="FN"))
    assert issue(found, "VISIT_CONFLICT").message == "land_use differs within S1|2019-03-14|P1|; 'AA' is kept."


def test_remarks_of_the_rows_of_a_visit_are_joined(tmp_path: Path):
    found = ingested(
        tmp_path,
        row(remarks="wet"),
        row(top_cm="20", bottom_cm="30", remarks="stony"),
        row(top_cm="30", bottom_cm="40", remarks="wet"),
    )
    assert found.visits["remarks"].to_list() == ["wet; stony"]


def test_visit_keys_do_not_run_into_each_other(tmp_path: Path):
    found = ingested(tmp_path, row(site_id="A|B", profile_id="C"), row(site_id="A", profile_id="B|C"))
    assert found.visits["visit_key"].n_unique() == 2
