"""The page about data faults names the sizes and times that hold, and rules know every quantity there is."""

from __future__ import annotations

import re
from pathlib import Path

from twinpack.detect.rules import QUANTITIES as OF_RULES
from twinpack.detect.screen import QUANTITIES
from twinpack.detect.screen.settings import DEFAULTS

PAGE = (Path(__file__).parents[2] / "docs" / "concepts" / "data-faults.md").read_text("utf-8")


def test_the_page_names_what_holds() -> None:
    told = re.sub(r"\s+", " ", PAGE)
    for words in (
        f"shows {DEFAULTS.cell_low_v} V or less, {DEFAULTS.cell_high_v} V or more",
        f"without a break | {DEFAULTS.dead_s:.0f} s",
        f"more than {1000 * DEFAULTS.frozen_v:.0f} mV from where it was and moving, or more than "
        f"{2000 * DEFAULTS.frozen_v:.0f} mV | {DEFAULTS.frozen_s:.0f} s | a gap of more than {DEFAULTS.gap_s:.0f} s",
        f"more than {DEFAULTS.jump_v} V below {DEFAULTS.low_c_rate} C, and stayed | {DEFAULTS.jump_s:.0f} s",
        f"more than {DEFAULTS.probe_frozen_k:.0f} K from where it was when the probe last changed, for "
        f"{DEFAULTS.probe_frozen_s / 60:.0f} minutes",
        f"without cells: the current by {DEFAULTS.pack_frozen_c_rate} C",
        f"goes to and fro by {1000 * DEFAULTS.current_frozen_v:.0f} mV "
        f"({1000 * DEFAULTS.current_frozen_pack_v:.0f} mV a cell",
        f"are measured over at least {DEFAULTS.rate_s:.0f} s",
        f"more than {DEFAULTS.soc_frozen_pct:.0f} % flow",
    ):
        assert words in told, words
    assert DEFAULTS.heal_s == 1800
    assert "half an hour" in told


def test_rules_may_name_every_quantity_that_is_found() -> None:
    assert set(QUANTITIES) <= set(OF_RULES)
