import csv
import datetime as dt
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import RefusedFile
from app.ingest.readers import Table, read_table

# A busy machine is no fault.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def text(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def table(folder: Path, content: str | bytes, **options: Any) -> Table:
    return read_table(text(folder, content), **options)


def refusal(folder: Path, content: str | bytes, name: str = "t.csv", **options: Any) -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        read_table(text(folder, content, name), **options)
    return caught.value


def workbook(folder: Path, *sheets: tuple[str, list[list[Any]]], name: str = "t.xlsx") -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for cells in rows:
            sheet.append(cells)
    book.save(folder / name)
    return folder / name


def codes(found: Table) -> list[str]:
    return [note.code for note in found.notes]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(tmp_path: Path, delimiter: str):
    found = table(tmp_path, f"a{delimiter}b\n1{delimiter}2\n3{delimiter}4\n")
    assert found.frame.rows() == [("1", "2"), ("3", "4")]


def test_decimal_commas_do_not_pass_for_delimiters(tmp_path: Path):
    assert table(tmp_path, "a;b\n1,5;2,5\n3,5;4,5\n").frame.rows() == [("1,5", "2,5"), ("3,5", "4,5")]


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path):
    found = table(tmp_path, 'a,b\n1,"two\nlines"\n\n3,4\n')
    assert found.rows.to_list() == [2, 4]
    assert found.blank == (3,)
    assert found.rows_read == 3


def test_blank_rows_behind_the_data_are_not_counted(tmp_path: Path):
    assert table(tmp_path, "a,b\n1,2\n,\n\n,\n").rows_read == 1


def test_quotes_keep_delimiters_line_breaks_and_doubled_quotes(tmp_path: Path):
    found = table(tmp_path, 'a,b\n"1,5","x ""q"" y"\n"l1\r\nl2",2\n')
    assert found.frame.rows() == [("1,5", 'x "q" y'), ("l1\nl2", "2")]


def test_backslash_before_a_quote_is_read_as_r_writes_it(tmp_path: Path):
    found = table(tmp_path, 'a,b\n"the \\"big\\" one",1\n"C:\\",2\n')
    assert found.frame["a"].to_list() == ['the "big" one', "C:\\"]
    assert codes(found) == ["QUOTE_BACKSLASH"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_line_ending_is_read(tmp_path: Path, newline: str):
    assert table(tmp_path, newline.join(["a,b", "1,2", "3,4"])).frame.rows() == [("1", "2"), ("3", "4")]


def test_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path):
    found = table(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n")
    assert found.frame.columns == ["a", "b"]
    assert codes(found) == ["BYTE_ORDER_MARK"]


def test_utf_16_is_read(tmp_path: Path):
    assert table(tmp_path, "a\tb\nä\t2\n".encode("utf-16")).frame.rows() == [("ä", "2")]


def test_windows_1252_is_read_and_reported_with_the_first_word(tmp_path: Path):
    found = table(tmp_path, "site,soc\nA,1\nSão João,2\n".encode("cp1252"))
    assert found.frame["site"].to_list() == ["A", "São João"]
    (note,) = found.notes
    assert (note.code, note.row, note.value) == ("ENCODING_ASSUMED", 3, "São João")


def test_bytes_that_are_no_text_name_their_row(tmp_path: Path):
    error = refusal(tmp_path, b"a,b\n1,2\n\x81,3\n")
    assert (error.code, error.row) == ("ENCODING_UNKNOWN", 3)


def test_declared_encoding_is_not_replaced_by_a_guess(tmp_path: Path):
    error = refusal(tmp_path, "a,b\nä,2\n".encode("cp1252"), encoding="utf-8")
    assert (error.code, error.row) == ("ENCODING_UNKNOWN", 2)


def test_nul_bytes_name_their_row(tmp_path: Path):
    error = refusal(tmp_path, b"a,b\n1,2\n3,\x00\n")
    assert (error.code, error.row) == ("NUL_BYTES", 3)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "FILE_EMPTY"),
        (" \n\n", "FILE_EMPTY"),
        ("a,b\n", "HEADER_ONLY"),
        ("a,b\n,\n", "HEADER_ONLY"),
        ("alone\n1\n", "DELIMITER_UNKNOWN"),
    ],
)
def test_file_without_a_table_is_refused(tmp_path: Path, content: str, code: str):
    assert refusal(tmp_path, content).code == code


def test_ragged_rows_are_named_and_the_others_read(tmp_path: Path):
    found = table(tmp_path, "a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,1,1\n2,2,2\n")
    assert found.ragged == ((3, 2), (4, 4))
    assert found.rows.to_list() == [2, 5, 6]
    assert found.rows_read == 5


