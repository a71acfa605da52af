"""A prototype from tests in a climate chamber: tables over temperature, each fitted to the tests at its own.

How a cell's resistances go with state of charge is another matter in the cold than in the heat, and a few tests of one
cell at each of several temperatures show it. So each temperature gets the tables that fit its tests best, all with the
same time constants and activation energies, and the model reads between them. Capacity is told by the slowest full
discharge: with it wrong, tables would bend to hide that charge is counted wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec
from twinpack.battery.thevenin import KELVIN, REFERENCE_K, Circuit, Noise, Start
from twinpack.filters.model import Living
from twinpack.learn.progress import Tell, silent
from twinpack.learn.prototype import Fit, FitSettings, TrainingTrip, fit_prototype

Floats = npt.NDArray[np.float64]

APART_C, TOGETHER_C = 5.0, 3.0
"""Tests whose mean temperatures are further apart than the first are of two chambers' settings; those of one setting
lie within the second of their mean."""

FEWEST_CHAMBERS, FEWEST_TESTS = 3, 3
TWO_TOGETHER_C, TWO_COVERED = 1.0, 0.6
"""Two settings are enough where tests are as near to each other as no weather is, and together go over such a share of
the charge at each."""

STEADY_C, MOSTLY = 3.0, 0.9
"""A session whose temperature scatters by more is of two settings and left aside, if nearly all others are of one."""

SLOW_C_RATE = 1.0 / 15.0
"""Up to this rate a full discharge tells the capacity."""

NEARLY_FULL, NEARLY_EMPTY = 0.99, 0.2
"""A discharge is full from this state of charge to this share of the voltage window."""

TAU_S = (5.0, 60.0, 800.0)
SOC_GRID = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.175, *(round(0.05 * i, 2) for i in range(4, 21)))
R_GRID = (0.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

SETTINGS = FitSettings(
    soc_grid=SOC_GRID,
    r_grid=R_GRID,
    near_empty=(),
    tau_s=TAU_S,
    ea_j_mol=(50e3, 50e3),
    capacity_sd=0.0,
    soc_sd=0.002,
    start_v=0.004,
    error_v=0.01,
    search=False,
)


LEAST_SPAN_C = 0.5

DRIVE_C_RATE = 0.5
"""A test with more current than this, at times, is a drive."""

START = Start(pairs_v=(0.0005, 0.002, 0.004), trip_v=0.003)
"""Tests begin after hours of rest."""

LEARNING = {"temper": 75.0, "temper_drop": 25.0, "pair_share": 0.4, "soc_per_sqrt_s": 1e-4}
"""What a filter needs so that its bands cover on drives left out: tables are wrong by some millivolts as long as the
charge stays where it is, which no count of samples averages out."""

ALPHA = 0.4
"""Sigma points stay near: a start that may be wrong by 20 points would have them far outside the tables."""


@dataclass(frozen=True)
class ChamberFit:
    """What the tests at each temperature say; K temperatures.

    Attributes:
        temps_c: Mean temperatures, ascending, shape (K,).
        spans_c: Lowest and highest temperature of the tests at each, shape (K, 2).
        fits: One a temperature.
        reference: The fit for what has no temperature: at the one nearest to the reference temperature.
    """

    temps_c: tuple[float, ...]
    spans_c: tuple[tuple[float, float], ...]
    fits: tuple[Fit, ...]
    reference: Fit


def chambers(trips: Sequence[TrainingTrip], capacity_ah: float) -> list[list[TrainingTrip]]:
    """The tests by the temperature of their chamber, ascending; none when they are not of a climate chamber.

    Args:
        trips: The tests.
        capacity_ah: Nominal capacity.
    """
    usable = [trip for trip in trips if np.isfinite(trip.temp_c).any() and np.nanstd(trip.temp_c) <= STEADY_C]
    if len(usable) < MOSTLY * len(trips):
        return []
    ordered = sorted(usable, key=_mean_c)
    means = np.array([_mean_c(trip) for trip in ordered])
    edges = np.flatnonzero(np.diff(means) > APART_C) + 1
    groups = [ordered[part[0] : part[-1] + 1] for part in np.split(np.arange(len(ordered)), edges) if len(part)]
    if len(groups) < 2 or min(len(group) for group in groups) < FEWEST_TESTS:
        return []
    together_c = max(float(np.abs(one - one.mean()).max()) for one in np.split(means, edges))
    if len(groups) >= FEWEST_CHAMBERS:
        return groups if together_c <= TOGETHER_C else []
    covered = min(_covered(group, capacity_ah) for group in groups)
    return groups if together_c <= TWO_TOGETHER_C and covered >= TWO_COVERED else []


def _covered(tests: Sequence[TrainingTrip], capacity_ah: float) -> float:
    """From the lowest to the highest state of charge of some tests."""
    socs = [trip.soc + trip.passed_ah / capacity_ah for trip in tests]
    return float(max(one.max() for one in socs) - min(one.min() for one in socs))


def slow_capacity_ah(trips: Sequence[TrainingTrip], pack: PackSpec) -> float | None:
    """Charge of the slow full discharge nearest to the reference temperature, Ah; None when no test holds one."""
    window = pack.cell_voltage_max_v - pack.cell_voltage_min_v
    empty_v = pack.cell_voltage_min_v + NEARLY_EMPTY * window
    found: list[tuple[float, float]] = []
    for trip in trips:
        passed = trip.passed_ah
        lowest = int(np.argmin(passed))
        rate = float(np.abs(trip.current_a[: lowest + 1]).max()) / pack.capacity_ah
        if trip.soc >= NEARLY_FULL and rate <= SLOW_C_RATE and np.nanmin(trip.voltage_v[: lowest + 1]) <= empty_v:
            found.append((abs(_mean_c(trip) - (REFERENCE_K - KELVIN)), -float(passed[lowest])))
    return min(found)[1] if found else None


def fit_chambers(
    groups: Sequence[Sequence[TrainingTrip]], pack: PackSpec, pairs: int, tell: Tell = silent
) -> ChamberFit:
    """Fit every group.

    Args:
        groups: What `chambers` found.
        pack: What was tested; its OCV table is the prior.
        pairs: RC pairs.
        tell: Is told of the temperatures that are done.

    Raises:
        LearningError: A fit is not finite.
    """
    every = [trip for group in groups for trip in group]
    told = slow_capacity_ah(every, pack)
    settings = replace(SETTINGS, pairs=pairs)
    table = np.asarray(pack.ocv.pchip(np.array(SOC_GRID)), dtype=np.float64)
    temps = tuple(float(np.mean([_mean_c(trip) for trip in group])) for group in groups)
    nearest = int(np.argmin(np.abs(np.array(temps) - (REFERENCE_K - KELVIN))))
    if told is None:
        free = fit_prototype(groups[nearest], pack.capacity_ah, table, replace(settings, capacity_sd=0.05, search=True))
        told = free.capacity_ah
    fits = []
    for done, group in enumerate(groups):
        tell("fitting", done, len(groups))
        fits.append(fit_prototype(group, told, table, settings))
    tell("fitting", len(groups), len(groups))
    return ChamberFit(temps, _spans(groups), tuple(fits), fits[nearest])


def chamber_circuit(found: ChamberFit, pack: PackSpec, trips: Sequence[TrainingTrip]) -> Circuit:
    """The circuit of the fits: its tables over temperature, how wrong it is at each, what lives."""
    reference = found.reference
    scale = reference.capacity_ah / pack.capacity_ah
    names = ("r0_scale", "r_scale", *(("slow_scale",) if len(reference.tau_s) == 3 else ()))
    living = (
        Living("capacity_scale", scale, 0.02 * scale, 0.001, 0.3, 1.6),
        *(Living(name, 1.0, 0.05, 0.005, 0.1, 6.0) for name in names),
        Living("offset_v", 0.0, 0.003, 0.0002, -0.1, 0.1),
    )
    return Circuit(
        series=pack.series,
        capacity_ah=pack.capacity_ah,
        soc=SOC_GRID,
        ocv_v=_tuple(reference.ocv_v),
        r_soc=R_GRID,
        r0_ohm=_tuple(reference.r0_ohm),
        pairs_ohm=tuple(_tuple(row) for row in reference.pairs_ohm),
        tau_s=_tuple(reference.tau_s),
        ea0_j_mol=reference.ea_j_mol[0],
        ea1_j_mol=reference.ea_j_mol[1],
        living=living,
        noise=_noise(found),
        start=replace(START, load_c_rate=load_c_rate(trips, pack)),
        alpha=ALPHA,
        temps_c=found.spans_c,
        ocv_at_v=tuple(_tuple(fit.ocv_v) for fit in found.fits),
        r0_at_ohm=tuple(_tuple(fit.r0_ohm) for fit in found.fits),
        pairs_at_ohm=tuple(
            tuple(_tuple(fit.pairs_ohm[pair]) for fit in found.fits) for pair in range(len(reference.tau_s))
        ),
    )


def load_c_rate(trips: Sequence[TrainingTrip], pack: PackSpec) -> float:
    """Mean current of drives, as a C-rate; slow tests are no drives."""
    rates = [-trip.current_a / pack.capacity_ah for trip in trips]
    drives = [rate for rate in rates if rate.max() > DRIVE_C_RATE]
    return max(float(np.mean(np.concatenate(drives))), 0.0) if drives else 0.0


def _noise(found: ChamberFit) -> Noise:
    """As at the reference temperature, and in proportion to the residual at the others."""
    times = tuple(float(fit.rmse_v / found.reference.rmse_v) for fit in found.fits)
    return replace(found.reference.noise, temps_c=found.temps_c, times=times, **LEARNING)


def _spans(groups: Sequence[Sequence[TrainingTrip]]) -> tuple[tuple[float, float], ...]:
    """The temperatures that each group's tests had, up to half way to those of the next."""
    every = [np.concatenate([trip.temp_c for trip in group]) for group in groups]
    lows, highs = (np.array([np.nanquantile(one, share) for one in every]) for share in (0.01, 0.99))
    half = 0.5 * (highs[:-1] + lows[1:])
    highs[:-1] = np.minimum(highs[:-1], half - LEAST_SPAN_C)
    lows[1:] = np.maximum(lows[1:], half + LEAST_SPAN_C)
    return tuple((float(low), float(max(high, low + LEAST_SPAN_C))) for low, high in zip(lows, highs, strict=True))


def _mean_c(trip: TrainingTrip) -> float:
    return float(np.nanmean(trip.temp_c))


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
