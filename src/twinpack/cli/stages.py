"""Progress of work that has several stages, one bar or line of progress after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from twinpack.cli import output

if TYPE_CHECKING:
    from twinpack.learn.progress import Tell


@contextmanager
def stages() -> Iterator[Tell]:
    """Hands out what is told of progress; each new text is a stage of its own."""
    with ExitStack() as stack:
        shown: dict[str, output.Progress] = {}

        def tell(what: str, done: float, of: float) -> None:
            if what not in shown:
                stack.close()
                shown.clear()
                shown[what] = stack.enter_context(output.progress(what, of))
            shown[what].set(done)

        yield tell