def test_empty_fields_behind_the_last_column_are_harmless(tmp_path: Path):
    assert table(tmp_path, "a,b\n1,2,,\n3,4,\n").frame.rows() == [("1", "2"), ("3", "4")]


def test_mostly_ragged_file_is_refused_with_its_first_rows(tmp_path: Path):
    error = refusal(tmp_path, "a,b\n1,5,2,5\n3,5,4,5\n")
    assert error.code == "ROWS_RAGGED"
    assert "row 2 has 4, row 3 has 4" in error.message


def test_unclosed_quote_names_its_line(tmp_path: Path):
    error = refusal(tmp_path, 'a,b\n1,2\n"3,4\n5,6\n')
    assert (error.code, error.row) == ("QUOTE_UNCLOSED", 3)


def test_quote_inside_a_text_names_its_line(tmp_path: Path):
    error = refusal(tmp_path, 'a,b\n1,2\n5" core,9" core\n')
    assert (error.code, error.row) == ("QUOTE_STRAY", 3)


def test_column_named_twice_is_refused_with_both_places(tmp_path: Path):
    error = refusal(tmp_path, "soc,b,soc\n1,2,3\n")
    assert error.code == "HEADER_DUPLICATE"
    assert "Columns 1 and 3" in error.message


def test_unnamed_column_with_content_is_left_out_and_said(tmp_path: Path):
    found = table(tmp_path, ",a,b,\n1,2,3,\n")
    assert found.frame.columns == ["a", "b"]
    assert [(note.code, note.details["position"]) for note in found.notes] == [("HEADER_EMPTY", "1")]


def test_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = text(tmp_path, "a,b\n" + "1,2\n" * 300)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was opened"))
    with pytest.raises(RefusedFile, match=r"0\.0 MB; the limit is 0\.001 MB") as caught:
        read_table(path, max_bytes=1000)
    assert caught.value.code == "FILE_TOO_LARGE"


def test_absent_file_is_a_refusal(tmp_path: Path):
    with pytest.raises(RefusedFile, match=r"no file x\.csv"):
        read_table(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"a,b\n1,2\n", "t.xlsx", "NOT_XLSX"),
        (b"%PDF-1.7", "t.xlsx", "NOT_XLSX"),
        (b"\xd0\xcf\x11\xe0 old", "t.xls", "FORMAT_UNSUPPORTED"),
        (b"%PDF-1.7", "t.csv", "FORMAT_UNSUPPORTED"),
        (b"<!DOCTYPE html><html>", "t.csv", "FORMAT_UNSUPPORTED"),
        (b"PK\x03\x04 and nothing else", "t.xlsx", "XLSX_BROKEN"),
    ],
)
def test_other_formats_are_refused_by_what_they_are(tmp_path: Path, content: bytes, name: str, code: str):
    assert refusal(tmp_path, content, name).code == code


def test_zip_that_is_no_workbook_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as package:
        package.writestr("word/document.xml", "<a/>")
    with pytest.raises(RefusedFile, match="no XLSX workbook") as caught:
        read_table(tmp_path / "t.xlsx")
    assert caught.value.code == "NOT_XLSX"


def test_damaged_workbook_is_refused(tmp_path: Path):
    path = workbook(tmp_path, ("s", [["a", "b"], [1, 2]]))
    whole = bytearray(path.read_bytes())
    whole[200:260] = bytes(60)
    path.write_bytes(whole)
    with pytest.raises(RefusedFile) as caught:
        read_table(path)
    assert caught.value.code == "XLSX_BROKEN"


def test_workbook_that_unpacks_too_far_is_refused(tmp_path: Path):
    path = workbook(tmp_path, ("s", [["a", "b"], ["x" * 30_000] * 2]))
    with pytest.raises(RefusedFile, match="unpacks to") as caught:
        read_table(path, max_bytes=path.stat().st_size)
    assert caught.value.code == "FILE_TOO_LARGE"


def test_stray_far_cell_is_refused_before_memory_is_taken(tmp_path: Path):
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet["A1"], sheet["XFD1048576"] = "a", "stray"
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(RefusedFile, match="1048576 rows and 16384 columns") as caught:
        read_table(tmp_path / "t.xlsx")
    assert caught.value.code == "SHEET_TOO_LARGE"


def test_workbook_cells_are_text_as_a_spreadsheet_shows_them(tmp_path: Path):
    day, moment = dt.date(1948, 12, 22), dt.datetime.combine(dt.date(1948, 12, 22), dt.time(9, 30))
    path = workbook(tmp_path, ("s", [["a", "b", "c", "d", "e", "f"], [1948.0, 0.1 + 0.2, True, "007", day, moment]]))
    assert read_table(path).frame.rows() == [("1948", "0.3", "TRUE", "007", "1948-12-22", "1948-12-22 09:30:00")]


