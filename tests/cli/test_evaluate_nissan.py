"""The blocks of a pulse test begin at the rest before a pulse, with the charge that was counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twinpack.cli.evaluations.nissan_leaf_cell import PULSE, pulse_blocks

CHARGE, REST, DISCHARGE, LONG_REST = 4, 5, 9, 10
BLOCK = ((PULSE, 30, -30.0), (7, 40, 0.0), (8, 10, 22.5), (DISCHARGE, 1080, -10.0), (LONG_REST, 3600, 0.0))


def test_blocks_of_a_pulse_test(tmp_path: Path) -> None:
    programme = [(CHARGE, 600, 10.0), (REST, 3600, 0.0), *BLOCK, *BLOCK, *BLOCK]
    step = np.concatenate([np.full(seconds // 10, number) for number, seconds, _ in programme])
    current = np.concatenate([np.full(seconds // 10, amps) for _, seconds, amps in programme])
    columns = {"time_s": 10.0 * np.arange(len(step)), "voltage_V": np.full(len(step), 3.7), "current_A": current}
    pq.write_table(pa.table(columns | {"ambient_C": np.full(len(step), 25), "step": step}), tmp_path / "test.parquet")
    blocks = pulse_blocks(tmp_path / "test.parquet")
    assert [round(one.soc, 2) for one in blocks] == [1.0, 0.67, 0.33]
    for one in blocks:
        assert one.time_s[0] == 0.0 and one.current_a[0] == 0.0 and one.current_a[1] == -30.0
        assert one.time_s[-1] == pytest.approx(4760.0, abs=10.0)
