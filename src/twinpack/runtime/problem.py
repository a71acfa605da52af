"""What a thread that goes on trying waits for, told once and when it is over."""

from __future__ import annotations

from collections.abc import Callable

from twinpack.errors import one_line

Tell = Callable[[str], None]
"""Told what people should know: what it waits for, what went wrong."""


class Problem:
    """The problem of the moment.

    Attributes:
        text: In one line, "" while all is well.
    """

    def __init__(self, tell: Tell) -> None:
        """None yet."""
        self.text = ""
        self._tell = tell

    def say(self, text: str) -> None:
        """Tell a problem that is new, or with "" that the last one is over."""
        text = one_line(text)
        if text != self.text:
            self._tell(text or f"goes on after: {self.text}")
            self.text = text
