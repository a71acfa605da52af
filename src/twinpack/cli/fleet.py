"""`twinpack fleet`: fleets, packs and vehicles, as people enter them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import fleet_facts, output
from twinpack.cli.opened import opened
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group

if TYPE_CHECKING:
    from twinpack.battery.pack import PackSpec
    from twinpack.cli.csv_lines import Line
    from twinpack.store.fleet_records import PackRecord, VehicleEntry
    from twinpack.store.fleet_status import VehicleStatus
    from twinpack.store.registry import Registry

command = command_group("Enter vehicles, fleets and packs; list them with how they were last seen.")

Vehicle = Annotated[str, typer.Argument(help="The vehicle.")]
Label = Annotated[str | None, typer.Option(help="What people call it.", show_default=False)]
Vin = Annotated[str | None, typer.Option(help="Vehicle identification number.", show_default=False)]
ModelYear = Annotated[int | None, typer.Option(help="Year of its model; 0 for not known.", show_default=False)]
Climate = Annotated[str | None, typer.Option(help="Where it lives, in a word or two.", show_default=False)]
Notes = Annotated[str | None, typer.Option(help="For people.", show_default=False)]


@command.command("list")
def fleet_list(
    fleet: Annotated[str | None, typer.Option(help="Only this fleet.", show_default=False)] = None,
    retired: Annotated[bool, typer.Option("--retired", help="Those out of service too.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List the vehicles: fleet, pack, when each was last seen, its charge, and how many samples came late."""
    from twinpack.store.fleet_status import fleet_status

    with opened(home) as (workspace, registry):
        if fleet is not None:
            registry.fleet.fleet(fleet)
        rows = fleet_status(registry, fleet, retired=retired)
    if as_json:
        output.json_result({"vehicles": [_status_record(row) for row in rows]})
    elif rows:
        columns = ["vehicle", "fleet", "pack", "last seen", "charge %", "late", "label"]
        output.table(columns, [_status_cells(row) for row in rows])
        output.line(output.counted(len(rows), "vehicle"))
    else:
        output.line(
            f"no vehicles in service; {fleet_facts.command('fleet add VEHICLE --pack NAME', workspace.home)} enters one"
        )


