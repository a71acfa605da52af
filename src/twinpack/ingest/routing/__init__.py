"""Routing: rules with a condition each, and where the samples they take go. `Router` is all an importer needs."""

from __future__ import annotations

from twinpack.ingest.routing.router import DROPPED, Router
from twinpack.ingest.routing.rules import SHIPPED, Rule, load_rules, parse_rules, rules_path, shipped_text
from twinpack.store.urls import shown_url

__all__ = [
    "DROPPED",
    "SHIPPED",
    "Router",
    "Rule",
    "load_rules",
    "parse_rules",
    "rules_path",
    "shipped_text",
    "shown_url",
]
