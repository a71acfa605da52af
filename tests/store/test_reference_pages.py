"""The reference pages name every setting with its default, and every error with its exit code."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

from twinpack import errors
from twinpack.store.settings import Settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_every_setting_is_on_its_page_as_settings_toml_says_it() -> None:
    text = (REFERENCE / "settings.md").read_text("utf-8")
    toml = Settings().to_toml()
    for part in fields(Settings):
        section = text.split(f"## [{part.name}]")[1].split("\n## ")[0]
        for key in fields(getattr(Settings(), part.name)):
            line = next(
                line for line in toml.split(f"[{part.name}]")[1].splitlines() if line.startswith(f"{key.name} = ")
            )
            default = line.removeprefix(f"{key.name} = ")
            assert f"| `{key.name}` | `{default}` | {key.metadata['doc']} |" in section


def test_every_error_is_on_its_page() -> None:
    text = (REFERENCE / "errors.md").read_text("utf-8")
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.TwinpackError):
            row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
            assert row.endswith(f"| {kind.exit_code} |")
