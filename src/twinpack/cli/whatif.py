"""`twinpack whatif`: what another way to use a vehicle, or a fleet, would do to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.opened import check_vehicle, opened
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.stages import stages
from twinpack.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinpack.forecast.scenario import Scenario
    from twinpack.forecast.whatif_fleet import Spread, Summary, VehicleEffect
    from twinpack.forecast.whatif_told import CourseTold, Ended, Quantiles, TripTold
    from twinpack.runtime.whatif import VehicleWhatIf
    from twinpack.runtime.whatif_fleet import FleetWhatIf

TEMPLATE_WORD = "template"
_YEAR = "5y"
_NAMES = "ABC"


def command(
    vehicle: Annotated[
        str, typer.Argument(metavar="[VEHICLE]", help="One vehicle; `template` prints an example of a scenario file.")
    ] = "",
    scenario: Annotated[
        list[Path] | None,
        typer.Option(
            "--scenario", metavar="FILE", help="TOML with up to three scenarios; may be repeated.", show_default=False
        ),
    ] = None,
    fleet: Annotated[str | None, typer.Option(help="All vehicles of this fleet.", show_default=False)] = None,
    pack: Annotated[str | None, typer.Option(help="All vehicles of this pack.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="All vehicles.")] = False,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="Ageing model: `latest` of the pack, or digits of its hash.")
    ] = "latest",
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Draw it to a PNG file.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the result to a JSON file.", show_default=False)
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Tell what another way to use a vehicle would do to its health, life, warranty, range, voltage and heat.

    The baseline is the vehicle as it was used so far; up to three scenarios stand beside it, on its own calibrated
    twin, each difference with its interval. With --fleet, --pack or --all it tells how the effects are spread over many
    vehicles. Nothing in the workspace is changed. It rests on `twinpack learn ageing`.
    """
    if vehicle == TEMPLATE_WORD:
        from twinpack.forecast.scenario_file import TEMPLATE

        output.line(TEMPLATE.rstrip())
        return
    _check(vehicle, scenario, fleet, pack, every, model)
    for file in (picture, out):
        if file is not None and file.is_dir():
            raise InputError(f"{file} is a folder: name a file to write")
    from twinpack.runtime.whatif import load_scenarios

    scenarios = load_scenarios(scenario or [])
    if vehicle:
        found: Any = _one(home, vehicle, scenarios, model)
    else:
        found = _many(home, scenarios, fleet, pack)
    result = found if vehicle else fleet_record(found)
    if picture is not None:
        from twinpack.report import whatif as drawing

        (drawing.draw if vehicle else drawing.draw_fleet)(found, picture)
    if out is not None:
        _write(out, output.json_text(result))
    if as_json:
        output.json_result(result)
        return
    (show if vehicle else show_fleet)(found)
    for what, file in (("drawn", picture), ("written", out)):
        if file is not None:
            output.line(f"{what} {file}")


def _check(
    vehicle: str, scenario: Sequence[Path] | None, fleet: str | None, pack: str | None, every: bool, model: str
) -> None:
    """Refuse what does not go together."""
    many = [name for name, given in (("--fleet", fleet), ("--pack", pack), ("--all", every)) if given]
    if vehicle and many:
        raise InputError(f"{' and '.join(many)} asks for many vehicles: leave it out, or the vehicle")
    if every and len(many) > 1:
        raise InputError("--all asks for every vehicle: leave it out, or --fleet and --pack")
    if not vehicle and not many:
        raise InputError("name a vehicle, or ask for many with --fleet, --pack or --all")
    if not vehicle and model != "latest":
        raise InputError("--model chooses the ageing model of one vehicle: name the vehicle")
    if not scenario:
        raise InputError("give a file of scenarios with --scenario; `twinpack whatif template` prints an example")


def _one(home: Path, vehicle: str, scenarios: Sequence[Scenario], model: str) -> VehicleWhatIf:
    from twinpack.runtime.whatif import whatif_vehicle

    with opened(home) as (workspace, registry):
        check_vehicle(registry, vehicle)
        return whatif_vehicle(workspace, registry, vehicle, scenarios, model)


def _many(home: Path, scenarios: Sequence[Scenario], fleet: str | None, pack: str | None) -> FleetWhatIf:
    from twinpack.runtime.whatif_fleet import whatif_fleet

    with opened(home) as (workspace, registry), stages() as tell:
        return whatif_fleet(workspace, registry, scenarios, fleet, pack, tell=tell)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from error


