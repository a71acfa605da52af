"""Pictures of alarms: they show the time around, the limit and what failed, and say what is to be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.faulty import (
    HOUR_US,
    START_US,
    WEAK,
    alarm_of,
    event,
    faulty_workspace,
    weak_cell,
)
from twinpack.cli.main import main
from twinpack.detect.findings import Finding
from twinpack.errors import NotFoundError
from twinpack.ingest.log import SegmentLog
from twinpack.report.fault_plot import draw_alarm
from twinpack.report.tokens import COLOURS
from twinpack.runtime.lake import build_telemetry
from twinpack.store.alarms.records import Alarm
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace
from twinpack.views.alarms.panels import condition_of, in_words, limits_of, panels_of
from twinpack.views.alarms.subject import Stretch, stretches_of, subject_of, window_of

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return faulty_workspace(tmp_path_factory.mktemp("plots") / "home")


@pytest.fixture
def registry(workspace: Workspace) -> Iterator[Registry]:
    with workspace.registry() as opened:
        yield opened


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
