"""Fit a Thevenin prototype to a fleet's first trips: multi-step simulation error, by variable projection.

With time constants, activation energies, exchange current and capacity fixed, an open-loop simulation is linear in
everything else: the open-circuit voltage on its grid, the resistances on theirs, and (linearised) an error of the
state of charge told at each trip's start. So the outer search has few unknowns (Golub and Pereyra 1973) and the inner
one is a bounded least squares with priors, which also gives the covariance that says where the OCV is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares, lsq_linear, nnls

from twinpack.battery.thevenin import GAS_CONSTANT, KELVIN, REFERENCE_K, Noise
from twinpack.errors import LearningError

Floats = npt.NDArray[np.float64]

SLOW_S, FAST_S = 90.0, 10.0
"""Residuals that agree over so many seconds are slow, or at least not white."""

FEW_TRIPS = 10.0
"""Trips at which the noise of a fit is taken to be twice its residual."""


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
    """

    vehicle_id: str
    time_s: Floats
    voltage_v: Floats
    current_a: Floats
    temp_c: Floats
    soc: float


@dataclass(frozen=True)
class FitSettings:
    """Priors of the fit; voltages of one series group.

    Attributes:
        pairs: RC pairs.
        soc_grid: Grid of the OCV.
        r_grid: Grid of the resistances.
        tau_s: Prior time constants, the last `pairs` of them are used.
        tau_sd: Standard deviation of their logarithm.
        ea_j_mol: Prior activation energy of R0 and charge transfer, and of the pairs.
        ea_sd: Standard deviation of both.
        exchange_a: Prior exchange current as a share of the capacity in amperes.
        exchange_sd: Standard deviation of its logarithm.
        capacity_sd: Relative standard deviation of the capacity; 0 keeps the nominal one.
        soc_sd: Standard deviation of the state of charge told at a start.
        start_v: Standard deviation of the voltage left on the slowest pair when a trip starts, V.
        ocv_sd: How far the OCV may lie from the pack's table, V.
        ocv_step_sd: How much that distance may change over one step of the grid, V.
        error_v: Error of the model, V; with `independent` it weighs the data against the priors.
        independent: Steps over which errors are correlated.
        rows: Rows used at most.
    """

    pairs: int = 2
    soc_grid: tuple[float, ...] = tuple(round(0.05 * i, 2) for i in range(21))
    r_grid: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5, 1.0)
    tau_s: tuple[float, ...] = (5.0, 45.0, 600.0)
    tau_sd: float = 0.3
    ea_j_mol: tuple[float, float] = (20e3, 20e3)
    ea_sd: float = 6e3
    exchange_a: float = 2.5
    exchange_sd: float = 0.5
    capacity_sd: float = 0.05
    soc_sd: float = 0.02
    start_v: float = 0.02
    ocv_sd: float = 0.08
    ocv_step_sd: float = 0.01
    error_v: float = 0.003
    independent: float = 20.0
    rows: int = 24_000


