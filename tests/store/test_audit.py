from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pytest

from tests.servers.disks import SmallDisk
from tests.store.chains import chain, resealed, version_event, version_events
from twinpack.errors import AuditError
from twinpack.fleet.events import Event
from twinpack.store.audit import AuditReport, Heads, verify
from twinpack.store.lake import Lake
from twinpack.store.records import canonical_json
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.snapshots import Snapshots
from twinpack.store.tables import TABLES, VERSION_HEADS
from twinpack.twin.versions import TwinVersion


@dataclass
class History:
    """A registry file and its signed heads, with three vehicles of five versions each."""

    home: Path
    registry: Registry
    lake: Lake
    heads: Heads

    def commit(self, before: int, after: int, events: list[Event]) -> None:
        self.registry.commit_batch(MAIN_STREAM, before, after, events, {})
        self.heads.sign(events, after)

    def sql(self, statement: str, *values: object) -> int:
        """Tamper with the file behind the registry's back."""
        with closing(sqlite3.connect(self.home / "registry.db")) as connection, connection:
            return connection.execute(statement, values).rowcount

    def verify(self) -> AuditReport:
        return verify(self.registry, self.heads)

    def first_fault(self) -> str:
        report = self.verify()
        assert not report.ok
        with pytest.raises(AuditError, match="the version history is broken"):
            report.check()
        return str(report.broken[0])


CARS = ("car-1", "car-2", "car-3")


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    (tmp_path / "keys").mkdir()
    lake = Lake(tmp_path / "lake")
    heads = Heads(lake, tmp_path / "keys" / "audit.key")
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as registry:
        registry.upgrade()
        made = History(tmp_path, registry, lake, heads)
        chains = [chain(name, 5) for name in CARS]
        for number in range(5):
            events = [version_event(versions[number], 10 * number) for versions in chains]
            made.commit(10 * number, 10 * number + 10, events)
        yield made


def test_an_untouched_history_verifies(history: History) -> None:
    report = history.verify()
    assert report == AuditReport(vehicles=3, versions=15, heads=15, unsigned=0, broken=())
    assert report.ok
    report.check()


def test_an_empty_history_verifies(tmp_path: Path) -> None:
    with Registry.open("sqlite://") as registry:
        registry.upgrade()
        assert verify(registry, Heads(Lake(tmp_path), tmp_path / "audit.key")).ok
    assert list(tmp_path.iterdir()) == [], "looking makes neither a key nor a table"


def test_the_key_is_for_its_owner_only(history: History) -> None:
    key = history.home / "keys" / "audit.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_full_disk_leaves_no_half_of_a_key(tmp_path: Path, small_disk: SmallDisk) -> None:
    key = small_disk.folder / "keys" / "audit.key"
    key.parent.mkdir()
    heads = Heads(Lake(tmp_path / "lake"), key)
    events = [version_event(chain("car-1", 1)[0], 0)]
    small_disk.fill()
    with pytest.raises(OSError, match="No space left"):
        heads.sign(events, 10)
    small_disk.free()
    assert list(key.parent.iterdir()) == []
    heads.sign(events, 10)
    assert [path.name for path in key.parent.iterdir()] == ["audit.key"]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert heads.forged(head for signed in heads.read().values() for head in signed) == []


def test_altered_content_is_found(history: History) -> None:
    content = "SELECT content FROM twin_versions WHERE vehicle_id = 'car-2' AND number = 3"
    assert history.sql(
        "UPDATE twin_versions SET content = replace(content, '49.7', '61.7') WHERE vehicle_id = 'car-2' AND number = 3"
    )
    assert "61.7" in _value(history, content)
    assert history.first_fault() == (
        "vehicle car-2, version 3: its content does not have its hash: one of them was altered"
    )


def test_an_altered_hash_is_found(history: History) -> None:
    history.sql("UPDATE twin_versions SET hash = ? WHERE vehicle_id = 'car-1' AND number = 2", "f" * 64)
    assert history.first_fault().startswith("vehicle car-1, version 2: its content does not have its hash")


