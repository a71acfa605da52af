"""`twinpack token`: a secret shown once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("TWINPACK_HOME", str(tmp_path))
    workspace = Workspace.open(tmp_path)
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord("north"))
        registry.fleet.enter([VehicleEntry("car-1", "north", "sim_nmc_96s")])
    return workspace


def principal(workspace: Workspace, token: str) -> str:
    with workspace.registry() as registry:
        found = registry.credentials.verify(token)
        return f"{found.scope} {found.name}" if found else "nobody"


def test_a_token_alone_goes_to_standard_output(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "issue", "--vehicle", "car-1", "--days", "30"]) == 0
    told = capsys.readouterr()
    assert principal(workspace, told.out.removesuffix("\n")) == "vehicle car-1"
    assert told.err.startswith("for vehicle car-1, until 20")
    assert told.out.strip() not in told.err


def test_a_token_of_a_fleet_as_json(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "issue", "--fleet", "north", "--note", "depot", "--json"]) == 0
    issued = json.loads(capsys.readouterr().out)
    assert principal(workspace, issued["token"]) == "fleet north"
    assert (issued["username"], issued["note"], issued["expires"]) == ("north", "depot", None)


def test_a_list_shows_no_secret_and_a_revoked_token_opens_nothing(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "list"]) == 0
    assert "token issue --vehicle ID" in capsys.readouterr().out
    assert main(["token", "issue", "--vehicle", "car-1", "--json"]) == 0
    issued = json.loads(capsys.readouterr().out)
    secret = issued["token"].split(".")[1]
    for arguments in (["token", "list"], ["token", "list", "--json"], ["token", "list", "car-1"]):
        assert main(arguments) == 0
        told = capsys.readouterr().out
        assert issued["id"] in told
        assert secret not in told
    assert main(["token", "list", "north", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"tokens": []}
    assert main(["token", "revoke", issued["id"]]) == 0
    assert principal(workspace, issued["token"]) == "nobody"
    capsys.readouterr()
    assert main(["token", "list"]) == 0
    assert "revoked 20" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["issue"], "name one: --vehicle ID, or --fleet NAME"),
        (["issue", "--vehicle", "car-1", "--fleet", "north"], "name one"),
        (["issue", "--vehicle", "car-9"], "'car-9' is not known here"),
        (["issue", "--vehicle", "car-1", "--days", "0"], "cannot be"),
        (["revoke", "nope"], "no credential 'nope'"),
    ],
)
def test_what_cannot_be_done_says_why(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], arguments: list[str], what: str
) -> None:
    assert main(["token", *arguments]) == 2
    assert what in capsys.readouterr().err
