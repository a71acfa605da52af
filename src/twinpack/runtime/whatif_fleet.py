"""What-if over a fleet: block by block, so that memory does not grow with it, and a bad vehicle stops no other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from twinpack.battery.stress import DAYS_PER_MONTH, MONTHS
from twinpack.errors import LearningError, NotFoundError, TwinpackError
from twinpack.forecast.scenario import Scenario
from twinpack.forecast.whatif import whatif
from twinpack.forecast.whatif_demand import standard_model
from twinpack.forecast.whatif_experience import Experience
from twinpack.forecast.whatif_fleet import YEAR, Effects, Summary, effects, joined, summary
from twinpack.learn.energy_model import EnergyModel
from twinpack.learn.progress import Tell, silent
from twinpack.runtime.ageing import ageing_model
from twinpack.runtime.forecasts import outlook_of
from twinpack.runtime.named import LATEST
from twinpack.runtime.ranges import consumption_model
from twinpack.runtime.whatif import air_of, charged_to, fleet_experience, more_consumption
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace

YEARS = 10
"""How far is looked for a fleet, years."""

BLOCK = 100
"""Vehicles that are looked at together."""

_WRONG = (TwinpackError, ArithmeticError, ValueError, LookupError, np.linalg.LinAlgError)
"""What a vehicle's own data may do; it is told with its name, and the others go on."""


@dataclass(frozen=True)
class LeftOut:
    """A vehicle of which nothing is told, and why."""

    vehicle: str
    why: str


@dataclass(frozen=True)
class FleetWhatIf:
    """What scenarios do to a fleet.

    Attributes:
        asked: Vehicles that were asked for.
        told: Vehicles that something is told of.
        years: Years from now for which effects on health are told.
        horizon_years: How far was looked.
        ageing_models: Hash of the ageing model of each pack.
        scenarios: One a scenario.
        effects: Each vehicle's, one a scenario, in the same order.
        left_out: Vehicles that nothing is told of.
    """

    asked: int
    told: int
    years: int
    horizon_years: int
    ageing_models: dict[str, str]
    scenarios: list[Summary]
    effects: list[Effects]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class _Pack:
    """What the blocks of one pack share."""

    name: str
    model: str
    energy: EnergyModel
    seen: Experience


def whatif_fleet(
    workspace: Workspace,
    registry: Registry,
    scenarios: Sequence[Scenario],
    fleet: str | None = None,
    pack: str | None = None,
    years: int = YEARS,
    tell: Tell = silent,
) -> FleetWhatIf:
    """What scenarios do to the vehicles of a fleet, by the lake as it was brought up last; nothing is written.

    Args:
        workspace: Whose vehicles.
        registry: Its registry.
        scenarios: What is asked.
        fleet: Only vehicles of this fleet.
        pack: Only vehicles of this pack.
        years: How far to look, at least `YEAR`.
        tell: Is told of progress.

    Raises:
        NotFoundError: There is no such fleet or pack, no vehicle of both, or no ageing model for any of them.
        LearningError: Every ageing model is damaged.
    """
    chosen = vehicles_of(registry, fleet, pack)
    parts: list[list[Effects]] = []
    left_out: list[LeftOut] = []
    hashes: dict[str, str] = {}
    done, count = 0, sum(map(len, chosen.values()))
    missing: list[TwinpackError] = []
    for name, vehicles in chosen.items():
        try:
            shared, hashes[name] = _shared(workspace, registry, name, vehicles)
        except (NotFoundError, LearningError) as error:
            missing.append(error)
            left_out += [LeftOut(vehicle, str(error)) for vehicle in vehicles]
            done += len(vehicles)
            continue
        for start in range(0, len(vehicles), BLOCK):
            block = vehicles[start : start + BLOCK]
            for found in _told(workspace, registry, shared, block, scenarios, years):
                (left_out if isinstance(found, LeftOut) else parts).append(found)  # type: ignore[arg-type]
            done += len(block)
            tell("asking what if", done, count)
    if missing and not hashes:
        raise missing[0]
    every = [joined([part[at] for part in parts]) for at in range(len(scenarios))] if parts else []
    unsound = {name for one in every for name in one.take(~one.sound).vehicle_ids}
    left_out += [LeftOut(name, "its outlook is not a number") for name in sorted(unsound)]
    return FleetWhatIf(
        asked=count,
        told=count - len(left_out),
        years=YEAR,
        horizon_years=years,
        ageing_models=hashes,
        scenarios=[summary(scenario.name, one) for scenario, one in zip(scenarios, every, strict=False)],
        effects=every,
        left_out=left_out,
    )


