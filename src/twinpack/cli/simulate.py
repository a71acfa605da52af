"""`twinpack simulate`: the telemetry of a made-up fleet, written to files or played at a broker.

What was true of the fleet goes to a place of its own, which no import takes and no broker is told.
"""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import AsJson
from twinpack.cli.play import DEFAULT_SPEED, EncodingName, PlayOptions, default_years, play_files, speed_of
from twinpack.cli.simulate_files import WrittenFleet, write_fleet
from twinpack.errors import InputError

if TYPE_CHECKING:
    from twinpack.simulate.faults.fleet import FaultFleet
    from twinpack.simulate.physics import PhysicsFleet
    from twinpack.simulate.routes import RouteFleet

YEARS = 5.0
TRIPS, PLAYED_TRIPS = 60, 5
PERIOD_S, WATCHED_PERIOD_S = 1.0, 30.0
DAYS = 90

_ROUTE_PACK = "route_cell"
"""Routes tell the voltage of one cell; of the shipped packs, the one of a single cell has limits that fit."""


class Kind(StrEnum):
    """What kind of fleet is simulated."""

    physics = "physics"
    routes = "routes"
    faults = "faults"


def command(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; made when it is not there.", show_default=False)
    ] = None,
    kind: Annotated[
        Kind,
        typer.Option(
            help="physics: drives and charges of ageing packs; routes: constant-speed routes of one cell; "
            "faults: every cell watched day and night, every other vehicle with a fault."
        ),
    ] = Kind.physics,
    vehicles: Annotated[int, typer.Option(help="Vehicles.")] = 20,
    trips: Annotated[
        int | None,
        typer.Option(
            help="Drives, or routes, of each vehicle; not faults.", show_default=f"{TRIPS}; {PLAYED_TRIPS} with --mqtt"
        ),
    ] = None,
    years: Annotated[
        float | None,
        typer.Option(
            help="Years the drives are spread over; physics only.", show_default=f"{YEARS:g}; few days with --mqtt"
        ),
    ] = None,
    period_s: Annotated[
        float | None,
        typer.Option(
            help="Seconds between the samples of a drive; not routes.",
            show_default=f"{PERIOD_S:g}; {WATCHED_PERIOD_S:g} for faults",
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="Days the vehicles are watched; faults only.", show_default=f"{DAYS}")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 7,
    mqtt: Annotated[
        str, typer.Option(help="Play at this broker: mqtt://host:1883 or mqtts://host:8883.", show_default=False)
    ] = "",
    speed: Annotated[
        str, typer.Option(help="With --mqtt: how many times faster than the clock, such as 60x, or max.")
    ] = DEFAULT_SPEED,
    files: Annotated[
        Path | None,
        typer.Option(help="With --mqtt: play these Parquet files instead of simulating.", show_default=False),
    ] = None,
    fleet: Annotated[str, typer.Option(help="With --mqtt: the fleet in the topics.")] = "default",
    user: Annotated[str, typer.Option(help="With --mqtt: user name.", show_default=False)] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="With --mqtt: file that holds the password or token.", show_default=False)
    ] = None,
    ca_file: Annotated[
        str, typer.Option(help="With mqtts: who may sign the broker's certificate.", show_default="the system's")
    ] = "",
    cert_file: Annotated[str, typer.Option(help="With mqtts: certificate of this client.", show_default=False)] = "",
    key_file: Annotated[str, typer.Option(help="With mqtts: its key.", show_default=False)] = "",
    encoding: Annotated[EncodingName, typer.Option(help="With --mqtt: how messages are written.")] = EncodingName.json,
    samples: Annotated[int, typer.Option(min=1, max=10_000, help="With --mqtt: samples in a message.")] = 1,
    shards: Annotated[int, typer.Option(min=1, help="With --mqtt: as in the settings of the workspace.")] = 256,
    max_pause_s: Annotated[
        float,
        typer.Option(min=0, help="With --mqtt: longest silence of the fleet that is played, seconds of its time."),
    ] = 60.0,
    shift: Annotated[
        bool, typer.Option("--shift/--no-shift", help="With --mqtt: move the dates so that the fleet drives now.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Simulate a fleet: write its telemetry as Parquet files, or play it at an MQTT broker as if it drove now.

    What was true (capacity, resistance, wear, faults) goes to a folder of its own that no import takes.
    """
    _check_use(out, mqtt, files)
    wanted = trips if trips is not None else (PLAYED_TRIPS if mqtt else TRIPS)
    if mqtt and years is None and kind is Kind.physics:
        years = default_years(wanted)
    options = PlayOptions(
        *(mqtt, fleet, user, password_file, ca_file, cert_file, key_file),
        *(speed_of(speed), encoding.value, samples, shards, max_pause_s, shift),
    )
    if files is not None:
        play_files(files, options, as_json)
        return
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(TemporaryDirectory(prefix="twinpack-simulate-")))
        watched = kind is Kind.faults
        made, pack = make_fleet(kind, vehicles, trips if watched else wanted, years, seed, period_s, days)
        steps = (days or DAYS) if watched else wanted
        with output.progress("simulate", vehicles * steps, "days" if watched else "trips") as bar:
            written = write_fleet(made, pack, folder, bar.set)
        if mqtt:
            play_files(Path(written.telemetry), options, as_json)
        else:
            _show(written, vehicles, seed, as_json)


def _check_use(out: Path | None, mqtt: str, files: Path | None) -> None:
    if not mqtt and files is not None:
        raise InputError("--files plays files at a broker: name it with --mqtt")
    if not mqtt and out is None:
        raise InputError("say where to: --out FOLDER for files, or --mqtt URL to play at a broker")
    if files is not None and out is not None:
        raise InputError("--files plays what is there and --out writes what is simulated: give one of them")


def _show(written: WrittenFleet, vehicles: int, seed: int, as_json: bool) -> None:
    if as_json:
        output.json_result(written)
        return
    counts = f"{output.number(written.rows)} samples of {output.counted(vehicles, 'vehicle')}, seed {seed}"
    output.line(f"{counts}, in {output.counted(len(written.files), 'file')}")
    output.line(f"telemetry  {written.telemetry}")
    output.line(f"truth      {written.truth}")
    output.line(f"next: twinpack import {written.telemetry}")


def make_fleet(
    kind: Kind,
    vehicles: int,
    trips: int | None,
    years: float | None,
    seed: int,
    period_s: float | None = None,
    days: int | None = None,
) -> tuple[PhysicsFleet | RouteFleet | FaultFleet, str]:
    """The fleet asked for, and the name of its pack.

    Raises:
        InputError: A setting is out of its range, or does not belong to this kind.
    """
    from twinpack.simulate.physics import PhysicsFleet
    from twinpack.simulate.routes import RouteFleet
    from twinpack.simulate.settings import FleetSettings, RouteSettings

    if kind is Kind.faults:
        return _watched_fleet(vehicles, trips, years, seed, period_s, days)
    if days is not None:
        raise InputError("--days belongs to --kind faults; the others count --trips")
    trips = TRIPS if trips is None else trips
    if kind is Kind.physics:
        chosen = FleetSettings(
            vehicles=vehicles,
            trips=trips,
            years=YEARS if years is None else years,
            seed=seed,
            period_s=PERIOD_S if period_s is None else period_s,
        )
        return PhysicsFleet(chosen), chosen.pack
    if years is not None:
        raise InputError("--years belongs to --kind physics; routes are one a day")
    if period_s is not None:
        raise InputError("--period-s belongs to --kind physics; routes are sampled by distance")
    return RouteFleet(RouteSettings(vehicles=vehicles, routes=trips, seed=seed)), _ROUTE_PACK


def _watched_fleet(
    vehicles: int, trips: int | None, years: float | None, seed: int, period_s: float | None, days: int | None
) -> tuple[FaultFleet, str]:
    from twinpack.simulate.faults.fleet import FaultFleet
    from twinpack.simulate.faults.settings import FaultFleetSettings

    if trips is not None or years is not None:
        raise InputError(
            "--trips and --years belong to the other kinds; vehicles of --kind faults are watched for --days"
        )
    chosen = FaultFleetSettings(
        vehicles=vehicles,
        days=DAYS if days is None else days,
        seed=seed,
        use_period_s=WATCHED_PERIOD_S if period_s is None else period_s,
    )
    return FaultFleet(chosen), chosen.pack
