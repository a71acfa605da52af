"""How learning tells how far it is; whoever asked for it shows that."""

from __future__ import annotations

from typing import Protocol


class Tell(Protocol):
    """Is told of progress."""

    def __call__(self, what: str, done: float, of: float) -> None:
        """So much is done, of so much.

        Args:
            what: What is being done; another text begins another piece of work.
            done: How much of it is done.
            of: How much there is.
        """


def silent(what: str, done: float, of: float) -> None:
    """Tell nobody."""
