"""Fit a Thevenin prototype to a fleet's first trips: multi-step simulation error, by variable projection.

With time constants, activation energies and capacity fixed, an open-loop simulation is linear in everything else: the
open-circuit voltage on its grid, the resistances on theirs, and of each trip what its start left on the slow pairs and
(linearised) the error of the state of charge told. So the outer search has few unknowns (Golub and Pereyra 1973) and
the inner one is a bounded least squares with priors, whose covariance says where the OCV is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares, lsq_linear

from twinpack.battery.models import NEAR_EMPTY, R_GRID
from twinpack.battery.thevenin import GAS_CONSTANT, KELVIN, REFERENCE_K, TRANSFER_SHARE, TRANSFER_V, Noise
from twinpack.errors import LearningError
from twinpack.learn.lanes import side_by_side
from twinpack.learn.progress import Tell, silent
from twinpack.learn.residual import Residual, split_residual

Floats = npt.NDArray[np.float64]


_ROUNDS = 3


@dataclass(frozen=True)
class TrainingTrip:
    """One session to learn from; N steps.

    Attributes:
        vehicle_id: Whose.
        time_s: Since its start, shape (N,).
        voltage_v: Of one series group, V, NaN where missing, shape (N,).
        current_a: Pack current, positive charges, shape (N,).
        temp_c: Cell temperature, shape (N,).
        soc: State of charge told at its start, 0 to 1.
        start_us: When it began, microseconds since the epoch; 0 where that does not matter.
    """

    vehicle_id: str
    time_s: Floats
    voltage_v: Floats
    current_a: Floats
    temp_c: Floats
    soc: float
    start_us: int = 0

    @property
    def inputs(self) -> dict[str, Floats]:
        """What a pack model is given over the trip, by name, shape (N,) each."""
        return {
            "current_a": self.current_a,
            "interval_start_a": np.concatenate([self.current_a[:1], self.current_a[:-1]]),
            "interval_end_a": self.current_a,
            "dt_s": np.diff(self.time_s, prepend=self.time_s[:1]),
            "temp_c": self.temp_c,
        }

    @property
    def passed_ah(self) -> Floats:
        """Charge since its start, Ah, shape (N,)."""
        steps = 0.5 * (self.current_a[1:] + self.current_a[:-1]) * np.diff(self.time_s)
        return np.concatenate([[0.0], np.cumsum(steps)]) / 3600.0


@dataclass(frozen=True)
class FitSettings:
    """Priors of the fit; voltages of one series group.

    Attributes:
        pairs: RC pairs.
        soc_grid: Grid of the OCV.
        r_grid: Grid of the resistances.
        near_empty: Resistances on it over those in the middle, where no trip has been; empty for even ones.
        tau_s: Prior time constants, the last `pairs` of them are used.
        tau_sd: Standard deviation of their logarithm.
        ea_j_mol: Prior activation energy of R0, and of the pairs.
        ea_sd: Standard deviation of both.
        capacity_sd: Relative standard deviation of the capacity; 0 keeps the nominal one.
        soc_sd: Standard deviation of the state of charge told at a start.
        start_v: Standard deviation of the voltage left on the slowest pair when a trip starts, V.
        ocv_sd: How far the OCV may lie from the pack's table, V.
        ocv_step_sd: How much that distance may change over one step of the grid, V.
        error_v: Error of the model, V; with `independent` it weighs the data against the priors.
        independent: Steps over which errors are correlated.
        rows: Rows used at most.
        search: Whether time constants, activation energies and capacity are looked for; else they stay at their priors.
    """

    pairs: int = 2
    soc_grid: tuple[float, ...] = tuple(round(0.05 * i, 2) for i in range(21))
    r_grid: tuple[float, ...] = R_GRID
    near_empty: tuple[float, ...] = NEAR_EMPTY
    tau_s: tuple[float, ...] = (3.0, 40.0, 900.0)
    tau_sd: float = 0.4
    ea_j_mol: tuple[float, float] = (20e3, 20e3)
    ea_sd: float = 4e3
    capacity_sd: float = 0.05
    soc_sd: float = 0.02
    start_v: float = 0.02
    ocv_sd: float = 0.3
    ocv_step_sd: float = 0.05
    error_v: float = 0.003
    independent: float = 20.0
    rows: int = 24_000
    search: bool = True


@dataclass(frozen=True)
class Fit:
    """A fitted prototype; of one series group.

    Attributes:
        capacity_ah: Capacity of the pack.
        ocv_v: On the OCV grid.
        ocv_covariance: Its covariance.
        r0_ohm: On the resistance grid.
        pairs_ohm: Each pair's on the resistance grid, shape (pairs, M).
        tau_s: Time constants, ascending.
        ea_j_mol: Activation energies of R0 and of the pairs.
        soc_error: Of each trip's told start.
        start_v: Typical voltage left on the slowest pair when a trip starts.
        rmse_v: Residual over all trips.
        noise: What the residual is made of.
        settings: What it was fitted with.
    """

    capacity_ah: float
    ocv_v: Floats
    ocv_covariance: Floats
    r0_ohm: Floats
    pairs_ohm: Floats
    tau_s: Floats
    ea_j_mol: tuple[float, float]
    soc_error: Floats
    start_v: float
    rmse_v: float
    noise: Noise
    settings: FitSettings = field(repr=False)


def fit_prototype(
    trips: Sequence[TrainingTrip],
    capacity_ah: float,
    ocv_v: Floats,
    settings: FitSettings,
    tell: Tell = silent,
) -> Fit:
    """Fit a prototype.

    Args:
        trips: What to learn from.
        capacity_ah: Nominal capacity of the pack.
        ocv_v: The pack's OCV table on `settings.soc_grid`: the prior.
        settings: Priors.
        tell: Is told of the rounds of the outer search.

    Raises:
        LearningError: There is too little data, or the fit is not finite.
    """
    usable = [trip for trip in trips if np.isfinite(trip.voltage_v).sum() >= 30]
    if not usable:
        raise LearningError("no trip with 30 measured steps to learn from: import more data or raise --trips")
    problem = _Problem(usable, capacity_ah, ocv_v, settings)
    theta, linear = problem.prior, problem.begin()
    for done in range(_ROUNDS):
        tell("fitting", done, _ROUNDS)
        if settings.search:
            theta = least_squares(problem.residual, theta, x_scale=problem.spread, args=(linear,), max_nfev=5).x
        linear = problem.solve(theta, linear).linear
    tell("fitting", _ROUNDS, _ROUNDS)
    return problem.result(theta, linear)


@dataclass(frozen=True)
class _Linear:
    """The linear unknowns: shared ones, and of each trip its start's (left on two pairs, error of the charge)."""

    shared: Floats
    starts: Floats


