"""A browser, and running services to be looked at with it; `visits.py` says what a test can do with them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.servers import chromium
from tests.servers.small_fleet import pristine_fleet
from tests.web.people import settle
from tests.web.sender import take_free_ports
from tests.web.site import Site
from tests.web.visits import Visits
from twinpack.store.workspace import Workspace

__all__ = ["pristine_fleet"]

BUILT = Path(__file__).parents[2] / "src" / "twinpack" / "_web" / "index.html"
_WAIT_MS = 20_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; its event loop ends with the module, as tests beside these may need their own."""
    path = chromium.require()
    expect.set_options(timeout=_WAIT_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def site(pristine_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The small fleet, with an account of each role. Whoever changes something takes care that no other test minds."""
    yield from _served(Path(shutil.copytree(pristine_fleet, tmp_path_factory.mktemp("site") / "fleet")))


@pytest.fixture
def own_site(visit: Visits, pristine_fleet: Path, tmp_path: Path) -> Iterator[Site]:
    """The same, of one test alone: for what cannot be undone, and to be stopped."""
    yield from _served(Path(shutil.copytree(pristine_fleet, tmp_path / "fleet")), visit.leave)


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A workspace as it begins, with the same accounts."""
    yield from _served(Workspace.open(tmp_path_factory.mktemp("empty") / "fleet").home)


@pytest.fixture
def live_site(visit: Visits, pristine_fleet: Path, tmp_path: Path) -> Iterator[Site]:
    """The whole service with its gateway, of one test alone; `Sender` sends to it."""
    home = Path(shutil.copytree(pristine_fleet, tmp_path / "fleet"))
    take_free_ports(home)
    yield from _served(home, visit.leave, whole=True)


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visits]:
    """Opens pages; when the test ends, none of them may have logged an error or asked another host."""
    visits = Visits(browser, site)
    yield visits
    visits.close()


def _served(home: Path, before_stop: Callable[[], None] = lambda: None, *, whole: bool = False) -> Iterator[Site]:
    if not BUILT.is_file():
        pytest.skip("the web app is not built: python web/app.py build")
    settle(home)
    site = Site(home, *([] if whole else ["--only", "api"]))
    site.start()
    yield site
    before_stop()  # a page that is left open would miss the service, and say so
    site.stop()
