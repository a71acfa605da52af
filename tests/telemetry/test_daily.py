from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from twinpack.telemetry.daily import DAILY_SIGNALS, daily
from twinpack.telemetry.schema import TELEMETRY

DAY_US = 86_400_000_000


def rows(vehicle: str, times_s: list[float], **signals: list[Any]) -> pa.Table:
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
    cells = [[3.5, 3.75, 3.625], None, [], [3.5, 4.0], [None, 3.0, 3.125]]
    (day,) = figures(rows("a", [0, 1, 2, 3, 4], cell_voltage_v=cells))
    assert (day["cell_spread_max_v"], day["cell_spread_mean_v"]) == (0.5, pytest.approx((0.25 + 0.5 + 0.125) / 3))
    (day,) = figures(rows("a", [0]))
    assert day["cell_spread_max_v"] is None


def test_an_unknown_pack_has_no_c_rate() -> None:
    assert daily(rows("a", [0], pack_current_a=[10.0]), {}).column("c_rate_max").to_pylist() == [None]
