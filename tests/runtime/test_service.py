"""A fleet streamed through MQTT ends with the versions of the same data imported from files, hash for hash."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.runtime.test_live import FAST, until
from tests.runtime.workspaces import bring_file, record
from tests.servers.mosquitto import Broker, broker
from twinpack.ingest.publisher import Publisher
from twinpack.runtime.learning import learn_prototype
from twinpack.runtime.player import Manner, play
from twinpack.runtime.run import run
from twinpack.runtime.service import LiveService
from twinpack.runtime.tape import Tape
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings
from twinpack.store.settings import GatewaySettings, MqttSettings, Settings, TwinSettings
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import tick_row

__all__ = ["broker"]

FLEET = FleetSettings(vehicles=3, trips=5, years=0.5, seed=5, period_s=4.0, disturbances=False)
PACK = FLEET.pack
HOUR_US = 3_600_000_000
COMPARED = ("versions", "predictions", "prediction_steps", "audit")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("fleet")
    paths = []
    for number, table in enumerate(PhysicsFleet(FLEET).tables()):
        paths.append(folder / f"{number:03d}.parquet")
        pq.write_table(table, paths[-1])
    return paths


def settings(url: str = "") -> Settings:
    return Settings(
        twin=TwinSettings(policy="always"),
        mqtt=MqttSettings(url=url),
        gateway=GatewaySettings(unknown_vehicles="register"),
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


@pytest.mark.parametrize("how", [{"encoding": "json", "samples": 1}, {"encoding": "msgpack", "samples": 30}])
def test_streamed_after_an_imported_history(
    imported: dict[str, Any], files: list[Path], broker: Broker, tmp_path: Path, how: dict[str, Any]
) -> None:
    workspace = lived(tmp_path / "home", files[:3], broker.url)
    stream(workspace, broker, files[3:], replace(Manner(speed=None, shift=False), **how))
    assert compared(workspace) == imported
    assert workspace.lake().read("telemetry", ["offset"]).num_rows == rows_of(files)


def rows_of(files: Sequence[Path]) -> int:
    return sum(pq.read_metadata(file).num_rows for file in files)
