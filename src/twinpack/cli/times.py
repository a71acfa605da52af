"""Times as people write them on the command line, and who gives a command."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from twinpack.detect.words import moment as in_words
from twinpack.errors import InputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Who = Annotated[str, typer.Option("--as", help="Who does it.", show_default="the user of the system")]
"""Use as `who: Who = ""`, and `name_of(who)`."""


def name_of(who: str) -> str:
    """The name given, else that of the user of the system.

    Raises:
        InputError: The system knows no name.
    """
    if who.strip():
        return who
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise InputError("the system does not know who you are: say it with --as NAME") from None


def moment(option: str, text: str) -> datetime:
    """A time in ISO 8601, UTC unless it says otherwise.

    Raises:
        InputError: It is no time; names the option.
    """
    try:
        found = datetime.fromisoformat(text)
        return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{option} {text!r} is no time; write 2026-03-01 or 2026-03-01T12:00:00Z") from error


def moment_us(option: str, text: str) -> int:
    """The same in microseconds since the epoch."""
    since = moment(option, text) - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def until_us(until: str | None, lasts: str | None, from_us: int) -> int | None:
    """The end of a time that is given as a moment (`--until`) or as how long it lasts (`--for`), None for neither.

    Raises:
        InputError: Both are given, or one cannot be read.
    """
    from twinpack.store.spans import EXAMPLES, span_us

    if until is not None and lasts is not None:
        raise InputError("--until and --for say the same thing: name one of the two")
    if until is not None:
        return moment_us("--until", until)
    if lasts is None:
        return None
    span = span_us(lasts)
    if span is None:
        raise InputError(f"--for {lasts!r} is no span of time; write {EXAMPLES}")
    return from_us + span


def shown(time_us: int | None) -> str:
    """A moment for people: UTC, to the second."""
    if time_us is None:
        return "never"
    return in_words(time_us)
