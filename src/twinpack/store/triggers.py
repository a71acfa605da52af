"""`[[trigger]]` tables of `settings.toml`: which jobs start by a schedule, and which by an event."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from twinpack.errors import InputError, SettingsError
from twinpack.store.checks import Check, one_of, text, whole
from twinpack.store.cron import Cron
from twinpack.store.jobs import COMPACT, JOBS, RETENTION, job_kind
from twinpack.store.spans import EXAMPLES, span_us
from twinpack.store.toml import toml_value

SEGMENT_SEALED = "segment_sealed"
TRIP_CLOSED = "trip_closed"
VERSION_ACCEPTED = "version_accepted"
MODEL_PROMOTED = "model_promoted"
EVENTS = (SEGMENT_SEALED, TRIP_CLOSED, VERSION_ACCEPTED, MODEL_PROMOTED)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _name(value: Any) -> str:
    return "" if isinstance(value, str) and _NAME.fullmatch(value) else "1 to 40 of a to z, 0 to 9, _ and -"


def _schedule(value: Any) -> str:
    try:
        return text(value) or ("" if Cron.parse(value).last(_ANY_DAY) else "a schedule with a day that exists")
    except ValueError as error:
        return f'a schedule such as "0 0 3 * * *": {error}'


def _span(value: Any) -> str:
    return "" if span_us(value) is not None else f"a time such as {EXAMPLES}"


def _table(value: Any) -> str:
    return "" if isinstance(value, Mapping) else "a table of the job's arguments"


def _key(default: Any, check: Check, doc: str) -> Any:
    return field(default=default, metadata={"check": check, "doc": doc})


@dataclass(frozen=True)
class Trigger:
    """What starts a job: a schedule or an event."""

    name: str = _key("", _name, "name, unlike the others'")
    job: str = _key("", one_of(*JOBS), "the job that it starts")
    schedule: str = _key("", _schedule, "when, in UTC: minute hour day month weekday, or second before them")
    event: str = _key("", one_of(*EVENTS), "or after what: " + ", ".join(EVENTS))
    every: int = _key(1, whole(1, 1_000_000_000), "with an event: after each so many of them")
    at_most_every: str = _key("", _span, 'with an event: not again within this time, such as "1h"')
    arguments: Mapping[str, Any] = field(
        default_factory=dict, metadata={"check": _table, "doc": "what the job is told, such as { trips = 5 }"}
    )

    @property
    def at_most_every_s(self) -> float:
        """Least time between two starts, seconds; 0 for none."""
        return (span_us(self.at_most_every) or 0) / 1e6


SHIPPED_TRIGGERS = (
    Trigger("retention", RETENTION, "0 0 2 * * *"),
    Trigger("compact", COMPACT, "0 30 2 * * *"),
)
"""What a new workspace has, and one whose settings name no trigger."""


def parse_triggers(given: Any, where: str) -> tuple[Trigger, ...]:
    """Read the tables.

    Args:
        given: What TOML gave for `trigger`.
        where: Name of the file, for messages.

    Raises:
        SettingsError: A table is not allowed; names the trigger and the key.
    """
    if not isinstance(given, Sequence) or not all(isinstance(table, Mapping) for table in given):
        raise SettingsError(f"{where}: trigger must be a list of tables, each written [[trigger]]")
    found: list[Trigger] = []
    for number, table in enumerate(given, 1):
        trigger = _parse(table, f"{where} [[trigger]] {_title(table, number)}")
        if any(other.name == trigger.name for other in found):
            raise SettingsError(f"{where} [[trigger]] {number}: name {trigger.name!r} is taken by another trigger")
        found.append(trigger)
    return tuple(found)


def _title(table: Mapping[str, Any], number: int) -> str:
    name = table.get("name")
    return repr(name) if isinstance(name, str) and name else str(number)


def _parse(table: Mapping[str, Any], where: str) -> Trigger:
    known = {part.name: part for part in fields(Trigger)}
    for name, value in table.items():
        if name not in known:
            raise SettingsError(f"{where}: unknown key {name!r}; known: {', '.join(known)}")
        wanted = known[name].metadata["check"](value)
        if wanted:
            raise SettingsError(f"{where}: {name} must be {wanted}, not {value!r}")
    for name in ("name", "job"):
        if name not in table:
            raise SettingsError(f"{where}: {name} is missing; it is {known[name].metadata['doc']}")
    if ("schedule" in table) == ("event" in table):
        raise SettingsError(f"{where}: it needs schedule or event, one of the two")
    for name in ("every", "at_most_every"):
        if name in table and "event" not in table:
            raise SettingsError(f"{where}: {name} goes with event, not with schedule")
    _tried(lambda: job_kind(table["job"]).complete(table.get("arguments", {})), where)
    return Trigger(**table)


def _tried(action: Callable[[], Any], where: str) -> None:
    try:
        action()
    except InputError as error:
        raise SettingsError(f"{where}: arguments: {error}") from error


def triggers_text(triggers: Sequence[Trigger]) -> tuple[str, str]:
    """Triggers as TOML: what goes before the sections, and what goes after them."""
    if not triggers:
        return "trigger = []\n", ""  # a list without a table has to stand before the first section
    lines = ["\n# What starts jobs. Each trigger has"]
    lines += [f"# {part.name}: {part.metadata['doc']}" for part in fields(Trigger)]
    lines += ["# No trigger at all is written `trigger = []`, above the first section."]
    return "", "\n".join(lines) + "\n" + "".join(_trigger_text(trigger) for trigger in triggers)


def _trigger_text(trigger: Trigger) -> str:
    shown = [part.name for part in fields(Trigger) if getattr(trigger, part.name) != getattr(_PLAIN, part.name)]
    return "\n[[trigger]]\n" + "".join(f"{name} = {toml_value(getattr(trigger, name))}\n" for name in shown)


_PLAIN = Trigger()
