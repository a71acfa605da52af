"""`twinpack twin`: one twin: health, parameters, the version deployed, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import fleet_facts, output
from twinpack.cli.fleet_facts import Errors, Trips
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home

if TYPE_CHECKING:
    from pathlib import Path

    from twinpack.battery.pack import PackSpec
    from twinpack.store.records import VehicleRecord
    from twinpack.twin.versions import TwinVersion

LAST = 5


@dataclass(frozen=True)
class Twin:
    """One twin: its record, pack if shipped, versions from first to last, sessions and errors."""

    record: VehicleRecord
    pack: PackSpec | None
    versions: list[TwinVersion]
    trips: Trips
    errors: Errors

    @property
    def capacity_ah_new(self) -> float | None:
        """Capacity of the new pack."""
        return self.pack.capacity_ah if self.pack else None

    @property
    def deployed(self) -> TwinVersion | None:
        """The version in use."""
        from twinpack.twin.figures import deployed_version

        return deployed_version(self.versions)

    @property
    def as_of_now(self) -> TwinVersion | None:
        """The version in use, gone on along its rates to the last session."""
        return self.trips.as_of_now(self.deployed, self.capacity_ah_new) if self.deployed else None


def command(
    vehicle: Annotated[str, typer.Argument(help="The vehicle.")],
    last: Annotated[int, typer.Option(min=0, help="How many versions to list, the newest first; 0 lists all.")] = LAST,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show one twin: health, parameters, the version deployed, and the last versions with their reasons."""
    twin = read_twin(home, vehicle)
    newest = twin.versions[::-1][: last or None]
    if as_json:
        output.json_result(as_record(twin, newest))
    else:
        tell(twin, newest)


def read_twin(home: Path, vehicle: str) -> Twin:
    """The twin of a vehicle.

    Raises:
        NotFoundError: There is no workspace, or no such vehicle in it.
    """
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        record = fleet_facts.find_vehicle(workspace, registry, vehicle)
        versions = registry.versions(vehicle)
        pack = registry.fleet.specification(record.pack)
    lake = workspace.lake()
    return Twin(
        record=record,
        pack=pack,
        versions=versions,
        trips=fleet_facts.trips_of(lake, vehicle).get(vehicle, Trips()),
        errors=fleet_facts.errors_of(lake, vehicle).get(vehicle, Errors()),
    )


def as_record(twin: Twin, newest: list[TwinVersion]) -> dict[str, Any]:
    """The twin as JSON values."""
    from twinpack.twin.figures import Health, figures, health

    deployed = twin.deployed
    now = twin.as_of_now
    state = health(now, twin.capacity_ah_new) if now else Health()
    shown = figures(now, twin.capacity_ah_new, as_health=False) if now else ()
    return {
        "vehicle": twin.record.vehicle_id,
        "pack": twin.record.pack,
        "capacity_ah_new": twin.capacity_ah_new,
        "capacity_health_pct": state.capacity_pct,
        "capacity_health_2sigma_pts": fleet_facts.doubled(state.capacity_sd_pct),
        "range_scale_pct": state.range_pct,
        "range_scale_2sigma_pts": fleet_facts.doubled(state.range_sd_pct),
        "resistance_x_new": state.resistance_x,
        "resistance_2sigma_x_new": fleet_facts.doubled(state.resistance_sd_x),
        "parameters": [
            {"name": each.name, "label": each.label, "unit": each.unit, "value": each.mean, "two_sigma": 2.0 * each.sd}
            for each in shown
        ],
        "deployed_version": deployed.number if deployed else None,
        "versions": len(twin.versions),
        "trips": twin.trips.count,
        "last_trip": fleet_facts.moment(twin.trips.last_us),
        "scored_trips": twin.errors.trips,
        "rmse_with_updates_v": twin.errors.with_updates_v,
        "rmse_without_updates_v": twin.errors.without_updates_v,
        "last_versions": [_version_record(version) for version in newest],
    }


def _version_record(version: TwinVersion) -> dict[str, Any]:
    return {
        "version": version.number,
        "kind": version.kind,
        "trip": version.trip_number,
        "time": fleet_facts.moment(version.sample_time_us),
        "reason": version.reason,
        "deployed_rmse_v": version.deployed_rmse_v,
        "challenger_rmse_v": version.challenger_rmse_v,
        "never_rmse_v": version.never_rmse_v,
        "model_hash": version.model_hash,
        "hash": version.hash,
        "parent_hash": version.parent_hash,
    }


