"""Figures read from a twin version: health, and living parameters as people know them, each with its uncertainty."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from twinpack.battery.route import scale_of
from twinpack.filters.model import Living
from twinpack.filters.trends import Trends
from twinpack.twin.versions import REFUSED, TwinVersion

CAPACITY = ("capacity_scale", "capacity_ah")
RESISTANCE = ("r0_scale", "r_scale")
"""Parameters that tell capacity and resistance; the first one that a model has counts."""
RANGE = ("wear",)
"""Parameters that tell how much of the new battery's range is left, where a model has them in place of capacity."""


@dataclass(frozen=True)
class Naming:
    """Label, unit and decimals of one parameter, and what it is multiplied by to be shown."""

    label: str
    unit: str
    decimals: int
    factor: float = 1.0


@dataclass(frozen=True)
class Figure:
    """One figure of a version.

    Attributes:
        name: Its parameter.
        label: Name for people.
        unit: Unit for people, "" where there is none.
        mean: Posterior mean, in that unit.
        sd: Posterior standard deviation.
        decimals: Digits it is drawn with.
    """

    name: str
    label: str
    unit: str
    mean: float
    sd: float
    decimals: int = 3


@dataclass(frozen=True)
class Health:
    """Capacity health, resistance and range of one version; None where its model has no such parameter."""

    capacity_pct: float | None = None
    capacity_sd_pct: float | None = None
    resistance_x: float | None = None
    resistance_sd_x: float | None = None
    range_pct: float | None = None
    range_sd_pct: float | None = None

    @property
    def shown_pct(self) -> float | None:
        """What stands for the battery's health: capacity, or else the scale of its range, % of new."""
        return self.range_pct if self.capacity_pct is None else self.capacity_pct

    @property
    def shown_sd_pct(self) -> float | None:
        """Its standard deviation."""
        return self.range_sd_pct if self.capacity_pct is None else self.capacity_sd_pct


_NAMES = {
    "capacity_ah": Naming("Capacity", "Ah", 1),
    "r0_scale": Naming("Resistance R₀", "× new", 2),
    "r1_scale": Naming("Resistance R₁", "× new", 2),
    "r2_scale": Naming("Resistance R₂", "× new", 2),
    "r3_scale": Naming("Resistance R₃", "× new", 2),
    "r_scale": Naming("Polarisation", "× new", 2),
    "slow_scale": Naming("Slow polarisation", "× new", 2),
    "ea0_scale": Naming("Cold effect on R₀", "× prototype", 2),
    "ea1_scale": Naming("Cold effect on polarisation", "× prototype", 2),
    "ea2_scale": Naming("Cold effect on slow polarisation", "× prototype", 2),
    "offset_v": Naming("Voltage offset", "V", 2),
}
_UNITS = {"ah": "Ah", "ohm": "Ω", "mohm": "mΩ", "mv": "mV", "v": "V", "s": "s", "pct": "%", "scale": "× new"}
_OCV = re.compile(r"ocv_(\d+)_v")


def naming(name: str, new_capacity_ah: float | None) -> Naming:
    """How a parameter is shown; one that is not known here keeps its own name and the unit in it."""
    if name == "capacity_scale" and new_capacity_ah:
        return Naming("Capacity", "Ah", 1, new_capacity_ah)
    if name in _NAMES:
        return _NAMES[name]
    if level := _OCV.fullmatch(name):
        return Naming(f"Open-circuit voltage at {int(level[1])} %", "V", 3)
    words, _, unit = name.rpartition("_")
    known = unit in _UNITS and bool(words)
    label = (words if known else name).replace("_", " ")
    return Naming(label[:1].upper() + label[1:], _UNITS[unit] if known else "", 3)


def health_naming(name: str, new_capacity_ah: float | None) -> Naming:
    """As `naming`, but capacity as % of the new pack's where that can be told."""
    if name == "capacity_scale":
        return Naming("Capacity health", "%", 1, 100.0)
    if name == "capacity_ah" and new_capacity_ah:
        return Naming("Capacity health", "%", 1, 100.0 / new_capacity_ah)
    return naming(name, new_capacity_ah)


def is_ocv(name: str) -> bool:
    """Whether a parameter is one point of the open-circuit voltage."""
    return _OCV.fullmatch(name) is not None


def short_name(name: str) -> str:
    """A parameter within a sentence: small initial, no unit."""
    return in_sentence(naming(name, 1.0).label)


def in_sentence(label: str) -> str:
    """A label with a small initial."""
    return label[:1].lower() + label[1:]


