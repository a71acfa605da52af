"""`twinpack audit verify`: does the version history verify?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group
from twinpack.twin.words import counted

if TYPE_CHECKING:
    from twinpack.store.audit import AuditReport

command = command_group("Check the history of every twin.")


@command.command("verify")
def audit_verify(home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Recompute every hash and link of the version history and compare it with the signed heads.

    Exit code 1 and the first broken link when a version was altered, removed, moved or cut off the end.
    """
    from twinpack.store.audit import verify
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        report = verify(registry, workspace.heads())
    if as_json:
        output.json_result(as_record(report))
    else:
        tell(report)
    report.check()


def as_record(report: AuditReport) -> dict[str, object]:
    """The report as JSON values."""
    return {
        "verified": report.ok,
        "vehicles": report.vehicles,
        "versions": report.versions,
        "signed_heads": report.heads,
        "unsigned_versions": report.unsigned,
        "broken": [{"vehicle": link.vehicle_id, "version": link.version, "what": link.what} for link in report.broken],
    }


def tell(report: AuditReport) -> None:
    """The report in words; the first broken link is told with the error."""
    versions, vehicles = counted(report.versions, "version"), counted(report.vehicles, "vehicle")
    output.line(f"{versions} of {vehicles}, {counted(report.heads, 'signed head')}")
    if report.unsigned:
        output.line(f"{counted(report.unsigned, 'version')} not signed yet; the next `twinpack run` signs what it made")
    for link in report.broken[1:]:
        output.line(f"also broken: {link}")
    if report.ok:
        output.line("chain verified")
