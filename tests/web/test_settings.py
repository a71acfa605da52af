"""The settings: how one likes to see things, accounts, owners' grants, keys, the audit log."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.web.site import Site
from tests.web.visits import PHONE, Theme, Visits, check_axe, check_width, picture

TABS = ("account", "users", "grants", "keys", "audit")


def ready(page: Page, tab: str) -> None:
    if tab == "account":
        expect(page.get_by_role("heading", name="Units and looks")).to_be_visible()
    else:
        expect(page.get_by_role("table").or_(page.get_by_text(re.compile("No .* yet"))).first).to_be_visible()


def add_user(page: Page, username: str, fleet: str = "", role: str = "operator") -> str:
    """Make an account; its password."""
    page.get_by_role("button", name="Add user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Signs in as").fill(username)
    dialog.get_by_label("Role").select_option(role)
    if fleet:
        dialog.get_by_label(fleet).check()
    dialog.get_by_role("button", name="Add user").click()
    password = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Close").click()
    return password


def remove_user(page: Page, username: str) -> None:
    page.get_by_role("button", name=username).click()
    page.get_by_role("button", name="Remove this account…").click()
    page.get_by_role("button", name=f"Remove {username} for good").click()


def sign_in(page: Page, username: str, password: str) -> None:
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def change_password(page: Page, old: str, new: str) -> None:
    page.get_by_label("Password now").fill(old)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password again").fill(new)
    page.get_by_role("button", name="Change password").click()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_in_the_way(visit: Visits, theme: Theme) -> None:
    page = visit("admin", "/settings", theme=theme)
    for tab in TABS:
        page.goto(f"/settings/{tab}")
        ready(page, tab)
        check_axe(page)
    picture(page, f"audit-{theme}")


def test_pages_fit_a_phone(visit: Visits) -> None:
    page = visit("admin", "/settings", size=PHONE)
    for tab in TABS:
        page.goto(f"/settings/{tab}")
        ready(page, tab)
        check_width(page)


def test_a_user_is_added_sets_what_it_likes_is_disabled_and_removed(visit: Visits) -> None:
    page = visit("admin", "/settings/users")
    row = page.get_by_role("row", name=re.compile("nina.new"))
    password = add_user(page, "nina.new", "harbour")
    expect(row).to_contain_text("operator")

    other = visit(None, "/sign-in?next=/settings/account")
    sign_in(other, "nina.new", password)
    for choice in ("mi", "Dark"):
        with other.expect_response("**/v1/me/preferences"):
            other.get_by_role("radio", name=choice, exact=True).click()
    change_password(other, password, "another battery staple")
    expect(other.get_by_text("The password is changed")).to_be_visible()
    again = visit(None, "/sign-in")
    sign_in(again, "nina.new", "another battery staple")
    expect(again.get_by_role("columnheader", name="Distance, mi")).to_be_visible()
    expect(again.locator("html")).to_have_attribute("data-theme", "dark")

    page.get_by_role("button", name="nina.new").click()
    page.get_by_label("May not sign in").check()
    page.get_by_role("button", name="Change", exact=True).click()
    expect(row).to_contain_text("disabled")
    visit.allow("status of 401")
    again.reload()
    expect(again).to_have_url(re.compile("/sign-in"))
    remove_user(page, "nina.new")
    expect(row).to_have_count(0)


def test_what_is_refused_says_why_beside_what_was_filled_in(visit: Visits) -> None:
    visit.allow("status of 4(09|22)")
    page = visit("admin", "/settings/users")

    page.get_by_role("button", name="Add user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Signs in as").fill("otto.operator")
    dialog.get_by_role("button", name="Add user").click()

    expect(dialog.get_by_role("alert")).to_contain_text("otto.operator")


def test_a_vehicle_is_given_to_an_owner_and_the_grant_ended(visit: Visits) -> None:
    page = visit("admin", "/settings/users")
    add_user(page, "omar.owner", role="owner")
    page.goto("/settings/grants")
    page.get_by_role("button", name="Give a vehicle").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Vehicle", exact=True).fill("SIM-0005")
    dialog.get_by_label("Owner signs in as").fill("omar.owner")
    dialog.get_by_role("button", name="Give vehicle").click()
    row = page.get_by_role("row", name=re.compile("SIM-0005"))
    expect(row).to_contain_text("active")

    row.get_by_role("button", name="SIM-0005").click()
    page.get_by_role("button", name="End this grant").click()

    expect(row).to_contain_text("ended")
    page.goto("/settings/users")
    remove_user(page, "omar.owner")
    expect(page.get_by_role("row", name=re.compile("omar.owner"))).to_have_count(0)


def test_a_key_is_made_shown_once_and_revoked(visit: Visits, site: Site) -> None:
    page = visit("admin", "/settings/keys")

    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("dashboard")
    dialog.get_by_label("harbour").check()
    dialog.get_by_role("button", name="Make key").click()
    secret = dialog.locator("code").last.inner_text()
    dialog.get_by_role("button", name="Close").click()
    asked = httpx.get(f"{site.url}/v1/fleets", headers={"Authorization": f"Bearer {secret}"})
    assert [fleet["name"] for fleet in asked.json()["items"]] == ["harbour"]
    page.get_by_role("button", name="dashboard").click()
    page.get_by_role("button", name="Revoke this key").click()

    expect(page.get_by_role("row", name=re.compile("dashboard"))).to_contain_text("revoked")


def test_who_may_not_manage_finds_no_such_page(visit: Visits) -> None:
    page = visit("analyst", "/settings/users")

    expect(page.get_by_text("This page is not available to you")).to_be_visible()
    page.goto("/settings/nowhere")
    expect(page.get_by_text("This page is not available to you")).to_be_visible()
