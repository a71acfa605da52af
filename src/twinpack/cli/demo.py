"""`twinpack demo`: a simulated fleet, its living twins, what they found, and the app, in one command."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import AsJson
from twinpack.errors import WorkspaceError

if TYPE_CHECKING:
    from twinpack.cli.demo_ahead import Ahead
    from twinpack.cli.demo_app import App
    from twinpack.cli.demo_fault import Caught
    from twinpack.cli.demo_live import Lived
    from twinpack.cli.simulate_files import WrittenFleet
    from twinpack.cli.trial import Trial
    from twinpack.evaluate.metrics import BandQuality, HealthQuality
    from twinpack.runtime.stages import Stages

Say = Callable[["Found"], None]

DEMO_HOME = Path("twinpack-demo")
MARKER = ".twinpack-demo"
WIDTH = 80


@dataclass(frozen=True)
class Found:
    """What a demo found, and the seconds that each stage took."""

    vehicles: int
    trips: int
    with_updates: BandQuality
    without_updates: BandQuality
    health: HealthQuality
    versions_verified: int
    explained: str
    faults: Caught
    ahead: Ahead | None
    live: Lived | None
    app: App | None
    report: Path
    seconds: dict[str, float]


def command(
    vehicles: Annotated[int, typer.Option(help="Vehicles.")] = 100,
    trips: Annotated[int, typer.Option(help="Drives of each vehicle, spread over five years.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 7,
    home: Annotated[
        Path, typer.Option("--home", help="The workspace folder; one that a demo made is made anew.")
    ] = DEMO_HOME,
    app: Annotated[bool, typer.Option(help="Serve the app and look at it; on a terminal until Ctrl-C.")] = True,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="The app's port.", show_default="8765, or a free one if that is taken"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Simulate a fleet, let its twins live, verify their history, and serve the app on it.

    On a terminal the app is served until Ctrl-C; elsewhere it is looked at as its users would, and that is all.
    `twinpack serve --simulated-fleet` opens it again.
    """
    serving = Serving(port, stays=not as_json and sys.stdout.isatty()) if app else None
    run_demo(home, vehicles, trips, seed, serving, _say_json if as_json else _say)


def _say(found: Found) -> None:
    for text in findings(found):
        output.line(text)


def _say_json(found: Found) -> None:
    output.json_result(_figures(found))


@dataclass(frozen=True)
class Serving:
    """How the app is served: at which port, None for the usual one, and whether until Ctrl-C."""

    port: int | None = None
    stays: bool = False


def run_demo(home: Path, vehicles: int, trips: int, seed: int, serving: Serving | None, say: Say) -> None:
    """Run the whole demo in a workspace of its own.

    Args:
        home: The workspace.
        vehicles: Vehicles.
        trips: Drives of each.
        seed: Of the fleet.
        serving: How the app is served, None for not at all.
        say: Told what was found, while the app is served.
    """
    from twinpack.cli.demo_app import looked_at
    from twinpack.ingest.stopping import stop_on_signals
    from twinpack.runtime.stages import APP, OTHER, Stages

    stages = Stages()
    with ExitStack() as opened:
        with stages.within(OTHER):
            found = _run_demo(home, vehicles, trips, seed, stages)
            if serving is not None:
                output.note("the app: gateway, API and a fleet that drives on")
                with stages.within(APP):
                    app = opened.enter_context(looked_at(home, serving.port, vehicles, found.faults.vehicle_id))
                found = replace(found, app=app)
        say(replace(found, seconds=stages.seconds))
        if serving is not None and serving.stays:
            output.note("Serving until Ctrl-C.")
            with stop_on_signals() as stopped:
                stopped.wait()


