"""The pages under docs say what the code does: their worked examples are recomputed, their tables are complete."""

import re
from pathlib import Path

import numpy as np
import pytest

from app.soil.carbon import FLAGS, REASONS, Layers, ProfileValues
from app.soil.estimate import DESIGNS, NOTES, REFUSALS, describe_sample
from app.soil.indicators import INDICATORS
from app.soil.properties import PROPERTIES

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / "methods" / f"{name}.md").read_text(encoding="utf-8")


def example(name: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Columns of the table of a page's worked example, and its results, set in bold."""
    text = page(name).split("## Worked example")[1].split("## References")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    numbers = np.array([[float(cell) for cell in row] for row in rows[2:]])
    return dict(zip(rows[0], numbers.T, strict=True)), re.findall(r"\*\*(.+?)\*\*", text)


def profile_of(table: dict[str, np.ndarray]) -> Layers:
    size = table["top"].size
    measured = np.full(size, "measured", dtype=object)
    return Layers(
        profile=np.zeros(size, dtype=np.intp),
        top=table["top"],
        bottom=table["bottom"],
        organic=np.zeros(size, dtype=bool),
        soc=table["soc"],
        soc_status=measured,
        bulk_density=table.get("bulk_density", np.full(size, np.nan)),
        bulk_density_basis=np.full(size, "fine_earth", dtype=object),
        bulk_density_status=measured,
        coarse_fragments=table.get("coarse_fragments", np.full(size, np.nan)),
        coarse_fragments_basis=np.full(size, "volume", dtype=object),
        coarse_fragments_status=measured,
    )


@pytest.mark.parametrize("name", list(INDICATORS))
def test_worked_example_of_an_indicator_is_what_the_code_computes(name: str):
    table, (value, tier) = example(INDICATORS[name].method)
    computed: ProfileValues = INDICATORS[name].compute(profile_of(table), 1, 0, 30)
    assert computed.value[0] == pytest.approx(float(value), abs=0.05)
    assert computed.tier[0] == tier


def test_worked_example_of_the_regional_estimate_is_what_the_code_computes():
    table, results = example("regional_estimate")
    estimate = describe_sample(table["value"], units=table["site"], owners=[0] * table["site"].size)
    found = (estimate.value, estimate.se, estimate.lower, estimate.upper, estimate.median)
    for ours, printed in zip(found, results, strict=True):
        decimals = len(printed.split(".")[1])
        assert ours is not None
        assert f"{ours:.{decimals}f}" == printed


def test_every_reason_and_flag_of_a_stock_is_explained():
    missing = [code for code in (*REASONS, *FLAGS) if f"`{code}`" not in page("soc_stock")]
    assert missing == []


def test_every_refusal_note_and_design_of_an_estimate_is_explained():
    missing = [code for code in (*REFUSALS, *NOTES, *DESIGNS) if f"`{code}`" not in page("regional_estimate")]
    assert missing == []


def test_nomenclature_lists_every_property_with_its_unit_and_definition():
    text = (DOCS / "nomenclature.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| (.+?) \| `(.+?)` \| (.+?) \|", text, re.MULTILINE)
    assert listed == [(p.code, p.unit, p.ucum, p.definition) for p in PROPERTIES.values()]
