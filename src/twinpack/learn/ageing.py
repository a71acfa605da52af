"""`learn ageing`: how the batteries of a pack age, with rates of each vehicle shrunk to the fleet's.

Capacity by the rated one is `q0 (1 - a (sum of calendar)^p - c (sum of cycling)^p)` over the stress that a vehicle
lived through (`battery.laws`). The logarithms of `q0`, `a` and `c` of a vehicle are one draw from the fleet's normal
distribution, which is learned by expectation and maximisation; each vehicle's own are then a posterior under it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.laws import Part, law_named
from twinpack.battery.ocv import OcvTable
from twinpack.battery.pack import PackSpec
from twinpack.battery.stress import Stress
from twinpack.errors import LearningError

Floats = npt.NDArray[np.float64]

FORMAT = 1
SCALES = ("new", "calendar", "cycle")
"""What is learned of a vehicle, as logarithms: its new capacity, and the scale of each part of the law."""

LEAST_VEHICLES, LEAST_POINTS = 3, 5
"""Vehicles that ageing is learned from at least, and times at which the capacity of each must be known."""

NOISE, RESISTANCE_NOISE = 0.004, 0.03
"""Standard deviation of a measured capacity and resistance beyond what they tell themselves, as fractions."""

DRIFT = 0.05
"""Standard deviation by which the logarithm of a rate changes in a year."""

PRIOR_MEAN, PRIOR_SD, PRIOR_COUNT = np.zeros(3), np.array([0.02, 0.4, 0.4]), 2.0
"""What is usual of the logarithms of `SCALES`, and how many vehicles that counts as."""

GROWTH_SD = 0.4

_ROUNDS, _STEPS = 12, 6


@dataclass(frozen=True)
class Histories:
    """What is known of the health of V vehicles, month by month.

    Attributes:
        vehicle_ids: The vehicles.
        first_month: Month of the first interval, counted from January 1970.
        stress: What they lived through in N months up to now, shapes (N, V).
        at: When their health was measured, months after the begin of `first_month`, shape (M, V); NaN pads.
        capacity: Capacity by the rated one then, shape (M, V).
        capacity_sd: Its standard deviation, shape (M, V).
        resistance: Resistance by that when new then, shape (M, V); NaN where it is not known.
        resistance_sd: Its standard deviation, shape (M, V).
    """

    vehicle_ids: tuple[str, ...]
    first_month: int
    stress: Stress
    at: Floats
    capacity: Floats
    capacity_sd: Floats
    resistance: Floats
    resistance_sd: Floats

    @property
    def vehicles(self) -> int:
        """V."""
        return len(self.vehicle_ids)

    @property
    def end_month(self) -> int:
        """The month after the last interval: where a forecast begins."""
        return self.first_month + int(self.stress.days.shape[0])

    def take(self, vehicles: Sequence[int]) -> Histories:
        """Those of some vehicles."""
        index = np.asarray(vehicles, dtype=np.intp)
        return Histories(
            tuple(self.vehicle_ids[at] for at in index),
            self.first_month,
            self.stress.take(index),  # type: ignore[arg-type]
            *(
                getattr(self, name)[:, index]
                for name in ("at", "capacity", "capacity_sd", "resistance", "resistance_sd")
            ),
        )

    def until(self, month: int) -> Histories:
        """What was known at the begin of a month, counted from January 1970: nothing later is left in it."""
        count = min(max(month - self.first_month, 0), self.stress.days.shape[0])
        rows = {name: getattr(self.stress, name)[:count] for name in Stress.__dataclass_fields__}
        seen = self.at < count
        some = (np.where(seen, getattr(self, name), np.nan) for name in _MEASURED)
        return Histories(self.vehicle_ids, self.first_month, Stress(**rows), *some)


_MEASURED = ("at", "capacity", "capacity_sd", "resistance", "resistance_sd")


@dataclass(frozen=True)
class Rates:
    """What is known of V vehicles once their histories are taken in.

    Attributes:
        vehicle_ids: The vehicles.
        month: The month in which they stand, counted from January 1970: the first of a forecast.
        passed: Virtual time lived, of the capacity's calendar and cycle part and of the resistance's, shape (4, V).
        mean: Posterior of the logarithms of `SCALES`, shape (3, V).
        cov: Its covariance, shape (3, 3, V).
        growth: Posterior of the logarithm of the resistance's scale, shape (V,).
        growth_sd: Its standard deviation, shape (V,).
    """

    vehicle_ids: tuple[str, ...]
    month: int
    passed: Floats
    mean: Floats
    cov: Floats
    growth: Floats
    growth_sd: Floats


@dataclass(frozen=True)
class AgeingModel:
    """How the batteries of a pack age; the artifact of kind `ageing`.

    Attributes:
        pack: Name of the pack.
        law: Name of the law.
        mean: Mean over the fleet of the logarithms of `SCALES`.
        cov: Their covariance, row by row.
        noise: Standard deviation of a measured capacity beyond what it tells itself, by the rated capacity.
        drift: Standard deviation by which the logarithm of a rate changes in a year.
        growth: Mean over the fleet of the logarithm of the resistance's scale, and its standard deviation.
        vehicles: How many it was learned from.
        last_month: The last month that it was learned from, counted from January 1970.
    """

    pack: str
    law: str
    mean: tuple[float, ...]
    cov: tuple[tuple[float, ...], ...]
    noise: float
    drift: float
    growth: tuple[float, float]
    vehicles: int
    last_month: int

    def to_dict(self) -> dict[str, Any]:
        """The artifact, JSON values."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, artifact: Mapping[str, Any]) -> AgeingModel:
        """The model of an artifact.

        Raises:
            LearningError: It is none, or of a newer release.
        """
        values = dict(artifact)
        if values.pop("format", None) != FORMAT:
            raise LearningError(f"an ageing model of format {artifact.get('format')!r}; this release reads {FORMAT}")
        try:
            law_named(values["law"])
            for name in ("mean", "growth"):
                values[name] = tuple(float(one) for one in values[name])
            values["cov"] = tuple(tuple(float(one) for one in row) for row in values["cov"])
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise LearningError(f"not an ageing model: {error}") from error

    def rates(self, histories: Histories, ocv: OcvTable) -> Rates:
        """What each vehicle's history says under the fleet's distribution."""
        law = law_named(self.law)
        lived = _Lived.of(histories, law.capacity, ocv)
        mean, cov = _posterior(lived, histories, np.array(self.mean), np.array(self.cov), self.noise)
        grown = _Lived.of(histories, law.resistance, ocv)
        growth, growth_sd = _growth(grown, histories, *self.growth)
        passed = np.concatenate([lived.total, grown.total])
        return Rates(histories.vehicle_ids, histories.end_month, passed, mean, cov, growth, growth_sd)


