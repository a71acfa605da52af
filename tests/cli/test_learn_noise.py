"""`twinpack learn noise` as users type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.learn.test_noise import artifact
from twinpack.cli.evaluations.simulated_noise import evaluate
from twinpack.cli.main import main
from twinpack.cli.simulate import Kind, make_fleet
from twinpack.cli.simulate_files import write_fleet
from twinpack.cli.trial import import_all
from twinpack.store.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two vehicles with a drive each, and no model."""
    root = tmp_path_factory.mktemp("noise")
    fleet, pack = make_fleet(Kind.physics, 2, 1, 1.0, 7)
    import_all(Workspace.open(root / "home"), Path(write_fleet(fleet, pack, root / "fleet").telemetry), "twinpack")
    return root / "home"


def refused(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> str:
    capsys.readouterr()
    assert main(["learn", "noise", *arguments, "--home", str(home)]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_what_cannot_be_learned_from_is_refused_with_its_reason(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "`twinpack learn model` makes one" in refused(capsys, home)
    workspace = Workspace.open(home)
    with workspace.registry() as registry:
        digest = workspace.artifacts(registry).save(artifact(), pack="sim_nmc_96s")
    assert "'zz' names no model" in refused(capsys, home, "--model", "zz")
    assert "of 2 vehicles have 3 sessions or more" in refused(capsys, home)
    (stored,) = home.rglob(f"{digest}.json")
    stored.write_text(stored.read_text().replace("thevenin-2rc", "thevenin-1rc"))
    assert "was altered or damaged" in refused(capsys, home, "--model", digest[:8])


@pytest.mark.slow
def test_the_quick_evaluation_judges_other_vehicles_than_it_learns_from() -> None:
    metrics = evaluate(Path(), quick=True)
    assert json.dumps(metrics)
    assert 80.0 < metrics["learned_coverage_95_pct"] < 99.0
    assert metrics["interval_score_ratio_learned_prototype"] < 1.1
    assert metrics["noise_gain_nats_per_session"] > 0.0