def test_workbook_rows_keep_their_numbers_below_a_blank_start(tmp_path: Path):
    path = workbook(tmp_path, ("s", [[], ["a", "b"], [1, 2], [], [3, 4]]))
    found = read_table(path)
    assert found.rows.to_list() == [3, 5]
    assert found.blank == (4,)


def test_sheet_with_the_wanted_columns_is_chosen(tmp_path: Path):
    path = workbook(tmp_path, ("README", [["about"], ["x"]]), ("data", [["soc", "site"], [1, "A"]]))
    assert read_table(path, wanted=frozenset({"soc", "site"})).sheet == "data"


def test_workbook_without_the_wanted_columns_names_the_nearest_sheet(tmp_path: Path):
    path = workbook(tmp_path, ("README", [["about"], ["x"]]), ("data", [["soc", "b"], [1, 2]]))
    with pytest.raises(RefusedFile, match="'data' comes nearest, with 1 of 2") as caught:
        read_table(path, wanted=frozenset({"soc", "site"}))
    assert caught.value.code == "SHEET_MISSING"


def test_absent_sheet_is_refused_with_the_names_there_are(tmp_path: Path):
    path = workbook(tmp_path, ("MasterTables", [["a", "b"], [1, 2]]))
    with pytest.raises(RefusedFile, match=r"its sheets are: MasterTables\. Did you mean 'MasterTables'"):
        read_table(path, sheet="MasterTable")


def test_empty_sheet_is_refused(tmp_path: Path):
    with pytest.raises(RefusedFile) as caught:
        read_table(workbook(tmp_path, ("s", [])))
    assert caught.value.code == "FILE_EMPTY"


def test_formula_without_a_stored_result_is_said(tmp_path: Path):
    path = workbook(tmp_path, ("s", [["a", "b"], [1, "=1+1"], [2, "=NA()"]]))
    (note,) = read_table(path).notes
    assert (note.code, note.details) == ("FORMULA_UNCOMPUTED", {"cells": 2})


def test_workbook_under_a_csv_name_is_still_read(tmp_path: Path):
    path = workbook(tmp_path, ("s", [["a", "b"], [1, 2]]), name="t.csv")
    assert read_table(path).frame.rows() == [("1", "2")]


cell = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=6).map(str.strip)


@patient
@given(rows=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=6), delimiter=st.sampled_from(",;\t|"))
def test_what_csv_writes_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], delimiter: str
):
    kept = [cells for cells in rows if any(cells)]
    if not kept:
        return
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(["first", "second", "third"])
    writer.writerows(kept)
    found = table(tmp_path_factory.mktemp("t"), stream.getvalue(), delimiter=delimiter)
    assert [tuple(item or "" for item in cells) for cells in found.frame.rows()] == kept


@patient
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = text(tmp_path_factory.mktemp("t"), content)
    try:
        found = read_table(path)
    except RefusedFile:
        return
    assert found.frame.height == len(found.rows)


TITLES: list[list[Any]] = [["Survey of the lower fields"], [], ["site", "top", "soc"], ["A", 0, 1.5], ["B", 10, 2.5]]


def padded(rows: list[list[Any]]) -> str:
    return "".join(",".join(map(str, [*cells, *[""] * (3 - len(cells))])) + "\n" for cells in rows)


def test_column_names_are_found_below_titles_and_it_is_said(tmp_path: Path):
    plain = table(tmp_path, "Survey of the lower fields\n\n" + padded(TITLES[2:]))
    for found in (table(tmp_path, padded(TITLES)), read_table(workbook(tmp_path, ("s", TITLES))), plain):
        assert found.frame.columns == ["site", "top", "soc"]
        assert found.frame.rows() == [("A", "0", "1.5"), ("B", "10", "2.5")]
        assert (found.header, found.rows.to_list(), found.outside) == (3, [4, 5], (1,))
        assert [(note.code, note.row) for note in found.notes] == [("HEADER_BELOW", 3)]


def test_row_with_the_wanted_names_is_the_header_even_below_a_row_of_groups(tmp_path: Path):
    rows: list[list[Any]] = [["where", "", "what"], ["site", "top", "soc"], ["A", 0, 1.5]]
    found = table(tmp_path, padded(rows), wanted=frozenset({"site", "soc"}))
    assert (found.header, found.frame.columns) == (2, ["site", "top", "soc"])
    assert read_table(workbook(tmp_path, ("s", rows)), wanted=frozenset({"site", "soc"})).frame.equals(found.frame)


def test_first_row_stays_the_header_where_nothing_speaks_against_it(tmp_path: Path):
    found = table(tmp_path, "site,top\nA,first\nB,second\n")
    assert (found.header, found.frame.columns, found.notes) == (1, ["site", "top"], ())


