"""Equivalent soil mass of the von Haden et al. 2020 script and of SimpleESM (Ferchaud et al. 2023)."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, PchipInterpolator

from app.soil.depth import slab_mean
from app.soil.esm import EquivalentMassStock, equivalent_mass_stock, interpolate, layer_mass, mass_to_depth
from app.soil.layers import Layers

Row = dict[str, str]
Core = tuple[str, str, str]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def layers_of(profile: np.ndarray, top: np.ndarray, bottom: np.ndarray, soc: np.ndarray, density: np.ndarray) -> Layers:
    def words(word: str) -> np.ndarray:
        return np.full(profile.size, word, dtype=object)

    return Layers(
        profile=profile,
        top=top,
        bottom=bottom,
        organic=np.zeros(profile.size, dtype=bool),
        soc=soc,
        soc_status=words("measured"),
        bulk_density=density,
        bulk_density_basis=words("fine_per_total"),
        bulk_density_status=words("measured"),
        coarse_fragments=np.full(profile.size, np.nan),
        coarse_fragments_basis=words("unknown"),
        coarse_fragments_status=words("unknown"),
    )


def numbers(rows: list[Row], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


@pytest.fixture(scope="module")
def haden(reference: Path) -> list[Row]:
    rows = read(reference / "esm/vonhaden_input.csv")
    assert len(rows) == 195
    return rows


def core_of(row: Row) -> Core:
    return row["case"], row["id"], row["rep"]


@pytest.fixture(scope="module")
def cores(haden: list[Row]) -> tuple[dict[Core, int], Layers]:
    names: dict[Core, int] = {}
    profile = np.array([names.setdefault(core_of(row), len(names)) for row in haden])
    columns = (numbers(haden, name) for name in ("upper_cm", "lower_cm", "soc_pct", "bd_g_cm3"))
    top, bottom, soc, density = columns
    return names, layers_of(profile, top, bottom, 10 * soc, density)


@pytest.fixture(scope="module")
def matter(haden: list[Row]) -> dict[str, float]:
    """Organic matter per organic carbon of each case: one factor within each."""
    found: dict[str, float] = {}
    for row in haden:
        if float(row["soc_pct"]) == 0:
            assert float(row["som_pct"]) == 0  # the protocol core is a mass without carbon
            continue
        factor = float(row["som_pct"]) / float(row["soc_pct"])
        assert found.setdefault(row["case"], factor) == pytest.approx(factor, rel=1e-9)
    return found


def esm(
    cores: tuple[dict[Core, int], Layers], core: Core, mass: float, factor: float, interpolation: str = "auto"
) -> EquivalentMassStock:
    names, layers = cores
    rows = np.flatnonzero(layers.profile == names[core])
    one = layers.take(rows)
    alone = layers_of(np.zeros(rows.size, dtype=int), one.top, one.bottom, one.soc, one.bulk_density)
    return equivalent_mass_stock(alone, 1, mass, organic_matter_factor=factor, interpolation=interpolation)


def test_fixed_depth_masses_and_stocks_agree_with_the_script(
    reference: Path, haden: list[Row], matter: dict[str, float]
):
    expected = {
        (core_of(row), float(row["lower_cm"])): row for row in read(reference / "esm/vonhaden_expected_fixed_depth.csv")
    }
    assert len(expected) == len(haden)
    cumulative: dict[Core, np.ndarray] = defaultdict(lambda: np.zeros(2))
    for row in haden:
        soc, factor = 10 * float(row["soc_pct"]), matter[row["case"]]
        density, thickness = float(row["bd_g_cm3"]), float(row["lower_cm"]) - float(row["upper_cm"])
        total = layer_mass(density, thickness, soc, mass_basis="total")
        mineral = layer_mass(density, thickness, soc, organic_matter_factor=factor)
        carbon = 0.001 * soc * total
        cumulative[core_of(row)] = cumulative[core_of(row)] + [carbon, mineral]
        wanted = expected[core_of(row), float(row["lower_cm"])]
        found = (total, mineral, carbon, *cumulative[core_of(row)])
        names = ("soil_mass_t_ha", "mineral_mass_t_ha", "soc_t_ha", "cum_soc_t_ha", "cum_mineral_mass_t_ha")
        assert found == pytest.approx([float(wanted[name]) for name in names], abs=1e-6)


def test_stocks_at_equivalent_mass_agree_with_the_script(
    reference: Path, haden: list[Row], cores: tuple[dict[Core, int], Layers], matter: dict[str, float]
):
    """Every row; beyond the core the script with extrapolation runs on and we refuse."""
    names, layers = cores
    first = {(row["case"], row["ref_id"]) for row in haden}
    reference_mass = {}
    for case, ref_id in first:
        of_reference = [number for core, number in names.items() if core[:2] == (case, ref_id)]
        for depth in {float(row["lower_cm"]) for row in haden if row["case"] == case}:
            masses = mass_to_depth(layers, len(names), depth, organic_matter_factor=matter[case]).value
            reference_mass[case, ref_id, depth] = float(masses[of_reference].mean())
    agreed = refused = 0
    rows = read(reference / "esm/vonhaden_expected_esm.csv")
    for row in rows:
        mass = reference_mass[row["case"], row["ref_id"], float(row["lower_cm"])]
        assert mass == pytest.approx(float(row["ref_cum_mineral_mass_t_ha"]), abs=1e-6)
        found = esm(cores, core_of(row), mass, matter[row["case"]])
        if found.reason[0] == "mass_not_reached":
            assert row["extrapolation"] == "True"
            assert np.isnan(found.value[0])
            assert mass > found.sampled_mass[0]
            refused += 1
        else:
            assert found.value[0] == pytest.approx(float(row["cum_soc_t_ha"]), abs=1e-6), row
            assert found.interpolation[0] == "hyman"
            agreed += 1
    assert (len(rows), agreed, refused) == (375, 360, 15)


def test_organic_matter_at_equivalent_mass_agrees_with_the_script(
    reference: Path, haden: list[Row], matter: dict[str, float]
):
    by_core: dict[Core, list[Row]] = defaultdict(list)
    for row in haden:
        by_core[core_of(row)].append(row)
    before: dict[tuple[str, Core], tuple[float, float, float]] = {}
    for row in read(reference / "esm/vonhaden_expected_esm.csv"):
        core = by_core[core_of(row)]
        soc, thickness = 10 * numbers(core, "soc_pct"), numbers(core, "lower_cm") - numbers(core, "upper_cm")
        factor = matter[row["case"]]
        mineral = layer_mass(numbers(core, "bd_g_cm3"), thickness, soc, organic_matter_factor=factor)
        total = layer_mass(numbers(core, "bd_g_cm3"), thickness, soc, mass_basis="total")
        mass, carbon = (np.concatenate([[0.0], np.cumsum(part)]) for part in (mineral, 0.001 * soc * total))
        at = float(row["ref_cum_mineral_mass_t_ha"])
        if at > mass[-1] * (1 + 1e-9):
            continue
        found = float(interpolate(mass, carbon, min(at, mass[-1])))
        assert factor * found == pytest.approx(float(row["cum_som_t_ha"]), abs=1e-6)
        key = (row["extrapolation"], core_of(row))
        last_mass, last_carbon, last_matter = before.get(key, (0.0, 0.0, 0.0))
        before[key] = (at, found, factor * found)
        layer, matter_layer = found - last_carbon, factor * found - last_matter
        assert layer == pytest.approx(float(row["soc_t_ha"]), abs=1e-6)
        per_cent = 100 * layer / (at - last_mass + matter_layer)
        assert per_cent == pytest.approx(float(row["soc_pct"]), abs=1e-6)


@pytest.fixture(scope="module")
def simple(reference: Path) -> tuple[list[str], Layers, list[Row], list[Row]]:
    """Cores of SimpleESM's own test data, the mass of each concentration layer from its own density layers."""
    rows, density = (read(reference / f"esm/simpleesm_{name}.csv") for name in ("concentration", "bulk_density"))
    assert (len(rows), len(density)) == (30, 54)
    names = list(dict.fromkeys(row["point_id"] for row in rows))
    profile = np.array([names.index(row["point_id"]) for row in rows])
    of_density = np.array([names.index(row["point_id"]) for row in density])
    top, bottom = numbers(rows, "top_cm"), numbers(rows, "bottom_cm")
    mean = np.array(
        [
            slab_mean(
                of_density,
                numbers(density, "top_cm"),
                numbers(density, "bottom_cm"),
                numbers(density, "bd_fine_g_cm3"),
                len(names),
                upper=upper,
                lower=lower,
            )[0][p]
            for p, upper, lower in zip(profile, top, bottom, strict=True)
        ]
    )
    return names, layers_of(profile, top, bottom, numbers(rows, "soc_g_kg"), mean), rows, density


