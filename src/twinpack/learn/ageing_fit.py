"""The posterior of each vehicle's rates under a fleet's, and the noise that measurements of health carry.

A measured health is `q (1 + s (L + D)) + g + e`: q the new one, s -1 for capacity and 1 for resistance, L the law's
two parts by the vehicle's own scales, D what has come of rates that wandered (their logarithm is a Brownian motion),
g an error that lasts for months, because successive posteriors of a twin hold the same data, and e one that does not.
All of it is normal once the law is made linear at the estimate, so that a posterior is one solution of equations a
vehicle (Gauss and Newton's steps), and the likelihood of a fleet is known for every choice of the noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from twinpack.battery.arrays import Floats, Which
from twinpack.learn.ageing_lived import Measured

SCALES = ("new", "calendar", "cycle")
STATES = (*SCALES, "level", "pace")
"""What is known of a vehicle: logarithms of its new value and of the scale of each part of the law; what rates that
wandered have left by now, as a fraction; and the logarithm of what its rate is now by what it was in the mean."""

_STEPS, _LARGEST_STEP = 7, 0.7
_TAIL = 5.0
_CHUNK = 500
_LEARNED_FROM = 160


@dataclass(frozen=True)
class Noise:
    """What measurements of health carry beside health.

    Attributes:
        told: Factor on the standard deviation that a measurement tells itself.
        lasting: Standard deviation of the error that lasts, a fraction.
        months: How long it lasts: the time in which it is forgotten to 1/e.
        drift: Standard deviation by which the logarithm of a rate changes in a year.
    """

    told: float
    lasting: float
    months: float
    drift: float


USUAL = Noise(1.0, 0.005, 6.0, 0.06)
USUAL_RESISTANCE = Noise(1.0, 0.02, 6.0, 0.06)
_SPREAD = np.array([0.4, 0.6, 0.6, 0.6])
"""How well the logarithms of the usual noise are known before a fleet has been seen."""

_ALLOWED = Noise(0.2, 1e-4, 0.5, 0.005), Noise(8.0, 0.1, 48.0, 0.6)


@dataclass(frozen=True)
class Prior:
    """What is known of V vehicles before they are measured: mean (V, 3) and covariance (V, 3, 3) of `SCALES`."""

    mean: Floats
    cov: Floats

    def take(self, some: Which) -> Prior:
        """That of some vehicles."""
        return Prior(self.mean[some], self.cov[some])


@dataclass(frozen=True)
class Posterior:
    """What is known of V vehicles once they are measured.

    Attributes:
        mean: Mean of `STATES`, shape (V, 5).
        cov: Covariance, shape (V, 5, 5).
        weight: Trust in each measurement, 0 to 1: outliers have little; shape (V, M).
    """

    mean: Floats
    cov: Floats
    weight: Floats

    def take(self, some: Which) -> Posterior:
        """That of some vehicles."""
        return Posterior(self.mean[some], self.cov[some], self.weight[some])


def posterior(measured: Measured, prior: Prior, noise: Noise, sign: float) -> Posterior:
    """The posterior of each vehicle.

    Args:
        measured: What was measured of V vehicles.
        prior: What is known of them before.
        noise: What measurements carry beside health.
        sign: -1 for capacity, which is lost; 1 for resistance, which is gained.
    """
    count = len(prior.mean)
    chunks = [slice(start, start + _CHUNK) for start in range(0, count, _CHUNK)]
    found = [_posterior(measured.take(some), prior.take(some), noise, sign) for some in chunks]
    if not found:
        return Posterior(np.empty((0, 5)), np.empty((0, 5, 5)), np.empty_like(measured.value))
    return Posterior(*(np.concatenate([getattr(one, name) for one in found]) for name in ("mean", "cov", "weight")))


def _posterior(measured: Measured, prior: Prior, noise: Noise, sign: float) -> Posterior:
    own, weight, lasting = prior.mean, measured.known, _lasting(measured, noise)
    for step in range(_STEPS):
        view = _Linear.at(measured, own, noise, sign)
        cross = view.cross(prior)
        gain = np.linalg.solve(view.total(measured, prior, weight, noise, lasting), cross)
        left = view.left(measured, prior.mean)
        away = np.einsum("vm,vms->vs", left, gain)
        if step < _STEPS - 1:
            own = own + np.clip(prior.mean + away[:, :3] - own, -_LARGEST_STEP, _LARGEST_STEP)
            weight = _trust(view, measured, noise, own) if step >= 1 else weight
    state = away.copy()
    state[:, :3] += prior.mean
    whole = np.zeros((len(own), 5, 5))
    whole[:, :3, :3] = prior.cov
    whole[:, 3:, 3:] = view.now
    cov = whole - np.swapaxes(gain, 1, 2) @ cross
    return Posterior(state, 0.5 * (cov + np.swapaxes(cov, 1, 2)), weight)


@dataclass(frozen=True)
class _Linear:
    """The law made linear at scales of V vehicles.

    Attributes:
        own: The scales, (V, 3).
        predicted: Health at each measurement, (V, M).
        slopes: Its derivatives to `own`, (V, M, 3).
        wander: Drift of a year in the intervals of the grid, seen at each measurement, (V, M, G - 1).
        ahead: The same, seen in level and pace now, (V, 2, G - 1).
    """

    own: Floats
    predicted: Floats
    slopes: Floats
    wander: Floats
    ahead: Floats

    @classmethod
    def at(cls, measured: Measured, own: Floats, noise: Noise, sign: float) -> _Linear:
        scale = np.exp(np.clip(own, -6.0, 6.0)).T[:, :, None]
        parts = sign * scale[1:] * measured.parts
        predicted = scale[0] * (1.0 + parts.sum(axis=0)) * measured.known
        slopes = np.stack([predicted, *(scale[0] * parts * measured.known)], axis=2)
        path = (scale[1:] * measured.grid).sum(axis=0)
        middle = 0.5 * (path[:, 1:] + path[:, :-1])
        lost = sign * parts.sum(axis=0)
        root = noise.drift * np.sqrt(measured.years)[:, None, :]
        seen = np.maximum(lost[:, :, None] - middle[:, None, :], 0.0) * root
        ahead = np.concatenate([(path[:, -1:] - middle)[:, None, :] * root, root], axis=1)
        return cls(own, predicted, slopes, sign * scale[0][:, :, None] * seen * measured.known[:, :, None], ahead)

    @property
    def now(self) -> Floats:
        """Covariance of level and pace, (V, 2, 2)."""
        return np.asarray(self.ahead @ np.swapaxes(self.ahead, 1, 2))

    def total(self, measured: Measured, prior: Prior, weight: Floats, noise: Noise, lasting: Floats) -> Floats:
        """Covariance of the measurements when the scales are not known either, (V, M, M)."""
        seen = np.concatenate([self.slopes @ np.linalg.cholesky(prior.cov), self.wander], axis=2)
        cov = seen @ np.swapaxes(seen, 1, 2)
        cov += lasting
        fresh = np.where(measured.known > 0.0, (noise.told * measured.sd) ** 2 / np.maximum(weight, 1e-6), 1.0)
        cov[:, np.arange(fresh.shape[1]), np.arange(fresh.shape[1])] += fresh
        return np.asarray(cov)

    def cross(self, prior: Prior) -> Floats:
        """Covariance of the measurements and `STATES`, (V, M, 5)."""
        drift = self.wander @ np.swapaxes(self.ahead, 1, 2)
        return np.concatenate([self.slopes @ prior.cov, drift], axis=2)

    def left(self, measured: Measured, mean: Floats) -> Floats:
        """What is measured beyond what the prior's mean says, (V, M)."""
        expected = self.predicted + np.einsum("vmk,vk->vm", self.slopes, mean - self.own)
        return np.asarray((measured.value - expected) * measured.known)


