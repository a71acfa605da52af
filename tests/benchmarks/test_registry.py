"""The benchmarks' frame: ratios point the right way, the record is kept, every entry exists. No figure is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as registry
from benchmarks.result import Result, seconds_side_by_side


def test_a_ratio_above_one_is_better_either_way() -> None:
    assert Result(100.0, "steps/s", 20.0, higher_is_better=True).ratio == 5.0
    assert Result(20.0, "ms", 100.0, higher_is_better=False).ratio == 5.0


def test_both_sides_run_in_turns() -> None:
    calls: list[str] = []
    taken = seconds_side_by_side(lambda: calls.append("ours"), lambda: calls.append("theirs"), rounds=2)
    assert calls == ["ours", "theirs"] * 3
    assert min(taken) >= 0.0


@pytest.mark.parametrize("name", registry.BENCHMARKS)
def test_every_entry_can_run(name: str) -> None:
    assert callable(registry.benchmark(name))


def test_the_record_keeps_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "BENCHMARKS", {"kept": "k", "measured": "m"})
    record = tmp_path / "build" / "bench.json"
    registry.write({"kept": Result(1.0, "s", 2.0, False), "measured": Result(9.0, "s", 9.0, False)}, record)
    registry.write({"measured": Result(2.0, "s", 8.0, False)}, record)
    assert json.loads(record.read_text()) == {
        "kept": {"value": 1.0, "unit": "s", "baseline": 2.0, "ratio": 2.0},
        "measured": {"value": 2.0, "unit": "s", "baseline": 8.0, "ratio": 4.0},
    }


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert registry.main(["nothing"]) == 2
    assert "command_start" in capsys.readouterr().err
