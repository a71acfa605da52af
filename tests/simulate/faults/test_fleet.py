"""The fleet for fault detection: honest sensors, one fault in every other vehicle, and its truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from twinpack.battery.pack import load_pack
from twinpack.errors import InputError
from twinpack.simulate.faults.fleet import FaultFleet, FleetDay
from twinpack.simulate.faults.kinds import KINDS, FaultKind
from twinpack.simulate.faults.settings import FaultFleetSettings
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import SIGNALS, TELEMETRY

SMALL = FaultFleetSettings(vehicles=20, days=60)
PACK = load_pack("sim_nmc_96s")


@dataclass(frozen=True)
class Record:
    """Everything of one vehicle, in the order of sample times; `clean` are rows without sentinels."""

    time_us: NDArray[np.int64]
    scalars: dict[str, NDArray[np.float64]]
    cells: NDArray[np.float32]
    probes: NDArray[np.float32]

    @property
    def rest(self) -> NDArray[np.bool_]:
        return np.asarray(self.scalars["contactors_closed"] == 0.0)

    @property
    def deviation_mv(self) -> NDArray[np.float32]:
        """Of each cell from the median of its row."""
        return 1e3 * (self.cells - np.median(self.cells, axis=1, keepdims=True))


class Watched:
    """A fleet that was watched to its end."""

    def __init__(self) -> None:
        fleet = FaultFleet(SMALL)
        self.days = list(fleet.days())
        self.truth: list[dict[str, Any]] = fleet.truth().to_pylist()

    def fault(self, name: str) -> dict[str, Any]:
        (found,) = (row for row in self.truth if row["fault"] == name)
        return found

    def record(self, vehicle_id: str, clean: bool = True) -> Record:
        v = self.days[0].vehicle_ids.index(vehicle_id)
        time_us = np.concatenate([day.sample_time_us[day.vehicle == v] for day in self.days])
        cells = np.concatenate([day.cells[day.vehicle == v] for day in self.days])
        probes = np.concatenate([day.probes[day.vehicle == v] for day in self.days])
        scalars = {
            name: np.concatenate([day.scalars[name][day.vehicle == v] for day in self.days])
            for name in self.days[0].scalars
        }
        order = np.argsort(time_us, kind="stable")
        if clean:
            whole = (cells < 60.0).all(axis=1) & ((cells == 0.0).sum(axis=1) <= 1) & (probes > -40.0).all(axis=1)
            order = order[whole[order]]
        return Record(time_us[order], {n: x[order] for n, x in scalars.items()}, cells[order], probes[order])

    def of_fault(self, name: str) -> tuple[dict[str, Any], Record, int]:
        """Truth, record, and number of the cell or probe from 0."""
        fault = self.fault(name)
        return fault, self.record(fault["vehicle_id"]), int((fault["subject"] or "x 0").split()[1]) - 1


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched()


def same(one: FleetDay, other: FleetDay, vehicle: int) -> bool:
    mine, theirs = one.vehicle == vehicle, other.vehicle == vehicle
    return (
        np.array_equal(one.sample_time_us[mine], other.sample_time_us[theirs])
        and np.array_equal(one.cells[mine], other.cells[theirs])
        and all(np.array_equal(one.scalars[n][mine], other.scalars[n][theirs], equal_nan=True) for n in one.scalars)
    )


def test_a_vehicle_depends_on_neither_the_size_of_the_fleet_nor_the_length_of_the_watch(watched: Watched) -> None:
    few = FaultFleet(FaultFleetSettings(vehicles=3, days=61)).days()
    for day, other in zip(watched.days[:5], few, strict=False):
        assert same(day, other, 0)
        assert same(day, other, 1)
        assert same(day, other, 2)
    another = next(FaultFleet(FaultFleetSettings(vehicles=3, days=61, seed=8)).days())
    assert not same(watched.days[0], another, 0)


def test_days_follow_each_other_in_the_order_of_receipt(watched: Watched) -> None:
    received = np.concatenate([day.receipt_time_us for day in watched.days])
    assert (np.diff(received) >= 0).all()
    assert all(
        day.receipt_time_us[-1] // 86_400_000_000 == day.receipt_time_us[0] // 86_400_000_000
        for day in watched.days[:-1]
    )


def test_batch_and_table_tell_the_same(watched: Watched) -> None:
    day = next(day for day in watched.days if (day.cells > 5.0).any())
    table = day.table()
    assert table.schema == TELEMETRY
    one, other = day.batch(5), SampleBatch.from_arrow(table, 5)
    assert (one.first_offset, other.first_offset) == (5, 5)
    ids = np.array(other.vehicle_ids)[other.vehicle]
    assert (ids == np.array(one.vehicle_ids)[one.vehicle]).all()
    assert (one.sample_time_us == other.sample_time_us).all()
    for name, values in one.signals.items():
        np.testing.assert_array_equal(values, other.signals[name])
    for name, lists in one.lists.items():
        low, high = SIGNALS[name].minimum, SIGNALS[name].maximum
        sent = other.lists[name].values
        np.testing.assert_array_equal(lists.values, np.where((sent >= low) & (sent <= high), sent, np.nan))
    assert np.isnan(one.lists["cell_voltage_v"].values).any()


def test_every_signal_lies_in_its_range(watched: Watched) -> None:
    for day in watched.days:
        for name, values in day.scalars.items():
            known = values[~np.isnan(values)]
            assert (known >= SIGNALS[name].minimum).all(), name
            assert (known <= SIGNALS[name].maximum).all(), name


def test_vehicles_live_as_vehicles_do(watched: Watched) -> None:
    for v in range(0, SMALL.vehicles, 2):
        one = watched.record(f"FLT-{v + 1:04d}")
        days = (one.time_us[-1] - one.time_us[0]) / 86_400e6
        km_a_year = 365.0 * np.ptp(one.scalars["odometer_km"]) / days
        assert days > 59.0
        assert 3_000.0 < km_a_year < 40_000.0
        soc = one.scalars["soc_pct"]
        assert np.nanmin(soc) < 65.0 < np.nanmax(soc)
        charging = one.scalars["is_charging"] == 1.0
        assert 0.02 < charging.mean() < 0.9
        assert np.nanmedian(one.scalars["pack_current_a"][charging]) > 5.0


def test_sensors_have_their_noise_and_their_steps(watched: Watched) -> None:
    one = watched.record("FLT-0001")
    rest = np.flatnonzero(one.rest)
    rest = rest[np.diff(one.time_us[rest], prepend=0) > 1_700e6]
    noise_mv = np.std(np.diff(one.deviation_mv[rest], axis=0)) / np.sqrt(2.0)
    assert 0.9 < noise_mv < 3.0
    steps = one.cells.astype(np.float64) * 1e3
    assert np.abs(steps - np.round(steps)).max() < 1e-3
    assert set(np.unique(np.round(one.probes * 2.0) - one.probes * 2.0)) == {0.0}
    whole = (one.cells > 0.0).all(axis=1)
    assert np.abs(one.cells.sum(axis=1) - one.scalars["pack_voltage_v"])[whole].max() < 3.0
    spread_mv = np.std(np.median(one.deviation_mv[rest], axis=0))
    assert 0.5 < spread_mv < 10.0


def test_streams_are_not_perfect(watched: Watched) -> None:
    rows = sum(len(day) for day in watched.days)
    late = twice = spoiled = silences = 0
    for v in range(0, SMALL.vehicles, 2):
        one = watched.record(f"FLT-{v + 1:04d}", clean=False)
        twice += int((np.diff(one.time_us) == 0).sum())
        silences += int((np.diff(one.time_us) > 3_000e6).sum())
        spoiled += int((one.cells > 60.0).any(axis=1).sum() + (one.cells == 0.0).any(axis=1).sum())
    for day in watched.days:
        late += int((day.receipt_time_us - day.sample_time_us > 25_000_000).sum())
    assert 1e-5 < twice / rows < 1e-2
    assert 1e-4 < late / rows < 1e-2
    assert spoiled > 0
    assert silences > 10


def test_every_other_vehicle_has_one_fault_and_every_kind_comes(watched: Watched) -> None:
    assert [row["vehicle_id"] for row in watched.truth] == [f"FLT-{v:04d}" for v in range(2, 21, 2)]
    assert {row["fault"] for row in watched.truth} == {kind.name for kind in KINDS}
    for row, kind in zip(watched.truth, KINDS, strict=True):
        low, high = sorted((kind.minimum, kind.maximum))
        assert low <= row["size"] <= high
        assert row["unit"] == kind.unit
        assert row["subject"].split(" ")[0] == kind.subject
        assert row["onset_us"] >= watched.days[24].receipt_time_us[0] - 86_400_000_000
    assert FaultFleet(FaultFleetSettings(vehicles=20, days=60, faults=False)).truth().num_rows == 0


def before_and_after(fault: dict[str, Any], record: Record) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The ten days before the fault, and the last eight days."""
    day = 86_400e6
    before = (record.time_us < fault["onset_us"]) & (record.time_us > fault["onset_us"] - 10 * day)
    return before, record.time_us > record.time_us[-1] - 8 * day


