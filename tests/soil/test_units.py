import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.soil.properties import PROPERTIES
from app.soil.units import UnknownUnit, depth_to_cm, factor, known_units, to_canonical


@pytest.mark.parametrize(
    "unit", ["g/kg", "g kg-1", "g·kg⁻¹", "g.kg-1", "g kg^-1", "g per kg", " g / kg ", "gr/kg", "G/KG"]
)
def test_spellings_of_one_unit_are_one_unit(unit: str):
    assert factor("soc", unit) == 1.0


@pytest.mark.parametrize(
    ("code", "value", "unit", "canonical"),
    [
        ("soc", 1.27, "%", 12.7),
        ("soc", 1.27, "percent", 12.7),
        ("soc", 1.27, "g/100 g", 12.7),
        ("soc", 1.27, "dag kg-1", 12.7),
        ("soc", 12.7, "‰", 12.7),
        ("soc", 12.7, "permille", 12.7),
        ("soc", 12.7, "mg g⁻¹", 12.7),
        ("soc", 12700, "ppm", 12.7),
        ("soc", 12700, "mg/kg", 12.7),
        ("soc", 127, "dg/kg", 12.7),
        ("soc", 0.0127, "fraction", 12.7),
        ("bulk_density", 1300, "kg/m3", 1.3),
        ("bulk_density", 1300, "kg m⁻³", 1.3),
        ("bulk_density", 130, "cg/cm³", 1.3),
        ("bulk_density", 1.3, "Mg m-3", 1.3),
        ("bulk_density", 1.3, "t/m3", 1.3),
        ("bulk_density", 1.3, "g/cc", 1.3),
        ("bulk_density", 1.3, "kg/dm^3", 1.3),
        ("coarse_fragments_volume", 15, "%", 0.15),
        ("coarse_fragments_volume", 150, "‰", 0.15),
        ("coarse_fragments_volume", 0.15, "1", 0.15),
        ("coarse_fragments_mass", 150, "g/kg", 0.15),
        ("clay", 250, "g/kg", 25),
        ("ph_h2o", 65, "pH*10", 6.5),
        ("ph_h2o", 6.5, "", 6.5),
        ("ec", 400, "µS/cm", 0.4),
        ("ec", 400, "uS cm-1", 0.4),
        ("ec", 0.4, "mS/cm", 0.4),
        ("cec", 120, "mmol(c)/kg", 12),
        ("cec", 12, "cmolc kg-1", 12),
        ("cec", 12, "cmol(+)/kg", 12),
        ("cec", 12, "meq/100 g", 12),
        ("cec", 12, "me/100g", 12),
    ],
)
def test_submitted_units_become_canonical(code: str, value: float, unit: str, canonical: float):
    assert to_canonical(code, value, unit) == pytest.approx(canonical, rel=1e-12)


@pytest.mark.parametrize("code", list(PROPERTIES))
def test_canonical_unit_of_every_property_is_accepted_as_it_is(code: str):
    assert factor(code, PROPERTIES[code].unit) == 1.0
    assert factor(code, PROPERTIES[code].ucum) == 1.0
    assert factor(code, known_units(code)[0]) == 1.0


def test_unknown_unit_is_refused_with_what_is_accepted():
    with pytest.raises(UnknownUnit, match=r"Soil organic carbon: unknown unit 't/ha'; accepted are g/kg, .*ppm"):
        to_canonical("soc", [1.0], "t/ha")


def test_missing_unit_is_never_taken_for_the_canonical_one():
    with pytest.raises(UnknownUnit, match="no unit given"):
        factor("soc", "  ")


@pytest.mark.parametrize(("code", "unit"), [("bulk_density", "mg/m3"), ("soc", "Mg/kg"), ("ec", "MS/cm")])
def test_milli_and_mega_are_not_confused(code: str, unit: str):
    with pytest.raises(UnknownUnit):
        factor(code, unit)


def test_unit_of_one_property_is_not_one_of_another():
    with pytest.raises(UnknownUnit):
        factor("bulk_density", "%")
    with pytest.raises(UnknownUnit):
        factor("coarse_fragments", "vol%")


def test_missing_values_stay_missing_and_shape_is_kept():
    converted = to_canonical("soc", [[1.0, np.nan]], "%")
    assert converted.shape == (1, 2)
    assert converted[0, 0] == 10.0
    assert np.isnan(converted[0, 1])


def test_no_values_give_no_values():
    assert to_canonical("soc", [], "%").size == 0


@pytest.mark.parametrize(("value", "unit"), [(300, "mm"), (30, "cm"), (3, "dm"), (0.3, "m"), (30 / 2.54, "inch")])
def test_depths_become_centimetres(value: float, unit: str):
    assert depth_to_cm(value, unit) == pytest.approx(30.0)


def test_depth_in_an_unknown_unit_is_refused():
    with pytest.raises(UnknownUnit, match="Depth: unknown unit 'fathom'"):
        depth_to_cm(1.0, "fathom")


@given(st.sampled_from([(code, unit) for code in PROPERTIES for unit in known_units(code)]), st.floats(0, 1e6))
def test_a_value_there_and_back_is_itself(pair: tuple[str, str], value: float):
    code, unit = pair
    assert float(to_canonical(code, value, unit)) / factor(code, unit) == pytest.approx(value, rel=1e-12)
    assert float(to_canonical(code, value / factor(code, unit), unit)) == pytest.approx(value, rel=1e-12)
