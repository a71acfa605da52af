"""How far a vehicle of a workspace comes: its twin, its consumption and its last telemetry, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from twinpack.battery.families import PACK_KINDS, ROUTE, pack_model
from twinpack.battery.pack import PackSpec
from twinpack.errors import NotFoundError
from twinpack.forecast.range import (
    COLD_C,
    HOT_C,
    MILD_C,
    Arrival,
    Battery,
    Conditions,
    RangeAt,
    Spread,
    arrival,
    range_at,
)
from twinpack.ingest.log import SegmentLog
from twinpack.learn.energy_model import EnergyModel
from twinpack.learn.energy_terms import Course
from twinpack.runtime.energy import KIND
from twinpack.runtime.lake import build_telemetry
from twinpack.runtime.named import LATEST, record_named
from twinpack.store.registry import Registry
from twinpack.store.tables import SAMPLE_TIME, TELEMETRY
from twinpack.store.workspace import Workspace
from twinpack.twin.figures import RANGE, health
from twinpack.twin.versions import TwinVersion

TODAY, HOT, MILD, COLD = "today", "hot", "mild", "cold"

_LOOKED_BACK = timedelta(days=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RangeOutlook:
    """How far a vehicle comes.

    Attributes:
        vehicle_id: The vehicle.
        pack: Name of its pack.
        conditions: What it was asked for at, with what was known filled in.
        at: Range today, hot, mild and cold; `today` is missing where no outside temperature is known.
        plan: How the plan ends; None without one.
        reason: Why no range is told, "" where one is.
        notes: What to know of it, in sentences.
        version_number: The twin's version it rests on; None without a twin.
        energy_hash: The model of consumption it rests on, "" without one.
    """

    vehicle_id: str
    pack: str
    conditions: Conditions
    at: tuple[RangeAt, ...]
    plan: Arrival | None
    reason: str
    notes: tuple[str, ...]
    version_number: int | None
    energy_hash: str

    @property
    def now(self) -> RangeAt | None:
        """The first of `at`: today, where that can be told."""
        return self.at[0] if self.at else None

    @property
    def km(self) -> Spread | None:
        """Range now."""
        return self.now.km if self.now else None

    @property
    def kwh_km(self) -> Spread | None:
        """What a kilometre takes now."""
        return self.now.kwh_km if self.now else None

    @property
    def usable_kwh(self) -> Spread | None:
        """What the pack gives now."""
        return self.now.usable_kwh if self.now else None


def vehicle_range(
    workspace: Workspace,
    registry: Registry,
    vehicle: str,
    conditions: Conditions,
    plan: Course | None = None,
    capacity_x: float = 1.0,
    resistance_x: float = 1.0,
    model: str = LATEST,
) -> RangeOutlook:
    """How far a vehicle comes, at its own conditions and at hot, mild and cold ones.

    Args:
        workspace: Whose vehicle it is; the lake is brought up to what was folded first.
        registry: Its registry.
        vehicle: The vehicle.
        conditions: What is given; charge and temperatures not given are the last known ones.
        plan: A way to be driven.
        capacity_x: What the twin's capacity is multiplied by, to ask what a more worn pack would do.
        resistance_x: The same of its resistances.
        model: The model of consumption, `LATEST` or the first digits of its hash.

    Raises:
        NotFoundError: There is no such vehicle.
        WorkspaceError: Registry or lake cannot be read.
    """
    record = registry.vehicle(vehicle)
    spec, version = registry.fleet.specification(record.pack), registry.deployed(vehicle)
    battery, reason = twin_battery(workspace, registry, spec, version)
    number = None if version is None else version.number
    if battery is None:
        return RangeOutlook(vehicle, record.pack, conditions, (), None, reason, (), number, "")
    battery = battery.worn(capacity_x, resistance_x)
    given, notes = _filled(workspace, registry, vehicle, conditions)
    energy, digest, reason = consumption_model(workspace, registry, battery.pack.name, model)
    if given.soc_pct is None:
        reason = "the state of charge is not known: give it with --soc-pct"
        return RangeOutlook(vehicle, record.pack, given, (), None, reason, notes, number, digest)
    if energy is not None and vehicle not in energy.vehicles:
        notes += ("no trip of this vehicle was learned from: it is taken to be driven as its fleet",)
    every = tuple(range_at(name, battery, energy, vehicle, one) for name, one in weathers(given).items())
    ends = None
    if plan is not None and energy is not None:
        if given.ambient_c is None:
            notes += (f"the plan is driven at {MILD_C:g} °C",)
        ends = arrival(battery, energy, vehicle, plan, given if given.ambient_c is not None else _mild(given))
    return RangeOutlook(vehicle, record.pack, given, every, ends, reason, notes, number, digest)


def weathers(given: Conditions) -> dict[str, Conditions]:
    """The conditions that a range is told at: today where the air is known, hot, mild and cold, parked outside."""
    today = {TODAY: given} if given.ambient_c is not None else {}
    others = {name: replace(given, ambient_c=air, battery_c=None, cabin_c=None) for name, air in _WEATHERS.items()}
    return today | others


_WEATHERS = {HOT: HOT_C, MILD: MILD_C, COLD: COLD_C}


def twin_battery(
    workspace: Workspace, registry: Registry, spec: PackSpec | None, version: TwinVersion | None
) -> tuple[Battery | None, str]:
    """The twin of a vehicle as ranges need it, or why there is none.

    Raises:
        WorkspaceError: Its model was altered or damaged.
    """
    if version is None:
        return None, "there is no twin yet: `twinpack learn model` and `twinpack run` make it"
    if spec is None:
        return None, "the specification of its pack cannot be read"
    try:
        artifact = workspace.artifacts(registry).load(version.model_hash)
    except NotFoundError as error:
        return None, str(error)
    kind = artifact["kind"]
    if kind == ROUTE or any(name in RANGE for name in version.parameters):
        share = health(version, None).range_pct
        told = "" if share is None else f": {share:.1f} % of new"
        return None, f"its twin tells the scale of its range along routes, not capacity{told}"
    if kind not in PACK_KINDS or "capacity_scale" not in version.parameters:
        return None, "its twin tells no capacity"
    model = pack_model(kind, artifact["model"] if "model" in artifact else artifact["circuit"])
    names = [one.name for one in model.living]
    if names != list(version.parameters):
        return None, "its twin is of another model than is stored"
    size = len(names)
    lower = np.tril_indices(size)
    cov = np.zeros((size, size))
    cov[lower] = version.covariance
    return Battery(model, spec, version.mean, cov + np.tril(cov, -1).T), ""


def consumption_model(
    workspace: Workspace, registry: Registry, pack: str, model: str = LATEST
) -> tuple[EnergyModel | None, str, str]:
    """A pack's model of consumption and its hash, or why there is none.

    Raises:
        NotFoundError: A model that is named does not exist.
        WorkspaceError: It was altered or damaged.
    """
    try:
        digest = record_named(registry, KIND, model, pack).hash
    except NotFoundError as error:
        if model != LATEST:
            raise
        return None, "", str(error)
    try:
        return EnergyModel.from_dict(workspace.artifacts(registry).load(digest)), digest, ""
    except (KeyError, TypeError, ValueError) as error:
        return None, "", f"the model of consumption cannot be used: {error}"


def _filled(
    workspace: Workspace, registry: Registry, vehicle: str, conditions: Conditions
) -> tuple[Conditions, tuple[str, ...]]:
    """Conditions with what is known of the vehicle where nothing was given, and what to say of that."""
    given, notes = conditions, []
    latest = registry.latest_of(vehicle)
    if given.soc_pct is None and latest.get("soc") is not None:
        given = replace(given, soc_pct=float(np.clip(100.0 * latest["soc"], 0.0, 100.0)))
    if given.ambient_c is None or given.battery_c is None:
        seen = _last_seen(workspace, registry, vehicle, latest)
        if given.ambient_c is None:
            given = replace(given, ambient_c=seen.get("ambient_temp_c"))
            # cells of a vehicle that was just asked at its own weather are as they were last seen
            given = replace(given, battery_c=seen.get("cell_temp_avg_c")) if given.battery_c is None else given
        if given.ambient_c is None:
            notes.append("no outside temperature was told: give it with --ambient-c for a range today")
    return given, tuple(notes)


def _last_seen(workspace: Workspace, registry: Registry, vehicle: str, latest: Mapping[str, Any]) -> dict[str, float]:
    """Temperatures of the air and the cells as last told."""
    seen_us = latest.get("last_seen_us")
    if seen_us is None:
        return {}
    build_telemetry(workspace, SegmentLog(workspace.log_dir), registry, registry.offset())
    names = ["ambient_temp_c", "cell_temp_avg_c"]
    until = _EPOCH + timedelta(microseconds=int(seen_us) + 1)
    rows = workspace.lake().read(
        TELEMETRY, [SAMPLE_TIME, *names], vehicle=vehicle, since=until - _LOOKED_BACK, until=until
    )
    found = {}
    for name in names:
        values = rows.column(name).to_numpy(zero_copy_only=False)
        told = values[np.isfinite(values)]
        if len(told):
            found[name] = float(told[-1])
    return found


def _mild(given: Conditions) -> Conditions:
    """A plan without any weather is driven at mild one."""
    return replace(given, ambient_c=MILD_C)


__all__ = ["RangeOutlook", "consumption_model", "twin_battery", "vehicle_range", "weathers"]
