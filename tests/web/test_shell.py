"""What stands around every page: theme, search, keys, the way past the rail; and what the first page weighs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.servers.small_fleet import FAULTY
from tests.web.people import OTHERS
from tests.web.site import Site
from tests.web.visits import Visits, check_axe

HEAVIEST_KB = 600.0
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"


def fleet(visit: Visits, site: Site | None = None) -> Page:
    page = visit("operator", "/fleet", site=site)
    expect(page.get_by_role("link", name=FAULTY).first).to_be_visible()
    return page


def test_the_theme_is_the_systems_until_one_is_chosen(visit: Visits, own_site: Site) -> None:
    light, dark = (visit("operator", "/fleet", theme=theme, site=own_site) for theme in ("light", "dark"))
    for page in (light, dark):
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
    night = dark.evaluate(BACKGROUND)
    assert light.evaluate(BACKGROUND) != night

    light.get_by_role("button", name="Use the dark theme").click()
    expect(light.get_by_role("button", name="Use the light theme")).to_be_visible()
    assert light.evaluate(BACKGROUND) == night
    light.reload()
    expect(light.get_by_role("button", name="Use the light theme")).to_be_visible()


def test_the_theme_is_there_before_the_app(visit: Visits) -> None:
    page = fleet(visit)
    page.evaluate("localStorage.setItem('twinpack.theme', 'dark')")
    page.route(re.compile(r"/assets/.*\.js$"), lambda route: route.abort())
    visit.allow("ERR_FAILED")

    page.reload()

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_search_goes_to_a_vehicle_and_finds_none_that_is_hidden(visit: Visits) -> None:
    page = fleet(visit)
    page.keyboard.press("/")
    page.keyboard.type(OTHERS[0])
    expect(page.get_by_text(re.compile("nothing|no match", re.IGNORECASE)).first).to_be_visible()

    page.keyboard.press("Control+a")
    page.keyboard.type(FAULTY)
    expect(page.get_by_role("option", name=re.compile(FAULTY)).first).to_be_visible()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"/vehicles/{FAULTY}"))


def test_keys_go_places_and_are_listed(visit: Visits) -> None:
    page = fleet(visit)

    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    check_axe(page)
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("a")

    expect(page).to_have_url(re.compile("/alarms"))


def test_the_first_step_of_the_tab_key_leads_past_the_rail(visit: Visits) -> None:
    page = fleet(visit)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()


def test_back_and_forward_bring_back_tabs_and_filters(visit: Visits) -> None:
    page = visit("operator", f"/vehicles/{FAULTY}")
    page.get_by_role("tab", name=re.compile("^Twin")).or_(
        page.get_by_role("link", name="Twin", exact=True)
    ).first.click()
    expect(page).to_have_url(re.compile("/twin"))

    page.go_back()

    expect(page).to_have_url(re.compile(f"/vehicles/{FAULTY}(/overview)?$"))


@pytest.fixture
def sent(visit: Visits) -> Iterator[tuple[Page, list[float]]]:
    """A page not opened yet, and the bytes that come over the wire for it."""
    page = visit(None, "/sign-in")
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    came: list[float] = []
    wire.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
    yield page, came


def test_the_first_page_is_light(sent: tuple[Page, list[float]], site: Site) -> None:
    page, came = sent
    page.context.add_cookies(
        [{"name": name, "value": value, "url": site.url} for name, value in site.cookies("operator")]
    )

    page.goto("/fleet")
    expect(page.get_by_role("link", name=FAULTY).first).to_be_visible()
    page.wait_for_load_state("load")

    assert 50.0 < sum(came) / 1000 <= HEAVIEST_KB