def fleet_record(found: FleetWhatIf) -> dict[str, Any]:
    """A fleet's result as JSON values: the summaries, and a row a vehicle and scenario."""
    rows = []
    for told, effects in zip(found.scenarios, found.effects, strict=True):
        columns = (effects.health_low, effects.health, effects.health_high, effects.end_years, effects.claim_before)
        for at, name in enumerate(effects.vehicle_ids):
            low, middle, high, later, before = (float(one[at]) for one in columns)
            rows.append(
                {
                    "vehicle": name,
                    "scenario": told.name,
                    "health_pts": {"p5": low, "p50": middle, "p95": high},
                    "end_of_life_years": later,
                    "claim_before": before,
                    "claim": float(effects.claim[at]),
                    "beyond_experience": bool(effects.beyond[at]),
                }
            )
    return {
        "asked": found.asked,
        "told": found.told,
        "years": found.years,
        "horizon_years": found.horizon_years,
        "ageing_models": found.ageing_models,
        "scenarios": found.scenarios,
        "vehicles": rows,
        "left_out": found.left_out,
    }


def show(found: VehicleWhatIf) -> None:
    """Writes what is told of a vehicle for people."""
    twin = "no twin" if found.version is None else f"version {found.version} of its twin"
    output.line(f"{found.vehicle}, pack {found.pack}, {twin}, ageing model {found.ageing_model[:12]}")
    km = "" if found.driven_km is None else f", {output.number(found.driven_km)} km"
    output.line(f"from {found.begins}, age {output.number(found.age_years, 1)} years{km}")
    output.line()
    _show_health(found)
    _show_life(found)
    _show_warranties(found)
    _show_range(found)
    _show_trip(found)
    _show_deltas(found)
    output.line("Medians with their 90 % intervals; differences path by path, from what both share.")
    for name, one in zip(_NAMES, found.scenarios, strict=False):
        for text in one.beyond:
            output.line(f"note: {name} leads beyond what was learned: {text}")
    for note in found.notes:
        output.line(f"note: {note}")


def _courses(found: VehicleWhatIf) -> list[tuple[str, CourseTold]]:
    """Baseline, A, B and C: what they are called stands in the first table."""
    return [("baseline", found.baseline), *zip(_NAMES, (one.course for one in found.scenarios), strict=False)]


def _show_health(found: VehicleWhatIf) -> None:
    years = [name for name in found.baseline.health_pct if name != "now"]
    now = _spread(found.baseline.health_pct["now"], 1)
    rows = []
    for name, course in _courses(found):
        called = name if course is found.baseline else f"{name}  {course.name}"
        rows.append([called, *(_spread(course.health_pct[year], 1) for year in years)])
    heads = [f"in {_years(year)}" for year in years]
    output.table(["health %", *heads], rows, f"Capacity health now {now} % of rated")


def _years(name: str) -> str:
    """`5y` for people."""
    return output.counted(int(name[:-1]), "year")


def _show_life(found: VehicleWhatIf) -> None:
    rows = [[name, *map(_end, course.end_of_life)] for name, course in _courses(found)]
    heads = [f"{one.limit_pct:g} % reached in years" for one in found.baseline.end_of_life]
    output.table(["end of life", *heads], rows)


def _end(end: Ended) -> str:
    if end.years.p95 == 0.0:
        return "reached"
    if end.years.p5 is None:
        return f"beyond ({_chance(end.probability)})"
    return _spread(end.years, 1)


def _show_warranties(found: VehicleWhatIf) -> None:
    courses = _courses(found)
    rows = []
    for at, base in enumerate(found.baseline.warranty):
        if base.probability is not None:
            chances = [_chance(course.warranty[at].probability) for _, course in courses]
            rows.append([base.name, f"{base.least_pct:g} % {base.health}", *chances])
    if rows:
        output.table(["warranty claim", "asks for", *(name for name, _ in courses)], rows)


def _show_range(found: VehicleWhatIf) -> None:
    rows = []
    for name, course in _courses(found):
        if course.range is not None:
            km, taken = course.range.km, course.range.kwh_100km
            rows.append([name, _spread(km["now"], 0), _spread(km.get(_YEAR), 0), _spread(taken, 1)])
    if rows:
        output.table(["full charge", "now km", f"in {_years(_YEAR)} km", "kWh/100 km"], rows)


def _show_trip(found: VehicleWhatIf) -> None:
    rows: list[list[str]] = []
    asked: dict[str, list[str]] = {}
    for name, course in _courses(found):
        if course.trip is not None:
            asked.setdefault(_trip(course.trip), []).append(name)
            arrives = "" if course.trip.arrives > 0.995 else f", {_chance(course.trip.arrives)} arrive"
            left = f"{_spread(course.trip.arrival_soc_pct, 0)}{arrives}"
            rows.append([name, _spread(course.trip.lowest_v, 0), _spread(course.trip.highest_c, 0), left])
    if rows:
        output.table(["on a trip", "lowest V", "warmest °C", "arrives with %"], rows)
    for told, names in asked.items():
        output.line(f"{', '.join(names)}: {told}")