def grown(fault: dict[str, Any], record: Record) -> float:
    """Share of the fault that had come about in the middle of the last eight days."""
    now = record.time_us[-1] - 4 * 86_400_000_000
    return float(np.clip((now - fault["onset_us"]) / max(fault["full_us"] - fault["onset_us"], 1), 0.0, 1.0))


def test_a_weak_cell_swings_further_than_the_others(watched: Watched) -> None:
    fault, record, cell = watched.of_fault("weak_cell")
    rest = record.rest & ~np.isnan(record.scalars["soc_pct"])
    slopes = []
    for part in before_and_after(fault, record):
        rows = rest & part
        slopes.append(np.polyfit(record.scalars["soc_pct"][rows], record.deviation_mv[rows, cell], 1)[0])
    # 1 % of charge is 9 mV; a cell short of 1 % of capacity moves by 1 % more of them
    assert (slopes[1] - slopes[0]) / 0.09 > 0.4 * fault["size"] * grown(fault, record)


def test_an_imbalance_lowers_its_cell(watched: Watched) -> None:
    fault, record, cell = watched.of_fault("imbalance")
    before, after = (record.rest & part for part in before_and_after(fault, record))
    fell = np.median(record.deviation_mv[before, cell]) - np.median(record.deviation_mv[after, cell])
    assert fell == pytest.approx(fault["size"] * grown(fault, record), rel=0.35)


