"""What is told of a vehicle's scenarios: figures with their quantiles, and differences from the baseline path by path.

A figure that lies beyond the horizon, or is not known, is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.health import REFERENCE_LOSS_SHARE, usable_energy_x
from twinpack.battery.stress import MONTHS, Usage
from twinpack.battery.warranty import Warranty
from twinpack.forecast.outlook import LEVELS, Outlook, Paths, reached
from twinpack.forecast.scenario import Scenario
from twinpack.forecast.warranty import Claims, claims
from twinpack.forecast.whatif import WhatIf, later
from twinpack.forecast.whatif_trip import Ridden

Floats = npt.NDArray[np.float64]

YEARS = (1, 5, 8)
"""Years from now for which health is told."""

_SERIES = 120
"""Points that a trip is told with at most."""


@dataclass(frozen=True)
class Quantiles:
    """A figure at the quantiles `LEVELS`; None where it is beyond the horizon or not known."""

    p5: float | None
    p10: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None

    @classmethod
    def of(cls, values: Floats) -> Quantiles:
        """Of the figure at each level, shape (L,)."""
        return cls(*(float(one) if np.isfinite(one) else None for one in values))

    @classmethod
    def over(cls, draws: Floats) -> Quantiles:
        """Of draws of it."""
        between: Any = "linear" if np.isfinite(draws).all() else "inverted_cdf"  # between infinities there is nothing
        return cls.of(np.quantile(draws, LEVELS, method=between))


@dataclass(frozen=True)
class Ended:
    """When capacity health falls to a limit.

    Attributes:
        limit_pct: The limit, % of rated.
        years: Years from now.
        month: Of the median, such as `2031-04`.
        probability: That it comes within the horizon.
    """

    limit_pct: float
    years: Quantiles
    month: str | None
    probability: float


@dataclass(frozen=True)
class Claimed:
    """A warranty.

    Attributes:
        name: What asks for it.
        health: `energy` or `capacity`.
        least_pct: The least health.
        years_left: Until it ends by age or distance.
        probability: That health falls short before; None where it is over or ends beyond the horizon.
    """

    name: str
    health: str
    least_pct: float
    years_left: float
    probability: float | None


@dataclass(frozen=True)
class Trace:
    """A course over time, with its 80 % band."""

    p10: list[float]
    p50: list[float]
    p90: list[float]


@dataclass(frozen=True)
class TripTold:
    """Voltage and heat on a trip and the charge after it.

    Attributes:
        distance_km: Length of the trip.
        speed_kmh: Its mean speed.
        ambient_c: Air on it.
        charge_c_rate: Rate of the charge after it.
        lowest_v: Lowest voltage of the pack on the drive.
        highest_v: Highest voltage.
        highest_c: Highest cell temperature.
        arrival_soc_pct: Charge at the end of the drive.
        arrives: Probability that the charge is enough.
        power_cut: Probability that the drive gets less power than it asks for, since the voltage may fall no lower.
        charge_tapers: Probability that the charge takes less current at its end, since the voltage may rise no higher.
        too_warm: Probability of a temperature above what the pack allows.
        minutes: Times of the traces.
        voltage_v: Voltage.
        temp_c: Temperature.
    """

    distance_km: float
    speed_kmh: float
    ambient_c: float
    charge_c_rate: float
    lowest_v: Quantiles
    highest_v: Quantiles
    highest_c: Quantiles
    arrival_soc_pct: Quantiles
    arrives: float
    power_cut: float
    charge_tapers: float
    too_warm: float
    minutes: list[float]
    voltage_v: Trace
    temp_c: Trace


@dataclass(frozen=True)
class RangeTold:
    """Range on a full charge as usually driven, now and in some years; by name (`now`, `1y`, ...).

    Attributes:
        ambient_c: Air that it is told at.
        kwh_100km: What 100 km take.
        km: The range.
    """

    ambient_c: float
    kwh_100km: Quantiles
    km: dict[str, Quantiles]


@dataclass(frozen=True)
class CourseTold:
    """What is told of the baseline or of a scenario.

    Attributes:
        name: Its name.
        usage: How the vehicle is used: figures of a typical year.
        health_pct: Capacity health, % of rated, `now` and in `YEARS`.
        energy_pct: State of certified energy, likewise.
        resistance_x: Resistance by that when new, likewise.
        end_of_life: One a limit.
        warranty: One a warranty.
        range: Range; None where it is not known.
        trip: Voltage and heat; None where they are not known.
        months: First day of each month told, `2027-01`, and capacity health then.
    """

    name: str
    usage: dict[str, float]
    health_pct: dict[str, Quantiles]
    energy_pct: dict[str, Quantiles]
    resistance_x: dict[str, Quantiles]
    end_of_life: list[Ended]
    warranty: list[Claimed]
    range: RangeTold | None
    trip: TripTold | None
    months: list[str]
    monthly_pct: Trace


@dataclass(frozen=True)
class Delta:
    """A scenario less the baseline, path by path.

    Attributes:
        health_pts: Capacity health in `YEARS`, points.
        energy_pts: State of certified energy, points.
        resistance_x: Resistance by that when new.
        end_of_life_years: Years by which life ends later, by limit (`80`); None where both usually lie beyond the
            horizon.
        warranty_pts: Probability of each warranty, points; None where it is not known.
        range_km: Range `now` and in `YEARS`; None where it is not known.
        lowest_v: Lowest voltage on the trip.
        highest_c: Highest temperature on it.
    """

    health_pts: dict[str, Quantiles]
    energy_pts: dict[str, Quantiles]
    resistance_x: dict[str, Quantiles]
    end_of_life_years: dict[str, Quantiles]
    warranty_pts: dict[str, float | None]
    range_km: dict[str, Quantiles] | None
    lowest_v: Quantiles | None
    highest_c: Quantiles | None


@dataclass(frozen=True)
class ScenarioTold:
    """What is told of a scenario.

    Attributes:
        changes: What it changes, by name.
        course: What comes of it.
        delta: Beside the baseline.
        beyond: Where it leads beyond the fleet's experience, in words.
    """

    changes: dict[str, Any]
    course: CourseTold
    delta: Delta
    beyond: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ranged:
    """Range of one vehicle: energy of a full charge now over what a kilometre takes, S draws.

    Attributes:
        ambient_c: Air that it is told at.
        kwh_km: Energy of a kilometre.
        usable_kwh: Energy of a full charge.
    """

    ambient_c: float
    kwh_km: Floats
    usable_kwh: Floats

    def km(self, energy_x: Floats) -> Floats:
        """Range along paths of the usable energy by that when new, (H + 1, S), row 0 now."""
        return np.asarray(self.usable_kwh * energy_x / energy_x[0] / self.kwh_km)


@dataclass(frozen=True)
class Side:
    """The baseline or a scenario of one vehicle, as it was computed.

    Attributes:
        name: Its name.
        usage: How it is used, V = 1.
        charged_to: Charge at which charging usually ends.
        paths: Its paths, V = 1.
        outlook: What they come to.
        ridden: How the trip went; None where it was not simulated.
        trip: `(distance_km, speed_kmh, ambient_c)` of it.
        ranged: Its range; None where it is not known.
    """

    name: str
    usage: Usage
    charged_to: float
    paths: Paths
    outlook: Outlook
    ridden: Ridden | None = None
    trip: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ranged: Ranged | None = None

    @property
    def energy_x(self) -> Floats:
        """Usable energy by that when new along its paths, (H + 1, S)."""
        capacity, resistance = self.paths.capacity_pct[:, 0] / 100.0, self.paths.resistance_x[:, 0]
        return usable_energy_x(capacity, resistance, REFERENCE_LOSS_SHARE)


@dataclass(frozen=True)
class Asked:
    """What of a vehicle the telling needs.

    Attributes:
        warranties: Of its pack.
        age_months: Its age.
        driven_km: What it has driven; NaN where it is not known.
        temp_max_c: Highest temperature that the pack allows.
    """

    warranties: Sequence[Warranty]
    age_months: float
    driven_km: float
    temp_max_c: float


def sides(found: WhatIf) -> list[Side]:
    """Baseline and scenarios of one vehicle, whose paths were kept."""
    every = [("baseline", found.usage, found.charged_to, found.paths, found.baseline)]
    every += [(one.scenario.name, one.usage, one.charged_to, one.paths, one.outlook) for one in found.courses]
    return [Side(name, usage, float(top[0]), kept, told) for name, usage, top, kept, told in every if kept is not None]


def told_course(side: Side, asked: Asked) -> CourseTold:
    """What is told of a side."""
    capacity, resistance = side.paths.capacity_pct[:, 0], side.paths.resistance_x[:, 0]
    energy = 100.0 * side.energy_x
    first = side.outlook.month
    return CourseTold(
        name=side.name,
        usage=_usage(side.usage, side.charged_to),
        health_pct=_at(capacity),
        energy_pct=_at(energy),
        resistance_x=_at(resistance),
        end_of_life=[_ended(side, one.limit_pct) for one in side.outlook.ends],
        warranty=[_claimed(one) for one in _claims(side, asked)],
        range=_range(side),
        trip=None if side.ridden is None else _trip(side, side.ridden, asked),
        months=[month_name(first + at) for at in range(len(capacity))],
        monthly_pct=_trace(capacity),
    )


def told_scenario(side: Side, base: Side, scenario: Scenario, asked: Asked, beyond: Sequence[str]) -> ScenarioTold:
    """What is told of a scenario beside the baseline."""
    return ScenarioTold(
        changes={name: getattr(scenario, name) for name in scenario.changes},
        course=told_course(side, asked),
        delta=_delta(side, base, asked),
        beyond=list(beyond),
    )


def month_name(month: int) -> str:
    """`2031-04` of a month counted from January 1970."""
    return f"{1970 + month // MONTHS}-{month % MONTHS + 1:02d}"


def _delta(side: Side, base: Side, asked: Asked) -> Delta:
    capacity = side.paths.capacity_pct[:, 0] - base.paths.capacity_pct[:, 0]
    limits = [one.limit_pct for one in side.outlook.ends]
    risks = zip(_claims(side, asked), _claims(base, asked), strict=True)
    ridden, usual = side.ridden, base.ridden
    return Delta(
        health_pts=_at(capacity, now=False),
        energy_pts=_at(100.0 * (side.energy_x - base.energy_x), now=False),
        resistance_x=_at(side.paths.resistance_x[:, 0] - base.paths.resistance_x[:, 0], now=False),
        end_of_life_years={
            f"{limit:g}": Quantiles.of(later(base.paths, side.paths, limit)[:, 0] / MONTHS) for limit in limits
        },
        warranty_pts={one.warranty.name: _points(one, other) for one, other in risks},
        range_km=_range_delta(side, base),
        lowest_v=Quantiles.over(ridden.lowest_v - usual.lowest_v) if ridden and usual else None,
        highest_c=Quantiles.over(ridden.highest_c - usual.highest_c) if ridden and usual else None,
    )


def _at(rows: Floats, now: bool = True) -> dict[str, Quantiles]:
    """Now and in `YEARS`, as far as the rows (H + 1, S) go."""
    told = {"now": 0} if now else {}
    told |= {f"{years}y": years * MONTHS for years in YEARS if years * MONTHS < len(rows)}
    return {name: Quantiles.over(rows[row]) for name, row in told.items()}


def _usage(usage: Usage, top: float) -> dict[str, float]:
    """The typical year in figures for people."""
    depth = float(usage.depth[0])
    figures = {
        "cell_temp_mean_c": float(usage.temp_c[:, 0].mean()),
        "cell_temp_warmest_month_c": float(usage.temp_c[:, 0].max()),
        "parked_soc_pct": 100.0 * float(usage.parked_soc[0]),
        "charge_from_pct": 100.0 * max(top - depth, 0.0),
        "charge_to_pct": 100.0 * top,
        "depth_pct": 100.0 * depth,
        "charge_c_rate": float(usage.c_rate[0]),
        "fast_share_pct": 100.0 * float(usage.fast_share[0]),
        "full_cycles_a_year": float(usage.cycles_per_day[0]) * 365.25,
        "km_a_year": float(usage.km_per_day[0]) * 365.25,
    }
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def _ended(side: Side, limit: float) -> Ended:
    months = reached(side.paths.capacity_pct, limit)[0]
    at = np.quantile(months, LEVELS, method="inverted_cdf")
    middle = float(at[LEVELS.index(0.5)])
    month = month_name(side.outlook.month + int(middle)) if np.isfinite(middle) else None
    return Ended(limit, Quantiles.of(at / MONTHS), month, float(np.isfinite(months).mean()))


def _claims(side: Side, asked: Asked) -> tuple[Claims, ...]:
    age, km = np.array([asked.age_months]), np.array([asked.driven_km])
    return claims(side.paths, asked.warranties, age, km, side.usage.km_per_day)


def _claimed(one: Claims) -> Claimed:
    chance = float(one.probability[0])
    return Claimed(
        one.warranty.name,
        one.warranty.health,
        one.warranty.least_pct,
        float(one.months_left[0]) / MONTHS,
        chance if np.isfinite(chance) else None,
    )


def _points(one: Claims, other: Claims) -> float | None:
    points = 100.0 * float(one.probability[0] - other.probability[0])
    return points if np.isfinite(points) else None


def _range(side: Side) -> RangeTold | None:
    if side.ranged is None:
        return None
    taken = Quantiles.over(100.0 * side.ranged.kwh_km)
    return RangeTold(side.ranged.ambient_c, taken, _at(side.ranged.km(side.energy_x)))


def _range_delta(side: Side, base: Side) -> dict[str, Quantiles] | None:
    if side.ranged is None or base.ranged is None:
        return None
    return _at(side.ranged.km(side.energy_x) - base.ranged.km(base.energy_x))


def _trip(side: Side, ridden: Ridden, asked: Asked) -> TripTold:
    distance, speed, ambient = side.trip
    rows = np.unique(np.linspace(0, len(ridden.time_s) - 1, _SERIES).astype(int))
    return TripTold(
        distance_km=distance,
        speed_kmh=speed,
        ambient_c=ambient,
        charge_c_rate=float(side.usage.c_rate[0]),
        lowest_v=Quantiles.over(ridden.lowest_v),
        highest_v=Quantiles.over(ridden.highest_v),
        highest_c=Quantiles.over(ridden.highest_c),
        arrival_soc_pct=Quantiles.over(100.0 * ridden.arrival_soc),
        arrives=float(np.mean(ridden.short_kwh <= 0.0)),
        power_cut=float(np.mean(ridden.power_cut)),
        charge_tapers=float(np.mean(ridden.tapers)),
        too_warm=float(np.mean(ridden.highest_c > asked.temp_max_c)),
        minutes=(ridden.time_s[rows] / 60.0).round(2).tolist(),
        voltage_v=_trace(ridden.voltage_v[rows], 2),
        temp_c=_trace(ridden.temp_c[rows], 2),
    )


def _trace(rows: Floats, digits: int = 3) -> Trace:
    low, middle, high = np.quantile(rows, (0.1, 0.5, 0.9), axis=-1).round(digits).tolist()
    return Trace(low, middle, high)
