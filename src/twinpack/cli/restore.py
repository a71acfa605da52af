"""`twinpack restore`: a workspace from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinpack.cli import fleet_facts, output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home

URL_HELP = "Put the registry into this empty database, or `file` for a file in the workspace."


def command(
    source: Annotated[Path, typer.Argument(help="The backup, a folder.")],
    registry_url: Annotated[str | None, typer.Option(help=URL_HELP, show_default="where it was")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make the workspace --home from a backup, checking every file; a failure leaves nothing.

    --home must be new or empty.
    """
    from twinpack.runtime.restore import restore
    from twinpack.store.archive import Archive

    size = Archive.open(source).manifest.size
    with output.progress("restore", max(size, 1) / 1e6, "MB") as bar:
        restored = restore(source, home, registry_url=registry_url, tell=lambda done: bar.set(done / 1e6))
    manifest = restored.archive.manifest
    if as_json:
        figures = {"home": restored.workspace.home, "files": len(manifest.files), "bytes": manifest.size}
        output.json_result(figures | {"made_at": manifest.made_at, "notes": restored.notes} | manifest.facts)
        return
    output.line(f"{restored.workspace.home} is as it was on {manifest.made_at} ({manifest.release})")
    for note in restored.notes:
        output.note(f"twinpack: {note}")
    output.line(f"{fleet_facts.command('run', restored.workspace.home)} goes on from there")
