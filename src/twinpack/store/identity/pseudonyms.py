"""Pseudonyms for what names a person or a vehicle to the world: the same one each time, of a key that stays here."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from pathlib import Path

from twinpack.store.files import write_new

FILE = "pseudonyms.key"
_KEY_BYTES = 32
_DIGITS = 12
_VIN = re.compile(r"(?<![A-Za-z0-9])(?=[A-Z0-9]*[A-Z])(?=(?:[A-Z]*[0-9]){3})[A-HJ-NPR-Z0-9]{17}(?![A-Za-z0-9])")
"""17 capital letters and digits without I, O and Q, of which at least three are digits (ISO 3779)."""


class Pseudonyms:
    """Those of a workspace; whoever does not hold its key learns nothing from one, and cannot try names out."""

    def __init__(self, folder: Path) -> None:
        """Use the key in a workspace's folder of keys; it is made when it is needed."""
        self._path = folder / FILE
        self._key = b""

    def vin(self, vin: str) -> str:
        """What logs say in place of a vehicle identification number."""
        return self._made("vin", vin)

    def scrubbed(self, line: str) -> str:
        """A line of a log with a pseudonym for each vehicle identification number; vehicles may be called by them."""
        return _VIN.sub(lambda found: self.vin(found[0]), line)

    def person(self, username: str) -> str:
        """What the audit log says in place of a person that was erased."""
        return self._made("person", username.lower())

    def _made(self, kind: str, text: str) -> str:
        if not self._key:
            self._key = self._kept()
        return f"{kind}-{hmac.new(self._key, f'{kind}:{text}'.encode(), hashlib.sha256).hexdigest()[:_DIGITS]}"

    def _kept(self) -> bytes:
        made = secrets.token_bytes(_KEY_BYTES)
        try:
            if not self._path.exists():
                with suppress(FileExistsError):  # another process was quicker
                    write_new(self._path, made, 0o600)
            return self._path.read_bytes()
        except OSError:
            return made  # a line of a log must be written all the same, and without the name
