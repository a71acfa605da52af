"""How commands speak: JSON, tables, numbers, progress. Results go to stdout, progress to stderr.

Everything works in a terminal of 80 columns and in a log file: no bar is drawn and no line is overwritten where
the stream is not a terminal. rich is imported only when a table or a bar is drawn.
"""

from __future__ import annotations

import codecs
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from twinpack.twin.words import MINUS as MINUS
from twinpack.twin.words import MISSING as MISSING
from twinpack.twin.words import THIN_SPACE as THIN_SPACE
from twinpack.twin.words import counted as counted
from twinpack.twin.words import number as number
from twinpack.twin.words import significant as significant
from twinpack.twin.words import with_uncertainty as with_uncertainty

_PLAIN = {MINUS: "-", THIN_SPACE: " ", MISSING: "-", "\N{PLUS-MINUS SIGN}": "+/-", "\N{DEGREE SIGN}": "deg "}
_PLAIN |= {"\N{HORIZONTAL ELLIPSIS}": "...", "\N{MULTIPLICATION SIGN}": "x", "\N{RIGHTWARDS ARROW}": "->"}
_PLAIN |= {"\N{GREEK SMALL LETTER SIGMA}": "sigma", "\N{GREEK CAPITAL LETTER OMEGA}": "Ohm", "\N{SUPERSCRIPT TWO}": "2"}
_PLAIN |= {"─": "-"}
_PLAIN |= {"\N{MIDDLE DOT}": "|"} | {chr(0x2080 + digit): str(digit) for digit in range(10)}  # subscripts

_LONG = 500
"""Rows from which a table is written without drawing it."""


def make_streams_tolerant() -> None:
    """Lets a stream that cannot write a sign (a log in ASCII) take a plain spelling of it instead of failing."""
    codecs.register_error("twinpack", _plain_spelling)
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="twinpack")


def _plain_spelling(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


def line(text: str = "") -> None:
    """Writes one line of result to stdout."""
    sys.stdout.write(f"{text}\n")


def note(text: str) -> None:
    """Writes one line about the work itself to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def json_result(value: Any) -> None:
    """Writes `value` (dataclasses, structs, arrays, times, paths) as JSON; NaN and infinity become null."""
    line(json_text(value))


def json_text(value: Any) -> str:
    """`value` as `json_result` writes it."""
    import msgspec

    encoded = msgspec.json.encode(value, enc_hook=_to_json, order="deterministic")
    return msgspec.json.format(encoded, indent=2).decode()


def _to_json(value: Any) -> Any:
    tolist = getattr(value, "tolist", None)  # numpy arrays and scalars
    return tolist() if tolist is not None else str(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Writes a table to stdout: the first column to the left, the others to the right.

    In a terminal it fits the width; in a file or a pipe it is as wide as it needs, so that nothing is cut off.
    """
    if len(rows) > _LONG:
        _long_table(columns, rows, title)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, show_edge=False)
    for index, column in enumerate(columns):
        drawn.add_column(column, justify="left" if index == 0 else "right", overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=10_000)
    console.print(drawn)


def _long_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str | None) -> None:
    """The same without fitting it to a width, which takes seconds where there are thousands of rows."""
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]

    def written(cells: Sequence[str]) -> str:
        first, *others = cells
        aligned = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        return "   ".join(aligned).rstrip() + "\n"

    sys.stdout.write(f"{title}\n" if title else "")
    sys.stdout.write(written(columns) + "─" * (sum(widths) + 3 * (len(widths) - 1)) + "\n")
    sys.stdout.writelines(map(written, rows))


@dataclass(slots=True)
class Progress:
    """Progress of one piece of work, handed out by `progress`."""

    total: float | None
    on_change: Callable[[float, str], None]
    done: float = 0

    def advance(self, amount: float = 1, detail: str = "") -> None:
        """Says that `amount` more is done; `detail` is a word on what."""
        self.set(self.done + amount, detail)

    def set(self, done: float, detail: str = "") -> None:
        """Says how much is done in all."""
        self.done = done
        self.on_change(done, detail)


@contextmanager
def progress(label: str, total: float | None = None, unit: str = "") -> Iterator[Progress]:
    """Shows progress on stderr: a bar in a terminal, otherwise a plain line at each fifth (or each doubling)."""
    shown = _bar(label, total, unit) if sys.stderr.isatty() else _lines(label, total, unit)
    with shown as on_change:
        yield Progress(total, on_change)


@contextmanager
def _bar(label: str, total: float | None, unit: str) -> Iterator[Callable[[float, str], None]]:
    from rich import progress as rich_progress
    from rich.console import Console

    columns: list[str | rich_progress.ProgressColumn] = [
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(bar_width=18),
        rich_progress.TextColumn("{task.fields[amount]}", markup=False),
        rich_progress.TimeRemainingColumn(compact=True),
    ]
    with rich_progress.Progress(*columns, console=Console(file=sys.stderr)) as bar:
        task = bar.add_task(label, total=total, amount=_amount(0, total, unit))

        def on_change(done: float, detail: str) -> None:
            text = f"{label}, {detail}" if detail else label
            bar.update(task, completed=done, description=shortened(text, 26), amount=_amount(done, total, unit))

        yield on_change


@contextmanager
def _lines(label: str, total: float | None, unit: str) -> Iterator[Callable[[float, str], None]]:
    steps_told = 0

    def on_change(done: float, detail: str) -> None:
        nonlocal steps_told
        step = math.floor(5 * done / total) if total else math.floor(math.log2(max(done, 1)))
        if step > steps_told:
            steps_told = step
            note(f"{label}: {_amount(done, total, unit)}")

    yield on_change


def _amount(done: float, total: float | None, unit: str) -> str:
    of_total = f" of {number(total)}" if total is not None else ""
    return f"{number(done)}{of_total} {unit}".rstrip()


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` characters, its end given up for an ellipsis."""
    return text if len(text) <= width else text[: width - 1] + "…"
