"""Explanations in words."""

from __future__ import annotations

import pytest

from tests.twin.made import version
from twinpack.twin.explain import explain
from twinpack.twin.sentences import in_words, lines
from twinpack.twin.versions import ACCEPTED, PROMOTED, REFUSED, ROLLBACK, TwinVersion

FIRST = version(1, {"capacity_scale": (0.98, 0.03), "r0_scale": (1.0, 0.05)})


def told(*versions: TwinVersion) -> list[str]:
    return lines(explain([FIRST, *versions])[-1])


def test_an_accepted_version_line_by_line() -> None:
    second = version(2, {"capacity_scale": (0.95, 0.0085), "r0_scale": (1.21, 0.02)}, ACCEPTED)
    assert told(second) == [
        "Version 2 replaced version 1 after trip 3 (2020-01-21)",
        "Capacity health 98.0 ± 6.0 → 95.0 ± 1.7 %: −3.0 pts, better knowledge (the interval narrowed)",
        "Resistance R₀ 1.00 ± 0.10 → 1.210 ± 0.040 × new: +0.210, +0.110 wear, +0.100 better knowledge",
        "Trip 3 was predicted to 0.92 V by version 1, 0.41 V by the challenger, 1.8 V by the never-updated prototype",
        "Why: the error was over the limit",
    ]


def test_in_one_paragraph() -> None:
    second = version(2, {"capacity_scale": (0.95, 0.0085), "r0_scale": (1.0, 0.05)}, ACCEPTED, errors=(None,) * 3)
    assert in_words(explain([FIRST, second])[1]) == (
        "Version 2 replaced version 1 after trip 3 (2020-01-21). Capacity health 98.0 ± 6.0 → 95.0 ± 1.7 %: −3.0 pts, "
        "better knowledge (the interval narrowed). The error was over the limit."
    )


def test_a_refused_version_says_what_is_kept_and_why() -> None:
    kept = {"capacity_scale": (0.98, 0.03), "r0_scale": (1.0, 0.05)}
    refused = version(2, kept, REFUSED, "charge swing of 11 %, 30 % needed", evidence={"proposed_mean": [0.8, 1.0]})
    text = "\n".join(told(refused))
    assert "Version 2 was refused after trip 3; version 1 stays" in text
    assert "Capacity health 80.0 % was proposed, 98.0 ± 6.0 kept" in text
    assert text.endswith("Why: charge swing of 11 %, 30 % needed")


def test_a_roll_back_says_where_to() -> None:
    second = version(2, {"capacity_scale": (0.90, 0.01), "r0_scale": (1.0, 0.05)}, ACCEPTED)
    back = version(3, {"capacity_scale": (0.98, 0.03), "r0_scale": (1.0, 0.05)}, ROLLBACK, "workshop")
    text = "\n".join(told(second, back))
    assert "Version 3 went back to version 1 from version 2" in text
    assert "90.0 ± 2.0 → 98.0 ± 6.0 %: +8.0 pts\n" in text


@pytest.mark.parametrize(
    ("capacity", "words"),
    [
        (0.80, "wear"),
        (1.10, "better knowledge (earlier versions put it too low)"),
        (0.97, "better knowledge (within the earlier interval)"),
    ],
)
def test_what_a_change_is_put_down_to(capacity: float, words: str) -> None:
    first = version(1, {"capacity_scale": (0.98, 0.01)})
    second = version(2, {"capacity_scale": (capacity, 0.01)}, ACCEPTED)
    assert words in lines(explain([first, second])[1])[1]


def test_the_points_of_the_open_circuit_voltage_share_a_line() -> None:
    points = {f"ocv_{level:02d}_v": (3.5, 0.01) for level in (10, 50, 90)}
    first = version(1, points)
    moved = points | {"ocv_10_v": (3.48, 0.01), "ocv_50_v": (3.505, 0.01)}
    told = lines(explain([first, version(2, moved, ACCEPTED)])[1])
    assert told[1] == "Open-circuit voltage: 2 of 3 points moved, most at 10 % (−0.020 V)"


def test_nothing_changed_and_a_new_model_have_their_words() -> None:
    same = version(2, {"capacity_scale": (0.98, 0.03), "r0_scale": (1.0, 0.05)}, PROMOTED, model_hash="b" * 64)
    assert told(same)[:2] == [
        "Version 2 brought a new model in place of version 1 (2020-01-21)",
        "No figure changed in the digits that are known",
    ]
    assert told()[0] == "Version 1 is the prototype, learned from the fleet (2020-01-11)"
