"""`twinpack range`: how far a vehicle comes, with what charge it ends a plan, and what power it can give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home

if TYPE_CHECKING:
    from twinpack.forecast.range import Arrival, RangeAt, Spread
    from twinpack.learn.energy_terms import Course
    from twinpack.runtime.ranges import RangeOutlook


def command(
    vehicle: Annotated[str, typer.Argument(help="The vehicle.")],
    soc_pct: Annotated[
        float | None, typer.Option("--soc-pct", help="State of charge, %.", show_default="the last known one")
    ] = None,
    ambient_c: Annotated[
        float | None, typer.Option("--ambient-c", help="Outside temperature, °C.", show_default="the last known one")
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            "--plan",
            metavar="FILE",
            help="A way to drive: CSV with time_s or distance_km, speed_kmh, and elevation_m.",
            show_default=False,
        ),
    ] = None,
    load_kg: Annotated[
        float | None, typer.Option("--load-kg", help="Payload, kg.", show_default="the usual one")
    ] = None,
    reserve_pct: Annotated[float, typer.Option("--reserve-pct", help="Charge that is to be left, %.")] = 0.0,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Draw it to a PNG file.", show_default=False)
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Tell how far a vehicle comes: today, hot (35 °C), mild (20 °C) and cold (-10 °C), each with its uncertainty.

    Usable energy is that of the vehicle's own twin (its OCV, capacity and resistance, which cost most when cold), over
    the consumption learned by `twinpack learn energy`. With --plan it tells with what charge the vehicle arrives. State
    of power for 10 and 30 seconds stands beside it.
    """
    from twinpack.cli.fleet_facts import find_vehicle
    from twinpack.cli.opened import opened
    from twinpack.forecast.range import Conditions
    from twinpack.runtime.ranges import vehicle_range

    conditions = Conditions(soc_pct=soc_pct, ambient_c=ambient_c, load_kg=load_kg, reserve_pct=reserve_pct)
    course = None if plan is None else read_file(plan)
    with opened(home) as (workspace, registry):
        find_vehicle(workspace, registry, vehicle)
        found = vehicle_range(workspace, registry, vehicle, conditions, course)
    if picture is not None and found.at:
        from twinpack.report.range import draw

        draw(found, picture)
    if as_json:
        output.json_result({**_fields(found), "picture": None if picture is None else str(picture)})
        return
    show(found)
    if picture is not None and found.at:
        output.line(f"drawn {picture}")


def read_file(plan: Path) -> Course:
    """The plan in a file.

    Raises:
        NotFoundError: There is no such file.
        InputError: It cannot be read, or is wrong; names line and column.
    """
    from twinpack.errors import InputError, NotFoundError
    from twinpack.forecast.trip_plan import read_plan

    try:
        return read_plan(plan.read_text(encoding="utf-8"), str(plan))
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {plan}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{plan} cannot be read as text: {error}") from error


def show(found: RangeOutlook) -> None:
    """Writes a range for people."""
    given = found.conditions
    charge = "" if given.soc_pct is None else f", {output.number(given.soc_pct, 1)} % charge"
    reserve = f", {output.number(given.reserve_pct)} % left" if given.reserve_pct else ""
    output.line(f"{found.vehicle_id}, {found.pack}{charge}{reserve}")
    if found.at:
        columns = ("conditions", "range km", "kWh/100 km", "usable kWh", "not usable %")
        output.table(columns, [_row(one) for one in found.at], "Median (5 to 95 %)")
        _show_power(found.at)
    if found.plan is not None:
        _show_plan(found.plan, given.reserve_pct)
    if found.reason:
        output.line(f"no range: {found.reason}")
    for note in found.notes:
        output.line(f"note: {note}")


def _row(one: RangeAt) -> tuple[str, ...]:
    cells = "" if one.battery_c == one.ambient_c else f", cells {output.number(one.battery_c)}"
    return (
        f"{one.name} ({output.number(one.ambient_c)} °C{cells})",
        _spread(one.km),
        _spread(one.kwh_km, 1, 100.0),
        _spread(one.usable_kwh, 1),
        output.number(one.left_pct, 1),
    )


def _spread(spread: Spread | None, decimals: int = 0, factor: float = 1.0) -> str:
    if spread is None:
        return output.MISSING
    low, middle, high = (output.number(factor * one, decimals) for one in (spread.p5, spread.p50, spread.p95))
    return f"{middle} ({low} to {high})"


def _show_power(at: tuple[RangeAt, ...]) -> None:
    columns = ["power kW", *(f"{one.way} {one.seconds:g} s" for one in at[0].power)]
    rows = [(one.name, *(_spread(pulse.power_kw) for pulse in one.power)) for one in at]
    output.table(columns, rows)


def _show_plan(plan: Arrival, reserve_pct: float) -> None:
    output.line(
        f"plan: {output.number(plan.distance_km, 1)} km in {output.number(60.0 * plan.hours)} min takes "
        f"{_spread(plan.energy_kwh, 1)} kWh"
    )
    left = f" with {output.number(reserve_pct)} % left" if reserve_pct else ""
    missed = 100.0 * (1.0 - plan.arrives)
    output.line(f"arrives with {_spread(plan.soc_pct, 1)} %; not to arrive{left}: {output.number(missed, 1)} %")
    if plan.coarse:
        output.line("note: the plan has too few points to hold stops and turns: the usual ones were added")


def _fields(found: RangeOutlook) -> dict[str, object]:
    from dataclasses import fields

    return {one.name: getattr(found, one.name) for one in fields(found)}
