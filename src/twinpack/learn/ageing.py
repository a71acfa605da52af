"""`learn ageing`: how the batteries of a pack age, with rates of each vehicle shrunk to the fleet's.

Capacity by the rated one is `q0 (1 - a (sum of calendar)^p - c (sum of cycling)^p)` over the stress that a vehicle
lived through (`battery.laws`). The logarithms of `q0`, `a` and `c` of a vehicle are one draw from the fleet's normal
distribution, which is learned by expectation and maximisation, together with the noise of the measurements and the
drift of rates (`ageing_fit`) and the risk of a knee (`ageing_knee`). Each vehicle's own are then a posterior under it:
one without a history has the fleet's. Resistance is learned in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from twinpack.battery.arrays import Floats, Which, places
from twinpack.battery.laws import Law, law_named
from twinpack.battery.ocv import OcvTable
from twinpack.battery.pack import PackSpec
from twinpack.errors import InputError, LearningError
from twinpack.learn.ageing_fit import (
    SCALES,
    STATES,
    USUAL,
    USUAL_RESISTANCE,
    Noise,
    Posterior,
    Prior,
    learn_noise,
    posterior,
)
from twinpack.learn.ageing_knee import KneeRisk, Knees, find_knees, learn_risk, straightened
from twinpack.learn.ageing_lived import Histories, Lived, Measured

__all__ = ["SCALES", "STATES", "AgeingModel", "Fleet", "Histories", "KneeRisk", "Knees", "Noise", "Rates"]

FORMAT = 1

LEAST_VEHICLES, LEAST_POINTS, LEAST_MONTHS = 3, 5, 3.0
"""Vehicles that ageing is learned from at least; of each, times at which its capacity must be known, and the months
from the first of them to the last."""

PRIOR_SD, PRIOR_COUNT = np.array([0.02, 0.4, 0.4]), 2.0
"""What is usual of the spread of the logarithms of `SCALES` about 0, and how many vehicles that counts as."""

PRIOR_SD_RESISTANCE = np.array([0.05, 0.5, 0.5])

FAST_EFFECT, FAST_EFFECT_SD = 0.9, 0.5
"""What the logarithm of the cycle part gains from no fast charging to nothing else, before a fleet is seen.

