"""The rule set that a workspace finds faults by."""

from __future__ import annotations

import json

from twinpack.detect.rules import shipped_rules
from twinpack.fleet.commands import sets_rules
from twinpack.ingest.log import SegmentLog
from twinpack.runtime.genesis import KEY
from twinpack.store.registry import Registry


def rules_in_use(registry: Registry, log: SegmentLog) -> str:
    """The rule set as TOML text, after every command that is in the log; "" where nothing is detected.

    A workspace that has not run yet will begin with the rules of the release that runs it first.
    """
    recorded = registry.genesis(KEY)
    text: str = shipped_rules() if recorded is None else recorded.get("rules", "")
    for body in map(json.loads, log.commands()):
        if isinstance(body, dict) and sets_rules(body):
            text = body["text"]
    return text
