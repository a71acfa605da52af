"""Series on a panel of the picture of an alarm."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from twinpack.report.fault_lines import draw
from twinpack.views.alarms.recipes import Line, Panel
from twinpack.views.alarms.series import Window
from twinpack.views.alarms.subject import Stretch

MINUTE_US = 60_000_000


def test_a_single_failing_frame_is_seen() -> None:
    time_us = np.arange(10, dtype=np.int64) * 30 * MINUTE_US
    values = np.where(np.arange(10) == 4, 96.0, 0.0)
    axis = Figure().subplots()
    panel = Panel("Cells", (Line("sentinel_cells", time_us, values),), kind="count")
    draw(axis, panel, Window(0, int(time_us[-1])), [Stretch(int(time_us[4]), int(time_us[4]) + MINUTE_US, over=True)])
    dots = [line for line in axis.lines if line.get_marker() == "."]
    assert [np.asarray(line.get_ydata()).tolist() for line in dots] == [[96.0]]
