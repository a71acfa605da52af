"""The shipped profiles of public data sets: sign, units, vehicles and what follows what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from twinpack.battery.pack import load_pack
from twinpack.telemetry.profiles import bind, shipped_profile, shipped_profiles
from twinpack.telemetry.readings import Readings

US = 1_000_000
BENCH = {"time_s": [0.0, 10.0, 0.0], "voltage_V": [4.1, 3.9, 4.0], "temp_C": [25.0, 26.0, 25.5]}


def _read(name: str, columns: dict[str, Any], file: str) -> Readings:
    return bind(shipped_profile(name), list(columns), file).convert(pa.table(columns), lambda _: 0)


@pytest.mark.parametrize(
    ("name", "columns", "vehicle", "current_a", "gap_s"),
    [
        ("dmegc_electrothermal", {"cell_id": ["R1"] * 3, "current_A": [2.6, 1.3, 0.0]}, "R1", [-2.6, -1.3, 0.0], 3600),
        ("nasa_pcoe", {"battery_id": ["B1"] * 3, "current_A": [-2.0, -1.0, 1.5]}, "B1", [-2.0, -1.0, 1.5], 3600),
        ("essl1_lfp_ageing", {"cell_id": ["Cell1"] * 3, "current_A": [50.0, 49.0, 0.0]}, "Cell1", [50, 49, 0], 7200),
    ],
)
def test_tests_of_a_cell_follow_each_other_and_discharge_is_negative(
    name: str, columns: dict[str, Any], vehicle: str, current_a: list[float], gap_s: int
) -> None:
    readings = _read(name, BENCH | columns, "Cell1_charge.parquet")
    assert readings.vehicle_ids == (vehicle,)
    assert readings.signals["pack_current_a"].tolist() == current_a
    assert readings.signals["cell_temp_avg_c"].tolist() == BENCH["temp_C"]
    assert readings.sample_time_us.tolist() == [0, 10 * US, (10 + gap_s) * US]


def test_a_nissan_leaf_cell_has_no_temperature_but_that_of_its_chamber() -> None:
    columns = {"time_s": [1.0], "current_A": [-30.6], "voltage_V": [3.7], "ambient_C": [25]}
    readings = _read("nissan_leaf_cell", columns, "cell_hppc_25C.parquet")
    assert {name: values.tolist() for name, values in readings.signals.items()} == {
        "pack_voltage_v": [3.7],
        "pack_current_a": [-30.6],
        "cell_temp_avg_c": [25.0],
        "ambient_temp_c": [25.0],
    }


def test_nissan_leaf_modules_have_their_groups_and_probes() -> None:
    columns = {"time_s": [1.0], "current_A": [-65.0], "string_voltage_V": [22.8]}
    columns |= {f"cellgroup_{n}_V": [3.8 + n / 100] for n in range(1, 7)}
    columns |= {f"module_{n}_temp_C": [20.0 + n] for n in range(1, 4)}
    readings = _read("nissan_leaf_modules", columns, "modules3s_discharge_1_0C.parquet")
    np.testing.assert_allclose(readings.lists["cell_voltage_v"].to_pylist(), [[3.8 + n / 100 for n in range(1, 7)]])
    assert readings.lists["cell_temp_c"].to_pylist() == [[21.0, 22.0, 23.0]]
    assert readings.signals["pack_voltage_v"].tolist() == [22.8]
    assert load_pack("nissan_leaf_6s").series == 6


def test_every_pack_that_a_profile_names_is_shipped() -> None:
    packs = [pack for name in shipped_profiles() if (pack := shipped_profile(name).pack) is not None]
    assert len([load_pack(pack) for pack in packs]) >= 7
