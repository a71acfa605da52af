"""What people do to trouble codes: clear them (service 0x14 of ISO 14229), or change the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.detect.codes.state import CodesState
from twinpack.detect.codes.words import finding_of
from twinpack.detect.findings import GONE, Finding, Moment
from twinpack.detect.rules import PackRule, PackRules
from twinpack.detect.status_byte import CLEARED, CONFIRMED, PENDING
from twinpack.telemetry.arrivals import NEVER

CLEARED_WORD = "cleared"
RULES_WORD = "rule changed"


def cleared(
    state: CodesState,
    lanes: npt.NDArray[Any],
    rules: PackRules,
    which: Sequence[str] | None,
    time_us: int,
    offset: int,
    told: Mapping[str, Any] | None = None,
) -> tuple[CodesState, list[Finding]]:
    """Clear the codes of some vehicles: status 0x50, counters at nothing.

    Args:
        state: State of V vehicles by R rules; left as it is.
        lanes: The vehicles.
        rules: The R rules.
        which: The codes; None for all. One that is not among the rules is passed over.
        time_us: When it was done.
        offset: Log offset of the command.
        told: What to keep in the evidence: who did it, and why.

    Returns:
        State after it, and a `gone` for each code that was pending or confirmed.
    """
    wanted = rules.index if which is None else which
    places = sorted({rules.index[code] for code in wanted if code in rules.index})
    findings = [
        _gone(state, int(lane), place, rules.rules[place], time_us, offset, {"because": CLEARED_WORD, **(told or {})})
        for lane in lanes
        for place in places
        if state.status[lane, place] & (PENDING | CONFIRMED)
    ]
    after = state.copied()
    for name, fill in _of_rules():
        getattr(after, name)[np.ix_(lanes, np.array(places, np.intp))] = fill
    return after, findings


def moved(state: CodesState, before: PackRules, after: PackRules) -> CodesState:
    """The state of vehicles under a changed rule set: codes whose definition stayed keep their counters.

    Args:
        state: State by the rules `before`; left as it is.
        before: The rules until now.
        after: The rules from now on.
    """
    result = CodesState.empty(state.lanes, rules=len(after))
    kept = _kept(before, after)
    old, new = [old for old, _ in kept], [new for _, new in kept]
    by_rule = {name for name, _ in _of_rules()}
    for name, values in state.arrays().items():
        if name in by_rule:
            getattr(result, name)[:, new] = values[:, old]
        else:
            getattr(result, name)[:] = values
    return result


def ended_by_rules(state: CodesState, before: PackRules, after: PackRules, time_us: int, offset: int) -> list[Finding]:
    """A `gone` for each pending or confirmed code that a changed rule set drops or defines anew.

    Args:
        state: State by the rules `before`.
        before: The rules until now.
        after: The rules from now on.
        time_us: When the rules changed.
        offset: Log offset of the command.
    """
    kept = {old for old, _ in _kept(before, after)}
    lost = [place for place in range(len(before)) if place not in kept]
    return [
        _gone(state, lane, place, before.rules[place], time_us, offset, {"because": RULES_WORD})
        for lane in range(state.lanes)
        for place in lost
        if state.status[lane, place] & (PENDING | CONFIRMED)
    ]


def awaited(state: CodesState) -> npt.NDArray[np.bool_]:
    """Vehicles that were in use at their newest sample: a tick may find that they fell silent, shape (V,)."""
    waiting: npt.NDArray[np.bool_] = state.in_use & (state.last_us != NEVER)
    return waiting


def _kept(before: PackRules, after: PackRules) -> list[tuple[int, int]]:
    """Old and new place of each code whose definition stayed."""
    places = [(before.index[code], place) for code, place in after.index.items() if code in before.index]
    return [(old, new) for old, new in places if before.rules[old].definition == after.rules[new].definition]


def _of_rules() -> Iterable[tuple[str, Any]]:
    """The arrays of shape (V, R), and what each holds of a code that was cleared."""
    return [(part.name, part.metadata["fill"]) for part in fields(CodesState) if part.metadata["rows"] == ("rules",)]


def _gone(
    state: CodesState, lane: int, place: int, rule: PackRule, time_us: int, offset: int, told: Mapping[str, Any]
) -> Finding:
    since_us, occurrence = int(state.since_us[lane, place]), int(state.occurrence[lane, place])
    evidence = {"text": f"{rule.rule.name} ({told['because']})", **told}
    return finding_of(rule, Moment(lane, time_us, offset), GONE, since_us, CLEARED, occurrence, evidence)
