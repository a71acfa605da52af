"""The reference pages name every setting with its default, and every error with its exit code."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pyarrow as pa

from twinpack import errors
from twinpack.store.jobs import JOBS
from twinpack.store.named import keys
from twinpack.store.registry_tables import REGISTRY_TABLES
from twinpack.store.settings import Settings, parse_settings, sections
from twinpack.store.sinks import Sink
from twinpack.store.tables import TABLES
from twinpack.store.toml import toml_value
from twinpack.store.triggers import SHIPPED_TRIGGERS, Trigger

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_every_setting_is_on_its_page_as_settings_toml_says_it() -> None:
    text = (REFERENCE / "settings.md").read_text("utf-8")
    toml = Settings().to_toml()
    for part in sections():
        section = text.split(f"## [{part.name}]")[1].split("\n## ")[0]
        for key in fields(getattr(Settings(), part.name)):
            line = next(
                line for line in toml.split(f"[{part.name}]")[1].splitlines() if line.startswith(f"{key.name} = ")
            )
            default = line.removeprefix(f"{key.name} = ")
            assert f"| `{key.name}` | `{default}` | {key.metadata['doc']} |" in section


def test_every_key_of_a_trigger_and_every_job_is_on_its_page() -> None:
    section = (REFERENCE / "settings.md").read_text("utf-8").split("## [[trigger]]")[1].split("\n## ")[0]
    for key in fields(Trigger):
        assert f"| `{key.name}` | {key.metadata['doc']} |" in section
    for name, kind in JOBS.items():
        arguments = ", ".join(
            f"`{key}`" if told.default is None else f"`{key} = {toml_value(told.default)}`"
            for key, told in kind.arguments.items()
        )
        assert f"| `{name}` | {kind.doc} | {arguments} |" in section
    shown = section.split("```toml\n")[1].split("```")[0]
    assert parse_settings(shown).trigger == SHIPPED_TRIGGERS


def test_every_key_of_a_sink_is_on_its_page() -> None:
    section = (REFERENCE / "settings.md").read_text("utf-8").split("## [[sink]]")[1].split("\n## ")[0]
    for name, key in keys(Sink).items():
        default = "" if name in ("name", "type") else f"`{toml_value(getattr(Sink(), key.name))}`"
        assert f"| `{name}` | {default} | {key.metadata['doc']} |" in section


def test_every_error_is_on_its_page() -> None:
    text = (REFERENCE / "errors.md").read_text("utf-8")
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.TwinpackError):
            row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
            assert row.endswith(f"| {kind.exit_code} |")


def test_every_table_and_column_is_on_its_page() -> None:
    text = (REFERENCE / "tables.md").read_text("utf-8")
    schemas = {name: table.schema for name, table in TABLES.items()}
    schemas |= {name: schema for name, (schema, _) in REGISTRY_TABLES.items()}
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    assert sections.keys() == schemas.keys()
    for name, schema in schemas.items():
        rows = [line.split(" | ") for line in sections[name].splitlines() if line.startswith("| `")]
        assert [row[0].strip("| `") for row in rows] == schema.names
        for row, column in zip(rows, schema, strict=True):
            assert row[1] == _type_in_words(column.type), (name, column.name)
            assert len(row[2]) > 5, (name, column.name)


def _type_in_words(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_list(kind):
        return f"list of {kind.value_type}"
    names = {pa.string(): "text", pa.int32(): "int", pa.int64(): "bigint", pa.bool_(): "boolean", pa.date32(): "date"}
    names[pa.map_(pa.string(), pa.float64())] = "map of text to double"
    return names.get(kind, str(kind))
