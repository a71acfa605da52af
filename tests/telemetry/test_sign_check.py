from __future__ import annotations

import numpy as np
import pytest

from twinpack.telemetry.sign_check import SignCheck


def _check(soc_per_row: float, current_a: float, rows: int = 100, step_s: float = 1.0, vehicles: int = 1) -> bool:
    check = SignCheck()
    index = np.arange(rows)
    time = (index // vehicles * step_s * 1e6).astype(np.int64)
    soc = np.asarray(50.0 + soc_per_row * (index // vehicles), np.float64)
    check.add(index % vehicles, time, np.full(rows, current_a), soc)
    return check.wrong()


@pytest.mark.parametrize(
    ("soc_per_row", "current_a", "wrong"),
    [(-0.1, 20.0, True), (0.1, -20.0, True), (0.1, 20.0, False), (-0.1, -20.0, False)],
)
def test_charge_and_current_must_go_the_same_way(soc_per_row: float, current_a: float, wrong: bool) -> None:
    assert _check(soc_per_row, current_a) is wrong
    assert _check(soc_per_row, current_a, rows=200, vehicles=2) is wrong


def test_a_small_swing_says_nothing() -> None:
    assert not _check(-0.005, 20.0)


def test_charge_that_changed_in_a_gap_says_nothing() -> None:
    assert not _check(-5.0, 20.0, step_s=3600.0)


def test_missing_values_and_no_rows_say_nothing() -> None:
    check = SignCheck()
    empty = np.empty(0)
    check.add(empty.astype(np.int64), empty.astype(np.int64), empty, empty)
    check.add(np.zeros(3, np.int64), np.arange(3), np.full(3, np.nan), np.arange(3.0))
    assert not check.wrong()


@pytest.mark.parametrize(("sign", "wrong"), [(1.0, False), (-1.0, True)])
def test_days_of_drives_and_charges_that_nearly_cancel(sign: float, wrong: bool) -> None:
    seconds = np.arange(0, 10 * 3600, 60)
    charging = seconds // 3600 % 2 == 1
    current = sign * np.where(charging, 21.0, -20.0)  # some of what is charged is lost, so the sums disagree
    soc = 80.0 + np.cumsum(np.where(charging, 9.0, -10.0) / 60)
    check = SignCheck()
    check.add(np.zeros(len(seconds), np.int64), seconds * 1_000_000, current, soc)
    assert check.wrong() is wrong
