"""What the living parameters of shipped models are called on the page, and the health read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twinpack.report.data import ParameterSeries
from twinpack.twin.versions import PROTOTYPE, REFUSED, TwinVersion


@dataclass(frozen=True)
class Naming:
    """Label, unit and decimals of one parameter, and what it is multiplied by to be shown."""

    label: str
    unit: str
    decimals: int
    factor: float = 1.0


@dataclass(frozen=True)
class Health:
    """Capacity health and resistance of one version; None where its model has no such parameter."""

    capacity_pct: float | None
    capacity_sd_pct: float | None
    resistance_x: float | None


_NAMES = {
    "capacity_ah": Naming("Capacity", "Ah", 1),
    "r0_scale": Naming("Resistance R₀", "× new", 2),
    "r1_scale": Naming("Resistance R₁", "× new", 2),
    "r2_scale": Naming("Resistance R₂", "× new", 2),
    "r3_scale": Naming("Resistance R₃", "× new", 2),
    "r_scale": Naming("Polarisation", "× new", 2),
    "offset_v": Naming("Voltage offset", "V", 2),
}
_UNITS = {"ah": "Ah", "ohm": "Ω", "mohm": "mΩ", "mv": "mV", "v": "V", "s": "s", "pct": "%", "scale": "× new"}


def naming(name: str, new_capacity_ah: float | None) -> Naming:
    """How a parameter is shown; one that is not known here keeps its own name and the unit in it."""
    if name == "capacity_scale" and new_capacity_ah:
        return Naming("Capacity", "Ah", 1, new_capacity_ah)
    if name in _NAMES:
        return _NAMES[name]
    words, _, unit = name.rpartition("_")
    known = unit in _UNITS and bool(words)
    label = (words if known else name).replace("_", " ")
    return Naming(label[:1].upper() + label[1:], _UNITS[unit] if known else "", 3)


def short_name(name: str) -> str:
    """A parameter within a sentence: small initial, no unit."""
    label = naming(name, 1.0).label
    return label[:1].lower() + label[1:]


def standard_deviations(version: TwinVersion) -> tuple[float, ...]:
    """Square roots of the diagonal of the packed lower triangle."""
    diagonal = [version.covariance[k * (k + 3) // 2] for k in range(len(version.mean))]
    return tuple(float(np.sqrt(max(value, 0.0))) for value in diagonal)


def health(version: TwinVersion, new_capacity_ah: float | None) -> Health:
    """Capacity as % of the new pack's, and resistance against new."""
    mean = dict(zip(version.parameters, version.mean, strict=True))
    sd = dict(zip(version.parameters, standard_deviations(version), strict=True))
    resistance = mean.get("r0_scale", mean.get("r_scale"))
    if "capacity_scale" in mean:
        return Health(100 * mean["capacity_scale"], 100 * sd["capacity_scale"], resistance)
    if "capacity_ah" in mean and new_capacity_ah:
        percent = 100 / new_capacity_ah
        return Health(percent * mean["capacity_ah"], percent * sd["capacity_ah"], resistance)
    return Health(None, None, resistance)


def parameter_series(
    versions: Sequence[TwinVersion], new_capacity_ah: float | None, axes: dict[str, tuple[float, float]]
) -> tuple[ParameterSeries, ...]:
    """Trajectories of the parameters of the version deployed last; versions of another model are left out."""
    deployed = [version for version in versions if version.kind != REFUSED]
    if not deployed:
        return ()
    names = deployed[-1].parameters
    entries = [version for version in deployed if version.parameters == names]
    return tuple(_series(entries, index, naming(name, new_capacity_ah), axes) for index, name in enumerate(names))


def common_axes(
    histories: Sequence[Sequence[TwinVersion]], new_capacity_ah: float | None
) -> dict[str, tuple[float, float]]:
    """Lowest and highest ±2σ of each parameter over vehicles with one pack, so that they share an axis."""
    ends: dict[str, list[float]] = {}
    for series in (s for versions in histories for s in parameter_series(versions, new_capacity_ah, {})):
        reach = [(m - 2 * s, m + 2 * s) for m, s in zip(series.mean, series.sd, strict=True)]
        # A prototype starts wide; what is held in view is what later versions reach, and every mean.
        later = reach[1:] or reach
        ends.setdefault(series.name, []).extend([*series.mean, *(end for pair in later for end in pair)])
    return {name: (min(values), max(values)) for name, values in ends.items()}


def _series(
    entries: Sequence[TwinVersion], index: int, shown: Naming, axes: dict[str, tuple[float, float]]
) -> ParameterSeries:
    name = entries[-1].parameters[index]
    mean = tuple(shown.factor * version.mean[index] for version in entries)
    return ParameterSeries(
        name=name,
        label=shown.label,
        unit=shown.unit,
        decimals=shown.decimals,
        trip=tuple(version.trip_number for version in entries),
        version=tuple(version.number for version in entries),
        mean=mean,
        sd=tuple(shown.factor * standard_deviations(version)[index] for version in entries),
        never=mean[0] if entries[0].kind == PROTOTYPE else None,
        axis=axes.get(name),
    )
