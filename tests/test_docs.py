"""The documentation and the service say the same."""

import re
from pathlib import Path

import pytest
import typer.main

from app import errors
from app.cli import cli
from app.collections import COLLECTIONS
from app.main import create_app
from app.routers import problems
from app.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "data").rglob("*.md")],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
TOP = ("app", "bench", "data", "docs", "migrations", "scripts", "tests", "web")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """Text below a heading, up to the next one of the same or a higher level."""
    level, after = re.findall(rf"(?ms)^(#+) {re.escape(title)}\n(.*)", text)[0]
    return re.split(rf"(?m)^#{{1,{len(level)}}} ", after)[0]


def rows(text: str) -> list[list[str]]:
    """Cells of a page's tables, without their heads."""
    lines = [line.rstrip() for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line[1:].removesuffix("|").split("|")] for line in lines]
    rules = [i for i, row in enumerate(cells) if all(re.fullmatch(r":?-+:?", cell) for cell in row)]
    return [row for i, row in enumerate(cells) if i not in rules and i + 1 not in rules]


def code(cell: str) -> str:
    return cell.strip("`")


def variable(name: str) -> str:
    """Environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return f"OBSERVATORY_{name.upper()}" if alias is None else str(alias.choices[0])  # type: ignore[union-attr]


def shown(default: object) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    return ",".join(default) if isinstance(default, tuple) else str(default)


DEFAULTS = {variable(name): shown(field.default) for name, field in Settings.model_fields.items()}


def test_every_setting_is_documented_with_its_default_and_no_other_is():
    table = rows(section(read("docs/operations.md"), "Settings"))
    assert {code(row[0]): code(row[1]) for row in table} == DEFAULTS


def test_every_setting_is_explained_in_a_sentence():
    for row in rows(section(read("docs/operations.md"), "Settings")):
        assert row[2].endswith("."), row[0]


def test_example_of_the_environment_file_names_every_setting_with_its_default():
    lines = dict(re.findall(r"(?m)^#(\w+)=(.*)$", read(".env.example")))
    assert set(lines) == set(DEFAULTS)
    assert {name: value for name, value in lines.items() if DEFAULTS[name]} == {n: d for n, d in DEFAULTS.items() if d}


def test_no_documented_variable_is_unknown():
    ours = {
        *DEFAULTS,
        "OBSERVATORY_TEST_DATA",
        "OBSERVATORY_API",
        "OBSERVATORY_E2E_URL",
    }  # the last for developers only
    for page in PAGES:
        found = set(re.findall(r"\b(?:OBSERVATORY|DATABASE)_[A-Z_]+\b", page.read_text(encoding="utf-8")))
        assert found <= ours, page


def commands() -> set[str]:
    return set(typer.main.get_group(cli).commands)


def test_every_command_is_documented_and_no_other_is():
    table = rows(section(read("docs/operations.md"), "Commands"))
    documented = [code(row[0]).split() for row in table if code(row[0]).startswith("observatory ")]
    assert sorted(words[1] for words in documented) == sorted(commands())


def test_no_page_names_a_command_that_does_not_exist():
    for page in PAGES:
        for name in re.findall(r"(?:`|bin/|^)observatory ([a-z]+)\b", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in commands(), f"{page}: observatory {name}"


def test_every_option_in_the_page_of_commands_exists():
    group = typer.main.get_group(cli)
    for row in rows(section(read("docs/operations.md"), "Commands")):
        words = code(row[0]).split()
        if words[0] == "observatory":
            known = {option for parameter in group.commands[words[1]].params for option in parameter.opts}
            assert set(re.findall(r"`(--[a-z-]+)", row[1])) <= known, words


def test_changelog_tells_of_every_command():
    unreleased = section(read("CHANGELOG.md"), "[Unreleased]")
    assert commands() <= set(re.findall(r"`([a-z]+)`", unreleased))


def doors() -> set[str]:
    """Methods and paths of the service."""
    app = create_app(Settings(_env_file=None))
    described = {
        f"{method.upper()} {path}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if method != "parameters"
    }
    return {*described, f"GET {app.openapi_url}", "GET /map/"}


def test_every_door_is_documented_and_no_other_is():
    table = rows(section(read("docs/api.md"), "Doors"))
    assert sorted(code(row[0]) for row in table) == sorted(doors())


def test_every_collection_is_documented_with_its_filters():
    table = rows(section(read("docs/api.md"), "Collections"))
    documented = {code(row[0]): set(re.findall(r"`(\w+)`", row[2])) for row in table}
    assert documented == {c.id: {f.name for f in c.filters} for c in COLLECTIONS.values()}


def test_every_tile_layer_is_documented_with_zoom_and_fields():
    table = rows(section(read("docs/api.md"), "Tiles"))
    documented = {code(row[0]): (row[1], set(row[3].split(", "))) for row in table}
    assert documented == {
        c.tiles.layer: (f"{c.tiles.min_zoom}–{c.tiles.max_zoom}", set(c.tiles.fields)) for c in COLLECTIONS.values()
    }


def status(kind: type[errors.ObservatoryError]) -> str:
    return str(next(int(problems.STATUS[base]) for base in kind.__mro__ if base in problems.STATUS))


def test_documented_problems_have_the_status_that_is_sent():
    sent = (
        errors.InvalidParameter,
        errors.NotFound,
        errors.Unauthenticated,
        errors.Forbidden,
        errors.Conflict,
        errors.TooManyRequests,
        errors.TooLarge,
        errors.Busy,
        errors.DatabaseUnavailable,
    )
    table = {code(row[0]): row[1] for row in rows(section(read("docs/api.md"), "Errors"))}
    for kind in sent:
        assert table["-".join(re.findall("[A-Z][a-z]+", kind.__name__)).lower()] == status(kind)


def test_every_decision_is_in_the_list_and_the_list_names_no_other():
    linked = re.findall(r"\| (\d{4}) \| \[[^\]]+\]\(([^)]+)\)", read("docs/adr/README.md"))
    files = sorted(p.name for p in (ROOT / "docs/adr").glob("[0-9]*.md"))
    assert [name for _, name in linked] == files
    assert all(name.startswith(number) for number, name in linked)
    assert len({name[:4] for name in files}) == len(files)


@pytest.mark.parametrize("page", sorted((ROOT / "docs/adr").glob("[0-9]*.md")), ids=lambda p: p.stem)
def test_a_decision_has_its_number_and_its_four_parts(page: Path):
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.name[:4]} ")
    assert re.findall(r"(?m)^## (.+)$", text) == ["Context", "Decision", "Consequences", "Rejected"]


def anchors(page: Path) -> set[str]:
    """Names by which headings of a page can be linked."""
    found = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path):
    prose = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        aim = (page.parent / name).resolve() if name else page
        assert aim.exists(), target
        assert aim.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(aim), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_files_that_a_page_names_exist(page: Path):
    built = ("app/static", "web/node_modules")
    for name in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", page.read_text(encoding="utf-8")):
        if name.startswith(TOP) and name.split("/")[0] in TOP and not name.startswith(built):
            assert (ROOT / name).exists(), name


def test_changelog_begins_with_what_is_unreleased():
    titles = re.findall(r"(?m)^## (.+)$", read("CHANGELOG.md"))
    assert titles[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", title) for title in titles[1:])


def test_contributing_tells_how_to_add_each_kind_of_thing():
    kinds = re.findall(r"(?m)^### (.+)$", section(read("CONTRIBUTING.md"), "How to add …"))
    assert kinds == ["a property", "a method", "an indicator", "a collection", "a map layer", "a rule", "a mapping"]


def chores() -> set[str]:
    return set(re.findall(r"(?m)^([a-z0-9-]+):.*##", read("Makefile")))


def test_pages_name_only_chores_that_exist():
    for page in PAGES:
        named = set(re.findall(r"`make ([a-z0-9-]+)", page.read_text(encoding="utf-8")))
        assert named <= chores(), page


def test_every_chore_is_declared_phony():
    declared = re.findall(r"(?m)^\.PHONY: (.+)$", read("Makefile"))[0].split()
    assert set(declared) == chores()
