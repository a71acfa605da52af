"""Structured logs: one line of JSON an event. Payloads are never logged, and secrets never reach here."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

LOGGER = "twinpack.gateway"

_SERVER = "uvicorn"
_SELDOM_S = 60.0
_FIELDS = "twinpack_fields"


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time, level, event and its fields."""

    def __init__(self, scrub: Callable[[str], str] = str) -> None:
        """Pass each line through `scrub`, which takes out what must not be in a log."""
        super().__init__()
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        """One line, without a line break in it."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return self._scrub(json.dumps(line, default=str, ensure_ascii=False))


class Events:
    """Tells what happens in one part of the gateway, of what follows its log, or of another service."""

    def __init__(self, part: str, service: str = LOGGER) -> None:
        """Name the part, and the service."""
        self._log = logging.getLogger(f"{service}.{part}")

    def debug(self, event: str, **fields: object) -> None:
        """What only helps to find a fault."""
        self._tell(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """What is as it should be."""
        self._tell(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """What is not, and mends itself."""
        self._tell(logging.WARNING, event, fields)

    def error(self, event: str, *, trace: bool = False, **fields: object) -> None:
        """What needs somebody; with where it happened, if wanted."""
        self._tell(logging.ERROR, event, fields, trace)

    def _tell(self, level: int, event: str, fields: dict[str, object], trace: bool = False) -> None:
        if self._log.isEnabledFor(level):
            self._log.log(level, event, extra={_FIELDS: fields}, exc_info=trace)


class Seldom(logging.Filter):
    """Lets each text through once a minute: a stranger at the HTTP door must not fill the log."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it was not told within the last minute."""
        text = str(record.msg)
        if record.created - self._told.get(text, -_SELDOM_S) < _SELDOM_S:
            return False
        self._told[text] = record.created
        return True


def log_to_stderr(level: int | str = logging.INFO, service: str = LOGGER, scrub: Callable[[str], str] = str) -> None:
    """Write the events of a service, and of the server behind its HTTP door, to standard error in lines of JSON.

    Args:
        level: From what level on.
        service: Name of the logger.
        scrub: Takes out of a line what must not be in a log, such as vehicle identification numbers.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(scrub))
    server = logging.StreamHandler(sys.stderr)
    server.setFormatter(JsonLines(scrub))
    server.addFilter(Seldom())
    for name, its, least in ((service, handler, level), (_SERVER, server, logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers = [its]
        logger.setLevel(least)
        logger.propagate = False
