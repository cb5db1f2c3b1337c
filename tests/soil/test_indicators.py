from itertools import pairwise
from pathlib import Path

import pytest

from app.soil.indicators import INDICATORS, Indicator
from app.soil.properties import PROPERTIES

PAGES = Path(__file__).parents[2] / "docs/methods"
EVERY = pytest.mark.parametrize("indicator", list(INDICATORS.values()), ids=list(INDICATORS))


def lightness(color: str) -> float:
    """CIE L* of an sRGB colour, 0 black to 100 white."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


@EVERY
def test_there_is_one_more_colour_than_breaks_and_breaks_rise(indicator: Indicator):
    assert len(indicator.colors) == len(indicator.breaks) + 1
    assert list(indicator.breaks) == sorted(set(indicator.breaks))


@EVERY
def test_more_carbon_is_darker_by_even_steps(indicator: Indicator):
    shades = [lightness(color) for color in indicator.colors]
    steps = [light - dark for light, dark in pairwise(shades)]
    assert min(steps) > 6
    assert max(steps) < 1.5 * min(steps)


@EVERY
def test_lightest_class_shows_on_a_light_basemap(indicator: Indicator):
    assert lightness(indicator.colors[0]) < 82


@EVERY
def test_inputs_are_known_properties_and_titles_speak_three_languages(indicator: Indicator):
    assert set(indicator.inputs) <= set(PROPERTIES)
    assert set(indicator.title) == {"en", "fr", "es"}


@EVERY
def test_every_indicator_has_its_method_page(indicator: Indicator):
    assert (PAGES / f"{indicator.method}.md").is_file()