def test_fixed_depth_masses_and_stocks_agree_with_simpleesm(
    reference: Path, simple: tuple[list[str], Layers, list[Row], list[Row]]
):
    names, layers, _, _ = simple
    expected = read(reference / "esm/simpleesm_expected_fixed_depth.csv")
    assert len(expected) == 30
    mass = layer_mass(layers.bulk_density, layers.bottom - layers.top, layers.soc, mass_basis="total")
    assert mass == pytest.approx(numbers(expected, "soil_mass_t_ha"), abs=1e-6)
    assert 0.001 * layers.soc * mass == pytest.approx(numbers(expected, "soc_t_ha"), abs=1e-6)
    for row in expected:
        found = mass_to_depth(layers, len(names), float(row["bottom_cm"]), mass_basis="total")
        assert found.value[names.index(row["point_id"])] == pytest.approx(float(row["cum_soil_mass_t_ha"]), abs=1e-6)
        stock = equivalent_mass_stock(layers, len(names), found.value, mass_basis="total")
        assert stock.value[names.index(row["point_id"])] == pytest.approx(float(row["cum_soc_t_ha"]), abs=1e-6)


def test_stocks_at_equivalent_mass_agree_with_simpleesm(
    reference: Path, simple: tuple[list[str], Layers, list[Row], list[Row]]
):
    """Its spline exactly; straight lines against its steps of 1 mm, which stop up to 1 mm short."""
    names, layers, _, _ = simple
    given = np.cumsum(numbers(read(reference / "esm/simpleesm_reference_mass.csv"), "ref_soil_mass_t_ha"))
    expected = read(reference / "esm/simpleesm_expected_esm.csv")
    assert len(expected) == 30
    assert sorted(set(numbers(expected, "ref_cum_soil_mass_t_ha"))) == given.tolist()
    for row in expected:
        number, mass = names.index(row["point_id"]), float(row["ref_cum_soil_mass_t_ha"])
        found = equivalent_mass_stock(layers, len(names), mass, mass_basis="total")
        assert found.value[number] == pytest.approx(float(row["cum_soc_t_ha_hyman_spline"]), abs=1e-6)
        assert found.depth[number] == pytest.approx(float(row["bottom_cm_hyman_spline"]), abs=1e-6)
        short = float(row["cum_soil_mass_t_ha_1mm_elementary"])
        linear = equivalent_mass_stock(layers, len(names), short, mass_basis="total", interpolation="linear")
        assert linear.value[number] == pytest.approx(float(row["cum_soc_t_ha_1mm_elementary"]), abs=0.2)


