"""What a twin's views rest on: its versions, trips and errors, as far as they may be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twinpack.battery.pack import PackSpec
from twinpack.twin.figures import deployed_version, figures
from twinpack.twin.versions import PROTOTYPE, TwinVersion
from twinpack.views.columns import records
from twinpack.views.opened import Views
from twinpack.views.shapes.common import Column
from twinpack.views.shapes.twin import Parameter
from twinpack.views.sight import Reach
from twinpack.views.spans import holds
from twinpack.views.twin.records import TripPoint
from twinpack.views.twin.trips import trip_points

FAR_OFF = 2**62


@dataclass(frozen=True)
class TwinFacts:
    """A twin up to a moment.

    Attributes:
        vehicle_id: The vehicle.
        pack_name: Name of its pack.
        pack: The pack, None when it is not known.
        versions: Its versions from the first on, for what is deployed and what was changed.
        seen: Those that may be told of.
        trips: Trips that may be seen, with their scores.
        scores: Rows of `predictions` of these.
    """

    vehicle_id: str
    pack_name: str
    pack: PackSpec | None
    versions: Sequence[TwinVersion]
    seen: Sequence[TwinVersion]
    trips: Sequence[TripPoint]
    scores: Sequence[dict[str, Any]]

    @property
    def capacity_ah(self) -> float | None:
        """Capacity of the new pack."""
        return self.pack.capacity_ah if self.pack else None

    @property
    def deployed(self) -> TwinVersion | None:
        """The version in use at that moment, decided before the times that may be seen or within them."""
        return deployed_version(self.versions)

    @property
    def scored(self) -> list[TripPoint]:
        """Trips that were scored."""
        return [trip for trip in self.trips if trip.living_v is not None]


def twin_facts(views: Views, reach: Reach, at_us: int | None = None) -> TwinFacts:
    """A twin as it stands, or stood at a moment: what came later is left out.

    Raises:
        WorkspaceError: Registry or lake cannot be read.
    """
    end = min(FAR_OFF if at_us is None else at_us + 1, reach.span.until_us or FAR_OFF)
    versions = [version for version in views.registry.versions(reach.vehicle_id) if version.sample_time_us < end]
    pack_name = views.pack_of(reach.vehicle_id)
    sessions = [
        trip
        for trip in records(views.rows.trips(reach.vehicle_id))
        if holds(reach.span, trip["start_us"]) and trip["end_us"] < end
    ]
    numbers = {trip["number"] for trip in sessions}
    scores = [score for score in records(views.rows.predictions(reach.vehicle_id)) if score["trip_number"] in numbers]
    return TwinFacts(
        vehicle_id=reach.vehicle_id,
        pack_name=pack_name,
        pack=views.packs.get(pack_name),
        versions=versions,
        seen=[version for version in versions if holds(reach.span, version.sample_time_us)],
        trips=trip_points(sessions, scores),
        scores=scores,
    )


def parameters(version: TwinVersion, first: TwinVersion | None, capacity_ah: float | None) -> list[Parameter]:
    """The living parameters of a version as people know them, beside the prototype's.

    Args:
        version: The version.
        first: The first of the chain.
        capacity_ah: Capacity of the new pack.
    """
    never = _prototype(version, first, capacity_ah)
    return [
        Parameter(
            name=told.name,
            label=told.label,
            unit=told.unit,
            mean=told.mean,
            sd=told.sd,
            never=never.get(told.name),
        )
        for told in figures(version, capacity_ah, as_health=False)
    ]


def _prototype(version: TwinVersion, first: TwinVersion | None, capacity_ah: float | None) -> dict[str, float]:
    if first is None or first.kind != PROTOTYPE or first.model_hash != version.model_hash:
        return {}
    return {told.name: told.mean for told in figures(first, capacity_ah, as_health=False)}


def column(values: Sequence[float | None] | np.typing.NDArray[np.float64], decimals: int = 4) -> Column:
    """Figures as they are answered: rounded, null where nothing is known."""
    return [None if value is None or not math.isfinite(value) else round(float(value), decimals) for value in values]
