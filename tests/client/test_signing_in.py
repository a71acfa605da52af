"""Asking as an account, and with a key: signed in once, and for as long as it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from twinpack.api.app import make_app
from twinpack.api.identity.authenticator import Authenticator
from twinpack.client import Client
from twinpack.client.local import HOST, InProcess
from twinpack.client.signing_in import Bearer, SignedIn
from twinpack.errors import AccessError, IdentityError
from twinpack.store.identity.records import UserRecord
from twinpack.store.records import now_us
from twinpack.store.workspace import Workspace
from twinpack.views.opened import Views

NAME, PASSWORD = "m.kern", "correct horse battery staple"
HOUR_US = 3_600_000_000


class Service:
    """A service with sign-in and a clock of its own, which keeps count of what it is asked."""

    def __init__(self, home: Path) -> None:
        self.ahead_us = 0
        self.asked: list[str] = []
        self.views = Views(Workspace.open(home), lambda: now_us() + self.ahead_us)
        self.views.registry.users.add(UserRecord(NAME, "analyst"), PASSWORD)
        settings = self.views.workspace.settings.api
        self.authenticator = Authenticator.of(self.views)
        self._inside = InProcess(make_app(self.views, self.authenticator, settings))

    def client(self, auth: httpx.Auth | None) -> Client:
        http = httpx.Client(base_url=f"http://{HOST}", transport=self._inside, auth=auth)
        http.event_hooks = {"response": [lambda answer: self.asked.append(answer.request.url.path)]}
        return Client(http)

    def close(self) -> None:
        self._inside.close()
        self.views.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    started = Service(tmp_path / "home")
    yield started
    started.close()


def test_one_signs_in_at_the_first_request_and_stays_signed_in(service: Service) -> None:
    client = service.client(SignedIn(NAME, PASSWORD))

    assert client.me().username == NAME
    assert client.me().role == "analyst"

    assert service.asked == ["/v1/auth/token", "/v1/me", "/v1/me"]


def test_a_token_that_has_ended_is_renewed(service: Service) -> None:
    client = service.client(SignedIn(NAME, PASSWORD))
    client.me()
    service.ahead_us = HOUR_US

    assert client.me().username == NAME
    assert service.asked[2:] == ["/v1/me", "/v1/auth/refresh", "/v1/me"]


def test_when_it_can_no_longer_be_renewed_one_signs_in_again(service: Service) -> None:
    client = service.client(SignedIn(NAME, PASSWORD))
    client.me()
    service.ahead_us = 24 * 30 * HOUR_US

    assert client.me().username == NAME
    assert service.asked[-3:] == ["/v1/auth/refresh", "/v1/auth/token", "/v1/me"]


def test_a_wrong_password_is_refused(service: Service) -> None:
    with pytest.raises(IdentityError):
        service.client(SignedIn(NAME, "not the password at all")).me()


def test_an_account_may_do_what_its_role_may(service: Service) -> None:
    with pytest.raises(AccessError):
        service.client(SignedIn(NAME, PASSWORD)).imports()


def test_a_key_opens_until_it_is_revoked(service: Service) -> None:
    made = service.views.registry.keys.add("report", "analyst", NAME, days=1.0)
    client = service.client(Bearer(made.key))
    assert client.me().role == "analyst"

    service.views.registry.keys.revoke(made.record.key_id)
    service.authenticator.forget()

    with pytest.raises(IdentityError):
        client.me()


def test_nobody_is_told_to_sign_in(service: Service) -> None:
    with pytest.raises(IdentityError):
        service.client(None).me()
