"""From telemetry to the message: a fault in what arrives is found, stored and sent by the running service."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tests.runtime.sinks.made import Place, hook
from tests.runtime.test_live import FAST
from tests.servers.receiver import Receiver
from tests.waiting import until
from twinpack.cli.main import main
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.enrol import enrol
from twinpack.runtime.run import run
from twinpack.runtime.service import LiveService
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.settings import HttpSettings
from twinpack.telemetry.schema import TELEMETRY, to_log

PACK = "sim_nmc_96s"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as server:
        yield server


def drive(vehicle: str, first_us: int, seconds: int, isolation_kohm: float) -> pa.Table:
    """A sample a second of a vehicle that drives."""
    rows = []
    for second in range(seconds):
        at = first_us + second * 1_000_000
        rows.append(
            {
                "vehicle_id": vehicle,
                "sample_time": at,
                "receipt_time": at,
                "pack_voltage_v": 360.0,
                "pack_current_a": -20.0 - second % 3,
                "cell_temp_avg_c": 25.0,
                "soc_pct": 60.0,
                "isolation_resistance_kohm": isolation_kohm,
                "contactors_closed": True,
            }
        )
    return to_log(pa.Table.from_pylist(rows, schema=TELEMETRY))


def test_a_fault_in_what_arrives_is_sent_and_its_end_too(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Place(tmp_path / "home", hook(receiver.url(), more='events = ["raised", "passed"]'))) as place:
        workspace = place.workspace
        settings = replace(workspace.settings, http=HttpSettings(port=0))
        (workspace.home / "settings.toml").write_text(settings.to_toml(), encoding="utf-8")
        enrol(workspace, place.registry, [VehicleEntry("car-1", "default", PACK)])
        start_us = time.time_ns() // 1_000 - 600_000_000
        SegmentLog(workspace.log_dir).append([drive("car-1", start_us - 600_000_000, 60, 2000.0)])
        run(workspace, without_model=True)  # however long the kernels take to be compiled
        with LiveService(workspace, http=False, pace=FAST) as service:
            log = service.gateway.log
            until(lambda: "sink:hook" in place.registry.streams())
            log.append(drive("car-1", start_us, 60, 2000.0))
            log.append(drive("car-1", start_us + 60_000_000, 30, 20.0))
            until(lambda: receiver.posts, lambda: (service.fold.problem, service.fold.offset))
            log.append(drive("car-1", start_us + 90_000_000, 120, 2000.0))
            until(lambda: len([post for post in receiver.posts if post["code"] == "P0AA6"]) == 2)
            assert service.gateway.health()["sinks"][0]["problem"] == ""
        raised, passed = [post for post in receiver.posts if post["code"] == "P0AA6"]
        assert (raised["event"], passed["event"]) == ("raised", "passed")
        assert raised["alarm"] == passed["alarm"]
        assert raised["evidence"]["frame"]["isolation_ohm_per_v"] < 100
        capsys.readouterr()
        assert main(["faults", "car-1", "--json", "--home", str(workspace.home)]) == 0
        faults = json.loads(capsys.readouterr().out)
        assert "P0AA6" in [fault["code"] for fault in faults["passed"]]
        assert faults["passed"][0]["fdc"] is not None
        file = tmp_path / "isolation.png"
        assert main(["alarms", "show", raised["alarm"], "--plot", str(file), "--home", str(workspace.home)]) == 0
        assert "Isolation over voltage, Ω/V: down to 49.6 (limit 100)" in capsys.readouterr().out
        assert file.stat().st_size > 10_000
