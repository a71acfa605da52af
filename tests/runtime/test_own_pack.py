"""A pack of one's own is learned from and told like a shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest

from twinpack.battery.pack import pack_text
from twinpack.cli.main import main
from twinpack.runtime.ageing import packs_of
from twinpack.runtime.usage import bring_up, fleet_lives
from twinpack.store.workspace import Workspace


@pytest.mark.slow
def test_the_lives_of_vehicles_with_a_pack_of_ones_own_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, home = tmp_path / "own.toml", tmp_path / "home"
    file.write_text(pack_text("sim_nmc_96s").replace('name = "sim_nmc_96s"', 'name = "own"', 1), encoding="utf-8")
    made = ["simulate", "--vehicles", "2", "--trips", "4", "--years", "1", "--period-s", "30", "--out", str(tmp_path)]
    for arguments in (
        made,
        ["import", str(tmp_path / "telemetry"), "--pack", str(file), "--home", str(home)],
        ["learn", "model", "--kind", "thevenin-1rc", "--home", str(home)],
        ["run", "--home", str(home)],
    ):
        assert main(arguments) == 0
    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        bring_up(workspace, registry)
        assert packs_of(registry, None) == ["own"]
        found = fleet_lives(workspace, registry, "own")
    assert found.pack.name == "own"
    assert found.vehicle_ids == ("SIM-0001", "SIM-0002")
    capsys.readouterr()
    assert main(["health", "SIM-0001", "--home", str(home)]) == 0
    told = capsys.readouterr().out
    assert "SIM-0001 · own · NMC811" in told
    assert "has no capacity of its own" not in told
