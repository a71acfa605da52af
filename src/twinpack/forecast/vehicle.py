"""What is told of one vehicle's future: health by month, when life ends, what is left of it, warranties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from twinpack.battery.stress import DAYS_PER_MONTH, Usage
from twinpack.battery.warranty import ENERGY
from twinpack.forecast.baselines import BASELINES
from twinpack.forecast.outlook import LEVELS, EndOfLife, Outlook
from twinpack.forecast.risk import FailureRisk
from twinpack.forecast.warranty import Claims
from twinpack.learn.ageing import Histories

Floats = npt.NDArray[np.float64]

_MIDDLE = LEVELS.index(0.5)
_LEAST_POINTS = 3
_EPOCH_YEAR, _YEAR_MONTHS = 1970, 12


@dataclass(frozen=True)
class Spread:
    """A figure with its 90 % interval; None where it lies beyond the outlook or is not known."""

    p05: float | None
    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class Measured:
    """Capacity health as it was measured, % of rated, with its standard deviation."""

    date: date
    capacity_pct: float
    sd_pct: float


@dataclass(frozen=True)
class MonthAhead:
    """Health at the end of a month.

    Attributes:
        month: Its first day.
        capacity_pct: Capacity health, % of rated, at the quantiles `LEVELS`.
        energy_pct: State of certified energy, %.
        resistance_x: Resistance by that when new.
    """

    month: date
    capacity_pct: tuple[float, ...]
    energy_pct: Spread
    resistance_x: Spread


@dataclass(frozen=True)
class LifeEnd:
    """When capacity health falls to a limit.

    Attributes:
        limit_pct: The limit, % of rated.
        left: Share of the health between new and the limit that is left: 90 % with a limit of 80 % leaves 0.5.
        date: When, by quantiles `LEVELS`, the early date first; None beyond the outlook.
        probability: That it comes within the outlook.
        months: Remaining useful life, months.
        cycles: The same in equivalent full cycles.
        km: The same in kilometres, None where the distance is not known.
    """

    limit_pct: float
    left: float
    date: tuple[date | None, ...]
    probability: float
    months: Spread
    cycles: Spread
    km: Spread


@dataclass(frozen=True)
class WarrantyRisk:
    """How likely a warranty is claimed.

    Attributes:
        name: What asks for it.
        health: `energy` or `capacity`.
        least_pct: What has to be kept, %.
        until: When it ends by age or distance as the vehicle is driven; None beyond the outlook.
        probability: That health falls short before; None where it is over or ends beyond the outlook.
        why_not: Why there is no probability, "" where there is one.
    """

    name: str
    health: str
    least_pct: float
    until: date | None
    probability: float | None
    why_not: str


@dataclass(frozen=True)
class Baseline:
    """When a simple forecast says that life ends: a straight line, or exponential smoothing.

    Attributes:
        name: `linear`, `last_half` or `smoothing`.
        limit_pct: Health at which life ends.
        months: Months from the outlook's begin; None beyond it.
        date: The day; None beyond the outlook.
    """

    name: str
    limit_pct: float
    months: float | None
    date: date | None


@dataclass(frozen=True)
class VehicleForecast:
    """What is told of one vehicle.

    Attributes:
        vehicle_id: The vehicle.
        pack: Name of its pack.
        begins: First day of the outlook.
        why_not: Why nothing is told, "" where something is; then what follows is empty.
        measured: What was measured so far, in time order.
        now_pct: Capacity health now, % of rated, at the quantiles `LEVELS`.
        months: Month by month.
        ends: One a limit, the highest first.
        warranties: One a warranty.
        baselines: What simple forecasts say of the ends, one a forecast and limit.
        failure: How likely its battery fails within 30 and 90 days; None where nothing was seen of it.
        model_hash: The ageing model it rests on.
        version: Number of the twin's version it rests on, 0 for none.
    """

    vehicle_id: str
    pack: str
    begins: date
    why_not: str = ""
    measured: tuple[Measured, ...] = ()
    now_pct: tuple[float, ...] = ()
    months: tuple[MonthAhead, ...] = ()
    ends: tuple[LifeEnd, ...] = ()
    warranties: tuple[WarrantyRisk, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    failure: FailureRisk | None = None
    model_hash: str = ""
    version: int = 0


def told_of(
    at: int,
    found: Outlook,
    energy_pct: Floats,
    claims: Sequence[Claims],
    usage: Usage,
    *,
    pack: str,
    model_hash: str,
    version: int,
    with_months: bool = True,
) -> VehicleForecast:
    """What is told of one vehicle of an outlook.

    Args:
        at: Which one.
        found: The outlook.
        energy_pct: Its energy health at the levels of `Spread`, shape (3, H, V).
        claims: Its warranties.
        usage: How its vehicles are used.
        pack: Name of their pack.
        model_hash: The ageing model.
        version: Number of the twin's version.
        with_months: Whether each month is told; for a whole fleet that is much.
    """
    capacity, resistance = found.capacity_pct[:, :, at], found.resistance_x[:, :, at]
    ahead = tuple(
        MonthAhead(
            first_of(found.month + row),
            tuple(capacity[:, row].tolist()),
            Spread(*energy_pct[:, row, at].tolist()),
            Spread(*(float(resistance[level, row]) for level in (0, _MIDDLE, -1))),
        )
        for row in range(capacity.shape[1] if with_months else 0)
    )
    return VehicleForecast(
        vehicle_id=found.vehicle_ids[at],
        pack=pack,
        begins=first_of(found.month),
        now_pct=tuple(found.now_pct[:, at].tolist()),
        months=ahead,
        ends=tuple(_end(end, found.month, at, usage) for end in found.ends),
        warranties=tuple(_risk(claim, found.month, capacity.shape[1], at) for claim in claims),
        model_hash=model_hash,
        version=version,
    )


def measured_of(histories: Histories, at: int) -> tuple[Measured, ...]:
    """What was measured of one vehicle of some histories."""
    told = zip(histories.at[:, at], histories.capacity[:, at], histories.capacity_sd[:, at], strict=True)
    rows = ((day_of(histories.first_month, float(when)), value, sd) for when, value, sd in told if np.isfinite(value))
    return tuple(Measured(day, 100.0 * float(value), 100.0 * float(sd)) for day, value, sd in rows if day is not None)


def baselines_of(histories: Histories, at: int, months: int, limits_pct: Sequence[float]) -> tuple[Baseline, ...]:
    """What simple forecasts of one vehicle's history say of when life ends, within so many months."""
    known = np.isfinite(histories.capacity[:, at])
    if known.sum() < _LEAST_POINTS:
        return ()
    order = np.argsort(histories.at[known, at])
    position, capacity = histories.at[known, at][order], 100.0 * histories.capacity[known, at][order]
    ahead = histories.end_month - histories.first_month + np.arange(months + 1.0)
    found = []
    for name, method in BASELINES.items():
        path = method(position, capacity, ahead)
        for limit in limits_pct:
            passed = np.flatnonzero(path <= limit)
            left = float(passed[0]) if len(passed) else None
            day = None if left is None else day_of(histories.end_month, left)
            found.append(Baseline(name, limit, left, day))
    return tuple(found)


