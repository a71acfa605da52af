"""The owner's pages, on a phone: one figure, what changed, charges, trips, sharing."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.people import OWNED
from tests.web.visits import PHONE, Theme, Visits, check_axe, check_width, picture

TABS = {"Health": "Battery health", "Charging": "Charges", "Trips": "Trips", "Sharing": "Who sees your car"}


def go(page: Page, tab: str) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=tab).click()
    expect(page.get_by_text(TABS[tab]).last).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_own_car_comes_first(visit: Visits, theme: Theme) -> None:
    page = visit("owner", "/", size=PHONE, theme=theme)

    expect(page).to_have_url(re.compile("/owner/health"))
    expect(page.get_by_text("95 % interval")).to_be_visible()
    expect(page.get_by_role("heading", name="What changed")).to_be_visible()
    expect(page.get_by_text(OWNED).last).to_be_visible()
    picture(page, f"owner-{theme}")
    for tab in TABS:
        go(page, tab)
        check_width(page)
        check_axe(page)


def test_there_is_no_jargon(visit: Visits) -> None:
    page = visit("owner", "/", size=PHONE)
    for tab in TABS:
        go(page, tab)
        text = page.get_by_role("main").inner_text().lower()
        for word in ("cohort", "posterior", "sigma", "σ", "rmse", "p0", "soc", "twin"):
            assert word not in text, f"{tab}: {word}"


def test_targets_are_large_enough_for_a_finger(visit: Visits) -> None:
    page = visit("owner", "/owner/sharing", size=PHONE)
    expect(page.get_by_role("button", name="Download your data")).to_be_visible()

    for target in page.get_by_role("button").or_(page.get_by_role("link")).all():
        box = target.bounding_box()
        if box is None or target.inner_text() == "Skip to the page":
            continue
        assert box["height"] >= 44, f"{target.inner_text()!r} is {box['height']} px high"


def test_charges_and_trips_are_listed_newest_first(visit: Visits) -> None:
    page = visit("owner", "/owner/trips", size=PHONE)

    expect(page.get_by_role("listitem").first).to_contain_text("km")
    go(page, "Charging")
    expect(page.get_by_role("listitem").first).to_contain_text("kWh")


def test_a_car_is_shared_until_a_day_and_the_share_is_ended_and_undone(visit: Visits) -> None:
    page = visit("owner", "/owner/sharing", size=PHONE)
    expect(page.get_by_text("Only you")).to_be_visible()

    page.get_by_role("button", name="Share", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("They sign in as").fill("tim.technician")
    dialog.get_by_role("button", name="30 days").click()
    dialog.get_by_role("button", name="Share", exact=True).click()
    end = page.get_by_role("button", name="End sharing with tim.technician")
    expect(end).to_be_visible()
    end.click()

    expect(page.get_by_text("Only you")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(end).to_be_visible()
    end.click()
    expect(page.get_by_text("Only you")).to_be_visible()


def test_own_data_is_a_file(visit: Visits, tmp_path: Path) -> None:
    page = visit("owner", "/owner/sharing")

    with page.expect_download() as saved:
        page.get_by_role("button", name="Download your data").click()
    saved.value.save_as(tmp_path / "data.zip")

    with zipfile.ZipFile(tmp_path / "data.zip") as file:
        assert file.testzip() is None
        assert any(OWNED in name for name in file.namelist())


def test_other_cars_and_the_fleet_are_not_there(visit: Visits) -> None:
    visit.allow(r"status of 40[34]")
    page = visit("owner", "/vehicles/SIM-0001")

    expect(page.get_by_text("This page is not available to you")).to_be_visible()
    page.goto("/owner/health?car=SIM-0001")
    expect(page.get_by_text(OWNED).last).to_be_visible()


def test_others_have_no_owner_page(visit: Visits) -> None:
    page = visit("operator", "/owner/health")

    expect(page.get_by_text("This page is not available to you")).to_be_visible()
