"""People of a small workspace, and their browsers."""

from __future__ import annotations

from types import TracebackType

import httpx
import pytest
from argon2 import PasswordHasher

from twinpack.store.identity import passwords
from twinpack.store.identity.records import UserRecord
from twinpack.store.registry import Registry

PASSWORD = "correct horse battery"
SINCE_US = 1_600_000_000_000_000
ACCOUNTS = {
    "root": UserRecord("root", "admin", "Root"),
    "nora": UserRecord("nora", "operator", "Nora", ("north",)),
    "sven": UserRecord("sven", "operator", "Sven", ("south",)),
    "ada": UserRecord("ada", "analyst", "Ada", ("north",)),
    "tom": UserRecord("tom", "technician", "Tom", ("north",)),
    "anna": UserRecord("anna", "owner", "Anna"),
    "bert": UserRecord("bert", "owner", "Bert"),
    "cleo": UserRecord("cleo", "owner", "Cleo"),
}
"""Anna owns north-1 and shares it with Cleo; Bert owned south-1, whose grant has ended."""


def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash as weakly as argon2 allows: most tests are not about how long guessing takes."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    passwords._no_password.cache_clear()  # noqa: SLF001


def made_people(registry: Registry) -> None:
    """Make the accounts and grants."""
    for user in ACCOUNTS.values():
        registry.users.add(user, PASSWORD)
    registry.grants.give("north-1", "anna", "root", from_us=SINCE_US)
    registry.grants.share("north-1", "anna", "cleo", 4_000_000_000_000_000)
    ended = registry.grants.give("south-1", "bert", "root", from_us=SINCE_US)
    registry.grants.end(ended.grant_id)


class Browser:
    """Signs in, keeps its cookie, and sends its CSRF token with each change, as the web app does."""

    def __init__(self, url: str, name: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60.0)
        answer = self.http.post("/v1/auth/sign-in", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        self.me = answer.json()
        self.csrf = {"X-CSRF-Token": self.me["csrf_token"]}

    def get(self, path: str, **more: str) -> httpx.Response:
        return self.http.get(path, params=more)

    def post(self, path: str, **body: object) -> httpx.Response:
        return self.http.post(path, json=body, headers=self.csrf)

    def put(self, path: str, **body: object) -> httpx.Response:
        return self.http.put(path, json=body, headers=self.csrf)

    def patch(self, path: str, **body: object) -> httpx.Response:
        return self.http.patch(path, json=body, headers=self.csrf)

    def delete(self, path: str) -> httpx.Response:
        return self.http.delete(path, headers=self.csrf)


class People:
    """Browsers by the name of who sits at them; each signs in when it is first used."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._browsers: dict[str, Browser] = {}

    def __getitem__(self, name: str) -> Browser:
        if name not in self._browsers:
            self._browsers[name] = Browser(self._url, name)
        return self._browsers[name]

    def __enter__(self) -> People:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for browser in self._browsers.values():
            browser.http.close()
