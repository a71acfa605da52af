"""A twin's versions: what each did and why, and two of them beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

from twinpack.errors import InputError, NotFoundError
from twinpack.store.records import ModelRecord
from twinpack.twin.explain import Explanation, explain
from twinpack.twin.versions import TwinVersion
from twinpack.views.cursors import Place, place_of
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.common import PageInfo
from twinpack.views.shapes.twin import Parameter, ParameterDifference, Version, VersionDifference, VersionPage
from twinpack.views.sight import Reach
from twinpack.views.twin.facts import TwinFacts, parameters, twin_facts
from twinpack.views.twin.records import VersionRow
from twinpack.views.twin.state import model_name, models_of
from twinpack.views.twin.trips import version_rows
from twinpack.views.twin.version_words import effect

_ORDER = "versions"
Kind = Literal["prototype", "accepted", "refused", "rollback", "promoted", "replayed", "measured"]


@dataclass(frozen=True)
class _History:
    """A twin's versions with what is told of each."""

    views: Views
    facts: TwinFacts

    @cached_property
    def models(self) -> dict[str, ModelRecord]:
        return models_of(self.views)

    @cached_property
    def rows(self) -> dict[int, VersionRow]:
        return {row.number: row for row in version_rows(self.facts.versions, self.facts.trips)}

    @cached_property
    def explained(self) -> dict[int, Explanation]:
        return {each.version: each for each in explain(self.facts.versions, self.facts.capacity_ah)}

    def told(self, version: TwinVersion) -> Version:
        row, facts = self.rows[version.number], self.facts
        return Version(
            number=version.number,
            kind=cast(Kind, version.kind),
            at=moment(version.sample_time_us),
            trip=version.trip_number,
            reason=version.reason,
            effect=effect(self.explained[version.number], row.next_error_v),
            deployed=row.deployed,
            deployed_rmse_v=version.deployed_rmse_v,
            challenger_rmse_v=version.challenger_rmse_v,
            never_rmse_v=version.never_rmse_v,
            next_rmse_v=row.next_error_v,
            who=str(version.evidence.get("who", "")),
            model=model_name(self.models, version),
            code_version=version.code_version,
            hash=version.hash,
            parent_hash=version.parent_hash,
            parameters=parameters(version, facts.versions[0], facts.capacity_ah),
        )

    def version(self, number: int) -> TwinVersion:
        found = next((one for one in self.facts.seen if one.number == number), None)
        if found is None:
            raise NotFoundError(f"vehicle {self.facts.vehicle_id!r} has no version {number} that may be seen")
        return found


def version_page(views: Views, reach: Reach, cursor: str | None = None, limit: int = 50) -> VersionPage:
    """Versions, newest first.

    Raises:
        InputError: The cursor is none of this list.
        WorkspaceError: Registry or lake cannot be read.
    """
    history = _History(views, twin_facts(views, reach))
    before = _before(cursor)
    newest = [one for one in reversed(history.facts.seen) if before is None or one.number < before]
    shown = newest[:limit]
    following = Place(_ORDER, float(shown[-1].number), "").cursor() if len(newest) > limit else None
    page = PageInfo(next_cursor=following, total=len(history.facts.seen))
    return VersionPage(items=[history.told(one) for one in shown], page=page)


def version_of(views: Views, reach: Reach, number: int) -> Version:
    """One version.

    Raises:
        NotFoundError: There is none of this number that may be seen.
        WorkspaceError: Registry or lake cannot be read.
    """
    history = _History(views, twin_facts(views, reach))
    return history.told(history.version(number))


def compared(views: Views, reach: Reach, a: int, b: int) -> VersionDifference:
    """Two versions beside each other; errors as of `version_of`."""
    history = _History(views, twin_facts(views, reach))
    first, second = history.told(history.version(a)), history.told(history.version(b))
    return VersionDifference(
        vehicle_id=reach.vehicle_id, a=first, b=second, parameters=differences(first.parameters, second.parameters)
    )


def differences(first: Sequence[Parameter], second: Sequence[Parameter]) -> list[ParameterDifference]:
    """Each parameter in two versions, those that only one of them has too."""
    before, after = {one.name: one for one in first}, {one.name: one for one in second}
    return [_difference(before.get(name), after.get(name)) for name in dict.fromkeys([*after, *before])]


def _difference(before: Parameter | None, after: Parameter | None) -> ParameterDifference:
    known = after or before
    if known is None:
        raise InputError("neither version has the parameter")
    change = after.mean - before.mean if before and after else None
    spread = (before.sd**2 + after.sd**2) ** 0.5 if before and after else 0.0
    return ParameterDifference(
        name=known.name,
        label=known.label,
        unit=known.unit,
        mean_a=before.mean if before else None,
        sd_a=before.sd if before else None,
        mean_b=after.mean if after else None,
        sd_b=after.sd if after else None,
        change=change,
        change_in_sd=change / spread if change is not None and spread > 0.0 else None,
    )


def _before(cursor: str | None) -> float | None:
    value = place_of(cursor, _ORDER).value if cursor else None
    return value if isinstance(value, float) else None
