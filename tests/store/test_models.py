"""What was done about models: appended, never changed."""

from __future__ import annotations

import math

import pytest

from twinpack.store.models import COMPARE, PROMOTE, ROLLBACK
from twinpack.store.registry import Registry


def test_the_record_is_kept_in_order(registry: Registry) -> None:
    kept = registry.model_actions
    assert kept.all() == []
    first = kept.add(COMPARE, "sim", "b" * 64, "a" * 64, who="kim", evidence={"passed": True, "change": [-0.2, -0.1]})
    second = kept.add(PROMOTE, "sim", "b" * 64, "a" * 64, who="kim", reason="smaller errors", log_offset=7)
    other = kept.add(ROLLBACK, "lfp", "c" * 64, "d" * 64, who="")
    assert [one.number for one in (first, second, other)] == [1, 2, 3]
    assert kept.all() == [first, second, other]
    assert kept.all("sim") == [first, second]
    assert first.at_us <= second.at_us and (first.log_offset, second.log_offset) == (None, 7)


def test_evidence_without_numbers_is_not_kept(registry: Registry) -> None:
    with pytest.raises(ValueError, match="Out of range float"):
        registry.model_actions.add(COMPARE, "sim", "b" * 64, "a" * 64, who="", evidence={"rmse_v": math.nan})
    assert registry.model_actions.all() == []
