"""What of a verdict hangs on a threshold: each lower and higher in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from twinpack.battery.pack import PackSpec
from twinpack.detect.cells import CellSettings
from twinpack.detect.frames import Frames
from twinpack.detect.screen import ScreenSettings
from twinpack.evaluate.recorded import Verdict, verdict

PART = 0.25
"""By how much each threshold is changed, as a part of it."""


@dataclass(frozen=True)
class Moved:
    """A threshold that changes the verdict.

    Attributes:
        threshold: Its name in the settings of the cell anomalies or of the data faults.
        factor: What it was multiplied by.
        more: Alarms that come with it.
        fewer: Alarms that go.
        watched: What is to be watched then and was not.
        aside: How many more samples are set aside.
    """

    threshold: str
    factor: float
    more: tuple[str, ...]
    fewer: tuple[str, ...]
    watched: tuple[str, ...]
    aside: int

    def __str__(self) -> str:
        """In words for people."""
        parts = [f"also {', '.join(self.more)}"] if self.more else []
        parts += [f"no longer {', '.join(self.fewer)}"] if self.fewer else []
        parts += [f"to be watched {', '.join(self.watched)}"] if self.watched else []
        parts += [f"{self.aside:+d} samples set aside"] if self.aside else []
        return f"{self.threshold} {100 * (self.factor - 1):+.0f} %: {'; '.join(parts)}"


def moved(frames: Frames, pack: PackSpec, part: float = PART) -> tuple[list[Moved], int]:
    """The thresholds whose change alone changes the verdict.

    Args:
        frames: Samples of one vehicle, as lane 0; at least one.
        pack: Its pack.
        part: By how much each is changed, down and up, as a part of it.

    Returns:
        Those that bring or end an alarm, or change what is watched or set aside; and how many were tried.
    """
    base = verdict(frames, pack)
    tried = [(name, factor, verdict(frames, pack, of_cells=changed)) for name, factor, changed in _of_cells(part)]
    tried += [(name, factor, verdict(frames, pack, of_data=changed)) for name, factor, changed in _of_data(part)]
    found = (_difference(name, factor, base, other) for name, factor, other in tried)
    return [one for one in found if one.more or one.fewer or one.watched or one.aside], len(tried)


def _difference(name: str, factor: float, base: Verdict, other: Verdict) -> Moved:
    more = tuple(one for one in other.alarms if one not in base.alarms)
    fewer = tuple(one for one in base.alarms if one not in other.alarms)
    watched = tuple(one for one in other.watched if one not in base.watched and one not in fewer)
    return Moved(name, factor, more, fewer, watched, other.aside - base.aside)


def _of_cells(part: float) -> Iterator[tuple[str, float, CellSettings]]:
    shipped = CellSettings()
    for name in CellSettings._fields:
        for factor in (1.0 - part, 1.0 + part):
            yield name, factor, shipped._replace(**{name: factor * getattr(shipped, name)})


def _of_data(part: float) -> Iterator[tuple[str, float, ScreenSettings]]:
    shipped = ScreenSettings()
    for field in fields(shipped):
        value = getattr(shipped, field.name)
        for factor in (1.0 - part, 1.0 + part) if isinstance(value, float) else ():
            yield field.name, factor, replace(shipped, **{field.name: factor * value})
