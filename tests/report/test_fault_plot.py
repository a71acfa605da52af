"""Pictures of alarms: they show the time around, the limit and what failed, and say what is to be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from twinpack.battery.pack import load_pack
from twinpack.cli.main import main
from twinpack.detect.codes import CodesState, Ticks, codes
from twinpack.detect.findings import Finding
from twinpack.detect.frames import Frames
from twinpack.detect.rules import parse_rules, shipped_rules
from twinpack.detect.screen import ScreenState, screen
from twinpack.errors import NotFoundError
from twinpack.fleet.events import FINDING, Event, event_id
from twinpack.ingest.log import SegmentLog
from twinpack.report.fault_plot import draw_alarm
from twinpack.report.tokens import COLOURS
from twinpack.runtime.lake import build_telemetry
from twinpack.store.alarms.records import Alarm
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.arrivals import NEVER, arrivals
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import TELEMETRY, to_log
from twinpack.views.alarms_panels import condition_of, in_words, limits_of, panels_of
from twinpack.views.alarms_subject import Stretch, stretches_of, subject_of, window_of

PACK = "sim_nmc_96s"
START_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000
PNG = b"\x89PNG\r\n\x1a\n"
WEAK = 17


def telemetry(vehicle: str, time_us: npt.NDArray[np.int64], values: Mapping[str, npt.NDArray[Any]]) -> pa.Table:
    """Samples of a vehicle; two-dimensional values are lists."""
    rows = len(time_us)
    times = pa.array(time_us).cast(pa.timestamp("us", tz="UTC"))
    columns = {"vehicle_id": pa.array([vehicle] * rows), "sample_time": times, "receipt_time": times}
    for name, given in values.items():
        flat = pa.array(given.ravel(), from_pandas=True)
        if given.ndim == 2:
            starts = pa.array(np.arange(0, given.size + 1, given.shape[1]), pa.int32())
            flat = pa.ListArray.from_arrays(starts, flat)
        columns[name] = flat
    found = [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(rows, f.type) for f in TELEMETRY]
    return pa.Table.from_arrays(found, schema=TELEMETRY)


def short_drive() -> pa.Table:
    """An hour at 2 s: isolation is lost for ten minutes, a probe shows -40 °C, a cell 0 V."""
    rng = np.random.default_rng(1)
    seconds = np.arange(0, 3600, 2)
    current = -40 + 20 * np.sin(seconds / 40)
    cells = 3.7 + rng.normal(0, 0.003, (len(seconds), 96)) - seconds[:, None] * 1e-5
    probes = 25 + rng.normal(0, 0.1, (len(seconds), 6))
    isolation = np.where((seconds >= 1500) & (seconds < 2100), 20.0, 2000.0)
    pack = cells.sum(axis=1)
    probes[(seconds >= 2400) & (seconds < 2700), 2] = -40.0
    cells[(seconds >= 600) & (seconds < 1100), 4] = 0.0
    values = {
        "pack_voltage_v": pack,
        "pack_current_a": current,
        "soc_pct": 60 - seconds / 360,
        "isolation_resistance_kohm": isolation,
        "contactors_closed": np.ones(len(seconds), bool),
        "cell_voltage_v": cells.astype(np.float32),
        "cell_temp_c": probes.astype(np.float32),
    }
    return telemetry("car-1", START_US + seconds * 1_000_000, values)


def long_life() -> pa.Table:
    """Twelve days at 5 min: from the fifth on, a cell lies 30 mV below the others."""
    rng = np.random.default_rng(2)
    seconds = np.arange(0, 12 * 86_400, 300)
    cells = 3.7 + rng.normal(0, 0.002, 96) + rng.normal(0, 0.001, (len(seconds), 96))
    cells[seconds >= 5 * 86_400, WEAK - 1] -= 0.030
    current = np.where(seconds % 7200 < 3600, -30.0, 0.0)
    values = {
        "pack_voltage_v": cells.sum(axis=1),
        "pack_current_a": current,
        "cell_voltage_v": cells.astype(np.float32),
    }
    return telemetry("car-2", START_US + seconds * 1_000_000, values)


def found_in(table: pa.Table) -> list[Finding]:
    """What the shipped rules find in samples of one vehicle."""
    pack = load_pack(PACK)
    rules = parse_rules(shipped_rules(), "the shipped rules").for_pack(pack)
    batch = SampleBatch.from_arrow(table)
    frames = Frames.of(batch, arrivals(batch, np.zeros(1, np.int32), np.array([NEVER])))
    _, screened = screen(ScreenState.empty(1, cells=pack.series, probes=0), frames, pack)
    none = np.empty(0, np.int64)
    state = CodesState.empty(1, rules=len(rules))
    return codes(state, frames, screened.quantities, Ticks(none, none), rules)[1]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.open(tmp_path_factory.mktemp("plots") / "home")
    log = SegmentLog(workspace.log_dir)
    short, long = short_drive(), long_life()
    found = {"car-1": found_in(short), "car-2": [weak_cell()]}
    with workspace.registry() as registry:
        for vehicle, table in {"car-1": short, "car-2": long}.items():
            first, _ = log.append([to_log(table)])
            last_us = int(table.column("sample_time").cast(pa.int64())[-1].as_py())
            record = VehicleRecord(vehicle, PACK, "a" * 64, START_US)
            latest = {vehicle: {"last_seen_us": last_us}}
            end = first + table.num_rows
            events = [event(vehicle, replace(one, offset=end - 1)) for one in found[vehicle]]
            registry.commit_batch(MAIN_STREAM, first, end, events, latest, [record])
    return workspace


def weak_cell() -> Finding:
    since = START_US + 5 * 24 * HOUR_US
    evidence = {"cell": WEAK, "z": -8.2, "deviation_mv": -30.1, "scale_mv": 3.0, "regime": "load", "days": 1.0}
    return Finding(
        lane=0,
        time_us=since + 24 * HOUR_US,
        offset=0,
        code="TP-CELL-LOW",
        subject=f"cell {WEAK}",
        category="battery",
        change="raised",
        level="alarm",
        severity=2,
        since_us=since,
        status=0,
        occurrence=1,
        evidence=evidence,
    )


def event(vehicle: str, found: Finding) -> Event:
    identity = event_id(vehicle, found.time_us, FINDING, f"{found.code}{found.subject}{found.change}")
    return Event(identity, vehicle, found.time_us, FINDING, found.offset, found)


@pytest.fixture
def registry(workspace: Workspace) -> Iterator[Registry]:
    with workspace.registry() as opened:
        yield opened


def alarm_of(registry: Registry, code: str) -> Alarm:
    return next(one for one in registry.alarms.alarms() if one.code == code)


def pixels(file: Path) -> npt.NDArray[Any]:
    from matplotlib.image import imread

    return np.asarray(imread(str(file)))


def share_of(file: Path, role: str) -> float:
    """Share of the pixels that have a colour of the design."""
    wanted = [int(COLOURS[role][0][at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return float((np.abs(pixels(file)[..., :3] - wanted).max(axis=-1) < 0.02).mean())


def test_a_code_with_its_limit_and_the_failing_time(workspace: Workspace, registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "isolation.png"
    caption = draw_alarm(workspace, registry, alarm_of(registry, "P0AA6"), file)
    assert caption == ("Isolation over voltage, Ω/V: down to 49.6 (limit 100), failing 2026-09-21 14:38 to 14:48 UTC.")
    assert file.read_bytes().startswith(PNG)
    assert pixels(file).shape[1] == 1350
    assert share_of(file, "warn") > 1e-4  # the limit
    assert share_of(file, "crit") > 1e-4  # what failed
    assert share_of(file, "surface") > 0.7  # and little else


def test_a_sensor_as_it_came(workspace: Workspace, registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "probe.png"
    caption = draw_alarm(workspace, registry, alarm_of(registry, "P0A9E"), file)
    assert caption.startswith("Probe 3 as it came, and the hottest of the pack, °C: −40 to ")
    assert share_of(file, "estimated") > 1e-4
    caption = draw_alarm(workspace, registry, alarm_of(registry, "P0B3C"), tmp_path / "cell.png")
    assert caption.startswith("Cell 5 as it came, and the median of the pack, V: 0 to ")


def test_a_cell_beside_the_others_of_its_pack(workspace: Workspace, registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "cell.png"
    caption = draw_alarm(workspace, registry, alarm_of(registry, "TP-CELL-LOW"), file)
    assert caption.startswith(f"cell {WEAK} lies −")
    assert abs(float(caption.split("−")[1].split()[0]) - 30.0) < 4.0
    assert caption.endswith("mV from the median of 96 cells, under load, since 2026-09-26 14:13 UTC.")
    assert share_of(file, "warn") > 1e-4
    assert share_of(file, "crit") > 1e-4


def test_the_lake_gives_the_same_picture_as_the_log(workspace: Workspace, registry: Registry, tmp_path: Path) -> None:
    files = [tmp_path / "log.png", tmp_path / "lake.png"]
    captions = []
    for file in files:
        captions.append([draw_alarm(workspace, registry, alarm_of(registry, "TP-CELL-LOW"), file)])
        captions[-1].append(draw_alarm(workspace, registry, alarm_of(registry, "P0AA6"), tmp_path / "more.png"))
        build_telemetry(workspace, SegmentLog(workspace.log_dir), registry)
    assert captions[0] == captions[1]
    assert np.array_equal(pixels(files[0]), pixels(files[1]))


def test_alarms_show_draws_it(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with workspace.registry() as registry:
        alarm = alarm_of(registry, "P0AA6")
    file = tmp_path / "shown.png"
    assert main(["alarms", "show", alarm.alarm_id, "--plot", str(file), "--home", str(workspace.home)]) == 0
    assert f"{file}: Isolation over voltage" in capsys.readouterr().out
    assert file.read_bytes().startswith(PNG)


def test_where_there_is_no_telemetry_nothing_is_drawn(workspace: Workspace, registry: Registry, tmp_path: Path) -> None:
    long_ago = replace(weak_cell(), time_us=START_US - 90 * 24 * HOUR_US, since_us=START_US - 91 * 24 * HOUR_US)
    end = registry.offset()
    over = replace(long_ago, change="gone", time_us=START_US - 89 * 24 * HOUR_US, subject="cell 3", offset=end)
    begun = replace(long_ago, subject="cell 3", offset=end)
    registry.commit_batch(MAIN_STREAM, end, end + 1, [event("car-2", begun)], {})
    registry.commit_batch(MAIN_STREAM, end + 1, end + 2, [event("car-2", replace(over, offset=end + 1))], {})
    from twinpack.store.alarms.register import Wanted

    alarm = next(one for one in registry.alarms.alarms(Wanted(states=("cleared",))) if one.subject == "cell 3")
    with pytest.raises(NotFoundError, match="there is no telemetry of 'car-2' from 2026-06-"):
        draw_alarm(workspace, registry, alarm, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def also(registry: Registry, vehicle: str, found: Finding) -> Alarm:
    """The alarm of one more finding."""
    end = registry.offset()
    registry.commit_batch(MAIN_STREAM, end, end + 1, [event(vehicle, replace(found, offset=end))], {})
    return alarm_of(registry, found.code)


def test_an_anomaly_of_the_pack_and_a_silence(workspace: Workspace, registry: Registry, tmp_path: Path) -> None:
    spread = replace(weak_cell(), code="TP-SPREAD", subject="", evidence={"growth_mv_per_month": 12.0})
    caption = draw_alarm(workspace, registry, also(registry, "car-2", spread), tmp_path / "spread.png")
    assert caption.startswith("Highest less lowest cell voltage at rest, V: 0.0")
    condition = "silence_s > max(limit.silence_s, 4 * period_s)"
    since = START_US + 1_000_000_000
    silence = replace(spread, code="U0111", since_us=since, time_us=since, evidence={"condition": condition})
    caption = draw_alarm(workspace, registry, also(registry, "car-1", silence), tmp_path / "silence.png")
    assert caption == "No sample came, since 2026-09-21 14:30 UTC."


def test_what_the_twin_tells_is_not_drawn(workspace: Workspace, registry: Registry, tmp_path: Path) -> None:
    worn = replace(weak_cell(), code="P0A7F", subject="", evidence={"condition": "capacity_health_pct < 80"})
    with pytest.raises(NotFoundError, match=r"rests on figures of the twin.*twinpack explain car-2"):
        draw_alarm(workspace, registry, also(registry, "car-2", worn), tmp_path / "none.png")


def test_when_it_was_so(registry: Registry) -> None:
    alarm = alarm_of(registry, "P0AA6")
    subject = subject_of(registry, alarm)
    (stretch,) = subject.stretches
    assert stretch.over
    assert stretch.start_us == START_US + 1_500_000_000
    assert abs(stretch.end_us - (START_US + 2_100_000_000)) <= 12_000_000
    window = window_of(subject)
    assert stretch.start_us - window.start_us == 600_000_000
    assert window.end_us - stretch.end_us == 600_000_000
    found = registry.alarms.findings_of(alarm.alarm_id)[::-1]
    assert stretches_of(found[:1], START_US + HOUR_US) == [Stretch(stretch.start_us, START_US + HOUR_US, False)]


@pytest.mark.parametrize(
    ("condition", "titles"),
    [
        ("cell_v_min < limit.dip_v or (cell_v_min < limit.lowest_v and c_rate > limit.peak_c)", 2),
        ("temp_max_c - coolant_temp_c > limit.gap_k", 1),
        ("not hv_interlock_closed", 1),
        ("silence_s > max(limit.silence_s, 4 * period_s)", 0),
        ("limit.lowest < soc_pct", 1),
    ],
)
def test_what_a_condition_compares(condition: str, titles: int) -> None:
    read = condition_of({"condition": condition})
    assert read is not None
    assert len(panels_of(read)) == titles


def test_each_series_has_all_its_limits_and_a_name_for_people() -> None:
    read = condition_of({"condition": "cell_v_min < limit.dip_v or (cell_v_min < limit.lowest_v and c_rate > 3)"})
    assert read is not None
    cells, rate = panels_of(read)
    assert (in_words(cells.value), len(cells.limits), cells.bad) == ("Lowest cell voltage, V", 2, "low")
    assert (in_words(rate.value), rate.bad) == ("Current over capacity (positive charges), C", "high")
    assert not cells.limits_told({"dip_v": 2.3})
    assert cells.limits_told(limits_of({"limits": {"dip_v": 2.3, "lowest_v": 2.7, "table": [[0, 1.5]]}}))


def test_evidence_without_a_condition_that_can_be_read() -> None:
    assert condition_of({}) is None
    assert condition_of({"condition": "import os"}) is None
