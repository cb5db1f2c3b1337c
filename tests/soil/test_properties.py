import numpy as np

from app.soil.properties import PROPERTIES, is_possible, is_usual


def test_every_property_is_filed_under_its_own_code():
    assert [entry.code for entry in PROPERTIES.values()] == list(PROPERTIES)
    assert len(PROPERTIES) == 25


def test_what_is_usual_is_possible():
    for entry in PROPERTIES.values():
        usual = entry.usual or entry.possible
        assert entry.possible[0] <= usual[0] < usual[1] <= entry.possible[1], entry.code


def test_organic_carbon_above_58_percent_is_impossible():
    assert is_possible("soc", [-0.1, 0.0, 580.0, 580.1, np.nan]).tolist() == [False, True, True, False, False]


def test_rich_topsoil_is_unusual_but_possible():
    assert is_possible("soc", 300.0)
    assert not is_usual("soc", 300.0)


def test_property_without_a_habit_is_usual_wherever_possible():
    assert is_usual("clay", [0.0, 100.0, 101.0]).tolist() == [True, True, False]
