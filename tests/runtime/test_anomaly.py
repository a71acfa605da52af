"""Learning which vehicles are odd, on telemetry of a simulated fleet in which cells were made weak."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.runtime.segments import enter, samples, write
from twinpack.errors import LearningError, NotFoundError, WorkspaceError
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.anomaly import Ranking, learn_anomalies, score_anomalies, stored_rankings
from twinpack.runtime.jobs.steps import STEPS, StepContext
from twinpack.simulate.physics import PhysicsFleet
from twinpack.simulate.settings import FleetSettings
from twinpack.store.jobs import ANOMALY, JOBS
from twinpack.store.query import query
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace

PACK = "sim_nmc_96s"
DAY_US = 86_400_000_000
PLANTED = {"SIM-0004": 41, "SIM-0011": 7}
"""Vehicles with a cell that was made weak, and its number."""


@cache
def telemetry() -> pa.Table:
    """Half a year of 14 vehicles; two get a weak cell in its second half, one of them of less capacity."""
    settings = FleetSettings(vehicles=14, trips=30, years=0.5, seed=5, period_s=30.0, cell_voltages=True)
    rows = pa.concat_tables(list(PhysicsFleet(settings).tables())).sort_by("receipt_time")
    vehicle, time_us = rows.column("vehicle_id"), rows.column("sample_time").cast(pa.int64()).to_numpy()
    late = time_us > np.quantile(time_us, 0.5)
    cells = rows.column("cell_voltage_v").combine_chunks()
    volts = cells.flatten().to_numpy().reshape(len(rows), -1).copy()
    first, second = (late & pc.equal(vehicle, name).to_numpy() for name in PLANTED)
    volts[first, 40] -= 0.03
    volts[second, 6] -= 0.06 * (1.0 - rows.column("soc_pct").to_numpy()[second] / 100.0)
    planted = pa.ListArray.from_arrays(cells.offsets, pa.array(volts.ravel()))
    return rows.set_column(rows.column_names.index("cell_voltage_v"), "cell_voltage_v", planted)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with that telemetry folded, and a model learned from its first 100 days."""
    workspace = Workspace.open(tmp_path_factory.mktemp("fleet") / "home")
    put(workspace, telemetry())
    learn_anomalies(workspace, until=date(2020, 4, 15))
    return workspace.home


@pytest.fixture
def workspace(fleet: Path, tmp_path: Path) -> Iterator[Workspace]:
    shutil.copytree(fleet, tmp_path / "home")
    yield Workspace.open(tmp_path / "home", create=False)


def put(workspace: Workspace, *tables: pa.Table, pack: str = PACK) -> None:
    """Bring telemetry into the log, as if it had been folded."""
    write(workspace.home, *tables)
    with workspace.registry() as registry:
        names = dict.fromkeys(name for table in tables for name in table.column("vehicle_id").to_pylist())
        enter(registry, *names, pack=pack)
        end = SegmentLog(workspace.log_dir).end_offset
        registry.commit_batch(MAIN_STREAM, registry.offset(), end, [], {})


def ranked(ranking: Ranking) -> list[str]:
    return [one.vehicle_id for one in ranking.vehicles]


def rows_of(workspace: Workspace) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workspace.lake().read("anomaly_scores").to_pylist()
    return found


def test_planted_vehicles_rank_first_with_their_cells_as_reasons(workspace: Workspace) -> None:
    (ranking,) = stored_rankings(workspace)
    assert set(ranked(ranking)[:2]) == set(PLANTED)
    assert len(ranking.vehicles) == 14
    for one in ranking.vehicles[:2]:
        assert one.odder_than > 0.95
        assert any(f"cell {PLANTED[one.vehicle_id]} " in reason for reason in one.reasons), one
    assert [one.score for one in ranking.vehicles] == sorted((one.score for one in ranking.vehicles), reverse=True)
    assert (ranking.card["trained_to"], ranking.card["vehicles"]) == ("2020-04-15", 14)


def test_only_days_after_those_learned_from_are_scored(workspace: Workspace) -> None:
    rows = rows_of(workspace)
    days = {(row["vehicle_id"], row["day"]) for row in rows}
    assert len(days) == len(rows) > 100
    assert min(day for _, day in days) > date(2020, 4, 15)
    there = workspace.lake().read("features", ["vehicle_id", "day"]).to_pylist()
    assert days == {(row["vehicle_id"], row["day"]) for row in there if row["day"] > date(2020, 4, 15)}


def test_a_stored_version_gives_the_same_scores_again(workspace: Workspace) -> None:
    before, (stored,) = rows_of(workspace), stored_rankings(workspace)
    again = score_anomalies(workspace)
    assert again == stored == score_anomalies(workspace, stored.model_hash[:8])
    assert rows_of(workspace) == before
    repeated = learn_anomalies(workspace, until=date(2020, 4, 15)).rankings[0]
    assert repeated == stored, "learning is repeatable, to the hash"
    assert rows_of(workspace) == before


