"""Where each cell of a pack lies: in which module, and which temperature probe is nearest."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinpack.battery.pack import PackSpec


class Layout(NamedTuple):
    """Modules, one after the other, of as many cells each."""

    modules: int
    cells_per_module: int


def layout_of(pack: PackSpec | None, cells: int) -> Layout:
    """How cells are drawn: as the pack is specified, else as near to a square as their number allows."""
    if pack is not None:
        drawn = pack.display
        if drawn.modules > 1 and drawn.modules * drawn.cells_per_module == cells:
            return Layout(drawn.modules, drawn.cells_per_module)
    modules = next((number for number in range(math.isqrt(max(cells, 1)), 0, -1) if cells % number == 0), 1)
    return Layout(modules, cells // modules)


def module_of(layout: Layout, cell: int) -> int:
    """The module of a cell, both from 1."""
    return (cell - 1) // max(layout.cells_per_module, 1) + 1


def probe_of(cells: int, probes: int) -> NDArray[np.int64]:
    """Index of the probe nearest to each cell, shape (cells,): probes lie evenly along the row of cells."""
    return np.asarray(np.arange(cells) * probes // max(cells, 1), dtype=np.int64)
