"""Small services that answer as they are told, asked without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from starlette.types import ASGIApp

from twinpack.client.local import HOST, InProcess

Ask = Callable[[ASGIApp], httpx.Client]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Makes a client of an application, which is closed at the end of the test."""
    with ExitStack() as opened:
        yield lambda app: opened.enter_context(httpx.Client(base_url=f"http://{HOST}", transport=InProcess(app)))
