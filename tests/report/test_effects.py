"""What a sensitivity analysis found, as the report shows it."""

from __future__ import annotations

from typing import Any

from twinpack.report.effects import effects

STORED: dict[str, Any] = {
    "pack": "p",
    "kind": "thevenin-1rc",
    "model_hash": "ab" * 32,
    "living": {
        "names": ["a", "ocv"],
        "total": [0.2, 0.8],
        "total_conf": [0.02, 0.05],
        "first": [0.19, 0.79],
    },
    "chosen": {"names": ["ocv"], "left": 0.2},
    "residual": {"trips": 3, "none_v": 1.0, "set_v": 0.3, "all_v": 0.2, "captured": 0.9},
    "identified": [
        {"name": "a", "label": "a", "prior_sd": 2.0, "posterior_sd": 1.0, "tied_to": ""},
        *(
            {"name": f"ocv_{at}_v", "label": "ocv", "prior_sd": 1.0, "posterior_sd": 0.1 * at, "tied_to": ""}
            for at in (1, 2, 9)
        ),
    ],
}


def test_the_most_important_comes_first_and_knots_are_one() -> None:
    found = effects(STORED)
    assert [(row.name, row.lives, row.left) for row in found.rows] == [("ocv", True, 0.2), ("a", False, 0.5)]
    assert (found.trips, found.none_v, found.rows[0].total) == (3, 1.0, 0.8)
