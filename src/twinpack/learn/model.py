"""`learn model`: a prototype artifact with priors, noise and card from a fleet's first trips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack import __version__
from twinpack.battery.pack import PackSpec
from twinpack.battery.thevenin import Circuit, Start, knot_name
from twinpack.errors import LearningError
from twinpack.filters.model import Living
from twinpack.learn.prototype import FEW_TRIPS, Fit, FitSettings, TrainingTrip, fit_prototype

Floats = npt.NDArray[np.float64]

KINDS = {"thevenin-1rc": 1, "thevenin-2rc": 2, "thevenin-3rc": 3}

TRUSTED_OCV_V = 0.010
"""A pack's OCV table this near to what the first trips show is trusted where they have not been."""

_SEEN_SD_V = 0.004


@dataclass(frozen=True)
class Learned:
    """A prototype ready to be stored: its artifact, and the card that tells people about it."""

    artifact: dict[str, Any]
    card: dict[str, Any]


def learn_model(trips: Sequence[TrainingTrip], pack: PackSpec, kind: str) -> Learned:
    """Fit a prototype to trips of a pack.

    Args:
        trips: The training trips.
        pack: What they were driven with; its OCV table and capacity are priors.
        kind: One of `KINDS`.

    Raises:
        LearningError: The kind is not known, or the data do not allow a fit.
    """
    if kind not in KINDS:
        raise LearningError(f"kind {kind!r} is not known; known are {', '.join(KINDS)}")
    vehicles = len({trip.vehicle_id for trip in trips})
    capacity_sd = max(0.15 / np.sqrt(max(vehicles, 1)), 0.04)
    settings = FitSettings(pairs=KINDS[kind], capacity_sd=0.0 if vehicles < 5 else capacity_sd)
    prior = np.asarray(pack.ocv.pchip(np.array(settings.soc_grid)), dtype=np.float64)
    fit = fit_prototype(trips, pack.capacity_ah, prior, settings)
    circuit = _circuit(fit, pack, float(capacity_sd), prior)
    threshold = _threshold_v(fit, pack)
    artifact = {"pack": pack.name, "kind": kind, "circuit": circuit.to_dict(), "threshold_v": threshold}
    return Learned(artifact, _card(fit, trips, pack, kind, threshold))


def _threshold_v(fit: Fit, pack: PackSpec) -> float:
    """Twice the prototype's own error: below it an update could not be told from the model's error."""
    return round(float(pack.series * max(2.0 * fit.rmse_v, 0.002)), 3)


def _circuit(fit: Fit, pack: PackSpec, capacity_sd: float, table_v: Floats) -> Circuit:
    settings = fit.settings
    knots = _knots(fit, table_v)
    living, covariance = _living(fit, pack, capacity_sd, knots)
    return Circuit(
        series=pack.series,
        capacity_ah=pack.capacity_ah,
        soc=settings.soc_grid,
        ocv_v=_tuple(fit.ocv_v),
        r_soc=settings.r_grid,
        r0_ohm=_tuple(fit.r0_ohm),
        rct_ohm=fit.rct_ohm,
        exchange_a=fit.exchange_a,
        pairs_ohm=tuple(_tuple(row) for row in fit.pairs_ohm),
        tau_s=_tuple(fit.tau_s),
        ea0_j_mol=fit.ea_j_mol[0],
        ea1_j_mol=fit.ea_j_mol[1],
        living=living,
        ocv_knots=knots,
        prior_covariance=covariance,
        noise=fit.noise,
        start=_start(fit),
    )


def _start(fit: Fit) -> Start:
    """Half of what is left on the slowest pair on the next, a tenth on the fastest; few trips show little of it."""
    left = (1.0 + FEW_TRIPS / len(fit.soc_error)) * max(fit.start_v, 0.0005)
    return Start(pairs_v=(0.1 * left, 0.5 * left, left))


def _knots(fit: Fit, table_v: Floats) -> tuple[float, ...]:
    """Grid points with a living OCV; none when the pack's table is right where the first trips have been."""
    seen = np.sqrt(np.diagonal(fit.ocv_covariance)) < _SEEN_SD_V
    wrong = float(np.sqrt(np.mean((fit.ocv_v - table_v)[seen] ** 2))) if seen.any() else 0.0
    return tuple(fit.settings.soc_grid) if wrong > TRUSTED_OCV_V else ()


def _living(
    fit: Fit, pack: PackSpec, capacity_sd: float, knots: tuple[float, ...]
) -> tuple[tuple[Living, ...], tuple[tuple[float, ...], ...]]:
    living = [
        Living("capacity_scale", fit.capacity_ah / pack.capacity_ah, capacity_sd, 0.001, 0.3, 1.5),
        Living("r0_scale", 1.0, 0.1, 0.004, 0.2, 5.0),
        Living("r_scale", 1.0, 0.15, 0.006, 0.1, 6.0),
    ]
    if not knots:
        living.append(Living("offset_v", 0.0, 0.004, 0.0002, -0.1, 0.1))
        return tuple(living), ()
    sd = np.sqrt(np.diagonal(fit.ocv_covariance))
    living += [Living(knot_name(knot), 0.0, float(one), 0.0003, -0.5, 0.5) for knot, one in zip(knots, sd, strict=True)]
    size = len(living)
    covariance = np.diag([one.sd**2 for one in living])
    covariance[size - len(knots) :, size - len(knots) :] = fit.ocv_covariance
    return tuple(living), tuple(_tuple(row) for row in covariance)


def _card(fit: Fit, trips: Sequence[TrainingTrip], pack: PackSpec, kind: str, threshold: float) -> dict[str, Any]:
    return {
        "pack": pack.name,
        "kind": kind,
        "vehicles": len({trip.vehicle_id for trip in trips}),
        "trips": len(trips),
        "rmse_v": round(fit.rmse_v * pack.series, 4),
        "threshold_v": threshold,
        "capacity_ah": round(fit.capacity_ah, 3),
        "soc_range": [
            round(min(_lowest(trip, fit) for trip in trips), 3),
            round(max(trip.soc for trip in trips), 3),
        ],
        "temp_range_c": [
            round(float(min(trip.temp_c.min() for trip in trips)), 1),
            round(float(max(trip.temp_c.max() for trip in trips)), 1),
        ],
        "code_version": __version__,
    }


def _lowest(trip: TrainingTrip, fit: Fit) -> float:
    current = trip.current_a
    passed = np.cumsum(0.5 * (current[1:] + current[:-1]) * np.diff(trip.time_s)) / 3600.0 / fit.capacity_ah
    return float(trip.soc + min(passed.min(), 0.0))


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
