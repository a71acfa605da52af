"""`twinpack health`: what is known of vehicles' batteries, kind by kind, what changed last and why, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.opened import check_vehicle, opened
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.errors import InputError

if TYPE_CHECKING:
    from twinpack.battery.pack import PackSpec
    from twinpack.store.registry import Registry
    from twinpack.store.workspace import Workspace
    from twinpack.twin.explain import Explanation

Row = dict[str, Any]


class Kind(Enum):
    """Kinds of health."""

    capacity = "capacity"
    resistance = "resistance"
    energy = "energy"
    imbalance = "imbalance"
    bms = "bms"


_NAMES = {
    "capacity": "Capacity",
    "resistance": "Resistance",
    "energy": "Energy (SOCE)",
    "imbalance": "Imbalance",
    "bms": "BMS deviation",
}
_DECIMALS = {"capacity": 1, "resistance": 3, "energy": 1, "imbalance": 1, "bms": 1}
_ORDER = ("twin", "cells", "charge", "workshop")


def command(
    vehicle: Annotated[str, typer.Argument(metavar="[VEHICLE]", help="One vehicle; all without.")] = "",
    kind: Annotated[Kind | None, typer.Option(help="Only this kind.", show_default="all kinds")] = None,
    history: Annotated[bool, typer.Option("--history", help="All that was ever known of the vehicle.")] = False,
    pack: Annotated[str | None, typer.Option(help="Only vehicles of this pack.", show_default="every pack")] = None,
    fleet: Annotated[str | None, typer.Option(help="Only vehicles of this fleet.", show_default="every fleet")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Vehicles shown, the weakest first; 0 shows all.")] = 20,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show health: capacity, resistance, energy, imbalance and how far the BMS is off, each with its 95 % interval.

    Of one vehicle, each kind with its source and date, what changed last and why, and what is not known and why.
    What is found is kept in the table `health`.
    """
    if history and not vehicle:
        raise InputError("--history tells of one vehicle: name it")
    if vehicle and (pack is not None or fleet is not None):
        raise InputError("--pack and --fleet choose among all vehicles: leave them out, or the vehicle")
    with opened(home) as (workspace, registry):
        wanted = kind and kind.value
        if vehicle:
            check_vehicle(registry, vehicle)
            _one(workspace, registry, vehicle, wanted, history, as_json)
        else:
            _all(workspace, registry, _chosen(registry, pack, fleet), wanted, limit, as_json)


# --- one vehicle ------------------------------------------------------------------------------------------------------


def _one(
    workspace: Workspace, registry: Registry, vehicle: str, kind: str | None, history: bool, as_json: bool
) -> None:
    from twinpack.twin.explain import explain

    rows = _rows(workspace, registry, kind, [vehicle])
    pack = registry.fleet.specification(registry.fleet.known()[vehicle].pack_name)
    told = explain(registry.versions(vehicle), pack.capacity_ah if pack else None)
    newest = _newest(rows)
    kinds = [kind] if kind else list(_NAMES)
    if as_json:
        result: dict[str, Any] = {
            "vehicle": vehicle,
            "health": [_plain(row) for row in newest],
            "changes": [_change_record(one, told) for one in kinds if _change_record(one, told)],
        }
        output.json_result(result | ({"history": [_plain(row) for row in rows]} if history else {}))
        return
    output.line(_heading(vehicle, pack))
    if not newest:
        output.line(f"nothing is known of {vehicle} yet; its first trips are still to be learned from")
        return
    known = [row for row in newest if row["value"] is not None]
    if known:
        output.table(["kind", "value", "95 % interval", "unit", "on", "source"], [_cells(row) for row in known])
    _tell_changes(kinds, told, known, rows)
    _tell_unknown([row for row in newest if row["value"] is None])
    if history:
        _tell_history(rows)


def _heading(vehicle: str, pack: PackSpec | None) -> str:
    if pack is None:
        return f"{vehicle} · pack not known"
    return (
        f"{vehicle} · {pack.name} · {pack.chemistry} · rated {pack.capacity_ah:g} Ah · "
        f"certified {pack.new_energy_kwh:g} kWh"
    )


