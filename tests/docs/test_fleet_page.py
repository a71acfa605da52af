"""The page about keeping a fleet: its commands run as they stand, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from twinpack.battery.pack import pack_text
from twinpack.cli.main import main
from twinpack.store.settings import parse_settings
from twinpack.store.workspace import Workspace

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "fleet.md").read_text(encoding="utf-8")


def examples(name: str) -> list[str]:
    return re.findall(rf"^<!-- example: {re.escape(name)} -->\n```text\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_commands_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vehicles.csv").write_text(examples("vehicles.csv")[0], encoding="utf-8")
    Path("bus.toml").write_text(pack_text("sim_nmc_96s").replace('"sim_nmc_96s"', '"bus"'), encoding="utf-8")
    lines = [line for block in examples("commands") for line in block.splitlines()]
    assert len(lines) > 10
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "twinpack"
        assert main(arguments) == 0, f"{line}: {capsys.readouterr().err}"
    with Workspace.open("twinpack-data").registry() as registry:
        entries = {entry.vehicle_id: entry for entry in registry.fleet.entries()}
    assert sorted(entries) == ["car-0001", "car-0002", "car-0003", "car-0004"]
    assert (entries["car-0002"].fleet, entries["car-0002"].label) == ("north", "Clara")
    assert entries["car-0004"].retired


def test_the_settings_of_the_page_are_good() -> None:
    (text,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert parse_settings(text).workspace.registry_url.startswith("postgresql://")
