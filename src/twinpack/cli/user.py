"""`twinpack user`: accounts, owners' grants, keys of machines, and the audit log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import fleet_facts, output, times, user_rows
from twinpack.cli.opened import check_vehicle, opened
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group

if TYPE_CHECKING:
    from twinpack.store.registry import Registry
    from twinpack.store.workspace import Workspace

command = command_group("Manage who may sign in, whose vehicles are whose, keys of machines, and the audit log.")

Name = Annotated[str, typer.Argument(help="Name of the account.")]
Role = Annotated[str, typer.Option(help="admin, operator, analyst, technician or owner.", show_default=False)]
Fleets = Annotated[
    list[str] | None, typer.Option("--fleet", help="A fleet it may look at; may be given again.", show_default=False)
]
TypedPassword = Annotated[bool, typer.Option("--password-stdin", help="Read its password from standard input.")]


@command.command("add")
def user_add(
    name: Name,
    role: Role,
    fleet: Fleets = None,
    display_name: Annotated[str, typer.Option(help="What people call it.", show_default=False)] = "",
    external: Annotated[bool, typer.Option(help="Has no password: an identity of the OIDC issuer takes it.")] = False,
    password_stdin: TypedPassword = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make an account. Its password is made and shown, this once, unless it is given or there is none."""
    from twinpack.errors import InputError
    from twinpack.store.identity.passwords import make_password
    from twinpack.store.identity.records import UserRecord

    if external and password_stdin:
        raise InputError("--external is for accounts without a password: leave --password-stdin out")
    given = _typed() if password_stdin else None
    made = None if external or password_stdin else make_password()
    with _changing(home) as registry:
        kept = registry.users.add(UserRecord(name, role, display_name, tuple(fleet or ())), given or made)
        _write_down(registry, "add_user", kept.username, role=role, fleets=list(kept.fleets))
    _tell_account(kept.username, made, user_rows.user(kept), as_json, f"{kept.username} may sign in as {role}")


