"""Every step of the predictions of a vehicle over some time; what files tell of themselves is kept between requests."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from twinpack.errors import WorkspaceError
from twinpack.store.lake import Lake
from twinpack.store.places import told
from twinpack.store.tables import PREDICTION_STEPS, SAMPLE_TIME, TABLES, TIME
from twinpack.views.lake_tables import OpenTable

_SCHEMA = pa.schema([field.with_nullable(True) for field in TABLES[PREDICTION_STEPS].schema])


class PredictionSteps:
    """Reads steps; any thread may ask."""

    def __init__(self, lake: Lake) -> None:
        """Read from a lake."""
        self._lake = lake
        self._table = OpenTable(lake, PREDICTION_STEPS)
        self._kept: tuple[DeltaTable, ds.Dataset] | None = None
        self._lock = threading.Lock()

    def rows(self, vehicle_id: str, start_us: int, end_us: int, columns: Sequence[str]) -> pa.Table:
        """Steps of a vehicle from a sample time to another, both in it, by time.

        Args:
            vehicle_id: The vehicle.
            start_us: Microseconds since the epoch.
            end_us: The same.
            columns: Columns of the table, `sample_time` among them.

        Raises:
            WorkspaceError: They cannot be read.
        """
        time = pc.field(SAMPLE_TIME)
        inside = (time >= pa.scalar(start_us, TIME)) & (time <= pa.scalar(end_us, TIME))
        for last in (False, True):
            found = self._dataset()
            if found is None:
                break
            try:
                wanted = inside & (pc.field("vehicle_id") == vehicle_id)
                return found.to_table(columns=list(columns), filter=wanted).sort_by(SAMPLE_TIME)
            except (DeltaError, OSError, pa.ArrowException) as error:
                if last:
                    raise WorkspaceError(f"lake table {PREDICTION_STEPS} cannot be read: {told(error)}") from error
                self._table.forget()  # files were joined, and those that it names are gone
        return _SCHEMA.empty_table().select(list(columns))

    def _dataset(self) -> ds.Dataset | None:
        table = self._table.now()
        if table is None:
            return None
        with self._lock:
            if self._kept is None or self._kept[0] is not table:
                # A release before this one may not have written every column.
                found = self._lake.dataset_of(PREDICTION_STEPS, table).replace_schema(_SCHEMA)
                self._kept = (table, found)
            return self._kept[1]