def _lasting(measured: Measured, noise: Noise) -> Floats:
    """Covariance of the errors that last, (V, M, M)."""
    apart = np.abs(measured.at[:, :, None] - measured.at[:, None, :])
    cov = np.exp(apart / -noise.months)
    cov *= noise.lasting**2 * measured.known[:, :, None] * measured.known[:, None, :]
    return np.asarray(cov)


def _trust(view: _Linear, measured: Measured, noise: Noise, own: Floats) -> Floats:
    """How far each measurement is trusted: little beyond a few standard deviations, as errors with heavy tails are."""
    z2 = view.left(measured, own) ** 2 / ((noise.told * measured.sd) ** 2 + noise.lasting**2)
    return np.minimum((_TAIL + 1.0) / (_TAIL + z2), 1.0) * measured.known


def learn_noise(
    measured: Measured, prior: Prior, found: Posterior, sign: float, start: Noise, usual: Noise = USUAL
) -> Noise:
    """The noise that a fleet's measurements are likeliest under, with what is usual as a prior.

    Args:
        measured: What was measured.
        prior: What is known of each vehicle before.
        found: The posteriors at which the law is made linear.
        sign: As in `posterior`.
        start: Where to begin.
        usual: What is usual.
    """
    most = np.argsort(-measured.known.sum(axis=1), kind="stable")[:_LEARNED_FROM]
    some, prior, own = measured.take(most), prior.take(most), found.mean[most, :3]
    # an outlier tells nothing of the usual noise
    weight = np.where(found.weight[most] > 0.35, 1.0, 0.0)
    some = replace(some, known=some.known * weight, value=some.value * weight)
    low, high, middle = (np.log(_values(one)) for one in (*_ALLOWED, usual))

    def cost(logs: Floats) -> float:
        inside = np.clip(logs, low, high)
        noise = Noise(*np.exp(inside))
        view = _Linear.at(some, own, noise, sign)
        total = view.total(some, prior, some.known, noise, _lasting(some, noise))
        left = view.left(some, prior.mean)
        root = np.linalg.cholesky(total)
        white = np.linalg.solve(root, left[:, :, None])[:, :, 0]
        logdet = 2.0 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum()
        beyond = 1e3 * ((logs - inside) ** 2).sum()
        return float((white**2).sum() + logdet + (((logs - middle) / _SPREAD) ** 2).sum() + beyond)

    begin = np.log(_values(start))
    simplex = np.vstack([begin, *(begin + 0.4 * np.eye(4)[k] for k in range(4))])
    options = {"maxfev": 120, "xatol": 0.03, "fatol": 0.05, "initial_simplex": simplex}
    best = minimize(cost, begin, method="Nelder-Mead", options=options)
    return Noise(*(float(one) for one in np.exp(np.clip(best.x, low, high))))


def _values(noise: Noise) -> Floats:
    return np.array([noise.told, noise.lasting, noise.months, noise.drift])


def marginal(measured: Measured, prior: Prior, own: Floats, noise: Noise, sign: float) -> tuple[Floats, Floats, Floats]:
    """What is measured beyond the prior's mean (V, M), its covariance (V, M, M), and the new value (V,), at scales."""
    view = _Linear.at(measured, own, noise, sign)
    left, total = (
        view.left(measured, prior.mean),
        view.total(measured, prior, measured.known, noise, _lasting(measured, noise)),
    )
    return left, total, np.exp(own[:, 0])
