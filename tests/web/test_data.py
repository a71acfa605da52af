"""The data page: what comes in, imports, dead letters, and SQL over what may be seen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.site import Site
from tests.web.visits import PHONE, Theme, Visits, check_axe, check_width, picture

TABS = {"ingest": "Samples received a second", "imports": "Imports", "dead-letters": "Dead letters", "query": "Query"}


def ready(page: Page, tab: str) -> None:
    expect(page.get_by_role("heading", name=TABS[tab]).last).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_stands_in_the_way(visit: Visits, theme: Theme) -> None:
    page = visit("operator", "/data", theme=theme)
    expect(page).to_have_url(re.compile("/data/ingest"))
    for tab in TABS:
        page.goto(f"/data/{tab}")
        ready(page, tab)
        check_axe(page)
    page.goto("/data/ingest")
    ready(page, "ingest")
    picture(page, f"data-{theme}")


def test_pages_fit_a_phone(visit: Visits) -> None:
    page = visit("operator", "/data", size=PHONE)
    for tab in TABS:
        page.goto(f"/data/{tab}")
        ready(page, tab)
        check_width(page)


def test_a_stopped_gateway_says_what_to_do(visit: Visits, empty_site: Site) -> None:
    page = visit("operator", "/data", site=empty_site)

    expect(page.get_by_text("Nothing has come in yet")).to_be_visible()
    expect(page.get_by_text("twinpack serve")).to_be_visible()
    page.goto("/data/imports")
    expect(page.get_by_text("No imports yet")).to_be_visible()


def test_sql_answers_of_what_may_be_seen_alone(visit: Visits) -> None:
    page = visit("operator", "/data/query")

    page.get_by_label("SQL").fill("select distinct vehicle_id from trips order by 1")
    page.get_by_label("SQL").press("Control+Enter")

    answer = page.get_by_role("table", name="Answer")
    expect(answer.locator("tbody").get_by_role("row")).to_have_count(6)
    expect(answer).not_to_contain_text("SIM-0007")


def test_sql_that_fails_says_why(visit: Visits) -> None:
    visit.allow("status of 4")
    page = visit("operator", "/data/query")

    page.get_by_label("SQL").fill("select * from nowhere")
    page.get_by_role("button", name="Run").click()

    expect(page.get_by_role("alert")).to_contain_text("nowhere")


def test_who_may_not_look_finds_no_such_page(visit: Visits) -> None:
    page = visit("technician", "/data")

    expect(page.get_by_text("This page is not available to you")).to_be_visible()
