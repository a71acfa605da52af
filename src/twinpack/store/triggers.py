"""`[[trigger]]` tables of `settings.toml`: which jobs start by a schedule, and which by an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from twinpack.errors import InputError, SettingsError
from twinpack.store.checks import one_of, text, whole
from twinpack.store.cron import Cron
from twinpack.store.jobs import COMPACT, FORECAST, JOBS, RETENTION, job_kind
from twinpack.store.named import check_table, key, keys_text, parse_tables, span, table_text
from twinpack.store.named import name as name_check
from twinpack.store.spans import span_us

SEGMENT_SEALED = "segment_sealed"
TRIP_CLOSED = "trip_closed"
VERSION_ACCEPTED = "version_accepted"
MODEL_PROMOTED = "model_promoted"
EVENTS = (SEGMENT_SEALED, TRIP_CLOSED, VERSION_ACCEPTED, MODEL_PROMOTED)

_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def _schedule(value: Any) -> str:
    try:
        return text(value) or ("" if Cron.parse(value).last(_ANY_DAY) else "a schedule with a day that exists")
    except ValueError as error:
        return f'a schedule such as "0 0 3 * * *": {error}'


def _table(value: Any) -> str:
    return "" if isinstance(value, Mapping) else "a table of the job's arguments"


@dataclass(frozen=True)
class Trigger:
    """What starts a job: a schedule or an event."""

    name: str = key("", name_check, "name, unlike the others'")
    job: str = key("", one_of(*JOBS), "the job that it starts")
    schedule: str = key("", _schedule, "when, in UTC: minute hour day month weekday, or second before them")
    event: str = key("", one_of(*EVENTS), "or after what: " + ", ".join(EVENTS))
    every: int = key(1, whole(1, 1_000_000_000), "with an event: after each so many of them")
    at_most_every: str = key("", span, 'with an event: not again within this time, such as "1h"')
    arguments: Mapping[str, Any] = key({}, _table, "what the job is told, such as { trips = 5 }")

    @property
    def at_most_every_s(self) -> float:
        """Least time between two starts, seconds; 0 for none."""
        return (span_us(self.at_most_every) or 0) / 1e6


SHIPPED_TRIGGERS = (
    Trigger("retention", RETENTION, "0 0 2 * * *"),
    Trigger("compact", COMPACT, "0 30 2 * * *"),
    Trigger("forecast", FORECAST, "0 0 4 * * *"),
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
    return parse_tables(given, "trigger", where, _parse, lambda trigger: trigger.name)


def _parse(table: Mapping[str, Any], where: str) -> Trigger:
    check_table(table, Trigger, where, required=("name", "job"))
    if ("schedule" in table) == ("event" in table):
        raise SettingsError(f"{where}: it needs schedule or event, one of the two")
    for each in ("every", "at_most_every"):
        if each in table and "event" not in table:
            raise SettingsError(f"{where}: {each} goes with event, not with schedule")
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
    lines = keys_text("What starts jobs. Each trigger has", Trigger)
    lines += ["# No trigger at all is written `trigger = []`, above the first section."]
    return "", "\n".join(lines) + "\n" + "".join(table_text("trigger", trigger, _PLAIN) for trigger in triggers)


_PLAIN = Trigger()
