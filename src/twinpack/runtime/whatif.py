"""What-if on a vehicle of a workspace: its twin, its rates and its use, copied out and changed; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from twinpack.battery.stress import DAYS_PER_MONTH, MONTHS
from twinpack.errors import NotFoundError, ScenarioError
from twinpack.filters.simulate import Simulator
from twinpack.forecast.range import Battery, discharge
from twinpack.forecast.scenario import Scenario
from twinpack.forecast.scenario_file import read_scenarios, together
from twinpack.forecast.scenario_usage import OVER_AIR_C, changed_usage, yearly_air_c
from twinpack.forecast.vehicle import Measured, measured_of
from twinpack.forecast.whatif import WhatIf, whatif
from twinpack.forecast.whatif_demand import Demand, consumption_x, demand, standard_model
from twinpack.forecast.whatif_experience import Experience, experience
from twinpack.forecast.whatif_told import (
    Asked,
    CourseTold,
    Ranged,
    ScenarioTold,
    Side,
    month_name,
    sides,
    told_course,
    told_scenario,
)
from twinpack.forecast.whatif_trip import Lanes, Ride, lanes_of, ride
from twinpack.learn.energy_model import EnergyModel
from twinpack.learn.usage import LEAST_CHARGE_DEPTH, lived
from twinpack.runtime.ageing import ageing_model
from twinpack.runtime.forecasts import PackOutlook, outlook_of
from twinpack.runtime.named import LATEST
from twinpack.runtime.ranges import consumption_model, twin_battery
from twinpack.runtime.usage import FleetLives, fleet_lives
from twinpack.store.registry import Registry
from twinpack.store.tables import DAY, FEATURES
from twinpack.store.workspace import Workspace

Floats = npt.NDArray[np.float64]

YEARS = 20
"""How far is looked for one vehicle, years."""

SEEN = 200
"""Vehicles of a pack that tell what its fleet has lived through."""

_LARGEST = 1_000_000
_NOTHING = "nothing was ever seen of vehicle {!r}: there is nothing to tell it from"


@dataclass(frozen=True)
class VehicleWhatIf:
    """What is told of a vehicle.

    Attributes:
        vehicle: The vehicle.
        pack: Name of its pack.
        version: Number of the twin's version it rests on, None without a twin.
        ageing_model: Hash of the ageing model.
        energy_model: Hash of the model of consumption, "" where none was learned.
        begins: First month that is looked at, such as `2027-01`.
        age_years: Age of the battery then.
        driven_km: What it has driven; None where that is not known.
        years: How far is looked.
        measured: Capacity health as it was measured so far.
        baseline: As it is used.
        scenarios: Beside it.
        notes: What to know of it.
    """

    vehicle: str
    pack: str
    version: int | None
    ageing_model: str
    energy_model: str
    begins: str
    age_years: float
    driven_km: float | None
    years: int
    measured: list[Measured]
    baseline: CourseTold
    scenarios: list[ScenarioTold]
    notes: list[str]


def load_scenarios(files: Sequence[Path]) -> tuple[Scenario, ...]:
    """The scenarios of some files, three at most; plans they name lie beside them.

    Raises:
        ScenarioError: A file cannot be read, or something in it is not allowed.
    """
    found: list[Scenario] = []
    for file in files:
        text, is_json = _text(file, str(file)), file.suffix.lower() == ".json"
        found += read_scenarios(text, str(file), partial(_plan, file), is_json)
    return together(found, ", ".join(map(str, files)))


def whatif_vehicle(
    workspace: Workspace,
    registry: Registry,
    vehicle: str,
    scenarios: Sequence[Scenario],
    model: str = LATEST,
    years: int = YEARS,
) -> VehicleWhatIf:
    """Baseline and scenarios of a vehicle, by the lake as it was brought up last.

    Args:
        workspace: Whose vehicle; it is only read.
        registry: Its registry.
        vehicle: The vehicle.
        scenarios: What is asked.
        model: The ageing model, `LATEST` or the first digits of its hash.
        years: How far to look.

    Raises:
        NotFoundError: There is no such vehicle, or no ageing model of its pack.
        ScenarioError: A scenario cannot be told for it.
        LearningError: The ageing model is damaged.
    """
    entered = registry.fleet.known().get(vehicle)
    if entered is not None and not entered.registered:
        raise NotFoundError(_NOTHING.format(vehicle))
    spec = registry.fleet.loaded(registry.vehicle(vehicle).pack)
    of = _seen(workspace, registry, spec.name, vehicle, model)
    air = air_of(workspace, of.fleet)
    energy, digest, _ = consumption_model(workspace, registry, spec.name)
    taken = energy or standard_model(spec)
    found = whatif(
        of.model,
        of.rates,
        of.usage,
        spec.ocv,
        scenarios,
        years * MONTHS,
        spec.end_of_life_pct,
        air,
        more_consumption(taken, of, scenarios, air),
        fleet_experience(workspace, registry, spec.name),
        keep_paths=True,
        charged_to=charged_to(of.fleet),
    )
    version = registry.deployed(vehicle)
    battery, why_not = twin_battery(workspace, registry, spec, version)
    every = sides(found)
    if battery is not None:
        every = _with_trip_and_range(every, battery, taken, vehicle, scenarios, air)
    asked = asked_of(of, 0)
    told = [
        told_scenario(side, every[0], scenario, asked, [str(one) for one in course.notes])
        for side, scenario, course in zip(every[1:], scenarios, found.courses, strict=True)
    ]
    return VehicleWhatIf(
        vehicle=vehicle,
        pack=spec.name,
        version=None if version is None else version.number,
        ageing_model=of.record.hash,
        energy_model=digest,
        begins=month_name(found.month),
        age_years=asked.age_months / MONTHS,
        driven_km=asked.driven_km if np.isfinite(asked.driven_km) else None,
        years=years,
        measured=list(measured_of(of.histories, 0)),
        baseline=told_course(every[0], asked),
        scenarios=told,
        notes=_notes(of, found, why_not, energy is not None),
    )


def _seen(workspace: Workspace, registry: Registry, pack: str, vehicle: str, model: str) -> PackOutlook:
    """Where a vehicle stands.

    Raises:
        NotFoundError: There is no ageing model, or nothing was ever seen of it.
    """
    ageing_model(workspace, registry, model, pack)
    try:
        return outlook_of(workspace, registry, pack, [vehicle], model, months=1)
    except NotFoundError:
        raise NotFoundError(_NOTHING.format(vehicle)) from None


def asked_of(of: PackOutlook, at: int) -> Asked:
    """Warranties, age, distance and limits of one vehicle of an outlook."""
    return Asked(
        warranties=of.pack.warranty,
        age_months=float(of.histories.stress.days[:, at].sum() / DAYS_PER_MONTH),
        driven_km=of.fleet.lives[at].driven_km,
        temp_max_c=of.pack.temp_max_c,
    )


def charged_to(fleet: FleetLives) -> Floats:
    """Charge at which each vehicle's charging ended in the mean, NaN where none was seen, shape (V,)."""
    found = []
    for life in fleet.lives:
        full = life.charging & (life.soc_end - life.soc_start >= LEAST_CHARGE_DEPTH)
        found.append(float(life.soc_end[full].mean()) if full.any() else float("nan"))
    return np.array(found)


