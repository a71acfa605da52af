"""What is known of vehicles at a moment that may come before a failure: signs, from findings, days and histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.learn.failure import NAMES, SIGNS, FailureModel, sign_at

Floats = npt.NDArray[np.float64]

DAY_US = 86_400_000_000
FRESH_DAYS, TREND_DAYS, ODD_DAYS = 30.0, 60.0, 7
HORIZONS_DAYS = (30.0, 90.0)

BATTERY, ALARM, RAISED, GONE = "battery", "alarm", "raised", ("passed", "gone")
SEVERE = 3

_LEAST_TREND_DAYS = 8
_PER_MONTH = 30.4375
_SPREAD_V = 0.005
_ODD_FROM = 0.8
_LEAST_DECADES = 1.0  # less is the weather: isolation is lower when it is damp


@dataclass(frozen=True)
class Found:
    """One step in the life of a fault of a vehicle, in time order.

    Attributes:
        at_us: Sample time.
        code: Trouble code or rule.
        subject: What of the pack.
        category: `battery`, `sensor` or `data`.
        change: `pending`, `raised`, `passed` or `gone`.
        level: `watch` or `alarm`.
        severity: 0 to 3.
    """

    at_us: int
    code: str
    subject: str
    category: str
    change: str
    level: str
    severity: int


@dataclass(frozen=True)
class Daily:
    """A vehicle's days, in time order; NaN where nothing is told.

    Attributes:
        day: Days since the epoch, shape (D,).
        low_v: How far its lowest cell lies below the median at rest, V, positive.
        isolation_kohm: Least isolation.
        odder_than: Share of the days learned from that were less odd, 0 to 1.
    """

    day: Floats
    low_v: Floats
    isolation_kohm: Floats
    odder_than: Floats


@dataclass(frozen=True)
class Known:
    """Signs of one vehicle at a moment, and each in words where it is there.

    Attributes:
        signs: Values of `SIGNS`, shape (signs,).
        words: By name of the sign.
        severe_since_us: Since when an alarm of severity 3 of the battery is open; None for none.
    """

    signs: Floats
    words: dict[str, str]
    severe_since_us: int | None = None


@dataclass(frozen=True)
class FailureRisk:
    """How likely a vehicle's battery fails.

    Attributes:
        vehicle_id: The vehicle.
        p30: Probability within 30 days.
        p30_low: Where its 90 % interval begins.
        p30_high: Where it ends.
        p90: Probability within 90 days.
        p90_low: Where its 90 % interval begins.
        p90_high: Where it ends.
        severe: Whether an alarm of severity 3 is open: it should not wait.
        reasons: Why, the largest share first, in words; none when nothing is out of the usual.
    """

    vehicle_id: str
    p30: float
    p30_low: float
    p30_high: float
    p90: float
    p90_low: float
    p90_high: float
    severe: bool
    reasons: tuple[str, ...]


def known_at(at_us: int, found: Iterable[Found], days: Daily | None, pace: Floats | None = None) -> Known:
    """What is known of a vehicle at a moment; nothing later is looked at.

    Args:
        at_us: The moment, microseconds since the epoch.
        found: Its findings.
        days: Its days.
        pace: How much faster than its cohort's its capacity falls and its resistance rises, in standard deviations,
            shape (2,); NaN or None where it is not known.
    """
    signs, words = np.zeros(len(SIGNS)), {}
    standing = _open(at_us, found)
    worst: dict[str, Found] = {}
    for one in standing:
        worst.setdefault(_sign_of(one), one)
    for name, one in worst.items():
        signs[sign_at(name)] = 1.0
        words[name] = _in_words(one, at_us)
    if any(at_us - one.at_us < FRESH_DAYS * DAY_US for one in standing):
        signs[sign_at("fresh")] = 1.0
    if days is not None:
        _trends(at_us, days, signs, words)
    for name, value in zip(("fade", "resistance"), (np.nan, np.nan) if pace is None else pace, strict=True):
        if np.isfinite(value) and value > 0.0:
            signs[sign_at(name)] = value
            what = "capacity falls" if name == "fade" else "resistance rises"
            words[name] = f"{what} faster than that of vehicles like it ({value:.1f} standard deviations)"
    since = [one.at_us for one in standing if one.level == ALARM and one.severity >= SEVERE]
    return Known(signs, words, min(since, default=None))


def reasons(model: FailureModel, known: Known, most: int = 3) -> tuple[str, ...]:
    """Why a vehicle's risk is what it is, the largest share first; none where no sign is there."""
    share = model.shares(known.signs[None])[0]
    order = [NAMES[at] for at in np.argsort(-share, kind="stable") if share[at] > 0.0]
    return tuple(known.words[name] for name in order if name in known.words)[:most]