def test_header_row_can_be_declared(tmp_path: Path):
    rows: list[list[Any]] = [["a", "b", "c"], ["site", "top", "soc"], ["g", "cm", "%"], ["A", 0, 1.5], ["sum", "", 9]]
    options: dict[str, Any] = {"header_row": 2, "first_row": 4, "last_row": 4}
    for found in (table(tmp_path, padded(rows), **options), read_table(workbook(tmp_path, ("s", rows)), **options)):
        assert found.frame.to_dicts() == [{"site": "A", "top": "0", "soc": "1.5"}]
        assert (found.rows.to_list(), found.outside, found.notes) == ([4], (1, 3, 5), ())


def test_columns_can_be_named_by_position(tmp_path: Path):
    rows: list[list[Any]] = [["2001", "2001", "x"], ["A", "0", "1"], ["B", "1", "2"]]
    names = ("site", "", "soc")
    for header_row, expected in ((0, ["2001", "A", "B"]), (1, ["A", "B"])):
        options: dict[str, Any] = {"header_row": header_row, "names": names}
        for found in (table(tmp_path, padded(rows), **options), read_table(workbook(tmp_path, ("s", rows)), **options)):
            assert found.frame["site"].to_list() == expected
            assert found.frame.columns == ["site", "soc"]


def test_declared_header_that_is_not_there_is_refused(tmp_path: Path):
    path = workbook(tmp_path, ("s", [["a", "b"], [], [1, 2]]))
    assert refusal(tmp_path, "a,b\n\n1,2\n", header_row=2).code == "HEADER_MISMATCH"
    assert refusal(tmp_path, "a,b\n1,2\n", header_row=9).code == "HEADER_MISMATCH"
    assert refusal(tmp_path, "a,b\n1,2\n", names=("x", "y", "z")).code == "HEADER_MISMATCH"
    assert refusal(tmp_path, "a,b\n1,2\n", header_row=0).code == "HEADER_MISMATCH"
    choices: list[dict[str, Any]] = [{"header_row": 2}, {"names": ("x", "y", "z")}]
    for options in choices:
        with pytest.raises(RefusedFile) as caught:
            read_table(path, **options)
        assert caught.value.code == "HEADER_MISMATCH"


def test_no_row_within_the_declared_rows_is_refused(tmp_path: Path):
    assert refusal(tmp_path, "a,b\n1,2\n", first_row=3).code == "HEADER_ONLY"
    with pytest.raises(RefusedFile) as caught:
        read_table(workbook(tmp_path, ("s", [["a", "b"], [1, 2]])), first_row=5)
    assert caught.value.code == "HEADER_ONLY"


def test_ten_million_rows_are_refused_before_they_are_held(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 10_000_000)
    with pytest.raises(RefusedFile, match=r"10,000,001 rows; the limit is 5,000,000") as caught:
        read_table(path)
    assert caught.value.code == "ROWS_TOO_MANY"
    old_mac = tmp_path / "mac.csv"
    old_mac.write_bytes(b"a,b\r" + b"1,2\r" * 5_000_000)
    with pytest.raises(RefusedFile) as caught:
        read_table(old_mac)
    assert caught.value.code == "ROWS_TOO_MANY"


def test_sheet_that_starts_to_the_right_is_read_in_its_columns(tmp_path: Path):
    path = workbook(tmp_path, ("s", [[None, "a", "b"], [None, 1, 2], [None, 3, 4]]))
    assert read_table(path).frame.to_dict(as_series=False) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_remarks_that_we_wrote_are_not_read_again(tmp_path: Path):
    content = "site,'@soc,observatory_remarks; SOMETHING: of the whole\nA,'=x,'-4 said\n'-4-PR,2,\nB,'quoted',said\n"
    found = table(tmp_path, content)
    assert found.frame.columns == ["site", "@soc"]
    assert found.frame.rows() == [("A", "=x"), ("-4-PR", "2"), ("B", "'quoted'")]
    assert [note.code for note in found.notes] == ["REMARKS_LEFT_OUT"]


def test_apostrophes_of_other_files_are_kept(tmp_path: Path):
    assert table(tmp_path, "site,soc\n'-4-PR,2\n").frame.rows() == [("'-4-PR", "2")]


def test_sheets_with_the_same_columns_are_named_as_not_read(tmp_path: Path):
    rows: list[list[Any]] = [["site", "soc"], ["A", 1]]
    path = workbook(tmp_path, ("2019", rows), ("2020", rows), ("notes", [["text"], ["x"]]))
    found = read_table(path, wanted=frozenset({"site", "soc"}))
    assert found.sheet == "2019"
    assert [(note.code, note.details) for note in found.notes] == [("SHEETS_LEFT_OUT", {"sheets": "'2020'"})]
    assert read_table(path, sheet="2020", wanted=frozenset({"site", "soc"})).notes == ()
