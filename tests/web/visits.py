"""Opening pages as somebody, and what no page may do: log an error, ask another host, fail a check of its access."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.web.site import Site

Theme = Literal["light", "dark"]
PHONE = (375, 812)
DESK = (1440, 900)

PICTURES = "TWINPACK_PICTURES"
"""Names a folder for pictures of pages; without it none is taken."""

_WAIT_MS = 20_000.0
_SERIOUS = ("serious", "critical")
_NOT_SIGNED_IN = r"status of 401 .*/v1/me$"
"""A browser logs every answer that is no success; this one is how the app finds out that nobody is signed in."""


class Visits:
    """The pages that a test opened, and what they said on the console."""

    def __init__(self, browser: Browser, site: Site) -> None:
        """Open pages of `site`."""
        self._browser, self._site = browser, site
        self._contexts: list[BrowserContext] = []
        self._said: list[str] = []
        self._allowed = [_NOT_SIGNED_IN]

    def __call__(
        self,
        role: str | None,
        path: str = "/",
        *,
        theme: Theme = "light",
        size: tuple[int, int] = DESK,
        site: Site | None = None,
    ) -> Page:
        """Open a page.

        Args:
            role: Signed in with the account of this role; None for nobody.
            path: What is opened.
            theme: The theme that the system asks for.
            size: Width and height in pixels; PHONE is one with a touch screen.
            site: Of another service than the usual one.
        """
        at = site or self._site
        phone = size == PHONE
        context = self._browser.new_context(
            base_url=at.url,
            color_scheme=theme,
            viewport={"width": size[0], "height": size[1]},
            has_touch=phone,
            is_mobile=phone,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="Europe/Berlin",
        )
        self._contexts.append(context)
        context.set_default_timeout(_WAIT_MS)
        if role is not None:
            context.add_cookies(
                [{"name": name, "value": value, "url": at.url, "httpOnly": True} for name, value in at.cookies(role)]
            )
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._said.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._note_host(request, at))
        page.goto(path)
        return page

    def allow(self, pattern: str) -> None:
        """Let what matches be said on the console: for tests in which something is to fail."""
        self._allowed.append(pattern)

    def leave(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()
        self._contexts.clear()

    def close(self) -> None:
        """Close all pages, and judge what they said.

        Raises:
            AssertionError: One of them said what no page may say.
        """
        self.leave()
        faults = [
            text for text in dict.fromkeys(self._said) if not any(re.search(pattern, text) for pattern in self._allowed)
        ]
        assert not faults, "\n".join(faults)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._said.append(f"{message.type}: {message.text} {message.location.get('url', '')}".rstrip())

    def _note_host(self, request: Request, site: Site) -> None:
        there = urlsplit(request.url)
        if there.scheme in ("http", "https", "ws", "wss") and there.netloc != urlsplit(site.url).netloc:
            self._said.append(f"asked another host: {request.url}")


def check_axe(page: Page) -> None:
    """Have axe look at a page.

    Raises:
        AssertionError: It found a serious fault.
    """
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    faults = [
        f"{fault['id']}: {fault['help']}\n  " + "\n  ".join(node["html"][:200] for node in fault["nodes"][:5])
        for fault in found
        if fault["impact"] in _SERIOUS
    ]
    assert not faults, f"{page.url}\n" + "\n".join(faults)


def check_width(page: Page) -> None:
    """Have a page fit the screen: nothing to be reached by scrolling sideways.

    Raises:
        AssertionError: It is wider.
    """
    wide, screen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= screen, f"{page.url} is {wide} px wide on a screen of {screen} px"


def picture(page: Page, name: str, whole: bool = False) -> None:
    """Take a picture of a page for the documentation, where one is asked for."""
    folder = os.environ.get(PICTURES)
    if folder:
        # The network is never idle, for events come in; what is still read is drawn as grey blocks.
        expect(page.get_by_role("status", name=re.compile("^Loading"))).to_have_count(0)
        page.evaluate("document.fonts.ready.then(() => new Promise((drawn) => requestAnimationFrame(drawn)))")
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)
