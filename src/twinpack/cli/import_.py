"""`twinpack import`: bring files into the log of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home

if TYPE_CHECKING:
    from twinpack.ingest.files import Importer
    from twinpack.ingest.records import FileResult, ImportSummary
    from twinpack.store.workspace import Workspace

PROFILE_HELP = "How to read the files: a shipped profile, such as twinpack, bdf or gbt32960, or a TOML file."
PACK_HELP = "Pack of the vehicles, a shipped name or a TOML file; overrules the profile."

_ALWAYS = ("files imported", "rows imported")


def command(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of files (read in the order of their names).")],
    profile: Annotated[str, typer.Option(help=PROFILE_HELP)] = "twinpack",
    pack: Annotated[str | None, typer.Option(help=PACK_HELP, show_default=False)] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Keep importing what lands in the folder.")] = False,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Import telemetry from CSV, Parquet or BDF files.

    The same file twice adds nothing. A row that cannot be true goes to the dead letters with its reason; a file that
    cannot be read leaves nothing behind and ends with exit code 2.
    """
    from twinpack.errors import ImportFileError
    from twinpack.ingest.files import find_pack, find_profile

    chosen = find_profile(profile)
    pack_text = find_pack(pack) if pack is not None else None
    if not path.exists():
        raise ImportFileError(f"{path}: there is no such file or folder")
    if watch and not path.is_dir():
        raise ImportFileError(f"{path}: --watch needs a folder")
    workspace, importer = _open(home, chosen, pack_text)
    if watch:
        _watch(path, importer, workspace, as_json)
    else:
        _import(path, importer, workspace, as_json)


def _open(home: Path, profile: Any, pack: str | None) -> tuple[Workspace, Importer]:
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home)
    return workspace, importer_of(workspace, profile, pack)


def importer_of(workspace: Workspace, profile: Any, pack: str | None) -> Importer:
    """What imports into a workspace."""
    from twinpack.ingest.files import TICK_AFTER_S, Importer
    from twinpack.ingest.log import open_log
    from twinpack.ingest.routing import Router, rules_path
    from twinpack.store.deadletters import LakeDeadLetters

    return Importer(
        profile,
        open_log(workspace),
        LakeDeadLetters(workspace.lake()),
        pack,
        workspace.settings.workspace.pack,
        # Longer than the silence that ends a session, so that the tick ends the last one.
        tick_after_s=max(TICK_AFTER_S, 2 * workspace.settings.trips.gap_s),
        router=Router.load(rules_path(workspace.home, workspace.settings.gateway.rules)),
    )


def import_with_progress(importer: Importer, path: Path, exclude: Sequence[Path]) -> ImportSummary:
    """Import with a progress bar on standard error."""
    from twinpack.ingest.files import import_with
    from twinpack.ingest.records import ImportProgress

    with output.progress("import", 100.0, "%") as bar:

        def tell(step: ImportProgress) -> None:
            bar.set(100.0 * step.bytes_done / max(step.bytes_total, 1), step.file)

        return import_with(importer, path, tell, exclude)


def _import(path: Path, importer: Importer, workspace: Workspace, as_json: bool) -> None:
    summary = import_with_progress(importer, path, [workspace.home])
    _show(summary, as_json)
    _warn(summary.files)
    if summary.exit_code:
        raise typer.Exit(summary.exit_code)


def _watch(path: Path, importer: Importer, workspace: Workspace, as_json: bool) -> None:
    from twinpack.ingest.stopping import stop_on_signals
    from twinpack.ingest.watch import Watch, watch

    with stop_on_signals() as stop:
        output.note(f"watching {path}; an interrupt ends it")
        watch(Watch(path, importer, [workspace.home]), lambda result: _tell_file(result, as_json), stop)


def _tell_file(result: FileResult, as_json: bool) -> None:
    from twinpack.ingest.records import ImportSummary

    _warn([result])
    if as_json:
        output.json_result(_figures(ImportSummary([result])))
    elif result.status != "failed":
        rejected = f", {result.rows_rejected:,} rejected" if result.rows_rejected else ""
        output.line(f"{result.name}: {result.status}, {result.rows_imported:,} rows{rejected}")


def _warn(files: list[FileResult]) -> None:
    noted: dict[str, list[str]] = {}
    for file in files:
        if file.status == "failed":
            output.note(f"twinpack: {' '.join(file.error.split())}")
        for note in file.notes:
            noted.setdefault(note, []).append(file.name)
    for note, names in noted.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        output.note(f"{names[0]}{more}: {note}")


def _show(summary: ImportSummary, as_json: bool) -> None:
    figures = _figures(summary)
    if as_json:
        output.json_result(figures)
        return
    rows = [("files imported", figures["files_imported"])]
    rows += [("files imported before", figures["files_already_imported"]), ("files failed", figures["files_failed"])]
    rows += [("vehicles", len(summary.vehicles)), ("rows read", summary.rows_read)]
    rows += [("rows imported", summary.rows_imported), ("rows late among them", summary.late)]
    rows += [("duplicates dropped", summary.duplicates), ("rows no routing rule takes", summary.unrouted)]
    rows += [(f"rows rejected: {reason}", count) for reason, count in sorted(summary.rejected.items())]
    rows += [(f"values cleared: {reason}", count) for reason, count in sorted(summary.cleared.items())]
    output.table(
        ["import", "count"], [(name, output.number(count)) for name, count in rows if count or name in _ALWAYS]
    )


def _figures(summary: ImportSummary) -> dict[str, Any]:
    return {
        "files_imported": summary.count("imported"),
        "files_already_imported": summary.count("already imported"),
        "files_failed": summary.count("failed"),
        "vehicles": sorted(summary.vehicles),
        "rows_read": summary.rows_read,
        "rows_imported": summary.rows_imported,
        "late": summary.late,
        "duplicates": summary.duplicates,
        "unrouted": summary.unrouted,
        "rejected": dict(summary.rejected),
        "cleared": dict(summary.cleared),
        "notes": [{"file": file.name, "note": note} for file in summary.files for note in file.notes],
        "failed": [{"file": file.name, "error": file.error} for file in summary.failed],
    }
