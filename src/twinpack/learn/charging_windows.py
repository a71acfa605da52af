"""Health from any part of a charge whose begin is roughly known, for cells whose curve is flat.

The voltage of a charge at one current is a curve over the state of charge that changes little with age; what changes is
how many Ah a step of it takes. A part of a charge is laid on the learned curve: for each health and each begin within
what is known of it, its voltages are likely or not. A cell's own offset (contacts, sensor) and a smooth error of the
curve are integrated out, so a level of voltage alone says little, and where the curve is flat the answer is wide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import LearningError
from twinpack.learn.charging import Charge, Estimate, silent

Floats = npt.NDArray[np.float64]

FORMAT = 1
MOST_RATE_OFF, MOST_WARMER_K = 0.1, 8.0
"""How far a charge's current may be from the learned one, as a share, and its temperature from the learned range."""

OFFSET_V, CURVE_V, CURVE_AH_SHARE, NOISE_V = 0.006, 0.0006, 0.06, 0.0004
"""Standard deviations of a cell's own offset and of the curve's smooth error, over which share of the rated capacity
that error stays alike, and the noise of a sample."""

BEGIN = 0.03
"""How far the begin of a charge may be from what is told, as a share of the charge, where nothing else is said."""

MOST_MISFIT = 9.0
"""Mean squared error in standard deviations from which on a charge fits no curve that was learned."""

_SOC = np.linspace(-0.05, 1.08, 227)
_HEALTH_STEP, _WIDTH, _BEGINS = 0.005, 0.01, 25
_POINTS = 31
_LEAST_CURVES = 20


@dataclass(frozen=True)
class FullCharge:
    """A whole charge from empty to full, of known health.

    Attributes:
        charge: The charge.
        health: Capacity by the rated one, 0 to 1.
    """

    charge: Charge
    health: float


@dataclass(frozen=True)
class WindowModel:
    """The curve at one current, for each health.

    Attributes:
        rated_ah: Rated capacity, Ah.
        c_rate: The current by it, 1/h.
        temp_c: Lowest and highest mean temperature that was learned from.
        health: Healths, rising, shape (H,).
        voltage_v: Voltage at `_SOC` for each, shape (H, 227).
    """

    rated_ah: float
    c_rate: float
    temp_c: tuple[float, float]
    health: Floats
    voltage_v: Floats

    def told(self, part: Charge, begin_soc: float, begin_off: float = BEGIN) -> Estimate:
        """Health, capacity by the rated one, that a part of a charge says, or why it says nothing.

        Args:
            part: Part of a charge at constant current.
            begin_soc: Charge at its begin as a share of what the cell holds now, 0 to 1.
            begin_off: How far it may be off either way.
        """
        new = self._unseen(part)
        return silent(new) if new else self.forced(part, begin_soc, begin_off)

    def forced(self, part: Charge, begin_soc: float, begin_off: float = BEGIN) -> Estimate:
        """The same whatever the current and the temperature."""
        charged = part.charged_ah
        at = np.linspace(0.0, charged[-1], _POINTS)
        volts = np.interp(at, charged, part.voltage_v)
        begins = begin_soc + np.linspace(-begin_off, begin_off, _BEGINS)
        soc = begins[None, :, None] + at / (self.rated_ah * self.health)[:, None, None]
        off = (volts - self._curve(soc)).reshape(-1, _POINTS)
        precision = self._precision(at)
        squares = np.einsum("ij,jk,ik->i", off, precision, off).reshape(len(self.health), -1)
        if squares.min() / _POINTS > MOST_MISFIT:
            return silent("Its voltage fits no curve that was learned: learn from cells like it.")
        chance = np.exp(-0.5 * (squares - squares.min())).sum(axis=1)
        chance /= chance.sum()
        middle = float(np.interp(0.5, np.cumsum(chance) - 0.5 * chance, self.health))
        sd = float(np.sqrt(chance @ (self.health - middle) ** 2 + (0.5 * _HEALTH_STEP) ** 2))
        return Estimate(middle, sd)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "format": FORMAT,
            "rated_ah": self.rated_ah,
            "c_rate": self.c_rate,
            "temp_c": list(self.temp_c),
            "health": self.health.tolist(),
            "voltage_v": self.voltage_v.tolist(),
        }

    @classmethod
    def from_dict(cls, artifact: Mapping[str, Any]) -> WindowModel:
        """The model of an artifact.

        Raises:
            LearningError: It is none, or of a newer release.
        """
        try:
            if artifact["format"] != FORMAT:
                raise LearningError(f"a model of charges of format {artifact['format']!r}; this release reads {FORMAT}")
            health, voltage = (np.array(artifact[name], dtype=np.float64) for name in ("health", "voltage_v"))
            low, high = (float(one) for one in artifact["temp_c"])
            found = cls(float(artifact["rated_ah"]), float(artifact["c_rate"]), (low, high), health, voltage)
        except (KeyError, TypeError, ValueError) as error:
            raise LearningError(f"not a model of charges: {error}") from error
        if voltage.shape != (len(health), len(_SOC)) or not np.isfinite(voltage).all() or np.any(np.diff(health) <= 0):
            raise LearningError("not a model of charges: its curves are damaged")
        return found

    def _unseen(self, part: Charge) -> str:
        rate = float(np.mean(part.current_a)) / self.rated_ah
        if abs(rate / self.c_rate - 1.0) > MOST_RATE_OFF:
            return f"It was charged at {rate:.2g} C; the curve is known at {self.c_rate:.2g} C: learn at this rate."
        temp = float(np.mean(part.temp_c))
        if not self.temp_c[0] - MOST_WARMER_K <= temp <= self.temp_c[1] + MOST_WARMER_K:
            return (
                f"It was charged at {temp:.0f} °C; the curve is known at {self.temp_c[0]:.0f} to "
                f"{self.temp_c[1]:.0f} °C: learn at this temperature."
            )
        return ""

    def _curve(self, soc: Floats) -> Floats:
        """Voltage of each health, (H, B, N), at charges of that shape."""
        place = np.clip((soc - _SOC[0]) / (_SOC[1] - _SOC[0]), 0.0, len(_SOC) - 1.000001)
        low = place.astype(np.intp)
        share = place - low
        row = np.arange(len(self.health))[:, None, None]
        return np.asarray(self.voltage_v[row, low] * (1.0 - share) + self.voltage_v[row, low + 1] * share)

    def _precision(self, at: Floats) -> Floats:
        apart = (at[:, None] - at) / (CURVE_AH_SHARE * self.rated_ah)
        cov = OFFSET_V**2 + CURVE_V**2 * np.exp(-0.5 * apart**2) + NOISE_V**2 * np.eye(len(at))
        return np.asarray(np.linalg.inv(cov))


