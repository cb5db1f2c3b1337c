"""Each rule of chemistry, methods and repetition: a case that it speaks about, and a near miss that it does not."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.checks.peers import PEER, outliers
from tests.ingest.builders import ingested, issue, mapped, mapping_of, profile, refused, row, values

DENSITY = {"bulk_density_type": "fine_earth"}
WATER, SALT = "pHH2O_ratio1-2.5", "pHCaCl2_ratio1-2.5"
WET = "OrgC_wc-cro3-walkleyblack"
BURNT = "OrgC_dc-ht"


def codes(folder: Path, *rows: dict[str, Any]) -> set[str]:
    return set(ingested(folder, *rows).report.counts)


@pytest.mark.parametrize(
    ("code", "fires", "near_miss"),
    [
        (
            "SOC_ABOVE_ORGANIC_MATTER",
            {"soc": "25", "organic_matter_g_kg": "30"},
            {"soc": "25", "organic_matter_g_kg": "35"},
        ),
        (
            "INORGANIC_C_ABOVE_TOTAL_C",
            {"soc": "1", "total_c_g_kg": "12", "inorganic_c_g_kg": "12.6"},
            {"soc": "1", "total_c_g_kg": "12", "inorganic_c_g_kg": "12.5"},
        ),
        (
            "INORGANIC_C_ABOVE_TOTAL_C",
            {"soc": "1", "total_c_g_kg": "12", "caco3_g_kg": "200"},
            {"soc": "1", "total_c_g_kg": "12", "caco3_g_kg": "100"},
        ),
        ("CN_RATIO_UNUSUAL", {"soc": "20", "n_total_g_kg": "0.49"}, {"soc": "20", "n_total_g_kg": "0.5"}),
        ("CN_RATIO_UNUSUAL", {"soc": "20", "n_total_g_kg": "4.1"}, {"soc": "20", "n_total_g_kg": "4"}),
        (
            "BULK_DENSITY_ABOVE_POROSITY",
            {"porosity_pct": "60", "bulk_density_g_cm3": "1.12", **DENSITY},
            {"porosity_pct": "60", "bulk_density_g_cm3": "1.10", **DENSITY},
        ),
        (
            "CEC_IMPLAUSIBLE",
            {"soc": "10", "clay_pct": "10", "cec_cmol_kg": "28.1"},
            {"soc": "10", "clay_pct": "10", "cec_cmol_kg": "27.9"},
        ),
        ("TEXTURE_OF_ORGANIC_SOIL", {"soc": "200", "clay_pct": "30"}, {"soc": "199", "clay_pct": "30"}),
        ("METHOD_MISPLACED", {"soc_method": "TotC_dc-ht"}, {"soc_method": "OrgC_dc-ht"}),
        (
            "CARBONATE_NOT_REMOVED",
            {"soc_method": BURNT, "caco3_g_kg": "20"},
            {"soc_method": "OrgC_acid-dc-ht", "caco3_g_kg": "20"},
        ),
        ("CARBONATE_NOT_REMOVED", {"soc_method": BURNT, "caco3_g_kg": "20"}, {"soc_method": BURNT, "caco3_g_kg": "19"}),
        (
            "WET_OXIDATION_HIGH_CARBON",
            {"soc": "81", "soc_method": WET, "soc_correction": "1.3"},
            {"soc": "80", "soc_method": WET, "soc_correction": "1.3"},
        ),
        (
            "CORRECTION_SUSPECT",
            {"soc_method": WET, "soc_correction": "1.724"},
            {"soc_method": WET, "soc_correction": "1.39"},
        ),
        (
            "CORRECTION_SUSPECT",
            {"soc_method": WET, "soc_correction": "1.69"},
            {"soc_method": WET, "soc_correction": "1.3"},
        ),
        (
            "CORRECTION_SUSPECT",
            {"soc_method": BURNT, "soc_correction": "1.3"},
            {"soc_method": BURNT, "soc_correction": "1"},
        ),
        ("SOC_ESTIMATED", {"soc_method": "OrgC_dc-spec"}, {"soc_method": "OrgC_dc-ht"}),
        ("SOC_ESTIMATED", {"soc_method": "OrgC_dc-lt-loi"}, {"soc_method": "OrgC_dc-lt"}),
        ("DATE_YEAR_ONLY", {"sampling_date": "2009"}, {"sampling_date": "2009-05"}),
    ],
)
def test_rule_speaks_about_its_case_and_not_about_the_near_miss(
    tmp_path: Path, code: str, fires: dict[str, str], near_miss: dict[str, str]
):
    assert code in codes(tmp_path, row(**fires))
    assert code not in codes(tmp_path, row(**near_miss))


def pair(folder: Path, first: tuple[str, str], second: tuple[str, str], unit: str) -> set[str]:
    """Codes for a layer with two properties, each given as code and value, in one unit."""
    columns = "".join(
        f'[[values]]\ncolumn = "{code}"\nproperty = "{code}"\nunit = "{unit}"\n' for code, _ in (first, second)
    )
    lines = f"id,x,y,top,bottom,c,{first[0]},{second[0]}\nA,1.00013,2.00017,0,10,5,{first[1]},{second[1]}\n"
    return set(mapped(folder, mapping_of(columns), lines).report.counts)


@pytest.mark.parametrize(
    ("salt", "value", "fires"),
    [("ph_cacl2", "5.5", True), ("ph_cacl2", "5.4", False), ("ph_kcl", "5.8", True), ("ph_kcl", "5.7", False)],
)
def test_salt_does_not_lift_the_ph(tmp_path: Path, salt: str, value: str, *, fires: bool):
    assert ("PH_ORDER" in pair(tmp_path, ("ph_h2o", "5.2"), (salt, value), "pH")) is fires


@pytest.mark.parametrize(("whole", "fires"), [("1.2", True), ("1.5", False)])
def test_fine_earth_is_part_of_the_whole_soil(tmp_path: Path, whole: str, *, fires: bool):
    found = pair(tmp_path, ("bulk_density_fine_per_total", "1.5"), ("bulk_density_whole", whole), "g/cm3")
    assert ("DENSITY_OF_FINE_EARTH" in found) is fires


@pytest.mark.parametrize(
    ("ph", "caco3", "method", "fires"),
    [
        ("6.1", "20", WATER, True),
        ("6.2", "20", WATER, False),
        ("6.1", "19", WATER, False),
        ("5.8", "80", SALT, False),
        ("5.6", "80", SALT, True),
    ],
)
def test_carbonates_dissolve_in_acid_soil(tmp_path: Path, ph: str, caco3: str, method: str, *, fires: bool):
    found = codes(tmp_path, row(ph=ph, ph_method=method, caco3_g_kg=caco3, soc_method="OrgC_acid-dc-ht"))
    assert ("CARBONATE_IN_ACID_SOIL" in found) is fires


@pytest.mark.parametrize(("ph", "ec", "fires"), [("9.6", "0.05", True), ("9.6", "0.2", False), ("9.4", "0.05", False)])
def test_high_ph_conducts(tmp_path: Path, ph: str, ec: str, *, fires: bool):
    found = codes(tmp_path, row(ph=ph, ph_method=WATER, ec_ds_m=ec, ec_method="EC_ratio1-5"))
    assert ("EC_PH_IMPLAUSIBLE" in found) is fires


def test_carbon_above_71_percent_of_organic_matter_is_refused_with_it_and_nothing_else(tmp_path: Path):
    found = ingested(tmp_path, row(soc="25", organic_matter_g_kg="30", ph="6"))
    assert found.results["property"].to_list() == ["ph"]
    assert found.report.counts["SOC_ABOVE_ORGANIC_MATTER"] == 2


@pytest.mark.parametrize(("below", "fires"), [("15.1", True), ("15", False)])
def test_carbon_that_rises_with_depth_is_flagged_on_the_lower_layer(tmp_path: Path, below: str, *, fires: bool):
    layers = [row(), row(top_cm="20", bottom_cm="40", soc=below), row(top_cm="40", bottom_cm="60", soc="5")]
    layers[0]["soc"] = "10"
    found = ingested(tmp_path, *reversed(layers))
    flagged = found.results.filter(pl.col("flags").list.contains("SOC_RISES_WITH_DEPTH"))["value"].to_list()
    assert flagged == ([15.1] if fires else [])


def test_rise_of_traces_and_rise_between_profiles_are_no_rise(tmp_path: Path):
    assert "SOC_RISES_WITH_DEPTH" not in codes(
        tmp_path, row(soc="0.6"), row(soc="1.0", top_cm="20", bottom_cm="40"), row(soc="60", profile_id="P2")
    )


def test_organic_layers_are_light_and_mineral_ones_are_not_asked(tmp_path: Path):
    heavy = {"bulk_density_g_cm3": "0.7", **DENSITY}
    found = ingested(
        tmp_path, *profile(("-4", "0"), horizon="Oi", soc="400", **heavy), *profile(("0", "20"), soc="60", **heavy)
    )
    assert found.report.counts["BULK_DENSITY_ORGANIC"] == 1


def test_tens_are_what_the_hand_feels(tmp_path: Path):
    def clay(*numbers: int) -> set[str]:
        return codes(
            tmp_path, *(row(profile_id=f"P{i}", soc=f"{10 + i}.3", clay_pct=str(n)) for i, n in enumerate(numbers))
        )

    assert "VALUES_ALL_TENS" in clay(10, 20, 30, 40, 50, 10, 20, 30, 40, 0)
    assert "VALUES_ALL_TENS" not in clay(10, 20, 30, 40, 50, 10, 20, 30, 40, 45)
    assert "VALUES_ALL_TENS" not in clay(10, 20, 30, 40, 50)


def test_profile_under_two_names_is_flagged_and_kept(tmp_path: Path):
    one = [row(soc="18.4", ph="6.1"), row(soc="9.2", ph="6.3", top_cm="20", bottom_cm="40")]
    again = [{**cells, "profile_id": "P9"} for cells in one]
    other = [{**cells, "profile_id": "P3", "soc": "18.5"} for cells in one]
    found = ingested(tmp_path, *one, *again, *other)
    flagged = found.layers.filter(pl.col("flags").list.contains("PROFILE_REPEATED"))["row"].to_list()
    assert flagged == [2, 3, 4, 5]
    assert refused(found) == {}


def test_two_agreeing_values_may_be_chance(tmp_path: Path):
    assert "PROFILE_REPEATED" not in codes(tmp_path, row(ph="6.1"), row(ph="6.1", profile_id="P9"))


def test_profiles_of_one_day_that_differ_need_a_replicate(tmp_path: Path):
    found = ingested(tmp_path, row(soc="18"), row(soc="31", profile_id="P2"))
    assert found.results["flags"].to_list() == [["PROFILE_CONTRADICTED"], ["PROFILE_CONTRADICTED"]]
    assert "PROFILE_CONTRADICTED" not in codes(
        tmp_path, row(soc="18", replicate="1"), row(soc="31", profile_id="P2", replicate="2")
    )
    assert "PROFILE_CONTRADICTED" not in codes(
        tmp_path, row(soc="18"), row(soc="31", profile_id="P2", sampling_date="2019-03-15")
    )


# Peers


def fields(*carbon: float, **cells: Any) -> list[dict[str, Any]]:
    return [
        row(site_id=f"S{i}", profile_id=f"P{i}", longitude=f"36.7{i:04}", soc=str(c), **cells)
        for i, c in enumerate(carbon)
    ]


NORMAL = [12.0, 14, 15, 13, 16, 18, 11, 17, 15, 14, 13, 12.5]


def test_value_far_from_its_peers_is_shown_to_a_person(tmp_path: Path):
    found = ingested(tmp_path, *fields(*NORMAL, 110.0))
    assert issue(found, "PEER_OUTLIER").value == "110.0"
    assert values(found, "soc")[-1] == 110.0


def test_other_land_use_or_too_few_peers_make_no_outlier(tmp_path: Path):
    forest = fields(110.0, land_use="FN")
    fields_ = fields(*NORMAL, land_use="AA")[1:]
    assert "PEER_OUTLIER" not in codes(tmp_path, *fields_, *forest)
    assert "PEER_OUTLIER" not in codes(tmp_path, *fields(*NORMAL[:8], 110.0))


@given(
    st.lists(st.floats(0.1, 300), min_size=12, max_size=60),
    st.randoms(use_true_random=False),
)
def test_outliers_do_not_depend_on_the_order_of_the_file(carbon: list[float], random: Any):
    order = list(range(len(carbon)))
    random.shuffle(order)

    def frame(places: list[int]) -> pl.DataFrame:
        n = len(places)
        return pl.DataFrame(
            {
                "i": np.array(places, dtype=np.int64),
                "longitude": [1.5] * n,
                "latitude": [2.5] * n,
                "middle_cm": [5.0] * n,
                "land_use": [None] * n,
                "soc": [carbon[place] for place in places],
            },
            schema={"i": pl.Int64, **PEER},
        )

    straight, shuffled = outliers(frame(sorted(order))), outliers(frame(order))
    assert straight["i"].to_list() == shuffled["i"].to_list()
    logs = np.log(carbon)
    away = np.abs(logs - np.median(logs))
    z = away / max(1.4826 * float(np.median(away)), 0.1)
    # Those that a rounding of z does not decide.
    clear = {i for i, value in enumerate(z) if value > 5.06}
    assert clear <= set(straight["i"].to_list()) <= {i for i, value in enumerate(z) if value > 4.99}
