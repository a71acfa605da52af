"""A workspace opened to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from twinpack.ingest.log import SegmentLog
from twinpack.store.lake import Lake
from twinpack.store.records import now_us
from twinpack.store.registry import Registry
from twinpack.store.tables import DEAD_LETTERS
from twinpack.store.workspace import Workspace
from twinpack.views.alarms.words import Meanings
from twinpack.views.data.receipts import Receipts
from twinpack.views.data.sources import Imports
from twinpack.views.fleet.figures import FleetFigures
from twinpack.views.fleet.table import NEVER, FleetTable
from twinpack.views.lake_tables import OpenTable
from twinpack.views.owner_reads import OwnerReads
from twinpack.views.packs import Packs
from twinpack.views.remembered import Remembered
from twinpack.views.sight import Reach, Right, Sight
from twinpack.views.telemetry.files import TelemetryFiles
from twinpack.views.telemetry.newest import Newest
from twinpack.views.telemetry.samples import Samples
from twinpack.views.telemetry.tail import Tail
from twinpack.views.twin.axes import SharedAxes
from twinpack.views.twin.chain import Chains
from twinpack.views.twin.prediction_steps import PredictionSteps
from twinpack.views.vehicle.distance import Distances
from twinpack.views.vehicle.lake import VehicleRows

_REMEMBERED = 5_000


class Views:
    """What every view reads from; one of these serves all who look, from any thread.

    Attributes:
        workspace: The workspace.
        registry: Its registry.
        lake: Its lake.
        now_us: The clock, microseconds since the epoch.
        meanings: What codes mean by the rules in use.
        log: Sealed segments of its log.
        packs: Pack specifications by name.
        tail: The end of its log.
        samples: Telemetry of one vehicle.
        told: What was told of vehicles, for as long as it is so.
        distances: How far vehicles had gone.
        rows: Rows of other tables of the lake of one vehicle.
        receipts: When rows of the log were received.
        imports: Files that were imported.
        letters: The table of dead letters.
        lake_end: Log offset up to which the lake has all samples.
        steps: Every step of predictions.
        axes: Ranges that pictures of parameters share.
        chains: Whether histories of versions verify.
    """

    def __init__(self, workspace: Workspace, now_us: Callable[[], int] = now_us) -> None:
        """Open what is read often."""
        self.workspace = workspace
        self.registry: Registry = workspace.registry()
        self.lake: Lake = workspace.lake()
        self.now_us = now_us
        self.log = SegmentLog(workspace.log_dir)
        self.meanings = Meanings(self.registry, self.log)
        self.packs = Packs(self.registry)
        self._owner_reads = OwnerReads(self.registry, now_us)
        self.rows = VehicleRows(self.lake)
        self.told: Remembered[tuple[str, str], Any] = Remembered(_REMEMBERED)
        self.receipts = Receipts(self.log)
        self.imports = Imports(self.log)
        self.letters = OpenTable(self.lake, DEAD_LETTERS)
        self.steps = PredictionSteps(self.lake)
        self.axes = SharedAxes(self.registry)
        self.chains = Chains(workspace, self.registry)
        files = TelemetryFiles(self.lake)
        self.lake_end: Callable[[], int] = lambda: files.end_offset
        self.tail = Tail(self.log, self.lake_end)
        newest = Newest(files, self.tail)
        self._figures = FleetFigures(
            self.registry,
            self.lake,
            self.packs,
            workspace.settings.api,
            now_us,
            self._newest_in_log,
            newest,
        )
        self.samples = Samples(files, self.tail, newest, self._last_seen_us)
        self.distances = Distances(self.samples, self.rows)

    def __enter__(self) -> Views:
        """Use as a context manager to close it at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def follow(self) -> None:
        """Keep what changes up to date in threads from now on, so that no one who looks waits for it; for a service."""
        self.tail.followed = True
        self._figures.follow(self.rows.warm)

    def refresh(self) -> None:
        """Look for changes now.

        Raises:
            WorkspaceError: They cannot be read.
        """
        self._figures.refresh()

    def close(self) -> None:
        """Give everything back."""
        self._figures.close()
        self.registry.close()

    @property
    def problem(self) -> str:
        """Why what is followed is not up to date, "" while all is well."""
        return self._figures.problem

    @property
    def fleet(self) -> FleetTable:
        """The figures of every vehicle as they are now.

        Raises:
            WorkspaceError: They cannot be read.
        """
        return self._figures.table()

    def reach(self, seer: Sight, vehicle_id: str, right: Right) -> Reach:
        """A vehicle that may be looked at; see `Sight.reach`. What is another's own goes to the audit log."""
        reach = seer.reach(vehicle_id, self.fleet_of(vehicle_id), right)
        self._owner_reads.note(seer, vehicle_id, right)
        return reach

    def fleet_of(self, vehicle_id: str) -> str | None:
        """The fleet of a vehicle, None when there is no such vehicle."""
        table = self.fleet
        at = table.at.get(vehicle_id)
        return None if at is None else table.entries[at].fleet

    def pack_of(self, vehicle_id: str) -> str:
        """Name of a vehicle's pack, "" when it is not known."""
        table = self.fleet
        at = table.at.get(vehicle_id)
        return "" if at is None else table.entries[at].pack

    def _newest_in_log(self) -> Mapping[str, int]:
        """Sample time of the newest sample of every vehicle in the log, folded or not."""
        self.tail.refresh()
        newest = self.log.last_sample_us()
        for name, time_us in self.tail.newest_us().items():
            newest[name] = max(time_us, newest.get(name, time_us))
        return newest

    def _last_seen_us(self, vehicle_id: str) -> int | None:
        table = self.fleet
        at = table.at.get(vehicle_id)
        if at is None or table.last_seen_us[at] == NEVER:
            return None
        return int(table.last_seen_us[at])
