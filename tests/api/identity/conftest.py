"""A service over a small workspace where people sign in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.identity.people import PASSWORD, People, made_people, quick_hashing
from tests.servers.issuer import Issuer
from tests.views.conftest import begun
from twinpack.api.service import ApiService
from twinpack.store.settings import ApiSettings, IdentitySettings, Settings
from twinpack.store.workspace import Workspace


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_hashing(monkeypatch)


@pytest.fixture
def settings() -> Settings:
    return Settings(api=ApiSettings(port=0), identity=IdentitySettings(lockout_failures=3))


@pytest.fixture
def workspace(tmp_path: Path, settings: Settings) -> Workspace:
    workspace = Workspace.open(tmp_path / "home", settings=settings)
    with workspace.registry() as registry:
        begun(registry)
        made_people(registry)
    return workspace


@pytest.fixture
def service(workspace: Workspace) -> Iterator[ApiService]:
    with ApiService(workspace) as service:
        yield service


@pytest.fixture
def people(service: ApiService) -> Iterator[People]:
    """Browsers of several people."""
    with People(service.url) as people:
        yield people


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.close()


def tokens(client: httpx.Client, name: str, password: str = PASSWORD) -> dict[str, str]:
    """A pair of tokens of an account."""
    answer = client.post("/v1/auth/token", json={"username": name, "password": password})
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def bearing(token: str) -> dict[str, str]:
    """The header that shows a token."""
    return {"Authorization": f"Bearer {token}"}
