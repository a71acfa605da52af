"""A backup made while a gateway writes, and the workspace that comes of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runtime import live_writer
from tests.runtime.workspaces import begin, bring, record, with_settings
from tests.servers.postgresql import Server
from tests.servers.postgresql import postgresql as postgresql
from tests.twin.garage import healthy, worn
from twinpack.errors import NotFoundError, WorkspaceError, WorkspaceVersionError
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.sealing import seal_left
from twinpack.runtime.backup import backup
from twinpack.runtime.jobs.queue import QUEUED, Jobs
from twinpack.runtime.restore import restore
from twinpack.runtime.run import run
from twinpack.store.archive import MANIFEST
from twinpack.store.audit import verify
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.tables import DEAD_LETTERS
from twinpack.store.workspace import Workspace

BACKUPS = 3


def outcome(workspace: Workspace) -> dict[str, Any]:
    """Everything that a fold left, but for latest states, which note how batches were cut."""
    return {name: value for name, value in record(workspace).items() if name != "latest"}


def finish(workspace: Workspace) -> None:
    """Bring the rows that the log does not have yet, and run."""
    log = SegmentLog(workspace.log_dir)
    seal_left(log, LakeDeadLetters(workspace.lake()))
    rows = live_writer.all_rows()
    if log.end_offset < rows.num_rows:
        log.append([rows.slice(log.end_offset)])
    run(workspace)


def letters(workspace: Workspace) -> Counter[int]:
    return Counter(workspace.lake().read(DEAD_LETTERS, ["row"]).column("row").to_pylist())


@pytest.mark.slow
def test_backups_under_a_live_writer_go_on_to_the_same_versions(tmp_path: Path) -> None:
    original = begin(tmp_path / "original")
    command = [sys.executable, live_writer.__file__, str(original.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None and writer.stdout is not None
        made = []
        for number in range(BACKUPS):
            for _ in range(25):
                assert writer.stdout.readline()
            made.append(backup(original, tmp_path / f"backup-{number}"))
        assert writer.poll() is None, "every backup was made while it wrote"
        writer.stdin.close()
        writer.stdout.read()
    assert writer.returncode == 0
    run(original)
    expected = outcome(original)
    assert expected["offset"] == live_writer.all_rows().num_rows
    assert any(name.endswith(".wal") for one in made for name in one.manifest.files), "rows that were not sealed"
    ends = [one.manifest.facts["log_end_offset"] for one in made]
    assert sorted(set(ends)) == ends, "each holds more rows than the one before"
    for number, one in enumerate(made):
        again = restore(one.folder, tmp_path / f"again-{number}").workspace
        with again.registry() as registry:
            assert verify(registry, again.heads()).ok
            assert registry.offset() <= ends[number]
        finish(again)
        assert outcome(again) == expected
        sent = [start for start in range(0, ends[number], live_writer.ROWS) if start % 5 == 0]
        assert letters(again) == Counter(sent), "every dead letter of the rows in it, once"


@pytest.fixture
def ran(tmp_path: Path) -> Workspace:
    workspace = begin(tmp_path / "home", worn("old", 3), healthy("new", 3))
    run(workspace)
    with workspace.registry() as registry:
        registry.fleet.enter([VehicleEntry("old", pack="sim_nmc_96s", label="Anna")])
    return workspace


def test_a_restored_workspace_is_the_one_that_was_backed_up(ran: Workspace, tmp_path: Path) -> None:
    with ran.registry() as registry:
        token = registry.credentials.issue("vehicle", "old").token
    (ran.home / "routing.toml").write_text("# rules\n", encoding="utf-8")
    summary = backup(ran, tmp_path / "deep" / "backup")
    assert summary.left_out == ()
    restored = restore(summary.folder, tmp_path / "again")
    assert restored.notes == ()
    again = restored.workspace
    assert record(again) == record(ran)
    assert again.settings == ran.settings
    assert (again.home / "routing.toml").read_text(encoding="utf-8") == "# rules\n"
    with again.registry() as registry:
        entry = registry.fleet.entry("old")
        assert entry is not None and entry.label == "Anna"
        assert registry.credentials.verify(token) is not None
    bring(ran, healthy("third", 2))
    bring(again, healthy("third", 2))
    assert run(again).predictions == run(ran).predictions > 0
    assert record(again) == record(ran)


def test_jobs_and_what_triggers_have_seen_are_kept(ran: Workspace, tmp_path: Path) -> None:
    with Jobs(ran) as jobs:
        first = jobs.start("compact")
    (ran.home / "triggers.json").write_text("{}", encoding="utf-8")
    again = restore(backup(ran, tmp_path / "backup").folder, tmp_path / "again").workspace
    assert (again.home / "triggers.json").read_text(encoding="utf-8") == "{}"
    with Jobs(again) as jobs:
        assert [(job.job_id, job.kind, job.state) for job in jobs.list()] == [(first, "compact", QUEUED)]


def test_keys_and_backup_are_for_their_owner_alone(ran: Workspace, tmp_path: Path) -> None:
    folder = backup(ran, tmp_path / "backup").folder
    again = restore(folder, tmp_path / "again").workspace
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(again.audit_key_path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(again.audit_key_path.stat().st_mode) == 0o600
    assert again.audit_key_path.read_bytes() == ran.audit_key_path.read_bytes()


def test_only_what_the_last_version_of_a_table_needs_is_in_a_backup(ran: Workspace, tmp_path: Path) -> None:
    for number in range(3):
        bring(ran, healthy(f"more-{number}", 1))
        run(ran)
    ran.lake().compact("trips")
    folder = backup(ran, tmp_path / "backup").folder
    assert len(list((folder / "lake" / "trips").glob("*.parquet"))) == 1
    assert record(restore(folder, tmp_path / "again").workspace) == record(ran)


def test_an_empty_workspace_is_backed_up_too(tmp_path: Path) -> None:
    folder = backup(Workspace.open(tmp_path / "home"), tmp_path / "backup").folder
    again = restore(folder, tmp_path / "again").workspace
    bring(again, healthy("car-1", 1))
    assert SegmentLog(again.log_dir).end_offset > 0


@pytest.mark.parametrize("inside", ["", "backup", "log/deep"])
def test_a_backup_inside_the_workspace_is_refused(ran: Workspace, inside: str) -> None:
    with pytest.raises(WorkspaceError, match="is inside the workspace"):
        backup(ran, ran.home / inside)


def test_a_place_that_is_not_free_is_left_alone(ran: Workspace, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.tex").write_text("precious")
    with pytest.raises(WorkspaceError, match="taken is not empty: name a new or empty folder"):
        backup(ran, taken)
    folder = backup(ran, tmp_path / "backup").folder
    with pytest.raises(WorkspaceError, match="is not empty"):
        restore(folder, taken)
    with pytest.raises(WorkspaceError, match="is not empty"):
        restore(folder, ran.home)
    assert [path.name for path in taken.iterdir()] == ["thesis.tex"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup that no test changes."""
    folder = tmp_path_factory.mktemp("kept")
    workspace = begin(folder / "home", worn("old", 2))
    run(workspace)
    return backup(workspace, folder / "backup").folder


