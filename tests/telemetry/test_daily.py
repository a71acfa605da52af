from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from twinpack.telemetry import daily_cells
from twinpack.telemetry.daily import DAILY_SIGNALS, daily
from twinpack.telemetry.schema import TELEMETRY

DAY_US = 86_400_000_000


def rows(vehicle: str, times_s: Sequence[float], **signals: list[Any]) -> pa.Table:
    """Samples of a vehicle from the third day of 1970 on."""
    times = [2 * DAY_US + round(1e6 * time) for time in times_s]
    columns: dict[str, Any] = {
        "vehicle_id": [vehicle] * len(times),
        "sample_time": pa.array(times).cast(TELEMETRY.field("sample_time").type),
        "pack": ["p"] * len(times),
    }
    for name in DAILY_SIGNALS:
        columns[name] = pa.array(signals.get(name, [None] * len(times)), TELEMETRY.field(name).type)
    return pa.table(columns)


def figures(table: pa.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = daily(table, {"p": 100.0}).to_pylist()
    return found


def test_energy_and_charge_are_trapezoids_by_direction() -> None:
    table = rows("a", [0, 60, 120], pack_voltage_v=[360.0] * 3, pack_current_a=[-100.0, -100.0, 60.0])
    (day,) = figures(table)
    assert (day["ah_out"], day["ah_in"]) == pytest.approx((100 * 60 / 3600 + 20 * 60 / 3600, 0.0))
    assert day["energy_out_kwh"] == pytest.approx(day["ah_out"] * 0.36)
    assert (day["observed_s"], day["samples"], day["c_rate_max"]) == (120.0, 3, 1.0)
    assert (day["voltage_min_v"], day["voltage_max_v"]) == (360.0, 360.0)


def test_what_happened_in_a_silence_is_not_known() -> None:
    (day,) = figures(rows("a", [0, 61, 62], pack_voltage_v=[360.0] * 3, pack_current_a=[-100.0] * 3))
    assert (day["observed_s"], day["ah_out"]) == (1.0, pytest.approx(100 / 3600))
    (day,) = figures(rows("a", [0, 61], pack_voltage_v=[360.0] * 2, pack_current_a=[-100.0] * 2))
    assert (day["ah_out"], day["energy_in_kwh"], day["observed_s"]) == (None, None, 0.0)


def test_vehicles_and_days_stand_for_themselves() -> None:
    late = rows("b", [10, 11, 86_400 + 5], pack_current_a=[36.0] * 3, soc_pct=[20.0, 30.0, 90.0])
    first, second, third = figures(pa.concat_tables([rows("a", [0], soc_pct=[50.0]), late]))
    assert [(one["vehicle_id"], one["day"], one["samples"]) for one in (first, second, third)] == [
        ("a", date(1970, 1, 3), 1),
        ("b", date(1970, 1, 3), 2),
        ("b", date(1970, 1, 4), 1),
    ]
    assert (second["soc_min_pct"], second["soc_max_pct"], third["soc_min_pct"]) == (20.0, 30.0, 90.0)
    assert (first["ah_in"], second["ah_in"], third["ah_in"]) == (None, pytest.approx(0.01), None)


def test_missing_values_are_passed_over() -> None:
    table = rows(
        "a",
        [0, 1, 2, 3],
        cell_temp_avg_c=[None, 20.0, 22.0, None],
        cell_temp_min_c=[18.0, None, None, None],
        cell_temp_max_c=[None, None, 25.0, None],
        ambient_temp_c=[None] * 4,
    )
    (day,) = figures(table)
    assert (day["temp_min_c"], day["temp_max_c"], day["temp_mean_c"]) == (18.0, 25.0, 21.0)
    assert (day["ambient_mean_c"], day["soc_min_pct"], day["c_rate_max"], day["distance_km"]) == (None,) * 4


def test_distance_is_the_odometers_or_else_the_speeds() -> None:
    both = rows("a", [0, 30, 60], odometer_km=[100.0, None, 107.5], speed_kmh=[36.0] * 3)
    alone = rows("b", [0, 30, 60], speed_kmh=[36.0, 36.0, -36.0])
    assert [one["distance_km"] for one in figures(pa.concat_tables([both, alone]))] == [7.5, pytest.approx(0.3)]


def test_charges_are_stretches_of_charging() -> None:
    told = [True, True, False, True, None, True]
    table = pa.concat_tables(
        [rows("a", [0, 1, 2, 3, 4, 5], is_charging=told), rows("b", [0, 1], is_charging=[True, False]), rows("c", [0])]
    )
    assert [one["charges"] for one in figures(table)] == [3, 1, None]


def test_the_spread_of_cells_is_their_greatest_minus_their_least() -> None:
    cells = [[3.5, 3.75, 3.625], None, [], [3.5, 4.0, 3.75], [3.5, 4.0]]
    (day,) = figures(rows("a", [0, 1, 2, 3, 4], cell_voltage_v=cells))
    assert (day["cell_spread_max_v"], day["cell_spread_mean_v"]) == (0.5, pytest.approx((0.25 + 0.5) / 2))
    assert (day["cell_frames"], day["cell_invalid_share"]) == (3, pytest.approx(1 / 3)), "one has another number"
    (day,) = figures(rows("a", [0]))
    assert (day["cell_spread_max_v"], day["cell_frames"], day["cell_invalid_share"]) == (None, None, None)


def four_cells(deviations_v: list[float], rows_: int) -> list[list[float]]:
    return [[3.7 + 0.01 * row + one for one in deviations_v] for row in range(rows_)]


def test_the_worst_cells_are_told_by_what_the_pack_does() -> None:
    rest, load, charge = [0.0, 0.0, -0.004, 0.002], [0.0, -0.03, 0.001, 0.0], [0.0, 0.02, 0.0, -0.001]
    cells = four_cells(rest, 3) + four_cells(load, 3) + four_cells(charge, 3)
    amps = [0.0] * 3 + [-50.0] * 3 + [30.0] * 3
    (day,) = figures(
        rows("a", [30 * at for at in range(9)], cell_voltage_v=cells, pack_current_a=amps, speed_kmh=[0.0] * 9)
    )
    assert (day["cell_rest_low"], day["cell_rest_low_v"]) == (3, pytest.approx(-0.004, abs=1e-6))
    assert (day["cell_rest_high"], day["cell_rest_high_v"]) == (4, pytest.approx(0.002, abs=1e-6))
    assert (day["cell_load_low"], day["cell_load_low_v"]) == (2, pytest.approx(-0.03, abs=1e-6))
    assert (day["cell_charge_high"], day["cell_charge_high_v"]) == (2, pytest.approx(0.02, abs=1e-6))
    assert (day["cell_sag"], day["cell_sag_v"]) == (2, pytest.approx(-0.03, abs=1e-6))
    assert (day["cell_rest_frames"], day["cell_load_frames"], day["cell_charge_frames"]) == (3, 3, 3)
    assert day["cell_rest_sigma_v"] == pytest.approx(1.4826 * 0.001, abs=1e-6)


def test_too_few_frames_tell_nothing_of_cells() -> None:
    cells = four_cells([0.0, 0.0, -0.1], 2)
    (day,) = figures(rows("a", [0, 1], cell_voltage_v=cells, pack_current_a=[0.0, 0.0]))
    assert (day["cell_rest_frames"], day["cell_rest_low_v"], day["cell_rest_low"]) == (2, None, None)
    assert day["cell_spread_max_v"] == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize("sentinel", [None, float("nan"), 0.0, 5.0])
def test_a_frame_with_a_sentinel_is_set_aside_whole(sentinel: float | None) -> None:
    good = four_cells([0.0, 0.0, -0.004, 0.002], 6)
    spoilt: list[list[Any]] = [*good, [sentinel, 2.0, 2.0, 4.0], [sentinel, 2.0, 2.0, 4.0]]
    clean, dirty = (
        figures(rows("a", list(range(len(cells))), cell_voltage_v=cells, pack_current_a=[0.0] * len(cells)))[0]
        for cells in (good, spoilt)
    )
    names = [name for name in clean if name.startswith("cell_") and name not in ("cell_frames", "cell_invalid_share")]
    assert {name: clean[name] for name in names} == {name: dirty[name] for name in names}
    assert (dirty["cell_frames"], dirty["cell_invalid_share"]) == (8, 0.25)


def test_a_channel_broken_all_day_is_left_out_and_the_others_keep_their_numbers() -> None:
    cells: list[list[Any]] = [[3.7, 0.0, 3.69, 3.7, 3.7] for _ in range(6)]
    cells[2][0] = 5.0
    (day,) = figures(rows("a", list(range(6)), cell_voltage_v=cells, pack_current_a=[0.0] * 6))
    assert (day["cell_rest_low"], day["cell_rest_low_v"]) == (3, pytest.approx(-0.01, abs=1e-6))
    assert (day["cell_rest_frames"], day["cell_spread_max_v"]) == (5, pytest.approx(0.01, abs=1e-6))


def test_a_day_without_one_sound_channel_tells_no_cells() -> None:
    (day,) = figures(rows("a", [0, 1, 2], cell_voltage_v=[[0.0, 0.0]] * 3, pack_current_a=[0.0] * 3))
    assert (day["cell_invalid_share"], day["cell_rest_low_v"], day["cell_spread_max_v"]) == (1.0, None, None)


def test_cells_of_many_vehicles_are_those_of_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)

    def car(name: str, width: int, count: int) -> pa.Table:
        cells = (3.7 + 0.02 * chance.standard_normal((count, width))).tolist()
        for row in chance.integers(0, count, count // 5):
            cells[row][int(chance.integers(width))] = 0.0
        amps = chance.choice([0.0, -50.0, 30.0], count).tolist()
        probes = (20 + chance.standard_normal((count, 3))).tolist()
        return rows(name, list(range(count)), cell_voltage_v=cells, pack_current_a=amps, cell_temp_c=probes)

    cars = [car(f"car-{at:02d}", 4 + at % 3, 20 + at) for at in range(9)]
    alone = [figures(one)[0] for one in cars]
    assert figures(pa.concat_tables(cars)) == alone
    monkeypatch.setattr(daily_cells, "CHUNK_ROWS", 30)
    assert figures(pa.concat_tables(cars)) == alone


def test_probes_are_compared_and_sentinels_of_temperature_left_out() -> None:
    probes: list[list[float]] = [[20.0, 21.0, 25.0]] * 4 + [[-40.0, 21.0, 25.0]]
    table = rows("a", list(range(5)), cell_temp_c=probes, cell_temp_min_c=[20.0] * 4 + [-40.0])
    (day,) = figures(table)
    assert (day["probe_high"], day["probe_high_k"], day["probe_low"], day["probe_low_k"]) == (3, 4.0, 1, -1.0)
    assert (day["probe_spread_mean_k"], day["probe_invalid_share"], day["temp_min_c"]) == (5.0, 0.2, 20.0)


def test_charging_is_told_with_how_fast_and_where_it_ended() -> None:
    amps = [50.0] * 3 + [10.0] * 3 + [-20.0]
    table = rows(
        "a",
        [60 * at for at in range(7)],
        pack_current_a=amps,
        pack_voltage_v=[360.0, 370.0, 380.0, 390.0, 395.0, 399.0, 350.0],
        is_charging=[True] * 6 + [False],
    )
    (day,) = figures(table)
    assert (day["charge_fast_share"], day["charge_end_v"]) == (pytest.approx(100 / 130), 399.0)
    assert day["c_rate_rms"] == pytest.approx(np.sqrt((3 * 0.25 + 3 * 0.01 + 0.04) / 7))


def test_parking_and_silence_are_told_though_samples_are_rare() -> None:
    times = [0, 1800, 3600, 3601, 20_000]
    (day,) = figures(rows("a", times, pack_current_a=[0.0, 0.5, 0.0, 0.0, 0.0]))
    assert (day["parked_h"], day["silence_max_s"]) == (pytest.approx(3601 / 3600), 16_399.0)


def test_the_heating_is_by_the_energy_driven() -> None:
    table = rows(
        "a",
        [60 * at for at in range(31)],
        pack_current_a=[-20.0] * 31,
        pack_voltage_v=[360.0] * 31,
        cell_temp_avg_c=[20.0 + 0.1 * at for at in range(31)],
        speed_kmh=[50.0] * 31,
    )
    assert figures(table)[0]["temp_rise_k_kwh"] == pytest.approx(3.0 / (0.36 * 10.0))
    assert figures(table.slice(0, 10))[0]["temp_rise_k_kwh"] is None, "too little charge was moved"


def test_one_low_isolation_value_alone_is_passed_over() -> None:
    told: list[float | None] = [5000.0, 4000.0, 3.0, 4500.0, 4400.0, None, 4300.0]
    (day,) = figures(rows("a", list(range(7)), isolation_resistance_kohm=told))
    assert day["isolation_min_kohm"] == 4000.0
    (day,) = figures(rows("a", [0, 1], isolation_resistance_kohm=[30.0, 40.0]))
    assert day["isolation_min_kohm"] == 30.0


def test_an_unknown_pack_has_no_c_rate() -> None:
    assert daily(rows("a", [0], pack_current_a=[10.0]), {}).column("c_rate_max").to_pylist() == [None]
