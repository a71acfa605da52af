"""Alarms of GB/T 32960 from trouble codes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.detect.codes.made import pack_rules, rule, run, steady
from twinpack.detect.gbt import ALARMS, gbt_alarms

TABLE = Path(__file__).parents[3] / "shared" / "standards" / "gbt32960_alarms.csv"


def test_bits_and_level_of_codes_that_fail_now() -> None:
    rules = pack_rules(
        rule("A1", "cell_v_max > 4", 3, 3, gbt=5),
        rule("B2", "temp_max_c > 50", 3, 2, gbt=1),
        rule("C3", "cell_v_max > 4", 3, 1, gbt=10, n_confirm=2),  # pending alone
        rule("D4", "cell_v_max > 4", 3, 2),  # no bit
    )
    rows = steady(10, 1, cell_v_max=4.2, temp_max_c=60.0) + steady(10, 1, vehicle=1, cell_v_max=3.9, temp_max_c=60.0)
    state, _ = run(rules, rows, 2)
    level, flags = gbt_alarms(state, rules)
    assert level.tolist() == [3, 2]
    assert flags.tolist() == [0b100010, 0b10]
    state, _ = run(rules, steady(10, 1, start=10, cell_v_max=3.9, temp_max_c=60.0), state=state)
    level, flags = gbt_alarms(state, rules)
    assert (level.tolist(), flags.tolist()) == ([2, 2], [0b10, 0b10])


def test_there_is_a_name_for_every_bit_of_the_standard() -> None:
    if not TABLE.is_file():
        pytest.skip("no ../shared/standards/gbt32960_alarms.csv")
    with TABLE.open(encoding="utf-8") as file:
        bits = [int(row["bit"]) for row in csv.DictReader(file)]
    assert bits == list(range(len(ALARMS)))
