from __future__ import annotations

from collections.abc import Iterator

import pytest

from twinpack.store.registry import Registry


@pytest.fixture(params=["memory", "sqlite"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Every kind of registry: what holds for one holds for all."""
    folder = tmp_path_factory.mktemp("registry")
    urls = {"memory": "sqlite://", "sqlite": f"sqlite:///{folder / 'registry.db'}"}
    with Registry.open(urls[request.param]) as opened:
        opened.upgrade()
        yield opened