def test_a_short_takes_charge_as_its_resistance_says(watched: Watched) -> None:
    fault, record, cell = watched.of_fault("internal_short")
    before, after = (record.rest & part for part in before_and_after(fault, record))
    fell_mv = np.median(record.deviation_mv[before, cell]) - np.median(record.deviation_mv[after, cell])
    hours = (np.median(record.time_us[after]) - fault["onset_us"]) / 3.6e9
    lost_pct = 100.0 * 3.8 / fault["size"] * hours / (0.96 * PACK.capacity_ah)
    assert fell_mv / 9.0 == pytest.approx(lost_pct, rel=0.4)


def test_a_drifting_channel_is_off_by_the_same_at_every_charge(watched: Watched) -> None:
    fault, record, cell = watched.of_fault("cell_sensor_drift")
    before, after = before_and_after(fault, record)
    moved = np.median(record.deviation_mv[after, cell]) - np.median(record.deviation_mv[before, cell])
    assert abs(moved) == pytest.approx(fault["size"] * grown(fault, record), abs=2.5)


def test_a_drifting_probe_is_off(watched: Watched) -> None:
    fault, record, probe = watched.of_fault("probe_drift")
    off = record.probes[:, probe] - np.median(record.probes, axis=1)
    before, after = before_and_after(fault, record)
    assert abs(off[after].mean() - off[before].mean()) == pytest.approx(fault["size"] * grown(fault, record), abs=0.5)


