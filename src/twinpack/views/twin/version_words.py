"""What a version did, in a line."""

from __future__ import annotations

from collections.abc import Iterator

from twinpack.twin.explain import Change, Explanation
from twinpack.twin.figures import CAPACITY, RANGE, RESISTANCE, is_ocv
from twinpack.twin.sentences import change_in_words, difference, is_told, proposal_in_words
from twinpack.twin.versions import MEASURED, PROMOTED, PROTOTYPE, REFUSED, ROLLBACK
from twinpack.twin.words import significant

_HEADLINE = (*CAPACITY, *RESISTANCE, *RANGE)


def effect(explanation: Explanation, next_error_v: float | None) -> str:
    """What a version did: errors before and after, and what changed.

    Args:
        explanation: The version, explained.
        next_error_v: Error of the next scored trip, None while there is none.
    """
    parts = [part for part in _parts(explanation, next_error_v) if part]
    return " ".join(f"{part[:1].upper()}{part[1:]}." for part in parts)


def _parts(explanation: Explanation, next_error_v: float | None) -> Iterator[str]:
    if explanation.kind == PROTOTYPE:
        yield "learned from the fleet"
    elif explanation.kind == REFUSED:
        yield "; ".join(proposal_in_words(each) for each in explanation.proposed if each.kept.name in _HEADLINE)
    elif explanation.kind == ROLLBACK:
        yield f"back to version {explanation.back_to}" if explanation.back_to else "back to an earlier version"
    elif explanation.kind == PROMOTED:
        yield "a new model"
    elif explanation.kind == MEASURED:
        yield "a workshop's test"
    yield _errors(explanation, next_error_v)
    yield _changes(explanation)


def _errors(explanation: Explanation, next_error_v: float | None) -> str:
    if explanation.deployed_rmse_v is None or next_error_v is None:
        return ""
    return f"error {significant(explanation.deployed_rmse_v, 3)} → {significant(next_error_v, 3)} V"


def _changes(explanation: Explanation) -> str:
    changes = [change for change in explanation.changes if is_told(change) and _shows(change)]
    if len(changes) == 1:
        return change_in_words(changes[0])
    told = [f"{change.label} {difference(change)}" for change in changes]
    return ", ".join(text if place == 0 else f"{text[:1].lower()}{text[1:]}" for place, text in enumerate(told))


def _shows(change: Change) -> bool:
    """Whether a change is more than nothing in the digits that are shown; a curve's points would be too many."""
    return not is_ocv(change.name) and any(digit in "123456789" for digit in difference(change))
