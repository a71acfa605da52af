"""What a vehicle sends is on the screen a moment later, without anybody loading anything again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.servers.small_fleet import FAULTY
from tests.web.sender import Sender
from tests.web.site import Site
from tests.web.visits import Visits, picture

pytestmark = pytest.mark.slow


def test_a_live_value_changes_on_the_screen(visit: Visits, live_site: Site) -> None:
    with Sender(live_site.home, FAULTY) as sender:
        page = visit("operator", f"/vehicles/{FAULTY}/overview", site=live_site)
        signals = page.get_by_role("slider", name=re.compile("^Live"))
        expect(signals).to_have_attribute("aria-label", re.compile("last 37[147] V|last 380 V"))
        before = signals.get_attribute("aria-label")
        assert before is not None

        expect(signals).not_to_have_attribute("aria-label", before)

        expect(page.get_by_role("banner").get_by_text("Live", exact=True)).to_be_visible()
        picture(page, "live")
    assert sender.problem == ""