def test_without_cooling_cells_stay_hotter_than_the_coolant(watched: Watched) -> None:
    fault, record, _ = watched.of_fault("cooling_loss")
    loaded = np.abs(record.scalars["pack_current_a"]) > 40.0
    over = record.probes.mean(axis=1) - record.scalars["coolant_temp_c"]
    after, before = record.time_us > fault["full_us"], record.time_us < fault["onset_us"]
    assert np.nanmean(over[after & loaded]) > 1.5 * np.nanmean(over[before & loaded])


def test_a_welded_contactor_leaves_voltage_on_the_link(watched: Watched) -> None:
    fault, record, _ = watched.of_fault("contactor_welded")
    since = record.time_us >= fault["onset_us"]
    link = record.scalars["link_voltage_v"]
    assert link[record.rest & ~since].max() < 10.0
    assert link[record.rest & since].min() > 0.29 * PACK.voltage_min_v


def test_isolation_falls_below_what_is_allowed(watched: Watched) -> None:
    fault, record, _ = watched.of_fault("isolation_loss")
    full = record.time_us >= fault["full_us"]
    kohm = record.scalars["isolation_resistance_kohm"]
    assert np.median(kohm[full]) == pytest.approx(fault["size"], rel=0.15)
    assert fault["size"] < 0.1 * PACK.voltage_max_v
    assert kohm[record.time_us < fault["onset_us"]].min() > 0.5 * PACK.voltage_max_v


def test_a_runaway_heats_collapses_and_ends_the_record(watched: Watched) -> None:
    fault, record, cell = watched.of_fault("thermal_runaway")
    assert record.time_us[-1] <= fault["end_us"]
    last_hour = record.time_us > fault["runaway_us"] - 3_600_000_000
    assert record.probes[last_hour].max() > 75.0
    assert record.cells[-1, cell] < 2.5
    assert np.diff(record.time_us[record.time_us > fault["runaway_us"] - 300_000_000]).max() < 65e6


def test_a_dead_channel_shows_always_the_same(watched: Watched) -> None:
    fault, record, cell = watched.of_fault("dead_channel")
    shown = record.cells[record.time_us >= fault["onset_us"], cell]
    assert len(np.unique(shown)) == 1
    assert len(np.unique(record.cells[record.time_us < fault["onset_us"], cell])) > 50


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_the_smallest_and_the_largest_size_are_told(kind: FaultKind) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "simulate.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{kind.name}` |"))
    _, _, smallest, largest, *_ = (cell.strip() for cell in row.split("|"))
    sizes = (f"{kind.minimum:g} {kind.unit}", f"{kind.maximum:g} {kind.unit}") if kind.unit else ("", "")
    assert (smallest, largest) == sizes


def test_silences_are_known(watched: Watched) -> None:
    fleet = FaultFleet(SMALL)
    silences = fleet.silences()
    assert set(silences) == set(fleet.vehicle_ids)
    for v in range(0, SMALL.vehicles, 2):
        vehicle_id = f"FLT-{v + 1:04d}"
        heard = watched.record(vehicle_id, clean=False).time_us
        slack_us = 45_000_000  # of its clock
        assert silences[vehicle_id]
        for start, end in silences[vehicle_id]:
            assert not ((heard > start + slack_us) & (heard < end - slack_us)).any()
        # no longer without a sample than silences and parked periods explain
        pauses = np.flatnonzero(np.diff(heard) > 3_700_000_000)
        for at in pauses.tolist():
            assert any(start < heard[at + 1] and end > heard[at] for start, end in silences[vehicle_id])
    burnt = watched.fault("thermal_runaway")
    assert burnt["end_us"] in [start for start, _ in silences[burnt["vehicle_id"]]]
    assert fleet.vehicle_years() == pytest.approx(20 * 60 / 365.25, rel=0.06)
    assert fleet.vehicle_years() < 20 * 60 / 365.25


@pytest.mark.parametrize("wrong", [{"days": 30}, {"vehicles": 0}, {"use_period_s": 0.1}, {"parked_period_s": 30}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        FaultFleetSettings(**wrong)
