"""`twinpack explain`: why the figures of a vehicle changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twinpack.cli.main import main


def test_every_version_in_words_newest_first(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "car-0001", "--home", str(fleet_home)]) == 0
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 80
    flat = " ".join(text.split())
    assert flat.startswith(
        "car-0001: 6 versions, 3 accepted, 1 refused, 1 roll-back "
        "since version 1, capacity health 98.0 ± 6.0 → 87.0 ± 1.7 %: −11.0 pts, −5.0 wear, −6.0 better knowledge"
    )
    for part in (
        "Version 6 replaced version 5 after trip 15 (2020-03-01) "
        "Capacity health 92.0 ± 2.4 → 87.0 ± 1.7 %: −5.0 pts, wear",
        "Version 5 went back to version 2 from version 4",
        "Version 3 was refused after trip 6; version 2 stays (2020-01-31) Capacity health 62.0 % was proposed, "
        "92.0 ± 2.4 kept",
        "Trip 6 was predicted to 0.92 V by version 2, 0.41 V by the challenger, 1.8 V by the never-updated prototype",
        "Why: the charge swing of 11 % is too little to tell capacity, which needs 30 %",
        "Version 1 is the prototype",
    ):
        assert part in flat
    positions = [text.index(f"Version {number} ") for number in (6, 5, 4, 3, 2, 1)]
    assert positions == sorted(positions)


def test_as_json_and_only_the_last(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "car-0001", "--last", "1", "--json", "--home", str(fleet_home)]) == 0
    told = json.loads(capsys.readouterr().out)
    (version,) = told["versions"]
    capacity = version["changes"][0]
    assert (version["version"], version["replaced"], capacity["name"]) == (6, 5, "capacity_scale")
    assert (capacity["change"], capacity["wear"], capacity["knowledge"]) == pytest.approx((-5.0, -5.0, 0.0))
    whole = told["total"][0]
    assert (whole["before"], whole["after"]) == pytest.approx((98.0, 87.0))


def test_a_longer_history_says_what_is_left_out(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "car-0001", "--last", "2", "--home", str(fleet_home)]) == 0
    assert capsys.readouterr().out.endswith("4 earlier versions not told; --last 0 tells all\n")


def test_without_a_version_it_says_so(fleet_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "car-0003", "--home", str(fleet_home)]) == 0
    assert "no version yet" in capsys.readouterr().out
