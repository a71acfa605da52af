"""Signing in with a password, and what one gets for it: a browser's session, or tokens for a program."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from twinpack.api.identity import jose
from twinpack.errors import IdentityError
from twinpack.store.identity.records import SessionRecord, UserRecord
from twinpack.store.identity.signing import SigningKeys
from twinpack.store.identity.users import Attempt
from twinpack.store.registry import Registry
from twinpack.store.settings import Settings
from twinpack.views.asking import request_id
from twinpack.views.shapes.identity import TokenPair

T = TypeVar("T")

REFUSED = "the user name or the password is wrong, or the account is locked for some minutes"
"""The same words for each reason: a stranger must not learn which accounts there are."""

_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000
_AT_ONCE = 2
"""Passwords tried at the same time: each takes a core and 32 MB."""


def built_in_issuer(settings: Settings) -> str:
    """What tokens of the built-in issuer name as theirs."""
    return settings.api.public_url or "twinpack"


class Slowdown:
    """Lets an address wait longer with each wrong password, whoever's it was."""

    FREE, FIRST_S, MOST_S, FORGOTTEN_S, MOST_KEPT = 3, 0.25, 4.0, 900.0, 10_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody waits yet."""
        self._clock = clock
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """How long an address has to wait before its next try."""
        failures, at = self._failed.get(address, (0, 0.0))
        if failures < self.FREE or self._clock() - at > self.FORGOTTEN_S:
            return 0.0
        return float(min(self.FIRST_S * 2.0 ** min(failures - self.FREE, 16), self.MOST_S))

    def failed(self, address: str) -> None:
        """Count a wrong password."""
        failures, at = self._failed.pop(address, (0, 0.0))
        now = self._clock()
        self._failed[address] = (1 if now - at > self.FORGOTTEN_S else failures + 1, now)
        if len(self._failed) > self.MOST_KEPT:
            self._failed.popitem(last=False)

    def passed(self, address: str) -> None:
        """Forget what an address got wrong."""
        self._failed.pop(address, None)


class SignIns:
    """The built-in issuer."""

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        signing: SigningKeys,
        now_us: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Take the open registry, and the keys that sign."""
        self._registry, self._settings, self._signing, self._now_us = registry, settings, signing, now_us
        self._sleep = sleep
        self._slowdown = Slowdown()
        self._limiter: CapacityLimiter | None = None

    async def with_password(self, username: str, password: str, address: str) -> UserRecord:
        """The account of a name and its password.

        Raises:
            IdentityError: They do not open one, for whatever reason.
        """
        wait_s = self._slowdown.wait_s(address)
        if wait_s:
            await self._sleep(wait_s)
        attempt = await self.off_the_loop(self._try, username, password)
        if attempt.user is None:
            self._slowdown.failed(address)
            raise IdentityError(REFUSED)
        self._slowdown.passed(address)
        return attempt.user

    async def off_the_loop(self, function: Callable[..., T], *arguments: object) -> T:
        """Call what hashes passwords, in a thread; others wait for their turn."""
        if self._limiter is None:  # made here: it belongs to the event loop that serves
            self._limiter = CapacityLimiter(_AT_ONCE)
        return await to_thread.run_sync(partial(function, *arguments), limiter=self._limiter)

    def begin_browser(self, user: UserRecord) -> tuple[SessionRecord, str]:
        """Begin a browser's session; returns it and the value of its cookie."""
        lasts_us = round(self._settings.identity.session_hours * _HOUR_US)
        self._registry.sessions.tidy(self._now_us())
        begun = self._registry.sessions.begin(user.username, lasts_us, self._now_us())
        self._tell(user, "sign-in", "browser")
        return begun

    def begin_tokens(self, user: UserRecord) -> TokenPair:
        """Begin a program's sign-in."""
        lasts_us = round(self._settings.identity.refresh_days * _DAY_US)
        self._registry.sessions.tidy(self._now_us())
        session, refresh = self._registry.sessions.begin_tokens(user.username, lasts_us, self._now_us())
        self._tell(user, "sign-in", "tokens")
        return self._pair(session, refresh)

    def refresh(self, token: str) -> TokenPair:
        """A new pair for a refresh token.

        Raises:
            IdentityError: It is not genuine, has ended, or was used before, which ends its sign-in.
        """
        found = self._registry.sessions.refresh(token, self._now_us())
        if isinstance(found, tuple):
            return self._pair(*found)
        if found is not None:
            user = self._registry.users.find(found.username)
            if user is not None:
                self._tell(user, "sign-in.ended", "refresh token used twice")
        raise IdentityError("the refresh token is not genuine, has ended or was used before: sign in again")

    def _try(self, username: str, password: str) -> Attempt:
        settings = self._settings.identity
        attempt = self._registry.users.try_password(
            username,
            password,
            failures=settings.lockout_failures,
            locked_minutes=settings.lockout_minutes,
            at_us=self._now_us(),
        )
        if attempt.locked:
            # Of a name that nobody has, an entry is written too: it takes as long, and what was typed is not told.
            subject = username if attempt.known else ""
            self._registry.audit_log.write("", "", "account.locked", subject, {}, request_id.get(), self._now_us())
        return attempt

    def _pair(self, session: SessionRecord, refresh: str) -> TokenPair:
        now_s = self._now_us() // 1_000_000
        lasts_s = round(min(self._settings.identity.access_minutes * 60, session.expires_at_us / 1e6 - now_s))
        claims = {
            "iss": built_in_issuer(self._settings),
            "aud": self._settings.identity.audience,
            "sub": session.username,
            "sid": session.session_id,
            "iat": now_s,
            "nbf": now_s,
            "exp": now_s + lasts_s,
            "jti": secrets.token_hex(8),
        }
        token = jose.sign(claims, self._signing.signing())
        return TokenPair(access_token=token, expires_in=lasts_s, refresh_token=refresh)

    def _tell(self, user: UserRecord, action: str, how: str) -> None:
        log = self._registry.audit_log
        log.write(user.username, user.role, action, user.username, {"how": how}, request_id.get(), self._now_us())
