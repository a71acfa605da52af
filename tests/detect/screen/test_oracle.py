"""Cells and probes against the same judgement in plain Python, on data with every fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.detect.screen.made import frames_of, pack_of
from tests.detect.screen.oracle import by_hand
from twinpack.detect.frames import Frames
from twinpack.detect.screen import Screened, ScreenSettings, ScreenState, screen
from twinpack.detect.screen.cells import CELL_FIGURES
from twinpack.detect.screen.probes import PROBE_FIGURES

CELLS = 8
PACK = pack_of(CELLS)
# Odd thresholds, which no difference of round figures meets exactly, and times within which much happens.
RULES = ScreenSettings(
    dead_s=20.0,
    frozen_v=0.0537,
    frozen_s=40.0,
    jump_v=0.3071,
    heal_s=60.0,
    probe_frozen_k=2.7,
    probe_frozen_s=50.0,
)
FIGURES = [name for name in (*CELL_FIGURES, *PROBE_FIGURES) if name != "probe_rate_k_s"]


def faulty(seed: int, rows: int = 400) -> Frames:
    """A vehicle in use whose channels show sentinels, freeze, step and come back."""
    rng = np.random.default_rng(seed)
    busy = np.repeat(rng.random(rows // 10) < 0.6, 10)
    current = np.where(busy, rng.choice([-90.0, -20.0, 40.0], rows), rng.choice([0.0, 3.0], rows))
    cells = 3.7 + 0.002 * current[:, None] * rng.uniform(0.9, 1.1, CELLS) + rng.normal(0, 0.004, CELLS)
    cells = (cells + rng.normal(0, 0.001, (rows, CELLS))).round(3)
    pack_v = cells.sum(1).round(1)
    for _ in range(12):
        c, start = rng.integers(0, CELLS), rng.integers(0, rows)
        span = slice(start, start + rng.integers(1, 60))
        kind = rng.choice(["sentinel", "frozen", "step", "short"])
        if kind == "sentinel":
            cells[span, c] = np.where(
                rng.random(cells[span, c].shape) < 0.9, rng.choice([0, 5, np.nan]), cells[span, c]
            )
        elif kind == "frozen":
            cells[span, c] = cells[start, c]
        else:
            step = rng.choice([-0.7, -0.35, 0.35, 0.7])
            cells[span, c] += step
            pack_v[span] += step if kind == "short" and step < 0 else 0.0
    cells[rng.integers(0, rows, 3)] = 0.0
    probes = (25 + 0.05 * np.cumsum(rng.choice([-1, 1, 2], rows))[:, None] + rng.normal(0, 0.5, 4)).round(0)
    for _ in range(6):
        p, start = rng.integers(0, 4), rng.integers(0, rows)
        span = slice(start, start + rng.integers(1, 120))
        probes[span, p] = rng.choice([-40.0, 120.0, np.nan, probes[start, p], probes[start, p], probes[start, p]])
    short: list[Any] = [row[: CELLS if rng.random() < 0.97 else 5] for row in cells]
    return frames_of(
        np.cumsum(rng.choice([1.0, 10.0, 30.0, 300.0], rows, p=[0.3, 0.5, 0.19, 0.01])),
        short,
        [row[: 4 if rng.random() < 0.9 else 2] for row in probes],
        pack_current_a=current,
        pack_voltage_v=np.where(rng.random(rows) < 0.05, np.nan, pack_v),
    )


def of_row(found: Screened, name: str, i: int) -> list[float | None]:
    lists = getattr(found, name)
    values = lists.values[lists.start[i] : lists.start[i] + lists.count[i]]
    return [None if np.isnan(v) else float(v) for v in values]


@pytest.mark.parametrize("seed", range(25))
def test_cells_and_probes_are_judged_as_by_hand(seed: int) -> None:
    frames = faulty(seed)
    _, found = screen(ScreenState.empty(1, cells=CELLS, probes=0), frames, PACK, RULES)
    expected = by_hand(frames, PACK, RULES)
    np.testing.assert_array_equal(found.aside, [row["aside"] for row in expected])
    for name in FIGURES:
        wanted = [row.get(name, np.nan) for row in expected]
        np.testing.assert_allclose(found.quantities[name], wanted, atol=1e-9, err_msg=name)
    rates = np.array([row.get("temp_rate_k_s", np.nan) for row in expected])
    np.testing.assert_allclose(found.quantities["temp_rate_k_s"], rates)
    for i, row in enumerate(expected):
        assert of_row(found, "cells", i) == row["cells"], f"row {i}"
        assert of_row(found, "probes", i) == row["probes"], f"row {i}"


def test_the_data_hold_every_case() -> None:
    """The comparison above would mean little on data in which nothing happens."""
    found = [screen(ScreenState.empty(1, cells=CELLS, probes=0), faulty(s), PACK, RULES)[1] for s in range(25)]

    def rows(name: str) -> float:
        return float(sum(np.nansum(one.quantities[name]) for one in found))

    for name in ("cell_dead", "cells_mismatch", "probe_frozen", "probe_low", "probe_high", "sentinel_cells"):
        assert rows(name) > 20, name
    assert sum(one.aside.sum() for one in found) > 100
    suspects = [one.quantities["bad_cell"] > 0 for one in found]
    dead = [one.quantities["cell_dead"] == 1 for one in found]
    assert sum((s & ~d & ~one.aside).sum() for s, d, one in zip(suspects, dead, found, strict=True)) > 20
    assert sum((np.diff(d.astype(int)) == -1).sum() for d in dead) > 5
    assert max(np.nanmax(one.quantities["cell_drop"]) for one in found) > 0.15
