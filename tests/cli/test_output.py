"""How commands speak, in a terminal and in a log."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from twinpack.cli import output


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0, 0, "0"),
        (1234567.891, 1, "1\u2009234\u2009567.9"),
        (-0.5, 2, "−0.50"),
        (-0.001, 2, "0.00"),
        (-1000, 0, "−1\u2009000"),
        (math.nan, 1, "–"),
        (math.inf, 1, "–"),
        (None, 1, "–"),
    ],
)
def test_numbers(value: float | None, decimals: int, text: str) -> None:
    assert output.number(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (61.7512, 0.4234, "61.75 ± 0.42"),
        (61.7512, 12.34, "62 ± 12"),
        (61.7512, 0.0996, "61.75 ± 0.10"),
        (-0.012345, 0.00012, "−0.01235 ± 0.00012"),
        (12345.6, 321.0, "12\u2009346 ± 321"),
        (1.5, 0.0, "1.50"),
        (1.5, math.nan, "1.50"),
        (math.nan, 0.1, "– ± 0.10"),
    ],
)
def test_digits_follow_the_uncertainty(value: float, uncertainty: float, text: str) -> None:
    assert output.with_uncertainty(value, uncertainty) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.012345, 3, "0.0123"), (9.996, 3, "10.0"), (31234.5, 3, "31\u2009234"), (-2.5, 2, "−2.5"), (0, 3, "0")],
)
def test_leading_digits(value: float, digits: int, text: str) -> None:
    assert output.significant(value, digits) == text


@dataclass
class Result:
    name: str
    error_v: float
    when: dt.datetime
    path: Path
    series: object


def test_json_takes_what_results_are_made_of(capsys: pytest.CaptureFixture[str]) -> None:
    when = dt.datetime(2024, 1, 2, tzinfo=dt.UTC)
    output.json_result({"b": Result("x", math.nan, when, Path("a/b"), np.array([1.0, math.nan])), "a": np.int64(3)})
    assert json.loads(capsys.readouterr().out) == {
        "a": 3,
        "b": {"name": "x", "error_v": None, "when": "2024-01-02T00:00:00Z", "path": "a/b", "series": [1.0, None]},
    }


def test_a_table_in_a_file_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["vehicle", "note"], [["v" * 64, "n" * 64], ["[b]x[/b]", "1"]])
    lines = capsys.readouterr().out.splitlines()
    assert any("v" * 64 in line and "n" * 64 in line for line in lines)
    assert any("[b]x[/b]" in line for line in lines)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_table_in_a_terminal_keeps_to_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    output.table(["vehicle", "note"], [["v" * 64, "n" * 64]])
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert max(len(line) for line in drawn.splitlines()) <= 80
    assert drawn.count("n") == 64 + len("n") * "vehicle note".count("n")


def test_progress_in_a_log_is_a_few_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("Simulating", total=1000, unit="trips") as progress:
        for _ in range(1000):
            progress.advance(detail="v1")
    spoken = capsys.readouterr()
    assert spoken.out == ""
    assert spoken.err.splitlines() == [
        f"Simulating: {done} of 1\u2009000 trips" for done in ("200", "400", "600", "800", "1\u2009000")
    ]


def test_progress_without_a_total_tells_each_doubling(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("Importing", unit="rows") as progress:
        for _ in range(9):
            progress.advance()
    assert capsys.readouterr().err.splitlines() == [f"Importing: {done} rows" for done in (2, 4, 8)]


def test_progress_of_nothing_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("Importing", total=0) as progress:
        progress.set(0)
    assert capsys.readouterr().err == ""


def test_a_bar_is_drawn_in_a_terminal_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with output.progress("Running", total=1_200_000, unit="trips") as progress:
        progress.advance(12_000, "a vehicle with a very long name that would not fit into the line")
    drawn = terminal.getvalue()
    assert "12\u2009000 of 1\u2009200\u2009000 trips" in drawn
    assert "Running, a vehicle" in drawn
    assert drawn.count("\n") == 1