@dataclass(frozen=True)
class _Solved:
    linear: _Linear
    error: Floats
    held: Floats
    covariance: Floats


class _Problem:
    """The trips as lanes, (T, B), and the linear problem they pose; rows of it lie trip by trip."""

    def __init__(self, trips: Sequence[TrainingTrip], capacity_ah: float, ocv_v: Floats, settings: FitSettings) -> None:
        self.settings, self.trips, self.capacity_ah, self.ocv_prior = settings, trips, capacity_ah, ocv_v
        self.soc_grid, self.r_grid = np.array(settings.soc_grid), np.array(settings.r_grid)
        self.grid, self.rs, self.pairs = len(self.soc_grid), len(self.r_grid), settings.pairs
        self.at_pairs = self.grid + self.rs
        self.columns = self.at_pairs + self.pairs * self.rs
        self._lanes()
        self.prior = np.array([0.0, *settings.ea_j_mol, *np.log(settings.tau_s[-self.pairs :])])
        kept = [max(settings.capacity_sd, 1e-9), settings.ea_sd, settings.ea_sd]
        self.spread = np.array(kept + [settings.tau_sd] * self.pairs)
        self.regular, self.target = self._priors()
        self.start_sd = np.array([0.5 * settings.start_v, settings.start_v, settings.soc_sd])

    def _lanes(self) -> None:
        longest = max(len(trip.time_s) for trip in self.trips)
        rows = np.arange(longest)

        def lanes(name: str) -> Floats:
            return side_by_side([getattr(trip, name) for trip in self.trips])

        self.time, self.voltage = lanes("time_s"), lanes("voltage_v")
        self.current, self.temp = lanes("current_a"), lanes("temp_c")
        self.dt = np.diff(self.time, axis=0, prepend=self.time[:1])
        self.start = np.array([trip.soc for trip in self.trips])
        length = np.array([len(trip.time_s) for trip in self.trips])
        lane, row = np.nonzero(((rows[:, None] < length) & np.isfinite(self.voltage)).T)
        every = max(1, len(row) // self.settings.rows)
        self.rows, self.lane = row[::every], lane[::every]
        edges = np.searchsorted(self.lane, np.arange(len(self.trips) + 1))
        self.slices = [slice(first, last) for first, last in pairwise(edges)]
        self.before = np.vstack([self.current[:1], self.current[:-1]])
        self.charge = np.cumsum(0.5 * (self.before + self.current) * self.dt, axis=0) / 3600.0
        self.measured = self.voltage[self.rows, self.lane]
        steps = max(self.settings.independent / every, 1.0)
        self.weight = 1.0 / (self.settings.error_v * np.sqrt(steps))

    def _priors(self) -> tuple[Floats, Floats]:
        """Rows that hold the shared unknowns to their priors."""
        rows: list[Floats] = []
        targets: list[float] = []

        def hold(columns: Sequence[int], factors: Sequence[float], target: float, sd: float) -> None:
            row = np.zeros(self.columns)
            row[list(columns)] = factors
            rows.append(row / sd)
            targets.append(target / sd)

        prior, settings = self.ocv_prior, self.settings
        typical = 0.05 / self.capacity_ah
        shape = settings.near_empty or (1.0,) * self.rs
        for j in range(self.grid):
            hold([j], [1.0], float(prior[j]), settings.ocv_sd)
        for j in range(self.grid - 1):
            hold([j, j + 1], [-1.0, 1.0], float(prior[j + 1] - prior[j]), settings.ocv_step_sd)
        for block in range(1 + self.pairs):
            first = self.grid + block * self.rs
            for j in range(self.rs):
                hold([first + j], [1.0], 0.0, 4.0 * typical)
            for j in range(self.rs - 1):
                hold([first + j, first + j + 1], [-shape[j + 1], shape[j]], 0.0, 0.25 * typical)
        return np.array(rows), np.array(targets)

    def begin(self) -> _Linear:
        """Where the search begins: the pack's table, and resistances typical for its size."""
        shared = np.zeros(self.columns)
        shared[: self.grid] = self.ocv_prior
        shared[self.grid : self.at_pairs] = 0.05 / self.capacity_ah
        return _Linear(shared, np.zeros((len(self.trips), 3)))

    def design(self, theta: Floats, near: _Linear) -> tuple[Floats, Floats]:
        """Matrix of the shared unknowns and of the starts, one row a used step."""
        capacity = self.capacity_ah * float(np.exp(theta[0]))
        z = self.start + near.starts[:, 2] + self.charge / capacity
        inverse = 1.0 / (self.temp + KELVIN) - 1.0 / REFERENCE_K
        ohmic, warm = np.exp(theta[1] / GAS_CONSTANT * inverse), np.exp(theta[2] / GAS_CONSTANT * inverse)
        pick = (self.rows, self.lane)
        spread = _hats(z, self.r_grid)
        current = self.current * ohmic * self._saturation(self.current * ohmic, near)
        taus = np.exp(theta[3:])
        parts = [_hats(z[pick], self.soc_grid), spread[pick] * current[pick][:, None]]
        parts += [self._pair(spread, warm, float(tau))[pick] for tau in taus]
        two = np.sort(taus)[-2:]
        left = [np.exp(-self.time[pick] / tau) for tau in (two if len(two) == 2 else np.repeat(two, 2))]
        slope = _slope(z[pick], self.soc_grid, near.shared[: self.grid])
        return np.hstack(parts), np.stack([*left, slope], axis=1)

    def _saturation(self, warm_current: Floats, near: _Linear) -> Floats:
        """How much less than in proportion the ohmic part grows with current, at the resistance found last."""
        resistance = float(np.median(near.shared[self.grid : self.at_pairs]))
        x = TRANSFER_SHARE * resistance * np.abs(warm_current) / TRANSFER_V
        return (1.0 - TRANSFER_SHARE) + TRANSFER_SHARE * np.arcsinh(np.maximum(x, 1e-9)) / np.maximum(x, 1e-9)

    def _pair(self, spread: Floats, warm: Floats, tau: float) -> Floats:
        """Voltage of an RC pair of 1 ohm at each point of the resistance grid, linear current over a step."""
        s = np.maximum(self.dt / tau, 1e-9)
        a = np.exp(-s)
        drive = self.current - a * self.before - (1.0 - a) / s * (self.current - self.before)
        before = np.concatenate([spread[:1], spread[:-1]])
        source = before * (drive * warm)[:, :, None]
        state = np.zeros_like(source)
        for k in range(1, len(source)):
            state[k] = a[k][:, None] * state[k - 1] + source[k]
        return state

    def solve(self, theta: Floats, near: _Linear) -> _Solved:
        """Shared unknowns by bounded least squares, each trip's start eliminated from it (Schur complement)."""
        matrix, own = self.design(theta, near)
        wide, narrow, right = matrix * self.weight, own * self.weight, self.measured * self.weight
        normal = wide.T @ wide + self.regular.T @ self.regular
        target = wide.T @ right + self.regular.T @ self.target
        # Starts are found as a change of the charge told beyond `near`, and whole on the pairs.
        prior = np.zeros((len(self.trips), 3))
        prior[:, 2] = -near.starts[:, 2]
        blocks = []
        for rows, mean in zip(self.slices, prior, strict=True):
            a, b = narrow[rows], wide[rows]
            inner = np.linalg.inv(a.T @ a + np.diag(1.0 / self.start_sd**2))
            cross = a.T @ b
            pull = a.T @ right[rows] + mean / self.start_sd**2
            normal = normal - cross.T @ inner @ cross
            target = target - cross.T @ inner @ pull
            blocks.append((inner, cross, pull))
        shared = self._bounded(normal, target)
        starts = np.array([inner @ (pull - cross @ shared) for inner, cross, pull in blocks])
        error = matrix @ shared + (own * starts[self.lane]).sum(axis=1) - self.measured
        held = np.concatenate([self.regular @ shared - self.target, ((starts - prior) / self.start_sd).ravel()])
        starts[:, 2] += near.starts[:, 2]
        return _Solved(_Linear(shared, starts), error, held, np.linalg.inv(normal))

    def _bounded(self, normal: Floats, target: Floats) -> Floats:
        """Resistances are not negative."""
        factor = np.linalg.cholesky(normal + 1e-12 * np.trace(normal) / len(normal) * np.eye(len(normal)))
        low = np.full(self.columns, -np.inf)
        low[self.grid :] = 0.0
        return np.asarray(lsq_linear(factor.T, np.linalg.solve(factor, target), bounds=(low, np.inf)).x)

    def residual(self, theta: Floats, near: _Linear) -> Floats:
        """Residuals of the outer search: data, priors of the linear unknowns, priors of the others."""
        solved = self.solve(theta, near)
        return np.concatenate([solved.error * self.weight, solved.held, (theta - self.prior) / self.spread])

    def result(self, theta: Floats, near: _Linear) -> Fit:
        """The fit at the end of the search."""
        solved = self.solve(theta, near)
        shared, error = solved.linear.shared, solved.error
        order = np.argsort(theta[3:])
        rmse = float(np.sqrt(np.mean(error**2)))
        if not np.isfinite(rmse) or not np.isfinite(solved.covariance).all():
            raise LearningError("the fit is not finite: look at the trips it was given for impossible values")
        return Fit(
            capacity_ah=self.capacity_ah * float(np.exp(theta[0])),
            ocv_v=shared[: self.grid],
            ocv_covariance=solved.covariance[: self.grid, : self.grid],
            r0_ohm=shared[self.grid : self.at_pairs],
            pairs_ohm=shared[self.at_pairs :].reshape(self.pairs, self.rs)[order],
            tau_s=np.exp(theta[3:])[order],
            ea_j_mol=(float(theta[1]), float(theta[2])),
            soc_error=solved.linear.starts[:, 2],
            start_v=float(np.sqrt(np.mean(solved.linear.starts[:, 1] ** 2))),
            rmse_v=rmse,
            noise=self._noise(error, shared, theta),
            settings=self.settings,
        )

    def _noise(self, error: Floats, shared: Floats, theta: Floats) -> Noise:
        """What the residual is made of."""
        inverse = 1.0 / (self.temp + KELVIN) - 1.0 / REFERENCE_K
        resistance = float(np.median(shared[self.grid : self.at_pairs]))
        drop = (self.current * np.exp(theta[1] / GAS_CONSTANT * inverse))[self.rows, self.lane] * resistance
        time = self.time[self.rows, self.lane]
        return split_residual([Residual(time[rows], error[rows], drop[rows]) for rows in self.slices])


def _cell(z: Floats, grid: Floats) -> tuple[Floats, npt.NDArray[np.intp], Floats]:
    inside = np.clip(z, grid[0], grid[-1])
    left = np.clip(np.searchsorted(grid, inside, side="right") - 1, 0, len(grid) - 2)
    width = grid[left + 1] - grid[left]
    return (inside - grid[left]) / width, left, width


def _hats(z: Floats, grid: Floats) -> Floats:
    """Weight of each grid point in a linear interpolation, shape (..., len(grid))."""
    weight, left, _ = _cell(z, grid)
    hats = np.zeros((*z.shape, len(grid)))
    np.put_along_axis(hats, left[..., None], (1.0 - weight)[..., None], axis=-1)
    np.put_along_axis(hats, (left + 1)[..., None], weight[..., None], axis=-1)
    return hats


def _slope(z: Floats, grid: Floats, values: Floats) -> Floats:
    _, left, width = _cell(z, grid)
    return (values[left + 1] - values[left]) / width
