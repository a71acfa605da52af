"""A fleet that is folded live takes up another model; a comparison tells which of two is better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.runtime.test_live import FAST, ROWS, append, live_log
from tests.runtime.workspaces import begin, record
from tests.twin.garage import ARTIFACT, CIRCUIT, PACK, worn
from twinpack.errors import CheckError, InputError
from twinpack.ingest.log import open_log
from twinpack.runtime.comparison import BETTER, WORSE, compare
from twinpack.runtime.live import LiveFold
from twinpack.runtime.promotion import promote
from twinpack.runtime.run import run
from twinpack.store.workspace import Workspace
from twinpack.twin.versions import PROMOTED


def other(workspace: Workspace, r0: float) -> str:
    circuit = replace(CIRCUIT, r0_ohm=tuple(r0 * ohm for ohm in CIRCUIT.r0_ohm))
    with workspace.registry() as registry:
        return workspace.artifacts(registry).save({**ARTIFACT, "model": circuit.to_dict()}, pack=PACK)


def test_a_live_fold_obeys_and_twins_go_on_learning(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home")
    with live_log(workspace) as log, LiveFold(workspace, log, pace=FAST) as live:
        append(log, ROWS.slice(0, 300))
        assert live.wait_for(300, 60.0)
        promote(workspace, other(workspace, 1.5), "fits")
        append(log, ROWS.slice(300))
        assert live.wait_for(ROWS.num_rows + 1, 60.0)
        assert live.problem == ""
    with workspace.registry() as registry:
        kinds = [version.kind for version in registry.versions("old")]
    assert kinds.count(PROMOTED) == 1 and kinds[-1] != PROMOTED
    assert record(workspace)["audit"]
    assert run(workspace).rows == 0


def test_the_better_model_is_told_from_the_worse_one(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", *(worn(f"car-{number}", 3, rows=40) for number in range(4)))
    run(workspace)
    before = record(workspace)
    good, bad = other(workspace, 1.5), other(workspace, 0.4)
    better, worse = compare(workspace, good[:8], who="kim"), compare(workspace, bad)
    assert (better.verdict, better.vehicles, better.trips, better.passed) == (BETTER, 4, 12, True)
    assert better.rmse_change_v[0] <= better.rmse_change_v[1] < 0
    assert better.challenger_figures.rmse_v < better.champion_figures.rmse_v
    assert "a card does not tell" in better.notes[0]
    assert (worse.verdict, worse.passed) == (WORSE, False)
    assert compare(workspace, good, 2).vehicles == 2
    assert record(workspace) == before, "comparing changes nothing"
    with pytest.raises(CheckError, match="it was worse"):
        promote(workspace, bad, "no", evidence=worse.evidence())
    with workspace.registry() as registry:
        assert [one.evidence["verdict"] for one in registry.model_actions.all()][:2] == [BETTER, WORSE]


def test_what_the_fold_could_not_run_is_not_ordered(tmp_path: Path) -> None:
    workspace = begin(tmp_path / "home", worn("car", 1, rows=40))
    run(workspace)
    without = replace(CIRCUIT, living=CIRCUIT.living[:3])  # no voltage offset, which the model reads
    with workspace.registry() as registry:
        broken = workspace.artifacts(registry).save({**ARTIFACT, "model": without.to_dict()}, pack=PACK)
    end = open_log(workspace).end_offset
    with pytest.raises(InputError, match="cannot be run"):
        promote(workspace, broken, "no")
    assert open_log(workspace).end_offset == end
