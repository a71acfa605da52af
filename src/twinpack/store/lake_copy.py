"""The files that make up a Delta table at one of its versions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from twinpack.errors import WorkspaceError

LOG = "_delta_log"
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(\..*)?\.parquet")


def table_names(folder: Path) -> list[str]:
    """The tables in the folder of a lake."""
    return sorted(path.parent.name for path in folder.glob(f"*/{LOG}") if path.is_dir())


def table_files(folder: Path) -> tuple[int, list[str]]:
    """The version a table stands at, and the files it is made of, by their paths in its folder.

    Earlier versions cannot be read from them alone: files that only those need are left out.

    Raises:
        WorkspaceError: The table cannot be read.
    """
    try:
        table = DeltaTable(folder)
        version = table.version()
        data = [unquote(path) for path in table.get_add_actions(flatten=True)["path"].to_pylist()]
    except (DeltaError, OSError) as error:
        raise WorkspaceError(f"lake table {folder} cannot be read: {error}") from error
    log = [path.name for path in (folder / LOG).iterdir() if _is_part(path, version)]
    return version, [f"{LOG}/{name}" for name in sorted(log)] + sorted(data)


def _is_part(path: Path, version: int) -> bool:
    """Whether a file of the log belongs to a version or one before it."""
    if path.name == "_last_checkpoint":
        # Only a hint where to begin: without it, the folder is listed.
        return int(json.loads(path.read_bytes())["version"]) <= version
    found = _COMMIT.fullmatch(path.name) or _CHECKPOINT.fullmatch(path.name)
    return found is not None and int(found[1]) <= version
