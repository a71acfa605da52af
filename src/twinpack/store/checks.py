"""What a setting may be: each check returns what a value should have been, or "" when it is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

Check = Callable[[Any], str]
"""Returns what a value should have been, or "" when it is allowed."""


def text(value: Any) -> str:
    """Any text."""
    return "" if isinstance(value, str) else "text"


def whole_path(value: Any) -> str:
    """A path from the root or the user's home: another process may stand in another folder."""
    allowed = isinstance(value, str) and (PurePath(value).is_absolute() or value.startswith("~"))
    return "" if allowed else "a whole path, such as /var/backups"


def flag(value: Any) -> str:
    """True or false."""
    return "" if isinstance(value, bool) else "true or false"


def whole(least: int, most: int) -> Check:
    """A whole number within limits, both included."""

    def check(value: Any) -> str:
        allowed = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if allowed else f"a whole number from {least} to {most}"

    return check


def auto_or_whole(least: int, most: int) -> Check:
    """`auto`, or a whole number within limits, both included."""

    def check(value: Any) -> str:
        return "" if value == "auto" else whole(least, most)(value) and f'"auto" or {whole(least, most)(value)}'

    return check


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def positive(value: Any) -> str:
    """A number above 0."""
    return "" if _number(value) and value > 0 else "a number above 0"


def not_negative(value: Any) -> str:
    """A number of at least 0."""
    return "" if _number(value) and value >= 0 else "a number of at least 0"


def one_of(*allowed: str) -> Check:
    """One of some words."""
    return lambda value: "" if value in allowed else " or ".join(f'"{name}"' for name in allowed)


def auto_or_positive(value: Any) -> str:
    """`auto`, or a number above 0."""
    return "" if value == "auto" or positive(value) == "" else '"auto" or a number above 0'
