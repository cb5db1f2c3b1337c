import datetime as dt
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from app.errors import MappingInvalid
from app.ingest.mapping import (
    available_mappings,
    load_mapping,
    mapping_from_json,
    mapping_to_json,
    mapping_to_toml,
    parse_mapping,
)
from tests.ingest.builders import mapping_of


def test_packaged_mappings_are_listed_and_valid():
    assert {"febr", "npctr", "rothamsted-broadbalk", "rothamsted-hoosfield", "standard"} <= set(available_mappings())
    assert list(available_mappings()) == sorted(available_mappings())
    for name in available_mappings():
        assert load_mapping(name).name == name


def test_unknown_mapping_is_refused_with_those_there_are():
    with pytest.raises(MappingInvalid, match=r"packaged are: .*febr, .*npctr") as caught:
        load_mapping("brazil")
    assert caught.value.code == "MAPPING_NOT_FOUND"


def test_mapping_is_read_from_a_path(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n', encoding="utf-8")
    with pytest.raises(MappingInvalid, match="title: is missing") as caught:
        load_mapping(path)
    assert caught.value.file == "mine.toml"


def test_text_that_is_no_toml_is_refused():
    with pytest.raises(MappingInvalid, match="is no TOML"):
        parse_mapping("name = ")


@pytest.mark.parametrize(
    ("replace", "message"),
    [
        ({"dataset": 'slug = "A b"\ntitle = "t"\nlicence = "CC0-1.0"'}, "dataset.slug: may hold small letters"),
        ({"dataset": 'slug = "a"\ntitle = "t"\nlicence = "mine"'}, "dataset.licence_class: is missing"),
        (
            {"dataset": 'slug = "a"\ntitle = "t"\nlicence = "CC0-1.0"\nlicense = "x"'},
            "dataset.license: is not understood",
        ),
        (
            {"dataset": 'slug = "a"\ntitle = "t"\nlicence = "CC0-1.0"\ndoi = "https://doi.org/10.1/x"'},
            "dataset.doi: must start with 10.",
        ),
        ({"tables": 'name = "layers"\nrole = "rows"'}, "'rows' is not one of: layers, sites, lookup"),
        ({"tables": 'name = "layers"\nrole = "layers"\ndecimal = ";"'}, "decimal: ';' is not one of"),
        ({"tables": 'name = "layers"\nrole = "layers"\nmissing = "NA"'}, "missing: must be a list"),
        ({"fields": 'place = { column = "id" }'}, "fields.place: is not a field"),
        ({"fields": 'site_id = { column = "id", constant = "x" }'}, "fields.site_id: needs exactly one of"),
        ({"fields": 'site_id = "id"'}, "fields.site_id: must be a table"),
        ({"fields": 'site_id = { column = "id" }'}, "fields.longitude: is missing"),
        ({"values": 'column = "c"\nproperty = "carbon"\nunit = "g/kg"'}, "'carbon' is not one of: soc"),
        ({"values": 'column = "c"\nproperty = "soc"'}, "unit: is missing: no unit is ever guessed"),
        ({"values": 'column = "c"\nproperty = "soc"\nunit = "t/ha"'}, "values\\[1\\].unit: .*t/ha"),
        ({"values": 'column = "c"\nproperty = "soc"\nunit = "g/kg"\nstatus = "guessed"'}, "'guessed' is not one of"),
        (
            {"values": 'column = "c"\nproperty = "soc"\nunit = "g/kg"\ntransforms = ["double"]'},
            "'double' is not one of",
        ),
    ],
)
def test_mistake_in_a_mapping_is_named_by_its_place(replace: dict[str, str], message: str):
    with pytest.raises(MappingInvalid, match=message):
        mapping_of(**replace)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[depths]\nunit = "furlong"', "depths.unit: .*furlong"),
        ('[dates]\nforms = ["mm/dd"]', "dates.forms: 'mm/dd' is not one of"),
        ("[position]\narea = [1, 2, 3]", "position.area: must be a list of 4 numbers"),
        ('[rows]\nignore_without_values = "yes"', "rows.ignore_without_values: must be true or false"),
        ("[positions]\n", "positions: is not understood here"),
        (
            '[[tables]]\nname = "more"\nrole = "lookup"\nfile = "f"\nkey = ["id"]\njoined_to = "x"',
            "needs a file or a sheet|joined_to: must name",
        ),
    ],
)
def test_mistake_in_a_part_of_a_mapping_is_named_by_its_place(text: str, message: str):
    with pytest.raises(MappingInvalid, match=message):
        mapping_of(text)


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        ("EPSG:1", "'EPSG:1' is not known"),
        ("EPSG:5773", "has no east and north"),
        ("+proj=longlat +nadgrids=@/etc/passwd", "is no code of a register"),
        ("EPSG:99999999999", "is not known"),
    ],
)
def test_system_that_cannot_hold_positions_is_refused_by_name(crs: str, message: str):
    with pytest.raises(MappingInvalid, match=message) as caught:
        mapping_of(f'[position]\ncrs = "{crs}"')
    assert caught.value.column == "position.crs"


