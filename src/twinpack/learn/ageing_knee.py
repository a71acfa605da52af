"""Knees: batteries whose health begins to fall faster than their law says.

None of the published laws holds a knee. Here the loss beyond one goes `1 + bend` times as fast, and the risk that it
has come once the law's loss is L is `1 - exp(-rate L^4)`: rare at first, ever likelier as capacity goes. Both start
from a prior, and are learned where a fleet shows them. The prior says that 3 in 100 have come by a loss of 20 %, 14 by
30 %, 39 by 40 %, and that it then goes two and a half times as fast: laboratories see knees at losses of 5 to 30 %
(Attia et al. 2022, doi 10.1149/1945-7111/ac6d13), the road few before 20 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twinpack.battery.arrays import Floats, Which
from twinpack.learn.ageing_fit import Noise, Posterior, Prior, marginal, posterior
from twinpack.learn.ageing_lived import Measured

POWER = 4.0
PRIOR_EVENTS = 1.0
PRIOR_RATE = -np.log(0.97) / 0.2**POWER
PRIOR_BEND, PRIOR_BEND_SD = 1.5, 0.5
"""How much faster beyond a knee, and the standard deviation of its logarithm in one vehicle from the next."""

_LEAST_GAIN, _LEAST_BEND, _LEAST_DROP, _LEAST_POINTS = 14.0, 0.5, 0.012, 4
_PLACES = np.linspace(0.3, 0.92, 16)


@dataclass(frozen=True)
class KneeRisk:
    """What a fleet says of knees.

    Attributes:
        rate: `rate L^4` is the cumulative hazard once the law's loss is L, a fraction.
        log_bend: Mean of the logarithm of how much faster it goes beyond one.
        log_bend_sd: Its standard deviation.
        seen: How many vehicles showed one.
    """

    rate: float = float(PRIOR_RATE)
    log_bend: float = float(np.log(PRIOR_BEND))
    log_bend_sd: float = PRIOR_BEND_SD
    seen: int = 0


@dataclass(frozen=True)
class Knees:
    """The knees that V vehicles showed; NaN where there is none.

    Attributes:
        loss: The law's loss at it, a fraction, shape (V,).
        bend: How much faster beyond it, shape (V,).
        bend_sd: Its standard deviation, shape (V,).
    """

    loss: Floats
    bend: Floats
    bend_sd: Floats

    @classmethod
    def none(cls, count: int) -> Knees:
        """No knee of so many vehicles."""
        return cls(*(np.full(count, np.nan) for _ in range(3)))

    def take(self, some: Which) -> Knees:
        """Those of some vehicles."""
        return Knees(self.loss[some], self.bend[some], self.bend_sd[some])


def straightened(measured: Measured, found: Posterior, knees: Knees) -> Measured:
    """What would have been measured without the knees, so that the law may be fitted to all of it."""
    beyond = np.nan_to_num(_beyond(measured, found, np.nan_to_num(knees.loss, nan=np.inf)))
    lost = np.exp(found.mean[:, :1]) * np.nan_to_num(knees.bend)[:, None] * beyond
    return replace(measured, value=measured.value + lost * measured.known)


def find_knees(measured: Measured, prior: Prior, noise: Noise) -> tuple[Knees, Posterior]:
    """The knees that vehicles show, and the posterior of each with its knee taken out.

    A knee is believed where the law with one is much likelier than without (twice the log likelihood by 14 or more),
    it is strong, and several measurements lie beyond it.
    """
    found = posterior(measured, prior, noise, -1.0)
    knees = Knees.none(len(found.mean))
    enough = np.flatnonzero(measured.known.sum(axis=1) >= 2 * _LEAST_POINTS)
    if not len(enough):
        return knees, found
    for _ in range(2):
        at = _searched(measured.take(enough), prior.take(enough), found.take(enough), noise)
        for name in ("loss", "bend", "bend_sd"):
            getattr(knees, name)[enough] = getattr(at, name)
        bent = enough[np.isfinite(at.loss)]
        if not len(bent):
            break
        straight = straightened(measured.take(bent), found.take(bent), knees.take(bent))
        again = posterior(straight, prior.take(bent), noise, -1.0)
        for name in ("mean", "cov", "weight"):
            getattr(found, name)[bent] = getattr(again, name)
        enough = bent
    return knees, found


def learn_risk(loss_now: Floats, knees: Knees) -> KneeRisk:
    """Rate and bend from what V vehicles have lost so far by their law, and where they showed a knee."""
    shown = np.isfinite(knees.loss)
    exposure = np.where(shown, knees.loss, loss_now)
    events = int(shown.sum())
    rate = (PRIOR_EVENTS + events) / (PRIOR_EVENTS / PRIOR_RATE + np.maximum(exposure, 0.0).__pow__(POWER).sum())
    logs = np.log(np.maximum(knees.bend[shown], 0.1))
    mean = (np.log(PRIOR_BEND) + logs.sum()) / (1.0 + events)
    spread = (PRIOR_BEND_SD**2 * 2.0 + ((logs - mean) ** 2).sum()) / (2.0 + events)
    return KneeRisk(float(rate), float(mean), float(np.sqrt(spread)), events)


def _searched(measured: Measured, prior: Prior, found: Posterior, noise: Noise) -> Knees:
    """The likeliest knee of each vehicle, NaN where none is believed."""
    left, total, scale = marginal(measured, prior, found.mean[:, :3], noise, -1.0)
    law = _law(measured, found)
    most = law.max(axis=1)
    best = Knees.none(len(left))
    gain = np.zeros(len(left))
    inverse = np.linalg.inv(total)
    for place in _PLACES:
        loss = place * most
        beyond = np.maximum(law - loss[:, None], 0.0) * measured.known
        slope = -scale[:, None] * beyond
        through = np.einsum("vmn,vn->vm", inverse, slope)
        weight = np.maximum((slope * through).sum(axis=1), 1e-12)
        bend = (through * left).sum(axis=1) / weight
        better = weight * bend**2 * (bend > 0.0)
        behind = measured.known * (beyond > 0.05 * most[:, None])
        drop = bend * beyond.max(axis=1)
        low = (behind * (left < 0.0)).sum(axis=1) >= 0.7 * behind.sum(axis=1)
        believed = (
            (better > np.maximum(gain, _LEAST_GAIN))
            & (bend > _LEAST_BEND)
            & (drop > _LEAST_DROP)
            & (behind.sum(axis=1) >= _LEAST_POINTS)
            & low
        )
        gain = np.where(believed, better, gain)
        for name, values in (("loss", loss), ("bend", bend), ("bend_sd", weight**-0.5)):
            getattr(best, name)[believed] = values[believed]
    return best


def _law(measured: Measured, found: Posterior) -> Floats:
    """The law's loss by each vehicle's scales at each measurement, (V, M)."""
    scale = np.exp(np.clip(found.mean[:, 1:3], -6.0, 6.0)).T[:, :, None]
    return np.asarray((scale * measured.parts).sum(axis=0) * measured.known)


def _beyond(measured: Measured, found: Posterior, loss: Floats) -> Floats:
    return np.maximum(_law(measured, found) - loss[:, None], 0.0)
