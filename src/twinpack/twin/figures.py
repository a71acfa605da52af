"""Figures read from a twin version: health, and living parameters as people know them, each with its uncertainty."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from twinpack.twin.versions import REFUSED, TwinVersion

CAPACITY = ("capacity_scale", "capacity_ah")
RESISTANCE = ("r0_scale", "r_scale")
"""Parameters that tell capacity and resistance; the first one that a model has counts."""


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
    """

    name: str
    label: str
    unit: str
    mean: float
    sd: float


@dataclass(frozen=True)
class Health:
    """Capacity health and resistance of one version; None where its model has no such parameter."""

    capacity_pct: float | None = None
    capacity_sd_pct: float | None = None
    resistance_x: float | None = None
    resistance_sd_x: float | None = None


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

    Args:
        version: The version.
        new_capacity_ah: Capacity of the new pack, None when it is not known.
        as_health: Whether capacity is told as % of the new pack's; else in Ah.
    """
    name_it = health_naming if as_health else naming
    shown = []
    for name, mean, sd in zip(version.parameters, version.mean, standard_deviations(version), strict=True):
        known = name_it(name, new_capacity_ah)
        shown.append(Figure(name, known.label, known.unit, known.factor * mean, known.factor * sd))
    return tuple(shown)


def health(version: TwinVersion, new_capacity_ah: float | None) -> Health:
    """Capacity as % of the new pack's, and resistance against new, each with its standard deviation."""
    found = {figure.name: figure for figure in figures(version, new_capacity_ah)}
    capacity = next((found[name] for name in CAPACITY if name in found and found[name].unit == "%"), None)
    resistance = next((found[name] for name in RESISTANCE if name in found), None)
    return Health(
        capacity.mean if capacity else None,
        capacity.sd if capacity else None,
        resistance.mean if resistance else None,
        resistance.sd if resistance else None,
    )


def deployed_version(versions: Sequence[TwinVersion]) -> TwinVersion | None:
    """The version that is deployed: the last one that was not refused."""
    return next((version for version in reversed(versions) if version.kind != REFUSED), None)
