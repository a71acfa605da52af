"""The faults that the demo plants in one vehicle.

A cell grows weak over the last years, and on the last drive the battery loses its isolation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.simulate.physics import PhysicsFleet

if TYPE_CHECKING:
    from twinpack.store.workspace import Workspace

CELL = 17
WEAK_FROM = 0.7
"""Share of the drives after which the cell is weak."""
WEAK_V = 0.045
"""How far it lies under the others when it is empty; less the fuller it is."""
ISOLATION_KOHM, LOST_KOHM = 5000.0, 14.0


ISOLATION_CODES = ("P0AA6", "P0DAA")
"""While driving, and while charging."""


@dataclass(frozen=True)
class Caught:
    """What became of the planted faults.

    Attributes:
        vehicle_id: The vehicle.
        cell_codes: Codes at which the weak cell is an alarm.
        cell_first_us: Sample time of the first of them, 0 for none.
        isolation_s: From the first sample without isolation to the alarm, s; NaN for none.
        others: Alarms (not watches) of other vehicles, or of this one for no planted reason.
        watches: Things to be watched, in the whole fleet.
    """

    vehicle_id: str
    cell_codes: tuple[str, ...]
    cell_first_us: int
    isolation_s: float
    others: int
    watches: int


class PlantedFleet:
    """A physics fleet whose first vehicle reports its cells and has both faults.

    Attributes:
        settings: Those of the fleet.
        vehicle_ids: Ids, in order.
        faulty: The vehicle with the faults.
    """

    def __init__(self, fleet: PhysicsFleet) -> None:
        """Plant in a fleet."""
        self.settings = fleet.settings
        self.vehicle_ids = fleet.vehicle_ids
        self.faulty = fleet.vehicle_ids[0]
        self._fleet = fleet
        # A vehicle does not depend on how many others there are: this is the same one, with its cells.
        self._alone = PhysicsFleet(replace(fleet.settings, vehicles=1, cell_voltages=True))

    def tables(self) -> Iterator[pa.Table]:
        """As those of the fleet, with the faults."""
        for number, (table, alone) in enumerate(zip(self._fleet.tables(), self._alone.tables(), strict=True), start=1):
            others = table.filter(pc.not_equal(table.column("vehicle_id"), self.faulty))
            joined = pa.concat_tables([others, self._planted(alone, number)])
            yield joined.take(pc.sort_indices(joined, [("receipt_time", "ascending")]))

    def truth(self) -> pa.Table:
        """As that of the fleet: the twins' pack is what it was."""
        return self._fleet.truth()

    def _planted(self, table: pa.Table, number: int) -> pa.Table:
        rows, trips = table.num_rows, self.settings.trips
        isolation = np.full(rows, ISOLATION_KOHM)
        if number == trips:
            isolation[rows // 3 :] = LOST_KOHM
        table = _with(table, "isolation_resistance_kohm", pa.array(isolation))
        return _with(table, "cell_voltage_v", _weakened(table)) if number > WEAK_FROM * trips else table


def _weakened(table: pa.Table) -> Any:
    cells = table.column("cell_voltage_v").combine_chunks()
    soc = np.nan_to_num(table.column("soc_pct").to_numpy(), nan=50.0) / 100.0
    values = cells.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    each = values.reshape(table.num_rows, -1)
    each[:, CELL - 1] -= WEAK_V * (1.0 - 0.7 * soc)
    return pa.ListArray.from_arrays(cells.offsets, pa.array(each.reshape(-1)))


def _with(table: pa.Table, name: str, values: Any) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), values.cast(table.schema.field(at).type))


def caught(workspace: Workspace, vehicle: str) -> Caught:
    """Look in the alarms of a workspace for the planted faults."""
    from twinpack.store.alarms.records import STATES
    from twinpack.store.alarms.register import Wanted

    with workspace.registry() as registry:
        alarms = registry.alarms.alarms(Wanted(states=STATES))
    high = [one for one in alarms if one.level == "alarm"]
    cell = [one for one in high if one.vehicle_id == vehicle and one.subject == f"cell {CELL}"]
    isolation = [one for one in high if one.vehicle_id == vehicle and one.code in ISOLATION_CODES]
    return Caught(
        vehicle_id=vehicle,
        cell_codes=tuple(sorted({one.code for one in cell})),
        cell_first_us=min((one.first_us for one in cell), default=0),
        isolation_s=min(((one.first_us - one.since_us) / 1e6 for one in isolation), default=float("nan")),
        others=len(high) - len(cell) - len(isolation),
        watches=len(alarms) - len(high),
    )
