"""Back-test of forecasts of health as they are made: from origins in the past, each knowing nothing that came later.

At each origin how a pack ages is learned from what was known then, every vehicle is looked ahead under the use it had
until then, and what was measured later judges it; beside it the data-driven fade of the fleet and the baselines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec
from twinpack.battery.stress import MONTHS, Usage
from twinpack.errors import LearningError
from twinpack.evaluate.forecasts import crps, inside, interval_score, quantile_loss
from twinpack.forecast.baselines import BASELINES
from twinpack.forecast.curves import fade_health, learn_fleet_fade
from twinpack.forecast.outlook import LEVELS, outlook
from twinpack.learn.ageing import Histories, learn_ageing
from twinpack.learn.progress import Tell, silent

Floats = npt.NDArray[np.float64]

LAW, FADE = "law", "fade"
"""The ageing law with rates of each vehicle, and the data-driven model; baselines have names of their own."""

ORIGINS = 3
SHARES = (0.4, 0.9)
"""Origins lie evenly between these shares of the time that is known."""
MOST_VEHICLES = 200
"""Vehicles of a larger fleet that are looked at, evenly spread over their names."""
LEAST_BEFORE = 3
"""Measurements before an origin that a vehicle needs to be judged there: a line needs as many."""

_LOW, _MIDDLE, _HIGH = LEVELS.index(0.05), LEVELS.index(0.5), LEVELS.index(0.95)
_Z90 = 1.6448536269514722
_ALPHA = 0.10


@dataclass(frozen=True)
class MethodScore:
    """How good one way to forecast was, percentage points of the rated capacity.

    Attributes:
        name: `law`, `fade`, or a baseline.
        mae_pct: Mean absolute error of the median.
        bias_pct: Mean error of the median.
        quantile_loss_pct: Mean quantile loss over the levels told.
        crps_pct: Continuous ranked probability score; of a forecast without quantiles its absolute error.
        coverage_90_pct: Share of measurements inside the 90 % interval, %; None where no interval is told.
        interval_score_pct: Score of that interval: its width, and 20 times each miss; None likewise.
    """

    name: str
    mae_pct: float
    bias_pct: float
    quantile_loss_pct: float
    crps_pct: float
    coverage_90_pct: float | None
    interval_score_pct: float | None


@dataclass(frozen=True)
class HealthBacktest:
    """A back-test of one pack.

    Attributes:
        pack: Name of the pack.
        law: Name of the ageing law.
        origins: Months from which it was forecast, counted from January 1970.
        vehicles: Vehicles judged.
        points: Measurements that judged, each once for each origin before it.
        horizon_months: The furthest one lay so many months ahead.
        methods: Each way to forecast on the same measurements, the best first.
        notes: What to know of it, in sentences.
    """

    pack: str
    law: str
    origins: tuple[int, ...]
    vehicles: int
    points: int
    horizon_months: float
    methods: tuple[MethodScore, ...]
    notes: tuple[str, ...] = ()

    def of(self, name: str) -> MethodScore | None:
        """The score of one way to forecast; None where it could not."""
        return next((one for one in self.methods if one.name == name), None)


@dataclass(frozen=True)
class _Judged:
    """What came at one origin: N measurements, and what each method had told of them as quantiles (L, N), %."""

    vehicle: npt.NDArray[np.int64]
    ahead: Floats
    truth: Floats
    sd: Floats
    told: dict[str, Floats]


def backtest_health(
    histories: Histories, pack: PackSpec, law: str, origins: int = ORIGINS, tell: Tell = silent
) -> HealthBacktest:
    """Forecast a fleet's health from moments of its past, and judge that by what came.

    Args:
        histories: The fleet's, up to now.
        pack: Its pack.
        law: Name of the ageing law.
        origins: From how many moments.
        tell: Is told of progress.

    Raises:
        LearningError: At no origin there is enough before and after it; says what is missing.
    """
    some = histories.some(np.arange(0, histories.vehicles, -(-histories.vehicles // MOST_VEHICLES) or 1))
    judged: list[_Judged] = []
    used: list[int] = []
    why_no_fade = ""
    why = ""
    for done, month in enumerate(origin_months(some, origins)):
        tell("back-testing forecasts", done, origins)
        try:
            one, note = _judge(some, pack, law, month)
        except LearningError as error:
            why = str(error)
            continue
        if len(one.truth):
            judged.append(one)
            used.append(month)
            why_no_fade = note or why_no_fade
    if not judged:
        raise LearningError(f"no back-test of pack {pack.name!r}: {why or 'no vehicle was measured before and after'}")
    names = [name for name in judged[0].told if all(name in one.told for one in judged)]
    methods = sorted((_score(name, judged) for name in names), key=lambda one: one.crps_pct)
    return HealthBacktest(
        pack=pack.name,
        law=law,
        origins=tuple(used),
        vehicles=len(np.unique(np.concatenate([one.vehicle for one in judged]))),
        points=sum(len(one.truth) for one in judged),
        horizon_months=float(max(one.ahead.max() for one in judged)),
        methods=tuple(methods),
        notes=_notes(judged, why_no_fade),
    )


def _notes(judged: Sequence[_Judged], why_no_fade: str) -> tuple[str, ...]:
    """What to say where the data-driven model could be learned at some origins alone, or at none."""
    if not why_no_fade:
        return ()
    some = [one for one in judged if FADE in one.told]
    if not some:
        return (f"the data-driven model could not be learned: {why_no_fade}",)
    law, fade = (_score(name, some) for name in (LAW, FADE))
    points = sum(len(one.truth) for one in some)
    return (
        f"the data-driven model could be learned from {len(some)} of {len(judged)} moments: on {points} measurements "
        f"it is off by {fade.mae_pct:.2f} points and the law by {law.mae_pct:.2f}, with CRPS {fade.crps_pct:.2f} and "
        f"{law.crps_pct:.2f}",
    )


def origin_months(histories: Histories, count: int) -> list[int]:
    """Months to forecast from, counted from January 1970: evenly over the time in which anything was measured."""
    known = histories.at[np.isfinite(histories.at) & np.isfinite(histories.capacity)]
    if not known.size:
        return []
    begin, end = float(known.min()), float(known.max())
    places = begin + (end - begin) * np.linspace(*SHARES, count)
    return sorted({histories.first_month + int(np.ceil(place)) for place in places})


def usage_before(histories: Histories) -> Usage:
    """The typical year of each vehicle by the months that it lived through."""
    stress = histories.stress
    days = np.broadcast_to(stress.days, (stress.days.shape[0], histories.vehicles))
    month = (histories.first_month + np.arange(len(days))) % MONTHS

    def mean(name: str, rows: npt.NDArray[np.bool_] | slice = slice(None)) -> Floats:
        values, weight = np.broadcast_to(getattr(stress, name), days.shape)[rows], days[rows]
        total = weight.sum(axis=0)
        plain = values.mean(axis=0) if len(values) else np.full(histories.vehicles, np.nan)
        return np.where(total > 0.0, (values * weight).sum(axis=0) / np.maximum(total, 1e-9), plain)

    usual = mean("temp_c")
    each = [mean("temp_c", month == which) for which in range(MONTHS)]
    cycles = np.broadcast_to(stress.cycles, days.shape).sum(axis=0) / np.maximum(days.sum(axis=0), 1e-9)
    return Usage(
        temp_c=np.array([np.where(np.isfinite(one), one, usual) for one in each]),
        cycles_per_day=cycles,
        km_per_day=np.full(histories.vehicles, np.nan),
        **{name: mean(name) for name in ("parked_soc", "cycled_soc", "depth", "c_rate", "fast_share")},
    )


def _judge(histories: Histories, pack: PackSpec, law: str, month: int) -> tuple[_Judged, str]:
    """Forecast from one month, and what came after it."""
    before = histories.until(month)
    origin = month - histories.first_month
    known = np.isfinite(before.capacity).sum(axis=0) >= LEAST_BEFORE
    later = np.isfinite(histories.capacity) & (histories.at >= origin) & known
    rows, vehicle = np.nonzero(later)
    if not len(rows):
        return _Judged(vehicle, np.zeros(0), np.zeros(0), np.zeros(0), {}), ""
    ahead = histories.at[rows, vehicle] - origin
    months = int(np.ceil(ahead.max())) + 1
    model = learn_ageing(before, pack, law)
    found = outlook(model, model.rates(before, pack.ocv), usage_before(before), pack.ocv, months)
    told = {LAW: _read(np.concatenate([found.now_pct[:, None], found.capacity_pct], axis=1), ahead, vehicle)}
    note = ""
    try:
        fade = fade_health(learn_fleet_fade(before), before, months)
        told[FADE] = _read(np.concatenate([fade[:, :1], fade], axis=1), ahead, vehicle)
    except LearningError as error:
        note = str(error)
    told |= {name: _baseline(baseline, before, ahead, vehicle, origin) for name, baseline in BASELINES.items()}
    whole = np.isfinite(np.stack([one.sum(axis=0) for one in told.values()])).all(axis=0)
    truth, sd = 100.0 * histories.capacity[rows, vehicle], 100.0 * np.nan_to_num(histories.capacity_sd[rows, vehicle])
    kept = {name: values[:, whole] for name, values in told.items()}
    return _Judged(vehicle[whole], ahead[whole], truth[whole], sd[whole], kept), note


def _read(quantiles: Floats, ahead: Floats, vehicle: npt.NDArray[np.int64]) -> Floats:
    """Quantiles (L, H + 1, V), of which the first are now, at some months ahead, shape (L, N)."""
    low = np.minimum(ahead.astype(np.int64), quantiles.shape[1] - 2)
    share = ahead - low
    return np.asarray((1.0 - share) * quantiles[:, low, vehicle] + share * quantiles[:, low + 1, vehicle])


def _baseline(
    baseline: Callable[[Floats, Floats, Floats], Floats],
    before: Histories,
    ahead: Floats,
    vehicle: npt.NDArray[np.int64],
    origin: int,
) -> Floats:
    """What a baseline makes of each vehicle's own measurements, the same at every level, shape (L, N)."""
    told = np.full(len(ahead), np.nan)
    for one in np.unique(vehicle):
        seen = np.isfinite(before.capacity[:, one]) & np.isfinite(before.at[:, one])
        order = np.argsort(before.at[seen, one], kind="stable")
        mine = vehicle == one
        told[mine] = baseline(before.at[seen, one][order], before.capacity[seen, one][order], origin + ahead[mine])
    return np.repeat(100.0 * told[None], len(LEVELS), axis=0)


def _score(name: str, judged: Sequence[_Judged]) -> MethodScore:
    truth, sd = (np.concatenate([getattr(one, part) for one in judged]) for part in ("truth", "sd"))
    told = np.concatenate([one.told[name] for one in judged], axis=1)
    middle = told[_MIDDLE]
    # what the measurement that judges may be off by itself comes to the interval
    low, high = (middle + side * np.hypot(told[at] - middle, _Z90 * sd) for side, at in ((-1.0, _LOW), (1.0, _HIGH)))
    told_spread = bool((told[_HIGH] > told[_LOW]).any())
    return MethodScore(
        name=name,
        mae_pct=float(np.mean(np.abs(middle - truth))),
        bias_pct=float(np.mean(middle - truth)),
        quantile_loss_pct=quantile_loss(truth, told, LEVELS),
        crps_pct=crps(truth, told, LEVELS) if told_spread else float(np.mean(np.abs(middle - truth))),
        coverage_90_pct=100.0 * inside(truth, low, high) if told_spread else None,
        interval_score_pct=interval_score(truth, low, high, _ALPHA) if told_spread else None,
    )


__all__ = ["FADE", "LAW", "HealthBacktest", "MethodScore", "backtest_health", "origin_months", "usage_before"]
