"""What trouble codes are measured beside says the same of the same samples."""

from __future__ import annotations

from functools import cache

import pytest

from benchmarks.by_groups import failed_by_groups
from benchmarks.by_rows import failed_by_rows
from benchmarks.rules import RULES, Batch, batch, first_failures, joined, rules_of, run
from twinpack.detect.rules import PackRules


@cache
def small() -> tuple[PackRules, list[Batch], dict[tuple[int, str], int]]:
    rules, batches = rules_of(RULES), [batch(number, 1_000) for number in range(4)]
    return rules, batches, first_failures(run(rules, batches))


def test_there_are_as_many_rules_as_is_said_and_some_of_them_fail() -> None:
    rules, _, ours = small()
    assert len(rules) == 25
    assert len({code for _, code in ours}) >= 6


def test_plain_python_says_the_same() -> None:
    rules, batches, ours = small()
    assert failed_by_rows(rules, *joined(batches)) == ours


def test_a_data_frame_says_the_same() -> None:
    pytest.importorskip("pandas", reason="installed with the benchmarks alone")
    rules, batches, ours = small()
    assert failed_by_groups(rules, *joined(batches)) == ours