def first_of(month: int) -> date:
    """First day of a month counted from January 1970."""
    return date(_EPOCH_YEAR + month // _YEAR_MONTHS, month % _YEAR_MONTHS + 1, 1)


def day_of(month: int, months: float) -> date | None:
    """The day so many months after the begin of a month; None for infinity."""
    if not np.isfinite(months):
        return None
    whole = int(months)
    begin, end = first_of(month + whole), first_of(month + whole + 1)
    return begin + timedelta(days=int((months - whole) * (end - begin).days))


def _end(end: EndOfLife, month: int, at: int, usage: Usage) -> LifeEnd:
    months = end.months[:, at]
    days = months * DAYS_PER_MONTH
    return LifeEnd(
        limit_pct=end.limit_pct,
        left=float(end.left[at]),
        date=tuple(day_of(month, float(one)) for one in months),
        probability=float(end.by_then[-1, at]),
        months=_spread(months),
        cycles=_spread(days * usage.cycles_per_day[at]),
        km=_spread(days * usage.km_per_day[at]),
    )


def _spread(values: Floats) -> Spread:
    return Spread(*(float(one) if np.isfinite(one) else None for one in values[[0, _MIDDLE, -1]]))


def _risk(claim: Claims, month: int, horizon: int, at: int) -> WarrantyRisk:
    left, probability = float(claim.months_left[at]), float(claim.probability[at])
    why_not = ""
    if left <= 0:
        why_not = "It is over."
    elif left > horizon:
        why_not = "It ends beyond the outlook."
    one = claim.warranty
    until = day_of(month, left) if 0 < left <= horizon else None
    health = "energy" if one.health == ENERGY else "capacity"
    return WarrantyRisk(one.name, health, one.least_pct, until, None if why_not else probability, why_not)
