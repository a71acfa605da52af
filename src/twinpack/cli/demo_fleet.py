"""The demo's fleet after its history: it goes on driving and charging for as long as somebody looks."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from twinpack.errors import NotFoundError

if TYPE_CHECKING:
    import pyarrow as pa

    from twinpack.ingest.messages.encode import Encoder
    from twinpack.ingest.publisher import Publisher
    from twinpack.simulate.endless import EndlessFleet
    from twinpack.store.workspace import Workspace

FILE = "living.parquet"
BEFORE_US = 1_800_000_000
"""What a fleet that begins to play sends at once, microseconds: there is something to see."""

_STEP_S = 1.0
_CATCH_UP_US = 60_000_000
_TOKEN_DAYS = 30.0
_FLUSH_S = 2.0


def write_living(folder: Path, faulty: str) -> Path:
    """Keep the last sessions of a simulated fleet, to be played round and round.

    Args:
        folder: Where `write_fleet` wrote.
        faulty: The vehicle whose isolation is lost, and stays so.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from twinpack.cli.simulate_files import LIVE, TELEMETRY
    from twinpack.telemetry.schema import PARQUET

    files = sorted((folder / TELEMETRY).glob("*.parquet"))[-2:] + sorted((folder / LIVE).glob("*.parquet"))
    table = _isolation_lost(pa.concat_tables([pq.read_table(file) for file in files]), faulty)
    pq.write_table(table, folder / FILE, **PARQUET)
    return folder / FILE


def _isolation_lost(table: pa.Table, faulty: str) -> pa.Table:
    import pyarrow.compute as pc

    from twinpack.cli.demo_fault import LOST_KOHM

    at = table.schema.get_field_index("isolation_resistance_kohm")
    mine = pc.and_(pc.equal(table.column("vehicle_id"), faulty), pc.is_valid(table.column(at)))
    return table.set_column(at, table.schema.field(at), pc.if_else(mine, LOST_KOHM, table.column(at)))


def living_fleet(home: Path) -> EndlessFleet:
    """The fleet of a demo's workspace.

    Raises:
        NotFoundError: It is no demo's workspace.
    """
    import pyarrow.parquet as pq

    from twinpack.simulate.endless import EndlessFleet

    file = home / "fleet" / FILE
    if not file.is_file():
        raise NotFoundError(f"there is no simulated fleet in {home}; `twinpack demo --home {home}` makes one")
    return EndlessFleet(pq.read_table(file))


def play_on(workspace: Workspace, broker_url: str, stopped: threading.Event) -> None:
    """Publish what the fleet sends, by the clock, until it is told to stop.

    Raises:
        NotFoundError: It is no demo's workspace.
        InputError: The broker turns it away.
    """
    from twinpack.ingest.messages.encode import Encoder
    from twinpack.ingest.publisher import Login, Publisher
    from twinpack.store.fleet_records import DEFAULT_FLEET

    fleet = living_fleet(workspace.home)
    with workspace.registry() as registry:
        credential = registry.credentials.issue("fleet", DEFAULT_FLEET, days=_TOKEN_DAYS, note="simulated fleet")
        try:
            with Publisher(broker_url, Login(DEFAULT_FLEET, credential.token), stopped=stopped) as line:
                _play(fleet, line, Encoder("msgpack", 1), workspace.settings.workspace.shards, stopped)
                line.flush(_FLUSH_S)
        finally:
            registry.credentials.revoke(credential.record.credential_id)


def _play(fleet: EndlessFleet, line: Publisher, encoder: Encoder, shards: int, stopped: threading.Event) -> None:
    from twinpack.ingest.topics import telemetry_topic
    from twinpack.store.fleet_records import DEFAULT_FLEET
    from twinpack.store.records import now_us

    topics = {name: telemetry_topic(DEFAULT_FLEET, name, shards) for name in fleet.vehicle_ids}
    sent_us = 0
    while not stopped.is_set():
        now = now_us()
        sent_us = max(sent_us, now - BEFORE_US)  # after a machine has slept, too
        until_us = min(now, sent_us + _CATCH_UP_US)
        for message in encoder.messages(fleet.samples(sent_us, until_us)):
            if not line.send(topics[message.vehicle_id], message.payload):
                return
        sent_us = until_us
        if until_us == now:
            stopped.wait(_STEP_S)
