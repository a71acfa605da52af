"""A fleet streamed through MQTT ends with the versions of the same data imported from files, hash for hash."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.runtime.test_live import FAST
from tests.runtime.workspaces import bring_file, record
from tests.servers.mosquitto import Broker, broker
from tests.waiting import until
from twinpack.cli.demo_fault import PlantedFleet
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.publisher import Publisher
from twinpack.runtime.learning import learn_prototype
from twinpack.runtime.player import Manner, play
from twinpack.runtime.run import run
from twinpack.runtime.service import LiveService
from twinpack.runtime.tape import Tape
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings
from twinpack.store.settings import GatewaySettings, HttpSettings, LogSettings, MqttSettings, Settings, TwinSettings
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import tick_row

__all__ = ["broker"]

FLEET = FleetSettings(vehicles=3, trips=5, years=0.5, seed=5, period_s=4.0, disturbances=False)
PACK = FLEET.pack
HOUR_US = 3_600_000_000
COMPARED = ("versions", "predictions", "prediction_steps", "audit", "findings", "alarms")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("fleet")
    paths = []
    # One vehicle tells its cells, of which one is weak, and loses its isolation on its last drive.
    for number, table in enumerate(PlantedFleet(PhysicsFleet(FLEET)).tables()):
        paths.append(folder / f"{number:03d}.parquet")
        pq.write_table(table, paths[-1])
    return paths


def settings(url: str = "") -> Settings:
    return Settings(
        twin=TwinSettings(policy="always"),
        mqtt=MqttSettings(url=url),
        gateway=GatewaySettings(unknown_vehicles="register"),
        http=HttpSettings(port=0),
        log=LogSettings(segment_age_s=1.0),
    )


def lived(home: Path, files: Sequence[Path], url: str = "") -> Workspace:
    """A workspace that has imported files, learned from the first trips and lived through all."""
    workspace = Workspace.open(home, settings=settings(url))
    for file in files:
        bring_file(workspace, file, pack=PACK)
    learn_prototype(workspace, "thevenin-1rc", trips=1)
    run(workspace)
    return workspace


@pytest.fixture(scope="module")
def imported(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compared(lived(tmp_path_factory.mktemp("imported") / "home", files))


def compared(workspace: Workspace) -> dict[str, Any]:
    """What must not depend on how the rows came; log offsets do."""
    found = record(workspace)
    found |= {name: [row.split("'offset'")[0] for row in found[name]] for name in ("predictions", "prediction_steps")}
    # Silence is told by ticks, and these come otherwise in an import.
    found |= {name: [row for row in found[name] if "'U0111'" not in row] for name in ("findings", "alarms")}
    return {name: found[name] for name in COMPARED}


def stream(workspace: Workspace, broker: Broker, files: Sequence[Path], manner: Manner) -> None:
    """Play files at the broker and wait until the twins have lived through them."""
    with LiveService(workspace, http=False, pace=FAST) as service:
        before = service.gateway.log.end_offset
        with Tape(files) as tape, Publisher(broker.url) as publisher:
            until(lambda: bool(service.gateway.health()["mqtt_connected"]))
            played = play(tape, publisher, manner)
            assert played.acknowledged == played.messages
            # Registrations and ticks lie between the samples.
            until(lambda: service.gateway.log.end_offset >= before + played.samples)
        # The silence that ends the last trips, as an import tells it.
        service.gateway.log.append(tick_row(time.time_ns() // 1_000 + HOUR_US))
        assert service.fold.wait_for(service.gateway.log.end_offset, 60.0)


def test_the_faults_of_the_fleet_are_found(imported: dict[str, Any]) -> None:
    assert sum("'P0AA6'" in row for row in imported["alarms"]) == 1


@pytest.mark.parametrize("how", [{"encoding": "json", "samples": 1}, {"encoding": "msgpack", "samples": 30}])
def test_streamed_after_an_imported_history(
    imported: dict[str, Any], files: list[Path], broker: Broker, tmp_path: Path, how: dict[str, Any]
) -> None:
    workspace = lived(tmp_path / "home", files[:3], broker.url)
    stream(workspace, broker, files[3:], replace(Manner(speed=None, shift=False), **how))
    assert compared(workspace) == imported
    assert workspace.lake().read("telemetry", ["offset"]).num_rows == rows_of(files)


@pytest.mark.slow
def test_killed_ten_times_while_it_takes_a_fleet_in(
    imported: dict[str, Any], files: list[Path], broker: Broker, tmp_path: Path
) -> None:
    """Gateway, twins and lake in one process, `kill -9` at random moments: nothing is lost, doubled or changed."""
    workspace = lived(tmp_path / "home", files[:3], broker.url)
    before = SegmentLog(workspace.log_dir).end_offset
    samples = rows_of(files[3:])
    rng, processes = random.Random(4), [served(workspace)]
    with Tape(files[3:]) as tape, Publisher(broker.url) as publisher:
        until(lambda: subscribed(workspace) == 1)
        manner = Manner(speed=None, shift=False, samples=1)
        player = threading.Thread(target=slowly, args=(tape, publisher, manner, 40.0))
        player.start()
        for kill in range(1, 11):
            time.sleep(rng.uniform(0.2, 2.0))
            processes[-1].kill()
            processes[-1].wait()
            processes.append(served(workspace))
            until(partial(has_subscribed, workspace, kill + 1))
        player.join()
        assert publisher.acknowledged == samples
    until(lambda: end_of(workspace) >= before + samples)
    processes[-1].terminate()
    assert processes[-1].wait(60) == 0
    with LiveService(workspace, http=False, pace=FAST) as service:
        service.gateway.log.append(tick_row(time.time_ns() // 1_000 + HOUR_US))
        assert service.fold.wait_for(service.gateway.log.end_offset, 60.0)
    assert compared(workspace) == imported
    rows = workspace.lake().read("telemetry", ["vehicle_id", "sample_time"])
    assert rows.num_rows == rows.group_by(["vehicle_id", "sample_time"]).aggregate([]).num_rows == rows_of(files)


def slowly(tape: Tape, publisher: Publisher, manner: Manner, seconds: float) -> None:
    """Play a tape in about so many seconds."""
    length = tape.length(1.0, 60_000_000)
    play(tape, publisher, replace(manner, speed=length.plays_us / 1e6 / seconds))


def served(workspace: Workspace) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "twinpack", "serve", "--only", "gateway", "--log-level", "info"]
    with (workspace.home / "serve.log").open("ab") as log:
        return subprocess.Popen([*command, "--home", str(workspace.home)], stdout=log, stderr=log)


def subscribed(workspace: Workspace) -> int:
    return (workspace.home / "serve.log").read_text().count('"event": "mqtt_subscribed"')


def has_subscribed(workspace: Workspace, times: int) -> bool:
    return subscribed(workspace) >= times


def end_of(workspace: Workspace) -> int:
    """Where the log ends, or ended when its gateway sealed last."""
    return SegmentLog(workspace.log_dir).end_offset


def rows_of(files: Sequence[Path]) -> int:
    return sum(pq.read_metadata(file).num_rows for file in files)
