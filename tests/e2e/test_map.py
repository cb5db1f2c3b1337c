import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.e2e.conftest import CHROMIUM, DESKTOP, NO_WEBGL, PHONE, Country, Look

pytestmark = pytest.mark.e2e

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def over(country: Country, zoom: float = 4) -> str:
    """The camera above a country, as the address holds it."""
    return f"#map={zoom}/{country.latitude:.4f}/{country.longitude:.4f}"


def click_the_middle(page: Page) -> None:
    box = page.locator(".map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def digits(text: str) -> str:
    """Text with plain spaces and without marks that steer line breaks."""
    return re.sub(r"[\u00a0\u202f]", " ", text).replace("\u2060", "")


def test_the_choropleth_is_drawn(look: Look, country: Country):
    page = look(f"?hide=partners{over(country)}").settled()
    assert int(page.locator("[data-idle]").get_attribute("data-figures") or "0") >= 1


def test_a_click_on_a_country_shows_its_figure_with_interval_and_number_of_sites(look: Look, country: Country):
    page = look(f"?hide=partners{over(country)}").settled()
    click_the_middle(page)
    expect(page.get_by_role("heading", name=country.name, exact=True)).to_be_focused()
    sentence = digits(page.locator(".sentence").inner_text())
    places = 0 if country.value >= 100 else 1 if country.value >= 10 else 2
    assert re.search(
        rf"Mean SOC stock 0–30 cm: {country.value:,.{places}f} t C/ha, 95% interval [\d.,]+ to [\d.,]+", sentence
    )
    assert f"from {country.n_sites:,} site" in sentence
    expect(page.get_by_role("img", name="on the scale of the map")).to_be_visible()
    assert f"region={country.id}" in page.url


def test_the_panel_names_datasets_with_licence_and_the_method(look: Look, country: Country, answer: Any):
    page = look(f"?region={country.id}").settled()
    estimate = answer(f"/regions/{country.id}/indicators?indicator=soc_stock&period=all")["estimates"][0]
    panel = page.locator(".panel")
    for dataset in estimate["datasets"]:
        expect(panel.get_by_text(dataset["title"], exact=True)).to_be_visible()
        expect(panel.get_by_text(dataset["licence"], exact=True).first).to_be_visible()
    panel.get_by_role("link", name="How it is computed").click()
    expect(page.get_by_role("heading", level=1, name="SOC stock")).to_be_visible()


def test_escape_closes_the_panel_and_leaves_the_address_clean(look: Look, country: Country):
    page = look(f"?region={country.id}").settled()
    expect(page.locator(".panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".panel")).to_have_count(0)
    assert "region=" not in page.url


def test_the_back_button_closes_what_a_click_opened(look: Look, country: Country):
    page = look(f"?hide=partners{over(country)}").settled()
    click_the_middle(page)
    expect(page.locator(".panel")).to_be_visible()
    page.go_back()
    expect(page.locator(".panel")).to_have_count(0)


def test_the_table_opens_a_country_by_keyboard_and_gives_the_focus_back(look: Look, country: Country):
    page = look("?view=table").settled()
    button = page.get_by_role("button", name=country.name, exact=True)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=country.name, exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_the_table_lists_every_country_that_has_an_estimate(look: Look, country: Country, answer: Any):
    features = answer("/collections/regions/items?kind=country&limit=1000")["features"]
    listed = [
        feature["properties"]["name"]
        for feature in features
        for summary in feature["properties"]["indicators"]
        if (summary["indicator"], summary["period"]) == ("soc_stock", "all")
        and (summary["value"] is not None or summary["refused"] != "no_sites")
    ]
    page = look("?view=table").settled()
    assert country.name in listed
    assert sorted(page.locator("table.regions tbody th button").all_inner_texts()) == sorted(listed)


def test_the_legend_shows_the_breaks_and_unit_of_the_indicator(look: Look, answer: Any):
    record = next(one for one in answer("/indicators")["indicators"] if one["id"] == "soc_content")
    page = look("?indicator=soc_content").settled()
    legend = page.get_by_role("region", name="Legend")
    assert legend.locator(".ramp li").all_inner_texts() == [f"{value:g}" for value in record["ramp"]["breaks"]]
    expect(legend.get_by_role("heading")).to_contain_text(record["unit"]["label"])


def test_an_address_restores_indicator_language_and_region(look: Look, country: Country):
    page = look(f"?region={country.id}&indicator=soc_content&lang=fr").settled()
    expect(page.get_by_role("heading", name=country.name_fr, exact=True)).to_be_visible()
    expect(page.get_by_label("Indicateur")).to_have_value("soc_content")
    assert page.evaluate("document.documentElement.lang") == "fr"


def test_switching_the_language_translates_the_page_and_the_map(look: Look):
    page = look("").settled()
    page.get_by_label("Language").select_option("es")
    expect(page.get_by_role("button", name="Mapa")).to_be_visible()
    expect(page.get_by_role("region", name="Mapa de valores del suelo por país")).to_be_visible()


def test_a_site_shows_its_profile_by_layer(look: Look, answer: Any):
    observations = answer("/collections/observations/items?property=soc&limit=1")["features"]
    if not observations:
        pytest.skip("the service holds no observations")
    page = look(f"?site={observations[0]['properties']['site']}").settled()
    header = page.locator("table.profile thead").first
    expect(header).to_contain_text(observations[0]["properties"]["property_title"])
    expect(page.locator(".panel")).to_contain_text(observations[0]["properties"]["licence"])


def test_partners_at_one_place_are_listed_together(look: Look, answer: Any):
    partners = answer("/collections/partners/items?limit=1000")["features"]
    paris = [one for one in partners if one["properties"]["place"] == "Paris"]
    assert len(paris) > 1
    longitude, latitude = paris[0]["geometry"]["coordinates"]
    page = look(f"#map=9/{latitude}/{longitude}").settled()
    click_the_middle(page)
    expect(page.get_by_role("heading", name="Partners here")).to_be_visible()
    names = page.locator(".partner h3").all_inner_texts()
    assert sorted(names) == sorted(one["properties"]["name"] for one in paris)


def test_synthetic_data_are_marked_on_the_map_and_in_the_panel(look: Look, country: Country, answer: Any):
    estimate = answer(f"/regions/{country.id}/indicators?indicator=soc_stock&period=all")["estimates"][0]
    if estimate["synthetic"] != "all":
        pytest.skip("the figure rests on real samples")
    page = look(f"?region={country.id}{over(country)}").settled()
    expect(page.locator(".banner")).to_contain_text("synthetic")
    expect(page.locator(".panel .badge.synthetic").first).to_be_visible()


def test_a_region_that_does_not_exist_is_explained_in_words_of_the_service(look: Look):
    visit = look("?region=country-XYZ")
    box = visit.settled().get_by_role("alert")
    expect(box).to_contain_text("There is no region 'country-XYZ'")
    # The browser itself reports the 404; nothing else may be wrong.
    assert [error for error in visit.errors if "404" not in error] == []
    visit.errors.clear()


@pytest.mark.parametrize("address", ["", "?view=table", "?region={id}"])
def test_a_phone_never_scrolls_sideways(look: Look, country: Country, address: str):
    page = look(address.format(id=country.id), size=PHONE, touch=True).settled()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


@pytest.mark.parametrize("address", ["", "?region={id}"])
def test_targets_on_a_phone_are_large_enough_for_a_finger(look: Look, country: Country, address: str):
    page = look(address.format(id=country.id), size=PHONE, touch=True).settled()
    expect(page.locator(".intro, .figure")).to_be_visible()
    small = page.evaluate(
        """[...document.querySelectorAll('button, select, .button, .overlays label')]
            .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 44)
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_a_tap_on_a_phone_opens_the_country_and_its_title_comes_into_view(look: Look, country: Country):
    page = look(f"?hide=partners{over(country, 3)}", size=PHONE, touch=True).settled()
    box = page.locator(".map").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("heading", name=country.name, exact=True)).to_be_in_viewport()


def test_no_request_leaves_the_origin(look: Look, base_url: str, country: Country):
    visit = look(f"?region={country.id}{over(country, 6)}")
    visit.settled()
    assert [url for url in visit.requests if not url.startswith((base_url, "blob:", "data:"))] == []
    assert any("/tiles/WebMercatorQuad/" in url for url in visit.requests)


def test_without_webgl_the_table_takes_the_place_of_the_map(look: Look, playwright: Playwright, country: Country):
    blind = playwright.chromium.launch(executable_path=str(CHROMIUM), args=NO_WEBGL)
    visit = look("", on=blind)
    expect(visit.page.get_by_text("This browser cannot draw the map")).to_be_visible()
    expect(visit.page.get_by_role("button", name=country.name, exact=True)).to_be_visible()
    blind.close()


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-day", "phone-night"])
@pytest.mark.parametrize("address", ["", "?view=table", "?region={id}&lang=fr", "?region={id}&view=table&lang=es"])
def test_axe_finds_nothing(look: Look, country: Country, address: str, scheme: str, size: tuple[int, int]):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in web/")
    page = look(address.format(id=country.id), size=size, scheme=scheme).settled()
    if "region" in address:
        expect(page.locator(".panel .figure")).to_be_visible()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(rules) => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found["violations"]] == []
    assert len(found["passes"]) > 10


def test_a_shared_link_on_a_phone_shows_the_figure_without_scrolling(look: Look, country: Country):
    page = look(f"?region={country.id}{over(country, 3)}", size=PHONE, touch=True).settled()
    expect(page.locator(".headline")).to_be_in_viewport()
    assert page.evaluate("document.elementFromPoint(195, 200).closest('.map') !== null")
