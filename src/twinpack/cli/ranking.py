"""How a ranking of vehicles by their oddness is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinpack.cli import output

if TYPE_CHECKING:
    from twinpack.runtime.anomaly import RankedVehicle, Ranking


def show(ranking: Ranking, limit: int) -> None:
    """Write a ranking for people; `limit` 0 writes all of it."""
    card = ranking.card
    learned = f"{card['trained_from']} to {card['trained_to']}, {output.counted(card['vehicles'], 'vehicle')}"
    output.line(f"{card['pack']}: model {ranking.model_hash[:12]}, learned from {learned}")
    if not ranking.vehicles:
        output.line(f"no day after {card['trained_to']} to score yet")
        return
    shown = ranking.vehicles[: limit or None]
    columns = ("vehicle", "score", "odder than", "odd days", "last day")
    output.table(columns, [_cells(one) for one in shown])
    for one in shown:
        for reason in one.reasons:
            output.line(f"{one.vehicle_id}: {reason}")
    if len(shown) < len(ranking.vehicles):
        output.line(f"and {output.counted(len(ranking.vehicles) - len(shown), 'more vehicle')}; --limit 0 lists all")


def _cells(one: RankedVehicle) -> tuple[str, ...]:
    return (
        one.vehicle_id,
        output.number(one.score, 3),
        f"{output.number(100.0 * one.odder_than, 1)} %",
        f"{output.number(one.odd_days)} of {output.number(one.days)}",
        one.last_day.isoformat(),
    )
