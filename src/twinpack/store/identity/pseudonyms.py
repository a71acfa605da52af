"""Pseudonyms for what names a person or a vehicle to the world: the same one each time, of a key that stays here."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from pathlib import Path

from twinpack.store.files import write_new

FILE = "pseudonyms.key"
_KEY_BYTES = 32
_DIGITS = 12


class Pseudonyms:
    """Those of a workspace; whoever does not hold its key learns nothing from one, and cannot try names out."""

    def __init__(self, folder: Path) -> None:
        """Use the key in a workspace's folder of keys; it is made when it is needed."""
        self._path = folder / FILE
        self._key = b""

    def vin(self, vin: str) -> str:
        """What logs say in place of a vehicle identification number."""
        return self._made("vin", vin)

    def person(self, username: str) -> str:
        """What the audit log says in place of a person that was erased."""
        return self._made("person", username.lower())

    def _made(self, kind: str, text: str) -> str:
        if not self._key:
            if not self._path.exists():
                with suppress(FileExistsError):  # another process was quicker
                    write_new(self._path, secrets.token_bytes(_KEY_BYTES), 0o600)
            self._key = self._path.read_bytes()
        return f"{kind}-{hmac.new(self._key, f'{kind}:{text}'.encode(), hashlib.sha256).hexdigest()[:_DIGITS]}"
