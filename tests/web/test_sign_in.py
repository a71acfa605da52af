"""Signing in and out, by role: what one sees first, where one can go, and what is left of it afterwards."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.people import PASSWORD, PEOPLE
from tests.web.site import Site
from tests.web.visits import PHONE, Theme, Visits, check_axe, check_width, picture

PLACES = {
    "admin": ["Fleet", "Alarms", "Data", "Settings"],
    "operator": ["Fleet", "Alarms", "Data", "Settings"],
    "analyst": ["Fleet", "Alarms", "Data", "Settings"],
    "technician": ["Fleet", "Alarms", "Settings"],
    "owner": ["Health", "Charging", "Trips", "Sharing", "Settings"],
}
REFUSED = r"status of 401 .*/v1/auth/sign-in$"


def sign_in(page: Page, role: str, password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(PEOPLE[role].username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("role", ["operator", "technician", "owner"])
def test_each_signs_in_and_sees_what_is_theirs(visit: Visits, role: str) -> None:
    page = visit(None, "/")

    sign_in(page, role)

    places = page.get_by_role("navigation", name="Pages")
    expect(places).to_be_visible()
    expect(page).to_have_url(re.compile("/owner/health$" if role == "owner" else "/fleet$"))
    assert words(places) == PLACES[role]


@pytest.mark.parametrize("role", ["admin", "analyst"])
def test_the_rail_has_what_may_be_opened(visit: Visits, role: str) -> None:
    places = visit(role, "/settings").get_by_role("navigation", name="Pages")

    expect(places).to_be_visible()
    assert words(places) == PLACES[role]


def words(places: Locator) -> list[str]:
    links = places.get_by_role("link").all_inner_texts()
    return [text.split("\n")[0].strip() for text in links if text.strip()]


def test_a_wrong_password_is_told_without_telling_who_has_an_account(visit: Visits) -> None:
    visit.allow(REFUSED)
    page = visit(None, "/")

    sign_in(page, "operator", "not the password at all")
    expect(page.get_by_role("alert")).to_be_visible()
    told = page.get_by_role("alert").inner_text()
    page.get_by_label("User name").fill("nobody.at.all")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_have_text(told)
    expect(page).to_have_url(re.compile("/sign-in"))


def test_one_is_brought_to_where_one_wanted_to_go(visit: Visits) -> None:
    page = visit(None, "/alarms?severity=3")
    expect(page).to_have_url(re.compile("/sign-in"))

    sign_in(page, "operator")

    expect(page).to_have_url(re.compile(r"/alarms\?severity=3"))


def test_nothing_that_opens_a_door_can_be_read_by_a_script(visit: Visits) -> None:
    page = visit(None, "/")
    sign_in(page, "operator")
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()

    assert page.evaluate("document.cookie") == ""
    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert not re.search(r"ey[A-Za-z0-9_-]+\.|tpk_|csrf", kept), kept


def test_signing_out_ends_it(visit: Visits, own_site: Site) -> None:
    page = visit("operator", "/fleet", site=own_site)
    page.get_by_role("button", name="Otto Operator, account").click()

    page.get_by_role("menuitem", name="Sign out").click()

    expect(page).to_have_url(re.compile("/sign-in"))
    again = visit("operator", "/fleet", site=own_site)  # with the cookies that it had
    expect(again).to_have_url(re.compile("/sign-in"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_in_the_way(visit: Visits, theme: Theme) -> None:
    page = visit(None, "/", theme=theme)

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    check_axe(page)
    picture(page, f"sign-in-{theme}")


def test_it_fits_a_phone(visit: Visits) -> None:
    page = visit(None, "/", size=PHONE)

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    check_width(page)
