"""The evaluation on one cell in a climate chamber: the model alone, and the state of charge that a filter finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twinpack.cli.evaluations.lg_open_loop import open_loop

Metrics = dict[str, Any]


def evaluate(data: Path, quick: bool) -> Metrics:
    """Open loop with a true start."""
    return open_loop(data, quick)
