"""The fleet page: figures that lead to the vehicles behind them, brushes in the address, the list as a file."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.servers.small_fleet import FAULTY
from tests.web.people import OTHERS
from tests.web.site import Site
from tests.web.visits import PHONE, Theme, Visits, check_axe, check_width, picture


def table(page: Page) -> Locator:
    return page.get_by_role("table", name="Vehicles")


def rows(page: Page) -> Locator:
    return table(page).locator("tbody").get_by_role("row")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_fleet_is_shown_in_both_themes(visit: Visits, theme: Theme) -> None:
    page = visit("operator", "/fleet", theme=theme)

    expect(rows(page)).to_have_count(6)
    expect(page.get_by_role("region", name="The fleet in five figures")).to_contain_text("Vehicles 6")
    check_axe(page)
    picture(page, f"fleet-{theme}")


def test_a_figure_leads_to_the_vehicles_behind_it_and_a_chip_leads_back(visit: Visits) -> None:
    page = visit("operator", "/fleet")

    page.get_by_role("link", name="1 critical").click()

    expect(page).to_have_url(re.compile("severity=3"))
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text(FAULTY)
    page.get_by_role("button", name="Take off: critical alarm").click()
    expect(rows(page)).to_have_count(6)
    expect(page).not_to_have_url(re.compile("severity"))


def test_a_heading_sorts_and_says_so_and_the_address_keeps_it(visit: Visits) -> None:
    page = visit("operator", "/fleet")

    page.get_by_role("button", name="Vehicle", exact=True).click()

    expect(page).to_have_url(re.compile("sort=vehicle_id"))
    heading = page.get_by_role("columnheader", name="Vehicle", exact=False).first
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(rows(page).first).to_contain_text("SIM-0001")
    page.reload()
    expect(rows(page).first).to_contain_text("SIM-0001")
    heading.get_by_role("button").click()
    expect(rows(page).first).to_contain_text("SIM-0006")


def test_a_brush_by_the_pointer_narrows_the_list_and_lives_in_the_address(visit: Visits) -> None:
    page = visit("operator", "/fleet")
    expect(rows(page)).to_have_count(6)
    histogram = page.get_by_role("img", name=re.compile("Histogram of capacity health"))
    box = histogram.bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()

    expect(page).to_have_url(re.compile(r"health=\d+\.\.\d+"))
    expect(page.get_by_role("button", name=re.compile("Take off: health"))).to_be_visible()
    page.go_back()
    expect(rows(page)).to_have_count(6)


def test_a_brush_by_the_keyboard_does_the_same(visit: Visits) -> None:
    page = visit("operator", "/fleet")

    page.get_by_role("button", name="Range…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("group", name="Capacity health").get_by_label("to").fill("1")
    dialog.get_by_role("button", name="Show these vehicles").click()

    expect(page).to_have_url(re.compile(r"health=\.\.1"))
    expect(page.get_by_text("0 of 6 match")).to_be_visible()
    expect(page.get_by_text(re.compile("lowest|nearest", re.IGNORECASE)).first).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(rows(page)).to_have_count(6)


def test_arrow_keys_move_and_enter_opens(visit: Visits) -> None:
    page = visit("operator", "/fleet?sort=vehicle_id")
    expect(rows(page)).to_have_count(6)

    table(page).get_by_role("link", name="SIM-0001").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    expect(table(page).get_by_role("link", name="SIM-0003")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile("/vehicles/SIM-0003"))


def test_a_click_on_a_row_opens_and_with_control_in_a_new_tab(visit: Visits) -> None:
    page = visit("operator", "/fleet?sort=vehicle_id")
    model = rows(page).nth(1).get_by_role("cell").first

    with page.context.expect_page() as opened:
        model.click(modifiers=["ControlOrMeta"])
    expect(opened.value).to_have_url(re.compile("/vehicles/SIM-0002"))
    opened.value.close()
    model.click()

    expect(page).to_have_url(re.compile("/vehicles/SIM-0002"))


def test_the_list_is_a_file_too(visit: Visits, tmp_path: Path) -> None:
    page = visit("operator", "/fleet?sort=vehicle_id")
    expect(rows(page)).to_have_count(6)

    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    saved.value.save_as(tmp_path / "vehicles.csv")

    with (tmp_path / "vehicles.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["vehicle_id"] for line in lines] == [f"SIM-000{n}" for n in range(1, 7)]
    assert all(float(line["distance_km"]) > 0 for line in lines)


def test_vehicles_of_another_fleet_are_not_there(visit: Visits) -> None:
    page = visit("operator", f"/fleet?q={OTHERS[0]}")

    expect(page.get_by_text("0 of 6 match")).to_be_visible()
    admin = visit("admin", "/fleet")
    expect(rows(admin)).to_have_count(8)
    admin.get_by_role("button", name="Fleet", exact=True).click()
    admin.get_by_role("menuitemradio", name="depot").click()
    expect(rows(admin)).to_have_count(2)


def test_a_view_is_kept_under_a_name(visit: Visits) -> None:
    page = visit("analyst", "/fleet?severity=2")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitem", name="Save this view…").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Worst")
    page.get_by_role("button", name="Save view").click()

    page.goto("/fleet")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("menuitemradio", name="Worst").click()

    expect(page).to_have_url(re.compile("severity=2"))


def test_a_technician_finds_vehicles_and_sees_no_figures(visit: Visits) -> None:
    page = visit("technician", "/fleet")

    expect(rows(page)).to_have_count(6)
    expect(page.get_by_text("Capacity health")).to_have_count(0)
    expect(page.get_by_role("columnheader")).to_have_text(
        [re.compile(n) for n in ("Vehicle", "Model", "Fleet", "Alarms", "Last")]
    )
    check_axe(page)


def test_an_empty_workspace_says_what_to_do(visit: Visits, empty_site: Site) -> None:
    page = visit("operator", "/fleet", site=empty_site)

    expect(page.get_by_text("No vehicles yet")).to_be_visible()
    page.get_by_role("link", name="Import data").click()
    expect(page).to_have_url(re.compile("/data/imports"))


def test_it_fits_a_phone(visit: Visits) -> None:
    page = visit("operator", "/fleet", size=PHONE)

    expect(rows(page)).to_have_count(6)
    check_width(page)
    check_axe(page)


def test_columns_are_chosen_and_kept(visit: Visits) -> None:
    page = visit("analyst", "/fleet")

    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Deviation, pts").uncheck()
    page.get_by_role("button", name="Close").click()

    expect(page.get_by_role("columnheader", name="Deviation")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("columnheader", name="Distance")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Deviation")).to_have_count(0)
