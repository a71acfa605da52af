"""What holds for every page: it opens by its address, nothing stands in anybody's way, and it fits."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.servers.small_fleet import FAULTY
from tests.web.site import Site
from tests.web.visits import PHONE, Theme, Visits, check_axe, check_width

VEHICLE = f"/vehicles/{FAULTY}"
OF_VEHICLES = [("operator", f"{VEHICLE}/{tab}") for tab in ("overview", "twin", "pack", "alarms", "maintenance")]
OTHERS = [
    ("operator", "/alarms"),
    ("technician", "/fleet"),
    ("technician", "/alarms"),
    ("technician", VEHICLE),
    ("admin", "/data/imports"),
    ("admin", "/data/dead-letters"),
    ("admin", "/settings/account"),
    ("admin", "/settings/users"),
    ("admin", "/settings/grants"),
    ("admin", "/settings/keys"),
    ("admin", "/settings/audit"),
    ("owner", "/owner/charging"),
    ("owner", "/owner/trips"),
    ("owner", "/owner/sharing"),
]
"""Pages that no test of their own looks at in both themes."""
NARROW = (320, 640)


def settled(page: Page) -> Page:
    """The page once its content is there: no block stands for what is still to come."""
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    expect(page.get_by_role("status", name="Loading")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("role", "path"), OTHERS)
def test_nothing_stands_in_the_way(visit: Visits, role: str, path: str, theme: Theme) -> None:
    page = settled(visit(role, path, theme=theme))

    assert page.title() != "twinpack", "say in the title which page it is"
    check_axe(page)


@pytest.mark.parametrize(("role", "path"), [("operator", "/fleet"), *OF_VEHICLES, *OTHERS])
def test_it_fits_a_narrow_screen(visit: Visits, role: str, path: str) -> None:
    check_width(settled(visit(role, path, size=PHONE if role == "owner" else NARROW)))


@pytest.mark.parametrize("path", ["/fleet", "/alarms"])
def test_an_empty_workspace_says_what_to_do_next(visit: Visits, empty_site: Site, path: str) -> None:
    page = visit("operator", path, site=empty_site)

    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    expect(page.get_by_text(re.compile("no vehicles|no active alarms", re.IGNORECASE)).first).to_be_visible()
    check_axe(page)