def _run_demo(home: Path, vehicles: int, trips: int, seed: int, stages: Stages) -> Found:
    from twinpack.cli.demo_ahead import looked_ahead
    from twinpack.cli.demo_fault import caught
    from twinpack.cli.demo_live import live_on
    from twinpack.cli.report import write_report
    from twinpack.cli.trial import health_against_truth, live_through, quality
    from twinpack.runtime.stages import FORECAST, LIVE, REPORT, SCORE, SIMULATE, VERIFY

    _fresh(home)
    with stages.within(SIMULATE):
        fleet, faulty = _simulate(home, vehicles, trips, seed)
    output.note("each twin predicts a trip, measures it, and learns from it")
    trial = live_through(home, Path(fleet.telemetry), profile="twinpack", kind="thevenin-2rc", trips=3, stages=stages)
    live = None
    if fleet.live:
        output.note("the last trips come live: MQTT broker, gateway, log, twins")
        with stages.within(LIVE):
            live = live_on(home, Path(fleet.live))
    with stages.within(VERIFY):
        verified = _verify(trial)
    with stages.within(SCORE):
        with_updates, without_updates = (quality(trial.workspace, who) for who in ("deployed", "never"))
        faults = caught(trial.workspace, faulty)
        health, explained = health_against_truth(trial.workspace, Path(fleet.truth)), _explained(trial)
    output.note("looking ahead: how the fleet ages, and when lives end")
    with stages.within(FORECAST):
        ahead = looked_ahead(trial.workspace)
    output.note("writing the report")
    with stages.within(REPORT):
        written = write_report(home, None, "Demo fleet", vehicles)
    return Found(
        vehicles=vehicles,
        trips=trial.summary.predictions + (live.trips if live else 0),
        with_updates=with_updates,
        without_updates=without_updates,
        health=health,
        versions_verified=verified,
        explained=explained,
        faults=faults,
        ahead=ahead,
        live=live,
        app=None,
        report=Path(written.path),
        seconds=stages.seconds,
    )


def _fresh(home: Path) -> None:
    """A new workspace; what an earlier demo left goes, anything else stays and is refused."""
    from twinpack.store.settings import BrokerSettings, HttpSettings, Settings
    from twinpack.store.workspace import Workspace

    if home.exists() and any(home.iterdir()):
        if not (home / MARKER).is_file():
            raise WorkspaceError(f"{home} is not a demo's folder: name another with --home, or move it away")
        shutil.rmtree(home)
    # Whatever else runs on this machine, the demo does too.
    Workspace.open(home, settings=Settings(broker=BrokerSettings(port=0), http=HttpSettings(port=0)))
    (home / MARKER).write_text("Made by `twinpack demo`; the next demo here replaces it.\n", encoding="utf-8")


def _simulate(home: Path, vehicles: int, trips: int, seed: int) -> tuple[WrittenFleet, str]:
    """The fleet's files, and the vehicle with faults; the last trips are for live, if any are left for the history."""
    from twinpack.cli.demo_fault import PlantedFleet
    from twinpack.cli.demo_fleet import write_living
    from twinpack.cli.simulate import PERIOD_S, YEARS
    from twinpack.cli.simulate_files import write_fleet
    from twinpack.simulate.physics import PhysicsFleet
    from twinpack.simulate.settings import FleetSettings

    settings = FleetSettings(vehicles, trips, YEARS, seed, PERIOD_S, start=_first_day(YEARS))
    planted = PlantedFleet(PhysicsFleet(settings))
    with output.progress("simulate", vehicles * trips, "trips") as bar:
        written = write_fleet(planted, settings.pack, home / "fleet", bar.set, trips - 1 if trips > 1 else None)
    write_living(home / "fleet", planted.faulty)
    return written, planted.faulty


def _first_day(years: float) -> date:
    """The day on which a history begins that ends yesterday."""
    from twinpack.simulate.settings import DAYS_PER_YEAR

    return datetime.now(UTC).date() - timedelta(days=math.ceil(years * DAYS_PER_YEAR) + 1)


def _verify(trial: Trial) -> int:
    from twinpack.store.audit import verify

    with trial.workspace.registry() as registry:
        report = verify(registry, trial.workspace.heads())
        report.check()
        return registry.version_count()


def _explained(trial: Trial) -> str:
    """One change of a capacity health, in words: the largest wear that one update found."""
    from twinpack.battery.pack import load_pack
    from twinpack.twin.explain import Explanation, explain
    from twinpack.twin.sentences import in_words
    from twinpack.twin.versions import ACCEPTED

    best: tuple[float, str, Explanation] | None = None
    with trial.workspace.registry() as registry:
        for vehicle in registry.vehicles():
            told = explain(registry.versions(vehicle.vehicle_id), load_pack(vehicle.pack).capacity_ah)
            for one in told:
                size = max((abs(change.wear) for change in one.changes if change.name == "capacity_scale"), default=0)
                if one.kind == ACCEPTED and (best is None or size > best[0]):
                    best = (size, vehicle.vehicle_id, one)
    return "" if best is None else f"{best[1]}: {in_words(best[2])}"


