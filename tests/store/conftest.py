from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, select

from tests.servers.disks import small_disk as small_disk
from tests.servers.postgresql import Server
from tests.servers.postgresql import postgresql as postgresql
from twinpack.store import schema
from twinpack.store.registry import Registry


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def registry_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of every kind, with nothing in it: what holds for one holds for all."""
    if request.param == "postgresql":
        yield from request.getfixturevalue("emptied")
    elif request.param == "sqlite":
        path = tmp_path_factory.mktemp("registry") / "registry.db"
        shutil.copy(request.getfixturevalue("migrated_file"), path)
        yield f"sqlite:///{path}"
    else:
        yield "sqlite://"


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    """An open one, with this release's tables."""
    with Registry.open(registry_url) as opened:
        opened.upgrade()
        yield opened


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite registry to be copied: migrating each test's own takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "registry.db"
    with Registry.open(f"sqlite:///{path}") as made:
        made.upgrade()
    return path


@pytest.fixture(scope="session")
def migrated_url(postgresql: Server) -> str:
    """A PostgreSQL registry that tests share one after the other."""
    url = postgresql.new_database()
    with Registry.open(url) as made:
        made.upgrade()
    return url


@pytest.fixture
def emptied(migrated_url: str) -> Iterator[Iterator[str]]:
    """Its URL; what the test leaves in it is removed."""
    engine = create_engine(migrated_url)
    tables = schema.metadata.sorted_tables
    with engine.connect() as connection:
        kept = {table: [dict(row) for row in connection.execute(select(table)).mappings()] for table in tables}
    yield iter([migrated_url])
    with engine.begin() as connection:
        for table in reversed(tables):
            connection.execute(delete(table))
        for table in tables:
            if kept[table]:
                connection.execute(table.insert(), kept[table])
    engine.dispose()
