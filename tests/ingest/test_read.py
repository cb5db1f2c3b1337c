"""Bad input, line by line: each is a clear message with its place, and what is sound is kept."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from app.errors import RefusedFile
from app.ingest.columns import template_csv
from app.ingest.mapping import load_mapping, parse_mapping
from app.ingest.read import files_of, read
from app.ingest.report import TableLedger, ValueLedger
from app.ingest.rules import RULES
from tests.ingest.builders import TODAY, ingested, issue, mapped, mapping_of, profile, refused, row, values, written


def test_sound_file_becomes_canonical_frames(tmp_path: Path):
    cells = {
        "bulk_density_g_cm3": "1.2",
        "bulk_density_type": "fine_earth",
        "coarse_fragments_pct": "5",
        "coarse_fragments_basis": "volume",
    }
    found = ingested(tmp_path, *profile(("0", "20"), ("20", "50"), **cells))
    assert found.report.counts == {}
    assert found.sites.row(0, named=True) == {
        "site_key": "S1", "longitude": 36.74062, "latitude": -1.24955, "position_text": "36.74062 -1.24955",
        "position_crs": "EPSG:4326", "coord_uncertainty_m": None, "country_code": None, "cluster": None, "name": None,
        "flags": [], "file": "soil.csv", "sheet": None, "row": 2,
    }  # fmt: skip
    visit = found.visits.row(0, named=True)
    assert (visit["visit_key"], visit["sampled_from"], visit["date_precision"]) == (
        "S1|2019-03-14|P1|",
        dt.date(2019, 3, 14),
        "day",
    )
    assert found.layers.select("layer_key", "visit_key", "top_cm", "bottom_cm", "kind", "row").rows() == [
        (0, "S1|2019-03-14|P1|", 0, 20, "mineral", 2),
        (1, "S1|2019-03-14|P1|", 20, 50, "mineral", 3),
    ]
    assert found.results.filter(pl.col("layer_key") == 1).select("property", "value", "reported_value", "reported_unit", "status", "column").rows() == [
        ("soc", 18.4, "18.4", "g/kg", "measured", "soc"),
        ("bulk_density_fine_earth", 1.2, "1.2", "g/cm3", "measured", "bulk_density_g_cm3"),
        ("coarse_fragments_volume", 0.05, "5", "%", "measured", "coarse_fragments_pct"),
    ]  # fmt: skip
    assert isinstance(found.results.schema["property"], pl.Enum)
    assert (found.dataset.slug, found.dataset.licence, found.dataset.licence_class) == (
        "soil",
        "CC-BY-4.0",
        "attribution",
    )


def test_missing_columns_are_all_named_at_once_with_near_misses(tmp_path: Path):
    path = written(tmp_path, [{"site_id": "S1", "Longitude": "1", "lattitude": "2", "soc": "3"}])
    with pytest.raises(RefusedFile) as caught:
        read(path, load_mapping(), today=TODAY)
    error = caught.value
    assert (error.code, error.file, error.row) == ("COLUMNS_MISSING", "soil.csv", 1)
    assert error.column == "profile_id, longitude, latitude, sampling_date, top_cm, bottom_cm, soc_unit, licence"
    assert "'Longitude' for longitude, 'lattitude' for latitude" in error.message


def test_unknown_column_is_kept_out_and_the_likely_name_suggested(tmp_path: Path):
    found = ingested(tmp_path, row(horizont="Ap", colour="red"), row(top_cm="20", bottom_cm="30"))
    by_column = {item.column: item for item in found.report.issues}
    assert by_column["horizont"].suggestion == "Did you mean horizon?"
    assert by_column["colour"].message == "Column is not read; it holds 1 filled cells."
    assert found.layers["horizon"].to_list() == [None, None]


def test_wrong_unit_refuses_the_value_and_names_what_is_accepted(tmp_path: Path):
    found = ingested(tmp_path, row(soc_unit="t/ha", ph="6"), row(top_cm="20", bottom_cm="30"))
    wrong = issue(found, "UNIT_UNKNOWN")
    assert (wrong.row, wrong.column, wrong.value) == (2, "soc_unit", "t/ha")
    assert "g/kg" in wrong.message
    assert found.report.rows_stored == 2
    assert found.results.select("layer_key", "property").rows() == [(1, "soc"), (0, "ph")]


def test_missing_unit_refuses_the_value(tmp_path: Path):
    found = ingested(tmp_path, row(soc_unit=""))
    assert issue(found, "UNIT_MISSING").message == "'18.4' has no unit in soc_unit."
    assert found.results.height == 0
    assert found.layers.height == 1


def test_per_cent_becomes_grams_per_kilogram(tmp_path: Path):
    assert values(ingested(tmp_path, row(soc="1.84", soc_unit="%")), "soc") == pytest.approx([18.4])


def test_text_in_a_number_refuses_that_value_only(tmp_path: Path):
    found = ingested(tmp_path, row(soc="high", clay_pct="30"))
    wrong = issue(found, "NOT_A_NUMBER")
    assert (wrong.row, wrong.column, wrong.value, wrong.severity) == (2, "soc", "high", "error")
    assert values(found, "clay") == [30]
    (soc, *_) = found.report.values
    assert (soc.values_read, soc.stored, dict(soc.refused)) == (1, 0, {"NOT_A_NUMBER": 1})


def test_bottom_above_top_refuses_the_row(tmp_path: Path):
    found = ingested(tmp_path, *profile(("0", "20"), ("50", "20")))
    wrong = issue(found, "DEPTH_INVERTED")
    assert (wrong.row, wrong.message) == (3, "Bottom 20 cm lies above top 50 cm.")
    assert refused(found) == {"DEPTH_INVERTED": 1}
    assert found.layers["row"].to_list() == [2]


def test_site_at_zero_zero_refuses_all_its_rows(tmp_path: Path):
    found = ingested(tmp_path, *profile(("0", "20"), ("20", "30"), longitude="0", latitude="0.0"), row(site_id="S2"))
    assert issue(found, "COORD_ZERO").row == 2
    assert refused(found) == {"COORD_ZERO": 2}
    assert found.sites["site_key"].to_list() == ["S2"]


def test_latitude_beyond_the_pole_is_refused(tmp_path: Path):
    found = ingested(tmp_path, row(longitude="-15.8", latitude="-147.9"))
    assert "Check the order of the two" in str(issue(found, "COORD_OUT_OF_RANGE").suggestion)


def test_site_without_position_refuses_its_rows(tmp_path: Path):
    found = ingested(tmp_path, *profile(("0", "20"), ("20", "30"), longitude="", latitude="n.d."))
    assert found.report.counts["COORD_MISSING"] == 1
    assert refused(found) == {"COORD_MISSING": 2}


def test_position_needs_to_stand_in_one_row_of_its_site_only(tmp_path: Path):
    found = ingested(tmp_path, row(longitude="", latitude=""), row(top_cm="20", bottom_cm="30"))
    assert found.sites["position_text"].to_list() == ["36.74062 -1.24955"]
    assert found.layers.height == 2


def test_coordinate_that_is_no_number_refuses_its_row(tmp_path: Path):
    found = ingested(tmp_path, row(longitude="43°12'W"))
    wrong = issue(found, "COORD_UNREADABLE")
    assert (wrong.row, wrong.column, wrong.value) == (2, "longitude", "43°12'W")


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "FILE_EMPTY"), (b"a;b\n", "HEADER_ONLY"), (b"\x00\x01,\n1,2\n", "NUL_BYTES")]
)
def test_file_that_holds_no_table_is_refused(tmp_path: Path, content: bytes, code: str):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(RefusedFile) as caught:
        read(path, load_mapping(), today=TODAY)
    assert caught.value.code == code


def test_windows_1252_is_read_and_said(tmp_path: Path):
    path = written(tmp_path, [row(management="Kulturfläche")])
    path.write_bytes(path.read_text("utf-8").encode("cp1252"))
    found = read(path, load_mapping(), today=TODAY)
    assert found.visits["management"].to_list() == ["Kulturfläche"]
    assert found.report.counts == {"ENCODING_ASSUMED": 1}


def test_200_megabytes_are_refused_unread(tmp_path: Path):
    path = tmp_path / "big.csv"
    with path.open("wb") as stream:
        stream.truncate(200_000_000)
    with pytest.raises(RefusedFile, match=r"200\.0 MB; the limit is 100 MB"):
        read(path, load_mapping(), today=TODAY, max_bytes=100_000_000)


def test_decimal_commas_of_a_semicolon_file_are_read_and_said(tmp_path: Path):
    path = written(tmp_path, [row(soc="18,4", longitude="36,74062", latitude="-1,24955")], delimiter=";")
    found = read(path, load_mapping(), today=TODAY)
    assert values(found, "soc") == [18.4]
    assert found.sites["longitude"].to_list() == [36.74062]
    assert issue(found, "DECIMAL_COMMA").column == "soc"


def test_every_fault_of_a_row_is_reported_and_the_first_counts_in_the_ledger(tmp_path: Path):
    found = ingested(tmp_path, row(sampling_date="2030-01-01", top_cm="20", bottom_cm="10", soc="900"))
    assert list(found.report.counts) == ["DATE_IN_FUTURE", "DEPTH_INVERTED", "VALUE_IMPOSSIBLE"]
    assert refused(found) == {"DATE_IN_FUTURE": 1}
    (soc, *_) = found.report.values
    assert dict(soc.refused) == {"VALUE_IMPOSSIBLE": 1}


def test_refused_rows_collect_no_warnings(tmp_path: Path):
    assert list(ingested(tmp_path, row(top_cm="20", bottom_cm="10", soc="300")).report.counts) == ["DEPTH_INVERTED"]


def test_layer_without_any_value_is_kept(tmp_path: Path):
    found = ingested(tmp_path, row(soc="", soc_unit=""))
    assert (found.layers.height, found.results.height, found.report.rows_refused) == (1, 0, 0)


def test_rows_without_values_are_passed_over_where_the_mapping_says_so(tmp_path: Path):
    lines = "id,x,y,top,bottom,c\nA,1,2,0,10,5\n*,*,*,*,*,*\nB,*,*,*,*,*\n"
    mapping = mapping_of("[rows]\nignore_without_values = true", tables='name = "l"\nrole = "layers"\nmissing = ["*"]')
    ledger = mapped(tmp_path, mapping, lines).report.ledger[0]
    assert (ledger.stored, dict(ledger.refused), dict(ledger.ignored)) == (1, {}, {"NO_VALUES": 2})


def test_repeated_row_is_passed_over(tmp_path: Path):
    found = ingested(tmp_path, row(), row(top_cm="20", bottom_cm="30"), row())
    assert issue(found, "DUPLICATE_ROW").message == "Repeats row 2."
    assert dict(found.report.ledger[0].ignored) == {"DUPLICATE_ROW": 1}
    assert found.layers["row"].to_list() == [2, 3]


def test_ragged_and_blank_rows_are_in_the_ledger(tmp_path: Path):
    path = written(tmp_path, profile(("0", "10"), ("10", "20"), ("20", "30")))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], "", "S9,P9", *lines[2:]]))
    ledger = read(path, load_mapping(), today=TODAY).report.ledger[0]
    assert (ledger.rows_read, ledger.stored) == (5, 3)
    assert (dict(ledger.refused), dict(ledger.ignored)) == ({"ROW_RAGGED": 1}, {"ROW_BLANK": 1})


def test_identifiers_must_be_given(tmp_path: Path):
    found = ingested(tmp_path, row(site_id=""), row(profile_id="NA"))
    assert [item.message for item in found.report.issues] == [
        "The site identifier is empty.",
        "The profile identifier is empty.",
    ]
    assert refused(found) == {"ID_MISSING": 2}


@pytest.mark.parametrize("said", ["", "free"])
def test_dataset_without_a_known_licence_is_refused(tmp_path: Path, said: str):
    with pytest.raises(RefusedFile, match=r"CC-BY-4\.0") as caught:
        ingested(tmp_path, row(licence=said))
    assert caught.value.code == "LICENCE_UNKNOWN"


def test_licence_is_known_in_any_spelling(tmp_path: Path):
    assert ingested(tmp_path, row(licence="cc by 4.0")).dataset.licence == "CC-BY-4.0"


def test_two_licences_in_one_file_are_refused_with_the_row(tmp_path: Path):
    with pytest.raises(RefusedFile) as caught:
        ingested(tmp_path, row(), row(top_cm="20", bottom_cm="30", licence="CC0-1.0"))
    assert (caught.value.code, caught.value.row, caught.value.column) == ("DATASET_MIXED", 3, "licence")


def test_unknown_design_is_refused(tmp_path: Path):
    with pytest.raises(RefusedFile, match="'random' is not one of: srs") as caught:
        ingested(tmp_path, row(design="random"))
    assert caught.value.code == "DATASET_INVALID"


def test_template_is_a_valid_file(tmp_path: Path):
    path = tmp_path / "template.csv"
    path.write_text(template_csv(), encoding="utf-8", newline="")
    report = read(path, load_mapping(), today=TODAY).report
    assert report.severity_counts() == {"error": 0, "warning": 0, "info": 0}
    assert report.rows_stored == 1


def test_only_so_many_examples_are_kept_but_all_are_counted(tmp_path: Path):
    rows = [row(profile_id=f"P{i}", soc="x") for i in range(60)]
    report = ingested(tmp_path, *rows).report
    assert report.counts["NOT_A_NUMBER"] == 60
    assert len(report.issues) == 50
    assert [item.row for item in report.issues[:2]] == [2, 3]


def test_report_is_plain_json(tmp_path: Path):
    found = ingested(tmp_path, row(soc="x"), row(top_cm="20", bottom_cm="20", soc="1"))
    told = json.loads(json.dumps(found.report.to_json()))
    assert told["rows"] == {"read": 2, "stored": 1, "refused": 1, "ignored": 0}
    assert told["severities"] == {"error": 2, "warning": 0, "info": 0}
    assert told["counts"][0] == {
        "code": "DEPTH_ZERO_THICKNESS",
        "severity": "error",
        "count": 1,
        "sentence": RULES["DEPTH_ZERO_THICKNESS"].sentence,
    }
    assert told["issues"][0]["row"] == 2
    assert told["values"][0]["refused"] == {"NOT_A_NUMBER": 1, "DEPTH_ZERO_THICKNESS": 1}


def test_ledger_that_does_not_close_cannot_be_made():
    with pytest.raises(ValueError, match="does not close: 3 rows read, 2 accounted for"):
        TableLedger(file="f", sheet=None, rows_read=3, stored=1, refused={"X": 1}, ignored={})
    with pytest.raises(ValueError, match="column c does not close"):
        ValueLedger(file="f", sheet=None, column="c", values_read=3, stored=1, missing=1)


def test_folder_needs_a_mapping_that_names_files(tmp_path: Path):
    with pytest.raises(RefusedFile, match="reads one file: name it"):
        read(tmp_path, load_mapping(), today=TODAY)


def test_files_of_a_mapping_are_found_from_one_of_them(tmp_path: Path):
    names = ["febr-camada.txt", "febr-observacao.txt", "febr-dataset.txt"]
    assert files_of(tmp_path, load_mapping("febr")) == [tmp_path / name for name in names]
    path = tmp_path / names[0]
    path.touch()
    assert files_of(path, load_mapping("febr")) == [tmp_path / name for name in names]


JOINED = """
name = "joined"
title = "Joined"
[dataset]
slug = "joined"
title = "Joined"
licence = "CC0-1.0"
[[tables]]
name = "layers"
role = "layers"
file = "layers.csv"
[[tables]]
name = "sites"
role = "sites"
file = "sites.csv"
key = ["site"]
[[tables]]
name = "authors"
role = "lookup"
file = "authors.csv"
key = ["by"]
joined_to = "sites"
[fields]
site_id = { column = "site" }
longitude = { column = "x" }
latitude = { column = "y" }
campaign = { template = "survey of {authors.name}" }
top_cm = { column = "top" }
bottom_cm = { column = "bottom" }
[[values]]
column = "c"
property = "soc"
unit = "g/kg"
"""


def test_tables_are_joined_and_each_has_its_ledger(tmp_path: Path):
    (tmp_path / "sites.csv").write_text(
        "site,x,y,by\nA,1.00001,2,a\nB,,,a\nC,3.00001,4,a\nD,5.00001,6,b\nD,7.00001,8,b\nE,9.00001,9.5,a\nE,9.00001,9.5,a\n"
    )
    (tmp_path / "authors.csv").write_text("by,name\na,Ana\nb,Bo\nz,Zoe\n")
    (tmp_path / "layers.csv").write_text(
        "site,top,bottom,c\nA,0,10,5\nA,10,20,4\nB,0,10,3\nD,0,10,2\nX,0,10,1\n,0,10,1\nE,0,10,6\n"
    )
    found = read(tmp_path, parse_mapping(JOINED), today=TODAY)
    layers, sites, authors = found.report.ledger
    assert (layers.rows_read, layers.stored, dict(layers.refused)) == (
        7,
        3,
        {"COORD_MISSING": 1, "KEY_REPEATED": 1, "ORPHAN": 2},
    )
    assert (sites.rows_read, sites.stored, dict(sites.refused), dict(sites.ignored)) == (
        7,
        3,
        {"COORD_MISSING": 1, "KEY_REPEATED": 2},
        {"DUPLICATE_ROW": 1},
    )
    assert (authors.stored, dict(authors.ignored)) == (2, {"NOT_REFERENCED": 1})
    assert found.sites["site_key"].to_list() == ["A", "C", "E"]
    assert found.visits["campaign"].to_list() == ["survey of Ana"] * 3
    orphan = next(item for item in found.report.issues if item.code == "ORPHAN")
    assert (orphan.row, orphan.message) == (6, "No row with the key X in sites.csv.")
