"""`twinpack maintenance plan`: which vehicles should be looked at, by when and why."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.opened import opened
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.stages import stages
from twinpack.cli.times import Who, name_of
from twinpack.errors import InputError

if TYPE_CHECKING:
    from datetime import date

    from twinpack.runtime.planning import Plan, Planned
    from twinpack.store.registry import Registry

_COLUMNS = (
    "vehicle_id",
    "fleet",
    "pack",
    "inspect_by",
    "why",
    "planned_on",
    "failure_30_days",
    "failure_90_days",
    "health_pct",
    "end_of_life_pct",
    "end_of_life_months",
    "left_share",
    "last_done",
    "last_title",
)


def maintenance_plan(
    fleet: Annotated[str | None, typer.Option(help="Only this fleet.", show_default=False)] = None,
    pack: Annotated[str | None, typer.Option(help="Only vehicles of this pack.", show_default=False)] = None,
    until: Annotated[
        str, typer.Option(metavar="DAY", help="Only what is due by this day, as 2026-03-01.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="Vehicles shown; 0 shows all.")] = 20,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write every vehicle to this CSV file, too.", show_default=False)
    ] = None,
    enter: Annotated[
        bool, typer.Option("--enter", help="Enter what is suggested and not covered as planned inspections.")
    ] = False,
    who: Who = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Rank the vehicles by risk of failure and remaining life, and say which to look at by when and why.

    A vehicle that nothing calls for is not sent to the workshop; what is planned already counts when it comes in time.
    Risks are by the model of `twinpack learn failure`, remaining life by that of `twinpack learn ageing`.
    """
    from twinpack.runtime.planning import plan

    last = _day(until)
    with opened(home) as (workspace, registry):
        if fleet is not None:
            registry.fleet.fleet(fleet)
        with stages() as tell:
            made = plan(workspace, registry, fleet, pack, tell)
        rows = [
            row for row in made.rows if last is None or (row.suggestion.on is not None and row.suggestion.on <= last)
        ]
        if csv_file is not None:
            _write(rows, csv_file)
        entered = _enter(registry, rows, name_of(who)) if enter else []
    if as_json:
        output.json_result(_plain(made, rows, entered))
        return
    for note in made.notes:
        output.note(f"twinpack: {note}")
    _show(made, rows, limit)
    if enter:
        output.line(f"{output.counted(len(entered), 'inspection')} entered as planned")
    if csv_file is not None:
        output.line(f"written to {csv_file}")


def _day(text: str) -> date | None:
    from datetime import date

    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"--until {text}: not a day; write 2026-03-01") from None


def _enter(registry: Registry, rows: list[Planned], who: str) -> list[str]:
    """Enter suggestions that nothing planned covers; the same again changes nothing, since it is covered then."""
    from twinpack.store.workshop.records import INSPECTION, MaintenanceRecord

    entered = []
    for row in rows:
        if row.suggestion.on is None or row.covered:
            continue
        record = MaintenanceRecord(
            vehicle_id=row.vehicle_id,
            kind=INSPECTION,
            title="Inspection suggested by the plan",
            planned_on=row.suggestion.on.isoformat(),
            notes=row.suggestion.why,
            who=who,
        )
        entered.append(registry.workshop.add(record).record_id)
    return entered


def _show(made: Plan, rows: list[Planned], limit: int) -> None:
    due = [row for row in rows if row.suggestion.on is not None]
    shown = due[: limit or None]
    if shown:
        output.table(
            ["vehicle", "look at it by", "failure in 30 d", "in 90 d", "health %", "life left", "planned", "last done"],
            [_cells(row) for row in shown],
        )
        for row in shown:
            output.line(f"{row.vehicle_id}: {row.suggestion.why}.")
        output.line()
    quiet = len(rows) - len(due)
    output.line(
        f"as of {made.today}: {output.counted(len(due), 'vehicle')} to look at, nothing calls for the other "
        f"{output.number(quiet)}"
    )
    if len(shown) < len(due):
        output.line(f"{len(shown)} of {len(due)} shown; --limit 0 shows all")


def _cells(row: Planned) -> list[str]:
    planned = row.planned_on or output.MISSING
    if row.planned_on and (row.overdue or row.covered):
        planned += " (overdue)" if row.overdue else " (in time)"
    done = f"{row.last_done} {row.last_title}".strip() or output.MISSING
    return [
        row.vehicle_id,
        str(row.suggestion.on),
        _pct(row.risk.p30),
        _pct(row.risk.p90),
        _health(row),
        _left(row),
        planned,
        done,
    ]


def _pct(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.2g} %"


def _health(row: Planned) -> str:
    known = row.forecast is not None and row.forecast.now_pct
    return output.number(row.forecast.now_pct[3], 1) if known and row.forecast else output.MISSING


def _left(row: Planned) -> str:
    """Months to the first end of life, the median, and to which health."""
    if row.forecast is None or not row.forecast.ends:
        return output.MISSING
    end = next((one for one in row.forecast.ends if one.months.p50 != 0), row.forecast.ends[-1])
    limit = f"{output.number(end.limit_pct)} %"
    if end.months.p50 is None:
        return f"more than {len(row.forecast.months) or 120} months to {limit}"
    return f"{output.number(end.months.p50)} months to {limit}"


def _plain(made: Plan, rows: list[Planned], entered: list[str]) -> dict[str, Any]:
    return {
        "as_of": made.today.isoformat(),
        "vehicles": [
            {**_record(row), "risk": row.risk, "covered": row.covered, "overdue": row.overdue} for row in rows
        ],
        "entered": entered,
        "notes": list(made.notes),
    }


def _record(row: Planned) -> dict[str, Any]:
    end = row.forecast.ends[0] if row.forecast is not None and row.forecast.ends else None
    values = (
        row.vehicle_id,
        row.fleet,
        row.pack,
        row.suggestion.on.isoformat() if row.suggestion.on else None,
        row.suggestion.why,
        row.planned_on,
        row.risk.p30,
        row.risk.p90,
        row.forecast.now_pct[3] if row.forecast is not None and row.forecast.now_pct else None,
        end.limit_pct if end else None,
        end.months.p50 if end else None,
        end.left if end else None,
        row.last_done,
        row.last_title,
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _write(rows: list[Planned], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(_record(row) for row in rows)