Telematics of more than 22,700 vehicles (Geotab 2025) tell a loss of 1.5 % a year with few fast charges and 2.5 to
3.0 % with many, heavier use and hotter places among the causes: about half of that is taken for the charging."""

STEADY = 0.008
"""By how much all measurements of a vehicle are off alike, a fraction, which no history can show: its current sensor's
gain, say, or that the voltage of a pack tells the mean cell where the weakest one ends a drive."""

STEADY_V = 0.003
"""Voltage of a cell that no model understands: over the slope of its open-circuit voltage it is charge that is not
seen, much of it where that is flat, as of LFP."""

_REPAIRED_SD = 0.06
_ROUNDS, _MOST_VEHICLES = 10, 1_500
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Fleet:
    """How the scales of a fleet are distributed, and the noise of what is measured of them.

    Attributes:
        mean: Mean of the logarithms of `SCALES`, of the cycle part with the fleet's usual share of fast charging.
        cov: Their covariance, row by row.
        noise: What measurements carry beside health.
    """

    mean: tuple[float, ...]
    cov: tuple[tuple[float, ...], ...]
    noise: Noise

    def prior(self, vehicles: int) -> Prior:
        """Of so many vehicles of it."""
        mean, cov = np.array(self.mean), np.array(self.cov)
        return Prior(np.tile(mean, (vehicles, 1)), np.tile(cov, (vehicles, 1, 1)))


@dataclass(frozen=True)
class Rates:
    """What is known of V vehicles once their histories are taken in.

    Attributes:
        vehicle_ids: The vehicles.
        month: The month in which they stand, counted from January 1970: the first of a forecast.
        passed: Virtual time lived, of the capacity's calendar and cycle part and of the resistance's, shape (4, V).
        mean: Posterior of `STATES`: logarithms of `SCALES`, level and pace; shape (5, V).
        cov: Its covariance, shape (5, 5, V).
        resistance_mean: The same of the resistance, shape (5, V).
        resistance_cov: Its covariance, shape (5, 5, V).
        fast_share: Share of fast charging that they lived with, shape (V,); the fleet's without a history.
        knees: The knees that they showed.
        points: How many measurements of its capacity each rests on, shape (V,).
    """

    vehicle_ids: tuple[str, ...]
    month: int
    passed: Floats
    mean: Floats
    cov: Floats
    resistance_mean: Floats
    resistance_cov: Floats
    fast_share: Floats
    knees: Knees
    points: Floats

    def take(self, vehicles: Which) -> Rates:
        """Those of some vehicles."""
        which = places(vehicles)
        ids = np.asarray(self.vehicle_ids, dtype=object)[which]
        knees = self.knees.take(which)
        rest = {
            name: getattr(self, name)[..., which]
            for name in ("passed", "mean", "cov", "resistance_mean", "resistance_cov", "fast_share", "points")
        }
        return Rates(vehicle_ids=tuple(ids), month=self.month, knees=knees, **rest)


@dataclass(frozen=True)
class AgeingModel:
    """How the batteries of a pack age; the artifact of kind `ageing`.

    Attributes:
        pack: Name of the pack.
        law: Name of the law.
        capacity: The fleet's scales of the capacity lost.
        resistance: The same of the resistance gained.
        fast_effect: What the logarithm of the cycle part gains from no fast charging to nothing else, and its
            standard deviation.
        fast_share: The fleet's usual share of fast charging.
        knee: The risk of knees.
        vehicles: How many it was learned from.
        last_month: The last month that it was learned from, counted from January 1970.
    """

    pack: str
    law: str
    capacity: Fleet
    resistance: Fleet
    fast_effect: tuple[float, float]
    fast_share: float
    knee: KneeRisk
    vehicles: int
    last_month: int

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean over the fleet of the logarithms of `SCALES` of the capacity."""
        return self.capacity.mean

    def figures(self) -> dict[str, float]:
        """What people should see of it: typical scales of the law, noise, drift, fast charging and knees."""
        usual = dict(zip(SCALES, np.exp(self.capacity.mean).tolist(), strict=True))
        noise = self.capacity.noise
        return {
            **{f"{name}_scale": value for name, value in usual.items()},
            "lasting_error_pct": 100.0 * noise.lasting,
            "lasting_months": noise.months,
            "drift_per_year_pct": 100.0 * noise.drift,
            "fast_charging_cycle_factor": float(np.exp(self.fast_effect[0])),
            "knees_seen": float(self.knee.seen),
        }

    def to_dict(self) -> dict[str, Any]:
        """The artifact, JSON values."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, artifact: Mapping[str, Any]) -> AgeingModel:
        """The model of an artifact.

        Raises:
            LearningError: It is none, or of a newer release; says what is wrong with it.
        """
        values = dict(artifact)
        if values.pop("format", None) != FORMAT:
            raise LearningError(f"an ageing model of format {artifact.get('format')!r}; this release reads {FORMAT}")
        try:
            law_named(values["law"])
            for name in ("capacity", "resistance"):
                values[name] = _read_fleet(values[name], name)
            mean, sd = (_number(one, -10.0, 10.0, "fast_effect") for one in values["fast_effect"])
            values["fast_effect"] = mean, abs(sd)
            values["knee"] = _read_knee(values["knee"])
            values["fast_share"] = _number(values["fast_share"], 0.0, 1.0, "fast_share")
            values["pack"] = str(values["pack"])
            values |= {name: int(values[name]) for name in ("vehicles", "last_month")}
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, InputError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else error
            raise LearningError(f"not an ageing model: {what}") from error

    def rates(self, histories: Histories, ocv: OcvTable) -> Rates:
        """What each vehicle's history says under the fleet's distribution."""
        starts = range(0, max(histories.vehicles, 1), _AT_ONCE)
        parts = [self._rates(histories.some(slice(start, start + _AT_ONCE)), ocv) for start in starts]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _rates(self, histories: Histories, ocv: OcvTable) -> Rates:
        law = law_named(self.law)
        lived, measured = _made_ready(histories, law, ocv, "capacity")
        share = np.where(lived.total[1] > 0.0, lived.fast_share, self.fast_share)
        prior = _prior(self.capacity, measured, self.fast_effect[0] * (share - self.fast_share))
        knees, found = find_knees(measured, prior, self.capacity.noise)
        found.cov[:, 0, 0] += steady_sd(ocv) ** 2 * measured.known.any(axis=1)
        grown, gained = _made_ready(histories, law, ocv, "resistance")
        rise = posterior(gained, _prior(self.resistance, gained, 0.0 * share), self.resistance.noise, 1.0)
        return Rates(
            vehicle_ids=histories.vehicle_ids,
            month=histories.end_month,
            passed=np.concatenate([lived.total, grown.total]),
            mean=found.mean.T,
            cov=np.moveaxis(found.cov, 0, -1),
            resistance_mean=rise.mean.T,
            resistance_cov=np.moveaxis(rise.cov, 0, -1),
            fast_share=share,
            knees=knees,
            points=measured.known.sum(axis=1),
        )


def steady_sd(ocv: OcvTable) -> float:
    """Standard deviation of what all measurements of a vehicle's capacity may be off by alike, a fraction."""
    low, high = ocv.linear(np.array([0.2, 0.8]))
    return float(np.hypot(STEADY, STEADY_V * 0.6 / max(high - low, 1e-3)))