def vehicles_of(registry: Registry, fleet: str | None = None, pack: str | None = None) -> dict[str, list[str]]:
    """Vehicles in use of a fleet and a pack, by the name of their pack.

    Raises:
        NotFoundError: There is no such fleet or pack, or no vehicle of both.
    """
    if fleet is not None:
        registry.fleet.fleet(fleet)
    if pack is not None:
        registry.fleet.pack(pack)
    found: dict[str, list[str]] = {}
    for name, one in registry.fleet.known().items():
        wanted = (fleet is None or one.fleet == fleet) and (pack is None or one.pack_name == pack)
        if wanted and one.registered and not one.retired:
            found.setdefault(one.pack_name, []).append(name)
    if not found:
        which = " and ".join(f"{what} {name!r}" for what, name in (("fleet", fleet), ("pack", pack)) if name)
        raise NotFoundError(f"no vehicle of {which or 'any pack'} sends anything here: `twinpack fleet list` shows all")
    return found


def _shared(workspace: Workspace, registry: Registry, name: str, vehicles: Sequence[str]) -> tuple[_Pack, str]:
    record, _ = ageing_model(workspace, registry, LATEST, name)
    spec = registry.fleet.loaded(name)
    energy, _, _ = consumption_model(workspace, registry, name)
    return _Pack(name, LATEST, energy or standard_model(spec), fleet_experience(workspace, registry, name)), record.hash


def _told(
    workspace: Workspace,
    registry: Registry,
    shared: _Pack,
    vehicles: Sequence[str],
    scenarios: Sequence[Scenario],
    years: int,
) -> Iterator[list[Effects] | LeftOut]:
    """Effects on a block; where it fails, on each of its vehicles alone, and why on none of some."""
    try:
        found = _block(workspace, registry, shared, vehicles, scenarios, years)
    except _WRONG as error:
        if len(vehicles) == 1:
            yield LeftOut(vehicles[0], str(error) or type(error).__name__)
            return
        for vehicle in vehicles:
            yield from _told(workspace, registry, shared, [vehicle], scenarios, years)
        return
    yield found
    told = set(found[0].vehicle_ids)
    yield from (LeftOut(name, "nothing was ever seen of it") for name in vehicles if name not in told)


def _block(
    workspace: Workspace,
    registry: Registry,
    shared: _Pack,
    vehicles: Sequence[str],
    scenarios: Sequence[Scenario],
    years: int,
) -> list[Effects]:
    of = outlook_of(workspace, registry, shared.name, vehicles, shared.model, months=1)
    air = air_of(workspace, of.fleet)
    found = whatif(
        of.model,
        of.rates,
        of.usage,
        of.pack.ocv,
        scenarios,
        years * MONTHS,
        of.pack.end_of_life_pct,
        air,
        more_consumption(shared.energy, of, scenarios, air),
        shared.seen,
        keep_paths=True,
        charged_to=charged_to(of.fleet),
    )
    age = of.histories.stress.days.sum(axis=0) / DAYS_PER_MONTH
    driven = np.array([life.driven_km for life in of.fleet.lives])
    return effects(found, of.pack.warranty, age, driven, max(of.pack.end_of_life_pct))