@command.command("list")
def user_list(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List accounts."""
    with opened(home) as (_, registry):
        users = registry.users.users()
    if as_json:
        output.json_result({"users": [user_rows.user(one) for one in users]})
    elif users:
        columns = ["account", "role", "fleets", "state", "last sign-in"]
        output.table(columns, [user_rows.user_cells(one) for one in users])
    else:
        output.line(f"no accounts; {fleet_facts.command('user add NAME --role admin', home)} makes one")


@command.command("change")
def user_change(
    name: Name,
    role: Annotated[str | None, typer.Option(help="Its new role.", show_default=False)] = None,
    fleet: Fleets = None,
    no_fleets: Annotated[bool, typer.Option(help="Take all fleets from it.")] = False,
    display_name: Annotated[str | None, typer.Option(help="What people call it.", show_default=False)] = None,
    disable: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Whether it opens nothing.", show_default=False)
    ] = None,
    new_password: Annotated[bool, typer.Option(help="Make it a new password, shown this once.")] = False,
    password_stdin: TypedPassword = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Change an account; its sign-ins end when its role, fleets or password change, or it is disabled."""
    from twinpack.errors import InputError
    from twinpack.store.identity.passwords import make_password

    if (new_password and password_stdin) or (fleet and no_fleets):
        raise InputError(
            "these say two things: name one of --new-password and --password-stdin, --fleet and --no-fleets"
        )
    made = make_password() if new_password else None
    password = _typed() if password_stdin else made
    fleets = [] if no_fleets else fleet or None
    with _changing(home) as registry:
        kept = registry.users.change(
            name, role=role, fleets=fleets, display_name=display_name, disabled=disable, password=password
        )
        told = {"role": role, "fleets": fleets, "disabled": disable, "password": "changed" if password else None}
        changed = {key: value for key, value in told.items() if value is not None}
        _write_down(registry, "change_user", kept.username, **changed)
    _tell_account(kept.username, made, user_rows.user(kept), as_json, f"{kept.username} is changed")


@command.command("remove")
def user_remove(name: Name, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Remove an account; its sign-ins, grants and keys end."""
    with _changing(home) as registry:
        kept = registry.users.user(name)
        registry.users.remove(name)
        _write_down(registry, "remove_user", kept.username)
    _done({"username": kept.username, "removed": True}, as_json, f"{kept.username} is removed")


@command.command("unlock")
def user_unlock(name: Name, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Let an account that wrong passwords locked try again."""
    with _changing(home) as registry:
        registry.users.unlock(name)
        _write_down(registry, "unlock_user", name)
    _done({"username": name, "unlocked": True}, as_json, f"{name} may try again")


@command.command("grant")
def user_grant(
    vehicle: Annotated[str, typer.Argument(help="The vehicle.")],
    name: Annotated[str, typer.Argument(help="An account with role owner.")],
    since: Annotated[
        str | None, typer.Option("--from", help="Since when it is the owner's.", show_default="now")
    ] = None,
    until: Annotated[str | None, typer.Option(help="When the grant ends.", show_default="when it is ended")] = None,
    transfer: Annotated[bool, typer.Option(help="End the grant of the owner it has now.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Give a vehicle to its owner, who sees its data from then on; never what was another owner's."""
    with _changing(home) as registry:
        check_vehicle(registry, vehicle)
        kept = registry.grants.give(
            vehicle,
            name,
            _who(),
            from_us=None if since is None else times.moment_us("--from", since),
            until_us=None if until is None else times.moment_us("--until", until),
            transfer=transfer,
        )
        _write_down(registry, "give_grant", vehicle, grant_id=kept.grant_id, transfer=transfer)
    _done(user_rows.grant(kept), as_json, f"{vehicle} is {kept.username}'s (grant {kept.grant_id})")


@command.command("grants")
def user_grants(
    vehicle: Annotated[str | None, typer.Option(help="Only those of this vehicle.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option("--user", help="Only those of this account.", show_default=False)] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List grants, the newest first; those that ended too."""
    with opened(home) as (_, registry):
        found = registry.grants.grants(vehicle, name)
    if as_json:
        output.json_result({"grants": [user_rows.grant(one) for one in found]})
    elif found:
        columns = ["grant", "vehicle", "account", "kind", "given by", "from", "until"]
        output.table(columns, [user_rows.grant_cells(one) for one in found])
    else:
        output.line(f"no grants; {fleet_facts.command('user grant VEHICLE NAME', home)} gives one")


@command.command("end-grant")
def user_end_grant(
    grant: Annotated[str, typer.Argument(help="Its identity, as `user grants` shows it.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """End a grant now, and what its owner shares."""
    with _changing(home) as registry:
        kept = registry.grants.end(grant)
        _write_down(registry, "end_grant", kept.vehicle_id, grant_id=grant)
    _done(user_rows.grant(kept), as_json, f"{kept.username} does not see {kept.vehicle_id} any more")


@command.command("key")
def user_key(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    role: Annotated[str, typer.Option(help="admin, operator, analyst or technician.", show_default=False)],
    fleet: Fleets = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="A right that it has, of those of its role; may be given again.", show_default="all"),
    ] = None,
    days: Annotated[float, typer.Option(help="Days it holds.")] = 90.0,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make a key for a machine and show it, this once: only a hash of it is kept.

    It is sent as `Authorization: Bearer KEY`.
    """
    from twinpack.store.identity.keys import COMMAND_LINE

    user_rows.check_scopes(role, scope or ())
    with _changing(home) as registry:
        made = registry.keys.add(name, role, COMMAND_LINE, fleets=fleet or (), scopes=scope or (), days=days)
        _write_down(registry, "add_key", made.record.key_id, role=role, fleets=fleet or [], scopes=scope or [])
    if as_json:
        output.json_result({"key": made.key} | user_rows.key(made.record))
        return
    output.line(made.key)
    output.note(f"until {times.shown(made.record.expires_at_us)}; it is not shown again")


@command.command("keys")
def user_keys(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List keys of machines, without the keys themselves."""
    with opened(home) as (_, registry):
        found = registry.keys.keys()
    if as_json:
        output.json_result({"keys": [user_rows.key(one) for one in found]})
    elif found:
        output.table(["key", "name", "role", "fleets", "made by", "state"], [user_rows.key_cells(one) for one in found])
    else:
        output.line(f"no keys; {fleet_facts.command('user key NAME --role analyst', home)} makes one")


@command.command("revoke-key")
def user_revoke_key(
    key: Annotated[str, typer.Argument(help="Its identity, as `user keys` shows it.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make a key open nothing from now on."""
    with _changing(home) as registry:
        registry.keys.revoke(key)
        _write_down(registry, "revoke_key", key)
    _done({"id": key, "revoked": True}, as_json, f"{key} opens nothing any more")


@command.command("rotate-keys")
def user_rotate_keys(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Sign access tokens with a new key from now on; nobody is signed out."""
    from twinpack.store.identity.signing import SigningKeys

    with opened(home) as (workspace, registry):
        made = SigningKeys(_keys_dir(workspace)).rotate()
        _write_down(registry, "rotate_keys", made)
    _done({"id": made}, as_json, f"key {made} signs from now on")


@command.command("log")
def user_log(
    who: Annotated[str | None, typer.Option(help="Only what this account did.", show_default=False)] = None,
    subject: Annotated[str | None, typer.Option(help="Only what is about this.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many entries.", min=1)] = 50,
    older_than_days: Annotated[
        float | None,
        typer.Option("--remove-older-than-days", help="Remove older ones first.", show_default=False, min=1),
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show the audit log, the newest first: what was done, and by whom an owner's data was read."""
    with opened(home) as (_, registry):
        if older_than_days is not None:
            removed = user_rows.remove_old(registry, older_than_days)
            _write_down(registry, "remove_audit_entries", "", days=older_than_days, entries=removed)
        found = registry.audit_log.entries(who, subject, None, limit)
    if as_json:
        output.json_result({"entries": [user_rows.entry(one) for one in found]})
    elif found:
        output.table(["time", "who", "action", "about", "more"], [user_rows.entry_cells(one) for one in found])
    else:
        output.line("nothing is in the audit log that matches")


@contextmanager
def _changing(home: Path) -> Iterator[Registry]:
    with opened(home) as (_, registry):
        yield registry


def _who() -> str:
    return times.name_of("")


def _write_down(registry: Registry, action: str, subject: str, **detail: Any) -> None:
    registry.audit_log.write(_who(), "", action, subject, {"from": "command line"} | detail)


def _typed() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _keys_dir(workspace: Workspace) -> Path:
    return workspace.home / "keys"


def _tell_account(username: str, made: str | None, record: dict[str, Any], as_json: bool, done: str) -> None:
    if as_json:
        output.json_result(record | ({"password": made} if made is not None else {}))
        return
    if made is None:
        output.line(done)
        return
    output.line(made)
    output.note(f"{done} with this password, which is not shown again")


def _done(record: dict[str, Any], as_json: bool, text: str) -> None:
    if as_json:
        output.json_result(record)
    else:
        output.line(text)
