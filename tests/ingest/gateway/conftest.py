from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.servers.disks import small_disk
from tests.servers.mosquitto import broker
from twinpack.ingest.logs import LOGGER, JsonLines

__all__ = ["broker", "small_disk"]


class Lines(logging.Handler):
    """Keeps the lines that would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Every log line of any library, down to DEBUG."""
    handler, root = Lines(), logging.getLogger()
    levels = {logger: logger.level for logger in (root, logging.getLogger(LOGGER))}
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)
