"""Thevenin equivalent-circuit models of a pack with living parameters.

    V = Ns ( OCV(z) + offset + r (R0(z) f0(T) I + Rct f0(T) I0 asinh(I / I0)) + sum U_i )
    dU_i/dt = (r_i R_i(z) f1(T) I - U_i) / tau_i,   dz/dt = I / (3600 Q),   f(T) = exp(Ea/Rg (1/T - 1/T_ref))

Ns series groups, pack current I (positive charges), resistances of one series group in ohm. Current is taken as linear
over a step and the RC pairs are solved exactly for it, at any step length (`battery.ecm.rc_step_ramp`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters.model import Living, Model, Scalar
from twinpack.filters.ops import asinh, exp, interp, maximum, minimum

GAS_CONSTANT = 8.314462618
KELVIN = 273.15
REFERENCE_K = 298.15
UNTOLD_SOC_SD = 0.10
LEAST_PAIR_ERROR_V = 1e-6

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
        temper: Times the measurement variance when a filter learns: the model's errors within a trip go together,
            so that many samples say less than as many independent ones.
    """

    sensor_v: float = 0.004
    resistive: float = 0.15
    slow_v: float = 0.006
    fast_v: float = 0.002
    soc_per_sqrt_s: float = 2e-6
    temper: float = 4.0


@dataclass(frozen=True)
class Start:
    """Standard deviations of the dynamic states when a session begins, of one series group.

    Attributes:
        pairs_v: Of each RC pair, V: a trip may start soon after another or after a charge.
        known_soc: Added to a state of charge carried over a short pause.
    """

    pairs_v: tuple[float, ...] = (0.002, 0.010, 0.020)
    known_soc: float = 0.002


@dataclass(frozen=True)
class Circuit:
    """The learned prototype: everything a twin of this model shares with the fleet.

    Attributes:
        series: Cell groups in series.
        capacity_ah: Nominal capacity of the pack, Ah; `capacity_scale` multiplies it.
        soc: Grid of the open-circuit voltage, shape (N,).
        ocv_v: Open-circuit voltage of one cell on it, V, shape (N,).
        r_soc: Grid of the resistances over the state of charge, shape (M,).
        r0_ohm: Ohmic resistance on it, ohm, shape (M,).
        rct_ohm: Charge-transfer resistance, ohm.
        exchange_a: Current at which charge transfer begins to saturate, A.
        pairs_ohm: Resistance of each RC pair on `r_soc`, ohm, shape (pairs, M).
        tau_s: Time constant of each pair, s, ascending.
        ea0_j_mol: Activation energy of R0 and Rct, J/mol.
        ea1_j_mol: Activation energy of the pairs, J/mol.
        living: The living parameters.
        ocv_knots: States of charge with a living correction of the OCV; empty for one `offset_v`.
        prior_covariance: Prior covariance of the living parameters, (p, p); empty for independent ones.
        noise: Noise.
        start: Start.
    """

    series: int
    capacity_ah: float
    soc: tuple[float, ...]
    ocv_v: tuple[float, ...]
    r_soc: tuple[float, ...]
    r0_ohm: tuple[float, ...]
    rct_ohm: float
    exchange_a: float
    pairs_ohm: tuple[tuple[float, ...], ...]
    tau_s: tuple[float, ...]
    ea0_j_mol: float
    ea1_j_mol: float
    living: tuple[Living, ...]
    ocv_knots: tuple[float, ...] = ()
    prior_covariance: tuple[tuple[float, ...], ...] = ()
    noise: Noise = field(default_factory=Noise)
    start: Start = field(default_factory=Start)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def circuit_from_dict(values: Mapping[str, Any]) -> Circuit:
    """The circuit that `Circuit.to_dict` wrote."""
    plain = {name: _tuples(value) for name, value in values.items()}
    plain["living"] = tuple(Living(**one) for one in values["living"])
    plain["noise"] = Noise(**values["noise"])
    plain["start"] = Start(**{name: _tuples(value) for name, value in values["start"].items()})
    return Circuit(**plain)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, (list, tuple)) else value


def knot_name(soc: float) -> str:
    """Name of the living OCV correction at a state of charge."""
    return f"ocv_{round(100 * soc):02d}_v"