def test_nitrogen_at_equivalent_mass_agrees_with_simpleesm(
    reference: Path, simple: tuple[list[str], Layers, list[Row], list[Row]]
):
    names, layers, rows, _ = simple
    mass = layer_mass(layers.bulk_density, layers.bottom - layers.top, layers.soc, mass_basis="total")
    nitrogen = 0.001 * numbers(rows, "n_g_kg") * mass
    for row in read(reference / "esm/simpleesm_expected_esm.csv"):
        own = layers.profile == names.index(row["point_id"])
        curve = [np.concatenate([[0.0], np.cumsum(part[own])]) for part in (mass, nitrogen)]
        found = interpolate(curve[0], curve[1], float(row["ref_cum_soil_mass_t_ha"]))
        assert found == pytest.approx(float(row["cum_n_t_ha_hyman_spline"]), abs=1e-6)


def test_other_interpolations_differ_by_years_of_four_per_mille(
    cores: tuple[dict[Core, int], Layers], matter: dict[str, float]
):
    """Year 5 of the paired example in the mass of year 0 to 30 cm; 0.3 t/ha is one year of 4 per mille of 70 t/ha."""
    core, mass = ("a_temporal_paired", "Y5_T1_P1_S1", "1"), 3730.64509907
    names, layers = cores
    own = layers.take(np.flatnonzero(layers.profile == names[core]))
    total = layer_mass(own.bulk_density, own.bottom - own.top, own.soc, mass_basis="total")
    mineral = total * (1 - 0.001 * matter[core[0]] * own.soc)
    x, y = (np.concatenate([[0.0], np.cumsum(part)]) for part in (mineral, 0.001 * own.soc * total))
    found = {
        "hyman": esm(cores, core, mass, matter[core[0]], "hyman").value[0],
        "linear": esm(cores, core, mass, matter[core[0]], "linear").value[0],
        "pchip": PchipInterpolator(x, y)(mass),
        "not-a-knot": CubicSpline(x, y)(mass),
    }
    assert found == pytest.approx({"hyman": 70.307, "linear": 69.649, "pchip": 70.183, "not-a-knot": 70.317}, abs=0.001)
