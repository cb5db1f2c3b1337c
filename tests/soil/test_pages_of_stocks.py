"""The pages on conversions, density, depth, spline, stock and equivalent mass say what the code beside them does."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any, get_args

import numpy as np
import pytest

from app.soil import bulk_density, calibrations, carbon, conversions, depth, esm, layers, pedotransfer, spline
from tests.soil.pages import equations, public_functions, results, section, table, text_of

PAGES: dict[str, tuple[ModuleType, ...]] = {
    "carbon_conversions": (conversions,),
    "bulk_density": (bulk_density, pedotransfer),
    "depth": (depth,),
    "spline": (spline,),
    "equivalent_soil_mass": (esm,),
}


@pytest.mark.parametrize(("page", "modules"), [*PAGES.items(), ("soc_stock", (carbon,))])
def test_every_public_function_is_named_on_its_page(page: str, modules: tuple[ModuleType, ...]):
    names = set().union(*(public_functions(module) for module in modules))
    assert {name for name in names if f"`{name}`" not in text_of(page)} == set()


@pytest.mark.parametrize("page", [*PAGES, "soc_stock"])
def test_every_equation_of_the_docstrings_stands_on_the_page(page: str):
    pages = (page, "soc_content") if page == "soc_stock" else (page,)
    printed = {" ".join(line.split()) for name in pages for line in text_of(name).splitlines()}
    written = [line for module in PAGES.get(page, (carbon,)) for line in equations(module)]
    assert written != []
    assert [line for line in written if line not in printed] == []


@pytest.mark.parametrize(
    ("page", "heading", "number", "words"),
    [
        ("carbon_conversions", "When there is no value", 0, conversions.REASONS),
        ("carbon_conversions", "Flags", 0, conversions.FLAGS),
        ("bulk_density", "Densities that were not measured", 3, pedotransfer.REASONS),
        ("spline", "Rules", 0, spline.REASONS),
        ("equivalent_soil_mass", "When there is no stock", 0, esm.REASONS),
        ("equivalent_soil_mass", "Equations", 0, esm.MASS_BASES),
        ("equivalent_soil_mass", "Between the layers", 0, esm.INTERPOLATIONS),
    ],
)
def test_every_word_stands_on_the_page_with_its_sentence(
    page: str, heading: str, number: int, words: Mapping[str, str]
):
    assert dict(table(page, heading, number)) == dict(words)


@pytest.mark.parametrize(
    ("page", "heading", "number", "modules"),
    [
        ("carbon_conversions", "Numbers", 0, (conversions,)),
        ("bulk_density", "Numbers", 0, (bulk_density, pedotransfer)),
        ("soc_stock", "Uncertainty", 1, (layers, carbon)),
    ],
)
def test_numbers_on_the_page_are_those_of_the_code(
    page: str, heading: str, number: int, modules: tuple[ModuleType, ...]
):
    for name, value in table(page, heading, number):
        owner = next(module for module in modules if hasattr(module, name))
        assert getattr(owner, name) == float(value), name


def test_field_classes_of_stones_on_the_page_are_those_of_the_code():
    rows = table("bulk_density", "Conversions", 1)
    assert {word: (float(low), float(high)) for word, low, high in rows} == dict(bulk_density.FIELD_CLASSES)


def test_flags_of_a_curve_and_ends_of_a_profile_are_explained():
    assert [flag for flag in spline.FLAGS if f"`{flag}`" not in section("spline", "Rules")] == []
    explained = section("depth", "Zero, organic layers, rock")
    assert [word for word in (*depth.ENDS, *depth.SURFACE_CONVENTIONS) if f"`{word}`" not in explained] == []


def test_statuses_on_the_page_are_accepted_in_this_order():
    rows = dict(table("soc_stock", "Where the values come from"))
    assert set(rows) == set(layers.ACCEPTED_STATUSES)
    for column, accepted in layers.ACCEPTED_STATUSES.items():
        words = sorted(accepted, key=layers.SOURCES.index)
        expected = [word for word in words if not word.startswith("ptf:")]
        assert [word for word in rows[column].split() if word in layers.SOURCES] == expected


def test_methods_of_carbon_on_the_page_are_those_of_the_code_in_its_order():
    assert [tuple(row) for row in table("soc_stock", "Where the values come from", 1)] == [
        *layers.STATUS_OF_SOC_METHOD.items()
    ]


@pytest.mark.parametrize(
    ("page", "record"), [("soc_stock", carbon.ProfileValues), ("equivalent_soil_mass", esm.EquivalentMassStock)]
)
def test_marks_of_every_record_are_explained(page: str, record: type[carbon.ProfileValues | esm.EquivalentMassStock]):
    heading = "What else a figure carries" if page == "soc_stock" else "What a stock carries"
    marks = ("mass_basis", "interpolation", "algorithm_version", "rule_ids")
    assert [mark for mark in marks if f"`{mark}`" not in section(page, heading)] == []
    assert set(marks) <= set(record.__dataclass_fields__)


def test_conversions_on_the_page_are_those_of_the_code():
    rows = [(entry.id, entry.version, entry.equation, entry.reference) for entry in conversions.CONVERSIONS.values()]
    assert [tuple(row) for row in table("carbon_conversions", "Conversions")] == rows


def test_pedotransfer_functions_on_the_page_are_those_of_the_code():
    def interval(cell: str) -> tuple[float, ...] | None:
        return tuple(float(end) for end in cell.split("–")) if cell else None

    rows = table("bulk_density", "Densities that were not measured", 0)
    assert [row[0] for row in rows] == list(pedotransfer.PEDOTRANSFERS)
    for name, region, soils, soc, clay, silt, sand, n, r2, deepest, rmse in rows:
        known = calibrations.CALIBRATIONS[name]
        domain = {"soc": interval(soc), "clay": interval(clay), "silt": interval(silt), "sand": interval(sand)}
        assert {key: ends for key, ends in domain.items() if ends} == dict(known.domain)
        assert (region, soils, int(n), float(rmse)) == (known.region, known.soils, known.n_samples, known.rmse)
        assert [float(cell) if cell else None for cell in (r2, deepest)] == [known.r2, known.deepest]


def test_errors_of_pedotransfer_functions_on_the_page_are_those_of_the_code():
    expected = [
        [
            name,
            error.data,
            str(error.n or ""),
            f"{error.rmse:.2f}" if error.low is None else f"{error.low:.2f}–{error.rmse:.2f}",
            "" if error.bias is None else f"{error.bias:+.2f}",
            error.kind,
            error.source,
        ]
        for name, known in calibrations.CALIBRATIONS.items()
        for error in known.errors
    ]
    assert table("bulk_density", "Densities that were not measured", 1) == expected
    explained = section("bulk_density", "Densities that were not measured")
    assert [kind for kind in get_args(calibrations.ErrorKind) if f"`{kind}`:" not in explained] == []


def test_the_page_says_of_every_function_where_its_range_and_its_numbers_are_from():
    rows = table("bulk_density", "Densities that were not measured", 2)
    assert rows == [
        [
            name,
            known.domain_source,
            known.calibration_source,
            known.note,
            known.reference + (f". doi:{known.doi}" if known.doi else ""),
        ]
        for name, known in calibrations.CALIBRATIONS.items()
    ]


def example(page: str) -> dict[str, np.ndarray]:
    header = next(line for line in section(page, "Worked example").splitlines() if line.startswith("|"))
    names = [cell.strip() for cell in header.strip("|").split("|")]
    columns = np.array([[float(cell) for cell in row] for row in table(page, "Worked example")]).T
    return dict(zip(names, columns, strict=True))


def as_printed(values: list[Any], page: str) -> list[str]:
    """The values with as many decimals as the page prints."""
    printed = results(page)
    return [f"{float(value):.{len(text.partition('.')[2])}f}" for value, text in zip(values, printed, strict=True)]


def test_worked_example_of_conversions_is_what_the_code_computes():
    given = example("carbon_conversions")
    inorganic = conversions.inorganic_from_carbonate(given["caco3"], u_caco3=given["u_caco3"])
    soc = conversions.soc_from_total_and_inorganic_carbon(given["total_c"], inorganic, u_total=given["u_total_c"])
    wet = conversions.soc_from_walkley_black([10.0], 1.0)
    found = [soc.value[0], soc.u_random[0], wet.value[0], wet.u_systematic[0]]
    assert as_printed(found, "carbon_conversions") == results("carbon_conversions")


def test_worked_example_of_bulk_density_is_what_the_code_computes():
    given = example("bulk_density")
    predicted = pedotransfer.predict("manrique_jones1991", soc=given["soc"])
    fine = bulk_density.fine_earth_per_total(predicted.value, "fine_earth", given["stones"], "volume")
    found = [predicted.value[0], predicted.u[0], fine.value[0]]
    assert as_printed(found, "bulk_density") == results("bulk_density")


def test_worked_example_of_slabs_is_what_the_code_computes():
    given = example("depth")
    arrays = (np.zeros(2, dtype=int), given["top"], given["bottom"], given["soc"])
    by_thickness, _ = depth.slab_mean(*arrays, 1, upper=0, lower=20)
    by_mass, _ = depth.slab_mean_by_mass(*arrays, given["fine_earth"], 1, upper=0, lower=20)
    stock = carbon.layer_stock(given["soc"], given["fine_earth"], given["bottom"] - given["top"]).sum()
    assert as_printed([by_thickness[0], by_mass[0], stock], "depth") == results("depth")
    assert 0.1 * by_mass[0] * given["fine_earth"].mean() * 20 == pytest.approx(stock)


def test_worked_example_of_the_spline_is_what_the_code_computes():
    given = example("spline")
    curves = spline.mass_preserving_spline([0, 0], given["top"], given["bottom"], given["value"], 1, smoothing=0)
    exact = spline.interval_means(curves, [0, 5], [5, 10]).value[0]
    tops = spline.interval_means_mpspline2(curves, [0, 5], [5, 10]).value[0]
    assert as_printed([*exact, *tops], "spline") == results("spline")


def test_worked_example_of_equivalent_mass_is_what_the_code_computes():
    given = example("equivalent_soil_mass")
    words = np.full(2, "measured", dtype=object)
    core = layers.Layers(
        profile=np.zeros(2, dtype=np.intp),
        top=given["top"],
        bottom=given["bottom"],
        organic=np.zeros(2, dtype=bool),
        soc=given["soc"],
        soc_status=words,
        bulk_density=given["bulk_density"],
        bulk_density_basis=np.full(2, "fine_per_total", dtype=object),
        bulk_density_status=words,
        coarse_fragments=np.full(2, np.nan),
        coarse_fragments_basis=words,
        coarse_fragments_status=words,
    )
    total = esm.equivalent_mass_stock(core, 1, 2000.0, mass_basis="total")
    mineral = esm.equivalent_mass_stock(core, 1, 2000.0)
    found = [total.value[0], total.depth[0], mineral.depth[0], mineral.value[0]]
    assert as_printed(found, "equivalent_soil_mass") == results("equivalent_soil_mass")
