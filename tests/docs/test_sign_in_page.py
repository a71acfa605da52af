"""The page about signing in: its commands run as they stand, and its table of rights is what views go by."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.runtime.enrol import enrol
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.settings import parse_settings
from twinpack.store.workspace import Workspace
from twinpack.views.sight import RIGHTS, Right, Role

DOCS = Path(__file__).parents[2] / "docs"


def test_the_commands_about_signing_in_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.open("twinpack-data")
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord("depot"))
        enrol(workspace, registry, [VehicleEntry("car-0007", "depot", "sim_nmc_96s")])
    text = (DOCS / "how-to" / "sign-in.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^<!-- example: commands -->\n```text\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    for line in "".join(blocks).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "twinpack"
        assert main(arguments) == 0, f"{line}: {capsys.readouterr().err}"
    with workspace.registry() as registry:
        assert [user.username for user in registry.users.users()] == ["anna", "kim", "m.kern"]
        assert [grant.username for grant in registry.grants.grants("car-0007")] == ["anna"]
    (settings,) = re.findall(r"^```toml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert parse_settings(settings).identity.issuer.startswith("https://")


ROWS = {
    "that a vehicle is there": (Right.FIND,),
    "figures, trips, health, cells": (Right.VEHICLE,),
    "telemetry": (Right.TELEMETRY,),
    "twin, versions, predictions": (Right.TWIN,),
    "roll a twin back": (Right.ROLLBACK,),
    "alarms: see / act": (Right.ALARMS, Right.ALARMS_ACT),
    "maintenance: see / enter": (Right.MAINTENANCE, Right.MAINTENANCE_WRITE),
    "imports, dead letters": (Right.DATA,),
    "SQL over what it sees": (Right.QUERY,),
    "VINs": (Right.VIN,),
    "accounts, keys, audit log": (Right.USERS, Right.KEYS, Right.AUDIT),
}


def test_the_table_of_roles_is_what_views_go_by() -> None:
    text = (DOCS / "concepts" / "access.md").read_text(encoding="utf-8")
    table = [[cell.strip() for cell in line.strip("| ").split(" |")] for line in text.splitlines() if line[:1] == "|"]
    head = next(row for row in table if "admin" in row)
    roles = [Role(name) for name in head if name]
    for title, rights in ROWS.items():
        row = next(row for row in table if row[0] == title)
        cells = [*row[1:], *[""] * len(roles)]
        for role, cell in zip(roles, cells, strict=False):
            held = [right in RIGHTS[role] for right in rights]
            expected = "yes" if all(held) else "see" if held[0] else ""
            assert cell == expected, (title, role)