def learn_ageing(histories: Histories, pack: PackSpec, law: str) -> AgeingModel:
    """Learn how the batteries of a pack age.

    Raises:
        LearningError: There is too little to learn from; says what is missing.
    """
    chosen = law_named(law)
    known = np.flatnonzero(np.isfinite(histories.capacity).sum(axis=0) >= LEAST_POINTS)
    if len(known) < LEAST_VEHICLES:
        raise LearningError(
            f"pack {pack.name}: {len(known)} vehicles whose capacity is known at {LEAST_POINTS} times or more; "
            f"ageing is learned from {LEAST_VEHICLES} or more"
        )
    some = histories.take(known.tolist())
    lived = _Lived.of(some, chosen.capacity, pack.ocv)
    mean, cov = PRIOR_MEAN, np.diag(PRIOR_SD**2)
    for _ in range(_ROUNDS):
        each, spread = _posterior(lived, some, mean, cov, NOISE)
        mean, cov = _fleet(each, spread)
    growth = (0.0, GROWTH_SD)
    grown = _Lived.of(some, chosen.resistance, pack.ocv)
    for _ in range(_ROUNDS):
        own, sd = _growth(grown, some, *growth)
        growth = (float(own.mean()), float(np.sqrt(own.var() + np.mean(sd**2))))
    return AgeingModel(
        pack.name,
        law,
        tuple(mean.tolist()),
        tuple(map(tuple, cov.tolist())),
        NOISE,
        DRIFT,
        growth,
        len(known),
        histories.end_month - 1,
    )