@pytest.mark.parametrize("name", available_mappings())
def test_mapping_written_is_read_again_as_the_same(name: str):
    mapping = load_mapping(name)
    assert mapping_from_json(json.loads(json.dumps(mapping_to_json(mapping)))) == mapping
    assert parse_mapping(mapping_to_toml(mapping)) == mapping


def test_text_with_quotes_controls_and_other_scripts_survives_being_written():
    mapping = mapping_of('[position]\narea = [-54.5, -25, -44, -19]\narea_name = "a \\"b\\" \\\\ \\u007f\\t é 土 = ["')
    assert mapping.area_name == 'a "b" \\ \x7f\t é 土 = ['
    assert parse_mapping(mapping_to_toml(mapping)) == mapping


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a\x00b"}, "name: holds a character"),
        ({"title": "\ud800"}, "title: holds a character"),
        ({"tables": {"name": "x"}}, "tables: must be a list of tables"),
        ({"position": {"area": [1, 2, 3, float("nan")]}}, "area: must be a list of 4 numbers"),
        ({"surprise": 1}, "surprise: is not understood"),
        ({"dates": [[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]}, "is nested too deep"),
        ({"fields": {"x": ["y"] * 60_000}}, "holds more than"),
    ],
)
def test_hostile_json_is_refused_by_its_place(change: dict[str, Any], message: str):
    with pytest.raises(MappingInvalid, match=message) as caught:
        mapping_from_json({**mapping_to_json(mapping_of()), **change})
    assert caught.value.code == "MAPPING_INVALID"


@pytest.mark.parametrize("file", ["../secret.csv", "/etc/passwd", "a/b.csv", "c:\\\\x.csv", ".."])
def test_mapping_cannot_point_to_a_file_elsewhere(file: str):
    with pytest.raises(MappingInvalid, match="without a folder"):
        mapping_of(tables=f'name = "layers"\nrole = "layers"\nfile = "{file}"')


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("header_row = -1", "header_row: must be a row number"),
        ("header_row = true", "header_row: must be a row number"),
        ("header_row = 0", "names: are missing"),
        ("header_row = 4\nrows = [4, 9]", "rows: must begin below the header"),
        ("rows = [9, 4]", "rows: must be a row number of at least 9"),
        ("rows = []", "rows: must be the first row"),
        ('names = ["a", "b", "a"]', "names: has 'a' twice"),
        ('extract = [{ column = "a", pattern = "(" }]', "pattern: is no pattern we can read"),
        ('extract = [{ column = "a", pattern = "(\\\\d+)" }]', "pattern: needs a named group"),
        ("wide = {}", "wide: needs either columns or a pattern"),
        ('wide = { pattern = "soc_(?<depth>.*)" }', "wide.value: must be named either"),
        ('wide = { columns = [{ column = "a", value = "soc", site = 1 }] }', "site: must be text"),
        (
            'wide = { columns = [{ column = "a", value = "c", s = "1" }, { column = "b", value = "c" }] }',
            "columns\\[2\\]: must say the same as the others: s",
        ),
        (
            'wide = { columns = [{ column = "a", value = "c", s = "1" }, { column = "b", value = "c", s = "1" }] }',
            "columns\\[2\\]: says the same as an earlier one",
        ),
    ],
)
def test_mistake_in_the_shape_of_a_table_is_named(table: str, message: str):
    with pytest.raises(MappingInvalid, match=message):
        mapping_of(tables=f'name = "layers"\nrole = "layers"\n{table}')


@pytest.mark.parametrize("written", ['"2027-12-31"', "2027-12-31"])
def test_embargo_and_consent_are_terms_of_a_mapping(written: str):
    text = (resources.files("app.ingest") / "mappings" / "npctr.toml").read_text("utf-8")
    given = text.replace("[dataset]\n", f'[dataset]\nembargo_until = {written}\nconsent = "Forms of 2024"\n', 1)
    found = parse_mapping(given)
    assert found.dataset is not None
    assert (found.dataset.embargo_until, found.dataset.consent) == (dt.date(2027, 12, 31), "Forms of 2024")
    with pytest.raises(MappingInvalid, match="embargo_until"):
        parse_mapping(text.replace("[dataset]\n", '[dataset]\nembargo_until = "soon"\n', 1))
