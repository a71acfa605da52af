"""Finds who asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.requests import HTTPConnection

from twinpack.api.identity.identified import NOBODY, Identified
from twinpack.store.records import now_us
from twinpack.store.registry import Registry
from twinpack.store.settings import Settings
from twinpack.views.opened import Views
from twinpack.views.sight import Sight


class Authenticator:
    """Finds who asks, by a bearer token, a key, a device's token or a browser session. Safe for many threads."""

    def __init__(
        self,
        registry: Registry,
        settings: Settings,
        keys_dir: Path,
        now_us: Callable[[], int] = now_us,
        *,
        no_auth: bool = False,
    ) -> None:
        """Take the open registry of a workspace, and its folder of keys."""
        self._registry = registry
        self._settings = settings
        self._keys_dir = keys_dir
        self._now_us = now_us
        self.no_auth = no_auth

    @classmethod
    def of(cls, views: Views, *, no_auth: bool = False) -> Authenticator:
        """That of an open workspace."""
        workspace = views.workspace
        return cls(views.registry, workspace.settings, workspace.home / "keys", views.now_us, no_auth=no_auth)

    async def identified(self, request: HTTPConnection) -> Identified:
        """Who asks; what was found a moment ago is not looked up again.

        Raises:
            IdentityError: Nothing was shown, or what was shown has ended or is not genuine (401).
            AccessError: A change from a browser without its CSRF token, or from another site (403).
            ServiceError: The issuer's keys cannot be had now (503).
            RegistryBusyError: The registry is locked or away (503).
        """
        return self.identify(request)

    def identify(self, request: HTTPConnection) -> Identified:
        """The same, for a thread of its own."""
        if self.no_auth:
            return NOBODY
        raise NotImplementedError

    def sight(self, request: HTTPConnection) -> Sight:
        """What the one who asks may see and do; see `identified`."""
        return self.identify(request).sight

    def again(self, found: Identified) -> Identified:
        """Who asked, as it is now: for answers that go on for long, such as live events. May wait for the registry.

        Raises:
            IdentityError: What was shown has ended meanwhile.
        """
        if self.no_auth:
            return found
        raise NotImplementedError

    def forget(self) -> None:
        """Look everything up anew: accounts, grants or keys were changed here."""
