"""Sessions that go round and round: a function of the time alone, whatever pieces it is asked in."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinpack.simulate.endless import SHORTEST_PAUSE_US, EndlessFleet
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings

HOUR_US = 3_600_000_000
RECORDED = FleetSettings(vehicles=3, trips=3, years=0.05, period_s=10.0)


@pytest.fixture(scope="module")
def recorded() -> pa.Table:
    return pa.concat_tables(PhysicsFleet(RECORDED).tables())


@pytest.fixture(scope="module")
def fleet(recorded: pa.Table) -> EndlessFleet:
    return EndlessFleet(recorded)


def times(table: pa.Table) -> npt.NDArray[np.int64]:
    return np.asarray(table.column("sample_time").cast(pa.int64()), np.int64)


def begin(recorded: pa.Table) -> int:
    return int(times(recorded).max()) + 1000 * HOUR_US


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 2 * HOUR_US - 1), max_size=4, unique=True), after=st.integers(0, 500 * HOUR_US))
def test_however_the_time_is_cut_the_same_is_sent(recorded: pa.Table, cuts: list[int], after: int) -> None:
    fleet = EndlessFleet(recorded)
    first = begin(recorded) + after
    edges = [first, *(first + cut for cut in sorted(cuts)), first + 2 * HOUR_US]
    pieces = [fleet.samples(a, b) for a, b in itertools.pairwise(edges)]
    assert pa.concat_tables(pieces).equals(fleet.samples(edges[0], edges[-1]))


def test_samples_lie_in_the_time_asked_for_and_are_received_when_sent(recorded: pa.Table, fleet: EndlessFleet) -> None:
    first = begin(recorded)
    found = fleet.samples(first, first + HOUR_US)
    assert found.schema.names == recorded.schema.names and found.num_rows > 100
    assert times(found).min() >= first and times(found).max() < first + HOUR_US
    assert np.all(np.diff(times(found)) >= 0)
    assert found.column("receipt_time").equals(found.column("sample_time"))


def test_every_vehicle_drives_on_and_none_goes_backwards(recorded: pa.Table, fleet: EndlessFleet) -> None:
    first = begin(recorded)
    found = pa.concat_tables([fleet.samples(first + h * HOUR_US, first + (h + 1) * HOUR_US) for h in range(60)])
    assert set(pc.unique(found.column("vehicle_id")).to_pylist()) == set(fleet.vehicle_ids)
    for name in fleet.vehicle_ids:
        mine = found.filter(pc.equal(found.column("vehicle_id"), name))
        odometer = mine.column("odometer_km").drop_null().to_numpy()
        history = recorded.filter(pc.equal(recorded.column("vehicle_id"), name)).column("odometer_km")
        # Rows of the recording come late and twice here and there, as they do on the road.
        assert odometer.min() >= pc.max(history).as_py() - 1.0
        assert np.all(np.diff(odometer[:: max(1, len(odometer) // 20)]) >= 0.0) and odometer[-1] > odometer[0] + 5.0


def test_a_pause_follows_each_session_so_that_trips_end(recorded: pa.Table) -> None:
    still = PhysicsFleet(replace(RECORDED, vehicles=1, disturbances=False))
    fleet = EndlessFleet(pa.concat_tables(still.tables()))
    first = begin(recorded)
    found = pa.concat_tables([fleet.samples(first + h * HOUR_US, first + (h + 1) * HOUR_US) for h in range(48)])
    gaps = np.diff(times(found))
    assert (gaps >= SHORTEST_PAUSE_US).sum() >= 3
