from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

import twinpack.store.migrations
from tests.servers.postgresql import Server, running_server
from tests.store.chains import chain, plain_event, resealed, version, version_event, version_events
from twinpack.errors import (
    AuditError,
    NotFoundError,
    RegistryBusyError,
    SettingsError,
    WorkspaceError,
    WorkspaceVersionError,
)
from twinpack.fleet.events import PREDICTION, STEPS, TRIP
from twinpack.store import schema
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.twin.versions import REFUSED


def test_a_new_registry_is_empty(registry: Registry) -> None:
    assert registry.offset() == 0
    assert registry.vehicles() == []
    assert registry.versions("car-1") == []
    assert registry.head("car-1") is None
    assert registry.deployed("car-1") is None
    assert registry.latest() == {}
    assert registry.event_counts() == {}


def test_a_batch_commits_events_versions_latest_state_and_offset_together(registry: Registry) -> None:
    made = chain("car-1", 3)
    events = [plain_event("car-1", TRIP, 4), plain_event("car-1", PREDICTION, 4), *version_events(made, 0)]
    added = registry.commit_batch(MAIN_STREAM, 0, 10, events, {"car-1": {"soc_pct": 40.5, "trips": 3}})
    assert added == 5
    assert registry.offset() == 10
    assert registry.versions("car-1") == made
    assert registry.version_count() == 3
    assert registry.latest() == {"car-1": {"soc_pct": 40.5, "trips": 3}}
    assert registry.event_counts() == {PREDICTION: 1, TRIP: 1, "version": 3}
    assert registry.known_events([events[0].event_id, "another"]) == {events[0].event_id}


def test_what_fails_leaves_nothing_behind(registry: Registry) -> None:
    made = chain("car-1", 3)
    events = [plain_event("car-1", TRIP, 1), version_event(made[0], 1), version_event(made[2], 2)]
    with pytest.raises(AuditError, match="vehicle car-1, version 3: the chain ends at version 1, so 2 is missing"):
        registry.commit_batch(MAIN_STREAM, 0, 10, events, {"car-1": {}})
    assert registry.offset() == 0
    assert registry.event_counts() == {}
    assert registry.vehicles() == []
    assert registry.latest() == {}


def test_committing_the_same_batch_again_adds_nothing(registry: Registry) -> None:
    events = [plain_event("car-1", TRIP, 4), *version_events(chain("car-1", 3), 0)]
    registry.commit_batch(MAIN_STREAM, 0, 10, events, {"car-1": {"a": 1}})
    assert registry.commit_batch(MAIN_STREAM, 0, 10, events, {"car-1": {"a": 1}}) == 0
    assert registry.offset() == 10
    assert registry.version_count() == 3


def test_a_restart_may_cut_the_rows_into_other_batches(registry: Registry) -> None:
    made = chain("car-1", 4)
    events = version_events(made, 0)
    registry.commit_batch(MAIN_STREAM, 0, 2, events[:2], {"car-1": {"n": 2}})
    registry.commit_batch(MAIN_STREAM, 2, 3, events[2:3], {"car-1": {"n": 3}})
    assert registry.commit_batch(MAIN_STREAM, 0, 1, events[:1], {"car-1": {"n": 1}}) == 0
    assert registry.latest_of("car-1") == {"n": 3}, "a replay never sets the latest state back"
    assert registry.offset() == 3
    assert registry.commit_batch(MAIN_STREAM, 1, 4, events[1:], {"car-1": {"n": 4}}) == 1
    assert registry.versions("car-1") == made
    assert registry.latest_of("car-1") == {"n": 4}
    assert registry.offset() == 4


def test_a_replay_with_another_outcome_is_refused(registry: Registry) -> None:
    registry.commit_batch(MAIN_STREAM, 0, 10, [plain_event("car-1", TRIP, 4)], {})
    with pytest.raises(WorkspaceError, match=r"another outcome .*car-1, trip at offset 5"):
        registry.commit_batch(MAIN_STREAM, 0, 10, [plain_event("car-1", TRIP, 5)], {})


def test_a_batch_that_leaves_a_gap_is_refused(registry: Registry) -> None:
    registry.commit_batch(MAIN_STREAM, 0, 10, [], {})
    with pytest.raises(WorkspaceError, match="stands at offset 10, this batch begins at 11"):
        registry.commit_batch(MAIN_STREAM, 11, 20, [], {})
    assert registry.offset() == 10


