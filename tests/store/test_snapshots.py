from __future__ import annotations

from pathlib import Path

from twinpack.store.registry import Registry
from twinpack.store.snapshots import LoadedSnapshot, Snapshots


def test_without_snapshots_the_fold_begins_at_the_beginning(tmp_path: Path, registry: Registry) -> None:
    assert Snapshots(tmp_path, registry).load_newest() == LoadedSnapshot(0, None)


def test_the_newest_comes_back(tmp_path: Path, registry: Registry) -> None:
    snapshots = Snapshots(tmp_path, registry)
    snapshots.save(b"old", 10)
    snapshots.save(b"new", 20)
    assert snapshots.load_newest() == LoadedSnapshot(20, b"new")


def test_a_damaged_or_missing_one_is_skipped_with_the_reason(tmp_path: Path, registry: Registry) -> None:
    snapshots = Snapshots(tmp_path, registry)
    snapshots.save(b"oldest", 10)
    snapshots.save(b"middle", 20).write_bytes(b"middl")
    snapshots.save(b"newest", 30).unlink()
    loaded = snapshots.load_newest()
    assert (loaded.offset, loaded.data) == (10, b"oldest")
    assert "is missing" in loaded.skipped[0]
    assert "is damaged" in loaded.skipped[1]


def test_when_all_are_damaged_the_fold_begins_at_the_beginning(tmp_path: Path, registry: Registry) -> None:
    snapshots = Snapshots(tmp_path, registry)
    snapshots.save(b"only", 10).write_bytes(b"")
    loaded = snapshots.load_newest()
    assert (loaded.offset, loaded.data, len(loaded.skipped)) == (0, None, 1)


def test_only_the_last_three_stay(tmp_path: Path, registry: Registry) -> None:
    snapshots = Snapshots(tmp_path, registry)
    stray = tmp_path / "00000000000000000001-aaaaaaaaaaaa.snapshot"
    stray.write_bytes(b"left by a crash before it was recorded")
    (tmp_path / ".00000000000000000002-cccccccccccc.snapshot.99.tmp").write_bytes(b"half")
    paths = [snapshots.save(b"state %d" % offset, offset) for offset in (10, 20, 30, 40)]
    assert sorted(tmp_path.iterdir()) == paths[1:]
    assert [record.offset for record in registry.snapshots()] == [40, 30, 20]


def test_saving_again_at_the_same_offset_replaces_it(tmp_path: Path, registry: Registry) -> None:
    snapshots = Snapshots(tmp_path, registry)
    snapshots.save(b"one", 10)
    snapshots.save(b"two", 10)
    assert snapshots.load_newest() == LoadedSnapshot(10, b"two")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_crash_before_recording_leaves_the_older_one_in_use(tmp_path: Path, registry: Registry) -> None:
    snapshots = Snapshots(tmp_path, registry)
    snapshots.save(b"recorded", 10)
    (tmp_path / "00000000000000000020-bbbbbbbbbbbb.snapshot").write_bytes(b"not recorded")
    assert snapshots.load_newest() == LoadedSnapshot(10, b"recorded")
