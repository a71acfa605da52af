"""Finds who asks: by an access token, a key, a device's token or a browser session.

What was found is kept for two seconds, so that one who asks often costs nothing, and one whose account was changed by
another process is held back soon; a change made here counts at once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from anyio import to_thread
from starlette.requests import HTTPConnection

from twinpack.api.identity import jose, sights
from twinpack.api.identity.claims import told
from twinpack.api.identity.cookies import Cookies, check_csrf, csrf_token
from twinpack.api.identity.identified import NOBODY, Identified, Shown
from twinpack.api.identity.issuer_keys import IssuerKeys
from twinpack.api.identity.recent import Recent
from twinpack.api.identity.sign_ins import SignIns, built_in_issuer
from twinpack.errors import IdentityError, RegistryBusyError
from twinpack.store.identity.grants import NOTHING
from twinpack.store.identity.records import OWNER, UserRecord
from twinpack.store.identity.signing import SigningKeys
from twinpack.store.records import now_us
from twinpack.store.registry import Registry
from twinpack.store.settings import Settings
from twinpack.views.opened import Views

FRESH_S = 2.0
_MOST_KEPT = 20_000
_LONGEST = 16_384


class Authenticator:
    """Finds who asks. Safe for many threads.

    Attributes:
        no_auth: Whether everybody may do everything, on this machine alone.
        cookies: The cookie of browser sessions.
        sign_ins: How people sign in.
        local_preferences: Those of the one at this machine (JSON text), where nobody signs in.
    """

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        keys_dir: Path,
        now_us: Callable[[], int] = now_us,
        *,
        no_auth: bool = False,
    ) -> None:
        """Take the open registry of a workspace, and its folder of keys.

        Raises:
            SettingsError: The issuer of the settings cannot be used.
        """
        self._registry, self._settings, self._now_us = registry, settings, now_us
        self._signing = SigningKeys(keys_dir)
        self._issuer = built_in_issuer(settings)
        self._issuer_keys = IssuerKeys(settings.identity) if settings.identity.issuer else None
        self._recent: Recent[Identified] = Recent(FRESH_S, _MOST_KEPT, time.monotonic)
        self.no_auth = no_auth
        self.local_preferences = "{}"
        self.cookies = Cookies(settings.api)
        self.sign_ins = SignIns(registry, settings, self._signing, now_us)

    @classmethod
    def of(cls, views: Views, *, no_auth: bool = False) -> Authenticator:
        """That of an open workspace."""
        workspace = views.workspace
        return cls(views.registry, workspace.settings, workspace.home / "keys", views.now_us, no_auth=no_auth)

    async def identified(self, request: HTTPConnection) -> Identified:
        """Who asks; what was found a moment ago is not looked up again.

        Raises:
            IdentityError: Nothing was shown, or what was shown has ended or is not genuine (401).
            AccessError: A change from a browser without its CSRF token (403).
            ServiceError: The issuer's keys cannot be had now (503).
            RegistryBusyError: The registry is locked or away (503).
        """
        if self.no_auth:
            return NOBODY
        shown, secret = self._shown(request)
        found = self._kept(shown, secret)
        if found is None:
            found = await to_thread.run_sync(self._find, shown, secret)
        if found.shown == "session":
            check_csrf(request, found.csrf_token)
        return found

    def again(self, found: Identified) -> Identified:
        """Who asked, as it is now: for answers that go on for long, such as live events. May wait for the registry.

        Raises:
            IdentityError: What was shown has ended meanwhile.
        """
        if found.shown == "none":
            return found
        shown: Shown = "session" if found.shown == "session" else "token"
        return self._kept(shown, found.secret) or self._find(shown, found.secret)

    def of_cookie(self, cookie: str) -> Identified:
        """Who has a session that was begun just now."""
        return self._find("session", cookie)

    def forget(self) -> None:
        """Look everything up anew: accounts, grants or keys were changed here."""
        self._recent.forget()

    def public_keys(self) -> list[dict[str, str]]:
        """What tokens of the built-in issuer can be verified with."""
        return self._signing.public()

    def _shown(self, request: HTTPConnection) -> tuple[Shown, str]:
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer" or not token.strip() or len(token) > _LONGEST:
                raise IdentityError("the Authorization header must be `Bearer` and a token or a key")
            return "token", token.strip()
        cookie = self.cookies.read(request)
        if not cookie:
            raise IdentityError("sign in first, or send a token or a key as `Authorization: Bearer`")
        return "session", cookie[:_LONGEST]

    def _kept(self, shown: Shown, secret: str) -> Identified | None:
        found = self._recent.get(_name(shown, secret))
        if found is not None and found.expires_at_us is not None and self._now_us() >= found.expires_at_us:
            return None
        return found

    def _find(self, shown: Shown, secret: str) -> Identified:
        generation = self._recent.generation
        if shown == "session":
            found = self._of_session(secret)
        elif secret.startswith("tpk_"):
            found = self._of_key(secret)
        elif secret.startswith("twp_"):
            found = self._of_device(secret)
        else:
            found = self._of_token(secret)
        self._recent.put(_name(shown, secret), found, generation)
        return found

    def _of_session(self, cookie: str) -> Identified:
        session = self._registry.sessions.of_cookie(cookie, self._now_us())
        if session is None:
            raise IdentityError("the session has ended: sign in again")
        user = self._user(session.username)
        return self._of_user(user, "session", cookie, session.expires_at_us, session.session_id, csrf_token(cookie))

    def _of_key(self, secret: str) -> Identified:
        key = self._registry.keys.verify(secret, self._now_us())
        if key is None:
            raise IdentityError("the key is not one of this service, or has ended or was revoked")
        with suppress(RegistryBusyError):  # when it was used last is not worth refusing it
            self._registry.keys.used(key, self._now_us())
        return Identified(sights.of_key(key), "key", expires_at_us=key.expires_at_us, secret=secret)

    def _of_device(self, secret: str) -> Identified:
        principal = self._registry.credentials.verify(secret, self._now_us())
        if principal is None:
            raise IdentityError("the token is not one of this service, or has ended or was revoked")
        owner = self._registry.grants.owner(principal.name, self._now_us())
        sight = sights.of_device(principal, None if owner is None else owner.from_us)
        return Identified(sight, "device", secret=secret)

    def _of_token(self, token: str) -> Identified:
        issuer = jose.issuer_of(token)
        external = self._settings.identity.issuer
        if self._issuer_keys is not None and issuer == external:
            return self._of_external(token, self._issuer_keys)
        claims = jose.verify(token, self._signing.verifying(), self._issuer, self._audience, self._now_s())
        session = self._registry.sessions.find(str(claims.all.get("sid", "")))
        if session is None or session.username != claims.subject or not session.holds(self._now_us()):
            raise IdentityError("the sign-in that this token is of has ended: sign in again")
        user = self._user(session.username)
        return self._of_user(user, "token", token, round(claims.expires_s * 1e6), session.session_id)

    def _of_external(self, token: str, keys: IssuerKeys) -> Identified:
        key = keys.keys(jose.key_id_of(token))
        claims = jose.verify(token, key, self._settings.identity.issuer, self._audience, self._now_s())
        account = told(claims, self._settings.identity)
        users = self._registry.users
        user = users.sight_external(account.external_id, account.username, account.role, account.fleets)
        if user.disabled:
            raise IdentityError("the account is disabled")
        return self._of_user(user, "token", token, round(claims.expires_s * 1e6))

    def _of_user(
        self, user: UserRecord, shown: Shown, secret: str, expires_at_us: int, session_id: str = "", csrf: str = ""
    ) -> Identified:
        own = user.role == OWNER
        granted = self._registry.grants.granted(user.username, self._now_us()) if own else NOTHING
        sight = sights.of_user(user, granted)
        return Identified(sight, shown, user.username, session_id, expires_at_us, secret, csrf)

    def _user(self, username: str) -> UserRecord:
        user = self._registry.users.find(username)
        if user is None or user.disabled:
            raise IdentityError("the account is not there any more, or is disabled")
        return user

    @property
    def _audience(self) -> str:
        return self._settings.identity.audience

    def _now_s(self) -> int:
        return self._now_us() // 1_000_000


def _name(shown: Shown, secret: str) -> bytes:
    return hashlib.sha256(f"{shown} {secret}".encode()).digest()