@pytest.fixture
def made(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "backup"))


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    "name", ["registry.db", "settings.toml", "keys/audit.key", "log/*.parquet", "lake/trips/*.parquet"]
)
@pytest.mark.parametrize(("harm", "what"), [(_flip, "is damaged"), (_cut, "is damaged"), (Path.unlink, "is not whole")])
def test_a_damaged_backup_names_the_file_and_restores_nothing(
    made: Path, tmp_path: Path, name: str, harm: Callable[[Path], None], what: str
) -> None:
    path = min(made.glob(name))
    harm(path)
    with pytest.raises(WorkspaceError, match=rf"{what}.*{path.relative_to(made)}"):
        restore(made, tmp_path / "again")
    assert [one.name for one in tmp_path.iterdir()] == ["backup"]


def test_a_damaged_manifest_is_refused(made: Path, tmp_path: Path) -> None:
    manifest = json.loads((made / MANIFEST).read_text(encoding="utf-8"))
    whole = (made / MANIFEST).read_bytes()
    (made / MANIFEST).write_text(json.dumps(manifest | {"files": {}}), encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"manifest\.json is not as it was written"):
        restore(made, tmp_path / "again")
    (made / MANIFEST).write_bytes(whole[:-20])
    with pytest.raises(WorkspaceError, match=r"manifest\.json cannot be read"):
        restore(made, tmp_path / "again")
    (made / MANIFEST).unlink()
    with pytest.raises(NotFoundError, match="is not a backup, or one that was cut off"):
        restore(made, tmp_path / "again")


