"""Signing in with a password, and staying signed in: a token is good for minutes, and is renewed when it ends."""

from __future__ import annotations

import threading
from collections.abc import Generator

import httpx

from twinpack.client.calls import ROOT
from twinpack.client.problems import raise_for_problem
from twinpack.views.shapes.identity import RefreshRequest, SignIn, TokenPair


class Bearer(httpx.Auth):
    """Shows a token with every request."""

    def __init__(self, token: str) -> None:
        """Show `token`."""
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Show it."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class SignedIn(httpx.Auth):
    """Signs in at the first request, and renews the token when the service no longer takes it."""

    def __init__(self, username: str, password: str) -> None:
        """Sign in as `username`."""
        self._known = SignIn(username=username, password=password)
        self._pair: TokenPair | None = None
        # A refresh token is good once: two threads that renew at once would end the sign-in of both.
        self._renewing = threading.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Show the token; get another one if it is refused."""
        shown = yield from self._token(request, refused=None)
        request.headers["Authorization"] = f"Bearer {shown}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            shown = yield from self._token(request, refused=shown)
            request.headers["Authorization"] = f"Bearer {shown}"
            yield request

    def _token(self, request: httpx.Request, refused: str | None) -> Generator[httpx.Request, httpx.Response, str]:
        with self._renewing:
            if self._pair is not None and self._pair.access_token != refused:
                return self._pair.access_token
            pair, self._pair = self._pair, None
            if pair is not None:
                body = RefreshRequest(refresh_token=pair.refresh_token).model_dump_json()
                answer = yield _post(request, "refresh", body)
                answer.read()
                if answer.is_success:
                    self._pair = TokenPair.model_validate_json(answer.content, extra="ignore")
                    return self._pair.access_token
            answer = yield _post(request, "token", self._known.model_dump_json())
            answer.read()
            raise_for_problem(answer)
            self._pair = TokenPair.model_validate_json(answer.content, extra="ignore")
            return self._pair.access_token


def _post(like: httpx.Request, name: str, body: str) -> httpx.Request:
    url = like.url.copy_with(raw_path=f"{ROOT}/auth/{name}".encode())
    return httpx.Request("POST", url, content=body, headers={"Content-Type": "application/json"})
