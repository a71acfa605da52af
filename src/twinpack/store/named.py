"""Lists of named tables in `settings.toml`, such as `[[trigger]]`: read key by key, and written with what each means.

A list is declared by a frozen dataclass. The metadata of a field say what it may be (`check`), what it means (`doc`),
its `key` where that is no name in Python, and whether it may hold a `secret`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, field, fields
from typing import Any, TypeVar

from twinpack.errors import SettingsError
from twinpack.store.checks import Check
from twinpack.store.spans import EXAMPLES, span_us
from twinpack.store.toml import toml_value

T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def name(value: Any) -> str:
    """A short name."""
    return "" if isinstance(value, str) and _NAME.fullmatch(value) else "1 to 40 of a to z, 0 to 9, _ and -"


def span(value: Any) -> str:
    """A time such as "1h"."""
    return "" if span_us(value) is not None else f"a time such as {EXAMPLES}"


def key(default: Any, check: Check, doc: str, *, named: str = "", secret: bool = False) -> Any:
    """A key of a table; one that may hold a secret is in no `repr` and no error."""
    metadata = {"check": check, "doc": doc, "key": named, "secret": secret}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, repr=not secret, metadata=metadata)


def keys(kind: Any) -> dict[str, Field[Any]]:
    """The fields of a table, by the keys they are written as."""
    return {part.metadata["key"] or part.name: part for part in fields(kind)}


def parse_tables(
    given: Any, what: str, where: str, parse: Callable[[Mapping[str, Any], str], T], named: Callable[[T], str]
) -> tuple[T, ...]:
    """Read a list of tables whose names differ.

    Args:
        given: What TOML gave.
        what: Name of the list.
        where: Name of the file, for messages.
        parse: Reads one table, told where it stands.
        named: Name of one that was read.

    Raises:
        SettingsError: It is no list of tables, a table is not allowed, or two have one name.
    """
    if not isinstance(given, Sequence) or not all(isinstance(table, Mapping) for table in given):
        raise SettingsError(f"{where}: {what} must be a list of tables, each written [[{what}]]")
    found: list[T] = []
    for number, table in enumerate(given, 1):
        one = parse(table, f"{where} [[{what}]] {_title(table, number)}")
        if any(named(other) == named(one) for other in found):
            raise SettingsError(f"{where} [[{what}]] {number}: name {named(one)!r} is taken by another {what}")
        found.append(one)
    return tuple(found)


def check_table(table: Mapping[str, Any], kind: Any, where: str, required: Sequence[str] = ("name",)) -> None:
    """See that a table has the keys it must have, and no others, each with a value that is allowed.

    Raises:
        SettingsError: Names the key; a value that may be a secret is not told.
    """
    known = keys(kind)
    for each, value in table.items():
        if each not in known:
            raise SettingsError(f"{where}: unknown key {each!r}; known: {', '.join(known)}")
        wanted = known[each].metadata["check"](value)
        if wanted:
            told = "" if known[each].metadata["secret"] else f", not {value!r}"
            raise SettingsError(f"{where}: {each} must be {wanted}{told}")
    for each in required:
        if each not in table:
            raise SettingsError(f"{where}: {each} is missing; it is {known[each].metadata['doc']}")


def keys_text(title: str, kind: Any) -> list[str]:
    """Comment lines: a title, and what each key of a table means."""
    return [f"\n# {title}", *(f"# {each}: {part.metadata['doc']}" for each, part in keys(kind).items())]


def table_text(what: str, one: Any, plain: Any) -> str:
    """A table as TOML, with the keys that differ from those of `plain`."""
    shown = {each: getattr(one, part.name) for each, part in keys(type(one)).items()}
    usual = {each: getattr(plain, part.name) for each, part in keys(type(one)).items()}
    lines = [f"{each} = {toml_value(value)}\n" for each, value in shown.items() if value != usual[each]]
    return f"\n[[{what}]]\n" + "".join(lines)


def _title(table: Mapping[str, Any], number: int) -> str:
    found = table.get("name")
    return repr(found) if isinstance(found, str) and found else str(number)
