"""How the vehicles of a pack were used and how their health went, out of the lake and the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.battery.pack import PackSpec
from twinpack.battery.stress import Usage
from twinpack.errors import NotFoundError
from twinpack.forecast.health import flat_slope_v
from twinpack.forecast.known import Anchor, anchor_of, flat_error_pct
from twinpack.ingest.log import SegmentLog
from twinpack.learn.ageing import Histories
from twinpack.learn.usage import Life, lived, month_of, month_start_d, usage_of
from twinpack.runtime.features import build_features
from twinpack.runtime.lake import build_telemetry
from twinpack.store.lake import Lake
from twinpack.store.registry import Registry
from twinpack.store.tables import DAY, FEATURES, TELEMETRY, TRIPS
from twinpack.store.workspace import Workspace
from twinpack.twin.figures import health
from twinpack.twin.versions import PROTOTYPE, REFUSED

Floats = npt.NDArray[np.float64]

_DAY_US = 86_400_000_000
_SESSIONS = ("vehicle_id", "kind", "start_us", "end_us", "soc_start_pct", "soc_end_pct", "ah_in")
_DAYS = (
    "vehicle_id",
    DAY,
    "odometer_km",
    "distance_km",
    "temp_min_c",
    "ah_in",
    "ah_out",
    "energy_in_kwh",
    "energy_out_kwh",
    "charge_fast_share",
    "charges",
)


@dataclass(frozen=True)
class FleetLives:
    """The vehicles of a pack, with what is kept of each.

    Attributes:
        pack: Their pack.
        lives: One a vehicle, of those that were seen at all.
        end_month: The month after the last in which any vehicle of the workspace was seen, counted from January 1970:
            now, for all of them.
    """

    pack: PackSpec
    lives: tuple[Life, ...]
    end_month: int

    @property
    def vehicle_ids(self) -> tuple[str, ...]:
        """The vehicles."""
        return tuple(life.vehicle_id for life in self.lives)

    def usage(self) -> Usage:
        """The typical year of each."""
        return usage_of(self.lives, self.pack.capacity_ah, self.pack.energy_kwh)


def bring_up(workspace: Workspace, registry: Registry) -> None:
    """Bring telemetry and features of the lake up to what was folded; usage and health are read from them."""
    build_telemetry(workspace, SegmentLog(workspace.log_dir), registry, registry.offset())
    build_features(workspace, registry)


def fleet_lives(
    workspace: Workspace, registry: Registry, pack: str, vehicles: Sequence[str] | None = None
) -> FleetLives:
    """What is kept of the vehicles of a pack; see `bring_up`.

    Args:
        workspace: Whose lake is read.
        registry: Tells which vehicles have the pack.
        pack: Name of the pack.
        vehicles: Only these.

    Raises:
        NotFoundError: No vehicle of that pack was seen.
    """
    names = {record.vehicle_id: record.pack for record in registry.vehicles()}
    of_pack = [name for name, own in names.items() if own == pack]
    wanted = sorted(of_pack if vehicles is None else set(of_pack) & set(vehicles))
    found = tuple(_lives(workspace, wanted))
    if not found:
        known = ", ".join(sorted(set(names.values()))) or "none"
        raise NotFoundError(f"no vehicle of pack {pack!r} was seen here; there are packs: {known}")
    return FleetLives(registry.fleet.loaded(pack), found, _now(workspace))


def fleet_usage(
    workspace: Workspace, registry: Registry, pack: str, vehicles: Sequence[str] | None = None
) -> tuple[Usage, tuple[str, ...]]:
    """The typical year of the vehicles of a pack, and their names; arguments and errors as for `fleet_lives`."""
    found = fleet_lives(workspace, registry, pack, vehicles)
    return found.usage(), found.vehicle_ids


def fleet_histories(
    workspace: Workspace, registry: Registry, pack: str, vehicles: Sequence[str] | None = None
) -> Histories:
    """Stress and measured health of the vehicles of a pack; arguments and errors as for `fleet_lives`."""
    return histories_of(registry, fleet_lives(workspace, registry, pack, vehicles))


def histories_of(registry: Registry, fleet: FleetLives) -> Histories:
    """Stress and measured health of vehicles whose lives are known."""
    stress, first, _ = lived(fleet.lives, fleet.pack.capacity_ah, fleet.pack.energy_kwh, fleet.end_month)
    told = [_measured(registry, name, fleet.pack, first) for name in fleet.vehicle_ids]
    most = max(len(rows) for rows in told)
    columns = np.full((most, len(told), 5), np.nan)
    for lane, rows in enumerate(told):
        columns[: len(rows), lane] = rows
    return Histories(fleet.vehicle_ids, first, stress, *np.moveaxis(columns, 2, 0))


def _measured(registry: Registry, vehicle: str, pack: PackSpec, first: int) -> Floats:
    """Months, capacity, its deviation, resistance, its deviation, of every version that learned something."""
    rows = []
    anchor: Anchor | None = None
    slope_v = flat_slope_v(pack)
    for version in registry.versions(vehicle):
        anchor = anchor_of(version, pack.capacity_ah, anchor)
        if version.kind in (REFUSED, PROTOTYPE):
            continue
        state = health(version, pack.capacity_ah)
        if state.capacity_pct is None or state.capacity_sd_pct is None:
            continue
        more_pct = 0.0 if slope_v is None else flat_error_pct(version, state.capacity_sd_pct, slope_v, anchor)
        rows.append(
            (
                position(version.window_end_us / _DAY_US, first),
                state.capacity_pct / 100.0,
                float(np.hypot(state.capacity_sd_pct, more_pct)) / 100.0,
                np.nan if state.resistance_x is None else state.resistance_x,
                np.nan if state.resistance_sd_x is None else state.resistance_sd_x,
            )
        )
    return np.array(rows, dtype=np.float64).reshape(len(rows), 5)


def position(day_d: float, first: int) -> float:
    """Where a day lies, in months after the begin of month `first`."""
    month = int(month_of(day_d))
    begin, end = float(month_start_d(month)), float(month_start_d(month + 1))
    return month - first + (day_d - begin) / (end - begin)


def _now(workspace: Workspace) -> int:
    last = pc.max(workspace.lake().read(TRIPS, ["end_us"]).column("end_us")).as_py()
    return int(month_of((last or 0) / _DAY_US)) + 1


def _lives(workspace: Workspace, vehicles: Sequence[str]) -> Iterator[Life]:
    lake = workspace.lake()
    some = pc.field("vehicle_id").isin(list(vehicles))
    sessions = _by_vehicle(lake.read(TRIPS, list(_SESSIONS), filters=some), "start_us")
    days = _by_vehicle(lake.read(FEATURES, list(_DAYS), filters=some), DAY)
    _add_odometers(lake, days)
    for name in vehicles:
        if name in sessions or name in days:
            yield _life(name, sessions.get(name), days.get(name))


def _add_odometers(lake: Lake, days: dict[str, dict[str, Any]]) -> None:
    """Put the odometer beside days that a release made which did not keep it, out of the telemetry."""
    missing = [name for name, seen in days.items() if not np.isfinite(seen["odometer_km"]).any()]
    if not missing:
        return
    wanted = pc.field("vehicle_id").isin(missing) & pc.field("odometer_km").is_valid()
    parts = [
        pa.Table.from_batches([batch]).group_by(["vehicle_id", DAY]).aggregate([("odometer_km", "max")])
        for batch in lake.batches(TELEMETRY, ["vehicle_id", DAY, "odometer_km"], wanted)
    ]
    for part in parts:
        told = zip(
            part.column("vehicle_id").to_pylist(),
            part.column(DAY).cast(pa.int32()).to_pylist(),
            part.column("odometer_km_max").to_pylist(),
            strict=True,
        )
        for name, day, km in told:
            seen = days[name]
            at = np.flatnonzero(seen[DAY] == day)
            seen["odometer_km"][at] = np.fmax(seen["odometer_km"][at], km)


def _by_vehicle(rows: pa.Table, order: str) -> dict[str, dict[str, Any]]:
    """Columns of each vehicle as arrays, in the order of one of them."""
    rows = rows.sort_by([("vehicle_id", "ascending"), (order, "ascending")])
    if not rows.num_rows:
        return {}
    names = rows.column("vehicle_id").combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    stops = np.append(starts[1:], len(codes))
    columns = {name: _array(rows.column(name)) for name in rows.column_names if name != "vehicle_id"}
    ids = names.dictionary.take(pa.array(codes[starts])).to_pylist()
    return {
        name: {column: values[start:stop].copy() for column, values in columns.items()}
        for name, start, stop in zip(ids, starts.tolist(), stops.tolist(), strict=True)
    }


def _array(column: pa.ChunkedArray) -> Any:
    if pa.types.is_string(column.type):
        return column.to_numpy()
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    return column.cast(pa.float64()).to_numpy()


def _life(name: str, sessions: dict[str, Any] | None, days: dict[str, Any] | None) -> Life:
    told = sessions or {column: np.empty(0) for column in _SESSIONS}
    seen = days or {column: np.empty(0) for column in _DAYS}
    net = seen["energy_out_kwh"] - np.where(seen["charges"] > 0, 0.0, np.nan_to_num(seen["energy_in_kwh"]))
    return Life(
        vehicle_id=name,
        start_d=told["start_us"] / _DAY_US,
        end_d=told["end_us"] / _DAY_US,
        charging=told["kind"] == "charging",
        resting=told["kind"] == "resting",
        soc_start=told["soc_start_pct"] / 100.0,
        soc_end=told["soc_end_pct"] / 100.0,
        ah_in=np.nan_to_num(told["ah_in"]),
        day_d=seen[DAY],
        odometer_km=seen["odometer_km"],
        distance_km=seen["distance_km"],
        temp_c=seen["temp_min_c"],
        day_ah_in=np.nan_to_num(seen["ah_in"]),
        day_ah_out=np.nan_to_num(seen["ah_out"]),
        net_kwh=net,
        fast_share=seen["charge_fast_share"],
    )
