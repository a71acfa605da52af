"""Thevenin equivalent-circuit models of a pack with living parameters.

    V = Ns ( OCV(z) + offset + (1 - c) f I + Vc asinh(c f I / Vc) + sum U_i + w ),   f = r0_scale R0(z) g0(T)
    dU_i/dt = (r_i R_i(z) g_i(T) I - U_i) / tau_i,   dz/dt = I / (3600 Q),   g(T) = exp(Ea/Rg (1/T - 1/T_ref))

Ns series groups, pack current I (positive charges), resistances of one series group in ohm. A share c of the ohmic
part is charge transfer, which saturates as Butler and Volmer say: Vc is twice 2 R T / F, one for each electrode. w is
what one trip's voltage is off as a whole; it starts at zero with each. Current is taken as linear over a step and the
RC pairs are solved exactly for it, at any step length (`battery.ecm.rc_step_ramp`). Where tests in a climate chamber
tell them, OCV, R0 and R_i are tables over temperature as well; what g(T) says is then left out of those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.joining import OHMIC_ERROR, charge_at_start, joined_under_load, pairs_at_start
from twinpack.battery.pack_model import INPUTS, TANGENT_INPUTS, PackModel
from twinpack.filters.model import Living, Scalar
from twinpack.filters.ops import asinh, exp, interp, maximum, minimum

GAS_CONSTANT = 8.314462618
KELVIN = 273.15
REFERENCE_K = 298.15
UNTOLD_SOC_SD = 0.10

TRANSFER_SHARE = 0.5
TRANSFER_V = 0.1
"""Share of the ohmic part that is charge transfer, and the voltage at which it saturates."""

USUAL_SOC = 0.2
"""Above it resistances are what they usually are."""

LEAST_SLOPE_V = 0.2
"""Of the open-circuit voltage over the whole charge: flatter it is not taken for, V."""

LEAST_PAIR_ERROR_V = 1e-6
"""Without any error of its own a pair is soon a mere function of the parameters: the covariance has no factor."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """How wrong the model and its sensors are, of one series group.

    Attributes:
        sensor_v: Standard deviation of the measured voltage, V.
        resistive: Model error as a share of the ohmic drop.
        slow_v: Standard deviation of the model's slow error, V: an Ornstein-Uhlenbeck process on the slowest pair.
        fast_v: The same on each faster pair, V.
        soc_per_sqrt_s: Random walk of the state of charge from current error, 1/sqrt(s).
        temper: Times the sensor's variance when a filter learns: the model's errors within a trip go together, so
            that many samples say less than as many independent ones.
        pair_share: Model error of a pair's drop over that of the ohmic one.
        temper_drop: The same for the resistive error.
        temps_c: Temperatures at which `times` is given, ascending, shape (K,); empty where it is the same at all.
        times: What the temperature makes of the sensor's, the slow and the fast error, shape (K,).
    """

    sensor_v: float = 0.004
    resistive: float = 0.15
    slow_v: float = 0.006
    fast_v: float = 0.002
    soc_per_sqrt_s: float = 2e-6
    temper: float = 25.0
    pair_share: float = 0.4
    temper_drop: float = 1.0
    temps_c: tuple[float, ...] = ()
    times: tuple[float, ...] = ()


@dataclass(frozen=True)
class Start:
    """Standard deviations of the dynamic states when a session begins, of one series group.

    Attributes:
        pairs_v: Of each RC pair, V, the last ones are used: a trip may start soon after another or after a charge.
        trip_v: Of what the trip's voltage is off as a whole, V.
        load_c_rate: Current that drives usually have, as a C-rate: a session that is joined under load is then taken to
            have settled to it, and a charge told is held against the voltage (`battery.joining`); 0 for neither.
    """

    pairs_v: tuple[float, ...] = (0.002, 0.010, 0.020)
    trip_v: float = 0.015
    load_c_rate: float = 0.0


@dataclass(frozen=True)
class Circuit:
    """The learned prototype: everything a twin of this model shares with the fleet.

    Attributes:
        series: Cell groups in series.
        capacity_ah: Nominal capacity of the pack, Ah; `capacity_scale` multiplies it.
        soc: Grid of the open-circuit voltage, shape (N,).
        ocv_v: Open-circuit voltage of one cell on it, V, shape (N,).
        r_soc: Grid of the resistances over the state of charge, shape (M,).
        r0_ohm: Ohmic resistance on it, charge transfer included, ohm, shape (M,).
        pairs_ohm: Resistance of each RC pair on `r_soc`, ohm, shape (pairs, M).
        tau_s: Time constant of each pair, s, ascending.
        ea0_j_mol: Activation energy of R0, J/mol.
        ea1_j_mol: Activation energy of the pairs, J/mol.
        living: The living parameters.
        ocv_knots: States of charge with a living correction of the OCV; empty for one `offset_v`.
        prior_covariance: Prior covariance of the living parameters, (p, p); empty for independent ones.
        noise: Noise.
        start: Start.
        transfer_share: Share of the ohmic part that is charge transfer.
        alpha: Spread of the filter's sigma points.
        temps_c: Lowest and highest temperature at which each of the tables below holds, ascending, shape (K, 2); empty
            without any. Between them tables are interpolated, beyond them those at the ends hold. What `ocv_v`,
            `r0_ohm` and `pairs_ohm` say is then for the reference temperature.
        ocv_at_v: Open-circuit voltage on `soc` for each of them, shape (K, N).
        r0_at_ohm: Ohmic resistance at the reference temperature as seen from each of them, shape (K, M).
        pairs_at_ohm: The same of each pair, shape (pairs, K, M).
    """

    series: int
    capacity_ah: float
    soc: tuple[float, ...]
    ocv_v: tuple[float, ...]
    r_soc: tuple[float, ...]
    r0_ohm: tuple[float, ...]
    pairs_ohm: tuple[tuple[float, ...], ...]
    tau_s: tuple[float, ...]
    ea0_j_mol: float
    ea1_j_mol: float
    living: tuple[Living, ...]
    ocv_knots: tuple[float, ...] = ()
    prior_covariance: tuple[tuple[float, ...], ...] = ()
    noise: Noise = field(default_factory=Noise)
    start: Start = field(default_factory=Start)
    transfer_share: float = TRANSFER_SHARE
    alpha: float = 1.0
    temps_c: tuple[tuple[float, float], ...] = ()
    ocv_at_v: tuple[tuple[float, ...], ...] = ()
    r0_at_ohm: tuple[tuple[float, ...], ...] = ()
    pairs_at_ohm: tuple[tuple[tuple[float, ...], ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def circuit_from_dict(values: Mapping[str, Any]) -> Circuit:
    """The circuit that `Circuit.to_dict` wrote."""
    plain = {name: _tuples(value) for name, value in values.items()}
    plain["living"] = tuple(Living(**one) for one in values["living"])
    plain["noise"] = Noise(**{name: _tuples(value) for name, value in values["noise"].items()})
    plain["start"] = Start(**{name: _tuples(value) for name, value in values["start"].items()})
    return Circuit(**plain)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, (list, tuple)) else value


def knot_name(soc: float) -> str:
    """Name of the living OCV correction at a state of charge."""
    return f"ocv_{round(100 * soc):02d}_v"


class Thevenin(PackModel):
    """The model of a `Circuit`, for one to three RC pairs."""

    def __init__(self, circuit: Circuit, tangent: bool = False) -> None:
        """Take the prototype.

        Args:
            circuit: The prototype.
            tangent: Whether the OCV is replaced by its tangent of slope `ocv_slope` at the state of charge `soc_ref`,
                and what is measured is the mean of `rows` samples; all three are inputs then.
        """
        self.circuit = circuit
        self.series, self.capacity_ah, self.alpha = circuit.series, circuit.capacity_ah, circuit.alpha
        self.prior_covariance, self.ocv_lives = circuit.prior_covariance, bool(circuit.ocv_knots)
        self.living = circuit.living
        self.dynamic = ("soc", *(f"u{i + 1}_v" for i in range(len(circuit.tau_s))), "trip_v")
        self.inputs = INPUTS + (TANGENT_INPUTS if tangent else ())
        self._tangent = tangent
        self._has = {one.name for one in circuit.living}
        self._soc, self._ocv = np.array(circuit.soc), np.array(circuit.ocv_v)
        self._r_soc, self._r0 = np.array(circuit.r_soc), np.array(circuit.r0_ohm)
        self._pairs = np.array(circuit.pairs_ohm)
        self._temps = np.array(circuit.temps_c).ravel()
        self._knots = np.array(circuit.ocv_knots)
        self._knot_names = tuple(knot_name(knot) for knot in circuit.ocv_knots)

    def tangent(self) -> Thevenin:
        """The model about a known state of charge."""
        return Thevenin(self.circuit, tangent=True)

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """State of charge and RC voltages after a step of linear current; the trip's own error stays."""
        z, circuit = x["soc"], self.circuit
        first, last = u["interval_start_a"], u["interval_end_a"]
        pairs = []
        for i, tau in enumerate(circuit.tau_s):
            s = self._steps_of(tau, u)
            a = exp(-s)
            drive = self._warmth(u) * (last - a * first - (1.0 - a) / s * (last - first))
            resistance = self._pair_ohm(i, z, u) * self._pair_scale(i, x, u)
            pairs.append(a * x[f"u{i + 1}_v"] + resistance * drive)
        charge = 0.5 * (first + last) * u["dt_s"] / (3600.0 * circuit.capacity_ah)
        return (z + charge / x["capacity_scale"], *pairs, x["trip_v"])

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """Pack voltage, V."""
        z, share = x["soc"], self.circuit.transfer_share
        ohmic = self._ohmic_ohm(z, u) * x["r0_scale"] * self._warm_current(u)
        if "ea0_scale" in self._has:
            ohmic = ohmic * self._temperature(x["ea0_scale"], u, self.circuit.ea0_j_mol)
        if share:
            ohmic = (1.0 - share) * ohmic + TRANSFER_V * asinh(share / TRANSFER_V * ohmic)
        voltage = self._open_circuit(x, u) + ohmic + x["trip_v"]
        for i in range(len(self._pairs)):
            voltage = voltage + x[f"u{i + 1}_v"]
        return self.circuit.series * voltage

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Current error on the charge; on each pair a share of its own drop, on the slowest two the slow errors."""
        noise, taus = self.circuit.noise, self.circuit.tau_s
        own = dict(zip(range(len(taus) - 1, -1, -1), (noise.slow_v, noise.fast_v), strict=False))
        pairs = []
        for i, tau in enumerate(taus):
            drop, decay = noise.pair_share * noise.resistive * self._pair_drop(i, u), exp(-self._steps_of(tau, u))
            error = maximum(own.get(i, 0.0) * self._noise_times(u), LEAST_PAIR_ERROR_V)
            pairs.append((error * error + drop * drop) * (1.0 - decay * decay))
        return (noise.soc_per_sqrt_s**2 * u["dt_s"], *pairs, 0.0)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Sensor and resistive model error, V² of the pack."""
        return self._variance(u, 1.0, 1.0)

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The same, tempered, V² of the pack; of means over `rows` samples for a tangent."""
        variance = self._variance(u, self.circuit.noise.temper, self.circuit.noise.temper_drop)
        return variance / u["rows"] if self._tangent else variance

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The measurement's and the stationary error of the pairs, V² of the pack."""
        noise, pairs = self.circuit.noise, range(len(self.circuit.tau_s))
        times = self._noise_times(u)
        slow = times * times * (noise.slow_v**2 + (noise.fast_v**2 if len(pairs) > 1 else 0.0))
        for i in pairs:
            slow = slow + (noise.pair_share * noise.resistive * self._pair_drop(i, u)) ** 2
        return self.measurement_variance(u) + self.circuit.series**2 * slow

    def _variance(self, u: Mapping[str, Scalar], temper: float, temper_drop: float) -> Scalar:
        noise = self.circuit.noise
        drop = noise.resistive * self._usual_ohm(-1, u) * self._warm_current(u)
        sensor = noise.sensor_v * self._noise_times(u)
        return self.circuit.series**2 * (temper * sensor * sensor + temper_drop * drop * drop)

    def start(self, measured: Floats, u: Mapping[str, Floats], told: Floats, told_sd: float) -> tuple[Floats, Floats]:
        """Dynamic states at the start of a session, from what the BMS tells or else from the voltage."""
        circuit = self.circuit
        if circuit.start.load_c_rate:
            return self._join(measured, u, told, told_sd)
        drop = _middle(circuit.r0_ohm) * self._warm_current(u)
        rising = np.maximum.accumulate(np.asarray(circuit.ocv_v))
        read = np.interp(measured / circuit.series - drop, rising, np.asarray(circuit.soc))
        known = np.isfinite(told)
        soc = np.where(known, told, np.where(np.isfinite(read), read, 0.5))
        sd = np.where(known, told_sd, np.where(np.isfinite(read), UNTOLD_SOC_SD, 0.3))
        others = np.array([*circuit.start.pairs_v[-len(circuit.tau_s) :], circuit.start.trip_v])
        zeros = np.zeros((len(others), len(soc)))
        return np.vstack([soc[None], zeros]), np.vstack([sd[None], zeros + others[:, None]])

    def _join(self, measured: Floats, u: Mapping[str, Floats], told: Floats, told_sd: float) -> tuple[Floats, Floats]:
        """The start where tests tell how pairs and voltage behave; see `battery.joining`."""
        circuit, taus = self.circuit, np.array(self.circuit.tau_s)
        temp = np.asarray(u["temp_c"], dtype=np.float64)
        ohm = np.array([self._usual_ohm(i, u) + np.zeros(temp.shape) for i in range(len(taus))])
        joined = joined_under_load(u, circuit.capacity_ah)
        rest = np.array(circuit.start.pairs_v[-len(taus) :])
        load_a = circuit.start.load_c_rate * circuit.capacity_ah
        pairs, pairs_sd = pairs_at_start(ohm * self._warmth(u), taus, u, joined, load_a, rest)
        drop = self._usual_ohm(-1, u) * self._warm_current(u)
        ocv = np.asarray(self._ocv_of(self._soc[:, None], {"temp_c": temp})) + np.zeros(temp.shape)
        ocv = np.maximum.accumulate(ocv, axis=0)
        volts = measured / circuit.series - drop - pairs.sum(axis=0)
        read = np.array([np.interp(v, curve, self._soc) for v, curve in zip(volts, ocv.T, strict=True)])
        slope = np.array([_slope_at(z, self._soc, curve) for z, curve in zip(read, ocv.T, strict=True)])
        error_v = np.sqrt(circuit.start.trip_v**2 + (pairs_sd**2).sum(axis=0) + (OHMIC_ERROR * drop) ** 2)
        soc, sd = charge_at_start(told, told_sd, read, error_v / slope, joined)
        trip = np.zeros((1, len(soc)))
        return np.vstack([soc[None], pairs, trip]), np.vstack([sd[None], pairs_sd, trip + circuit.start.trip_v])

    def _usual_ohm(self, pair: int, u: Mapping[str, Scalar]) -> Scalar:
        """Usual resistance of a pair, or of the ohmic part for -1, at the reference temperature; inputs alone tell."""
        circuit = self.circuit
        if not circuit.temps_c:
            return _middle(circuit.r0_ohm if pair < 0 else circuit.pairs_ohm[pair])
        rows = np.array(circuit.r0_at_ohm if pair < 0 else circuit.pairs_at_ohm[pair])
        usual = np.median(rows[:, self._r_soc >= USUAL_SOC], axis=1)
        return interp(self._inside_temps(u), self._temps, np.repeat(usual, 2))

    def _inside_temps(self, u: Mapping[str, Scalar]) -> Scalar:
        return maximum(float(self._temps[0]), minimum(float(self._temps[-1]), u["temp_c"]))

    def _read(
        self, z: Scalar, points: Floats, at: Sequence[Sequence[float]], flat: Floats, u: Mapping[str, Scalar]
    ) -> Scalar:
        """A table at a state of charge and the temperature: between its rows at `temps_c`, or `flat` without any."""
        if not at:
            return interp(z, points, flat)
        inside = self._inside_temps(u)
        shares = [interp(inside, self._temps, row) for row in np.repeat(np.eye(len(at)), 2, axis=1)]
        return sum(share * interp(z, points, np.array(row)) for share, row in zip(shares, at, strict=True))

    def _ocv_of(self, z: Scalar, u: Mapping[str, Scalar]) -> Scalar:
        """The prototype's open-circuit voltage."""
        return self._read(z, self._soc, self.circuit.ocv_at_v, self._ocv, u)

    def _ohmic_ohm(self, z: Scalar, u: Mapping[str, Scalar]) -> Scalar:
        """The prototype's ohmic resistance at the reference temperature."""
        return self._read(_inside(z), self._r_soc, self.circuit.r0_at_ohm, self._r0, u)

    def _pair_ohm(self, pair: int, z: Scalar, u: Mapping[str, Scalar]) -> Scalar:
        """A pair's resistance at the reference temperature."""
        at = self.circuit.pairs_at_ohm
        return self._read(_inside(z), self._r_soc, at[pair] if at else (), self._pairs[pair], u)

    def _noise_times(self, u: Mapping[str, Scalar]) -> Scalar:
        """What the temperature makes of the model's errors."""
        noise = self.circuit.noise
        if not noise.temps_c:
            return 1.0
        inside = maximum(noise.temps_c[0], minimum(noise.temps_c[-1], u["temp_c"]))
        return interp(inside, np.array(noise.temps_c), np.array(noise.times))

    def _warm_current(self, u: Mapping[str, Scalar]) -> Scalar:
        """Current times what the temperature makes of the ohmic resistance."""
        return u["current_a"] * exp(self.circuit.ea0_j_mol / GAS_CONSTANT * _inverse(u))

    def _warmth(self, u: Mapping[str, Scalar]) -> Scalar:
        """What the temperature makes of the pairs' resistances."""
        return exp(self.circuit.ea1_j_mol / GAS_CONSTANT * _inverse(u))

    @staticmethod
    def _steps_of(tau_s: float, u: Mapping[str, Scalar]) -> Scalar:
        """Length of the step in time constants; a step of no length counts as a very short one."""
        return maximum(u["dt_s"] / tau_s, 1e-9)

    def _pair_drop(self, pair: int, u: Mapping[str, Scalar]) -> Scalar:
        """Voltage over a pair once it has settled, at its typical resistance."""
        mean_a = 0.5 * (u["interval_start_a"] + u["interval_end_a"])
        return mean_a * self._warmth(u) * self._usual_ohm(pair, u)

    @staticmethod
    def _temperature(scale: Scalar, u: Mapping[str, Scalar], ea_j_mol: float) -> Scalar:
        """What a living activation energy changes."""
        return exp((scale - 1.0) * (ea_j_mol / GAS_CONSTANT * _inverse(u)))

    def _pair_scale(self, pair: int, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """Living scale of a pair's resistance: of the slowest its own, if it has one."""
        slowest = pair == len(self._pairs) - 1
        scale = x["slow_scale"] if slowest and "slow_scale" in self._has else x["r_scale"]
        name = "ea2_scale" if slowest else "ea1_scale"
        if name not in self._has:
            return scale
        return scale * self._temperature(x[name], u, self.circuit.ea1_j_mol)

    def _open_circuit(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """OCV at the state of charge, or its tangent about `soc_ref`."""
        z = x["soc"]
        if not self._tangent:
            return self._ocv_of(z, u) + self._offset(z, x)
        about = u["soc_ref"]
        return self._ocv_of(about, u) + self._offset(about, x) + u["ocv_slope"] * (z - about)

    def _offset(self, z: Scalar, x: Mapping[str, Scalar]) -> Scalar:
        if not self.circuit.ocv_knots:
            return x["offset_v"]
        return interp(_inside(z), self._knots, [x[name] for name in self._knot_names])

    def open_circuit(self, soc: Floats, mean: Floats) -> Floats:
        """OCV of one cell at some states of charge with given states and parameters, V."""
        x = {name: np.full(soc.shape, value) for name, value in zip(self.names, mean, strict=True)}
        return np.asarray(interp(soc, self._soc, self._ocv) + self._offset(soc, x))


def _inside(soc: Scalar) -> Scalar:
    return maximum(0.0, minimum(1.0, soc))


def _inverse(u: Mapping[str, Scalar]) -> Scalar:
    """Inverse temperature over that of the reference, 1/K."""
    return 1.0 / (u["temp_c"] + KELVIN) - 1.0 / REFERENCE_K


def _slope_at(soc: float, grid: Floats, ocv_v: Floats) -> float:
    """Slope of a curve over a tenth of the charge about a point, V."""
    low, high = max(soc - 0.05, 0.0), min(soc + 0.05, 1.0)
    rise = np.interp(high, grid, ocv_v) - np.interp(low, grid, ocv_v)
    return max(float(rise / max(high - low, 1e-6)), LEAST_SLOPE_V)


def _middle(values: Sequence[float]) -> float:
    return values[len(values) // 2]