def air_of(workspace: Workspace, fleet: FleetLives) -> Floats:
    """Mean air temperature of January to December where each vehicle is, NaN where it is not told, shape (12, V)."""
    names = list(fleet.vehicle_ids)
    rows = workspace.lake().read(
        FEATURES, ["vehicle_id", DAY, "ambient_mean_c"], filters=pc.field("vehicle_id").isin(names)
    )
    whose = np.asarray(rows.column("vehicle_id").to_pylist(), dtype=object)
    days = rows.column(DAY).cast("int32").to_numpy().astype(np.float64)
    told = rows.column("ambient_mean_c").to_numpy().astype(np.float64)
    order = np.argsort(whose, kind="stable")
    whose, days, told = whose[order], days[order], told[order]
    edges = [np.searchsorted(whose, name, side) for name in names for side in ("left", "right")]
    columns = [yearly_air_c(days[a:b], told[a:b]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return np.stack(columns, axis=1)


def more_consumption(
    model: EnergyModel, of: PackOutlook, scenarios: Sequence[Scenario], air_c: Floats
) -> dict[str, Floats]:
    """What a kilometre takes under each scenario by what it takes now, shape (V,) each."""
    now = _mean_air(of, air_c)
    found = {}
    for scenario in scenarios:
        if not scenario.changes_consumption:
            continue
        then = now + _warmer(of, scenario, air_c)
        pairs = zip(of.fleet.vehicle_ids, then, now, strict=True)
        found[scenario.name] = np.array([consumption_x(model, name, scenario, new, old) for name, new, old in pairs])
    return found


def fleet_experience(workspace: Workspace, registry: Registry, pack: str) -> Experience:
    """What the fleet of a pack has lived through, by vehicles evenly spread over their names."""
    names = sorted(name for name, one in registry.fleet.known().items() if one.pack_name == pack and one.registered)
    some = names[:: max(-(-len(names) // SEEN), 1)]
    fleet = fleet_lives(workspace, registry, pack, some)
    stress, _, _ = lived(fleet.lives, fleet.pack.capacity_ah, fleet.pack.energy_kwh, fleet.end_month)
    return experience(stress)


def _mean_air(of: PackOutlook, air_c: Floats) -> Floats:
    """Mean air of the year; where it is not told, from the cells' temperature."""
    return np.asarray(
        np.where(np.isfinite(air_c).all(axis=0), air_c.mean(axis=0), of.usage.temp_c.mean(0) - OVER_AIR_C)
    )


def _warmer(of: PackOutlook, scenario: Scenario, air_c: Floats) -> Floats:
    """By how much a scenario warms the mean of the year."""
    climate = replace(Scenario("x", warmer_c=scenario.warmer_c or 0.0), climate=scenario.climate)
    changed = changed_usage(of.usage, climate, air_c)
    return np.asarray(changed.temp_c.mean(axis=0) - of.usage.temp_c.mean(axis=0))


def _with_trip_and_range(
    every: list[Side],
    battery: Battery,
    model: EnergyModel,
    vehicle: str,
    scenarios: Sequence[Scenario],
    air_c: Floats,
) -> list[Side]:
    """Sides with how the trip goes and how far the vehicle comes."""
    count = every[0].paths.capacity_pct.shape[-1]
    simulator = Simulator(battery.model)
    lanes = lanes_of(battery.model, battery.pack, np.asarray(battery.mean), battery.covariance, count)
    usual = every[0].usage.temp_c.mean()
    air = float(air_c.mean()) if np.isfinite(air_c).all() else float(usual) - OVER_AIR_C
    done = []
    for side, scenario in zip(every, [None, *scenarios], strict=True):
        own = air + float(side.usage.temp_c.mean() - usual)
        wanted = demand(model, vehicle, scenario, own, own, count)
        done.append(_asked_of_twin(side, battery, simulator, lanes, wanted, own))
    return done


def _asked_of_twin(
    side: Side, battery: Battery, simulator: Simulator, lanes: Lanes, wanted: Demand, air_c: float
) -> Side:
    usage = side.usage
    top = max(side.charged_to, 0.1)
    asked = Ride(
        energy_kwh=wanted.ride.energy_kwh,
        hours=wanted.ride.hours,
        air_c=wanted.ambient_c,
        start_soc=top,
        charge_to=top,
        c_rate=float(usage.c_rate[0]),
        ripple=wanted.ripple,
    )
    ridden = ride(simulator, battery.pack, lanes, asked)
    full = np.ones(lanes.living.shape[1])
    given = discharge(battery, lanes.living, full, 0.0, (air_c, air_c), wanted.usual)
    return replace(
        side,
        ridden=ridden,
        trip=(wanted.trip.distance_km, wanted.trip.speed_kmh, wanted.ambient_c),
        ranged=Ranged(air_c, wanted.usual.kwh_km, given.usable_kwh),
    )


def _notes(of: PackOutlook, found: WhatIf, why_not: str, learned: bool) -> list[str]:
    notes = []
    if not np.isfinite(of.histories.capacity).any():
        notes.append("no health of this vehicle was measured yet: it is taken to age as its fleet does")
    if why_not:
        notes.append(f"no trip and no range: {why_not}")
    elif not learned:
        notes.append(
            "consumption is that of a usual vehicle with such a pack; `twinpack learn energy` learns the vehicle's own"
        )
    if any(course.beyond.any() for course in found.courses):
        notes.append(
            "a scenario leads beyond what the fleet has lived: its effect there is the law's word, with wider bands"
        )
    return notes


def _plan(file: Path, name: str) -> str:
    return _text(file.parent / name, f"{file}: trips {name!r}")


def _text(file: Path, where: str) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            raise ScenarioError(f"{where}: larger than {_LARGEST // 1_000_000} MB; that is no file of scenarios")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ScenarioError(f"{where}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{where}: not a text in UTF-8") from error