def _trip(trip: TripTold) -> str:
    way = f"{output.number(trip.distance_km)} km at {output.number(trip.speed_kmh)} km/h"
    return f"{way}, {output.number(trip.ambient_c)} °C, then charged at {output.significant(trip.charge_c_rate, 2)} C"


def _show_deltas(found: VehicleWhatIf) -> None:
    """Each difference on a line, a column a scenario."""
    every = [one.delta for one in found.scenarios]
    lines = [
        (f"health in {year[:-1]} y, pts", [_signed(one.health_pts[year], 1) for one in every])
        for year in found.baseline.health_pct
        if year != "now"
    ]
    lines += [
        (
            f"{end.limit_pct:g} % later, years",
            [_signed(one.end_of_life_years[f"{end.limit_pct:g}"], 1) for one in every],
        )
        for end in found.baseline.end_of_life
    ]
    ranges = [one.range_km for one in every if one.range_km is not None]
    if len(ranges) == len(every):
        lines.append((f"range in {_YEAR[:-1]} y, km", [_signed(one.get(_YEAR), 0) for one in ranges]))
    if found.baseline.trip is not None:
        lines.append(("lowest voltage, V", [_signed(one.lowest_v, 0) for one in every]))
        lines.append(("warmest, °C", [_signed(one.highest_c, 0) for one in every]))
    output.table(["less the baseline", *_NAMES[: len(every)]], [[name, *cells] for name, cells in lines])


def _spread(of: Quantiles | None, decimals: int) -> str:
    if of is None or of.p5 is None:
        return output.MISSING
    low, middle, high = ("later" if one is None else output.number(one, decimals) for one in (of.p5, of.p50, of.p95))
    return f"{middle} ({low} to {high})"


def _signed(of: Quantiles | None, decimals: int) -> str:
    """A difference with its interval; its sign is always written."""
    if of is None or of.p50 is None:
        return output.MISSING
    low, middle, high = ("?" if one is None else _sign(one, decimals) for one in (of.p5, of.p50, of.p95))
    return f"{middle} ({low} to {high})"


def _sign(value: float, decimals: int) -> str:
    told = output.number(value, decimals)
    return f"+{told}" if round(value, decimals) > 0 else told


def _chance(probability: float | None) -> str:
    if probability is None:
        return output.MISSING
    if probability < 0.005:
        return "< 1 %"
    return f"{output.number(100.0 * probability)} %"


def show_fleet(found: FleetWhatIf) -> None:
    """Writes what is told of a fleet for people."""
    output.line(f"{found.told} of {output.counted(found.asked, 'vehicle')}, {found.years} years from now")
    if found.scenarios:
        heads = ["scenario", "health pts", "helped", "harmed", "life ends later, years", "claims", "beyond"]
        output.table(heads, [_summary(one) for one in found.scenarios], "Median vehicle (5 to 95 % of vehicles)")
    for one in found.scenarios:
        for what, some in (("most helped", one.most_helped), ("most harmed", one.most_harmed)):
            if some:
                output.table([f"{one.name}: {what}", "health pts", "life, years"], [_vehicle(each) for each in some])
    if found.scenarios:
        output.line("helped, harmed: with 95 % certainty; claims: warranty claims to be expected, before and then;")
        output.line("beyond: vehicles that the scenario leads beyond what their fleet has lived")
    for why, names in _reasons(found).items():
        shown = ", ".join(names[:3]) + (f" and {output.number(len(names) - 3)} more" if len(names) > 3 else "")
        output.line(f"left out: {shown}: {why}")


def _summary(one: Summary) -> list[str]:
    return [
        one.name,
        _over(one.health_pts, 1),
        output.number(one.helped),
        output.number(one.harmed),
        _over(one.end_of_life_years, 1),
        f"{output.number(one.claims_before, 1)} → {output.number(one.claims, 1)}",
        output.number(one.beyond),
    ]


def _over(spread: Spread, decimals: int) -> str:
    if spread.p50 is None or spread.p5 is None or spread.p95 is None:
        return output.MISSING
    low, middle, high = (_sign(one, decimals) for one in (spread.p5, spread.p50, spread.p95))
    return f"{middle} ({low} to {high})"


def _vehicle(one: VehicleEffect) -> list[str]:
    low, middle, high = (_sign(value, 1) for value in one.health_pts)
    later = output.MISSING if one.end_of_life_years is None else _sign(one.end_of_life_years, 1)
    return [one.vehicle, f"{middle} ({low} to {high})", later]


def _reasons(found: FleetWhatIf) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for one in found.left_out:
        reasons.setdefault(one.why, []).append(one.vehicle)
    return reasons
