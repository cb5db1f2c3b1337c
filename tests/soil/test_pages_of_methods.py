"""The method pages and the code beside them say the same: functions, equations, tables and worked examples."""

from types import ModuleType

import pytest

from app.soil import classes, texture
from tests.soil.pages import equations, public_functions, results, table, text_of

PAGES: dict[str, ModuleType] = {"texture": texture, "soil_classes": classes}


@pytest.mark.parametrize("page", PAGES)
def test_every_public_function_is_named_on_its_page(page: str):
    missing = [name for name in public_functions(PAGES[page]) if f"`{name}`" not in text_of(page)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_every_equation_of_the_docstrings_stands_on_the_page(page: str):
    printed = {" ".join(line.split()) for line in text_of(page).splitlines()}
    assert equations(PAGES[page]) != []
    assert [line for line in equations(PAGES[page]) if line not in printed] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_reason_stands_on_the_page_with_its_sentence(page: str):
    reasons = PAGES[page].REASONS
    assert dict(table(page, "When there is no class")) == dict(reasons)


def test_texture_classes_flags_and_limits_are_those_of_the_code():
    assert {code: name for code, name, _ in table("texture", "USDA classes")} == dict(texture.USDA_CLASSES)
    assert {code: name for code, name, _ in table("texture", "HYPRES classes")} == dict(texture.HYPRES_CLASSES)
    assert dict(table("texture", "Sums", 1)) == dict(texture.FLAGS)
    limits = {name: tuple(float(x) for x in ends) for name, *ends in table("texture", "Limits between the fractions")}
    assert limits == dict(texture.PARTICLE_SIZE_LIMITS)


def test_worked_example_of_texture_is_what_the_code_computes():
    sand, silt, clay = (float(cell) for cell in table("texture", "Worked example")[0])
    found = []
    for limits in ("2-63-2000", "2-50-2000"):
        found += [
            texture.USDA_CLASSES[texture.usda_texture(sand, silt, clay, limits=limits).code[0]],
            texture.HYPRES_CLASSES[texture.hypres_texture(sand, silt, clay, limits=limits).code[0]],
        ]
    assert found == results("texture")
    assert texture.close_fractions(sand, silt, clay, limits="2-63-2000").silt[0] == pytest.approx(74.64, abs=0.005)


def test_class_bounds_on_the_page_are_those_of_the_code():
    highest = {name: round(10 * float(ph)) for name, ph in table("soil_classes", "pH")}
    assert highest == dict(classes.PH_CLASSES)
    densities = {name: float(limit) for name, limit in table("soil_classes", "Density that restricts roots")}
    assert densities == dict(classes.ROOT_RESTRICTING_DENSITY)


def test_worked_example_of_carbon_to_clay_is_what_the_code_computes():
    soc, clay = (float(cell) for cell in table("soil_classes", "Worked example")[0])
    ours = classes.soc_to_clay(soc, clay)
    met = "met" if ours.meets_directive[0] else "not met"
    assert [f"{ours.ratio[0]:.4f}", ours.code[0], met] == results("soil_classes")
    assert classes.soc_to_clay(20.1, clay).meets_directive[0]
