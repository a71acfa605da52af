from __future__ import annotations

from pathlib import Path

from tests.ingest.log.logs import letters, samples, seconds_of
from twinpack.ingest.log import LiveLog, open_log
from twinpack.ingest.log.unsealed import frames_of
from twinpack.ingest.log.wal import WalWriter, new_wal
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.tables import DEAD_LETTERS
from twinpack.store.workspace import Workspace


def test_what_a_dead_gateway_left_is_in_the_log_that_is_opened(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home")
    writer = WalWriter(new_wal(workspace.log_dir, 0))
    writer.append(frames_of(samples(range(3)), letters(2, "json")))
    writer.close()
    log = open_log(workspace)
    assert seconds_of(log.read()) == [0, 1, 2]
    assert workspace.lake().read(DEAD_LETTERS, ["reason"]).column("reason").to_pylist() == ["json"] * 2
    assert not log.has_unsealed()


def test_what_a_living_gateway_holds_is_left_to_it(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home")
    sink = LakeDeadLetters(workspace.lake())
    with LiveLog(open_log(workspace), sink, segment_rows=1000, segment_age_s=60.0) as live:
        live.append(samples(range(3)))
        log = open_log(workspace)
        assert (log.end_offset, log.has_unsealed()) == (0, True)
    assert open_log(workspace).end_offset == 3
