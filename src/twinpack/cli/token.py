"""`twinpack token`: credentials of devices that send telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import fleet_facts, output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group

if TYPE_CHECKING:
    from twinpack.store.credentials import CredentialRecord

command = command_group("Issue, list and revoke the credentials with which vehicles send telemetry.")


@command.command("issue")
def token_issue(
    vehicle: Annotated[str | None, typer.Option(help="For this vehicle alone.", show_default=False)] = None,
    fleet: Annotated[str | None, typer.Option(help="For every vehicle of this fleet.", show_default=False)] = None,
    days: Annotated[float | None, typer.Option(help="Days it holds.", show_default="until revoked")] = None,
    note: Annotated[str, typer.Option(help="For people.", show_default=False)] = "",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make a token and show it, this once: only a hash of it is kept.

    Over HTTP it is sent as `Authorization: Bearer TOKEN`; over MQTT the user name is the vehicle or the fleet, and the
    password the token.
    """
    from twinpack.errors import InputError
    from twinpack.store.workspace import Workspace

    if (vehicle is None) == (fleet is None):
        raise InputError("name one: --vehicle ID, or --fleet NAME")
    with Workspace.open(home, create=False).registry() as registry:
        if vehicle is not None:
            issued = registry.credentials.issue("vehicle", vehicle, days=days, note=note)
        else:
            issued = registry.credentials.issue("fleet", str(fleet), days=days, note=note)
    record = issued.record
    if as_json:
        output.json_result({"token": issued.token, "username": record.name} | _record(record))
        return
    output.line(issued.token)
    ends = fleet_facts.moment(record.expires_at_us)
    output.note(
        f"for {record.scope} {record.name}, {f'until {ends:%Y-%m-%d %H:%M} UTC' if ends else 'until it is revoked'}; "
        "it is not shown again"
    )


@command.command("list")
def token_list(
    name: Annotated[str | None, typer.Argument(help="Only those of this vehicle or fleet.", show_default=False)] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List what was issued, without the tokens themselves."""
    from twinpack.store.records import now_us
    from twinpack.store.workspace import Workspace

    with Workspace.open(home, create=False).registry() as registry:
        records = registry.credentials.records(name)
    if as_json:
        output.json_result({"tokens": [_record(record) for record in records]})
    elif records:
        rows = [_cells(record, now_us()) for record in records]
        output.table(["token", "of", "issued", "state", "note"], rows)
    else:
        output.line(f"no tokens; {fleet_facts.command('token issue --vehicle ID', home)} makes one")


@command.command("revoke")
def token_revoke(
    token: Annotated[str, typer.Argument(help="Its identifier, as `token list` shows it.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make a token open nothing from now on."""
    from twinpack.store.workspace import Workspace

    with Workspace.open(home, create=False).registry() as registry:
        registry.credentials.revoke(token)
    if as_json:
        output.json_result({"id": token, "revoked": True})
    else:
        output.line(f"{token} opens nothing any more")


def _record(record: CredentialRecord) -> dict[str, Any]:
    return {
        "id": record.credential_id,
        "scope": record.scope,
        "name": record.name,
        "note": record.note,
        "issued": fleet_facts.moment(record.issued_at_us),
        "expires": fleet_facts.moment(record.expires_at_us),
        "revoked": fleet_facts.moment(record.revoked_at_us),
    }


def _cells(record: CredentialRecord, now_us: int) -> list[str]:
    state = "until revoked"
    if record.revoked_at_us is not None:
        state = f"revoked {fleet_facts.day(record.revoked_at_us)}"
    elif record.expires_at_us is not None:
        state = f"{'until' if record.holds(now_us) else 'ended'} {fleet_facts.day(record.expires_at_us)}"
    of = f"{record.scope} {record.name}"
    return [record.credential_id, of, fleet_facts.day(record.issued_at_us), state, record.note]