def _joined(parts: list[Rates]) -> Rates:
    """The rates of all of them, one behind the other."""
    names = ("passed", "mean", "cov", "resistance_mean", "resistance_cov", "fast_share", "points")
    return Rates(
        vehicle_ids=tuple(vehicle for part in parts for vehicle in part.vehicle_ids),
        month=parts[0].month,
        knees=Knees(*(np.concatenate([getattr(part.knees, one.name) for part in parts]) for one in fields(Knees))),
        **{name: np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names},
    )


def learn_ageing(histories: Histories, pack: PackSpec, law: str) -> AgeingModel:
    """Learn how the batteries of a pack age.

    Raises:
        LearningError: There is too little to learn from; says what is missing.
        InputError: There is no law of that name.
    """
    chosen = law_named(law)
    some = histories.take(_spread_out(_learnable(histories, pack)))
    lived, measured = _made_ready(some, chosen, pack.ocv, "capacity")
    lost = _learn(measured, lived.fast_share, -1.0)
    grown, gained = _made_ready(some, chosen, pack.ocv, "resistance")
    rise = _learn(gained, grown.fast_share, 1.0)
    scale = np.exp(lost.found.mean[:, 1:3]).T
    by_now = sum(scale[k] * lived.total[k] ** part.power for k, part in enumerate(chosen.capacity))
    return AgeingModel(
        pack=pack.name,
        law=law,
        capacity=lost.fleet,
        resistance=rise.fleet,
        fast_effect=lost.fast_effect,
        fast_share=lost.fast_share,
        knee=learn_risk(np.asarray(by_now), lost.knees),
        vehicles=some.vehicles,
        last_month=histories.end_month - 1,
    )


@dataclass(frozen=True)
class _Learned:
    fleet: Fleet
    fast_effect: tuple[float, float]
    fast_share: float
    found: Posterior
    knees: Knees


def _learn(measured: Measured, share: Floats, sign: float) -> _Learned:
    """The fleet's scales and noise by expectation and maximisation; capacity with sign -1 has knees too."""
    lost = sign < 0.0
    sds, usual = (PRIOR_SD, USUAL) if lost else (PRIOR_SD_RESISTANCE, USUAL_RESISTANCE)
    usual_share = float(share.mean())
    away = share - usual_share
    fleet = Fleet((0.0, 0.0, 0.0), _rows(np.diag(sds**2)), usual)
    effect = FAST_EFFECT, FAST_EFFECT_SD
    knees, straight = Knees.none(len(share)), measured
    for number in range(_ROUNDS):
        prior = _prior(fleet, measured, effect[0] * away)
        if lost and number in (3, 7):
            knees, found = find_knees(measured, prior, fleet.noise)
            straight = straightened(measured, found, knees)
        else:
            found = posterior(straight, prior, fleet.noise, sign)
        noise = fleet.noise
        if number in (1, 4, 8):
            noise = learn_noise(straight, prior, found, sign, noise, usual)
        effect = _fast_effect(found, fleet, away)
        fleet = _fleet(found, effect[0] * away, measured.renewed, sds, noise)
    return _Learned(_with_doubt(fleet, found, sds), effect, usual_share, found, knees)


def _prior(fleet: Fleet, measured: Measured, faster: Floats) -> Prior:
    """What is known of vehicles before they are measured: one with other modules than it had may begin anywhere."""
    prior = fleet.prior(len(faster))
    prior.mean[:, 2] += faster
    prior.cov[:, 0, 0] += measured.renewed * _REPAIRED_SD**2
    return prior


def _fleet(found: Posterior, faster: Floats, renewed: Floats, sds: Floats, noise: Noise) -> Fleet:
    """Mean and covariance of a fleet from its vehicles' posteriors, with a few vehicles' worth of what is usual."""
    kept = renewed == 0.0 if (renewed == 0.0).sum() >= LEAST_VEHICLES else np.ones_like(renewed, dtype=np.bool_)
    each = found.mean[kept, :3] - faster[kept, None] * np.array([0.0, 0.0, 1.0])
    count = len(each) + PRIOR_COUNT
    mean = each.sum(axis=0) / count
    apart = each - mean
    cov = apart.T @ apart + found.cov[kept, :3, :3].sum(axis=0) + PRIOR_COUNT * np.diag(sds**2)
    return Fleet(tuple(mean.tolist()), _rows(cov / count), noise)


