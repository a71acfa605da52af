"""The files of a simulated fleet: telemetry to be imported or played, and apart from it what was true."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinpack.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from twinpack.cli.demo_fault import PlantedFleet
    from twinpack.simulate.faults.fleet import FaultFleet
    from twinpack.simulate.physics import PhysicsFleet
    from twinpack.simulate.routes import RouteFleet

TELEMETRY, LIVE, TRUTH = "telemetry", "live", "truth"
FILE_ROWS = 250_000
"""A file ends with the trip that reaches so many rows."""


@dataclass(frozen=True)
class WrittenFleet:
    """What was written.

    Attributes:
        telemetry: Folder of the samples, to be imported.
        live: Folder of the last trips, to be played at a broker; "" when there are none apart.
        truth: File with what was true, which is never imported.
        files: Names of the telemetry files, in order of time.
        pack: Pack of the vehicles.
        vehicles: How many.
        trips: Drives or routes, all vehicles together; 0 for a fleet that is told by the day.
        rows: Samples.
    """

    telemetry: str
    live: str
    truth: str
    files: tuple[str, ...]
    pack: str
    vehicles: int
    trips: int
    rows: int


def write_fleet(
    fleet: PhysicsFleet | RouteFleet | FaultFleet | PlantedFleet,
    pack: str,
    out: Path,
    on_trips: Callable[[float], None] = lambda done: None,
    history: int | None = None,
) -> WrittenFleet:
    """Write a simulated fleet: `out`/telemetry/*.parquet to import, `out`/truth/truth.parquet apart.

    Args:
        fleet: The fleet.
        pack: Name of its pack, noted in each file so that an import need not be told.
        out: Folder to write to.
        on_trips: Told how many trips (or days) are done, all vehicles together.
        history: Trips of each vehicle to be imported, where the later ones are to be played live.

    Raises:
        InputError: A simulation is there already; two in one folder would be taken for one fleet.
    """
    import pyarrow.compute as pc

    from twinpack.ingest.threads import Behind
    from twinpack.store.files import write_atomic

    telemetry, live, truth = _folders(out, history is not None)
    hidden = fleet.truth()
    by_trip = "trip_number" in hidden.column_names
    write_atomic(truth / "truth.parquet", _parquet(hidden, {}, compression="zstd"))
    note = {
        "twinpack.pack": pack,
        "twinpack.simulation": json.dumps(fleet.settings.__dict__, default=str, sort_keys=True),
    }
    files: list[str] = []
    rows = 0
    # A file is written while the next one's trips are simulated.
    with Behind() as behind:
        for first, last, table in _bundles(fleet.tables(), len(fleet.vehicle_ids), on_trips, history):
            files.append(f"{'trips' if by_trip else 'days'}-{first:06d}-{last:06d}.parquet")
            rows += table.num_rows
            folder = telemetry if history is None or last <= history else live
            behind.do(_write_samples, folder / files[-1], table, note)
        behind.wait()
    return WrittenFleet(
        telemetry=str(telemetry),
        live="" if history is None else str(live),
        truth=str(truth / "truth.parquet"),
        files=tuple(files),
        pack=pack,
        vehicles=len(fleet.vehicle_ids),
        trips=pc.count(hidden.column("trip_number")).as_py() if by_trip else 0,
        rows=rows,
    )


def _write_samples(path: Path, table: pa.Table, note: dict[str, str]) -> None:
    from twinpack.store.files import write_atomic
    from twinpack.telemetry.schema import PARQUET

    write_atomic(path, _parquet(table, note, **PARQUET))


def _folders(out: Path, with_live: bool) -> tuple[Path, Path, Path]:
    """Empty folders for telemetry, for trips to be played, and for what was true; no import takes the last two."""
    from twinpack.ingest.files import NO_IMPORT

    telemetry, live, truth = ((out / name).resolve() for name in (TELEMETRY, LIVE, TRUTH))
    for folder in (telemetry, truth, *([live] if with_live else [])):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{out} already holds a simulation ({folder.name} is not empty); name another folder")
    (truth / NO_IMPORT).write_text("What was true of a simulated fleet: left out by every import.\n", encoding="utf-8")
    if with_live:
        (live / NO_IMPORT).write_text("Trips that are played at a broker, not imported.\n", encoding="utf-8")
    return telemetry, live, truth


def _bundles(
    tables: Iterator[pa.Table], vehicles: int, on_trips: Callable[[float], None], history: int | None = None
) -> Iterator[tuple[int, int, pa.Table]]:
    """Consecutive trips of the whole fleet, joined until they have rows enough: first trip, last trip, rows.

    The last trip of the history ends a bundle too.
    """
    import pyarrow as pa

    waiting: list[pa.Table] = []
    first = number = 1
    for number, table in enumerate(tables, start=1):
        waiting.append(table)
        on_trips(number * vehicles)
        if sum(each.num_rows for each in waiting) >= FILE_ROWS or number == history:
            yield first, number, pa.concat_tables(waiting)
            waiting, first = [], number + 1
    if waiting:
        yield first, number, pa.concat_tables(waiting)


def _parquet(table: pa.Table, note: dict[str, str], **how: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(note), sink, **how)
    return bytes(sink.getvalue().to_pybytes())
