"""GloSIS workbooks with all their quirks: read, compared with themselves, refused where they contradict themselves."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from app.errors import RefusedFile
from app.ingest import glosis_words as words
from app.ingest.cells import guarded, guarded_text, restored
from app.ingest.mapping import load_mapping
from app.ingest.read import Ingested, read
from tests.ingest.builders import TODAY

Rows = list[list[Any]]


def sheets() -> dict[str, Rows]:
    return {
        "Plot Data": [
            ["Location", *[None] * 12, "Land Use", None, "Soil Surface"],
            ["project_name", "site_code", "plot_code", "profile_code", "plot_type", "n_layers", "date", "longitude", "latitude",
             "altitude", "positional_accuracy", "extent", "map_sheet_code", "Landuse", "Crop type", "Rock Outcrops Cover "],
            ["Survey", "S1", "P1", "Site₁ ", "Borehole", 2, dt.datetime.combine(dt.date(2019, 3, 14), dt.time()), 36.74062, -1.24955, 1800, 15, None, None,
             "AA4 - Rainfed arable cultivation", None, "N - None (0 %)"],
            ["Survey", "S2", "P2", "Site2", "TrialPit", 1, "2020-05-02", 36.81234, -1.31234, 1800, 15, None, None, None, None, None],
            *[[None] * 16 for _ in range(300)],
        ],
        "Profile Data": [
            ["Profile", None, "Classification"],
            ["profile_code", "Description Status", "WRB Soil Group", "USDA order"],
            ["Site1", "1 - Reference", "Alisol (AL)", "Ultisols"],
        ],
        "Element Data": [
            ["Element", *[None] * 6, "Mottles", None, "Roots", None],
            ["profile_code", "element_code", "type", "order_element", "upper_depth", "lower_depth", "horizon_code", "Abundance", "Size",
             "Abundance", "Size"],
            ["Site1", "Site₁-1", "Horizon", 1, 0, 20, "Ap", "F - Few", None, "C - Common", None],
            ["Site1", "Site1-2", "Horizon", 2, 20, 45.5, "Bt ", None, None, None, None],
            ["Site2", "Site2-1", "Layer", 1, 0, 30, None, None, None, None, None],
            *[[None] * 11 for _ in range(300)],
        ],
        "Specimen Data": [
            ["profile_code", "element_code", "specimen_code", "C (gr/kg)", "pH-H₂O", "CEC (me/100g)", "Bulk Density (kg/dm3)",
             "Clay (%)", "pF 4.2 (%)"],
            ["Site1", "Site1-1", "L1", 18.4, 6.1, 12.5, 1.21, 34, 11],
            ["Site1 ", "Site1-2", "L2", 9.25, 5.9, 10, 1.35, 40, 12],
            ["Site2", "Site2-1", "L3", 22.1, 6.6, "<0.5", None, 28, None],
            *[[None] * 9 for _ in range(300)],
        ],
        "Procedures": [
            ["soil_property", "property_phys_chem_id", "procedure_phys_chem_id", "unit_of_measure_id"],
            ["C (gr/kg)", "Carbon (C) - organic", "OrgC_wc-cro3-walkleyblack", "g/kg"],
            ["pH-H2O", "pH - Hydrogen potential", "pHH2O_ratio1-2.5", "pH"],
            ["CEC", "cationExchangeCapacitycSoilProperty", None, "cmol/kg"],
            ["Clay (%)", "Clay texture fraction", "SaSiCl_2-20-2000u-disp-pipette", "%"],
        ],
        "Metadata": [
            ["Plot", "Contact"],
            ["plot_code", "name", "email", "organization"],
            ["P1", "Jane Doe", "jane.doe@example.org", "Institute"],
        ],
        "Plot_list": [["list"], ["values"], ["06 - Sloping (5 - 10 %)"]],
    }  # fmt: skip


def workbook(folder: Path, change: Callable[[dict[str, Rows]], object] = lambda _: None) -> Path:
    content = sheets()
    change(content)
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in content.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for cells in sheet.iter_rows(min_row=len(rows) + 1, max_row=len(rows) + 1, max_col=1):
            cells[0].value = " "  # what people leave behind below a table
    book.save(folder / "glosis.xlsx")
    return folder / "glosis.xlsx"


def taken(folder: Path, change: Callable[[dict[str, Rows]], object] = lambda _: None) -> Ingested:
    return read(workbook(folder, change), load_mapping("glosis"), today=TODAY)


def found(read_in: Ingested, code: str) -> list[str]:
    return [issue.message for issue in read_in.report.issues if issue.code == code]


def values(read_in: Ingested, code: str) -> list[float]:
    return read_in.results.filter(property=code)["value"].to_list()


def test_workbook_becomes_sites_profiles_layers_and_results(tmp_path: Path):
    read_in = taken(tmp_path)
    assert read_in.sites.select("site_key", "longitude", "latitude", "coord_uncertainty_m").rows() == [
        ("S1", 36.74062, -1.24955, 15.0),
        ("S2", 36.81234, -1.31234, 15.0),
    ]
    visits = read_in.visits.select(
        "profile_id", "sampled_from", "date_precision", "land_use", "wrb", "usda", "campaign"
    ).rows()
    assert visits == [
        ("Site1", dt.date(2019, 3, 14), "day", "AA", "Alisol (AL)", "Ultisols", "Survey"),
        ("Site2", dt.date(2020, 5, 2), "day", None, None, None, "Survey"),
    ]
    assert read_in.layers.select("own_id", "top_cm", "bottom_cm", "horizon", "row").rows() == [
        ("L1", 0.0, 20.0, "Ap", 2),
        ("L2", 20.0, 45.5, "Bt", 3),
        ("L3", 0.0, 30.0, None, 4),
    ]
    assert values(read_in, "soc") == [18.4, 9.25, 22.1]
    assert values(read_in, "cec") == [12.5, 10.0, 0.5]
    assert values(read_in, "bulk_density") == [1.21, 1.35]
    assert values(read_in, "ph_h2o") == [6.1, 5.9, 6.6]
    assert values(read_in, "clay") == [34.0, 40.0, 28.0]


def test_results_keep_unit_method_and_true_heading(tmp_path: Path):
    read_in = taken(tmp_path)
    soc = read_in.results.filter(property="soc").row(0, named=True)
    assert (soc["reported_value"], soc["reported_unit"], soc["method"], soc["column"]) == (
        "18.4", "gr/kg", "OrgC_wc-cro3-walkleyblack", "C (gr/kg)",
    )  # fmt: skip
    assert read_in.results.filter(property="cec")["qualifier"].to_list() == ["=", "=", "<"]


def test_every_row_is_accounted_for_and_what_is_not_read_is_said(tmp_path: Path):
    read_in = taken(tmp_path)
    ledger = {table.sheet: (table.rows_read, table.stored) for table in read_in.report.ledger}
    assert ledger["Specimen Data"] == (3, 3)
    assert ledger["Plot Data"] == (2, 2)
    assert found(read_in, "TEXT_NORMALISED")
    assert found(read_in, "CONTACTS_LEFT_OUT") == ["Sheet 'Metadata' with names and addresses of people is not read."]
    unread = {issue.column for issue in read_in.report.issues if issue.code == "COLUMN_UNKNOWN"}
    assert {"pF 4.2 (%)", "Abundance", "Roots: Abundance"} <= unread


def test_people_are_named_nowhere(tmp_path: Path):
    read_in = taken(tmp_path)
    everything = str(read_in.report.to_json()) + "".join(
        frame.write_csv() for frame in (read_in.sites, read_in.visits, read_in.layers.drop("flags"), read_in.results.drop("flags"))
        if not any(isinstance(kind, pl.List) for kind in frame.dtypes)
    )  # fmt: skip
    assert "Jane" not in everything
    assert "jane.doe" not in everything


def test_heading_against_procedures_refuses_the_values_of_that_column_only(tmp_path: Path):
    def percent(content: dict[str, Rows]) -> None:
        content["Specimen Data"][0][3] = "C (%)"
        content["Procedures"][1][0] = "C (%)"

    read_in = taken(tmp_path, percent)
    assert values(read_in, "soc") == []
    assert len(values(read_in, "clay")) == 3
    assert read_in.report.counts["GLOSIS_UNIT_CONFLICT"] == 3
    assert "the heading says '%', Procedures say 'g/kg'" in found(read_in, "GLOSIS_UNIT_CONFLICT")[0]


def test_numbers_that_do_not_fit_their_unit_are_refused(tmp_path: Path):
    def percent(content: dict[str, Rows]) -> None:
        content["Specimen Data"][0][3] = "C (%)"
        content["Procedures"][1][0] = "C"
        content["Procedures"][1][3] = "%"

    read_in = taken(tmp_path, percent)
    assert values(read_in, "soc") == []
    assert "half of the values would then lie beyond 184" in found(read_in, "GLOSIS_UNIT_CONFLICT")[0]


def test_property_that_procedures_contradict_is_refused(tmp_path: Path):
    def other(content: dict[str, Rows]) -> None:
        content["Procedures"][2][2] = "pHKCl_ratio1-2.5"

    read_in = taken(tmp_path, other)
    assert read_in.report.counts["GLOSIS_PROPERTY_CONFLICT"] == 3
    assert values(read_in, "ph_h2o") == values(read_in, "ph_kcl") == []


def test_carbon_that_nobody_explains_is_not_read_and_it_is_said(tmp_path: Path):
    read_in = taken(tmp_path, lambda content: content["Procedures"].pop(1))
    assert values(read_in, "soc") == values(read_in, "total_c") == []
    assert found(read_in, "GLOSIS_PROPERTY_UNCLEAR") == ["'C (gr/kg)' may be organic or total carbon; it is not read."]


def test_unit_is_never_guessed(tmp_path: Path):
    def without(content: dict[str, Rows]) -> None:
        content["Specimen Data"][0][5] = "CEC"
        content["Procedures"].pop(3)

    read_in = taken(tmp_path, without)
    assert values(read_in, "cec") == []
    assert read_in.report.counts["UNIT_MISSING"] == 3


def test_millimoles_are_a_tenth_of_centimoles(tmp_path: Path):
    def milli(content: dict[str, Rows]) -> None:
        content["Specimen Data"][0][5] = "CEC (mmol/kg)"
        content["Procedures"].pop(3)
        for row, number in zip(content["Specimen Data"][1:4], (125, 100, 90), strict=True):
            row[5] = number

    assert values(taken(tmp_path, milli), "cec") == [12.5, 10.0, 9.0]


def test_specimen_of_an_unknown_element_is_refused_and_counted(tmp_path: Path):
    def orphan(content: dict[str, Rows]) -> None:
        content["Specimen Data"][3][1] = "Site2-9"

    read_in = taken(tmp_path, orphan)
    assert read_in.layers.height == 2
    assert read_in.report.rows_refused == 1


def test_workbook_without_its_sheets_is_refused(tmp_path: Path):
    with pytest.raises(RefusedFile, match="has no sheet 'Element Data'") as caught:
        taken(tmp_path, lambda content: content.pop("Element Data"))
    assert caught.value.code == "SHEET_MISSING"
    (tmp_path / "t.xlsx").write_text("a,b\n1,2\n")
    with pytest.raises(RefusedFile) as caught:
        read(tmp_path / "t.xlsx", load_mapping("glosis"), today=TODAY)
    assert caught.value.code == "NOT_XLSX"


@pytest.mark.parametrize(
    ("title", "name", "unit"),
    [
        ("C (gr/kg)", "C", "gr/kg"),
        ("pH-H₂O", "pH-H2O", None),
        ("CEC (cmol(c)/kg) ", "CEC", "cmol(c)/kg"),
        ("Bulk Density [kg/l]", "Bulk Density", "kg/l"),
        ("pH (H2O)", "pH (H2O)", None),
    ],
)
def test_headings_are_taken_apart(title: str, name: str, unit: str | None):
    assert words.heading(title) == (name, unit)


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-x", "@a", "'=1", "''@x", "plain", "-4.5", "+3e2", "'quoted'", "\tx", "-", "<0.5"]
)
def test_guarded_texts_are_no_formulas_and_come_back_as_they_were(text: str):
    column = pl.Series("a", [text, None])
    out = guarded(column)
    assert out[0] == guarded_text(text)
    assert out[0][0] not in "=+@\t" or out[0] == "+3e2"
    assert restored(out).to_list() == [text, None]