def _cells(row: Row) -> list[str]:
    decimals = _DECIMALS[row["kind"]]
    interval = f"{output.number(row['low'], decimals)} to {output.number(row['high'], decimals)}"
    version = f", version {row['version_number']}" if row["version_number"] else ""
    value = output.number(row["value"], decimals)
    day = row["sample_time"].date().isoformat()
    return [_NAMES[row["kind"]], value, interval, row["unit"], day, f"{row['source']}{version}"]


def _tell_changes(kinds: Sequence[str], told: Sequence[Explanation], known: Sequence[Row], rows: Sequence[Row]) -> None:
    lines: list[str] = []
    by_twin = {row["kind"] for row in known if row["source"] == "twin"}
    for kind in kinds:
        if kind in by_twin:
            lines += _energy_line(rows) if kind == "energy" else _change_lines(kind, told)
    for row in known:
        reason = _sentence(row["reason"])
        if row["kind"] not in ("capacity", "resistance", "energy") or row["source"] in ("workshop", "charge"):
            if not any(reason in line for line in lines):  # the version that a test made has told it
                lines.append(f"{_NAMES[row['kind']]} ({row['source']}): {reason}")
    if lines:
        output.line("\nWhat changed last, and why")
        _tell(lines)


def _change_lines(kind: str, told: Sequence[Explanation]) -> list[str]:
    from twinpack.forecast.known import last_change
    from twinpack.twin.explain import total
    from twinpack.twin.sentences import change_in_words, heading

    found = last_change(told, kind)
    if found is None:
        return []
    each, change = found
    whole = total(told, change.name)
    text = f"{_sentence(heading(each))} {_sentence(change_in_words(change))} {_sentence(each.reason)}"
    since = [f"{_NAMES[kind]} since version 1: {change_in_words(whole)}."] if whole else []
    return [f"{_NAMES[kind]}: {text}", *since]


def _energy_line(rows: Sequence[Row]) -> list[str]:
    from twinpack.twin.words import number, signed

    told = [row for row in rows if row["kind"] == "energy" and row["value"] is not None]
    if len(told) < 2:
        return []
    before, now = (row["value"] for row in told[-2:])
    moved = f"{number(before, 1)} → {number(now, 1)} %: {signed(now - before, 1)} pts"
    return [f"{_NAMES['energy']}: {moved}, as capacity and resistance went."]


def _tell_unknown(rows: Sequence[Row]) -> None:
    if rows:
        output.line("\nNot known, why, and what would help")
        _tell([f"{_NAMES[row['kind']]} ({row['source']}): {_sentence(row['reason'])}" for row in rows])


def _tell_history(rows: Sequence[Row]) -> None:
    output.line("\nAll that was known")
    for row in rows:
        cells = _cells(row)
        value = f"{cells[1]} {row['unit']} ({cells[2]})" if row["value"] is not None else "not known"
        _tell([f"{cells[4]} {cells[0]}, {cells[5]}: {value}. {_sentence(row['reason'])}"])


def _tell(paragraphs: Sequence[str]) -> None:
    from twinpack.cli.explain import wrapped

    for text in paragraphs:
        for line in wrapped(text, "  "):
            output.line(line)


def _sentence(text: str | None) -> str:
    text = (text or "").strip()
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _change_record(kind: str, told: Sequence[Explanation]) -> dict[str, Any]:
    from dataclasses import asdict

    from twinpack.forecast.known import last_change
    from twinpack.twin.explain import total

    found = last_change(told, kind)
    if found is None:
        return {}
    each, change = found
    whole = total(told, change.name)
    return {
        "kind": kind,
        "version": each.version,
        "version_kind": each.kind,
        "reason": each.reason,
        "last": asdict(change) | {"change": change.change},
        "total": None if whole is None else asdict(whole) | {"change": whole.change},
    }


# --- many vehicles ----------------------------------------------------------------------------------------------------