def test_newer_days_are_scored_without_learning_and_change_no_earlier_score(workspace: Workspace) -> None:
    before = {(row["vehicle_id"], row["day"]): row for row in rows_of(workspace)}
    newer = telemetry()
    at = newer.column_names.index("sample_time")
    last = newer.filter(
        pc.greater(
            newer.column("sample_time"), pa.scalar(pc.max(newer.column("sample_time")).as_py() - timedelta(days=4))
        )
    )
    later = pa.compute.add(last.column("sample_time"), pa.scalar(timedelta(days=10)))
    last = last.set_column(at, "sample_time", later).set_column(at + 1, "receipt_time", later)
    put(workspace, last)
    ranking = score_anomalies(workspace)
    after = {(row["vehicle_id"], row["day"]): row for row in rows_of(workspace)}
    assert len(after) > len(before)
    for key, row in before.items():
        assert {name: after[key][name] for name in row if name != "offset"} == {
            name: row[name] for name in row if name != "offset"
        }
    assert set(ranked(ranking)[:2]) == set(PLANTED)


def test_scores_are_asked_for_in_sql_and_models_stand_side_by_side(workspace: Workspace) -> None:
    (first,) = stored_rankings(workspace)
    (second,) = learn_anomalies(workspace, PACK, since=date(2020, 2, 1), until=date(2020, 5, 1)).rankings
    assert first.model_hash != second.model_hash
    sql = "select model_hash, count(*) n, max(odder_than) most from anomaly_scores group by all"
    found = {row["model_hash"]: row for row in query(workspace, sql).to_pylist()}
    assert {name: row["n"] for name, row in found.items()} == {
        first.model_hash: first.days,
        second.model_hash: second.days,
    }
    assert stored_rankings(workspace)[0] == second, "the latest model's"


def test_when_nothing_is_left_to_score_the_model_is_kept_all_the_same(workspace: Workspace) -> None:
    (ranking,) = learn_anomalies(workspace, until=date(2021, 1, 1)).rankings
    assert (ranking.vehicles, ranking.days) == ((), 0)
    assert stored_rankings(workspace)[0].model_hash == ranking.model_hash


def test_without_a_last_day_two_thirds_are_learned_from(workspace: Workspace) -> None:
    (ranking,) = learn_anomalies(workspace).rankings
    days = sorted(row["day"] for row in workspace.lake().read("features", ["day"]).to_pylist())
    learned_from = sum(day <= date.fromisoformat(ranking.card["trained_to"]) for day in days)
    assert learned_from / len(days) == pytest.approx(2 / 3, abs=0.03)
    assert learned_from + ranking.days == len(days)


def test_a_model_that_does_not_exist_is_named(workspace: Workspace) -> None:
    (ranking,) = stored_rankings(workspace)
    for wrong in ("abc", "0" * 64):
        with pytest.raises(NotFoundError, match=f"{wrong!r} names no anomaly model.*{ranking.model_hash[:12]}"):
            score_anomalies(workspace, wrong)
    with pytest.raises(NotFoundError, match=r"no day of pack 'other' here; there are sim_nmc_96s"):
        learn_anomalies(workspace, "other")
    with pytest.raises(NotFoundError, match=r"no anomaly model of pack 'other' here"):
        stored_rankings(workspace, "other")


def test_a_model_that_was_altered_is_not_used(workspace: Workspace) -> None:
    (ranking,) = stored_rankings(workspace)
    (path,) = (workspace.home / "models").glob(f"{ranking.model_hash}*")
    path.write_text(path.read_text().replace("0.5", "0.6", 1))
    with pytest.raises(WorkspaceError, match="altered or damaged"):
        score_anomalies(workspace)


def test_too_little_says_what_is_missing(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "home")
    with pytest.raises(NotFoundError, match="nothing to learn from"):
        learn_anomalies(workspace)
    times = [1_600_000_000_000_000 + day * DAY_US for day in range(9)]
    put(workspace, *(samples(f"car-{number}", times, cell_temp_avg_c=20.0) for number in range(3)))
    with pytest.raises(LearningError, match=r"pack sim_nmc_96s: 0 vehicles of 3 with 7 days.*2020-09-13 to 2020-09-18"):
        learn_anomalies(workspace)
    with pytest.raises(LearningError, match=r"3 vehicles of 3 with 7 days .* takes 8 of them"):
        learn_anomalies(workspace, until=date(2021, 1, 1))
    with pytest.raises(NotFoundError, match="no anomaly model here; `twinpack learn anomaly` makes one"):
        score_anomalies(workspace)


def test_packs_are_learned_apart_and_a_small_one_is_left_out(workspace: Workspace) -> None:
    put(workspace, samples("lone", [1_590_000_000_000_000], soc_pct=50.0), pack="lfp_104s")
    learned = learn_anomalies(workspace)
    assert [one.card["pack"] for one in learned.rankings] == [PACK]
    assert len(learned.left_out) == 1 and "pack lfp_104s: 0 vehicles of 1" in learned.left_out[0]
    with pytest.raises(LearningError, match="pack lfp_104s"):
        learn_anomalies(workspace, "lfp_104s")


@pytest.mark.parametrize("model", ["", "latest"])
def test_a_job_learns_or_scores(workspace: Workspace, model: str) -> None:
    (before,) = stored_rankings(workspace)
    told: list[str] = []
    context = StepContext("anomaly-1", workspace, JOBS[ANOMALY].complete({"model": model}), told.append)
    (step,) = STEPS[ANOMALY]
    found = step.run(context)
    assert step.run(context) == found
    assert (found["models"] == [before.model_hash]) == bool(model)
    (ranking,) = stored_rankings(workspace)
    assert found == {"models": [ranking.model_hash], "days_scored": ranking.days}
    assert f"{ranking.vehicles[0].vehicle_id} is the oddest" in told[0]
