"""Learning how packs age, and the outlook of their vehicles, in a workspace that lived."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.servers.small_fleet import VEHICLES, pristine_fleet, small_fleet
from twinpack.errors import InputError, LearningError, NotFoundError, WorkspaceError
from twinpack.forecast.outlook import LEVELS
from twinpack.runtime.ageing import KIND, ageing_model, learn_ageing_of
from twinpack.runtime.forecasts import forecast_pack, outlook_of
from twinpack.runtime.jobs.steps import STEPS, StepContext
from twinpack.runtime.usage import bring_up, fleet_histories, fleet_usage, position
from twinpack.store.erasing import erase
from twinpack.store.jobs import JOBS
from twinpack.store.lake import Lake
from twinpack.store.tables import FORECAST_ENDS, FORECASTS
from twinpack.store.workspace import Workspace

__all__ = ["pristine_fleet", "small_fleet"]

PACK = "sim_nmc_96s"


@pytest.fixture
def workspace(small_fleet: Path) -> Workspace:
    return Workspace.open(small_fleet, create=False)


def test_usage_and_histories_are_read_from_the_lake(workspace: Workspace) -> None:
    with workspace.registry() as registry:
        bring_up(workspace, registry)
        usage, names = fleet_usage(workspace, registry, PACK)
        histories = fleet_histories(workspace, registry, PACK, names[:3])
    assert len(names) == usage.vehicles == VEHICLES
    assert np.all((usage.km_per_day > 5.0) & (usage.km_per_day < 200.0))
    assert np.all((usage.parked_soc > 0.2) & (usage.parked_soc < 1.0))
    assert histories.vehicle_ids == names[:3]
    assert histories.stress.days.sum(axis=0) == pytest.approx(np.full(3, 2 * 365.25), rel=0.06)
    known = np.isfinite(histories.capacity)
    assert known.sum(axis=0).min() >= 3
    assert np.nanmin(np.diff(histories.at, axis=0)) > 0
    assert np.all((histories.capacity[known] > 0.7) & (histories.capacity[known] < 1.1))


def test_days_made_before_the_odometer_was_kept_have_it_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with workspace.registry() as registry:
        bring_up(workspace, registry)
        usage, _ = fleet_usage(workspace, registry, PACK)
        read = Lake.read

        def former(self: Lake, name: str, columns: Any = None, *more: Any, **others: Any) -> pa.Table:
            rows = read(self, name, columns, *more, **others)
            if "odometer_km" not in rows.column_names:
                return rows
            at = rows.column_names.index("odometer_km")
            return rows.set_column(at, "odometer_km", pa.nulls(rows.num_rows, pa.float64()))

        monkeypatch.setattr(Lake, "read", former)
        again, _ = fleet_usage(workspace, registry, PACK)
    assert again.km_per_day == pytest.approx(usage.km_per_day, rel=1e-6)


def test_what_was_learned_is_stored_and_tells_an_outlook(workspace: Workspace) -> None:
    (learned,), left_out = learn_ageing_of(workspace)
    assert left_out == ()
    assert learned.card["kind"] == KIND
    assert learned.card["data"]["vehicles"] == VEHICLES
    assert learned.card["warnings"][-1].endswith("alone: how much vehicles differ is hardly known.")
    with workspace.registry() as registry:
        record, model = ageing_model(workspace, registry)
        told = outlook_of(workspace, registry, vehicles=["SIM-0002", "SIM-0003"], months=24)
    assert record.hash == learned.model_hash
    assert model.pack == PACK
    assert told.outlook.vehicle_ids == ("SIM-0002", "SIM-0003")
    assert told.outlook.capacity_pct.shape == (len(LEVELS), 24, 2)
    assert np.all(np.diff(told.outlook.capacity_pct, axis=0) >= 0)
    assert np.all(np.diff(told.outlook.capacity_pct[3], axis=0) < 0)


def test_one_vehicle_alone_is_told_as_among_all(workspace: Workspace) -> None:
    learn_ageing_of(workspace)
    with workspace.registry() as registry:
        every = outlook_of(workspace, registry, months=12)
        alone = outlook_of(workspace, registry, vehicles=["SIM-0005"], months=12)
    at = every.outlook.vehicle_ids.index("SIM-0005")
    assert alone.outlook.capacity_pct[:, :, 0] == pytest.approx(every.outlook.capacity_pct[:, :, at], abs=1e-3)


def test_without_a_model_the_command_that_makes_one_is_named(workspace: Workspace) -> None:
    with workspace.registry() as registry, pytest.raises(NotFoundError, match="`twinpack learn ageing` makes one"):
        outlook_of(workspace, registry)


def test_what_is_not_there_is_refused_by_name(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no vehicle of pack 'other' here; there are sim_nmc_96s"):
        learn_ageing_of(workspace, "other")
    with pytest.raises(InputError, match="no ageing law 'magic'; there are schmalstieg-nmc"):
        learn_ageing_of(workspace, law="magic")
    with pytest.raises(NotFoundError, match="no vehicle is known yet"):
        learn_ageing_of(Workspace.open(tmp_path / "new"))


def test_a_damaged_artifact_is_refused(workspace: Workspace) -> None:
    (learned,), _ = learn_ageing_of(workspace)
    path = next(workspace.home.rglob(f"{learned.model_hash}.json"))
    path.write_text(path.read_text(encoding="utf-8").replace("schmalstieg", "blast"), encoding="utf-8")
    with workspace.registry() as registry, pytest.raises((WorkspaceError, LearningError), match="altered or damaged"):
        outlook_of(workspace, registry)


def test_days_lie_within_their_months() -> None:
    assert position(18_262.0, 600) == 0.0
    assert position(18_262.0 + 15.5, 600) == pytest.approx(0.5)
    assert position(18_262.0 + 31.0, 600) == 1.0


def test_jobs_learn_and_look_ahead(workspace: Workspace) -> None:
    said: list[str] = []
    assert _do(workspace, "forecast", said) == {"vehicles": 0}
    assert "`twinpack learn ageing` makes one" in said[-1]
    assert len(_do(workspace, "ageing", said)["models"]) == 1
    assert "from 8 vehicles, schmalstieg-nmc" in said[-1]
    assert _do(workspace, "forecast", said, months=12) == {"vehicles": VEHICLES}
    assert workspace.lake().read(FORECASTS, ["vehicle_id"]).num_rows % 12 == 0


def test_jobs_of_a_young_fleet_say_so_and_do_not_fail(tmp_path: Path) -> None:
    said: list[str] = []
    young = Workspace.open(tmp_path / "young")
    assert _do(young, "ageing", said) == {"models": []}
    assert _do(young, "forecast", said) == {"vehicles": 0}
    assert all("no vehicle is known yet" in one for one in said)


def test_what_was_forecast_is_erased_with_its_vehicle(workspace: Workspace) -> None:
    learn_ageing_of(workspace)
    with workspace.registry() as registry:
        forecast_pack(workspace, registry, months=12)
    lake = workspace.lake()
    assert erase(lake, "SIM-0002", None, None).others > 12
    for table in (FORECASTS, FORECAST_ENDS):
        names = set(lake.read(table, ["vehicle_id"]).column("vehicle_id").to_pylist())
        assert "SIM-0002" not in names and "SIM-0003" in names


def _do(workspace: Workspace, kind: str, said: list[str], **arguments: int) -> dict[str, Any]:
    (step,) = STEPS[kind]
    return step.run(StepContext("job", workspace, JOBS[kind].complete(arguments), said.append))
