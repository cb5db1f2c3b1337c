"""Pages, templates and mappings say what the code does."""

import inspect
import pkgutil
import re
import string
from importlib import import_module
from pathlib import Path

import pytest

from app.ingest import checks, columns, exchange, rules
from app.ingest.draft import Finding
from app.ingest.mapping import LAYER_FIELDS, SITE_FIELDS, VISIT_FIELDS, load_mapping, outcomes, parse_mapping
from app.ingest.rules import pages
from app.soil.properties import PROPERTIES

ROOT = Path(__file__).parents[2]
RULES_PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")
IMPORT_PAGE = (ROOT / "docs" / "import.md").read_text("utf-8")


def test_rules_page_lists_every_rule_and_version_as_it_is():
    assert pages.table() in RULES_PAGE, "run scripts/rule_pages.py"
    assert pages.history() in RULES_PAGE, "run scripts/rule_pages.py"
    assert f"Rules version: {rules.RULES_VERSION};" in RULES_PAGE


def test_every_rule_has_its_page_and_no_page_is_left_over():
    written = {path.stem: path.read_text("utf-8") for path in (ROOT / "docs" / "rules").glob("*.md")}
    assert written == {code: pages.page(rule) for code, rule in rules.RULES.items()}, "run scripts/rule_pages.py"


def test_versions_rise_and_name_rules_that_exist():
    assert [version.number for version in rules.HISTORY] == [str(n + 1) for n in range(len(rules.HISTORY))]
    assert [code for version in rules.HISTORY for code in version.added if code not in rules.RULES] == []
    assert pages.record(rules.RULES["PH_ORDER"])["since"] == "2"
    assert pages.record(rules.RULES["DEPTH_INVERTED"])["since"] == "1"


def test_import_page_lists_every_column_as_it_is():
    assert columns.schema_table() in IMPORT_PAGE


def test_import_page_names_every_field_of_a_mapping():
    assert [name for name in (*SITE_FIELDS, *VISIT_FIELDS, *LAYER_FIELDS) if f"`{name}`" not in IMPORT_PAGE] == []


def test_mapping_on_the_import_page_is_valid():
    (example,) = re.findall(r"```toml\n(.*?)```", IMPORT_PAGE, re.DOTALL)
    assert parse_mapping(example).name == "levantamento"


@pytest.mark.parametrize("rule", rules.RULES.values(), ids=lambda rule: rule.code)
def test_rule_is_whole(rule: rules.Rule):
    assert re.fullmatch(r"[A-Z][A-Z0-9_]+", rule.code)
    assert rule.severity in rules.SEVERITIES[rule.effect]
    assert rule.sentence.endswith(".")
    assert rule.why.endswith("."), "say why the rule is there"
    assert rule.example, "give an example"
    assert all(name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(rule.message))


def test_every_rule_is_used_and_every_code_is_a_rule():
    used = codes_in(ROOT / "app" / "ingest")
    # Refusals of mappings, archives and terms: they are about no table.
    no_rules = {"MAPPING_INVALID", "MAPPING_NOT_FOUND", "MAPPING_INCOMPLETE", "ANSWER_INVALID", "ARCHIVE_REFUSED"}
    no_rules |= {"FILENAME_INVALID", "CONSENT_MISSING", "LICENCE_CLASS_MISSING", "TERMS_CONTRADICT"}
    assert used - rules.RULES.keys() <= no_rules
    assert rules.RULES.keys() - used - codes_in(ROOT / "app" / "pipelines") == set()


def codes_in(folder: Path) -> set[str]:
    """Words of code that look like a rule's, outside the catalogue itself."""
    paths = [path for path in folder.rglob("*.py") if path.parent.name != "rules"]
    code = "".join(re.sub(r"__all__ = \[.*?\]", "", path.read_text("utf-8"), flags=re.DOTALL) for path in paths)
    return set(re.findall(r'"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+|ORPHAN)"', code))


def test_standard_mapping_reads_the_schema_and_nothing_else():
    mapping = load_mapping()
    assert set(columns.columns_read(mapping, mapping.main)) == {column.name for column in columns.SCHEMA}
    required = {column.name for column in columns.SCHEMA if column.need == "required"}
    assert set(columns.required_columns(mapping, mapping.main)) == required


def test_schema_has_a_column_for_every_property():
    assert {code for column in columns.SCHEMA for code in column.properties} == set(PROPERTIES)
    by_column = {value.column: outcomes(value.property) for value in load_mapping().values}
    assert by_column == {column.name: set(column.properties) for column in columns.SCHEMA if column.properties}


def test_checks_are_listed_once_in_their_order():
    modules = [import_module(f"{checks.__name__}.{item.name}") for item in pkgutil.iter_modules(checks.__path__)]
    functions = [
        name
        for module in modules
        for name, item in vars(module).items()
        if inspect.isfunction(item) and item.__module__ == module.__name__ and not name.startswith("_")
        if inspect.signature(item).return_annotation == list[Finding]
    ]
    assert sorted(check.__name__ for check in checks.CHECKS) == sorted(functions)


def test_what_checks_of_stored_data_find_is_theirs_to_take_away():
    source = "".join(inspect.getsource(check) for check in checks.STORED_CHECKS)
    assert set(re.findall(r'"([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)"', source)) == checks.STORED_CODES


def test_exchange_mapping_is_what_the_properties_make_of_it():
    text = (ROOT / "app" / "ingest" / "mappings" / "exchange.toml").read_text("utf-8")
    assert text == exchange.mapping_text()
