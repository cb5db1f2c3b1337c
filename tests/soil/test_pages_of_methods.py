"""The method pages and the code beside them say the same: functions, equations, tables and worked examples."""

from collections.abc import Mapping
from types import ModuleType

import pytest

from app.soil import (
    change,
    classes,
    declustering,
    estimate,
    ipcc,
    map_uncertainty,
    texture,
    trend,
    zonal,
)
from tests.soil.pages import equations, public_functions, results, table, text_of

PAGES: dict[str, tuple[ModuleType, ...]] = {
    "texture": (texture,),
    "soil_classes": (classes,),
    "change": (change, trend),
    "regional_estimate": (estimate,),
    "declustering": (declustering,),
    "map_uncertainty": (map_uncertainty,),
    "zonal": (zonal,),
    "ipcc": (ipcc,),
}


@pytest.mark.parametrize("page", PAGES)
def test_every_public_function_is_named_on_its_page(page: str):
    names = set().union(*(public_functions(module) for module in PAGES[page]))
    assert {name for name in names if f"`{name}`" not in text_of(page)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_equation_of_the_docstrings_stands_on_the_page(page: str):
    printed = {" ".join(line.split()) for line in text_of(page).splitlines()}
    written = [line for module in PAGES[page] for line in equations(module)]
    assert written != []
    assert [line for line in written if line not in printed] == []


@pytest.mark.parametrize(
    ("page", "heading", "words"),
    [
        ("texture", "When there is no class", texture.REASONS),
        ("soil_classes", "When there is no class", classes.REASONS),
        ("change", "When there is no change", change.REFUSALS),
        ("change", "Notes on a change", change.NOTES),
        ("change", "When there is no trend", trend.REFUSALS),
        ("change", "Notes on a trend", trend.NOTES),
        ("declustering", "When a point weighs nothing", declustering.REASONS),
        ("map_uncertainty", "When there is no standard error", map_uncertainty.REASONS),
        ("zonal", "When there are no statistics", zonal.REASONS),
        ("ipcc", "When there is no default", ipcc.REASONS),
    ],
)
def test_every_reason_and_note_stands_on_the_page_with_its_sentence(page: str, heading: str, words: Mapping[str, str]):
    assert dict(table(page, heading)) == dict(words)


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


def test_verdicts_on_the_page_are_those_of_the_code():
    assert {code: words for code, words, _ in table("change", "Verdict")} == dict(change.VERDICTS)


def test_worked_example_of_a_change_is_what_the_code_computes():
    first, second = zip(*((float(a), float(b)) for a, b in table("change", "Worked example")), strict=True)
    paired = change.paired_change(first, second, years=10)
    unpaired = change.unpaired_change(first, second, years=10, probability_samples=True)
    assert paired.verdict is not None
    assert unpaired.verdict is not None
    found = [
        f"{paired.value:.1f}",
        f"{paired.se:.2f}",
        f"{paired.lower:.2f}",
        f"{paired.upper:.2f}",
        f"{paired.rate:.1f}",
        f"{paired.rate_lower:.1f}",
        f"{paired.rate_upper:.1f}",
        change.VERDICTS[paired.verdict],
        f"{unpaired.se:.2f}",
        change.VERDICTS[unpaired.verdict],
    ]
    assert found == results("change")


def test_worked_example_of_declustering_is_what_the_code_computes():
    rows = table("declustering", "Worked example")
    found = declustering.declustered_mean([float(value) for value, _ in rows], [cell for _, cell in rows])
    assert [f"{found.mean:.1f}", f"{found.plain_mean:.1f}"] == results("declustering")
    for kind, resolution in declustering.H3_RESOLUTIONS.items():
        assert f"| {kind} | {resolution} |" in text_of("declustering")


def test_worked_example_of_map_uncertainty_is_what_the_code_computes():
    sd, weight, x = (
        [float(cell) for cell in column] for column in zip(*table("map_uncertainty", "Worked example"), strict=True)
    )
    found = map_uncertainty.map_mean_error(
        sd, weight, x, correlogram=lambda d: map_uncertainty.exponential_correlogram(d, 20, 0.2)
    )
    errors = (found.se, found.se_independent, found.se_dependent)
    assert [f"{error:.2f}" for error in errors] == results("map_uncertainty")


def test_worked_example_of_zonal_statistics_is_what_the_code_computes():
    value, share, area = (
        [float(cell or "nan") for cell in column] for column in zip(*table("zonal", "Worked example"), strict=True)
    )
    found = zonal.zonal_statistics(value, share, area)
    assert [f"{found.mean:.1f}", f"{found.total:.0f}", f"{found.covered_share:.3f}"] == results("zonal")


def test_ipcc_tables_on_the_page_are_those_of_the_code():
    def printed(found: ipcc.Default) -> str:
        return "–" if found.value is None else f"{found.value:g} ± {found.error:g} %"

    stocks = {
        (row[0], soil): cell
        for row in table("ipcc", "Reference stocks")
        for soil, cell in zip(ipcc.SOILS, row[1:], strict=True)
    }
    assert stocks == {(c, s): printed(ipcc.reference_stock(s, c)) for c in ipcc.CLIMATES for s in ipcc.SOILS}
    factors = {
        (kind, category, climate): cell
        for kind, category, *cells in table("ipcc", "Stock change factors")
        for climate, cell in zip(ipcc.CLIMATES[2:], cells, strict=True)
    }
    assert factors == {key: printed(found) for key, found in ipcc.FACTORS.items()}


def test_worked_example_of_ipcc_is_what_the_code_computes():
    native = ipcc.tier1_stock("high_activity_clay", "warm_temperate_moist")
    crops = ipcc.tier1_stock(
        "high_activity_clay", "warm_temperate_moist", land_use="annual_crops", management="no_tillage"
    )
    assert native.value is not None
    assert crops.value is not None
    change_per_year = ipcc.annual_change(crops.value, native.value, 10)[0]
    assert [f"{crops.value:.1f}", f"{crops.error:.1f}", f"{change_per_year:.1f}"] == results("ipcc")
