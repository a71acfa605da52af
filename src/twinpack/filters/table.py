"""Piecewise linear tables of constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.filters.refusal import refuse

Floats = npt.NDArray[np.float64]


class Table:
    """A piecewise linear table of constants that goes on beyond its ends with the slope there.

    Where all points lie on an even grid of at most `MOST_PIECES` steps it is cut to that, which changes no value and
    makes finding a piece a multiplication.

    Attributes:
        even: Whether the pieces are equally wide.
        start: Left end of each piece, shape (pieces,); the last one also serves what lies beyond.
        value: Value there.
        slope: Slope of the piece.
    """

    def __init__(self, points: Floats, values: Floats) -> None:
        """Take ascending points and their values, both of shape (N,), N at least 2."""
        if points.ndim != 1 or points.shape != values.shape or len(points) < 2 or not (np.diff(points) > 0.0).all():
            refuse("a table needs at least two points, ascending, and as many values")
        slope = np.diff(values) / np.diff(points)
        step = _common_step(points)
        self.even = step is not None
        self.start, self.value, self.slope = points[:-1], values[:-1], slope
        if step is not None:
            count = round((points[-1] - points[0]) / step)
            self.start = points[0] + step * np.arange(count)
            at = np.searchsorted(points[1:-1], self.start + 0.5 * step)
            self.value, self.slope = values[at] + slope[at] * (self.start - points[at]), slope[at]
            self.step = step

    def piece(self, x: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Which piece each `x` lies on."""
        if not self.even:
            return np.searchsorted(self.start[1:], x, side="right")
        place = np.clip((x - self.start[0]) * (1.0 / self.step), 0.0, len(self.start) - 1.0)
        return np.asarray(np.nan_to_num(np.floor(place)), dtype=np.intp)


MOST_PIECES = 1024


def _common_step(points: Floats) -> float | None:
    """The widest step of an even grid that has every point, None when there is none within `MOST_PIECES`."""
    narrowest = float(np.diff(points).min())
    for parts in range(1, 17):
        step = narrowest / parts
        places = (points - points[0]) / step
        if places[-1] > MOST_PIECES + 0.5:
            return None
        if np.abs(places - np.round(places)).max() < 1e-9:
            return float((points[-1] - points[0]) / round(float(places[-1])))
    return None
