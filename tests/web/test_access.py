"""One who may not see something learns nothing: neither what it is, nor whether it is there."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.servers.small_fleet import FAULTY
from tests.web.people import OTHERS
from tests.web.visits import Visits, check_axe

MISSING = "SIM-9999"
NOT_FOR_YOU = "This page is not available to you"
REFUSED = r"status of 40[34] "
"""A browser logs every answer that is no success."""


@pytest.mark.parametrize("tab", ["", "/twin", "/pack", "/alarms", "/maintenance"])
def test_a_vehicle_of_another_fleet_looks_like_one_that_is_not_there(visit: Visits, tab: str) -> None:
    visit.allow(REFUSED)
    seen = []
    for vehicle_id in (OTHERS[0], MISSING):
        page = visit("operator", f"/vehicles/{vehicle_id}{tab}")
        expect(page.get_by_text(NOT_FOR_YOU)).to_be_visible()
        seen.append((page.get_by_role("main").inner_text(), page.title().replace(vehicle_id, "…")))

    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("role", "path"),
    [
        ("owner", f"/vehicles/{FAULTY}"),
        ("owner", "/alarms"),
        ("owner", "/data"),
        ("owner", "/settings/users"),
        ("technician", "/data"),
        ("technician", "/settings/users"),
        ("technician", f"/vehicles/{FAULTY}/twin"),
        ("analyst", "/data/imports"),
        ("operator", "/settings/users"),
        ("operator", "/settings/keys"),
        ("operator", "/owner"),
        ("operator", "/no/such/page"),
    ],
)
def test_the_wrong_role_gets_a_plain_page(visit: Visits, role: str, path: str) -> None:
    visit.allow(REFUSED)
    page = visit(role, path)

    expect(page.get_by_text(NOT_FOR_YOU)).to_be_visible()
    check_axe(page)


def test_nobody_is_asked_to_sign_in_and_shown_nothing(visit: Visits) -> None:
    page = visit(None, f"/vehicles/{FAULTY}")

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert FAULTY not in page.content()
