"""What the demo foresees: how its fleet ages, and when the batteries' lives end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinpack.forecast.vehicle import VehicleForecast
    from twinpack.store.workspace import Workspace

YEARS = 5
_MIDDLE = 3
_MONTHS = 12


@dataclass(frozen=True)
class Ahead:
    """What is foreseen of a fleet.

    Attributes:
        limit_pct: Health at which life ends.
        reached: How many vehicles are there already.
        within: How many more will be within `YEARS`, by their medians.
        vehicles: Of how many that is told.
        next_id: The vehicle that is the next to get there, "" for none within the outlook.
        next_dates: When: early (5 %), median and late (95 %) date.
    """

    limit_pct: float
    reached: int
    within: int
    vehicles: int
    next_id: str
    next_dates: tuple[date | None, date | None, date | None]


def looked_ahead(workspace: Workspace) -> Ahead | None:
    """Learn how the fleet ages and forecast every vehicle; None where the histories are too short to learn from."""
    from twinpack.errors import LearningError
    from twinpack.runtime.ageing import learn_ageing_of
    from twinpack.runtime.forecasts import forecast_pack

    try:
        learn_ageing_of(workspace, tried=False)
    except LearningError:
        return None
    with workspace.registry() as registry:
        found = forecast_pack(workspace, registry)
    return ahead_of([one for one in found.vehicles if not one.why_not])


def ahead_of(told: list[VehicleForecast]) -> Ahead | None:
    """What is foreseen of some vehicles, the soonest to end first."""
    if not told:
        return None
    months = [one.ends[0].months.p50 for one in told]
    coming = [(left, one) for left, one in zip(months, told, strict=True) if left is not None and left > 0]
    following = min(coming, key=lambda pair: pair[0], default=None)
    end = following[1].ends[0] if following else None
    return Ahead(
        limit_pct=told[0].ends[0].limit_pct,
        reached=sum(left == 0 for left in months),
        within=sum(left <= YEARS * _MONTHS for left, _ in coming),
        vehicles=len(told),
        next_id=following[1].vehicle_id if following else "",
        next_dates=(end.date[0], end.date[_MIDDLE], end.date[-1]) if end else (None, None, None),
    )


def in_words(ahead: Ahead | None) -> str:
    """That in a sentence or two; "" for nothing."""
    if ahead is None:
        return ""
    limit = f"{ahead.limit_pct:g} %"
    text = (
        f"{ahead.reached} of {ahead.vehicles} batteries {'has' if ahead.reached == 1 else 'have'} fallen to {limit} of "
        f"the rated capacity, {ahead.within} more will within {YEARS} years."
    )
    if not ahead.next_id:
        return text
    early, middle, late = ("later" if day is None else f"{day:%Y-%m}" for day in ahead.next_dates)
    return f"{text} Next is {ahead.next_id}, in {middle} ({early} to {late})."
