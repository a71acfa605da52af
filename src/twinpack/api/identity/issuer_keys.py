"""The keys of an OIDC issuer: asked for over HTTP, kept, and asked for anew when a token names one not known yet."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from twinpack.errors import ServiceError, SettingsError
from twinpack.store.settings import IdentitySettings

TIMEOUT_S = 3.0
FRESH_S = 600.0
"""After so long the keys are asked for again: one that the issuer took back must not open for ever."""
WAIT_S = 10.0
"""The issuer is not asked more often than this, whatever tokens name."""
USABLE_S = 86_400.0
"""For how long an issuer that does not answer is trusted with the keys it had."""
_MOST_BYTES = 512_000
_MOST_KEYS = 100
_PUBLIC = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")
_LEAST_RSA_DIGITS = 342
"""In base 64, of a modulus of 2,048 bits."""

IssuerKey = RSAKey | ECKey | OKPKey


class IssuerKeys:
    """Keys of one issuer, kept for a while. Safe for many threads, of which one asks at a time."""

    def __init__(self, settings: IdentitySettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask the issuer of the settings.

        Raises:
            SettingsError: It would be asked over a line that others can change.
        """
        self._issuer, self._jwks_url = settings.issuer, settings.jwks_url
        for name, url in (("issuer", settings.issuer), ("jwks_url", settings.jwks_url)):
            if url:
                _check_url(name, url)
        self._clock = clock
        self._lock = Lock()
        self._keys: dict[str, IssuerKey] = {}
        self._had_at = self._asked_at = float("-inf")

    def keys(self, key_id: str) -> KeySet:
        """The key that a token names, or all of them when it names none; empty when there is no such key.

        Raises:
            ServiceError: The issuer does not answer, and never did, or not for long.
        """
        if self._wants(key_id):
            # Who has a key that opens does not wait for another's asking.
            if self._lock.acquire(blocking=key_id not in self._keys):
                try:
                    if self._wants(key_id):  # another thread may have asked meanwhile
                        self._ask()
                finally:
                    self._lock.release()
        if self._clock() - self._had_at > USABLE_S:
            raise ServiceError(f"the keys of issuer {self._issuer} cannot be had; try again soon")
        found = self._keys
        if not key_id:
            return KeySet(list(found.values()))
        return KeySet([found[key_id]] if key_id in found else [])

    def _wants(self, key_id: str) -> bool:
        now = self._clock()
        due = now - self._had_at > FRESH_S or (bool(key_id) and key_id not in self._keys)
        return due and now - self._asked_at > WAIT_S

    def _ask(self) -> None:
        self._asked_at = self._clock()
        try:
            with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client:
                keys = _read_keys(_get(client, self._jwks_url or self._discover(client)))
        except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError, SettingsError):
            return  # what is kept goes on being used, for a while
        self._keys, self._had_at = keys, self._clock()

    def _discover(self, client: httpx.Client) -> str:
        document = _get(client, f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if document["issuer"] != self._issuer:
            raise ValueError("the document is another issuer's")
        found = str(document["jwks_uri"])
        _check_url("jwks_url", found)
        return found


def _get(client: httpx.Client, url: str) -> dict[str, Any]:
    read = b""
    with client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
        answer.raise_for_status()
        if answer.status_code != 200:
            raise ValueError(f"status {answer.status_code}")
        for piece in answer.iter_bytes():
            read += piece
            if len(read) > _MOST_BYTES:
                raise ValueError("the answer is too long")
    found = httpx.Response(200, content=read).json()
    if not isinstance(found, dict):
        raise ValueError("the answer is no object")
    return found


def _read_keys(document: dict[str, Any]) -> dict[str, IssuerKey]:
    """The keys that sign, by name; those of other kinds, and weak ones, are passed over."""
    found: dict[str, IssuerKey] = {}
    for number, one in enumerate(document["keys"][:_MOST_KEYS]):
        with suppress(JoseError, ValueError, KeyError, TypeError, AttributeError):
            key = _read_key(one)
            if key is not None and one.get("use", "sig") == "sig":
                found[str(one.get("kid") or f"#{number}")] = key
    return found


def _read_key(one: dict[str, Any]) -> IssuerKey | None:
    public = {name: value for name, value in one.items() if name in _PUBLIC}
    if one["kty"] == "EC":
        return ECKey.import_key(public)
    if one["kty"] == "OKP":
        return OKPKey.import_key(public)
    if one["kty"] == "RSA" and len(one["n"]) >= _LEAST_RSA_DIGITS:
        return RSAKey.import_key(public)
    return None


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return
    raise SettingsError(f"[identity] {name} {url!r} cannot be used: give an https:// address")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