def findings(found: Found) -> list[str]:
    """What a demo says in the end, in lines of 80 columns."""
    import textwrap

    never, living, health = found.without_updates, found.with_updates, found.health
    share = living.rmse_v / never.rmse_v
    texts = [
        f"{output.counted(found.vehicles, 'twin')} lived through {output.counted(found.trips, 'trip')} of five years.",
        f"Error of the predicted pack voltage: {living.rmse_v:.2f} V with updates, {never.rmse_v:.2f} V without "
        f"({100 * share:.0f} %).",
        f"95 % bands held {living.coverage_95_pct:.1f} % of the samples; their interval score is "
        f"{living.interval_score_ratio:.2f} times that of the best band of constant width.",
        f"Capacity health is off the hidden truth by {health.mae_pct:.2f} pts on average; guessing the fleet's mean "
        f"is off by {health.fleet_mean_mae_pct:.2f} pts.",
        f"{output.counted(found.versions_verified, 'version')} in the history, every hash and link verified.",
        f"One change explained. {found.explained}",
        *_told_faults(found.faults, found.vehicles),
        *_told_ahead(found.ahead),
        *_told_live(found.live),
        _time_spent(found.seconds),
        f"Report: {found.report}",
    ]
    return [
        line for text in texts for line in textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    ] + _told_app(found.app)


def _told_app(app: App | None) -> list[str]:
    """What was seen in the app, and how to open it."""
    if app is None:
        return []
    accounts = ", ".join(app.accounts)
    return [
        f"App: {'; '.join(app.seen)}.",
        "",
        f"    {app.url}/",
        f"    Sign in as {accounts}; the password of each is {app.password}",
    ]


def _told_ahead(ahead: Ahead | None) -> list[str]:
    from twinpack.cli.demo_ahead import in_words

    return [text] if (text := in_words(ahead)) else []


def _told_live(live: Lived | None) -> list[str]:
    if live is None:
        return []
    sent = f"{output.counted(live.samples, 'sample')} in {output.counted(live.messages, 'message')}"
    return [f"The last {output.counted(live.trips, 'trip')} came live: {sent} through MQTT, gateway, log and twins."]


def _told_faults(faults: Caught, vehicles: int) -> list[str]:
    """What was planted, and whether it was found."""
    from datetime import UTC, datetime

    from twinpack.cli.demo_fault import CELL

    if faults.cell_codes:
        day = datetime.fromtimestamp(faults.cell_first_us / 1e6, UTC).date()
        cell = f"cell {CELL} grown weak was found on {day} ({', '.join(faults.cell_codes)})"
    else:
        cell = f"cell {CELL} grown weak was not found"
    if math.isnan(faults.isolation_s):
        isolation = "the isolation lost on the last drive was not found"
    else:
        isolation = f"the isolation lost on the last drive was an alarm after {faults.isolation_s:.0f} s"
    others = output.counted(faults.others, "other alarm")
    return [
        f"Two faults were planted in {faults.vehicle_id}: {cell}; {isolation}.",
        f"{others} in the {output.counted(vehicles, 'vehicle')}, {output.counted(faults.watches, 'thing')} to watch.",
    ]


def _time_spent(seconds: dict[str, float]) -> str:
    """Where the time went; what is under half a percent is left out."""
    total = sum(seconds.values())
    shares = {stage: round(100 * value / total) for stage, value in seconds.items()} if total else {}
    listed = ", ".join(f"{stage} {share} %" for stage, share in shares.items() if share)
    return f"{total:.0f} s: {listed}."


def _figures(found: Found) -> dict[str, object]:
    return {
        "vehicles": found.vehicles,
        "trips": found.trips,
        "rmse_v": found.with_updates.rmse_v,
        "rmse_without_updates_v": found.without_updates.rmse_v,
        "coverage_95_pct": found.with_updates.coverage_95_pct,
        "interval_score_ratio": found.with_updates.interval_score_ratio,
        "soh_mae_pct": found.health.mae_pct,
        "soh_mae_fleet_mean_pct": found.health.fleet_mean_mae_pct,
        "versions_verified": found.versions_verified,
        "explained": found.explained,
        "faulty_vehicle": found.faults.vehicle_id,
        "weak_cell_codes": list(found.faults.cell_codes),
        "isolation_alarm_s": found.faults.isolation_s,
        "other_alarms": found.faults.others,
        "watches": found.faults.watches,
        "ahead": found.ahead,
        "live_samples": found.live.samples if found.live else 0,
        "live_messages": found.live.messages if found.live else 0,
        "live_trips": found.live.trips if found.live else 0,
        "app": list(found.app.seen) if found.app else [],
        "report": str(found.report),
        "seconds": found.seconds,
    }
