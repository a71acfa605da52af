"""`twinpack backup`: a copy of the workspace, while it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home


def command(
    destination: Annotated[Path, typer.Argument(help="A new or empty folder outside the workspace.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Copy the workspace into a folder, with the SHA-256 of every file; gateway and run may go on meanwhile.

    The copy holds the key that signs the history: its folder can be read by its owner alone.
    """
    from twinpack.runtime.backup import backup
    from twinpack.store.workspace import Workspace

    summary = backup(Workspace.open(home, create=False), destination, lambda what: output.note(f"backup: {what}"))
    manifest = summary.manifest
    if as_json:
        figures = {"folder": summary.folder, "files": len(manifest.files), "bytes": manifest.size}
        output.json_result(figures | manifest.facts)
        return
    rows = output.number(manifest.facts["log_end_offset"])
    files = output.counted(len(manifest.files), "file")
    output.line(f"{summary.folder}: {files}, {output.number(manifest.size / 1e6, 1)} MB, {rows} rows of the log")
    for line in summary.left_out:
        output.note(f"not in it: {line}")
