"""A twin's life: its error on every trip, with updates and without, and its parameters over the versions."""

from __future__ import annotations

from collections.abc import Sequence

from twinpack.views.opened import Views
from twinpack.views.shapes.twin import ErrorSeries, ParameterSeries, TwinHistory
from twinpack.views.sight import Reach
from twinpack.views.twin.facts import TwinFacts, column, twin_facts
from twinpack.views.twin.parameters import parameter_series
from twinpack.views.twin.records import ParameterSeries as Trajectory
from twinpack.views.twin.records import TripPoint

_DECIDED = ("accepted", "refused")


def twin_history(views: Views, reach: Reach, points: int = 1500) -> TwinHistory:
    """Errors and parameters over a twin's life.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen.
        points: Trips at most; of more, the worst of each few.

    Raises:
        WorkspaceError: Registry or lake cannot be read.
    """
    facts = twin_facts(views, reach)
    axes = views.axes.of(reach.fleet, facts.pack_name, facts.capacity_ah)
    moments = {version.number: version.sample_time_us // 1000 for version in facts.seen}
    shown = parameter_series(facts.seen, facts.capacity_ah, axes)
    return TwinHistory(errors=_errors(facts, points), parameters=[_trajectory(series, moments) for series in shown])


def _errors(facts: TwinFacts, points: int) -> ErrorSeries:
    trips = worst_of_each(facts.scored, points)
    threshold_v = facts.scores[-1]["threshold_v"] if facts.scores else None
    return ErrorSeries(
        vehicle_id=facts.vehicle_id,
        trip=[trip.number for trip in trips],
        time_ms=[trip.end_us // 1000 for trip in trips],
        updated_rmse_v=column([trip.living_v for trip in trips]),
        never_rmse_v=column([trip.never_v for trip in trips]),
        version=[trip.version or None for trip in trips],
        decision=[trip.decision for trip in trips],
        threshold_v=threshold_v,
    )


def worst_of_each(trips: Sequence[TripPoint], points: int) -> list[TripPoint]:
    """At most so many trips: of each few the one that was decided on, else the one with the largest error."""
    few = -(-len(trips) // points) if trips else 1
    return [
        max(trips[at : at + few], key=lambda trip: (trip.decision in _DECIDED, trip.living_v or 0.0))
        for at in range(0, len(trips), few)
    ]


def _trajectory(series: Trajectory, moments: dict[int, int]) -> ParameterSeries:
    axis = series.axis
    if axis is not None:  # those alike set the frame, and never cut this one off
        axis = min(axis[0], *series.mean), max(axis[1], *series.mean)
    return ParameterSeries(
        name=series.name,
        label=series.label,
        unit=series.unit,
        trip=list(series.trip),
        version=list(series.version),
        time_ms=[moments[number] for number in series.version],
        mean=column(series.mean, 6),
        sd=column(series.sd, 6),
        never=series.never,
        axis=axis,
    )