def _open(at_us: int, found: Iterable[Found]) -> list[Found]:
    """Findings of the battery that stand at a moment, each as it was raised last, the most severe first."""
    standing: dict[tuple[str, str], Found] = {}
    for one in found:
        if one.at_us > at_us:
            break
        if one.category != BATTERY:
            continue
        if one.change == RAISED:
            standing[one.code, one.subject] = one
        elif one.change in GONE:
            standing.pop((one.code, one.subject), None)
    return sorted(standing.values(), key=lambda one: (one.level != ALARM, -one.severity, -one.at_us))


def _sign_of(one: Found) -> str:
    if one.level != ALARM:
        return "watch"
    return "severe" if one.severity >= SEVERE else "limiting" if one.severity == SEVERE - 1 else "alarm"


def _in_words(one: Found, at_us: int) -> str:
    days = (at_us - one.at_us) / DAY_US
    where = f" of {one.subject}" if one.subject else ""
    when = "today" if days < 1.0 else f"for {days:.0f} day{'s' if days >= 1.5 else ''}"
    return f"{one.code}{where} is {'open' if one.level == ALARM else 'watched'} {when}"


def _trends(at_us: int, days: Daily, signs: Floats, words: dict[str, str]) -> None:
    now = at_us / DAY_US
    window = (days.day < now) & (days.day >= now - TREND_DAYS)
    growth = _slope(days.day[window], days.low_v[window]) * _PER_MONTH
    if growth > 0.2 * _SPREAD_V:
        signs[sign_at("spread")] = growth / _SPREAD_V
        words["spread"] = f"its lowest cell falls behind the others by {1000 * growth:.1f} mV a month"
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = -365.25 * _slope(days.day[window], np.log10(days.isolation_kohm[window]))
    if decades > _LEAST_DECADES:
        signs[sign_at("isolation")] = decades
        words["isolation"] = f"its isolation falls to {100 * 10**-decades:.2g} % within a year"
    scored = np.flatnonzero((days.day < now) & np.isfinite(days.odder_than))[-ODD_DAYS:]
    if len(scored) >= ODD_DAYS // 2:
        odd = float(days.odder_than[scored].mean())
        if odd > _ODD_FROM:
            signs[sign_at("odd")] = (odd - _ODD_FROM) / (1.0 - _ODD_FROM)
            words["odd"] = f"its last days are odder than {100 * odd:.0f} of 100 days of the fleet"


def _slope(day: Floats, values: Floats) -> float:
    """Change a day by the median of slopes between halves, robust to a wild day; NaN of too few days."""
    known = np.isfinite(values)
    day, values = day[known], values[known]
    if len(day) < _LEAST_TREND_DAYS or day[-1] - day[0] < 0.3 * TREND_DAYS:
        return float("nan")
    half = len(day) // 2
    early, late = slice(0, half), slice(len(day) - half, len(day))
    return float(np.median((values[late] - values[early]) / np.maximum(day[late] - day[early], 1.0)))


@dataclass(frozen=True)
class Weeks:
    """Vehicle-weeks to learn from: signs at their begin, whether the vehicle failed in them, and their length."""

    signs: Floats
    failed: npt.NDArray[np.bool_]
    weeks: Floats
    begin_us: npt.NDArray[np.int64]


def weeks_of(
    begin_us: int,
    end_us: int,
    found: Sequence[Found],
    days: Daily | None,
    failures_us: Sequence[int],
    pause_days: float = 30.0,
) -> Weeks:
    """One vehicle's weeks, each with what was known at its begin.

    Weeks after a failure are left out, and those in which a severe alarm is open: it has failed already.

    Args:
        begin_us: When it was first seen.
        end_us: When it was last seen.
        found: Its findings, in time order.
        days: Its days.
        failures_us: When it failed, rising.
        pause_days: For how long after a failure it is not counted.
    """
    week = 7 * DAY_US
    rows, failed, lengths, begins = [], [], [], []
    at = begin_us
    while at < end_us:
        stop = min(at + week, end_us)
        hit = next((one for one in failures_us if at < one <= stop), None)
        known = known_at(at, found, days)
        if known.severe_since_us is not None and hit is None:
            at = stop
            continue
        rows.append(known.signs)
        failed.append(hit is not None)
        lengths.append(((hit or stop) - at) / week)
        begins.append(at)
        at = stop if hit is None else hit + round(pause_days * DAY_US)
    return Weeks(
        np.array(rows).reshape(len(rows), len(SIGNS)),
        np.array(failed, dtype=bool),
        np.array(lengths, dtype=np.float64),
        np.array(begins, dtype=np.int64),
    )