@dataclass(frozen=True)
class _Lived:
    """The published law over a history: both parts at each measurement, (2, M, V), and virtual time in all, (2, V)."""

    parts: tuple[Part, Part]
    at: Floats
    total: Floats

    @classmethod
    def of(cls, histories: Histories, parts: tuple[Part, Part], ocv: OcvTable) -> _Lived:
        at, total = [], []
        for part in parts:
            passed = np.cumsum(part.passed(histories.stress, ocv), axis=0)
            begun = np.concatenate([np.zeros((1, histories.vehicles)), passed])
            at.append(_between(begun, histories.at) ** part.power)
            total.append(begun[-1])
        return cls(parts, np.stack(at), np.stack(total))


def _between(rows: Floats, at: Floats) -> Floats:
    """Rows (N + 1, V) at positions (M, V) between them, linearly; NaN stays."""
    position = np.clip(np.nan_to_num(at), 0.0, rows.shape[0] - 1)
    low = np.minimum(position.astype(np.intp), max(rows.shape[0] - 2, 0))
    high = np.minimum(low + 1, rows.shape[0] - 1)
    share = position - low
    lane = np.arange(rows.shape[1])
    return np.where(np.isfinite(at), rows[low, lane] * (1.0 - share) + rows[high, lane] * share, np.nan)


def _posterior(lived: _Lived, histories: Histories, mean: Floats, cov: Floats, noise: float) -> tuple[Floats, Floats]:
    """Laplace's posterior of the logarithms of `SCALES`, (3, V) and (3, 3, V), by Gauss and Newton's steps."""
    known = np.isfinite(histories.capacity) & np.isfinite(lived.at).all(axis=0)
    weight = np.where(known, 1.0 / (np.nan_to_num(histories.capacity_sd) ** 2 + noise**2), 0.0)
    measured, losses = np.where(known, histories.capacity, 0.0), np.where(known, lived.at, 0.0)
    precision = np.linalg.inv(cov)
    own = np.repeat(mean[:, None], histories.vehicles, axis=1)
    spread = np.empty((3, 3, histories.vehicles))
    for _ in range(_STEPS):
        scale = np.exp(own)
        lost = scale[1:, None, :] * losses
        predicted = scale[0] * (1.0 - lost.sum(axis=0))
        slopes = np.stack([predicted, -scale[0] * lost[0], -scale[0] * lost[1]])
        left = np.einsum("imv,jmv,mv->vij", slopes, slopes, weight) + precision
        right = np.einsum("imv,mv->vi", slopes, weight * (measured - predicted))
        right -= (own - mean[:, None]).T @ precision
        own = own + np.clip(np.linalg.solve(left, right[:, :, None])[:, :, 0].T, -1.0, 1.0)
        spread = np.moveaxis(np.linalg.inv(left), 0, -1)
    return own, spread


def _fleet(each: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of a fleet from its vehicles' posteriors, with a few vehicles' worth of what is usual."""
    count = each.shape[1]
    mean = (each.sum(axis=1) + PRIOR_COUNT * PRIOR_MEAN) / (count + PRIOR_COUNT)
    away = each - mean[:, None]
    cov = away @ away.T + spread.sum(axis=2) + PRIOR_COUNT * np.diag(PRIOR_SD**2)
    return mean, cov / (count + PRIOR_COUNT)


def _growth(grown: _Lived, histories: Histories, mean: float, sd: float) -> tuple[Floats, Floats]:
    """Posterior of the logarithm of the resistance's scale, (V,) each."""
    known = np.isfinite(histories.resistance) & np.isfinite(grown.at).all(axis=0)
    weight = np.where(known, 1.0 / (np.nan_to_num(histories.resistance_sd) ** 2 + RESISTANCE_NOISE**2), 0.0)
    gain = np.where(known, grown.at.sum(axis=0), 0.0)
    measured = np.where(known, histories.resistance, 0.0)
    own, left = np.full(histories.vehicles, mean), np.full(histories.vehicles, sd**-2)
    for _ in range(_STEPS):
        slope = np.exp(own) * gain
        left = (slope**2 * weight).sum(axis=0) + sd**-2
        right = (slope * weight * (measured - 1.0 - slope)).sum(axis=0) - (own - mean) / sd**2
        own = own + np.clip(right / left, -1.0, 1.0)
    return own, np.sqrt(1.0 / left)
