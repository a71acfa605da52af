"""`twinpack rollback`: deploy an earlier version of a twin again."""

from __future__ import annotations

from typing import Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home


def command(
    vehicle: Annotated[str, typer.Argument(help="The vehicle.")],
    version: Annotated[int, typer.Argument(min=1, help="Number of the version to deploy again.")],
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "asked for on the command line",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Deploy an earlier version of a twin again.

    Nothing is erased: the roll-back becomes a new version. It is a row of the log and takes effect when that row is
    folded, with the next `twinpack run`.
    """
    from twinpack.errors import InputError
    from twinpack.fleet.commands import rollback_command
    from twinpack.ingest.log import open_log
    from twinpack.runtime.orders import append_command
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        target = registry.version(vehicle, version)
        deployed = registry.deployed(vehicle)
    if deployed is not None and deployed.model_hash != target.model_hash:
        raise InputError(
            f"version {version} of {vehicle} was made under model {target.model_hash[:12]}, its twin is of "
            f"{deployed.model_hash[:12]} now: `twinpack models rollback` brings the former model back"
        )
    body = rollback_command(target, reason)
    offset = append_command(open_log(workspace), vehicle, body, "rollback")
    if as_json:
        output.json_result({"vehicle": vehicle, "to": version, "reason": reason, "offset": offset})
    else:
        output.line(f"{vehicle} goes back to version {version} with the next `twinpack run` (row {offset} of the log)")