@command.command("ranking")
def fleet_ranking(
    pack: Annotated[str | None, typer.Option(help="Only this pack.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=0, help="Vehicles shown, the oddest first; 0 shows all.")] = 10,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Rank the vehicles by how odd their last days were, as `twinpack learn anomaly` last scored them."""
    from twinpack.cli import ranking
    from twinpack.runtime.anomaly import stored_rankings
    from twinpack.store.workspace import Workspace

    rankings = stored_rankings(Workspace.open(home, create=False), pack)
    if as_json:
        output.json_result({"rankings": rankings})
        return
    for one in rankings:
        ranking.show(one, limit)


@command.command("add")
def fleet_add(
    vehicle: Vehicle,
    fleet: Annotated[str, typer.Option(help="The fleet it is in.")] = "default",
    pack: Annotated[
        str, typer.Option(help="Its pack; see `fleet packs`.", show_default="the fleet's default pack")
    ] = "",
    label: Label = None,
    vin: Vin = None,
    model_year: ModelYear = None,
    climate: Climate = None,
    notes: Notes = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Enter a vehicle: the gateway takes its telemetry, and its twin begins with its first samples.

    Begins a workspace when there is none.
    """
    from twinpack.errors import TwinpackError
    from twinpack.runtime.enrol import enrol
    from twinpack.store.fleet_records import VehicleEntry

    said = _said(label=label, vin=vin, model_year=model_year, climate=climate, notes=notes)
    with opened(home, create=True) as (workspace, registry):
        (judged,) = registry.fleet.judge([VehicleEntry(vehicle, fleet, pack, **said)])
        if isinstance(judged, TwinpackError):
            raise judged
        (entry,) = enrol(workspace, registry, [judged])
    if as_json:
        output.json_result(_entry_record(entry))
    else:
        output.line(f"{entry.vehicle_id} entered in fleet {entry.fleet} with pack {entry.pack}")


@command.command("import")
def fleet_import(
    path: Annotated[Path, typer.Argument(help="CSV: a header with `vehicle` and any of the fields, a line a vehicle.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Enter the vehicles of a CSV file, all or none; each line that is wrong is told with its number.

    Columns: vehicle, and any of fleet, pack, label, vin, model_year, climate, notes.
    """
    from twinpack.cli.fleet_csv import read_vehicles
    from twinpack.errors import InputError
    from twinpack.runtime.enrol import enrol

    lines = read_vehicles(path)
    with opened(home, create=True) as (workspace, registry):
        entries, wrong = _judged(registry, lines)
        for number, what in wrong:
            output.note(f"{path}:{number}: {what}")
        if wrong:
            raise InputError(f"{path}: {output.counted(len(wrong), 'line')} wrong, see above; nothing was entered")
        kept = enrol(workspace, registry, entries)
    if as_json:
        output.json_result({"entered": len(kept), "vehicles": [entry.vehicle_id for entry in kept]})
    else:
        output.line(f"{output.counted(len(kept), 'vehicle')} entered")


@command.command("edit")
def fleet_edit(
    vehicle: Vehicle,
    fleet: Annotated[str | None, typer.Option(help="Move it to this fleet.", show_default=False)] = None,
    pack: Annotated[str | None, typer.Option(help="Refused: a twin keeps its pack.", hidden=True)] = None,
    label: Label = None,
    vin: Vin = None,
    model_year: ModelYear = None,
    climate: Climate = None,
    notes: Notes = None,
    retired: Annotated[
        bool | None,
        typer.Option("--retire/--return", help="Out of service (revokes its tokens), or back.", show_default=False),
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Change what is said of a vehicle; "" takes a text away. Its pack stays, as its twin is made with it."""
    from twinpack.errors import InputError

    changes = _said(label=label, vin=vin, model_year=model_year, climate=climate, notes=notes)
    changes |= _given(fleet=fleet, pack=pack, retired=retired)
    if not changes:
        raise InputError("nothing to change was named; `twinpack fleet edit --help` lists the options")
    with opened(home) as (_, registry):
        entry = registry.fleet.change(vehicle, **changes)
    if as_json:
        output.json_result(_entry_record(entry))
    else:
        output.line(f"{entry.vehicle_id}: {', '.join(sorted(changes))} changed")


@command.command("create")
def fleet_create(
    name: Annotated[str, typer.Argument(help="Its name, a level of the topics its vehicles publish to.")],
    pack: Annotated[str, typer.Option(help="Pack of vehicles entered without one.", show_default=False)] = "",
    notes: Annotated[str, typer.Option(help="For people.", show_default=False)] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Create a fleet. Begins a workspace when there is none."""
    from twinpack.store.fleet_records import FleetRecord

    with opened(home, create=True) as (_, registry):
        fleet = registry.fleet.create_fleet(FleetRecord(name, pack, notes))
    if as_json:
        output.json_result(fleet)
    else:
        output.line(f"fleet {fleet.name} created")


@command.command("fleets")
def fleet_fleets(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the fleets, with how many vehicles each has in service."""
    from collections import Counter

    with opened(home) as (_, registry):
        fleets = registry.fleet.fleets()
        counts = Counter(known.fleet for known in registry.fleet.known().values() if not known.retired)
    if as_json:
        found = [
            {"name": f.name, "default_pack": f.default_pack, "notes": f.notes, "vehicles": counts[f.name]}
            for f in fleets
        ]
        output.json_result({"fleets": found})
    else:
        rows = [[f.name, output.number(counts[f.name]), f.default_pack or output.MISSING, f.notes] for f in fleets]
        output.table(["fleet", "vehicles", "default pack", "notes"], rows)


@command.command("add-pack")
def fleet_add_pack(
    path: Annotated[Path, typer.Argument(help="The specification, a TOML file.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Add a pack that is not shipped. Its name is in the file; a pack never changes once it is added."""
    from twinpack.errors import ImportFileError

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImportFileError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    with opened(home, create=True) as (_, registry):
        pack = registry.fleet.add_pack(text, str(path))
    if as_json:
        output.json_result({"name": pack.name, "added": fleet_facts.moment(pack.added_at_us)})
    else:
        output.line(f"pack {pack.name} added")


@command.command("packs")
def fleet_packs(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the packs that vehicles may have: those shipped and those added."""
    from twinpack.battery.pack import load_pack

    with opened(home) as (_, registry):
        packs = [(pack, load_pack(pack.specification)) for pack in registry.fleet.packs()]
    if as_json:
        found = [
            {"name": pack.name, "chemistry": spec.chemistry, "series": spec.series, "parallel": spec.parallel}
            | {"capacity_ah": spec.capacity_ah, "energy_kwh": spec.energy_kwh, "shipped": not pack.added_at_us}
            for pack, spec in packs
        ]
        output.json_result({"packs": found})
    else:
        output.table(["pack", "chemistry", "cells", "Ah", ""], [_pack_cells(pack, spec) for pack, spec in packs])


def _judged(
    registry: Registry, lines: Sequence[Line[VehicleEntry]]
) -> tuple[list[VehicleEntry], list[tuple[int, Exception]]]:
    """The entries of a file as they would be kept, and the lines that are wrong, in order."""
    from twinpack.store.fleet_records import VehicleEntry

    wrong: list[tuple[int, Exception]] = []
    said: list[tuple[int, VehicleEntry]] = []
    for line in lines:
        if isinstance(line.said, VehicleEntry):
            said.append((line.number, line.said))
        else:
            wrong.append((line.number, line.said))
    entries = []
    for (number, _), judged in zip(said, registry.fleet.judge([entry for _, entry in said]), strict=True):
        if isinstance(judged, VehicleEntry):
            entries.append(judged)
        else:
            wrong.append((number, judged))
    return entries, sorted(wrong, key=lambda one: one[0])


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _said(**values: Any) -> dict[str, Any]:
    """The fields that options name; an empty number or VIN is one that is not known."""
    given = _given(**values)
    return given | {name: None for name in ("vin", "model_year") if name in given and not given[name]}


def _entry_record(entry: VehicleEntry) -> dict[str, Any]:
    return {
        "vehicle": entry.vehicle_id,
        "fleet": entry.fleet,
        "pack": entry.pack,
        "label": entry.label,
        "vin": entry.vin,
        "model_year": entry.model_year,
        "climate": entry.climate,
        "notes": entry.notes,
        "retired": entry.retired,
        "entered": fleet_facts.moment(entry.entered_at_us or None),
    }


def _pack_cells(pack: PackRecord, spec: PackSpec) -> list[str]:
    cells, capacity = f"{spec.series}s{spec.parallel}p", output.number(spec.capacity_ah, 1)
    return [pack.name, spec.chemistry, cells, capacity, "added" if pack.added_at_us else "shipped"]


def _status_record(row: VehicleStatus) -> dict[str, Any]:
    return _entry_record(row.entry) | {
        "last_seen": fleet_facts.moment(row.last_seen_us),
        "soc_pct": row.soc_pct,
        "late_samples": row.late_samples,
        "repeated_samples": row.repeated_samples,
    }


def _status_cells(row: VehicleStatus) -> list[str]:
    seen = fleet_facts.moment(row.last_seen_us)
    return [
        row.vehicle_id + (" (retired)" if row.entry.retired else ""),
        row.entry.fleet,
        row.entry.pack or output.MISSING,
        f"{seen:%Y-%m-%d %H:%M:%S}" if seen else output.MISSING,
        output.number(row.soc_pct),
        output.number(row.late_samples),
        row.entry.label,
    ]
