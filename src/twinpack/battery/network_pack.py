"""A pack whose voltage is a small trained network; what lives on it lets a twin calibrate it.

    V = Ns ( f(z, 0, T, 0) + r0_scale (f(z, I, T, J) - f(z, 0, T, 0)) + beyond_scale (OCV(z) - OCV(z'))
             + offset + w + e )
    dJ_i/dt = (I - J_i) / tau_i,   dz/dt = I / (3600 Q)

f is the network, its inputs held to the range of its training data; J_i is the current low-passed with one of a few
time constants. Where the state of charge leaves that range (z' is where it left it) the voltage follows the pack's OCV
table, as surely as `beyond_scale` is known. w is what one trip is off as a whole, e an error that comes and goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.bounded import Bounded, bounded_from_dict
from twinpack.battery.pack_model import INPUTS, PackModel
from twinpack.battery.thevenin import UNTOLD_SOC_SD, Noise
from twinpack.filters.model import Living, Scalar
from twinpack.filters.ops import exp, interp, maximum

Floats = npt.NDArray[np.float64]

ERROR_S = 300.0
"""Over so many seconds the slow error comes and goes."""

CURRENT_ERROR = 1e-3
"""Error of a low-passed current as a share of the one-hour current: without any it would be no random quantity."""

_FIRST_ERROR_V = 1e-5
_GRID = np.linspace(-0.05, 1.05, 111)


@dataclass(frozen=True)
class NetworkCell:
    """The learned prototype; voltages are those of one series group.

    Attributes:
        series: Cell groups in series.
        capacity_ah: Nominal capacity of the pack, Ah; `capacity_scale` multiplies it.
        soc: Grid of the pack's OCV table, shape (N,).
        ocv_v: The table, V, shape (N,).
        network: Of `soc`, `current_a`, `temp_c` and `low1_a`, `low2_a`, ..., in that order; V.
        tau_s: Time constant of each low-passed current, s.
        resistance_ohm: Typical resistance, for the noise that goes with the current.
        beyond_v: How uncertain the voltage is one standard deviation of the training data outside their currents or
            temperatures, V.
        living: The living parameters.
        noise: Noise.
        trip_v: Standard deviation of what a trip's voltage is off as a whole, V.
    """

    series: int
    capacity_ah: float
    soc: tuple[float, ...]
    ocv_v: tuple[float, ...]
    network: Bounded
    tau_s: tuple[float, ...]
    resistance_ohm: float
    beyond_v: float
    living: tuple[Living, ...]
    noise: Noise = field(default_factory=Noise)
    trip_v: float = 0.015

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        plain = {
            name: getattr(self, name) for name in ("series", "capacity_ah", "resistance_ohm", "beyond_v", "trip_v")
        }
        tables = {name: list(getattr(self, name)) for name in ("soc", "ocv_v", "tau_s")}
        living = [asdict(one) for one in self.living]
        return plain | tables | {"network": self.network.to_dict(), "living": living, "noise": asdict(self.noise)}


def network_cell_from_dict(values: Mapping[str, Any]) -> NetworkCell:
    """The prototype that `NetworkCell.to_dict` wrote."""
    own = dict(values)
    own |= {name: tuple(float(one) for one in values[name]) for name in ("soc", "ocv_v", "tau_s")}
    own["network"] = bounded_from_dict(values["network"])
    own["living"] = tuple(Living(**one) for one in values["living"])
    own["noise"] = Noise(**values["noise"])
    return NetworkCell(**own)


def low_name(number: int) -> str:
    """Name of a low-passed current, counted from 0."""
    return f"low{number + 1}_a"


class NetworkPack(PackModel):
    """The model of a `NetworkCell`."""

    def __init__(self, cell: NetworkCell) -> None:
        """Take the prototype."""
        self.cell, self.living = cell, cell.living
        self.series, self.capacity_ah = cell.series, cell.capacity_ah
        self.dynamic = ("soc", *(low_name(i) for i in range(len(cell.tau_s))), "error_v", "trip_v")
        self.inputs = INPUTS
        self._soc, self._ocv = np.array(cell.soc), np.array(cell.ocv_v)

    def transition(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """State of charge and low-passed currents after a step of linear current; the slow error fades."""
        first, last = u["interval_start_a"], u["interval_end_a"]
        lows = []
        for i, tau in enumerate(self.cell.tau_s):
            s = maximum(u["dt_s"] / tau, 1e-9)
            a = exp(-s)
            lows.append(a * x[low_name(i)] + last - a * first - (1.0 - a) / s * (last - first))
        charge = 0.5 * (first + last) * u["dt_s"] / (3600.0 * self.capacity_ah)
        error = exp(-u["dt_s"] / ERROR_S) * x["error_v"]
        return (x["soc"] + charge / x["capacity_scale"], *lows, error, x["trip_v"])

    def measure(self, x: Mapping[str, Scalar], u: Mapping[str, Scalar]) -> Scalar:
        """Pack voltage, V."""
        given = {"soc": x["soc"], "current_a": u["current_a"], "temp_c": u["temp_c"]}
        given |= {low_name(i): x[low_name(i)] for i in range(len(self.cell.tau_s))}
        rest = self._at_rest(x["soc"], u["temp_c"])
        loaded = rest + x["r0_scale"] * (self.cell.network(given) - rest)
        return self.series * (loaded + x["beyond_scale"] * self._beyond(x["soc"]) + x["offset_v"] + self._off(x))

    def process_variance(self, u: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
        """Current error on the charge and on the low-passed currents; the slow error."""
        noise, dt = self.cell.noise, u["dt_s"]
        lows = [
            (CURRENT_ERROR * self.capacity_ah) ** 2 * (1.0 - exp(-2.0 * maximum(dt / tau, 1e-9)))
            for tau in self.cell.tau_s
        ]
        slow = (noise.slow_v**2 + _FIRST_ERROR_V**2) * (1.0 - exp(-2.0 * maximum(dt / ERROR_S, 1e-9)))
        return (noise.soc_per_sqrt_s**2 * dt, *lows, slow, 0.0)

    def measurement_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """Sensor, model error, and what is not known outside the training data, V² of the pack."""
        return self._variance(u, 1.0)

    def learning_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The same, tempered, V² of the pack."""
        return self._variance(u, self.cell.noise.temper)

    def prediction_variance(self, u: Mapping[str, Scalar]) -> Scalar:
        """The measurement's and the slow error's, V² of the pack."""
        return self.measurement_variance(u) + self.series**2 * (self.cell.noise.slow_v**2)

    def start(self, measured: Floats, u: Mapping[str, Floats], told: Floats, told_sd: float) -> tuple[Floats, Floats]:
        """Dynamic states at the start of a session, from what the BMS tells or else from the voltage."""
        cell, known = self.cell, np.isfinite(told)
        group = measured / cell.series - cell.resistance_ohm * np.asarray(u["current_a"])
        soc = np.where(known, told, self._read(group, np.asarray(u["temp_c"], dtype=np.float64)))
        found = np.isfinite(soc)
        sd = np.where(known, told_sd, np.where(found, UNTOLD_SOC_SD, 0.3))
        lows = CURRENT_ERROR * cell.capacity_ah
        others = np.array([*(lows for _ in cell.tau_s), _FIRST_ERROR_V, cell.trip_v])
        zeros = np.zeros((len(others), len(soc)))
        return np.vstack([np.where(found, soc, 0.5)[None], zeros]), np.vstack([sd[None], zeros + others[:, None]])

    def open_circuit(self, soc: Floats, mean: Floats) -> Floats:
        """Voltage of one cell at rest at 25 °C, V."""
        x = dict(zip(self.names, mean, strict=True))
        rest = self._at_rest(np.asarray(soc, dtype=np.float64), 25.0)
        return np.asarray(rest + x["beyond_scale"] * self._beyond(soc) + x["offset_v"])

    def tangent(self) -> NetworkPack:
        """The model itself: its open-circuit voltage is not learned, so that nothing is learned again about it."""
        return self

    def _at_rest(self, soc: Scalar, temp_c: Scalar) -> Scalar:
        nothing = {low_name(i): 0.0 for i in range(len(self.cell.tau_s))}
        return self.cell.network({"soc": soc, "current_a": 0.0, "temp_c": temp_c} | nothing)

    def _beyond(self, soc: Scalar) -> Scalar:
        """How much the pack's table goes on changing where the network has not been."""
        held = self.cell.network.held("soc", soc)
        return interp(soc, self._soc, self._ocv) - interp(held, self._soc, self._ocv)

    @staticmethod
    def _off(x: Mapping[str, Scalar]) -> Scalar:
        return x["trip_v"] + x["error_v"]

    def _variance(self, u: Mapping[str, Scalar], temper: float) -> Scalar:
        cell = self.cell
        drop = cell.noise.resistive * cell.resistance_ohm * u["current_a"]
        outside = cell.beyond_v**2 * cell.network.outside(u, ("current_a", "temp_c"))
        fast = cell.noise.fast_v**2
        return self.series**2 * (temper * cell.noise.sensor_v**2 + fast + drop * drop + outside)

    def _read(self, group_v: Floats, temp_c: Floats) -> Floats:
        """State of charge at which a group at rest has a voltage, shape (B,)."""
        read = np.full(group_v.shape, np.nan)
        for lane, (volts, temp) in enumerate(zip(group_v, temp_c, strict=True)):
            rest = self._at_rest(_GRID, temp) + self._beyond(_GRID)
            if np.isfinite(volts) and np.isfinite(rest).all():
                read[lane] = np.clip(np.interp(volts, np.maximum.accumulate(rest), _GRID), 0.0, 1.0)
        return read