def test_a_backup_of_a_later_release_says_what_to_do(made: Path, tmp_path: Path) -> None:
    manifest = json.loads((made / MANIFEST).read_text(encoding="utf-8"))
    (made / MANIFEST).write_text(json.dumps(manifest | {"format": 99, "unheard_of": 1}), encoding="utf-8")
    with pytest.raises(WorkspaceVersionError, match="has format 99, made by a later release"):
        restore(made, tmp_path / "again")


def test_a_backup_that_cannot_be_finished_leaves_nothing(ran: Workspace, tmp_path: Path) -> None:
    segment = min(ran.log_dir.glob("*.parquet"))
    segment.rename(tmp_path / segment.name)
    shutil.copy(tmp_path / segment.name, ran.log_dir / f"{7:020d}.parquet")
    with pytest.raises(WorkspaceError, match="the log has no row 0"):
        backup(ran, tmp_path / "backup")
    assert not list(tmp_path.glob("*backup*"))


def test_a_lake_elsewhere_on_the_disk_is_brought_home(tmp_path: Path) -> None:
    begin(tmp_path / "home")
    workspace = with_settings(Workspace.open(tmp_path / "home"), "lake", url=str(tmp_path / "elsewhere"))
    bring(workspace, healthy("car-1", 2))
    run(workspace)
    assert (tmp_path / "elsewhere" / "trips").is_dir()
    restored = restore(backup(workspace, tmp_path / "backup").folder, tmp_path / "again")
    assert "the tables are in the workspace now" in restored.notes[0]
    assert restored.workspace.settings.lake.url == ""
    assert record(restored.workspace) == record(workspace)


def test_what_is_not_in_a_backup_is_said(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", healthy("car-1", 2))
    run(workspace)
    workspace = with_settings(workspace, "lake", url="s3://bucket/lake")
    workspace = with_settings(workspace, "mqtt", password_file="/run/secrets/mqtt")
    summary = backup(workspace, tmp_path / "backup")
    assert [line.split(":")[0] for line in summary.left_out] == [
        "the lake at s3",
        "the file that [mqtt] password_file names",
    ]
    assert not (summary.folder / "lake").exists()
    assert restore(summary.folder, tmp_path / "again").notes[0].startswith("not in the backup: the lake at s3://bucket")


def test_from_sqlite_to_postgresql_and_back(ran: Workspace, tmp_path: Path, postgresql: Server) -> None:
    url = postgresql.new_database()
    folder = backup(ran, tmp_path / "backup").folder
    moved = restore(folder, tmp_path / "moved", registry_url=url).workspace
    assert not (moved.home / "registry.db").exists()
    assert record(moved) == record(ran)
    with pytest.raises(WorkspaceError, match="holds a registry already: name an empty one") as refused:
        restore(folder, tmp_path / "twice", registry_url=url)
    assert "unused-secret" not in str(refused.value)
    assert not (tmp_path / "twice").exists()
    bring(ran, healthy("third", 2))
    bring(moved, healthy("third", 2))
    run(ran)
    run(moved)
    assert record(moved) == record(ran)
    summary = backup(moved, tmp_path / "from-postgresql")
    assert "unused-secret" not in repr(summary.left_out)
    with pytest.raises(WorkspaceError, match="holds a registry already"):
        restore(summary.folder, tmp_path / "back")
    back = restore(summary.folder, tmp_path / "back", registry_url="file").workspace
    assert record(back) == record(ran)
    with back.registry() as registry:
        assert [entry.label for entry in registry.fleet.entries()] == ["Anna"]
    postgresql.drop(url)
