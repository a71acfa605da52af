"""`twinpack forecast`: health to come, when life ends, what is left of it, and how warranties stand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.opened import check_vehicle, opened
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.stages import stages
from twinpack.errors import InputError

if TYPE_CHECKING:
    from datetime import date

    from twinpack.forecast.risk import FailureRisk
    from twinpack.forecast.vehicle import LifeEnd, Spread, VehicleForecast, WarrantyRisk
    from twinpack.runtime.forecasts import FleetForecast
    from twinpack.store.registry import Registry
    from twinpack.store.workspace import Workspace

_YEARS = (1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50)
_P05, _P50, _P95 = 0, 3, 6
_LEAST_TOLD = 0.0005


def command(
    vehicle: Annotated[str, typer.Argument(metavar="[VEHICLE]", help="One vehicle; all without.")] = "",
    pack: Annotated[str | None, typer.Option(help="Only vehicles of this pack.", show_default="every pack")] = None,
    fleet: Annotated[str | None, typer.Option(help="Show only vehicles of this fleet.", show_default=False)] = None,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="Ageing model: `latest` of the pack, or digits of its hash.")
    ] = "latest",
    months: Annotated[int, typer.Option(help="How far to look, months.")] = 120,
    limit_pct: Annotated[
        list[float] | None,
        typer.Option(help="Health at which life ends, %; may be repeated.", show_default="those of the pack"),
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Vehicles shown, the soonest to end first; 0 shows all.")] = 20,
    picture: Annotated[
        Path | None, typer.Option(help="PNG to draw one vehicle's forecast to.", show_default=False)
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Forecast health, end of life and warranties, each with its spread, for one vehicle or for all.

    It rests on the newest model of `twinpack learn ageing` and assumes that each vehicle is used as it was so far.
    Forecasts of all are kept in the tables `forecasts` and `forecast_ends`.
    """
    if picture is not None and not vehicle:
        raise InputError("--picture draws one vehicle: name it")
    if vehicle and (pack is not None or fleet is not None):
        raise InputError("--pack and --fleet choose among all vehicles: leave them out, or the vehicle")
    with opened(home) as (workspace, registry):
        if vehicle:
            _one(workspace, registry, vehicle, model, months, limit_pct, picture, as_json)
            return
        if fleet is not None:
            registry.fleet.fleet(fleet)
        found, left_out = _all(workspace, registry, pack, model, months, limit_pct)
        shown = None if fleet is None else {name for name, one in registry.fleet.known().items() if one.fleet == fleet}
    if as_json:
        output.json_result(
            {
                "forecasts": [_fleet_plain(one, shown) for one in found],
                "left_out": list(left_out),
            }
        )
        return
    for why in left_out:
        output.note(f"twinpack: {why}")
    for one in found:
        _show_fleet(one, shown, limit)


def _all(
    workspace: Workspace,
    registry: Registry,
    pack: str | None,
    model: str,
    months: int,
    limits_pct: Sequence[float] | None,
) -> tuple[list[FleetForecast], list[str]]:
    """The forecast of every pack that has a model, and why others have none."""
    from twinpack.errors import LearningError, NotFoundError
    from twinpack.runtime.ageing import packs_of
    from twinpack.runtime.forecasts import forecast_pack
    from twinpack.runtime.named import LATEST

    names: list[str | None] = [*packs_of(registry, pack)] if model == LATEST else [pack]
    found, left_out = [], []
    with stages() as tell:
        for name in names:
            try:
                found.append(forecast_pack(workspace, registry, name, model, months, limits_pct, tell))
            except (LearningError, NotFoundError) as error:
                left_out.append(error)
    if not found:
        raise left_out[0]
    return found, [str(error) for error in left_out]