def test_content_altered_together_with_its_hash_is_found(history: History) -> None:
    _replace(history, resealed(history.registry.version("car-1", 3), "nicer"))
    assert history.first_fault() == "vehicle car-1, version 3: it is not the version whose head was signed"


def test_a_whole_chain_recomputed_is_found(history: History) -> None:
    parent = ""
    for version in history.registry.versions("car-1"):
        forged = replace(version, reason="nicer", parent_hash=parent, hash="").sealed()
        _replace(history, forged)
        parent = forged.hash
    assert history.first_fault() == "vehicle car-1, version 1: it is not the version whose head was signed"


def test_an_altered_parent_hash_is_found(history: History) -> None:
    orphan = replace(history.registry.version("car-3", 4), parent_hash="e" * 64, hash="").sealed()
    _replace(history, orphan)
    assert history.first_fault().startswith("vehicle car-3, version 4: its parent hash is not")


@pytest.mark.parametrize("column", ["kind", "parent_hash"])
def test_an_altered_column_beside_the_content_is_found(history: History, column: str) -> None:
    history.sql(f"UPDATE twin_versions SET {column} = 'promoted' WHERE vehicle_id = 'car-1' AND number = 5")
    assert history.first_fault().startswith(f"vehicle car-1, version 5: its column {column} differs")


def test_a_removed_row_is_found(history: History) -> None:
    assert history.sql("DELETE FROM twin_versions WHERE vehicle_id = 'car-2' AND number = 3")
    assert history.first_fault() == "vehicle car-2, version 3: missing: the numbers have a gap"


def test_a_removed_row_whose_place_was_closed_is_found(history: History) -> None:
    history.sql("DELETE FROM twin_versions WHERE vehicle_id = 'car-2' AND number = 3")
    history.sql("UPDATE twin_versions SET number = number - 1 WHERE vehicle_id = 'car-2' AND number > 3")
    assert history.first_fault().startswith("vehicle car-2, version 3: its column number differs")


@pytest.mark.parametrize("left", [1, 3, 4])
def test_rows_cut_off_the_end_are_found(history: History, left: int) -> None:
    history.sql("DELETE FROM twin_versions WHERE vehicle_id = 'car-2' AND number > ?", left)
    assert history.first_fault() == (
        f"vehicle car-2, version {left + 1}: missing: the signed head counts 5 versions, the registry has {left}"
    )


def test_a_whole_vehicle_removed_is_found(history: History) -> None:
    history.sql("DELETE FROM twin_versions WHERE vehicle_id = 'car-2'")
    history.sql("DELETE FROM vehicles WHERE vehicle_id = 'car-2'")
    assert history.first_fault() == (
        "vehicle car-2, version 1: missing: the signed head counts 5 versions, the registry has none"
    )


def test_reordered_rows_are_found(history: History) -> None:
    for was, becomes in ((3, 99), (4, 3), (99, 4)):
        history.sql("UPDATE twin_versions SET number = ? WHERE vehicle_id = 'car-1' AND number = ?", becomes, was)
    assert history.first_fault().startswith("vehicle car-1, version 3: its column number differs")


def test_rows_given_to_another_vehicle_are_found(history: History) -> None:
    history.sql("DELETE FROM twin_versions WHERE vehicle_id = 'car-3'")
    history.sql("UPDATE twin_versions SET vehicle_id = 'car-3' WHERE vehicle_id = 'car-1'")
    faults = [str(link) for link in history.verify().broken]
    assert faults[0].startswith("vehicle car-1, version 1: missing")
    assert faults[1].startswith("vehicle car-3, version 1: its column vehicle_id differs")