def standard_deviations(version: TwinVersion) -> tuple[float, ...]:
    """Square roots of the diagonal of the packed lower triangle."""
    diagonal = [version.covariance[k * (k + 3) // 2] for k in range(len(version.mean))]
    return tuple(math.sqrt(max(value, 0.0)) for value in diagonal)


def figures(version: TwinVersion, new_capacity_ah: float | None, as_health: bool = True) -> tuple[Figure, ...]:
    """Every living parameter of a version as people know it, in the order of the model.

    A parameter that is the rate of another is told as the change of that one's figure per unit of the wear clock.

    Args:
        version: The version.
        new_capacity_ah: Capacity of the new pack, None when it is not known.
        as_health: Whether capacity is told as % of the new pack's; else in Ah.
    """
    name_it = health_naming if as_health else naming
    of, per = _rates(version), _PER.get(str(version.evidence.get("clock")), "")
    shown = []
    for at, sd in enumerate(standard_deviations(version)):
        level, depth = at, 0
        while of[level] >= 0:
            level, depth = of[level], depth + 1
        known = name_it(version.parameters[level], new_capacity_ah)
        value, slope = known.factor * version.mean[at], known.factor
        if version.parameters[level] in RANGE and "bend" in version.evidence:
            known, slope = _RANGE_SCALE, _range_slope(version, level)
            value = slope * version.mean[at] if depth else _range_pct(version, level)
        label, unit, decimals = known.label, known.unit, known.decimals
        if depth:
            label = f"{label}, {'change' if depth == 1 else 'change of its change'}"
            unit, decimals = f"{unit} {per}{'²' if depth > 1 else ''}".strip(), decimals + 2
        shown.append(Figure(version.parameters[at], label, unit, value, abs(slope) * sd, decimals))
    return tuple(shown)


_PER = {"days": "a day", "sessions": "a trip", "throughput": "a charge"}
"""How a unit of the wear clock is called."""

_RANGE_SCALE = Naming("Range scale", "%", 1)


def _range_pct(version: TwinVersion, at: int) -> float:
    return 100.0 * float(scale_of(np.float64(version.mean[at]), float(version.evidence["bend"])))


def _range_slope(version: TwinVersion, at: int) -> float:
    """Change of the range scale, %, with its parameter."""
    return -100.0 * math.exp(min(float(version.evidence["bend"]) * version.mean[at], 50.0))


def _rates(version: TwinVersion) -> Sequence[int]:
    """Index of the parameter whose rate each one is, -1 for a parameter of its own."""
    told = version.evidence.get("rate_of")
    size = len(version.parameters)
    return told if isinstance(told, Sequence) and len(told) == size else [-1] * size


def onward(version: TwinVersion, passed: float) -> TwinVersion:
    """A version as it stands once the wear clock has gone on since: to be read, its hash is that of the version.

    Args:
        version: The version.
        passed: What passed since, in units of its clock; nothing changes where no parameter is a rate.
    """
    of, drifts = _rates(version), version.evidence.get("drift")
    if max(of) < 0 or not passed > 0.0 or not isinstance(drifts, Sequence):
        return version
    names = version.parameters
    living = [
        Living(name, 0.0, 1.0, drift, rate_of=names[index] if index >= 0 else "")
        for name, drift, index in zip(names, drifts, of, strict=True)
    ]
    mean = np.array(version.mean)[:, None]
    lower = np.tril_indices(len(names))
    cov = np.zeros((len(names), len(names), 1))
    cov[lower[0], lower[1], 0] = cov[lower[1], lower[0], 0] = version.covariance
    mean, cov = Trends(living).advance(mean, cov, np.array([passed]))
    return replace(version, mean=tuple(mean[:, 0].tolist()), covariance=tuple(cov[:, :, 0][lower].tolist()))


def health(version: TwinVersion, new_capacity_ah: float | None) -> Health:
    """Capacity and range as % of the new pack's, and resistance against new, each with its standard deviation."""
    found = {figure.name: figure for figure in figures(version, new_capacity_ah)}

    def told(names: Sequence[str], unit: str = "") -> Iterator[float | None]:
        figure = next((found[name] for name in names if name in found and unit in ("", found[name].unit)), None)
        yield from (figure.mean, figure.sd) if figure else (None, None)

    return Health(*told(CAPACITY, "%"), *told(RESISTANCE), *told(RANGE, "%"))


def deployed_version(versions: Sequence[TwinVersion]) -> TwinVersion | None:
    """The version that is deployed: the last one that was not refused."""
    return next((version for version in reversed(versions) if version.kind != REFUSED), None)
