"""The page about the gateway names every metric and every reason."""

from __future__ import annotations

import re
from pathlib import Path

from twinpack.ingest.gateway.metrics import Metrics
from twinpack.ingest.messages import REJECT_REASONS, ROW_REASONS

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "gateway.md").read_text(encoding="utf-8")


def test_every_metric_is_named() -> None:
    names = {
        family.name.removeprefix("twinpack_gateway_") + ("_total" if family.type == "counter" else "")
        for family in Metrics().registry.collect()
    }
    named = set(re.findall(r"`([a-z_]+)(?:\{[a-z]+\})?`", PAGE))
    assert names - named == set()


def test_every_reason_is_named() -> None:
    named = set(re.findall(r"`([a-z]+)`", PAGE))
    assert (set(REJECT_REASONS) | set(ROW_REASONS)) - named == set()
