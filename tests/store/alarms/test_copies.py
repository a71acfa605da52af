"""A copy of a registry, as a backup holds it, has alarms, what was done about them, windows and maintenance."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.servers.postgresql import Server
from tests.store.alarms.made import at, finding
from twinpack.store import schema
from twinpack.store.alarms.mutes import MuteWindow
from twinpack.store.database import Database
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.registry_copy import load_registry
from twinpack.store.workshop.records import MaintenanceRecord

TABLES = (schema.findings, schema.alarms, schema.alarm_actions, schema.maintenance, schema.mute_windows)


def filled(url: str) -> None:
    with Registry.open(url) as registry:
        registry.upgrade()
        registry.fleet.enter([VehicleEntry("car-1", pack="p")])
        registry.mutes.add(MuteWindow("", "vehicle", "car-1", at(3), None, "wash", "Kim"))
        events = [finding(1), finding(2, "passed"), finding(4, subject="cell 2", level="watch"), finding(5, "pending")]
        registry.commit_batch(MAIN_STREAM, 0, 6, events, {})
        alarm = registry.alarms.alarms()[0]
        registry.alarms.acknowledge(alarm.alarm_id, "Kim", "seen")
        registry.alarms.snooze(alarm.alarm_id, 4_000_000_000_000_000, "Kim")
        done = MaintenanceRecord("car-1", "repair", "module 4", "done", done_on="2026-02-12", odometer_km=5, who="Kim")
        registry.workshop.told(registry.workshop.add(done).record_id, 3)


def content(url: str) -> dict[str, list[tuple[object, ...]]]:
    with Database.opened(url) as database, database.read() as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table))), key=str) for table in TABLES}


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_a_copy_holds_all_and_goes_back_into_any_database(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    if where == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        url = server.new_database()
    filled(url)
    before = content(url)
    assert all(before.values())
    with Registry.open(url) as registry:
        registry.copy_to(tmp_path / "copy.db", [])
    assert content(f"sqlite:///{tmp_path / 'copy.db'}") == before
    back = f"sqlite:///{tmp_path / 'back.db'}" if where == "sqlite" else server.new_database()
    load_registry(tmp_path / "copy.db", back)
    assert content(back) == before
    with Registry.open(back) as registry:
        registry.commit_batch(MAIN_STREAM, 6, 7, [finding(6)], {})
        assert registry.alarms.alarms()[0].count == 2, "it joins the alarm that was copied"
