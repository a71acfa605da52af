"""Findings in words."""

from __future__ import annotations

from typing import Any

import pytest

from twinpack.detect.words import figures, sentence, status_bits, status_words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0x00, "passed"),
        (0x50, "not tested since cleared"),
        (0x27, "pending, failing"),
        (0x26, "pending"),
        (0x21, "failing"),
        (0xAF, "confirmed, active, lamp requested"),
        (0x2F, "confirmed, active"),
        (0xEC, "confirmed, not failing now, lamp requested"),
        (0x28, "confirmed, not failing now"),
    ],
)
def test_a_status_byte_in_words(status: int, words: str) -> None:
    assert status_words(status) == words


def test_its_bits() -> None:
    assert status_bits(0x50) == ["not tested since clear", "not tested this cycle"]
    assert len(status_bits(0xFF)) == 8
    assert status_bits(0) == []


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({"text": "isolation\n is low"}, "isolation is low"),
        (
            {"deviation_mv": -33.2, "z": -9.13, "regime": "load", "days": 1.5},
            "−33.2 mV from the median cell of the pack, under load, z −9.13, for 1.5 days",
        ),
        ({"deviation_mv": 15.0, "cusum": 6.2, "days": 3}, "moved by +15 mV against its own history, for 3 days"),
        ({"deviation_k": 4.25, "regime": "use"}, "+4.25 K from the median probe of the pack, in use"),
        ({"capacity_lack_pct": 3.21, "z": 7.0}, "3.21 % less capacity than the median cell, z 7"),
        ({"growth_mv_per_month": 2.5}, "the spread of the cells at rest grows by 2.5 mV a month"),
        ({"loss_pct_per_day": 0.0576, "days": 0.0}, "loses 0.0576 % of its charge a day against the median cell"),
        ({"something": 1}, ""),
        ({}, ""),
    ],
)
def test_evidence_in_a_sentence(evidence: dict[str, Any], said: str) -> None:
    assert sentence(evidence) == said


def test_the_figures_of_evidence() -> None:
    evidence = {
        "text": "said elsewhere",
        "ohm_per_v": 87.49999,
        "masked": True,
        "unknown": None,
        "broken": float("nan"),
        "first_us": 1_700_000_000_000_000,
        "frame": {"soc_pct": 61.5},
        "cells": list(range(1, 12)),
        "table": [[0.0, 1.5]],
    }
    assert dict(figures(evidence)) == {
        "ohm per v": "87.5",
        "masked": "yes",
        "broken": "not known",
        "first": "2023-11-14 22:13:20 UTC",
        "frame: soc pct": "61.5",
        "cells": "1, 2, 3, 4, 5, 6, 7, 8, … 3 more",
        "table": "0, 1.5",
    }
