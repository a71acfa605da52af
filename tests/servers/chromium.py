"""A real Chromium for tests: that of the system, installed with apt where that is possible and it is missing."""

from __future__ import annotations

import shutil
from functools import cache

import pytest

from tests.servers.packages import install

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@cache
def binary() -> str | None:
    """Path of Chromium, None where it cannot be had."""
    found = _find()
    if found is None:
        install("chromium")
        found = _find()
    return found


def require() -> str:
    """Path of Chromium; the test is skipped where there is none."""
    found = binary()
    if found is None:
        pytest.skip("needs Chromium to open pages: apt-get install chromium")
    return found


def _find() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name)) is not None), None)
