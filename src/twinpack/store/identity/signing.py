"""The keys that sign access tokens of the built-in issuer: Ed25519, in a file that its owner alone may read.

The newest signs. Those before it verify what they signed until that has run out, so that a change of keys signs nobody
out; `twinpack user rotate-keys` makes a new one.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from threading import Lock

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from twinpack.errors import WorkspaceError
from twinpack.store.files import write_atomic, write_new

FILE = "tokens.json"
_KEPT = 3
_ID_BYTES = 8


class SigningKeys:
    """The keys of a workspace; what another process changed is seen with the next use."""

    def __init__(self, folder: Path) -> None:
        """Keep them in a workspace's folder of keys; the first is made when it is needed."""
        self._path = folder / FILE
        self._lock = Lock()
        self._read_at: tuple[int, int] = (0, 0)
        self._keys: list[OKPKey] = []

    def signing(self) -> OKPKey:
        """The key that signs now."""
        return self._all()[0]

    def verifying(self) -> KeySet:
        """Every key that what was signed may still be verified with."""
        return KeySet(list(self._all()))

    def public(self) -> list[dict[str, str]]:
        """Their public halves, as JSON Web Keys."""
        shown = ("kty", "crv", "x", "kid", "use", "alg")
        return [{name: str(key.as_dict(private=False)[name]) for name in shown} for key in self._all()]

    def rotate(self) -> str:
        """Let a new key sign from now on; returns its identity."""
        before = self._all()
        made = _make()
        write_atomic(self._path, _text([made, *before][:_KEPT]), 0o600)
        return str(made.kid)

    def _all(self) -> list[OKPKey]:
        with self._lock:
            try:
                seen = self._path.stat()
            except FileNotFoundError:
                self._begin()
                seen = self._path.stat()
            stamp = (seen.st_mtime_ns, seen.st_ino)
            if stamp != self._read_at:
                self._keys, self._read_at = self._read(), stamp
            return self._keys

    def _begin(self) -> None:
        try:
            write_new(self._path, _text([_make()]), 0o600)
        except FileExistsError:
            pass  # another process was quicker
        except OSError as error:
            raise WorkspaceError(f"{self._path} cannot be written: {error.strerror}") from error

    def _read(self) -> list[OKPKey]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))["keys"]
            keys = [OKPKey.import_key(key) for key in found]
            if not keys or not all(key.is_private and key.kid for key in keys):
                raise ValueError("a key is not whole")
        except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
            raise WorkspaceError(f"{self._path} is damaged: restore it, or remove it, which signs all out") from error
        return keys


def _make() -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": secrets.token_hex(_ID_BYTES), "use": "sig", "alg": "EdDSA"})


def _text(keys: list[OKPKey]) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=True) for key in keys]}, indent=1).encode()
