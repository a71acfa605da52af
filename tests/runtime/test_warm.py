from __future__ import annotations

from tests.twin.garage import LOOP, PACK, PROTOTYPE
from twinpack.battery.pack import pack_text, shipped_packs
from twinpack.detect.rules import shipped_rules
from twinpack.fleet.state import FoldSettings, ShardState
from twinpack.runtime.warm import warm


def test_warming_up_makes_nothing_and_takes_every_pack() -> None:
    state = ShardState.empty(FoldSettings(loop=LOOP), {PACK: PROTOTYPE}, rules=shipped_rules()).registered(
        [("a", PACK)]
    )
    before = state.to_bytes()
    warm(state, [*shipped_packs(), pack_text(PACK)])
    assert state.to_bytes() == before


def test_a_fold_without_rules_or_vehicles_is_warmed_too() -> None:
    state = ShardState.empty(FoldSettings(), {})
    before = state.to_bytes()
    for packs in ([PACK], []):
        warm(state, packs)
        assert state.to_bytes() == before
