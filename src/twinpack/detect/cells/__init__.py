"""Anomalies of single cells, of temperature probes and of the cooling: a fold over samples that the screen cleaned.

Deviations are judged over blocks of hours, so a finding is told with the first sample after a block's end. Durations
count, not numbers of samples.
"""

from twinpack.detect.cells.ended import ended, highest
from twinpack.detect.cells.settings import CellSettings, varied
from twinpack.detect.cells.stage import Cleaned, cells, reset
from twinpack.detect.cells.state import CellsState
from twinpack.detect.cells.tracks import ALARM

__all__ = ["ALARM", "CellSettings", "CellsState", "Cleaned", "cells", "ended", "highest", "reset", "varied"]
