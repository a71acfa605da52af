"""Bounds how often one account, key or device may ask, and how often one address may try to sign in."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from twinpack.api.middleware.identity import OPEN
from twinpack.api.problems import problem

SIGN_INS_PER_MINUTE = 30.0
_BURST_S = 10.0
"""How many seconds' worth of requests may be made at once."""
_MOST_KEPT = 50_000


class Buckets:
    """Token buckets by name; the one that was not used for longest is forgotten first, and is full again."""

    def __init__(self, per_minute: float, clock: Callable[[], float], least_burst: float = 10.0) -> None:
        """A bucket fills at `per_minute`, and holds what comes in ten seconds, or `least_burst`."""
        self._per_s = per_minute / 60.0
        self._size = max(self._per_s * _BURST_S, min(least_burst, per_minute))
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Take one; 0 when there was one, else how many seconds until there is."""
        now = self._clock()
        left, at = self._kept.pop(name, (self._size, now))
        left = min(left + (now - at) * self._per_s, self._size)
        took = left >= 1.0
        self._kept[name] = (left - took, now)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return 0.0 if took else (1.0 - left) / self._per_s


class SignInRates:
    """Slows down an address that tries to sign in again and again."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float]) -> None:
        """Stand before `app`."""
        self._app, self._buckets = app, Buckets(SIGN_INS_PER_MINUTE, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what comes seldom enough."""
        if scope["type"] == "http" and scope["path"] in OPEN:
            address = (scope.get("client") or ("",))[0]
            wait_s = self._buckets.take(address)
            if wait_s:
                await _refuse(wait_s, scope, receive, send)
                return
        await self._app(scope, receive, send)


class Rates:
    """Slows down one who asks too often; stands behind `Identity`."""

    def __init__(self, app: ASGIApp, per_minute: float, clock: Callable[[], float]) -> None:
        """Stand before `app`."""
        self._app, self._buckets = app, Buckets(per_minute, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what comes seldom enough."""
        seer = scope["state"].get("sight") if scope["type"] == "http" else None
        if seer is not None:
            wait_s = self._buckets.take(seer.who)
            if wait_s:
                await _refuse(wait_s, scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refuse(wait_s: float, scope: Scope, receive: Receive, send: Send) -> None:
    seconds = max(1, math.ceil(wait_s))
    answer = problem(scope, 429, f"that is too often; try again in {seconds} s", {"Retry-After": str(seconds)})
    await answer(scope, receive, send)
