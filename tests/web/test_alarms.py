"""The page of alarms: the inbox, one alarm with its evidence, what is done about it, and what came in meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.servers.small_fleet import FAULTY
from tests.web.people import PEOPLE
from tests.web.site import Site
from tests.web.visits import PHONE, Theme, Visits, check_axe, check_width, picture
from twinpack.store.alarms.records import ACKNOWLEDGED, ACTIVE, STATES, Alarm
from twinpack.store.alarms.register import Wanted
from twinpack.store.workspace import Workspace

ISOLATION, CELL = "P0AA6", "TP-CELL-LOW"
ALL = "/alarms?watch=1"
"""The second is of level watch, and in the list when that is asked for."""
NOT_THERE = r"status of 404 .*/v1/alarms/"


def row_of(page: Page, code: str) -> Locator:
    return page.get_by_role("list", name="Alarms").get_by_role("listitem").filter(has_text=code)


def detail(page: Page) -> Locator:
    return page.get_by_role("article", name="Alarm")


def kept(site: Site, code: str) -> Alarm:
    with Workspace.open(site.home).registry() as registry:
        return registry.alarms.alarms(Wanted(STATES, code=code, vehicle=FAULTY))[0]


@pytest.fixture
def as_it_was(site: Site) -> Iterator[None]:
    """Takes back what a test does about alarms, which others are to find untouched."""
    yield
    with Workspace.open(site.home).registry() as registry:
        for alarm in registry.alarms.alarms(Wanted(vehicle=FAULTY)):
            if alarm.state == ACKNOWLEDGED:
                registry.alarms.unacknowledge(alarm.alarm_id, "kim")
            if alarm.snoozed_until_us is not None:
                registry.alarms.unsnooze(alarm.alarm_id, "kim")
            if alarm.assignee:
                registry.alarms.assign(alarm.alarm_id, "", "kim")


def history(site: Site, code: str) -> list[str]:
    alarm = kept(site, code)
    with Workspace.open(site.home).registry() as registry:
        return [line.action for line in registry.alarms.history(alarm.alarm_id)]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_worst_alarm_is_open_beside_the_inbox(visit: Visits, theme: Theme) -> None:
    page = visit("operator", "/alarms", theme=theme)

    expect(detail(page).get_by_role("heading", name="Isolation lost")).to_be_visible()
    expect(detail(page).get_by_role("slider")).to_be_visible()  # the chart of the evidence, which keys can walk
    expect(detail(page).get_by_text("Freeze frame")).to_be_visible()
    expect(row_of(page, ISOLATION)).to_have_attribute("aria-current", "true")
    check_axe(page)
    check_width(page)
    picture(page, f"alarms-{theme}")


def test_an_alarm_can_be_linked_to(visit: Visits, site: Site) -> None:
    page = visit("operator", f"/alarms/{kept(site, CELL).alarm_id}")

    expect(detail(page).get_by_text("cell 17.")).to_be_visible()
    expect(page).to_have_title(re.compile(FAULTY))
    expect(detail(page).get_by_role("link", name="Open the pack at this moment")).to_be_visible()


def test_filters_live_in_the_address_and_going_back_works(visit: Visits) -> None:
    page = visit("operator", ALL)
    expect(row_of(page, CELL)).to_be_visible()

    page.get_by_role("button", name=re.compile("^Critical")).click()

    expect(page).to_have_url(re.compile("severity=3"))
    expect(row_of(page, CELL)).to_be_hidden()
    page.go_back()
    expect(row_of(page, CELL)).to_be_visible()


def test_keys_move_in_the_inbox(visit: Visits) -> None:
    page = visit("operator", ALL)
    expect(detail(page).get_by_role("heading", name="Isolation lost")).to_be_visible()

    page.keyboard.press("j")

    expect(row_of(page, ISOLATION)).to_have_attribute("aria-current", "false")
    expect(page).to_have_url(re.compile("/alarms/[0-9a-f]{12}"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Acknowledge")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.usefixtures("as_it_was")
def test_an_acknowledgement_is_kept_and_can_be_taken_back(visit: Visits, site: Site) -> None:
    page = visit("operator", "/alarms")

    detail(page).get_by_role("button", name="Acknowledge").click()
    expect(row_of(page, ISOLATION)).to_contain_text("Acknowledged")
    assert kept(site, ISOLATION).state == ACKNOWLEDGED
    page.get_by_role("button", name="Undo").click()

    expect(row_of(page, ISOLATION)).to_contain_text("Active")
    assert kept(site, ISOLATION).state == ACTIVE
    assert history(site, ISOLATION)[-2:] == ["acknowledged", "unacknowledged"]


@pytest.mark.usefixtures("as_it_was")
def test_several_are_handled_at_once(visit: Visits, site: Site) -> None:
    page = visit("technician", ALL)

    for code in (ISOLATION, CELL):
        row_of(page, code).get_by_role("checkbox").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.keyboard.press("s")

    expect(page.get_by_text(re.compile(r"2.alarms snoozed until"))).to_be_visible()
    expect(row_of(page, ISOLATION)).to_be_hidden()
    page.get_by_role("radio", name="Snoozed 2").click()
    expect(row_of(page, ISOLATION)).to_be_visible()


@pytest.mark.usefixtures("as_it_was")
def test_what_one_says_is_told_to_the_next_with_a_name(visit: Visits, site: Site) -> None:
    page = visit("technician", "/alarms")

    page.get_by_role("textbox", name="Comment").fill("Plug dried, see the picture.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_text("Comment added")).to_be_visible()

    other = visit("operator", "/alarms")
    said = detail(other).get_by_role("listitem").filter(has_text="Plug dried")
    expect(said).to_contain_text(PEOPLE["technician"].username)


@pytest.mark.usefixtures("as_it_was")
def test_what_another_does_is_seen_without_loading_again(visit: Visits, site: Site) -> None:
    page = visit("operator", "/alarms")
    expect(row_of(page, ISOLATION)).to_contain_text("unassigned")
    expect(page.get_by_text("No data coming in")).to_be_visible()  # events come in, though no gateway runs

    with Workspace.open(site.home).registry() as registry:
        registry.alarms.assign(kept(site, ISOLATION).alarm_id, "robin", "kim")

    expect(row_of(page, ISOLATION)).to_contain_text("robin")


@pytest.mark.usefixtures("as_it_was")
def test_of_two_who_act_the_second_is_told(visit: Visits, site: Site) -> None:
    visit.allow("status of 409")
    page = visit("operator", "/alarms")
    expect(detail(page).get_by_role("button", name="Assign")).to_be_visible()
    stale = page.context.new_page()
    stale.route("**/v1/events**", lambda route: route.abort())  # one who is not told of what others do
    stale.goto("/alarms")
    expect(detail(stale).get_by_role("button", name="Acknowledge")).to_be_visible()

    detail(page).get_by_role("button", name="Acknowledge").click()
    expect(row_of(page, ISOLATION)).to_contain_text("Acknowledged")
    detail(stale).get_by_role("button", name="Acknowledge").click()

    expect(stale.get_by_text("Somebody changed it meanwhile")).to_be_visible()


def test_closing_asks_why_and_says_what_it_does(own_site: Site, visit: Visits) -> None:
    page = visit("operator", "/alarms", site=own_site)

    detail(page).get_by_role("button", name="Close").click()
    page.get_by_role("menuitem", name="Close with a reason").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("comes again as a new alarm")
    expect(dialog.get_by_role("button", name="Close", exact=True)).to_be_disabled()
    dialog.get_by_label("Why it is over").fill("cable replaced")
    dialog.get_by_label("The fault was real").check()
    dialog.get_by_role("button", name="Close", exact=True).click()

    expect(row_of(page, ISOLATION)).to_be_hidden()
    page.get_by_role("radio", name="Closed").click()
    expect(row_of(page, ISOLATION)).to_contain_text("Closed")
    assert history(own_site, ISOLATION)[-2:] == ["cleared", "confirmed"]


def test_an_analyst_reads_and_cannot_act(visit: Visits) -> None:
    page = visit("analyst", "/alarms")

    expect(detail(page).get_by_role("heading", name="Isolation lost")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(detail(page).get_by_role("button", name="Acknowledge")).to_have_count(0)


def test_an_alarm_that_is_not_there_is_told_plainly(visit: Visits) -> None:
    visit.allow(NOT_THERE)
    page = visit("operator", "/alarms/0123456789ab")

    expect(page.get_by_text("This page is not available to you")).to_be_visible()


def test_an_owner_has_no_page_of_alarms(visit: Visits) -> None:
    page = visit("owner", "/alarms")

    expect(page.get_by_text("This page is not available to you")).to_be_visible()


def test_on_a_phone_the_alarm_takes_the_place_of_the_inbox(visit: Visits) -> None:
    page = visit("technician", ALL, size=PHONE)

    row_of(page, ISOLATION).get_by_role("link").click()
    expect(detail(page).get_by_role("heading", name="Isolation lost")).to_be_visible()
    expect(row_of(page, CELL)).to_be_hidden()
    check_width(page)
    check_axe(page)
    picture(page, "alarms-phone", whole=True)
    page.get_by_role("link", name="All alarms").click()

    expect(row_of(page, CELL)).to_be_visible()
    check_width(page)


def test_a_new_workspace_says_that_there_is_nothing(visit: Visits, empty_site: Site) -> None:
    page = visit("operator", "/alarms", site=empty_site)

    expect(page.get_by_text("No active alarms")).to_be_visible()
    check_axe(page)
