import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from app.db.tables import COLLEGES, LOCATION_PRECISIONS
from app.soil.carbon import REASONS
from app.soil.estimate import ESTIMATORS, NOTES, REFUSALS
from app.soil.indicators import INDICATORS

WEB = Path(__file__).parents[2] / "web"
WORDS = json.loads((WEB / "src" / "i18n" / "en.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("prefix", "codes"),
    [
        ("refused", REFUSALS),
        ("reason", REASONS),
        ("note", NOTES),
        ("estimator", ESTIMATORS),
        ("college", COLLEGES),
        ("precision", LOCATION_PRECISIONS),
    ],
)
def test_the_map_has_words_for_every_code_of_the_service_and_no_other(prefix: str, codes: Iterable[str]):
    known = {key.removeprefix(f"{prefix}.") for key in WORDS if key.startswith(f"{prefix}.")}
    assert known == set(codes), f"bring {prefix}.* in web/src/i18n/*.json in step"


def test_the_map_says_reasons_in_the_words_of_the_service():
    sentences = {"refused": REFUSALS, "reason": REASONS, "note": NOTES, "estimator": ESTIMATORS}
    ours = {prefix: {code: WORDS.get(f"{prefix}.{code}") for code in codes} for prefix, codes in sentences.items()}
    assert ours == {prefix: dict(codes) for prefix, codes in sentences.items()}


def test_every_indicator_has_a_title_in_every_language_of_the_map():
    languages = {path.stem for path in (WEB / "src" / "i18n").glob("*.json")}
    assert all(set(indicator.title) == languages for indicator in INDICATORS.values())


def test_the_lock_file_names_no_registry():
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_the_lock_file_holds_the_parts_of_every_platform():
    packages = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    held = {name.split("node_modules/")[-1] for name in packages}
    needed = {part for package in packages.values() for part in package.get("optionalDependencies", {})}
    assert sorted(needed - held) == []


def test_dependencies_are_pinned_to_exact_versions():
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert {name: version for name, version in versions.items() if not version[0].isdigit()} == {}