def test_a_version_slipped_in_after_the_last_is_found(history: History) -> None:
    Snapshots(history.home, history.registry).save(b"state", 50)
    forged = replace(chain("car-1", 6)[5], reason="nicer", hash="").sealed()
    _insert(history, forged, offset=45)
    assert history.first_fault() == (
        "vehicle car-1, version 6: its head was never signed, though later rows were folded"
    )
    history.sql("UPDATE twin_versions SET log_offset = 50 WHERE vehicle_id = 'car-1' AND number = 6")
    assert history.first_fault() == "vehicle car-1, version 6: it claims a row of the log that was not folded yet"


def test_a_forged_head_is_found(history: History) -> None:
    history.sql("DELETE FROM twin_versions WHERE vehicle_id = 'car-2' AND number > 3")
    third = history.registry.version("car-2", 3)
    row = {"vehicle_id": "car-2", "versions": 3, "head_hash": third.hash, "signature": "0" * 64, "offset": 60}
    history.lake.append(VERSION_HEADS, pa.Table.from_pylist([row], TABLES[VERSION_HEADS].schema), 61)
    assert history.first_fault() == (
        "vehicle car-2, version 3: the signature of its head is not of this workspace's key"
    )


def test_only_the_first_fault_of_a_vehicle_is_told_and_the_others_are_counted(history: History) -> None:
    history.sql("UPDATE twin_versions SET content = '{}' WHERE number > 1")
    report = history.verify()
    assert [(link.vehicle_id, link.version) for link in report.broken] == [(name, 2) for name in CARS]
    with pytest.raises(AuditError, match=r"vehicle car-1, version 2: .* \(and 2 more vehicles\)"):
        report.check()


def test_a_crash_before_signing_is_not_damage_and_folding_again_completes_it(history: History) -> None:
    sixth = chain("car-1", 6)[5]
    events = [version_event(sixth, 50)]
    history.registry.commit_batch(MAIN_STREAM, 50, 60, events, {})
    report = history.verify()
    assert (report.ok, report.unsigned) == (True, 1)
    history.commit(50, 60, events)
    report = history.verify()
    assert (report.ok, report.unsigned, report.heads) == (True, 0, 16)


def test_folding_again_in_other_batches_signs_nothing_twice(history: History) -> None:
    events = version_events(chain("car-1", 5), 0)
    again = [replace(event, offset=10 * place) for place, event in enumerate(events)]
    history.commit(0, 50, again)
    assert history.verify().heads == 15


def test_a_lost_key_is_not_replaced(history: History) -> None:
    (history.home / "keys" / "audit.key").unlink()
    with pytest.raises(AuditError, match=r"audit\.key is missing"):
        history.verify()
    with pytest.raises(AuditError, match=r"audit\.key is missing"):
        history.commit(50, 60, [version_event(chain("car-1", 6)[5], 50)])


def test_a_damaged_key_is_named(history: History) -> None:
    (history.home / "keys" / "audit.key").write_text("too short")
    with pytest.raises(AuditError, match=r"audit\.key is damaged"):
        history.verify()


def test_another_key_verifies_nothing(history: History) -> None:
    (history.home / "keys" / "audit.key").write_text("ab" * 32)
    assert len(history.verify().broken) == 3


def _value(history: History, query: str) -> str:
    with closing(sqlite3.connect(history.home / "registry.db")) as connection:
        return str(connection.execute(query).fetchone()[0])


def _replace(history: History, version: TwinVersion) -> None:
    history.sql(
        "UPDATE twin_versions SET content = ?, hash = ?, parent_hash = ? WHERE vehicle_id = ? AND number = ?",
        canonical_json(version.content()),
        version.hash,
        version.parent_hash,
        version.vehicle_id,
        version.number,
    )


def _insert(history: History, version: TwinVersion, offset: int) -> None:
    content = canonical_json(version.content())
    assert json.loads(content)["number"] == version.number
    history.sql(
        "INSERT INTO twin_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        version.vehicle_id,
        version.number,
        version.kind,
        version.trip_number,
        version.sample_time_us,
        content,
        version.parent_hash,
        version.hash,
        offset,
    )