def _with_doubt(fleet: Fleet, found: Posterior, sds: Floats) -> Fleet:
    """The fleet with the doubt of its mean in its covariance: few vehicles, or parts that look alike, leave some.

    Each vehicle tells the mean as much as its posterior is narrower than the fleet's spread.
    """
    cov = np.array(fleet.cov)
    inverse = np.linalg.inv(cov)
    told = inverse @ (cov[None] - found.cov[:, :3, :3]).sum(axis=0) @ inverse
    doubt = np.linalg.inv(0.5 * (told + told.T) + np.diag(PRIOR_COUNT / sds**2))
    return Fleet(fleet.mean, _rows(cov + doubt), fleet.noise)


def _fast_effect(found: Posterior, fleet: Fleet, away: Floats) -> tuple[float, float]:
    """How the cycle part follows the share of fast charging, from vehicle to vehicle; with what is usual before."""
    spread = fleet.cov[2][2] + found.cov[:, 2, 2]
    precision = (away**2 / spread).sum() + FAST_EFFECT_SD**-2
    told = (away * (found.mean[:, 2] - fleet.mean[2]) / spread).sum() + FAST_EFFECT / FAST_EFFECT_SD**2
    return float(told / precision), float(precision**-0.5)


def _made_ready(histories: Histories, law: Law, ocv: OcvTable, name: str) -> tuple[Lived, Measured]:
    lived = Lived.of(histories, law.capacity if name == "capacity" else law.resistance, ocv)
    return lived, lived.measured(histories, name)


def _learnable(histories: Histories, pack: PackSpec) -> list[int]:
    """The vehicles whose capacity is known often enough and over time.

    Raises:
        LearningError: They are too few; says what is missing.
    """
    known = np.isfinite(histories.capacity) & np.isfinite(histories.at)
    if not known.any():
        raise LearningError(
            f"pack {pack.name}: no vehicle's capacity is known: no update of a twin was accepted yet, or its model "
            "tells none (a route model tells its range instead); `twinpack health` says what would help"
        )
    often = known.sum(axis=0) >= LEAST_POINTS
    if often.sum() < LEAST_VEHICLES:
        raise LearningError(
            f"pack {pack.name}: {often.sum()} vehicles whose capacity is known at {LEAST_POINTS} times or more; "
            f"ageing is learned from {LEAST_VEHICLES} or more"
        )
    first = np.where(known, histories.at, np.inf).min(axis=0, initial=np.inf)
    last = np.where(known, histories.at, -np.inf).max(axis=0, initial=-np.inf)
    long = often & (last - first >= LEAST_MONTHS)
    if long.sum() < LEAST_VEHICLES:
        raise LearningError(
            f"pack {pack.name}: {long.sum()} vehicles whose capacity is known over {LEAST_MONTHS:g} months or more; "
            f"ageing is learned from {LEAST_VEHICLES} or more"
        )
    return np.flatnonzero(long).tolist()


def _spread_out(known: list[int]) -> list[int]:
    """Enough of them, evenly: more teach nothing new of a fleet."""
    step = max(len(known) / _MOST_VEHICLES, 1.0)
    return [known[int(at * step)] for at in range(int(len(known) / step))]


def _rows(values: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.tolist())


def _read_fleet(given: Any, name: str) -> Fleet:
    mean = tuple(_number(one, -6.0, 6.0, f"{name} mean") for one in given["mean"])
    cov = np.array([[_number(one, -100.0, 100.0, f"{name} cov") for one in row] for row in given["cov"]])
    if len(mean) != len(SCALES) or cov.shape != (len(SCALES), len(SCALES)):
        raise ValueError(f"{name} has {len(mean)} means and a covariance of shape {cov.shape}; it must be 3 and (3, 3)")
    if not np.allclose(cov, cov.T, rtol=1e-6, atol=1e-12) or np.linalg.eigvalsh(cov)[0] <= 0.0:
        raise ValueError(f"the covariance of {name} is not symmetric and positive")
    noise = {one.name: _number(given["noise"][one.name], 1e-6, 100.0, f"{name} {one.name}") for one in fields(Noise)}
    return Fleet(mean, _rows(cov), Noise(**noise))


def _read_knee(given: Any) -> KneeRisk:
    rate = _number(given["rate"], 0.0, 1e9, "knee rate")
    bend, sd = _number(given["log_bend"], -5.0, 5.0, "log_bend"), _number(given["log_bend_sd"], 0.0, 5.0, "log_bend_sd")
    return KneeRisk(rate, bend, sd, int(given["seen"]))


def _number(value: Any, low: float, high: float, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{what} is {value!r}; it must be a number from {low:g} to {high:g}")
    return float(value)