def tell(twin: Twin, newest: list[TwinVersion]) -> None:
    """The answer first, then what it rests on."""
    from twinpack.cli.explain import wrapped

    output.line(_facts(twin))
    for name, text in _headline(twin):
        for number, line in enumerate(wrapped(text, " " * 17)):
            output.line(f"{name:<17}{line[17:]}" if number == 0 else line)
    if (now := twin.as_of_now) is not None:
        output.line()
        output.table(["parameter", "value ± 2σ", "unit"], _parameters(twin, now))
    for version in newest:
        output.line()
        for line in _version_lines(version, twin.deployed is version):
            output.line(line)
    if len(newest) < len(twin.versions):
        rest = output.counted(len(twin.versions) - len(newest), "earlier version")
        output.line(f"\n{rest} not listed; --last 0 lists all")


def _facts(twin: Twin) -> str:
    pack = twin.pack
    if pack is not None and _of_routes(twin):
        return f"{twin.record.vehicle_id} · {twin.record.pack} · voltage over distance; capacity is not known"
    known = f" · {pack.chemistry} {pack.series}s{pack.parallel}p · {pack.capacity_ah:g} Ah" if pack else ""
    return f"{twin.record.vehicle_id} · {twin.record.pack}{known}"


def _of_routes(twin: Twin) -> bool:
    """Whether the twin knows its range instead of capacity."""
    from twinpack.twin.figures import Health, health

    state = health(twin.deployed, twin.capacity_ah_new) if twin.deployed else Health()
    return state.capacity_pct is None and state.range_pct is not None


def _headline(twin: Twin) -> list[tuple[str, str]]:
    from twinpack.twin.figures import Health, health

    now, errors = twin.as_of_now, twin.errors
    state = health(now, twin.capacity_ah_new) if now else Health()
    capacity = output.with_uncertainty(state.capacity_pct, fleet_facts.doubled(state.capacity_sd_pct))
    resistance = output.with_uncertainty(state.resistance_x, fleet_facts.doubled(state.resistance_sd_x))
    count = output.counted(twin.trips.count, "trip")
    known = [
        ("Capacity health", "not known yet" if state.capacity_pct is None else f"{capacity} %"),
        ("Resistance", "not known yet" if state.resistance_x is None else f"{resistance} × new"),
    ]
    if _of_routes(twin):
        left = output.with_uncertainty(state.range_pct, fleet_facts.doubled(state.range_sd_pct))
        known = [("Range scale", f"{left} % of new")]
    return [
        *known,
        ("Deployed", _deployed(twin)),
        ("Trips", f"{count}, the last on {fleet_facts.day(twin.trips.last_us)}" if twin.trips.count else "none yet"),
        (
            "Error",
            f"{output.significant(errors.with_updates_v, 2)} V with updates, "
            f"{output.significant(errors.without_updates_v, 2)} V never updated "
            f"(median RMSE of {output.counted(errors.trips, 'scored trip')})"
            if errors.trips
            else "not known yet; no trip has been scored",
        ),
    ]


def _deployed(twin: Twin) -> str:
    version = twin.deployed
    if version is None:
        return "nothing yet; the first trips are still to be learned from"
    after = f" after trip {version.trip_number}" if version.trip_number else ""
    return f"version {version.number} of {len(twin.versions)}, {_KINDS[version.kind]}{after}"


def _parameters(twin: Twin, deployed: TwinVersion) -> list[list[str]]:
    from twinpack.twin.figures import figures

    return [
        [figure.label, output.with_uncertainty(figure.mean, 2.0 * figure.sd), figure.unit]
        for figure in figures(deployed, twin.capacity_ah_new, as_health=False)
    ]


_KINDS = {
    "prototype": "the prototype",
    "accepted": "accepted",
    "refused": "refused",
    "rollback": "a roll-back",
    "promoted": "a new model",
    "replayed": "a replay",
    "measured": "a workshop's test",
}


def _version_lines(version: TwinVersion, deployed: bool) -> list[str]:
    from twinpack.cli.explain import wrapped

    after = f" after trip {version.trip_number}" if version.trip_number else ""
    mark = ", deployed" if deployed else ""
    head = f"Version {version.number}, {_KINDS[version.kind]}{after}, {fleet_facts.day(version.sample_time_us)}{mark}"
    by = [
        (version.deployed_rmse_v, "deployed"),
        (version.challenger_rmse_v, "challenger"),
        (version.never_rmse_v, "never updated"),
    ]
    errors = ", ".join(f"{output.significant(error, 2)} V {who}" for error, who in by if error is not None)
    body = [version.reason, f"error {errors}" if errors else "", f"hash {version.hash[:12]}"]
    return [*wrapped(head), *(line for text in body if text for line in wrapped(text, "  "))]
