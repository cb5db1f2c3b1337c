"""The template says what the reader takes: filled in, it imports without an issue."""

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.ingest.columns import SCHEMA, template_csv
from app.ingest.mapping import load_mapping
from app.ingest.read import Ingested, read
from app.ingest.template import choices, limits, template_xlsx
from app.soil.properties import PROPERTIES
from tests.ingest.builders import TODAY

NAMES = [column.name for column in SCHEMA]


@pytest.fixture(scope="module")
def book() -> Any:
    return openpyxl.load_workbook(io.BytesIO(template_xlsx()))


def lists(book: Any) -> dict[str, list[str]]:
    """The words that each column of the sheet offers, followed to the sheet where they stand."""
    sheet, found = book["layers"], {}
    for rule in sheet.data_validations.dataValidation:
        if rule.type == "list":
            (area,) = rule.sqref.ranges
            name = sheet.cell(1, area.min_col).value
            reference = rule.formula1.partition("!")[2].replace("$", "")
            found[name] = [row[0].value for row in book["Lists"][reference]]
    return found


def filled(folder: Path, **cells: Any) -> Ingested:
    """The template with its example row, some cells of it changed."""
    book = openpyxl.load_workbook(io.BytesIO(template_xlsx()))
    for name, value in cells.items():
        book["layers"].cell(2, NAMES.index(name) + 1).value = value
    book.save(folder / "filled.xlsx")
    return read(folder / "filled.xlsx", load_mapping(), today=TODAY)


def test_template_has_our_columns_and_comes_back_as_csv_does(tmp_path: Path):
    (tmp_path / "t.xlsx").write_bytes(template_xlsx())
    (tmp_path / "t.csv").write_text(template_csv())
    workbook = read(tmp_path / "t.xlsx", load_mapping(), today=TODAY)
    table = read(tmp_path / "t.csv", load_mapping(), today=TODAY)
    assert workbook.results["value"].to_list() == table.results["value"].to_list()
    assert workbook.layers.select("top_cm", "bottom_cm").rows() == [(0.0, 20.0)]
    assert workbook.dataset == table.dataset


def test_filled_template_imports_without_an_issue(tmp_path: Path):
    found = filled(tmp_path)
    assert [(issue.code, issue.message) for issue in found.report.issues] == []
    assert (found.report.rows_read, found.report.rows_stored) == (1, 1)


def test_every_column_has_its_meaning_as_a_comment_and_in_the_dictionary(book: Any):
    sheet = book["layers"]
    assert [cell.value for cell in sheet[1]] == NAMES
    for column, cell in zip(SCHEMA, sheet[1], strict=True):
        assert column.meaning in cell.comment.text
    rows = list(book["dictionary"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == NAMES
    assert all(PROPERTIES["soc"].definition in row[5] for row in rows if row[0] == "soc")
    assert sheet.freeze_panes == "A2"


def test_every_list_is_what_the_reader_knows(book: Any):
    assert lists(book) == {name: list(words) for name, words in choices().items()}
    assert all(len(words) == len(set(words)) for words in choices().values())


@pytest.mark.parametrize(("column", "word"), [(name, word) for name, words in choices().items() for word in words])
def test_every_word_of_a_list_is_taken_by_the_reader(tmp_path: Path, column: str, word: str):
    cells: dict[str, Any] = {column: word}
    if column == "soc_unit":
        cells["soc"] = 0.0184 if word in {"1", "kg/kg", "g/g"} else 18.4 if word not in {"%", "wt%"} else 1.84
    if column.endswith("_method") and column.startswith(("ec", "psd")):
        cells["ec_ds_m" if column.startswith("ec") else "clay_pct"] = 0.4 if column.startswith("ec") else 34
    report = filled(tmp_path, **cells).report
    refused = {issue.code for issue in report.issues if issue.severity == "error"}
    assert refused == set()
    unknown = {
        "WORD_UNKNOWN",
        "UNIT_UNKNOWN",
        "ATTRIBUTE_DROPPED",
        "METHOD_UNKNOWN",
        "METHOD_MISPLACED",
        "LAND_USE_UNKNOWN",
    }
    assert not unknown & {issue.code for issue in report.issues if issue.column in {column, None}}


def test_limits_of_numbers_are_those_of_the_dictionary_in_the_unit_of_the_column(book: Any):
    found = limits()
    assert found["clay_pct"] == (0.0, 100.0)
    assert found["coarse_fragments_pct"] == pytest.approx((0.0, 100.0))
    assert found["total_c_g_kg"] == PROPERTIES["total_c"].possible
    sheet = book["layers"]
    decimals = {
        sheet.cell(1, next(iter(rule.sqref.ranges)).min_col).value: (float(rule.formula1), float(rule.formula2))
        for rule in sheet.data_validations.dataValidation
        if rule.type == "decimal"
    }
    assert decimals.keys() == found.keys()
    assert all(decimals[name] == pytest.approx(bounds) for name, bounds in found.items())


def test_csv_template_is_one_header_and_one_example():
    rows = list(csv.reader(io.StringIO(template_csv())))
    assert rows == [NAMES, [column.example for column in SCHEMA]]
