"""Mappings of well-known public sources, on small files with their true headers and the traps that lie in them."""

import datetime as dt
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import polars as pl
import pytest
import shapely
import xlsxwriter

from app.ingest.mapping import available_mappings, load_mapping
from app.ingest.propose import propose
from app.ingest.read import Ingested, read
from tests.ingest.builders import TODAY, refused, values


def text(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def found(name: str, path: Path) -> Ingested:
    return read(path, load_mapping(name), today=TODAY)


LUCAS_2018 = (
    "Depth,POINTID,pH_CaCl2,pH_H2O,EC,OC,CaCO3,P,N,K,OC (20-30 cm),CaCO3 (20-30 cm),Ox_Al,Ox_Fe,NUTS_0,NUTS_1,NUTS_2,"
    "NUTS_3,TH_LAT,TH_LONG,SURVEY_DATE,Elev,LC,LU,LC0_Desc,LC1_Desc,LU1_Desc"
)
LUCAS_ROWS = (
    ("0-20 cm,47862690,4.1,4.81,8.73,12.4,3,< LOD,1.1,101.9,6.2,< LOD,,,EL,EL5,EL52,EL521,40.65,22.81,06-07-18,291,B11,U111,"
    "Cropland,Common wheat,Agriculture (excluding fallow land and kitchen gardens)"),
    ("0-20 cm,27283216,6.2,6.9,11.2,< LOD,350,20,0.4,88,,,,,ES,ES4,ES41,ES418,41.71,-4.81,13-05-18,720,C10,U120,Woodland,"
    "Broadleaved woodland,Forestry"),
)  # fmt: skip


def lucas_2018(folder: Path) -> Ingested:
    return found("lucas-2018", text(folder / "LUCAS-SOIL-2018.csv", LUCAS_2018, *LUCAS_ROWS))


def test_lucas_2018_second_depth_in_the_same_row_is_a_layer_of_its_own(tmp_path: Path):
    read_ = lucas_2018(tmp_path)
    soc = read_.results.filter(pl.col("property") == "soc").join(read_.layers, on="layer_key")
    assert soc.select("top_cm", "bottom_cm", "value", "column").rows() == [
        (0, 20, 12.4, "OC"),
        (20, 30, 6.2, "OC (20-30 cm)"),
    ]
    ph = read_.results.filter(pl.col("property") == "ph_h2o").join(read_.layers, on="layer_key")
    assert ph.select("top_cm", "value").rows() == [(0, 4.81), (0, 6.9)]


def test_lucas_2018_units_dates_and_countries_are_those_of_its_report(tmp_path: Path):
    read_ = lucas_2018(tmp_path)
    assert values(read_, "ec") == pytest.approx([0.0873, 0.112])
    assert values(read_, "caco3") == [3, 350]
    assert sorted(read_.sites["country_code"]) == ["ES", "GR"]
    assert sorted(read_.visits["sampled_from"]) == [dt.date(2018, 5, 13), dt.date(2018, 7, 6)]
    assert read_.report.counts["MISSING_MARKER"] == 2


def test_lucas_may_not_be_passed_on():
    for name in ("lucas-2009", "lucas-2015", "lucas-2018"):
        dataset = load_mapping(name).dataset
        assert dataset is not None
        assert (dataset.licence_class, dataset.location_precision) == ("aggregate_only", "10km")


def test_lucas_2009_workbook_is_read(tmp_path: Path):
    header = [
        "POINT_ID",
        "coarse",
        "clay",
        "silt",
        "sand",
        "pH_in_H2O",
        "pH_in_CaCl2",
        "OC",
        "CaCO3",
        "N",
        "P",
        "K",
        "CEC",
        "GPS_LAT",
        "GPS_LONG",
    ]
    path = tmp_path / "LUCAS_TOPSOIL_v1.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, [26581786, 12, 22, 48, 30, 6.72, 6.2, 18.9, 1, 1.8, 32.1, 201.3, 13.1, 51.78123, 5.12345])
    read_ = found("lucas-2009", path)
    assert values(read_, "soc") == [18.9]
    assert values(read_, "coarse_fragments") == [0.12]
    assert read_.layers.select("top_cm", "bottom_cm").rows() == [(0, 20)]
    assert read_.visits["date_precision"].to_list() == ["year"]


def test_lucas_2015_shapefile_brings_its_positions(tmp_path: Path):
    cells = {
        "Point_ID": [26581786], "Coarse": [12], "Clay": [22], "Sand": [30], "Silt": [48], "pH_CaCl2": [6.2],
        "pH_H20": [6.72], "EC": [12.3], "OC": [18.9], "CaCO3": [1], "P": [32.1], "N": [1.8], "K": [201.3], "Elevation": [3],
        "NUTS_0": ["NL"], "LC1_Desc": ["Grassland"], "LU1_Desc": ["Agriculture"],
    }  # fmt: skip
    frame = gpd.GeoDataFrame(cells, geometry=[shapely.Point(5.12345, 51.78123)], crs="EPSG:4326")
    path = tmp_path / "LUCAS_Topsoil_2015_20200323.zip"
    frame.to_file(tmp_path / "LUCAS_Topsoil_2015_20200323.shp")
    with zipfile.ZipFile(path, "w") as package:
        for part in tmp_path.glob("LUCAS_Topsoil_2015_20200323.*"):
            if part.suffix != ".zip":
                package.write(part, part.name)
    read_ = found("lucas-2015", path)
    assert values(read_, "ph_h2o") == [6.72]
    assert read_.sites.select("longitude", "latitude", "country_code").rows() == [(5.12345, 51.78123, "NL")]


WOSIS = (
    "profile_id\tprofile_code\tlayer_id\tlayer_number\tlayer_name\tupper_depth\tlower_depth\torganic_surface\tvalue\t"
    "value_avg\tmethod\tdate\tdataset_code\tlicence\tcountry_name\tregion\tcontinent\tlongitude\tlatitude"
)
WOSIS_ROWS = (
    ("36897\tKE1\t1001\t1\tO\t0\t4\tt\t{310}\t310\tcalculation = unknown\t1985-07-??\tKE-SOTER\tCC-BY-NC\tKenya\tEastern Africa\t"
    "Africa\t36.81234\t-1.21234"),
    ("36897\tKE1\t1002\t2\tAh\t0\t18\tf\t{21.1,23.1}\t22.1\tcalculation = unknown\t1985-07-??\tKE-SOTER\tCC-BY-NC\tKenya\t"
    "Eastern Africa\tAfrica\t36.81234\t-1.21234"),
    ("36898\tKE2\t1003\t1\tAp\t0\t20\tf\t{9}\t9\tcalculation = unknown\t????-??-??\tKE-SOTER\tCC-BY\tKenya\tEastern Africa\tAfrica\t"
    "36.91234\t-1.31234"),
)  # fmt: skip


def test_wosis_litter_lies_above_zero_and_dates_are_as_precise_as_they_are_known(tmp_path: Path):
    read_ = found("wosis", text(tmp_path / "wosis_202312_orgc.tsv", WOSIS, *WOSIS_ROWS))
    assert refused(read_) == {}
    assert read_.layers.select("top_cm", "bottom_cm", "kind").rows() == [
        (-4, 0, "organic"), (0, 18, "mineral"), (0, 20, "mineral"),
    ]  # fmt: skip
    assert values(read_, "soc") == [310, 22.1, 9]
    assert read_.visits.select("sampled_from", "date_precision").rows() == [
        (dt.date(1985, 7, 1), "month"),
        (None, "unknown"),
    ]
    assert read_.visits["remarks"].to_list()[0] == "Source dataset KE-SOTER; licence CC-BY-NC"


def test_wosis_snapshot_joins_properties_of_a_layer_and_names_their_cells(tmp_path: Path):
    text(tmp_path / "wosis_202312_orgc.tsv", WOSIS, *WOSIS_ROWS)
    for name, value in (
        ("bdfiod", "1.21"),
        ("cfvo", "10"),
        ("clay", "33"),
        ("silt", "27"),
        ("sand", "40"),
        ("phaq", "5.5"),
    ):
        text(tmp_path / f"wosis_202312_{name}.tsv", "layer_id\tvalue_avg", f"1002\t{value}", f"9999\t{value}")
    for name in ("bdwsod", "totc", "tceq", "nitkjd"):
        text(tmp_path / f"wosis_202312_{name}.tsv", "layer_id\tvalue_avg", "9999\t1")
    read_ = found("wosis-snapshot", tmp_path)
    assert values(read_, "bulk_density_fine_earth") == [1.21]
    assert values(read_, "coarse_fragments_volume") == pytest.approx([0.1])
    clay = read_.results.filter(pl.col("property") == "clay").row(0, named=True)
    assert (clay["value"], clay["column"]) == (33, "clay: value_avg, row 2")
    assert dict(read_.report.ledger[1].ignored) == {"NOT_REFERENCED": 1}


ISRAD = (
    "entry_name,site_name,site_lat,site_long,pro_name,pro_lat,pro_long,lyr_name,lyr_obs_date_y,lyr_obs_date_m,lyr_obs_date_d,"
    "lyr_all_org_neg,lyr_top,lyr_bot,lyr_hzn,lyr_bd_samp,lyr_bd_tot,lyr_sand_tot_psa,lyr_silt_tot_psa,lyr_clay_tot_psa,"
    "lyr_coarse_tot,lyr_ph_cacl,lyr_ph_h2o,lyr_ph,lyr_c_inorg,lyr_c_org,lyr_c_tot,lyr_soc,lyr_n_tot"
)
ISRAD_ROWS = (
    ("Gaudinski_2001,Howland Forest,45.167,-68.667,Tower Pit,NA,NA,Tower_Oi,1996,NA,NA,NA,-10,-8,Oi,0.14,NA,NA,NA,NA,NA,NA,NA,NA,"
    "NA,49.3,NA,0.138,0.89"),
    ("Gaudinski_2001,Howland Forest,45.167,-68.667,Tower Pit,NA,NA,Tower_E,1996,7,NA,NA,0,6.5,E,1.03,NA,40,35,25,10,NA,4.5,NA,NA,"
    "0.5,NA,0.017,NA"),
)  # fmt: skip


def test_israd_carbon_is_percent_and_its_stock_grams_in_a_square_centimetre(tmp_path: Path):
    read_ = found("israd", text(tmp_path / "ISRaD_data_flat_layer.csv", ISRAD, *ISRAD_ROWS))
    assert refused(read_) == {}
    assert values(read_, "soc") == [493, 5]
    assert values(read_, "soc_stock_reported") == pytest.approx([13.8, 1.7])
    assert values(read_, "bulk_density_fine_earth") == [0.14, 1.03]
    assert read_.layers.select("top_cm", "bottom_cm", "kind").rows() == [(-10, -8, "organic"), (0, 6.5, "mineral")]
    assert sorted(read_.visits["date_precision"]) == ["month", "year"]
    assert read_.sites.select("longitude", "latitude", "cluster").rows() == [
        (-68.667, 45.167, "Gaudinski_2001/Howland Forest")
    ]


def test_israd_workbook_has_two_rows_of_explanations_below_its_names(tmp_path: Path):
    sheets: dict[str, list[list[Any]]] = {
        "site": [
            ["entry_name", "site_name", "site_lat", "site_long"],
            ["Entry/Dataset Name", "Site Name", "Latitude", "Longitude"],
            ["Author_year", "", "dec. deg", "dec. deg"],
            ["Gaudinski_2001", "Howland Forest", 45.167, -68.667],
        ],
        "profile": [
            ["entry_name", "site_name", "pro_name", "pro_lat", "pro_long", "pro_usda_soil_order"],
            ["Entry/Dataset Name", "Site Name", "Profile Name", "Latitude", "Longitude", ""],
            ["Author_year", "", "", "dec. deg", "dec. deg", ""],
            ["Gaudinski_2001", "Howland Forest", "Tower Pit", "", "", "Spodosols"],
        ],
        "layer": [
            ["entry_name", "site_name", "pro_name", "lyr_name", "lyr_obs_date_y", "lyr_top", "lyr_bot", "lyr_c_org"],
            ["Entry/Dataset Name", "Site Name", "Profile Name", "Layer Name", "Year", "Layer Top", "Layer Bottom", "Organic Carbon"],
            ["Author_year", "", "", "", "yyyy", "cm", "cm", "%"],
            ["Gaudinski_2001", "Howland Forest", "Tower Pit", "Tower_E", 1996, 0, 6.5, 0.5],
        ],
    }  # fmt: skip
    path = tmp_path / "israd.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
    read_ = found("israd-workbook", path)
    assert values(read_, "soc") == [5]
    assert read_.sites.select("longitude", "latitude").rows() == [(-68.667, 45.167)]
    assert read_.visits["usda"].to_list() == ["Spodosols"]
    assert dict(read_.report.ledger[0].ignored) == {"ROW_OUTSIDE": 2}


@pytest.mark.parametrize(
    ("file", "header", "rows", "name"),
    [
        ("mine.csv", LUCAS_2018, LUCAS_ROWS, "lucas-2018"),
        ("orgc.tsv", WOSIS, WOSIS_ROWS, "wosis"),
        ("layers.csv", ISRAD, ISRAD_ROWS, "israd"),
    ],
)
def test_source_is_known_by_its_columns_whatever_the_file_is_called(
    tmp_path: Path, file: str, header: str, rows: tuple[str, ...], name: str
):
    assert propose(text(tmp_path / file, header, *rows)).known == name


def test_every_packaged_mapping_says_what_it_is_in_a_line():
    for name in available_mappings():
        assert 10 < len(load_mapping(name).title) < 100
