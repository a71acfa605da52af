"""A service over a small workspace: two fleets, and nobody has to sign in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.views.conftest import begun
from twinpack.api.service import ApiService
from twinpack.store.registry import Registry
from twinpack.store.settings import ApiSettings, Settings
from twinpack.store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.open(tmp_path / "home", settings=Settings(api=ApiSettings(port=0)))
    with workspace.registry() as registry:
        begun(registry)
    return workspace


@pytest.fixture
def registry(workspace: Workspace) -> Iterator[Registry]:
    """As another process has it open."""
    with workspace.registry() as registry:
        yield registry


@pytest.fixture
def service(workspace: Workspace) -> Iterator[ApiService]:
    with ApiService(workspace, no_auth=True) as service:
        yield service


@pytest.fixture
def client(service: ApiService) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=60.0) as client:
        yield client
