"""Explanations of versions in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from twinpack.twin.explain import Change, Explanation, Proposal, wear_direction
from twinpack.twin.figures import CAPACITY, RANGE, RESISTANCE, in_sentence, is_ocv
from twinpack.twin.versions import ACCEPTED, MEASURED, PROMOTED, REFUSED, REPLAYED, ROLLBACK
from twinpack.twin.words import counted, decimals_for, number, signed, significant, with_uncertainty

_HEADLINE = (*CAPACITY, *RESISTANCE, *RANGE)


def in_words(explanation: Explanation) -> str:
    """A version in one paragraph: what it did to capacity and resistance, and why."""
    changes = [change for change in explanation.changes if change.name in _HEADLINE]
    told = [change_in_words(change) for change in changes if is_told(change)]
    if explanation.changes and not told:
        told = [_unmoved(changes)]
    told += [proposal_in_words(proposal) for proposal in explanation.proposed if proposal.kept.name in _HEADLINE]
    sentences = [heading(explanation), *told, errors_in_words(explanation), explanation.reason]
    return " ".join(f"{_capital(text).rstrip('.')}." for text in sentences if text)


def _unmoved(changes: Sequence[Change]) -> str:
    if any(change.name in RANGE for change in changes):
        return "the range scale stays as it was"
    return "capacity and resistance stay as they were"


def heading(explanation: Explanation) -> str:
    """Which version, what became of it, after which trip and when."""
    day = datetime.fromtimestamp(explanation.sample_time_us / 1e6, UTC).date()
    after = f" after trip {explanation.trip_number}" if explanation.trip_number else ""
    return f"Version {explanation.version} {_outcome(explanation, after)} ({day})"


def _outcome(explanation: Explanation, after: str) -> str:
    replaced = f"version {explanation.replaced}" if explanation.replaced else "nothing"
    if explanation.kind == ACCEPTED:
        return f"replaced {replaced}{after}"
    if explanation.kind == REFUSED:
        return f"was refused{after}; {replaced} stays"
    if explanation.kind == ROLLBACK:
        return f"went back to version {explanation.back_to or 'an earlier one'} from {replaced}"
    if explanation.kind == PROMOTED:
        return f"brought a new model in place of {replaced}"
    if explanation.kind == REPLAYED:
        return f"is what a replay of late samples came to, in place of {replaced}"
    if explanation.kind == MEASURED:
        return f"took in a workshop's test, in place of {replaced}"
    return "is the prototype, learned from the fleet"


def change_in_words(change: Change) -> str:
    """A figure before and after, the difference, and what it is put down to."""
    unit = f" {change.unit}" if change.unit else ""
    before = with_uncertainty(change.before, 2.0 * change.before_sd)
    after = with_uncertainty(change.after, 2.0 * change.after_sd)
    return f"{in_sentence(change.label)} {before} → {after}{unit}: {difference(change)}{_because(change)}"


def difference(change: Change) -> str:
    """The size of a change, in its unit."""
    unit = {"%": " pts", "× new": ""}.get(change.unit, f" {change.unit}" if change.unit else "")
    return f"{signed(change.change, decimals_for(2.0 * change.after_sd))}{unit}"


def is_told(change: Change) -> bool:
    """Whether a change shows in the digits that are known."""
    before = with_uncertainty(change.before, 2.0 * change.before_sd)
    return before != with_uncertainty(change.after, 2.0 * change.after_sd)


def cause(change: Change) -> str:
    """What a change is put down to, "" when it was a decision (roll-back, new model)."""
    decimals = decimals_for(2.0 * change.after_sd)
    worn, known = signed(change.wear, decimals), signed(change.knowledge, decimals)
    nothing = number(0.0, decimals)
    wear = "wear" if wear_direction(change.name) else "drift"
    if worn != nothing and known != nothing:
        return f"{worn} {wear}, {known} better knowledge"
    if worn != nothing:
        return wear
    return "better knowledge" if change.knowledge else ""


def _because(change: Change) -> str:
    text = cause(change)
    if not text:
        return ""
    if change.beyond and not change.wear:
        return f", {text} (earlier versions put it too {'low' if change.beyond > 0 else 'high'})"
    if text == "better knowledge":
        return f", {text} ({'the interval narrowed' if change.narrowed else 'within the earlier interval'})"
    return f", {text}"


def proposal_in_words(proposal: Proposal) -> str:
    """What was refused, and what was kept."""
    kept, unit = proposal.kept, f" {proposal.kept.unit}" if proposal.kept.unit else ""
    value = number(proposal.value, decimals_for(2.0 * kept.sd))
    return f"{in_sentence(kept.label)} {value}{unit} was proposed, {with_uncertainty(kept.mean, 2.0 * kept.sd)} kept"


def errors_in_words(explanation: Explanation) -> str:
    """How well the trip was predicted, by whom; "" when it was not measured."""
    deployed = f"version {explanation.replaced}" if explanation.replaced else "the deployed version"
    by = [
        (explanation.deployed_rmse_v, deployed),
        (explanation.challenger_rmse_v, "the challenger"),
        (explanation.never_rmse_v, "the never-updated prototype"),
    ]
    known = [f"{volts(error)} by {who}" for error, who in by if error is not None]
    return f"trip {explanation.trip_number} was predicted to {', '.join(known)}" if known else ""


def volts(error: float | None) -> str:
    """An error for people."""
    return "not known yet" if error is None else f"{significant(error, 2)} V"


def lines(explanation: Explanation) -> list[str]:
    """A version line by line, every figure told; the first line is its heading."""
    changes = [change for change in explanation.changes if is_told(change)]
    ocv = [change for change in changes if is_ocv(change.name)]
    single = changes if len(ocv) < 2 else [change for change in changes if not is_ocv(change.name)]
    told = [change_in_words(change) for change in single]
    if len(ocv) > 1:
        told.append(_curve(ocv, sum(is_ocv(change.name) for change in explanation.changes)))
    if explanation.changes and not told:
        told = ["no figure changed in the digits that are known"]
    told += [proposal_in_words(each) for each in explanation.proposed if each.kept.name in _HEADLINE]
    body = [*told, errors_in_words(explanation), f"why: {explanation.reason}" if explanation.reason else ""]
    return [heading(explanation), *(_capital(text) for text in body if text)]


def _curve(moved: Sequence[Change], points: int) -> str:
    most = max(moved, key=lambda change: abs(change.change))
    place = most.label.rpartition(" at ")[2]
    return (
        f"open-circuit voltage: {len(moved)} of {counted(points, 'point')} moved, most at {place} ({difference(most)})"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
