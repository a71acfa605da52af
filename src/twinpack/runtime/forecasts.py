"""The outlook of the vehicles of a pack, out of a workspace and its stored ageing model; forecasts kept in the lake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec
from twinpack.battery.stress import DAYS_PER_MONTH, Usage
from twinpack.errors import InputError, NotFoundError
from twinpack.forecast.outlook import LEVELS, Outlook, outlook, paths, told
from twinpack.forecast.vehicle import VehicleForecast, baselines_of, first_of, measured_of, told_of
from twinpack.forecast.warranty import claims, energy_paths
from twinpack.learn.ageing import AgeingModel, Histories, Rates
from twinpack.learn.progress import Tell, silent
from twinpack.runtime.ageing import ageing_model
from twinpack.runtime.forecast_rows import SPREAD, Block, ahead_rows, end_rows
from twinpack.runtime.named import LATEST
from twinpack.runtime.risks import failure_risks
from twinpack.runtime.usage import FleetLives, bring_up, fleet_lives, histories_of
from twinpack.store.forecasts import ForecastTables
from twinpack.store.records import ModelRecord
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import REFUSED

Floats = npt.NDArray[np.float64]

MONTHS = 120
"""How far is looked where nothing else is asked for."""

MOST_MONTHS = 600
_BLOCK_SIZE = 1_000
NOT_MEASURED = "Its capacity is not known yet: no update of its twin that tells it was accepted."


@dataclass(frozen=True)
class PackOutlook:
    """The outlook of V vehicles of one pack.

    Attributes:
        pack: Their pack.
        record: The stored model that tells it.
        model: That model.
        fleet: What is kept of the vehicles, in the order of all arrays.
        histories: Their histories.
        rates: What those say under the model.
        usage: How each is used.
        outlook: What is to come.
    """

    pack: PackSpec
    record: ModelRecord
    model: AgeingModel
    fleet: FleetLives
    histories: Histories
    rates: Rates
    usage: Usage
    outlook: Outlook


def outlook_of(
    workspace: Workspace,
    registry: Registry,
    pack: str | None = None,
    vehicles: Sequence[str] | None = None,
    model: str = LATEST,
    months: int = MONTHS,
    limits_pct: Sequence[float] | None = None,
) -> PackOutlook:
    """The outlook of the vehicles of a pack, as far as the lake was brought up (`runtime.usage.bring_up`).

    Args:
        workspace: Whose vehicles.
        registry: Its registry.
        pack: Name of the pack; None for the one there is a model of.
        vehicles: Only these.
        model: Which ageing model, `LATEST` or the first digits of its hash.
        months: How far to look.
        limits_pct: Health at which life ends; None for those of the pack.

    Raises:
        NotFoundError: There is no such model, pack or vehicle.
        LearningError: The model is damaged, or of a newer release.
    """
    record, ages = ageing_model(workspace, registry, model, pack)
    fleet = fleet_lives(workspace, registry, ages.pack, vehicles)
    histories = histories_of(registry, fleet)
    rates, usage, spec = ages.rates(histories, fleet.pack.ocv), fleet.usage(), fleet.pack
    told = outlook(ages, rates, usage, spec.ocv, months, spec.end_of_life_pct if limits_pct is None else limits_pct)
    return PackOutlook(spec, record, ages, fleet, histories, rates, usage, told)


@dataclass(frozen=True)
class FleetForecast:
    """What was told of the vehicles of one pack.

    Attributes:
        pack: Name of the pack.
        model_hash: The ageing model.
        vehicles: One a vehicle, without its months, the soonest to end first; those that nothing is told of last.
    """

    pack: str
    model_hash: str
    vehicles: tuple[VehicleForecast, ...]


def forecast_vehicle(
    workspace: Workspace,
    registry: Registry,
    vehicle: str,
    model: str = LATEST,
    months: int = MONTHS,
    limits_pct: Sequence[float] | None = None,
) -> VehicleForecast:
    """What is to come of one vehicle; nothing is kept.

    Args:
        workspace: Whose vehicle; its lake is brought up to what was folded first.
        registry: Its registry.
        vehicle: The vehicle.
        model: Which ageing model, `LATEST` (of its pack) or the first digits of its hash.
        months: How far to look.
        limits_pct: Health at which life ends; None for those of its pack.

    Raises:
        InputError: Months or a limit cannot be.
        NotFoundError: There is no such vehicle or model.
        LearningError: The model is damaged, or of a newer release.
    """
    check(months, limits_pct)
    pack = registry.vehicle(vehicle).pack
    bring_up(workspace, registry)
    record, ages = ageing_model(workspace, registry, model, pack)
    try:
        fleet = fleet_lives(workspace, registry, pack, [vehicle])
    except NotFoundError:
        raise NotFoundError(
            f"nothing was ever seen of vehicle {vehicle!r}: there is nothing to forecast from"
        ) from None
    standing = _Standing.of(registry, fleet, record, ages, months, limits_pct)
    found = next(standing.told(slice(0, 1), with_months=True))
    return replace(
        found,
        measured=measured_of(standing.histories, 0),
        baselines=() if found.why_not else baselines_of(standing.histories, 0, months, standing.limits_pct),
        failure=failure_risks(workspace, registry, [vehicle]).get(vehicle),
    )


def forecast_pack(
    workspace: Workspace,
    registry: Registry,
    pack: str | None = None,
    model: str = LATEST,
    months: int = MONTHS,
    limits_pct: Sequence[float] | None = None,
    tell: Tell = silent,
) -> FleetForecast:
    """What is to come of every vehicle of a pack, kept in the tables `forecasts` and `forecast_ends`.

    Arguments and errors as for `forecast_vehicle`; `tell` is told of progress.
    """
    check(months, limits_pct)
    bring_up(workspace, registry)
    record, ages = ageing_model(workspace, registry, model, pack)
    fleet = fleet_lives(workspace, registry, ages.pack)
    standing = _Standing.of(registry, fleet, record, ages, months, limits_pct)
    offset = registry.offset()
    risks = failure_risks(workspace, registry)
    found: list[VehicleForecast] = []
    ahead, ends = [], []
    for start in range(0, len(fleet.lives), _BLOCK_SIZE):
        some = slice(start, start + _BLOCK_SIZE)
        block = standing.block(some)
        told_now = [replace(one, failure=risks.get(one.vehicle_id)) for one in standing.told(some, block)]
        ahead.append(ahead_rows(block, ages.pack, record.hash, offset))
        ends.append(end_rows(told_now, ages.pack, record.hash, offset))
        found += told_now
        tell("looking ahead", len(found), len(fleet.lives))
    ForecastTables(workspace.lake()).put(ages.pack, ahead, ends, offset)
    return FleetForecast(ages.pack, record.hash, tuple(sorted(found, key=_soonest)))


def check(months: int, limits_pct: Sequence[float] | None) -> None:
    """Refuse an outlook that cannot be.

    Raises:
        InputError: Names what is wrong and what it may be.
    """
    if not 1 <= months <= MOST_MONTHS:
        raise InputError(f"an outlook of {months} months: it must be 1 to {MOST_MONTHS}")
    for limit in limits_pct or ():
        if not 1.0 <= limit <= 99.0:
            raise InputError(f"an end of life at {limit:g} %: it must be 1 to 99 % of the rated capacity")


@dataclass(frozen=True)
class _Standing:
    """Where the vehicles of a pack stand, and how far is to be looked."""

    fleet: FleetLives
    record: ModelRecord
    model: AgeingModel
    histories: Histories
    rates: Rates
    usage: Usage
    versions: dict[str, int]
    months: int
    limits_pct: tuple[float, ...]

    @classmethod
    def of(
        cls,
        registry: Registry,
        fleet: FleetLives,
        record: ModelRecord,
        model: AgeingModel,
        months: int,
        limits_pct: Sequence[float] | None,
    ) -> _Standing:
        histories = histories_of(registry, fleet)
        limits = sorted(set(fleet.pack.end_of_life_pct if limits_pct is None else limits_pct), reverse=True)
        rates = model.rates(histories, fleet.pack.ocv)
        versions = _versions(registry, fleet.vehicle_ids)
        return cls(fleet, record, model, histories, rates, fleet.usage(), versions, months, tuple(limits))

    def block(self, some: slice) -> Block:
        """The outlook of some vehicles."""
        usage, pack = self.usage.take(some), self.fleet.pack
        rates = self.rates.take(some)
        seen = paths(self.model, rates, usage, pack.ocv, self.months)
        capacity, resistance, now, ends = told(seen, self.limits_pct)
        age = self.histories.stress.days[:, some].sum(axis=0) / DAYS_PER_MONTH
        driven = np.array([life.driven_km for life in self.fleet.lives[some]])
        return Block(
            Outlook(rates.vehicle_ids, rates.month, capacity, resistance, now, tuple(ends)),
            np.quantile(energy_paths(seen)[1:], SPREAD, axis=-1),
            claims(seen, pack.warranty, age, driven, usage.km_per_day),
            usage,
            np.asarray(np.isfinite(self.histories.capacity[:, some]).any(axis=0)),
            tuple(self.versions.get(name, 0) for name in rates.vehicle_ids),
        )

    def told(self, some: slice, block: Block | None = None, with_months: bool = False) -> Iterator[VehicleForecast]:
        """What is told of each of some vehicles."""
        found = self.block(some) if block is None else block
        pack, digest = self.fleet.pack.name, self.record.hash
        for at, name in enumerate(found.outlook.vehicle_ids):
            if not found.known[at]:
                yield VehicleForecast(name, pack, first_of(found.outlook.month), NOT_MEASURED, model_hash=digest)
                continue
            yield told_of(
                at,
                found.outlook,
                found.energy_pct,
                found.claims,
                found.usage,
                pack=pack,
                model_hash=digest,
                version=found.versions[at],
                with_months=with_months,
            )


def _versions(registry: Registry, vehicles: Sequence[str]) -> dict[str, int]:
    """Number of the deployed version of each."""
    if len(vehicles) == 1:
        version = registry.deployed(vehicles[0])
        return {} if version is None else {vehicles[0]: version.number}
    return {row.vehicle_id: row.number for row in registry.version_rows() if row.kind != REFUSED}


def _soonest(one: VehicleForecast) -> tuple[bool, float, float, str]:
    """Those whose median end is known first, by it; then by the health now."""
    if one.why_not:
        return (True, np.inf, np.inf, one.vehicle_id)
    months = one.ends[0].months.p50
    return (False, np.inf if months is None else months, one.now_pct[LEVELS.index(0.5)], one.vehicle_id)
