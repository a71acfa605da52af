"""Say no to what a model does, by the line where it does it."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from twinpack.errors import TraceError


def refuse(why: str) -> NoReturn:
    """Refuse what a model does, naming the line of the model.

    Raises:
        TraceError: Always.
    """
    frame: Any = sys._getframe(1)  # noqa: SLF001
    ours = (*(f"twinpack.filters.{name}" for name in ("graph", "ops", "trace", "table", "refusal")), "numpy")
    while frame is not None and frame.f_globals.get("__name__", "").startswith(ours):
        frame = frame.f_back
    place = f"{frame.f_code.co_filename}, line {frame.f_lineno}, in {frame.f_code.co_name}" if frame else "a model"
    raise TraceError(f"{place}: {why}")
