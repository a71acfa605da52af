from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.postgresql import Server
from tests.servers.postgresql import postgresql as postgresql
from twinpack.store.registry import Registry


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def registry_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database of every kind: what holds for one holds for all."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        url = server.new_database()
        yield url
        server.drop(url)
    else:
        folder = tmp_path_factory.mktemp("registry")
        yield {"memory": "sqlite://", "sqlite": f"sqlite:///{folder / 'registry.db'}"}[request.param]


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    """A registry of every kind, with this release's tables."""
    with Registry.open(registry_url) as opened:
        opened.upgrade()
        yield opened
