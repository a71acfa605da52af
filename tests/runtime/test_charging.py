"""Charging sessions as rows of the health table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.servers.small_fleet import pristine_fleet, small_fleet
from twinpack.runtime.charging import bring_up_charges
from twinpack.runtime.health import bring_up_health, health_rows
from twinpack.runtime.usage import bring_up
from twinpack.store.tables import HEALTH
from twinpack.store.workspace import Workspace

__all__ = ["pristine_fleet", "small_fleet"]


@pytest.fixture
def workspace(small_fleet: Path) -> Workspace:
    return Workspace.open(small_fleet, create=False)


def test_charges_tell_capacity_within_what_they_claim(workspace: Workspace) -> None:
    with workspace.registry() as registry:
        bring_up(workspace, registry)
        added = bring_up_charges(workspace, registry)
    rows = health_rows(workspace, "capacity")
    rows = rows.filter(pc.equal(rows.column("source"), "charge"))
    assert added == rows.num_rows > 5
    truth = pq.read_table(workspace.home / "fleet" / "truth" / "truth.parquet")
    known = rows.filter(pc.is_valid(rows.column("value"))).to_pylist()
    off, sd = [], []
    for row in known:
        own = truth.filter(pc.equal(truth.column("vehicle_id"), row["vehicle_id"]))
        at = np.abs(own.column("sample_time_us").to_numpy() - row["sample_time"].timestamp() * 1e6).argmin()
        off.append(row["value"] - own.column("capacity_health_pct")[int(at)].as_py())
        sd.append(row["sd"])
        assert row["low"] < row["value"] < row["high"]
    assert len(known) > 3
    assert np.mean(np.abs(off)) < 5.0
    assert np.mean(np.abs(off) < 2.5 * np.array(sd)) > 0.8
    unknown = rows.filter(pc.is_null(rows.column("value"))).to_pylist()
    assert all(row["reason"] for row in unknown)


def test_again_adds_nothing_and_the_log_is_followed_all_the_same(workspace: Workspace) -> None:
    with workspace.registry() as registry:
        bring_up(workspace, registry)
        bring_up_charges(workspace, registry)
        assert bring_up_charges(workspace, registry) == 0
        assert bring_up_health(workspace, registry) > 0
        assert workspace.lake().recorded_offset(HEALTH) == registry.offset()
        assert bring_up_charges(workspace, registry) == 0
        assert workspace.lake().recorded_offset(HEALTH) == registry.offset()