@pytest.mark.parametrize(("before", "after"), [(5, 4), (-1, 4)])
def test_impossible_offsets_are_a_mistake_of_the_caller(registry: Registry, before: int, after: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        registry.commit_batch(MAIN_STREAM, before, after, [], {})


def test_an_event_outside_its_batch_is_a_mistake_of_the_caller(registry: Registry) -> None:
    with pytest.raises(ValueError, match="at offset 10 is not of the batch 0 to 10"):
        registry.commit_batch(MAIN_STREAM, 0, 10, [plain_event("car-1", TRIP, 10)], {})


def test_streams_have_their_own_offsets(registry: Registry) -> None:
    registry.commit_batch("one", 0, 7, [], {})
    assert (registry.offset("one"), registry.offset("two")) == (7, 0)


def test_step_predictions_stay_out_of_the_registry(registry: Registry) -> None:
    assert registry.commit_batch(MAIN_STREAM, 0, 1, [plain_event("car-1", STEPS, 0)], {}) == 0
    assert registry.event_counts() == {}


def test_a_version_never_changes(registry: Registry) -> None:
    made = chain("car-1", 2)
    registry.commit_batch(MAIN_STREAM, 0, 2, version_events(made, 0), {})
    changed = resealed(made[1], "another reason")
    with pytest.raises(AuditError, match="vehicle car-1, version 2: the registry holds another version"):
        registry.commit_batch(MAIN_STREAM, 0, 2, [version_event(changed, 1)], {})
    assert registry.versions("car-1") == made


def test_two_versions_of_one_number_in_a_batch_are_refused(registry: Registry) -> None:
    first = version("car-1", 1)
    twice = [version_event(first, 0), version_event(resealed(first, "twin"), 1)]
    with pytest.raises(AuditError, match="holds another version with this number"):
        registry.commit_batch(MAIN_STREAM, 0, 2, twice, {})


def test_a_version_must_name_its_parent(registry: Registry) -> None:
    made = chain("car-1", 2)
    orphan = replace(made[1], parent_hash="b" * 64).sealed()
    with pytest.raises(AuditError, match="parent hash is not that of version 1"):
        registry.commit_batch(MAIN_STREAM, 0, 2, version_events([made[0], orphan], 0), {})


def test_a_version_must_carry_the_hash_of_its_content(registry: Registry) -> None:
    forged = replace(version("car-1", 1), reason="something else")
    with pytest.raises(AuditError, match="hash is not that of its content"):
        registry.commit_batch(MAIN_STREAM, 0, 1, [version_event(forged, 0)], {})


def test_the_deployed_version_is_the_last_that_was_not_refused(registry: Registry) -> None:
    made = chain("car-1", 2)
    refused = replace(version("car-1", 3, made[1]), kind=REFUSED).sealed()
    registry.commit_batch(MAIN_STREAM, 0, 3, version_events([*made, refused], 0), {})
    assert registry.head("car-1") == refused
    assert registry.deployed("car-1") == made[1]
    assert registry.version("car-1", 2) == made[1]


def test_a_missing_version_or_vehicle_is_named(registry: Registry) -> None:
    registry.commit_batch(MAIN_STREAM, 0, 2, version_events(chain("car-1", 2), 0), {})
    with pytest.raises(NotFoundError, match="'car-1' has no version 9; it has versions 1 to 2"):
        registry.version("car-1", 9)
    with pytest.raises(NotFoundError, match="'car-2' is not known"):
        registry.version("car-2", 1)


def test_vehicles_are_entered_with_their_first_version_and_renewed_on_request(registry: Registry) -> None:
    registry.commit_batch(MAIN_STREAM, 0, 1, [version_event(version("car-1", 1), 0)], {})
    assert registry.vehicle("car-1") == VehicleRecord("car-1", "", "a" * 64, 1_000_000)
    renewed = VehicleRecord("car-1", "bmw_i3_60ah", "c" * 64, 5)
    registry.commit_batch(MAIN_STREAM, 1, 2, [], {}, [renewed])
    assert registry.vehicles() == [VehicleRecord("car-1", "bmw_i3_60ah", "c" * 64, 1_000_000)]


def test_versions_of_many_vehicles_in_one_batch(registry: Registry) -> None:
    chains = [chain(f"car-{place}", 3) for place in range(200)]
    events = [event for made in chains for event in version_events(made, 0)]
    assert registry.commit_batch(MAIN_STREAM, 0, 3, events, {}) == 600
    assert [row.number for row in registry.version_rows()] == [1, 2, 3] * 200


def test_missing_figures_in_the_latest_state_become_null(registry: Registry) -> None:
    registry.commit_batch(MAIN_STREAM, 0, 1, [], {"car-1": {"soc_pct": math.nan}})
    assert registry.latest_of("car-1") == {"soc_pct": None}
    assert registry.latest_of("car-2") == {}


def test_the_model_entered_last_comes_first(registry: Registry) -> None:
    for digest in ("a" * 64, "b" * 64, "a" * 64):
        registry.add_model(digest, "sim", "prototype", {"rmse_v": 0.1})
    registry.add_model("d" * 64, "other", "prototype", {})
    assert [record.hash[0] for record in registry.models("sim")] == ["a", "b"]
    assert len(registry.models()) == 3
    assert registry.models("sim")[0].card == {"rmse_v": 0.1}


def test_what_the_first_run_fixed_stays(registry: Registry) -> None:
    assert registry.genesis("shards") is None
    registry.set_genesis("shards", 256)
    registry.set_genesis("shards", 256)
    with pytest.raises(WorkspaceError, match="begun with shards = 256, now it is 64"):
        registry.set_genesis("shards", 64)
    registry.set_genesis("shards", 64, replace=True)
    assert registry.genesis("shards") == 64


def test_commits_survive_closing(file_url: str) -> None:
    with Registry.open(file_url) as registry:
        registry.upgrade()
        registry.commit_batch(MAIN_STREAM, 0, 3, version_events(chain("car-1", 3), 0), {})
    with Registry.open(file_url) as registry:
        registry.upgrade()
        assert registry.offset() == 3
        assert registry.versions("car-1") == chain("car-1", 3)


def test_one_may_read_while_another_writes(file_url: str) -> None:
    with Registry.open(file_url) as writer, Registry.open(file_url) as reader:
        writer.upgrade()
        writer.commit_batch(MAIN_STREAM, 0, 3, version_events(chain("car-1", 3), 0), {})
        rows = reader.version_rows()
        assert next(rows).number == 1
        writer.commit_batch(MAIN_STREAM, 3, 4, [], {})
        assert [row.number for row in rows] == [2, 3]
        assert reader.offset() == 4


def test_migrations_lead_to_the_tables_the_code_uses_and_back(file_url: str) -> None:
    with Registry.open(file_url) as registry:
        assert registry.revision() == ""
        registry.upgrade()
        assert registry.revision() == schema.HEAD_REVISION
        assert _differences(file_url) == []
        registry.upgrade("base")
        assert _tables(file_url) == {"alembic_version"}
        registry.upgrade()
        assert _differences(file_url) == []


@pytest.mark.parametrize("earlier", ["0001", "0002", "0003", "0004", "0005", "0006"])
def test_what_an_earlier_release_recorded_is_there_after_the_upgrade(file_url: str, earlier: str) -> None:
    made = chain("car-1", 3)
    with Registry.open(file_url) as registry:
        registry.upgrade(earlier)
        met = [VehicleRecord("car-1", "bmw_i3_60ah", "a" * 64, 5)]
        registry.commit_batch(MAIN_STREAM, 0, 3, version_events(made, 0), {"car-1": {"soc": 0.5}}, met)
        registry.set_genesis("shards", 256)
        before = _tables(file_url)
        registry.upgrade()
        assert registry.revision() == schema.HEAD_REVISION
        assert (registry.versions("car-1"), registry.vehicles(), registry.offset()) == (made, met, 3)
        assert (registry.latest(), registry.genesis("shards")) == ({"car-1": {"soc": 0.5}}, 256)
        assert registry.fleet.known()["car-1"].fleet == "default"
        assert (registry.alarms.alarms(), registry.workshop.records(), registry.mutes.windows()) == ([], [], [])
        registry.upgrade(earlier)
        assert _tables(file_url) == before
        assert registry.versions("car-1") == made


def test_two_processes_may_upgrade_at_once(file_url: str) -> None:
    registries = [Registry.open(file_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(registry.upgrade) for registry in registries]:
            done.result()
    assert registries[0].revision() == schema.HEAD_REVISION
    assert [fleet.name for fleet in registries[0].fleet.fleets()] == ["default"]
    for registry in registries:
        registry.close()


def test_the_code_works_with_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(twinpack.store.migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD_REVISION]


def test_a_registry_of_a_later_release_is_refused(file_url: str) -> None:
    with Registry.open(file_url) as registry:
        registry.upgrade()
        _execute(file_url, "UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(WorkspaceVersionError, match="revision 9999, made by a later release"):
            registry.upgrade()


@pytest.mark.parametrize("url", ["nonsense", "nosuchdb://somewhere/x"])
def test_a_url_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(SettingsError, match="registry_url"):
        Registry.open(url)


def test_a_file_that_is_no_database_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_bytes(b"not a database at all, but long enough to be read as a header" * 20)
    with (
        Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as registry,
        pytest.raises(WorkspaceError, match="the registry cannot be used"),
    ):
        registry.upgrade()


def test_a_url_needs_no_driver(postgresql: Server) -> None:
    url = postgresql.new_database()
    with Registry.open(url.replace("+psycopg", "")) as registry:
        registry.upgrade()
        assert registry.revision() == schema.HEAD_REVISION
    postgresql.drop(url)


def test_a_missing_driver_says_what_to_install() -> None:
    with pytest.raises(SettingsError, match=r"needs pg8000, which is not here; .*twinpack\[postgres\]"):
        Registry.open("postgresql+pg8000://reader@somewhere/x")


@pytest.mark.parametrize(
    "url",
    [
        "nosuchdb://reader:hunter2@somewhere/x",
        "postgresql+nodriver://reader:hunter2@somewhere/x",
        "://reader:hunter2@somewhere/x",
        "postgresql+psycopg://reader:hunter2@somewhere:notaport/x",
    ],
)
def test_a_password_in_a_url_is_never_told(url: str) -> None:
    with pytest.raises(SettingsError, match="registry_url") as refused:
        Registry.open(url)
    told = f"{refused.value} {refused.value.__cause__}"
    assert "hunter2" not in told


def test_a_locked_registry_says_to_try_again_and_then_works(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    with (
        Registry.open(url, busy_timeout_ms=10) as registry,
        closing(sqlite3.connect(tmp_path / "registry.db")) as other,
    ):
        registry.upgrade()
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RegistryBusyError, match=r"cannot be used now: database is locked; .* try again"):
            registry.commit_batch(MAIN_STREAM, 0, 3, version_events(chain("car-1", 3), 0), {})
        assert registry.offset() == 0, "reading goes on meanwhile"
        other.execute("ROLLBACK")
        assert registry.commit_batch(MAIN_STREAM, 0, 3, version_events(chain("car-1", 3), 0), {}) == 3


def test_a_postgresql_that_is_down_says_so_and_works_once_it_is_back() -> None:
    with running_server() as server, Registry.open(server.new_database()) as registry:
        registry.upgrade()
        registry.commit_batch(MAIN_STREAM, 0, 2, version_events(chain("car-1", 2), 0), {})
        server.stop()
        for _ in range(2):
            with pytest.raises(RegistryBusyError, match="the registry cannot be used now") as refused:
                registry.commit_batch(MAIN_STREAM, 2, 3, version_events(chain("car-1", 3), 0)[2:], {})
            assert "unused-secret" not in str(refused.value)
        server.start()
        registry.commit_batch(MAIN_STREAM, 2, 3, version_events(chain("car-1", 3), 0)[2:], {})
        assert registry.versions("car-1") == chain("car-1", 3)


def test_an_unknown_database_of_a_server_is_reported_without_the_password(postgresql: Server) -> None:
    with (
        Registry.open(postgresql.url("nowhere")) as registry,
        pytest.raises(WorkspaceError, match='database "nowhere" does not exist') as refused,
    ):
        registry.upgrade()
    assert not isinstance(refused.value, RegistryBusyError), "trying again would not help"
    assert "unused-secret" not in str(refused.value)


@pytest.fixture(params=["sqlite", "postgresql"])
def file_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database that outlives its connections."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        url = server.new_database()
        yield url
        server.drop(url)
    else:
        yield f"sqlite:///{tmp_path / 'registry.db'}"


def _differences(url: str) -> list[object]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.metadata)
    engine.dispose()
    return list(found)


def _tables(url: str) -> set[str]:
    engine = create_engine(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def _execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
