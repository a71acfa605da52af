"""Files that settings name."""

from __future__ import annotations

from pathlib import Path

from twinpack.errors import SettingsError


def named_file(section: str, key: str, value: str, home: Path) -> Path | None:
    """The file that a setting names, looked for from the workspace's folder; None where it names none.

    Raises:
        SettingsError: It is not there.
    """
    if not value:
        return None
    path = home / Path(value).expanduser()
    if not path.is_file():
        raise SettingsError(f"[{section}] {key}: there is no file {path}")
    return path
