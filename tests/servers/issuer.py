"""An OIDC issuer: discovery, keys and signed tokens, over HTTP on this machine."""

from __future__ import annotations

import json
import threading
import time
import warnings
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, OKPKey, RSAKey

Key = RSAKey | ECKey | OKPKey
ALGORITHMS = ("RS256", "ES256", "EdDSA")


class Issuer:
    """Listens at 127.0.0.1.

    Attributes:
        keys: The keys it tells of, by their names.
        asked: Paths that were asked for.
        broken: While it is set, everything is answered with 500.
        hold: While it is not set, nothing is answered.
        document: What it tells of itself in place of the truth.
    """

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.asked: list[str] = []
        self.broken = False
        self.document: dict[str, Any] = {}
        self.hold = threading.Event()
        self.hold.set()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                issuer.hold.wait()
                body = json.dumps(issuer.told(self.path)).encode()
                try:
                    self.send_response(500 if issuer.broken else 200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # the other side waited no longer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/realm"

    def told(self, path: str) -> dict[str, Any]:
        if path == "/realm/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | self.document
        return {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

    def new_key(self, name: str, algorithm: str = "ES256") -> None:
        """Make a key, and tell of it."""
        self.keys[name] = make_key(name, algorithm)

    def token(self, subject: str, key: str = "", **claims: Any) -> str:
        """A token about somebody, signed with a key (the newest); a claim of None is left out."""
        name = key or list(self.keys)[-1]
        return signed(self.claims(subject) | claims, self.keys[name], {"kid": name})

    def claims(self, subject: str) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.url, "aud": "twinpack", "sub": subject, "iat": now, "nbf": now, "exp": now + 300}

    def close(self) -> None:
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def make_key(name: str, algorithm: str) -> Key:
    """A key that signs with an algorithm."""
    parameters: KeyParameters = {"kid": name, "use": "sig", "alg": algorithm}
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, parameters)
    if algorithm == "ES256":
        return ECKey.generate_key("P-256", parameters)
    return OKPKey.generate_key("Ed25519", parameters)


def signed(claims: Mapping[str, Any], key: Key, header: Mapping[str, Any]) -> str:
    """A token with claims; those that are None are left out."""
    algorithm = str(key.alg)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is said of EdDSA that it has another name now
        kept = {name: value for name, value in claims.items() if value is not None}
        shown = {name: value for name, value in header.items() if value is not None}
        return jwt.encode({"alg": algorithm} | shown, kept, key, algorithms=[algorithm])