@dataclass(frozen=True)
class Fit:
    """A fitted prototype; of one series group.

    Attributes:
        capacity_ah: Capacity of the pack.
        ocv_v: On the OCV grid.
        ocv_covariance: Its covariance.
        r0_ohm: On the resistance grid.
        rct_ohm: Charge transfer.
        exchange_a: Exchange current of the pack.
        pairs_ohm: Each pair's on the resistance grid, shape (pairs, M).
        tau_s: Time constants, ascending.
        ea_j_mol: Activation energies.
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
    rct_ohm: float
    exchange_a: float
    pairs_ohm: Floats
    tau_s: Floats
    ea_j_mol: tuple[float, float]
    soc_error: Floats
    start_v: float
    rmse_v: float
    noise: Noise
    settings: FitSettings = field(repr=False)


def fit_prototype(trips: Sequence[TrainingTrip], capacity_ah: float, ocv_v: Floats, settings: FitSettings) -> Fit:
    """Fit a prototype.

    Args:
        trips: What to learn from.
        capacity_ah: Nominal capacity of the pack.
        ocv_v: The pack's OCV table on `settings.soc_grid`: the prior.
        settings: Priors.

    Raises:
        LearningError: There is too little data, or the fit is not finite.
    """
    usable = [trip for trip in trips if np.isfinite(trip.voltage_v).sum() >= 30]
    if not usable:
        raise LearningError("no trip with 30 measured steps to learn from: import more data or raise --trips")
    problem = _Problem(usable, capacity_ah, ocv_v, settings)
    theta = problem.prior
    delta = np.zeros(len(usable))
    ocv = ocv_v
    for _ in range(3):
        found = least_squares(problem.residual, theta, x_scale=problem.spread, args=(ocv, delta), max_nfev=5)
        theta = found.x
        x, _ = problem.solve(theta, ocv, delta)
        delta = delta + x[problem.at_delta :]
        ocv = x[: problem.grid]
    return problem.result(theta, ocv, delta)


class _Problem:
    """The trips as lanes, (T, B), and the linear problem they pose."""

    def __init__(self, trips: Sequence[TrainingTrip], capacity_ah: float, ocv_v: Floats, settings: FitSettings) -> None:
        self.settings = settings
        self.trips = trips
        self.capacity_ah = capacity_ah
        self.ocv_prior = ocv_v
        self.soc_grid, self.r_grid = np.array(settings.soc_grid), np.array(settings.r_grid)
        self.grid, self.rs = len(self.soc_grid), len(self.r_grid)
        self.pairs = settings.pairs
        self.at_rct = self.grid + self.rs
        self.at_pairs = self.at_rct + 1
        self.at_start = self.at_pairs + self.pairs * self.rs
        self.at_delta = self.at_start + len(trips)
        self.columns = self.at_delta + len(trips)
        self._lanes()
        taus = np.log(settings.tau_s[-self.pairs :])
        self.prior = np.concatenate([[0.0, *settings.ea_j_mol, np.log(settings.exchange_a * capacity_ah)], taus])
        kept = [max(settings.capacity_sd, 1e-9), settings.ea_sd, settings.ea_sd, settings.exchange_sd]
        self.spread = np.array(kept + [settings.tau_sd] * self.pairs)
        self.regular, self.target = self._priors()

    def _lanes(self) -> None:
        longest = max(len(trip.time_s) for trip in self.trips)

        def lanes(name: str) -> Floats:
            rows = np.arange(longest)[:, None]
            return np.stack(
                [getattr(trip, name)[np.minimum(rows[:, 0], len(trip.time_s) - 1)] for trip in self.trips], axis=1
            )

        self.time, self.voltage = lanes("time_s"), lanes("voltage_v")
        self.current, self.temp = lanes("current_a"), lanes("temp_c")
        self.dt = np.diff(self.time, axis=0, prepend=self.time[:1])
        self.start = np.array([trip.soc for trip in self.trips])
        length = np.array([len(trip.time_s) for trip in self.trips])
        use = (np.arange(longest)[:, None] < length) & np.isfinite(self.voltage)
        rows, lane = np.nonzero(use)
        every = max(1, len(rows) // self.settings.rows)
        self.rows, self.lane = rows[::every], lane[::every]
        before = np.vstack([self.current[:1], self.current[:-1]])
        self.before = before
        self.charge = np.cumsum(0.5 * (before + self.current) * self.dt, axis=0) / 3600.0
        steps = max(self.settings.independent / every, 1.0)
        self.weight = 1.0 / (self.settings.error_v * np.sqrt(steps))

    def _priors(self) -> tuple[Floats, Floats]:
        """Rows that hold the linear unknowns to their priors."""
        rows: list[Floats] = []
        targets: list[float] = []

        def hold(columns: Sequence[int], factors: Sequence[float], target: float, sd: float) -> None:
            row = np.zeros(self.columns)
            row[list(columns)] = factors
            rows.append(row / sd)
            targets.append(target / sd)

        prior, settings = self.ocv_prior, self.settings
        typical = 0.05 / self.capacity_ah
        for j in range(self.grid):
            hold([j], [1.0], float(prior[j]), settings.ocv_sd)
        for j in range(self.grid - 1):
            hold([j, j + 1], [-1.0, 1.0], float(prior[j + 1] - prior[j]), settings.ocv_step_sd)
        for block in range(1 + self.pairs):
            first = self.grid if block == 0 else self.at_pairs + (block - 1) * self.rs
            for j in range(self.rs):
                hold([first + j], [1.0], 0.0, 4.0 * typical)
            for j in range(self.rs - 1):
                hold([first + j, first + j + 1], [-1.0, 1.0], 0.0, 0.25 * typical)
        hold([self.at_rct], [1.0], 0.0, 4.0 * typical)
        for lane in range(len(self.trips)):
            hold([self.at_start + lane], [1.0], 0.0, settings.start_v)
        for lane in range(len(self.trips)):
            hold([self.at_delta + lane], [1.0], 0.0, settings.soc_sd)
        return np.array(rows), np.array(targets)

    def design(self, theta: Floats, ocv: Floats, delta: Floats) -> Floats:
        """Matrix of the linear unknowns, one row a used step."""
        capacity = self.capacity_ah * float(np.exp(theta[0]))
        z = self.start + delta + self.charge / capacity
        inverse = 1.0 / (self.temp + KELVIN) - 1.0 / REFERENCE_K
        ohmic, warm = np.exp(theta[1] / GAS_CONSTANT * inverse), np.exp(theta[2] / GAS_CONSTANT * inverse)
        exchange = float(np.exp(theta[3]))
        pick = (self.rows, self.lane)
        at = z[pick]
        hats = _hats(at, self.soc_grid)
        spread = _hats(z, self.r_grid)
        parts = [
            hats,
            spread[pick] * (self.current * ohmic)[pick][:, None],
            (exchange * np.arcsinh(self.current / exchange) * ohmic)[pick][:, None],
        ]
        for tau in np.exp(theta[4:]):
            parts.append(self._pair(spread, warm, float(tau))[pick])
        # What is left at the start of the trip before, or of a charge: it dies away with the slowest pair.
        left = np.zeros((len(at), len(self.trips)))
        left[np.arange(len(at)), self.lane] = np.exp(-self.time[pick] / float(np.exp(theta[4:].max())))
        slopes = np.zeros((len(at), len(self.trips)))
        slopes[np.arange(len(at)), self.lane] = _slope(at, self.soc_grid, ocv)
        return np.hstack([*parts, left, slopes])

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

    def solve(self, theta: Floats, ocv: Floats, delta: Floats) -> tuple[Floats, Floats]:
        """Linear unknowns and the residuals of data and priors."""
        matrix = self.design(theta, ocv, delta)
        measured = self.voltage[self.rows, self.lane]
        # Slopes stand for a change of the start beyond `delta`; the prior is on the whole.
        target = self.target.copy()
        target[-len(self.trips) :] = -delta / self.settings.soc_sd
        full = np.vstack([matrix * self.weight, self.regular])
        right = np.concatenate([measured * self.weight, target])
        normal = full.T @ full
        factor = np.linalg.cholesky(normal + 1e-12 * np.trace(normal) / len(normal) * np.eye(len(normal)))
        low = np.full(self.columns, -np.inf)
        low[self.grid : self.at_start] = 0.0
        x = self._bounded(factor, full.T @ right, low)
        return x, full @ x - right

    @staticmethod
    def _bounded(factor: Floats, right: Floats, low: Floats) -> Floats:
        return np.asarray(lsq_linear(factor.T, np.linalg.solve(factor, right), bounds=(low, np.inf)).x)

    def residual(self, theta: Floats, ocv: Floats, delta: Floats) -> Floats:
        """Residuals of the outer search."""
        _, residual = self.solve(theta, ocv, delta)
        return np.concatenate([residual, (theta - self.prior) / self.spread])

    def result(self, theta: Floats, ocv: Floats, delta: Floats) -> Fit:
        x, _ = self.solve(theta, ocv, delta)
        matrix = self.design(theta, ocv, delta)
        error = matrix @ x - self.voltage[self.rows, self.lane]
        full = np.vstack([matrix * self.weight, self.regular])
        covariance = np.linalg.inv(full.T @ full)[: self.grid, : self.grid]
        order = np.argsort(theta[4:])
        rmse = float(np.sqrt(np.mean(error**2)))
        if not np.isfinite(rmse) or not np.isfinite(covariance).all():
            raise LearningError("the fit is not finite: look at the trips it was given for impossible values")
        return Fit(
            capacity_ah=self.capacity_ah * float(np.exp(theta[0])),
            ocv_v=x[: self.grid],
            ocv_covariance=covariance,
            r0_ohm=x[self.grid : self.at_rct],
            rct_ohm=float(x[self.at_rct]),
            exchange_a=float(np.exp(theta[3])),
            pairs_ohm=x[self.at_pairs : self.at_start].reshape(self.pairs, self.rs)[order],
            tau_s=np.exp(theta[4:])[order],
            ea_j_mol=(float(theta[1]), float(theta[2])),
            soc_error=delta + x[self.at_delta :],
            start_v=float(np.sqrt(np.mean(x[self.at_start : self.at_delta] ** 2))),
            rmse_v=rmse,
            noise=self._noise(error, x, theta),
            settings=self.settings,
        )

    def _noise(self, error: Floats, x: Floats, theta: Floats) -> Noise:
        """Split the residual: what lasts minutes, what lasts seconds, and of the rest what goes with the current."""
        total = float(np.mean(error**2))
        slow = min(self._covariance(error, SLOW_S), 0.9 * total)
        fast = min(max(self._covariance(error, FAST_S) - slow, 0.0), 0.9 * total - slow)
        inverse = 1.0 / (self.temp + KELVIN) - 1.0 / REFERENCE_K
        resistance = float(np.median(x[self.grid : self.at_rct]) + x[self.at_rct])
        drop = (self.current * np.exp(theta[1] / GAS_CONSTANT * inverse))[self.rows, self.lane] * resistance
        design = np.stack([np.ones_like(drop), drop**2], axis=1)
        parts: Floats = np.asarray(nnls(design, np.maximum(error**2 - slow - fast, 0.0))[0])
        # A few trips show little of what the model gets wrong.
        grown = 1.0 + FEW_TRIPS / len(self.trips)
        return Noise(
            sensor_v=grown * float(np.sqrt(max(parts[0], (0.2 * self.settings.error_v) ** 2))),
            resistive=grown * float(np.sqrt(parts[1])),
            slow_v=grown * float(np.sqrt(slow)),
            fast_v=grown * float(np.sqrt(fast)),
        )

    def _covariance(self, error: Floats, lag_s: float) -> float:
        """Covariance of the residual with itself some seconds later in the same trip."""
        table: Floats = np.full(self.time.shape, np.nan)
        table[self.rows, self.lane] = error
        products = []
        for lane in range(len(self.trips)):
            known = np.flatnonzero(np.isfinite(table[:, lane]))
            time, values = self.time[known, lane], table[known, lane]
            later = np.searchsorted(time, time + lag_s)
            pairs = later < len(time)
            products.append(values[pairs] * values[later[pairs]])
        joined = np.concatenate(products)
        return max(float(joined.mean()), 0.0) if len(joined) else 0.0


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
