"""`twinpack user`: accounts, grants and keys, each change in the audit log."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from twinpack.cli.main import main
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.workspace import Workspace

PASSWORD = "correct horse battery"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("TWINPACK_HOME", str(tmp_path))
    workspace = Workspace.open(tmp_path)
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord("north"))
        registry.fleet.enter([VehicleEntry("car-1", "north", "sim_nmc_96s")])
    return workspace


def signs_in(workspace: Workspace, name: str, password: str) -> bool:
    with workspace.registry() as registry:
        return registry.users.try_password(name, password, failures=5, locked_minutes=15).user is not None


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["user", *arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_an_account_is_made_and_its_password_alone_goes_to_standard_output(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "user add NAME" in told(capsys, "list")
    assert main(["user", "add", "m.kern", "--role", "operator", "--fleet", "north"]) == 0
    made = capsys.readouterr()
    assert signs_in(workspace, "m.kern", made.out.strip())
    assert made.out.strip() not in made.err
    listed = json.loads(told(capsys, "list", "--json"))["users"]
    assert [(user["username"], user["role"], user["fleets"]) for user in listed] == [("m.kern", "operator", ["north"])]
    assert "m.kern" in told(capsys, "list")


def test_a_password_is_read_from_standard_input(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert PASSWORD not in told(capsys, "add", "root", "--role", "admin", "--password-stdin")
    assert signs_in(workspace, "root", PASSWORD)
    made = told(capsys, "change", "root", "--new-password").strip()
    assert signs_in(workspace, "root", made)
    assert not signs_in(workspace, "root", PASSWORD)


def test_an_account_is_changed_unlocked_and_removed(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "add", "anna", "--role", "technician", "--external", "--fleet", "north")
    told(capsys, "change", "anna", "--role", "analyst", "--no-fleets", "--disable", "--display-name", "Anna")
    told(capsys, "unlock", "anna")
    with workspace.registry() as registry:
        kept = registry.users.user("anna")
        assert (kept.role, kept.fleets, kept.disabled, kept.built_in) == ("analyst", (), True, False)
    assert "disabled" in told(capsys, "list")
    told(capsys, "change", "anna", "--enable")
    assert json.loads(told(capsys, "remove", "anna", "--json")) == {"username": "anna", "removed": True}
    actions = [entry["action"] for entry in json.loads(told(capsys, "log", "--subject", "anna", "--json"))["entries"]]
    assert actions == ["remove_user", "change_user", "unlock_user", "change_user", "add_user"]


def test_a_vehicle_is_given_to_its_owner_and_taken_back(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "add", "anna", "--role", "owner", "--external")
    given = json.loads(
        told(capsys, "grant", "car-1", "anna", "--from", "2026-01-01", "--until", "2100-01-01", "--json")
    )
    assert (given["vehicle"], given["from"], given["until"]) == (
        "car-1",
        "2026-01-01T00:00:00Z",
        "2100-01-01T00:00:00Z",
    )
    assert "car-1" in told(capsys, "grants", "--user", "anna")
    assert "does not see car-1" in told(capsys, "end-grant", given["id"])
    assert "user grant VEHICLE" in told(capsys, "grants", "--vehicle", "car-2")
    assert main(["user", "grant", "car-9", "anna"]) == 2
    assert "no vehicle 'car-9'" in capsys.readouterr().err


def test_a_key_is_made_listed_and_revoked(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert "user key NAME" in told(capsys, "keys")
    key = told(capsys, "key", "night report", "--role", "analyst", "--fleet", "north", "--scope", "fleet.read").strip()
    identity = key.removeprefix("tpk_").split(".")[0]
    listed = told(capsys, "keys")
    assert "night report" in listed
    assert key not in listed
    with workspace.registry() as registry:
        assert registry.keys.verify(key) is not None
    told(capsys, "revoke-key", identity)
    assert "revoked" in told(capsys, "keys")
    with workspace.registry() as registry:
        assert registry.keys.verify(key) is None


def test_the_log_says_what_was_done_and_no_secret(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    password = told(capsys, "add", "root", "--role", "admin").strip()
    key = told(capsys, "key", "x", "--role", "analyst").strip()
    shown = told(capsys, "log") + told(capsys, "log", "--json")
    assert "add_user" in shown
    assert password not in shown
    assert key.split(".")[1] not in shown
    assert told(capsys, "log", "--who", "nobody at all").startswith("nothing is in the audit log")
    assert "remove_audit_entries" in told(capsys, "log", "--remove-older-than-days", "30")


def test_a_new_signing_key_is_made(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(told(capsys, "rotate-keys", "--json"))["id"]
    second = json.loads(told(capsys, "rotate-keys", "--json"))["id"]
    assert first != second
    assert oct((workspace.home / "keys" / "tokens.json").stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["add", "a b", "--role", "admin"], "user name"),
        (["add", "a", "--role", "king"], "role 'king'"),
        (["add", "a", "--role", "operator", "--fleet", "south"], "no fleet 'south'"),
        (["add", "a", "--role", "admin", "--external", "--password-stdin"], "--external"),
        (["change", "nobody", "--disable"], "no account 'nobody'"),
        (["remove", "nobody"], "no account 'nobody'"),
        (["unlock", "nobody"], "no account 'nobody'"),
        (["key", "x", "--role", "owner"], "role 'owner'"),
        (["key", "x", "--role", "analyst", "--scope", "users.manage"], "users.manage"),
        (["revoke-key", "nothing"], "no key 'nothing'"),
        (["end-grant", "nothing"], "no grant 'nothing'"),
    ],
)
def test_what_cannot_be_is_one_line(
    workspace: Workspace, capsys: pytest.CaptureFixture[str], arguments: list[str], wrong: str
) -> None:
    assert main(["user", *arguments]) == 2
    told = capsys.readouterr().err
    assert wrong in told
    assert told.count("\n") == 1
