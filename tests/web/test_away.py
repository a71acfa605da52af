"""The service goes away and comes back: the app says so, keeps what it shows, and goes on by itself."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.servers.small_fleet import FAULTY
from tests.web.site import Site
from tests.web.visits import Visits, picture

LOST = r"net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)|status of 503"
"""A browser logs what it does not get."""


def test_the_app_says_so_keeps_what_it_shows_and_reconnects(visit: Visits, own_site: Site) -> None:
    visit.allow(LOST)
    page = visit("operator", "/fleet", site=own_site)
    row = page.get_by_role("link", name=FAULTY)
    expect(row.first).to_be_visible()

    own_site.stop()
    expect(page.get_by_text("No connection since")).to_be_visible()
    expect(row.first).to_be_visible()
    picture(page, "away")

    own_site.start()
    expect(page.get_by_text("No connection since")).to_be_hidden(timeout=60_000)
    row.first.click()
    expect(page.get_by_role("heading", name=FAULTY)).to_be_visible()
