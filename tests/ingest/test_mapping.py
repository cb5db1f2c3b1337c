from pathlib import Path

import pytest

from app.errors import MappingInvalid
from app.ingest.mapping import available_mappings, load_mapping, parse_mapping
from tests.ingest.builders import mapped, mapping_of


def test_packaged_mappings_are_listed_and_valid():
    assert available_mappings() == ("febr", "npctr", "rothamsted-highfield", "rothamsted-woburn", "standard")
    for name in available_mappings():
        assert load_mapping(name).name == name


def test_unknown_mapping_is_refused_with_those_there_are():
    with pytest.raises(MappingInvalid, match="packaged are: febr, npctr") as caught:
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
        ('[dates]\nforms = ["mm/dd/yyyy"]', "dates.forms: 'mm/dd/yyyy' is not one of"),
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


def test_unknown_crs_is_refused_by_name(tmp_path: Path):
    mapping = mapping_of('[position]\ncrs = "EPSG:1"')
    with pytest.raises(MappingInvalid, match="'EPSG:1' is not known"):
        mapped(tmp_path, mapping, "id,x,y,top,bottom,c\nA,1,2,0,10,5\n")
