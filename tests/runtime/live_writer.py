"""A gateway and its fold in a process of their own: `python live_writer.py HOME`.

Rows go slowly until standard input ends, then as fast as they can.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pyarrow as pa

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.twin.garage import healthy, log_of, worn
from twinpack.ingest.log import LiveLog, SegmentLog
from twinpack.ingest.records import DEAD_LETTERS
from twinpack.runtime.live import LiveFold, Pace
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.workspace import Workspace

ROWS = 7
PAUSE_S = 0.02


def all_rows() -> pa.Table:
    """What the gateway receives, in its order."""
    return log_of(worn("old", 6), healthy("new", 6), worn("third", 4, 3))


def letter(number: int) -> pa.Table:
    row = dict.fromkeys(DEAD_LETTERS.names) | {"row": number, "reason": "json", "action": "message rejected"}
    return pa.Table.from_pylist([row | {"import_id": "", "file": "mqtt"}], schema=DEAD_LETTERS)


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def write(home: Path, hurry: threading.Event) -> None:
    workspace = Workspace.open(home, create=False)
    rows = all_rows()
    sink = LakeDeadLetters(workspace.lake())
    with LiveLog(SegmentLog(workspace.log_dir), sink, segment_rows=100, segment_age_s=60.0) as log:
        pace = Pace(fold_s=0.0, flush_s=0.02, save_s=0.05)
        with LiveFold(workspace, log, pace=pace, tell=tell) as fold:
            for start in range(0, rows.num_rows, ROWS):
                log.append(rows.slice(start, ROWS), letter(start) if start % 5 == 0 else None)
                sys.stdout.write(f"{start}\n")
                sys.stdout.flush()
                hurry.wait(PAUSE_S)
            if not fold.wait_for(log.end_offset, 120.0):
                raise SystemExit(f"the fold stands at {fold.offset}: {fold.problem}")


def main() -> None:
    hurry = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        hurry.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    write(Path(sys.argv[1]), hurry)


if __name__ == "__main__":
    main()