def _chosen(registry: Registry, pack: str | None, fleet: str | None) -> list[str]:
    from twinpack.errors import NotFoundError

    if fleet is not None:
        registry.fleet.fleet(fleet)
    known = registry.fleet.known()
    if pack is not None and pack not in {one.pack_name for one in known.values()}:
        names = ", ".join(sorted({one.pack_name for one in known.values() if one.pack_name})) or "none"
        raise NotFoundError(f"no vehicle of pack {pack!r} here; there are packs: {names}")
    return [
        name
        for name, one in known.items()
        if (fleet is None or one.fleet == fleet) and (pack is None or one.pack_name == pack)
    ]


def _all(
    workspace: Workspace, registry: Registry, vehicles: Sequence[str], kind: str | None, limit: int, as_json: bool
) -> None:
    newest = _newest(_rows(workspace, registry, kind, vehicles))
    best: dict[str, dict[str, Row]] = {}
    for row in newest:
        mine = best.setdefault(row["vehicle_id"], {})
        if row["kind"] not in mine or mine[row["kind"]]["value"] is None:
            mine[row["kind"]] = row
    kinds = [kind] if kind else list(_NAMES)
    ranked = sorted(best.items(), key=lambda item: (_rank(item[1], kinds[0]), item[0]))
    if as_json:
        plain = [{"vehicle": name, **{one: _plain(row) for one, row in mine.items()}} for name, mine in ranked]
        output.json_result({"vehicles": plain})
        return
    if not ranked:
        output.line("nothing is known of any of these vehicles yet; `twinpack run` lets their twins learn")
        return
    shown = ranked[: limit or None]
    columns = ["vehicle", *(f"{_NAMES[one]}, {_unit(one)}" for one in kinds), "on"]
    output.table(columns, [_fleet_cells(name, mine, kinds) for name, mine in shown])
    output.line(f"{output.counted(len(ranked), 'vehicle')}, each figure with half its 95 % interval")
    if len(shown) < len(ranked):
        output.line(f"{output.counted(len(ranked) - len(shown), 'more vehicle')} not shown; --limit 0 shows all")


def _unit(kind: str) -> str:
    from twinpack.forecast.known import UNITS

    return UNITS[kind]


def _rank(mine: dict[str, Row], kind: str) -> float:
    """The weakest first: least of capacity and energy, most of the others; what is not known comes last."""
    value = mine[kind]["value"] if kind in mine else None
    if value is None:
        return float("inf")
    return float(value) if kind in ("capacity", "energy") else -abs(float(value))


def _fleet_cells(name: str, mine: dict[str, Row], kinds: Sequence[str]) -> list[str]:
    values = []
    for kind in kinds:
        row = mine.get(kind)
        known = row is not None and row["value"] is not None
        values.append(
            output.with_uncertainty(row["value"], row["high"] - row["value"]) if row and known else "not known"
        )
    days = [row["sample_time"].date().isoformat() for row in mine.values()]
    return [name, *values, max(days)]


# --- rows -------------------------------------------------------------------------------------------------------------


def _rows(workspace: Workspace, registry: Registry, kind: str | None, vehicles: Sequence[str]) -> list[Row]:
    from twinpack.runtime.health import bring_up_health, health_rows

    bring_up_health(workspace, registry)
    rows: list[Row] = health_rows(workspace, kind, vehicles).to_pylist()
    return rows


def _newest(rows: Sequence[Row]) -> list[Row]:
    """The newest row of each vehicle, kind and source, in the order of kinds; the twin's first.

    What the twin can no longer tell is not known, whatever it told before; of a test or a charge the last figure holds.
    """
    found: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        key = row["vehicle_id"], row["kind"], row["source"]
        held = row["value"] is None and row["source"] in ("charge", "workshop") and key in found
        if not held:
            found[key] = row
    order = {name: at for at, name in enumerate(_NAMES)}
    return sorted(found.values(), key=lambda row: (row["vehicle_id"], order[row["kind"]], _ORDER.index(row["source"])))


def _plain(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "vehicle_id"}
