"""Energy health: what is usable of a battery now, by what was certified (UN GTR 22, state of certified energy)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twinpack.battery.arrays import Numeric
from twinpack.battery.health import REFERENCE_LOSS_SHARE, energy_health_pct, usable_energy_x
from twinpack.battery.pack import PackSpec

Floats = npt.NDArray[np.float64]

REFERENCE_C_RATE = 1.0 / 3.0
"""Current of the reference discharge by the rated capacity, 1/h: the usual rate at which capacity is measured."""

_MOST_LOSS = 0.25


def energy_health(capacity_x: Numeric, resistance_x: Numeric, loss_share: float = REFERENCE_LOSS_SHARE) -> Floats:
    """State of certified energy, %: usable energy in a reference discharge by that when new.

    The new battery's usable energy stands for the certified one, so that a figure above 100 means a battery that holds
    more than the fleet's new ones, not a certificate that was careful.

    Args:
        capacity_x: Capacity by the rated one, any shape.
        resistance_x: Resistance by that when new, of a shape that goes with it.
        loss_share: Share of the new battery's energy that its resistance takes; see `loss_share_of`.
    """
    return energy_health_pct(usable_energy_x(capacity_x, resistance_x, loss_share), 1.0)


def loss_share_of(pack: PackSpec, resistance_ohm: float) -> float:
    """Share of a new pack's energy that its resistance takes in the reference discharge.

    Args:
        pack: The pack.
        resistance_ohm: Its resistance when new once a discharge has settled, at 25 °C, ohm.

    Returns:
        Mean current times resistance over the mean open-circuit voltage; `REFERENCE_LOSS_SHARE` where that is none.
    """
    soc = np.linspace(0.0, 1.0, 101)
    mean_v = pack.series * float(np.mean(pack.ocv.linear(soc)))
    share = REFERENCE_C_RATE * pack.capacity_ah * resistance_ohm / mean_v
    return share if 0.0 < share < _MOST_LOSS else REFERENCE_LOSS_SHARE


def energy_estimate(mean: Floats, cov: Floats, loss_share: float = REFERENCE_LOSS_SHARE) -> tuple[float, float]:
    """Energy health and its standard deviation, %, from what is known of capacity and resistance.

    By the derivative at the mean, which is exact in capacity and in resistance each and leaves out only their product.

    Args:
        mean: Capacity and resistance by those when new, shape (2,).
        cov: Their covariance, shape (2, 2).
        loss_share: As for `energy_health`.
    """
    value = float(energy_health(mean[0], mean[1], loss_share))
    slope = np.array([value / mean[0], -100.0 * mean[0] * loss_share / (1.0 - loss_share)])
    return value, float(np.sqrt(max(slope @ cov @ slope, 0.0)))


FLAT_V = 0.2
"""An open-circuit voltage that rises less than this over the whole charge, V, as in its middle, is called flat."""


def flat_slope_v(pack: PackSpec) -> float | None:
    """Usual slope of a flat open-circuit voltage such as LFP's, V over the whole charge; None for one that is not."""
    low, high = np.asarray(pack.ocv.linear(np.array([0.3, 0.7])))
    if (high - low) / 0.4 >= FLAT_V:
        return None
    return float(np.median(pack.ocv.slope(np.linspace(0.3, 0.95, 14))))
