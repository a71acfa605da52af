"""The verdict on recorded vehicles, and on a made one of which the truth is known."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.detect.real_cars import CARS, file_of
from tests.detect.screen.day import SERIES, Day, a_day
from tests.detect.screen.made import frames_of
from twinpack.battery.pack import PackSpec, parse_pack
from twinpack.cli.evaluations.ev_fault_fleet import pack_text, read_vehicle
from twinpack.detect.cells import CellSettings
from twinpack.detect.frames import Frames
from twinpack.detect.screen import ScreenSettings
from twinpack.evaluate.recorded import thinned, verdict
from twinpack.evaluate.thresholds import Moved, moved
from twinpack.telemetry.batch import SampleBatch


@pytest.fixture(scope="module")
def cars() -> dict[str, tuple[SampleBatch, PackSpec]]:
    return {car: read_vehicle(file_of(car)) for car in CARS}


@pytest.mark.parametrize("every_s", [1, 10, 30, 60])
def test_two_weak_cells_of_car3_and_nothing_of_car1(
    cars: dict[str, tuple[SampleBatch, PackSpec]], every_s: int
) -> None:
    weak = verdict(thinned(cars["car3"][0], every_s), cars["car3"][1])
    assert weak.cells == (2, 81)
    assert weak.alarms == ("cell 2", "cell 81")
    assert weak.first_after_h is not None
    assert weak.first_after_h < 48
    assert weak.aside == 0
    sound = verdict(thinned(cars["car1"][0], every_s), cars["car1"][1])
    assert (sound.alarms, sound.first_us, sound.first_after_h) == ((), None, None)
    assert sound.aside == 64 if every_s == 1 else 0 < sound.aside < 64
    assert sound.faulty == ("TP-SENTINEL",)


def test_the_pack_of_a_recorded_vehicle_is_guessed_from_its_record(
    cars: dict[str, tuple[SampleBatch, PackSpec]],
) -> None:
    for car, series in CARS.items():
        pack = cars[car][1]
        assert (pack.name, pack.series, pack.chemistry) == (car, series, "NMC")
        assert pack.capacity_ah == pytest.approx(118, rel=0.03)


def batch_of(day: Day, volts: float = 0.0) -> SampleBatch:
    frames = day.frames()
    cells = replace(frames.cells, values=frames.cells.values + np.float32(volts))
    return SampleBatch(
        first_offset=0,
        vehicle_ids=("made",),
        vehicle=np.zeros(len(frames), np.int32),
        kind=np.zeros(len(frames), np.int8),
        sample_time_us=frames.time_us,
        receipt_time_us=frames.receipt_us,
        signals=frames.signals,
        lists={"cell_voltage_v": cells, "cell_temp_c": frames.probes},
    )


def test_a_pack_is_guessed_from_its_highest_voltage_and_its_charges() -> None:
    day = a_day(30)
    pack = parse_pack(pack_text("made", batch_of(day)))
    assert (pack.series, pack.chemistry, pack.cell_voltage_max_v) == (SERIES, "NMC", 4.2)
    assert pack.capacity_ah == pytest.approx(120, rel=0.05)
    assert parse_pack(pack_text("made", batch_of(day, -0.75))).chemistry == "LFP"
    short = parse_pack(pack_text("made", batch_of(day).slice(0, 100)))
    assert short.capacity_ah == 100.0


def test_the_first_sample_of_each_period_is_kept() -> None:
    day = a_day(30)
    frames = thinned(batch_of(day), 60)
    np.testing.assert_array_equal(frames.time_us, day.frames().time_us[::2])
    np.testing.assert_array_equal(frames.before_us[1:], frames.time_us[:-1])
    assert np.isnan(frames.seconds()[0])


def week(every_s: int, low_v: float) -> tuple[Frames, PackSpec]:
    """A day once more each day of a week; cell 18 lower from the third on, and a frame of sentinels a day."""
    day = a_day(every_s)
    cells = np.concatenate([day.cells] * 7)
    cells[2 * len(day.cells) :, 17] -= low_v
    cells[:: len(day.cells), 40] = 0.0
    frames = frames_of(
        np.concatenate([day.time_s + 86_400 * n for n in range(7)]),
        cells,
        pack_current_a=np.tile(day.current, 7),
        pack_voltage_v=np.tile(day.pack_v, 7),
        soc_pct=np.tile(day.soc, 7),
    )
    return frames, day.pack


def test_a_cell_that_was_made_low_is_the_verdict_and_thresholds_move_it() -> None:
    frames, pack = week(30, 0.04)
    found = verdict(frames, pack)
    assert found.cells == (18,)
    assert found.aside == 7
    assert found.samples == len(frames)
    assert found.first_after_h is not None
    assert 48 < found.first_after_h < 80
    assert verdict(frames, pack, CellSettings()._replace(deviation_alarm_v=0.3, shift_alarm_v=0.3)).cells == ()
    assert verdict(frames, pack, of_data=ScreenSettings(cell_low_v=-0.1)).aside == 0


def test_a_sound_week_has_no_battery_alarm() -> None:
    frames, pack = week(30, 0.0)
    assert verdict(frames, pack).alarms == ()


def test_what_hangs_on_a_threshold_is_told() -> None:
    frames, pack = week(60, 0.04)
    found, tried = moved(frames, pack)
    assert tried > 100
    told = {(one.threshold, one.factor): one for one in found}
    # Cells above 3.75 V taken for sentinels: hardly a frame is left.
    blind = told["cell_high_v", 0.75]
    assert blind.aside > 1000
    assert ("heal_s", 0.75) not in told
    assert re.fullmatch(r"cell_high_v -25 %: .*\+\d+ samples set aside", str(blind))


def test_a_change_is_told_in_words() -> None:
    some = Moved("deviation_alarm_v", 1.25, ("cell 4", "P0BBD"), ("cell 2",), ("cell 7",), -3)
    assert str(some) == (
        "deviation_alarm_v +25 %: also cell 4, P0BBD; no longer cell 2; to be watched cell 7; -3 samples set aside"
    )


def test_a_folder_is_judged_by_the_command(tmp_path: Path) -> None:
    from twinpack.cli.evaluations.ev_fault_fleet import evaluate

    (tmp_path / "car3.parquet").symlink_to(file_of("car3"))
    metrics = evaluate(tmp_path, True)
    assert metrics["car3_cells"] == [2, 81]
    assert metrics["car3_first_flag"].startswith("2019-04-16T")
    assert (metrics["car3_battery_alarms"], metrics["car3_data_fault_frames"]) == (2, 0)
    assert metrics["car3_same_at_other_periods"] is True
    assert metrics["n"] == 1
