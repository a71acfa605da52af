"""Trajectories of the living parameters, as they are drawn."""

from __future__ import annotations

from collections.abc import Sequence

from twinpack.twin.figures import Figure, figures
from twinpack.twin.versions import PROTOTYPE, REFUSED, TwinVersion
from twinpack.views.twin.records import ParameterSeries


def parameter_series(
    versions: Sequence[TwinVersion], new_capacity_ah: float | None, axes: dict[str, tuple[float, float]]
) -> tuple[ParameterSeries, ...]:
    """Trajectories of the parameters of the version deployed last; versions of another model are left out."""
    deployed = [version for version in versions if version.kind != REFUSED]
    if not deployed:
        return ()
    names = deployed[-1].parameters
    entries = [version for version in deployed if version.parameters == names]
    told = [figures(version, new_capacity_ah, as_health=False) for version in entries]
    return tuple(_series(entries, [each[index] for each in told], axes) for index in range(len(names)))


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
    entries: Sequence[TwinVersion], told: Sequence[Figure], axes: dict[str, tuple[float, float]]
) -> ParameterSeries:
    shown = told[-1]
    mean = tuple(figure.mean for figure in told)
    return ParameterSeries(
        name=shown.name,
        label=shown.label,
        unit=shown.unit,
        decimals=shown.decimals,
        trip=tuple(version.trip_number for version in entries),
        version=tuple(version.number for version in entries),
        mean=mean,
        sd=tuple(figure.sd for figure in told),
        never=mean[0] if entries[0].kind == PROTOTYPE else None,
        axis=axes.get(shown.name),
    )
