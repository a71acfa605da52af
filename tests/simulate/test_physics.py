from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from twinpack.battery.pack import load_pack, pack_text
from twinpack.errors import InputError, NotFoundError
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings
from twinpack.telemetry.schema import SIGNALS, TELEMETRY

SMALL = FleetSettings(vehicles=4, trips=6, years=5.0, seed=3)
CLEAN = replace(SMALL, disturbances=False)
PACK = load_pack("sim_nmc_96s")


@cache
def samples(settings: FleetSettings = SMALL) -> pa.Table:
    return pa.concat_tables(PhysicsFleet(settings).tables())


def of(table: pa.Table, vehicle: str) -> pa.Table:
    return table.filter(pc.equal(table["vehicle_id"], vehicle))


def values(table: pa.Table, name: str) -> NDArray[Any]:
    return np.asarray(table[name].to_numpy(zero_copy_only=False))


def micros(table: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(table[name].cast(pa.int64()).to_numpy())


def sessions(settings: FleetSettings = CLEAN) -> list[pa.Table]:
    """Drives and charges of every vehicle of an undisturbed fleet."""
    found = []
    for vehicle in PhysicsFleet(settings).vehicle_ids:
        table = of(samples(settings), vehicle)
        plugged = values(table, "is_charging")
        new = (np.diff(micros(table, "sample_time")) > 3.6e9) | (plugged[1:] != plugged[:-1])
        edges = [0, *(np.flatnonzero(new) + 1), table.num_rows]
        found += [table.slice(a, b - a) for a, b in pairwise(edges)]
    return found


def drives(settings: FleetSettings = CLEAN) -> list[pa.Table]:
    return [s for s in sessions(settings) if not s["is_charging"][0].as_py()]


def charges(settings: FleetSettings = CLEAN) -> list[pa.Table]:
    return [s for s in sessions(settings) if s["is_charging"][0].as_py()]


def charge_ah(table: pa.Table) -> float:
    hours = (micros(table, "sample_time") - micros(table, "sample_time")[0]) / 3.6e9
    return float(np.trapezoid(values(table, "pack_current_a"), hours))


def test_tables_have_the_schema_and_come_in_order_of_receipt() -> None:
    tables = list(PhysicsFleet(SMALL).tables())
    assert len(tables) == SMALL.trips
    assert all(table.schema.equals(TELEMETRY) for table in tables)
    received = np.concatenate([micros(table, "receipt_time") for table in tables])
    assert np.all(np.diff(received) >= 0)


def test_every_value_is_physically_possible() -> None:
    for name, signal in SIGNALS.items():
        column = samples()[name]
        if signal.kind == "float" and column.null_count < len(column):
            assert pc.min(column).as_py() >= signal.minimum
            assert pc.max(column).as_py() <= signal.maximum


def test_voltage_and_current_stay_within_the_packs_limits() -> None:
    voltage, current = values(samples(), "pack_voltage_v"), values(samples(), "pack_current_a")
    assert voltage.min() >= PACK.voltage_min_v
    assert voltage.max() <= PACK.voltage_max_v
    assert current.min() >= -PACK.discharge_current_max_a
    assert current.max() <= PACK.charge_current_max_a


def test_the_same_seed_gives_the_same_fleet_and_another_seed_another() -> None:
    again = pa.concat_tables(PhysicsFleet(SMALL).tables())
    assert again.equals(samples())
    assert not pa.concat_tables(PhysicsFleet(replace(SMALL, seed=4)).tables()).equals(samples())


def test_a_vehicle_does_not_depend_on_how_many_others_there_are() -> None:
    fewer = samples(replace(SMALL, vehicles=2))
    for vehicle in ("SIM-0001", "SIM-0002"):
        assert of(fewer, vehicle).equals(of(samples(), vehicle))


@pytest.mark.parametrize("seed", [1, 2, 3, 7, 42, 2024])
def test_five_years_leave_75_to_97_percent_of_the_capacity(seed: int) -> None:
    truth = PhysicsFleet(FleetSettings(vehicles=200, trips=60, seed=seed)).truth()
    health = values(truth, "capacity_health_pct").reshape(200, 60)
    assert health[:, -1].min() >= 75.0
    assert health[:, -1].max() <= 97.0
    assert 3.0 <= health[:, -1].std() <= 5.0
    assert np.all(np.diff(health, axis=1) < 0.0)
    # the spread factors are seldom held by their bounds
    assert np.mean(health[:, -1] < 76.5) < 0.04


def test_resistance_grows_with_fade_but_not_in_step() -> None:
    truth = PhysicsFleet(FleetSettings(vehicles=200, trips=20)).truth()
    ratio = values(truth, "resistance_ratio").reshape(200, 20)
    health = values(truth, "capacity_health_pct").reshape(200, 20)
    growth = ratio[:, -1] / ratio[:, 0]
    assert 1.1 <= growth.min()
    assert growth.max() <= 2.0
    assert -0.95 < np.corrcoef(health[:, -1], ratio[:, -1])[0, 1] < -0.3


def test_truth_has_one_row_a_drive_that_names_its_first_sample() -> None:
    truth = PhysicsFleet(SMALL).truth()
    assert truth.num_rows == SMALL.vehicles * SMALL.trips
    assert values(truth, "trip_number").tolist() == list(range(1, SMALL.trips + 1)) * SMALL.vehicles
    for row in truth.to_pylist():
        times = micros(of(samples(), row["vehicle_id"]), "sample_time")
        assert row["sample_time_us"] in times
        assert row["sample_time"] == datetime.fromtimestamp(row["sample_time_us"] / 1e6, UTC)


def test_charge_that_flowed_agrees_with_capacity_and_open_circuit_voltage() -> None:
    """What a twin does: two rests, the charge between them, and so the capacity."""
    truth = {(row["vehicle_id"], row["sample_time_us"]): row for row in PhysicsFleet(CLEAN).truth().to_pylist()}
    found = []
    for drive in drives():
        row = truth[drive["vehicle_id"][0].as_py(), int(micros(drive, "sample_time")[0])]
        soc_end = row["soc_start_pct"] / 100.0 + charge_ah(drive) / row["capacity_ah"]
        rest_v = values(drive, "pack_voltage_v")[-1] / PACK.series
        found.append((float(PACK.ocv.soc_at(rest_v)), soc_end))
    measured, counted = np.array(found).T
    # the rest after a drive is short: voltage has not wholly recovered
    assert np.all(np.abs(measured - counted) < 0.06)
    assert np.corrcoef(measured, counted)[0, 1] > 0.99


def test_a_drive_takes_a_good_part_of_the_charge_in_a_believable_time() -> None:
    for drive in drives():
        times = micros(drive, "sample_time")
        speed = values(drive, "speed_kmh")
        assert 600 <= drive.num_rows <= 1201
        assert set(np.unique(np.diff(times))) == {1_000_000}
        assert speed[0] == speed[-1] == 0.0
        assert 60.0 < speed.max() <= 170.0
        # ten to twenty minutes of what takes between one and four hours to empty a pack
        assert 0.02 < -charge_ah(drive) / PACK.capacity_ah < 0.3


def test_nobody_changes_speed_at_once() -> None:
    acceleration = np.concatenate([np.gradient(values(drive, "speed_kmh") / 3.6) for drive in drives()])
    assert 0.2 < acceleration.std() < 0.7
    # what the speedometer's noise and steps may add is in
    assert np.abs(acceleration).max() < 2.4


def test_traffic_looks_the_same_at_another_period() -> None:
    slower = replace(SMALL, trips=40, disturbances=False, period_s=10.0)
    for name in ("mean", "std"):
        speeds = [
            getattr(np.concatenate([values(drive, "speed_kmh") for drive in drives(settings)]), name)()
            for settings in (replace(slower, period_s=1.0), slower)
        ]
        assert speeds[1] == pytest.approx(speeds[0], rel=0.06)
    assert set(np.unique(np.diff(micros(drives(slower)[0], "sample_time")))) == {10_000_000}
    assert 60 <= drives(slower)[0].num_rows <= 121


def test_rows_of_a_session_do_not_overtake_each_other_but_for_a_few() -> None:
    for vehicle in PhysicsFleet(SMALL).vehicle_ids:
        times = micros(of(samples(), vehicle), "sample_time")
        assert np.mean(np.diff(times) < 0) < 0.002


def test_a_charge_moves_enough_to_tell_the_capacity() -> None:
    swings = [charge_ah(charge) / PACK.capacity_ah for charge in charges(replace(CLEAN, trips=20))]
    assert np.median(swings) > 0.3
    assert np.quantile(swings, 0.1) > 0.1


def test_consumption_is_that_of_a_van() -> None:
    energy, distance = 0.0, 0.0
    for drive in drives():
        hours = (micros(drive, "sample_time") - micros(drive, "sample_time")[0]) / 3.6e9
        energy -= float(np.trapezoid(values(drive, "pack_voltage_v") * values(drive, "pack_current_a") / 1000.0, hours))
        distance += float(np.ptp(values(drive, "odometer_km")))
    assert 0.16 < energy / distance < 0.34


def test_a_charge_follows_its_drive_and_ends_at_rest() -> None:
    assert len(charges()) > 0
    for charge in charges():
        current = values(charge, "pack_current_a")
        assert charge_ah(charge) > 0.0
        assert current.min() > -1.5
        assert abs(current[-1]) < 1.5
        assert set(np.unique(np.diff(micros(charge, "sample_time")))) <= {30_000_000, 60_000_000}


def test_the_share_of_charges_is_a_setting() -> None:
    assert not pc.any(samples(replace(SMALL, trips=2, charge_share=0.0))["is_charging"]).as_py()
    all_charged = PhysicsFleet(replace(SMALL, charge_share=1.0)).truth()
    assert pc.all(all_charged["charged_after"]).as_py()


def test_the_battery_is_colder_in_winter() -> None:
    table = samples(FleetSettings(vehicles=6, trips=24, years=2.0))
    month = pc.month(table["sample_time"]).to_numpy()
    temp = values(table, "cell_temp_avg_c")
    assert temp[(month == 1) | (month == 2)].mean() < temp[(month == 7) | (month == 8)].mean() - 5.0


def test_the_stream_is_disturbed_only_when_asked() -> None:
    def identical(table: pa.Table) -> int:
        keys = list(zip(table["vehicle_id"].to_pylist(), micros(table, "sample_time"), strict=True))
        return len(keys) - len(set(keys))

    wild, clean = samples(replace(SMALL, trips=20)), samples(replace(SMALL, trips=20, disturbances=False))
    assert identical(wild) > 0
    assert identical(clean) == 0
    assert wild.num_rows < clean.num_rows
    lag = (micros(wild, "receipt_time") - micros(wild, "sample_time")) / 1e6
    assert lag.max() > 30.0
    assert np.median(lag) < 60.0


def test_an_exact_duplicate_differs_in_nothing() -> None:
    rows = samples(replace(SMALL, trips=20)).drop_columns(["cell_voltage_v", "cell_temp_c"]).to_pylist()
    seen: dict[tuple[str, datetime], dict[str, Any]] = {}
    for row in rows:
        assert seen.setdefault((row["vehicle_id"], row["sample_time"]), row) == row


def test_the_bms_is_wrong_about_the_charge_by_a_point_or_two() -> None:
    truth = {
        (r["vehicle_id"], r["sample_time_us"]): r["soc_start_pct"] for r in PhysicsFleet(CLEAN).truth().to_pylist()
    }
    error = np.array(
        [
            d["soc_pct"][0].as_py() - truth[d["vehicle_id"][0].as_py(), int(micros(d, "sample_time")[0])]
            for d in drives()
            if d["soc_pct"][0].as_py() < 100.0
        ]
    )
    assert 0.7 < np.sqrt(np.mean(error**2)) < 3.0
    assert np.abs(error).max() < 5.0


def test_cell_voltages_add_up_to_the_packs() -> None:
    table = samples(replace(SMALL, vehicles=2, trips=2, cell_voltages=True))
    cells = np.stack(table["cell_voltage_v"].to_numpy(zero_copy_only=False))
    assert cells.shape == (table.num_rows, PACK.series)
    np.testing.assert_allclose(cells.sum(axis=1), values(table, "pack_voltage_v"), atol=1.0)
    assert 0.001 < np.median(cells.std(axis=1)) < 0.02


def test_plans_belong_to_drives() -> None:
    driving = samples().filter(pc.invert(samples()["is_charging"]))
    assert driving["planned_distance_km"].null_count == 0
    assert driving["load_kg"].null_count == 0
    charging = samples().filter(samples()["is_charging"])
    assert charging["planned_distance_km"].null_count == charging.num_rows


def test_another_pack_may_be_simulated() -> None:
    text = pack_text("lfp_104s")
    table = samples(FleetSettings(vehicles=1, trips=2, pack=text))
    pack = load_pack("lfp_104s")
    assert pack.voltage_min_v <= values(table, "pack_voltage_v").min()
    assert values(table, "pack_voltage_v").max() <= pack.voltage_max_v


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vehicles": 0}, r"'vehicles' is 0; it must be a whole number from 1"),
        ({"vehicles": 2.5}, r"'vehicles' is 2.5"),
        ({"trips": True}, r"'trips' is True"),
        ({"years": -1.0}, r"'years' is -1.0; it must be a number from"),
        ({"years": float("nan")}, r"'years' is nan"),
        ({"seed": -1}, r"'seed' is -1"),
        ({"period_s": 0.1}, r"'period_s' is 0.1; it must be a number from 1.0 to 30.0"),
        ({"charge_share": 1.5}, r"'charge_share' is 1.5"),
        ({"prefix": "a/b"}, r"'prefix' is 'a/b'"),
        ({"trips": 500, "years": 1.0}, r"'trips' is 500, more than one in 2.5 days of 1.0 years; use at most 146"),
    ],
)
def test_a_wrong_setting_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(SMALL, **change)


def test_an_unknown_pack_is_refused() -> None:
    with pytest.raises(NotFoundError, match="no pack 'nope'"):
        PhysicsFleet(FleetSettings(pack="nope"))


def test_the_fleet_starts_on_the_first_day_asked_for() -> None:
    first = samples(replace(SMALL, trips=1, years=0.02, start=date(2023, 5, 1)))["sample_time"][0].as_py()
    assert datetime(2023, 5, 1, tzinfo=UTC) <= first < datetime(2023, 5, 8, tzinfo=UTC)
