"""The pages of one vehicle: overview, twin, pack, alarms and maintenance."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.servers.small_fleet import FAULTY
from tests.web.people import OTHERS, OWNED
from tests.web.site import Site
from tests.web.visits import DESK, PHONE, Theme, Visits, check_axe, check_width, picture

TABS = ["Overview", "Twin", "Pack", "Alarms", "Maintenance"]
PAGES = {
    "overview": ("Capacity health", "Trips"),
    "twin": ("Error per trip", "Versions"),
    "pack": ("Cells against the pack median", "Weakest cells"),
    "alarms": ("Alarms",),
    "maintenance": ("Maintenance",),
}
REST = ("alarms", "maintenance")
"""Pages that are little else than a list."""
PHONE_TABS = [pytest.param(tab, marks=pytest.mark.slow) if tab in REST else tab for tab in PAGES]
THEMES: tuple[Theme, ...] = ("light", "dark")
WEAK = 17
"""The cell of the vehicle with a fault that hangs behind the others."""


def open_tab(
    visit: Visits,
    tab: str,
    role: str = "operator",
    vehicle: str = FAULTY,
    more: str = "",
    *,
    theme: Theme = "light",
    size: tuple[int, int] = DESK,
    site: Site | None = None,
) -> Page:
    """A page of a vehicle, once what it is for is there."""
    page = visit(role, f"/vehicles/{vehicle}/{tab}{more}", theme=theme, size=size, site=site)
    for name in PAGES[tab]:
        expect(page.get_by_role("heading", name=name).first).to_be_visible()
    return page


def chart(page: Page, name: str) -> Locator:
    """A chart that can be stepped through, by the beginning of what it says of itself."""
    return page.get_by_role("slider", name=re.compile(rf"^{re.escape(name)}"))


def drawn(page: Page, tab: str) -> None:
    """Wait for the charts of a page."""
    waited = {"overview": "Live", "twin": "Error per trip", "pack": "Cell "}
    if tab in waited:
        expect(chart(page, waited[tab]).first).to_be_visible()


@pytest.mark.parametrize("tab", list(PAGES))
def test_nothing_stands_in_the_way_of_anybody(visit: Visits, tab: str) -> None:
    page = open_tab(visit, tab)
    drawn(page, tab)

    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        expect(page.locator("html")).to_have_css("color-scheme", theme)
        check_axe(page)
        picture(page, f"vehicle-{tab}-{theme}")


@pytest.mark.parametrize("tab", PHONE_TABS)
def test_a_phone_shows_all_of_it(visit: Visits, tab: str) -> None:
    page = open_tab(visit, tab, size=PHONE)
    drawn(page, tab)

    check_width(page)


def test_the_overview_is_where_a_vehicle_opens_and_says_how_it_is_known(visit: Visits) -> None:
    page = visit("operator", f"/vehicles/{FAULTY}?range=week")

    expect(page).to_have_url(re.compile(f"/vehicles/{FAULTY}/overview\\?range=week$"))
    expect(page.get_by_role("heading", name=FAULTY, level=1)).to_be_visible()
    expect(page.get_by_text("95 % interval")).to_be_visible()
    expect(page.get_by_role("heading", name="estimated Capacity health")).to_be_visible()
    expect(page.get_by_text(re.compile("^last seen"))).to_be_visible()
    tabs = page.get_by_role("navigation", name="About this vehicle").get_by_role("link").all_inner_texts()
    assert [text.split()[0] for text in tabs] == TABS


def test_a_chart_is_read_with_the_keyboard_and_shows_its_numbers(visit: Visits) -> None:
    page = open_tab(visit, "overview")
    live = chart(page, "Live")
    live.focus()

    live.press("Home")
    first = live.get_attribute("aria-valuetext")
    live.press("ArrowRight")
    second = live.get_attribute("aria-valuetext")
    assert first is not None and re.search(r"Voltage [\d.]+ V", first)
    assert second != first

    page.get_by_role("button", name="Live: more").click()
    page.get_by_role("menuitem", name="Show as table").click()
    table = page.get_by_role("table", name=re.compile("^Live"))
    expect(table.get_by_role("columnheader", name="Time")).to_be_visible()
    expect(table.get_by_role("row").nth(2)).to_contain_text(":")


def test_a_chart_is_saved_as_csv_and_as_a_picture(visit: Visits) -> None:
    page = open_tab(visit, "overview")

    saved = {}
    for kind in ("CSV", "PNG"):
        page.get_by_role("button", name="Live: more").click()
        with page.expect_download() as found:
            page.get_by_role("menuitem", name=f"Save as {kind}").click()
        saved[found.value.suggested_filename] = found.value.path().read_bytes()

    assert saved["live.csv"].decode("utf-8-sig").startswith('Time,"')
    assert saved["live.png"].startswith(b"\x89PNG")


def test_a_range_is_zoomed_to_in_the_address_and_shown_whole_again(visit: Visits) -> None:
    page = open_tab(visit, "overview", more="?range=day")
    live = chart(page, "Live")
    box = live.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2

    def drag(first: float, last: float) -> None:
        page.mouse.move(box["x"] + box["width"] * first, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * last, middle, steps=4)
        page.mouse.up()
        expect(page).to_have_url(re.compile(r"from=\d+&to=\d+"))

    drag(0.8, 0.93)  # where the last drive is
    expect(live).to_be_visible()
    live.dblclick()
    expect(page).not_to_have_url(re.compile("from="))

    drag(0.3, 0.4)  # where nothing was sent
    expect(page.get_by_text("No samples in this range.")).to_be_visible()
    page.get_by_role("button", name="Back to the newest").click()
    expect(live).to_be_visible()


def test_a_click_on_a_trip_shows_how_it_was_predicted(visit: Visits) -> None:
    page = open_tab(visit, "overview")
    page.get_by_role("table", name="Trips").get_by_role("link").nth(3).click()

    expect(page).to_have_url(re.compile(r"/twin\?trip=\d+$"))
    number = page.url.rsplit("=", 1)[1]
    trip = chart(page, f"Trip {number}")
    expect(trip).to_have_attribute("aria-label", re.compile("never updated.*measured"))

    page.get_by_role("button", name="Trip before").click()
    expect(trip).to_have_count(0)


def test_the_change_of_health_leads_to_both_versions(visit: Visits) -> None:
    page = open_tab(visit, "overview")
    page.get_by_role("link", name=re.compile(r"^Version \d+ → \d+$")).click()

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=re.compile(r"^Version \d+ beside version \d+$"))).to_be_visible()
    expect(dialog.get_by_role("rowheader", name=re.compile("^Capacity"))).to_be_visible()
    check_axe(page)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_twin_is_rolled_back_after_its_effect_was_named(own_site: Site, visit: Visits) -> None:
    page = open_tab(visit, "twin", site=own_site)
    page.get_by_role("button", name="Roll back…").click()

    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(re.compile(r"^A new version \d+ is written"))).to_be_visible()
    dialog.get_by_label("Reason").fill("sensor swap")
    dialog.get_by_role("button", name=re.compile(r"^Roll back to v\d+$")).click()

    expect(page.get_by_text(re.compile("^(Rolled back|Roll-back) to v"))).to_be_visible()
    expect(dialog).to_have_count(0)


def test_an_analyst_cannot_roll_back(visit: Visits) -> None:
    page = open_tab(visit, "twin", role="analyst")

    expect(page.get_by_role("button", name="Compare")).to_be_visible()
    expect(page.get_by_role("button", name="Roll back…")).to_have_count(0)


def test_cells_are_walked_through_with_arrow_keys_and_said_in_full(visit: Visits) -> None:
    page = open_tab(visit, "pack", more=f"?cell={WEAK}")
    grid = page.get_by_role("grid")
    said = rf"^cell {WEAK}, module 3, minus \d+ millivolts, rank \d+ of 96$"
    weak = grid.get_by_role("button", name=re.compile(said))
    expect(weak).to_have_attribute("aria-pressed", "true")

    weak.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("cell=26"))
    expect(page.get_by_role("heading", name="Cell 26 against median")).to_be_visible()


def test_the_scrubber_moves_all_of_the_page(visit: Visits) -> None:
    page = open_tab(visit, "pack")
    heading = page.get_by_text(re.compile(r"^mV at "))
    before = heading.inner_text()

    page.get_by_role("slider", name="Moment shown").press("Home")

    expect(page).to_have_url(re.compile(r"at=\d+"))
    expect(heading).not_to_have_text(before)


def test_layers_show_voltage_and_temperature(visit: Visits) -> None:
    page = open_tab(visit, "pack")
    page.get_by_role("radio", name="V", exact=True).click()
    expect(page.get_by_role("heading", name="Cell voltages")).to_be_visible()

    page.get_by_role("radio", name="T", exact=True).click()
    expect(page.get_by_role("heading", name="Temperatures at the cells")).to_be_visible()
    expect(page).to_have_url(re.compile("layer=t"))


def test_alarms_of_the_vehicle_open_in_the_inbox(visit: Visits) -> None:
    page = open_tab(visit, "alarms")
    page.get_by_role("table", name=f"Alarms of {FAULTY}").get_by_role("link").first.click()

    expect(page).to_have_url(re.compile(rf"/alarms/[0-9a-f]+\?vehicle={FAULTY}$"))


def test_work_is_planned_done_and_removed_with_a_way_back(own_site: Site, visit: Visits) -> None:
    page = open_tab(visit, "maintenance", role="technician", site=own_site)
    page.get_by_role("button", name="Plan or enter work").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What").fill("Check cell 17")
    check_axe(page)
    dialog.get_by_role("button", name="Plan", exact=True).click()

    entry = page.get_by_role("listitem").filter(has_text="Check cell 17")
    expect(entry).to_contain_text("planned")
    page.get_by_role("button", name="Check cell 17: more").click()
    page.get_by_role("menuitem", name="Mark as done today").click()
    expect(entry).to_contain_text("done")

    page.get_by_role("button", name="Check cell 17: more").click()
    page.get_by_role("menuitem", name="Remove").click()
    expect(entry).to_have_count(0)
    page.get_by_role("status").get_by_role("button", name="Undo").last.click()
    expect(entry).to_be_visible()


def test_a_technician_sees_what_is_to_be_done_and_no_figures(visit: Visits) -> None:
    page = visit("technician", f"/vehicles/{FAULTY}")

    expect(page).to_have_url(re.compile(f"/vehicles/{FAULTY}/alarms$"))
    tabs = page.get_by_role("navigation", name="About this vehicle").get_by_role("link").all_inner_texts()
    assert [text.split()[0] for text in tabs] == ["Alarms", "Maintenance"]

    page.goto(f"/vehicles/{FAULTY}/twin")
    expect(page.get_by_text("This page is not available to you")).to_be_visible()


def test_an_owner_sees_the_own_vehicle_without_its_twin(visit: Visits) -> None:
    page = open_tab(visit, "overview", role="owner", vehicle=OWNED)

    tabs = page.get_by_role("navigation", name="About this vehicle").get_by_role("link").all_inner_texts()
    assert [text.split()[0] for text in tabs] == ["Overview", "Pack", "Maintenance"]


@pytest.mark.parametrize("vehicle", [OTHERS[0], "NO-SUCH"])
def test_a_vehicle_of_another_fleet_is_as_one_that_is_not_there(visit: Visits, vehicle: str) -> None:
    visit.allow(r"status of 404")
    page = visit("operator", f"/vehicles/{vehicle}/overview")

    expect(page.get_by_text("This page is not available to you")).to_be_visible()
    expect(page.get_by_text("It may not exist, or it belongs to another fleet.")).to_be_visible()


def test_a_twin_is_shown_as_it_stood(visit: Visits) -> None:
    page = open_tab(visit, "twin")
    page.get_by_role("button", name=re.compile("^Show the twin as it stood then")).last.click()

    expect(page.get_by_text("as it stood on")).to_be_visible()
    page.get_by_role("button", name="Show the twin as it stands now").click()
    expect(page).not_to_have_url(re.compile("at="))