def _one(
    workspace: Workspace,
    registry: Registry,
    vehicle: str,
    model: str,
    months: int,
    limits_pct: Sequence[float] | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    from twinpack.runtime.forecasts import forecast_vehicle

    check_vehicle(registry, vehicle)
    told = forecast_vehicle(workspace, registry, vehicle, model, months, limits_pct)
    if picture is not None and not told.why_not:
        from twinpack.report.forecast import draw

        draw(told, picture)
    if as_json:
        output.json_result(told)
        return
    _show(told)
    if picture is not None:
        output.line(f"no picture: {told.why_not}" if told.why_not else f"picture: {picture}")


def _show(told: VehicleForecast) -> None:
    output.line(f"{told.vehicle_id}, pack {told.pack}, ageing model {told.model_hash[:12]}")
    if told.why_not:
        output.line(f"not known: {told.why_not}")
        return
    output.line(f"capacity health now {_interval(told.now_pct, 1)} % of rated; from version {told.version} of its twin")
    output.line()
    rows = [_year(told, years) for years in _YEARS if 12 * years <= len(told.months)]
    if not rows:
        rows = [_month(told, len(told.months))]
    output.table(["in", "capacity %", "energy %", "resistance × new"], rows)
    output.table(["end of life at", "date", "left", "months", "full cycles", "km"], [_end(end) for end in told.ends])
    output.table(["warranty", "asks for", "until", "claimed"], [_warranty(one) for one in told.warranties])
    for text in (_baselines(told), _failure(told.failure)):
        if text:
            output.line(text)
    output.line("Medians with their 90 % intervals. Left: share of the health above end of life.")


def _baselines(told: VehicleForecast) -> str:
    """What simple forecasts say of the ends, in a line."""
    names = {"linear": "a straight line", "last_half": "a line through the later half", "smoothing": "smoothing"}
    parts = [
        f"{names.get(one.name, one.name)} {_day(one.date)} to {output.number(one.limit_pct)} %"
        for one in told.baselines
        if one.months != 0.0
    ]
    return f"For comparison: {', '.join(parts)}." if parts else ""


def _failure(risk: FailureRisk | None) -> str:
    if risk is None:
        return ""
    why = f": {'; '.join(risk.reasons)}" if risk.reasons else ""
    return f"Failure within 30 days {_small(risk.p30)}, within 90 days {_small(risk.p90)}{why}."


def _small(share: float) -> str:
    return f"{100.0 * share:.0f} %" if share >= 0.095 else f"{100.0 * share:.2g} %"


def _year(told: VehicleForecast, years: int) -> list[str]:
    return [output.counted(years, "year"), *_month(told, 12 * years)[1:]]


def _month(told: VehicleForecast, months: int) -> list[str]:
    row = told.months[months - 1]
    return [
        output.counted(months, "month"),
        _interval(row.capacity_pct, 1),
        _spread(row.energy_pct, 1),
        _spread(row.resistance_x, 2),
    ]


def _end(end: LifeEnd) -> list[str]:
    return [
        f"{output.number(end.limit_pct)} %",
        _dates(end),
        f"{output.number(100.0 * end.left)} %",
        _spread(end.months, 0),
        _spread(end.cycles, 0),
        _spread(end.km, 0),
    ]


def _dates(end: LifeEnd) -> str:
    if end.months.p95 == 0.0:
        return "reached"
    early, middle, late = (_day(end.date[level]) for level in (_P05, _P50, _P95))
    if end.date[_P05] is None:
        return f"beyond the outlook ({_chance(end.probability)})"
    return f"{middle} ({early} to {late})"


def _day(day: date | None) -> str:
    return "later" if day is None else f"{day:%Y-%m}"


def _warranty(one: WarrantyRisk) -> list[str]:
    until = "" if one.until is None else f"{one.until:%Y-%m}"
    claimed = one.why_not.rstrip(".").lower() if one.probability is None else _chance(one.probability)
    return [one.name, f"{output.number(one.least_pct)} % {one.health}", until, claimed]


def _chance(probability: float) -> str:
    if probability < _LEAST_TOLD:
        return "< 0.1 %"
    return f"{output.number(100.0 * probability, 0 if probability >= 0.1 else 1)} %"


def _interval(values: Sequence[float], decimals: int) -> str:
    low, middle, high = (output.number(values[level], decimals) for level in (_P05, _P50, _P95))
    return f"{middle} ({low} to {high})"


def _spread(spread: Spread, decimals: int) -> str:
    if spread.p05 is None:
        return output.MISSING
    low, middle, high = (
        "more" if one is None else output.number(one, decimals) for one in (spread.p05, spread.p50, spread.p95)
    )
    return f"{middle} ({low} to {high})"


def _fleet_plain(found: FleetForecast, shown: set[str] | None) -> dict[str, Any]:
    return {"pack": found.pack, "model_hash": found.model_hash, "vehicles": _chosen(found, shown)}


def _chosen(found: FleetForecast, shown: set[str] | None) -> list[VehicleForecast]:
    return [one for one in found.vehicles if shown is None or one.vehicle_id in shown]


def _show_fleet(found: FleetForecast, shown: set[str] | None, limit: int) -> None:
    chosen = _chosen(found, shown)
    some = chosen[: limit or None]
    known = [one for one in some if not one.why_not]
    output.line(f"{found.pack}: {output.counted(len(chosen), 'vehicle')}, ageing model {found.model_hash[:12]}")
    if known:
        limits = [f"{output.number(end.limit_pct)} %" for end in known[0].ends]
        heads = [head for name in limits for head in (f"{name} reached", "left")]
        output.table(["vehicle", "health %", *heads, "warranty claim"], [_row(one) for one in known])
    for one in some:
        if one.why_not:
            output.line(f"{one.vehicle_id}: not known. {one.why_not}")
    if len(some) < len(chosen):
        output.line(f"{len(some)} of {len(chosen)} shown; --limit 0 shows all")


def _row(one: VehicleForecast) -> list[str]:
    ends = [cell for end in one.ends for cell in (_dates(end), f"{output.number(100.0 * end.left)} %")]
    open_ = [risk.probability for risk in one.warranties if risk.probability is not None]
    return [one.vehicle_id, _interval(one.now_pct, 1), *ends, _chance(max(open_)) if open_ else output.MISSING]
