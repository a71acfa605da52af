"""The rule set in use, looked up again and again: of the log only what was added since is read."""

from __future__ import annotations

import json

from twinpack.detect.rules import shipped_rules
from twinpack.fleet.commands import sets_rules
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.listing import Listing
from twinpack.ingest.log.segments import read_commands
from twinpack.runtime.genesis import KEY
from twinpack.store.registry import Registry


class RulesInUse:
    """As `runtime.rules.rules_in_use`, for one thread at a time."""

    def __init__(self, registry: Registry, log: SegmentLog) -> None:
        """Nothing was read yet."""
        self._registry = registry
        self._log = log
        self._read_to = 0
        self._commanded: str | None = None

    def text(self) -> str:
        """The rule set as TOML text, "" where nothing is detected.

        Raises:
            WorkspaceError: Log or registry cannot be read.
        """
        self._log.at_one_moment(self._read_on)
        if self._commanded is not None:
            return self._commanded
        recorded = self._registry.genesis(KEY)
        return str(shipped_rules() if recorded is None else recorded.get("rules", ""))

    def _read_on(self, listing: Listing) -> None:
        if self._read_to < listing.start_offset:
            self._take(listing.retired.commands)
            self._read_to = listing.start_offset
        for segment in listing.segments:
            if segment.end_offset > self._read_to:
                # One that others were merged into is read whole: what came last holds all the same.
                self._take(list(read_commands(segment)))
                self._read_to = segment.end_offset

    def _take(self, commands: list[str]) -> None:
        for body in map(json.loads, commands):
            if isinstance(body, dict) and sets_rules(body):
                self._commanded = body["text"]