def learn_windows(charges: Sequence[FullCharge], rated_ah: float) -> WindowModel:
    """Learn the curve at one current from whole charges of one or more cells.

    Args:
        charges: Whole charges at one current.
        rated_ah: Rated capacity, Ah.

    Raises:
        LearningError: There are too few, or their currents differ.
    """
    if len(charges) < _LEAST_CURVES:
        raise LearningError(f"{len(charges)} whole charges; the curve is learned from {_LEAST_CURVES} or more")
    rates = np.array([float(np.median(one.charge.current_a)) for one in charges]) / rated_ah
    rate = float(np.median(rates))
    if np.abs(rates / rate - 1.0).max() > MOST_RATE_OFF:
        raise LearningError(f"charges at {rates.min():.2g} to {rates.max():.2g} C: learn each rate by itself")
    curves = np.stack([_over_soc(one.charge) for one in charges])
    known = np.array([one.health for one in charges])
    temps = np.array([float(one.charge.temp_c.mean()) for one in charges])
    first, last = (float(one) for one in (known.min(), known.max()))
    health = np.arange(first - 0.03, last + 0.03, _HEALTH_STEP)
    voltage = np.stack([_at_health(curves, known, one) for one in health])
    return WindowModel(rated_ah, rate, (float(temps.min()), float(temps.max())), health, voltage)


def _over_soc(charge: Charge) -> Floats:
    charged = charge.charged_ah
    return np.asarray(np.interp(_SOC, charged / charged[-1], charge.voltage_v))


def _at_health(curves: Floats, known: Floats, health: float) -> Floats:
    """The curve at one health: a line through those of like health, weighted by how alike."""
    away = (known - health) / _WIDTH
    weight = np.exp(-0.5 * away**2) + 1e-9 * np.exp(-np.abs(away) / 3.0)
    basis = np.stack([np.ones_like(away), away], axis=1)
    left = (basis * weight[:, None]).T @ basis + np.diag([0.0, 1e-3 * weight.sum()])
    return np.asarray(np.linalg.solve(left, (basis * weight[:, None]).T @ curves)[0])