class Thevenin(Model):
    """The model of a `Circuit`, for one to three RC pairs."""

    inputs = ("current_a", "interval_start_a", "interval_end_a", "dt_s", "temp_c")

    def __init__(self, circuit: Circuit) -> None:
        """Take the prototype."""
        self.circuit = circuit
        self.living = circuit.living
        self.dynamic = ("soc", *(f"u{i + 1}_v" for i in range(len(circuit.tau_s))))
        self._has = {one.name for one in circuit.living}
        self._soc, self._ocv = np.array(circuit.soc), np.array(circuit.ocv_v)
        self._r_soc, self._r0 = np.array(circuit.r_soc), np.array(circuit.r0_ohm)
        self._pairs = np.array(circuit.pairs_ohm)
        self._knots = np.array(circuit.ocv_knots)
        self._knot_names = tuple(knot_name(knot) for knot in circuit.ocv_knots)

    def prepare(self, u: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Charge passed, decay and drive of each pair, and the ohmic current, from the inputs alone."""
        circuit, dt, current = self.circuit, u["dt_s"], u["current_a"]
        first, last = u["interval_start_a"], u["interval_end_a"]
        known = dict(u)
        known["charge"] = 0.5 * (first + last) * dt / (3600.0 * circuit.capacity_ah)
        known["inverse"] = 1.0 / (u["temp_c"] + KELVIN) - 1.0 / REFERENCE_K
        warm0, warm1 = (exp(ea / GAS_CONSTANT * known["inverse"]) for ea in (circuit.ea0_j_mol, circuit.ea1_j_mol))
        known["warm_current"] = warm0 * current
        known["transfer"] = warm0 * (circuit.rct_ohm * circuit.exchange_a * asinh(current / circuit.exchange_a))
        for i, tau in enumerate(circuit.tau_s):
            s = maximum(dt / tau, 1e-9)
            a = exp(-s)
            known[f"decay{i}"] = a
            known[f"drive{i}"] = warm1 * (last - a * first - (1.0 - a) / s * (last - first))
        known["drop"] = current * self._typical_resistance(u)
        return known

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """State of charge and RC voltages after a step of linear current."""
        z = x["soc"]
        inside, warmth = _inside(z), self._temperature(x, u, self.circuit.ea1_j_mol)
        resistances = interp(inside, self._r_soc, self._pairs)
        pairs = []
        for i, resistance in enumerate(resistances):
            source = resistance * self._scale(x, i + 1) * (warmth * u[f"drive{i}"])
            pairs.append(u[f"decay{i}"] * x[f"u{i + 1}_v"] + source)
        return (z + u["charge"] / x["capacity_scale"], *pairs)

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """Pack voltage, V."""
        z = x["soc"]
        ohmic = interp(_inside(z), self._r_soc, self._r0) * u["warm_current"] + u["transfer"]
        drop = x["r0_scale"] * (self._temperature(x, u, self.circuit.ea0_j_mol) * ohmic)
        voltage = interp(z, self._soc, self._ocv) + self._offset(x) + drop
        for i in range(len(self._pairs)):
            voltage = voltage + x[f"u{i + 1}_v"]
        return self.circuit.series * voltage

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Current error on the charge, model error on every pair.

        A pair without any would soon be a mere function of the parameters, and the covariance without a factor.
        """
        noise, dt, taus = self.circuit.noise, u["dt_s"], self.circuit.tau_s
        sds = [max(one, LEAST_PAIR_ERROR_V) for one in [noise.fast_v] * (len(taus) - 1) + [noise.slow_v]]
        pairs = [sd**2 * (1.0 - exp(-2.0 * dt / tau)) for sd, tau in zip(sds, taus, strict=True)]
        return (noise.soc_per_sqrt_s**2 * dt, *pairs)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Sensor and resistive model error, tempered, V² of the pack."""
        return self.circuit.noise.temper * self._white_variance(u)

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Sensor, resistive and the stationary slow model error, V² of the pack."""
        noise = self.circuit.noise
        slow = noise.slow_v**2 + (noise.fast_v**2 if len(self.circuit.tau_s) > 1 else 0.0)
        return self._white_variance(u) + self.circuit.series**2 * slow

    def _white_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        noise = self.circuit.noise
        drop = noise.resistive * u["drop"]
        return self.circuit.series**2 * (noise.sensor_v**2 + drop * drop)

    def start(self, measured: Floats, u: Mapping[str, Floats], told: Floats, told_sd: float) -> tuple[Floats, Floats]:
        """Dynamic states at the start of a session, from what the BMS tells or else from the voltage."""
        circuit = self.circuit
        drop = u["current_a"] * self._typical_resistance(u)
        rising = np.maximum.accumulate(np.asarray(circuit.ocv_v))
        read = np.interp(measured / circuit.series - drop, rising, np.asarray(circuit.soc))
        known = np.isfinite(told)
        soc = np.where(known, told, np.where(np.isfinite(read), read, 0.5))
        sd = np.where(known, told_sd, np.where(np.isfinite(read), UNTOLD_SOC_SD, 0.3))
        pairs = np.zeros((len(circuit.tau_s), len(soc)))
        pairs_sd = np.repeat(np.asarray(circuit.start.pairs_v[-len(circuit.tau_s) :])[:, None], len(soc), axis=1)
        return np.vstack([soc[None], pairs]), np.vstack([sd[None], pairs_sd])

    def _typical_resistance(self, u: Mapping[str, Scalar]) -> Scalar:
        middle = self.circuit.r0_ohm[len(self.circuit.r0_ohm) // 2] + self.circuit.rct_ohm
        return middle * _arrhenius(self.circuit.ea0_j_mol, u["temp_c"])

    def _temperature(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar], ea_j_mol: float) -> Scalar:
        """What a living activation energy changes; 1 when it does not live."""
        if "ea_scale" not in self._has:
            return 1.0
        return exp((x["ea_scale"] - 1.0) * (ea_j_mol / GAS_CONSTANT * u["inverse"]))

    def _scale(self, x: Mapping[str, Scalar], pair: int) -> Scalar:
        own = f"r{pair}_scale"
        return x[own] if own in self._has else x["r_scale"]

    def _offset(self, x: Mapping[str, Scalar]) -> Scalar:
        if not self.circuit.ocv_knots:
            return x["offset_v"]
        return interp(
            _inside(x["soc"]), self.circuit.ocv_knots, [x[knot_name(knot)] for knot in self.circuit.ocv_knots]
        )


def _inside(soc: Scalar) -> Scalar:
    return maximum(0.0, minimum(1.0, soc))


def _arrhenius(ea_j_mol: float, temp_c: Scalar) -> Scalar:
    return exp(ea_j_mol / GAS_CONSTANT * (1.0 / (temp_c + KELVIN) - 1.0 / REFERENCE_K))
