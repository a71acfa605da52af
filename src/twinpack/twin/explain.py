"""Why a figure changed: each version against those before it, split into wear and better knowledge.

A version's interval (±2σ) says where the true value may lie. If nothing had worn, it would have to lie in the
intervals of all versions at once. What a new version moves within that common interval is better knowledge; what it
moves beyond is wear, and the common interval moves on by as much, so that slow wear which no single version shows is
still found over several. A battery does not heal: a capacity that rises, or a resistance that falls, beyond the
common interval means that earlier versions were wrong, which is better knowledge too; and when it falls again, the rise
is undone first, before anything counts as wear. A roll-back is neither: what
followed the version it goes back to no longer counts. Nor is a new model, which begins anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from twinpack.twin.figures import CAPACITY, RANGE, Figure, figures
from twinpack.twin.versions import ACCEPTED, MEASURED, REFUSED, ROLLBACK, TwinVersion

_Interval = tuple[float, float, float]
"""Lowest and highest value that no version contradicts, and what was healed beyond it and is not undone yet."""


@dataclass(frozen=True)
class Change:
    """One figure before and after a version, in the unit it is shown in.

    Attributes:
        name: Its parameter.
        label: Name for people.
        unit: Unit for people.
        before: Mean of the version deployed before.
        before_sd: Its standard deviation.
        after: Mean of this version.
        after_sd: Its standard deviation.
        wear: Part of the change that earlier intervals do not allow, in the direction of wear; for a parameter
            without such a direction, in either.
        knowledge: Part that comes from knowing better.
        beyond: Part that earlier intervals do not allow, whatever its direction.
    """

    name: str
    label: str
    unit: str
    before: float
    before_sd: float
    after: float
    after_sd: float
    wear: float
    knowledge: float
    beyond: float = 0.0

    @property
    def change(self) -> float:
        """After less before; what is neither wear nor knowledge was a roll-back or a new model."""
        return self.after - self.before

    @property
    def narrowed(self) -> bool:
        """Whether the interval became narrower by more than a hair."""
        return self.after_sd < 0.98 * self.before_sd


@dataclass(frozen=True)
class Proposal:
    """What a refused update would have made of a figure: the value proposed, and the figure that was kept."""

    value: float
    kept: Figure


@dataclass(frozen=True)
class Explanation:
    """One version: what it changed, and on what grounds.

    Attributes:
        vehicle_id: The vehicle.
        version: Its number.
        kind: prototype, accepted, refused, rollback, promoted, replayed or measured.
        trip_number: The trip that led to it, 0 for none.
        sample_time_us: Sample time of the decision, microseconds since the epoch.
        reason: Why, as the version says.
        replaced: Number of the version deployed before, None for the first.
        back_to: For a roll-back, the earlier version with the same parameters.
        deployed_rmse_v: Error on that trip of the version deployed then, volts.
        challenger_rmse_v: Error of the shadow as it stood before the trip.
        never_rmse_v: Error of the prototype.
        changes: Every figure that both versions have, in the order of the model; none when refused.
        proposed: What was refused, where the version tells.
    """

    vehicle_id: str
    version: int
    kind: str
    trip_number: int
    sample_time_us: int
    reason: str
    replaced: int | None
    back_to: int | None
    deployed_rmse_v: float | None
    challenger_rmse_v: float | None
    never_rmse_v: float | None
    changes: tuple[Change, ...] = ()
    proposed: tuple[Proposal, ...] = ()


def explain(versions: Sequence[TwinVersion], capacity_ah_new: float | None = None) -> list[Explanation]:
    """Each version of one vehicle explained from those before it, oldest first.

    Args:
        versions: The whole chain, oldest first.
        capacity_ah_new: Capacity of the new pack, for models that tell capacity in Ah.
    """
    told: list[Explanation] = []
    common_after: dict[int, dict[str, _Interval]] = {}
    before: TwinVersion | None = None
    for version in versions:
        if version.kind == REFUSED:
            told.append(_explanation(version, before, proposed=_proposals(version, capacity_ah_new)))
            continue
        common = dict(common_after[before.number]) if before and _continues(version, before) else {}
        back_to = _same_before(version, versions) if version.kind == ROLLBACK else None
        changes = _changes(version, before, common, capacity_ah_new)
        told.append(_explanation(version, before, changes=changes, back_to=back_to))
        if back_to is not None:
            common_after[version.number] = common_after[back_to]
        else:
            common_after[version.number] = _narrowed(common, changes, figures(version, capacity_ah_new))
        before = version
    return told


def total(explanations: Sequence[Explanation], name: str) -> Change | None:
    """All changes of one figure as one, from the first version that has it to the last; None without a change.

    What a roll-back undid is left out.
    """
    kept: list[Explanation] = []
    for each in explanations:
        if each.back_to is None:
            kept.append(each)
        else:
            kept = [earlier for earlier in kept if earlier.version <= each.back_to]
    parts = [change for each in kept for change in each.changes if change.name == name]
    if not parts:
        return None
    first, last = parts[0], parts[-1]
    return Change(
        name=name,
        label=last.label,
        unit=last.unit,
        before=first.before,
        before_sd=first.before_sd,
        after=last.after,
        after_sd=last.after_sd,
        wear=sum(part.wear for part in parts),
        knowledge=sum(part.knowledge for part in parts),
        beyond=sum(part.beyond for part in parts),
    )


def totals(told: Sequence[Explanation]) -> list[Change]:
    """The whole change of each figure that the deployed version has."""
    deployed = next((each for each in reversed(told) if each.changes), None)
    names = [change.name for change in deployed.changes] if deployed else []
    return [change for name in names if (change := total(told, name)) is not None]


def wear_direction(name: str) -> int:
    """-1 for what wear lowers, +1 for what it raises, 0 for what has no such direction."""
    if name in CAPACITY or name in RANGE:
        return -1
    return 1 if name.startswith("r") and name.endswith(("_scale", "_ohm", "_mohm")) else 0


def _explanation(
    version: TwinVersion,
    before: TwinVersion | None,
    changes: tuple[Change, ...] = (),
    proposed: tuple[Proposal, ...] = (),
    back_to: int | None = None,
) -> Explanation:
    return Explanation(
        vehicle_id=version.vehicle_id,
        version=version.number,
        kind=version.kind,
        trip_number=version.trip_number,
        sample_time_us=version.sample_time_us,
        reason=version.reason,
        replaced=before.number if before else None,
        back_to=back_to,
        deployed_rmse_v=version.deployed_rmse_v,
        challenger_rmse_v=version.challenger_rmse_v,
        never_rmse_v=version.never_rmse_v,
        changes=changes,
        proposed=proposed,
    )


def _continues(version: TwinVersion, before: TwinVersion | None) -> bool:
    """Whether a version learned on from the one before it; a test that contradicted it shows that it was wrong."""
    if before is None or version.model_hash != before.model_hash or "widened" in version.evidence:
        return False
    return version.kind in (ACCEPTED, MEASURED)


def _changes(
    version: TwinVersion, before: TwinVersion | None, common: Mapping[str, _Interval], capacity_ah_new: float | None
) -> tuple[Change, ...]:
    if before is None:
        return ()
    earlier = {figure.name: figure for figure in figures(before, capacity_ah_new)}
    pairs = [(earlier[now.name], now) for now in figures(version, capacity_ah_new) if now.name in earlier]
    return tuple(_change(then, now, common.get(now.name)) for then, now in pairs)


def _change(then: Figure, now: Figure, common: _Interval | None) -> Change:
    moved = now.mean - then.mean
    wear = beyond = knowledge = 0.0
    if common is not None:
        beyond = now.mean - min(max(now.mean, common[0]), common[1])
        wear = _worn(wear_direction(now.name), beyond, common[2])
        knowledge = moved - wear
    return Change(now.name, now.label, now.unit, then.mean, then.sd, now.mean, now.sd, wear, knowledge, beyond)


def _worn(direction: int, beyond: float, healed: float) -> float:
    """What of a move beyond the common interval is wear: nothing of one that heals, or that undoes one that did."""
    if direction == 0:
        return beyond
    return direction * max(direction * (beyond + healed), 0.0) if direction * beyond > 0.0 else 0.0


def _narrowed(
    common: Mapping[str, _Interval], changes: Sequence[Change], now: Sequence[Figure]
) -> dict[str, _Interval]:
    """The common intervals, moved on by what was beyond them and cut with the new version's own."""
    moves = {change.name: change for change in changes}
    narrowed: dict[str, _Interval] = {}
    for figure in now:
        low, high, healed = figure.mean - 2.0 * figure.sd, figure.mean + 2.0 * figure.sd, 0.0
        if figure.name in common:
            moved, wear = (moves[figure.name].beyond, moves[figure.name].wear) if figure.name in moves else (0.0, 0.0)
            low, high = max(low, common[figure.name][0] + moved), min(high, common[figure.name][1] + moved)
            healed = common[figure.name][2] + moved - wear
        # Rounding must not leave the mean outside.
        narrowed[figure.name] = (min(low, figure.mean), max(high, figure.mean), healed)
    return narrowed


def _same_before(version: TwinVersion, versions: Sequence[TwinVersion]) -> int | None:
    """The version that a roll-back deployed again: the one it names, or the last before it with the same parameters."""
    told = version.evidence.get("to")
    if isinstance(told, int) and "rate_of" in version.evidence:
        return told  # its parameters have gone on along their rates since
    same = [
        other.number
        for other in versions
        if other.number < version.number
        and other.kind != REFUSED
        and (other.model_hash, other.mean, other.covariance) == (version.model_hash, version.mean, version.covariance)
    ]
    return same[-1] if same else None


def _proposals(version: TwinVersion, capacity_ah_new: float | None) -> tuple[Proposal, ...]:
    proposed = version.evidence.get("proposed_mean")
    if not isinstance(proposed, Sequence) or len(proposed) != len(version.parameters):
        return ()
    known = [float(value) if isinstance(value, (int, float)) else math.nan for value in proposed]
    asked = figures(replace(version, mean=tuple(known)), capacity_ah_new)
    kept = figures(version, capacity_ah_new)
    return tuple(
        Proposal(value.mean, figure) for value, figure in zip(asked, kept, strict=True) if math.isfinite(value.mean)
    )
