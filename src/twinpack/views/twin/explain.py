"""Why a vehicle's figures changed: each version in words, wear and better knowledge kept apart."""

from __future__ import annotations

from twinpack.twin.explain import Change, Explanation, explain, totals
from twinpack.twin.sentences import in_words
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.shapes.twin import Explained, ExplainedChange
from twinpack.views.shapes.twin import Explanation as Answer
from twinpack.views.sight import Reach
from twinpack.views.spans import holds


def explanation(views: Views, reach: Reach, last: int = 10) -> Answer:
    """Each change of a vehicle's figures, newest first, and all of them as one.

    Versions that may not be seen are not told of: the first one that may is told against what was deployed then.

    Args:
        views: The workspace.
        reach: The vehicle, and of what times it may be seen.
        last: How many versions, the newest; 0 for all.

    Raises:
        WorkspaceError: The registry cannot be read.
    """
    end = reach.span.until_us
    versions = [
        version for version in views.registry.versions(reach.vehicle_id) if end is None or version.sample_time_us < end
    ]
    told = explain(versions, views.packs.capacity_ah(views.pack_of(reach.vehicle_id)))
    seen = [one for one in told if holds(reach.span, one.sample_time_us)]
    return Answer(
        vehicle_id=reach.vehicle_id,
        total=[_change(change) for change in totals(seen)],
        versions=[_explained(one) for one in seen[::-1][: last or None]],
    )


def _explained(one: Explanation) -> Explained:
    return Explained(
        version=one.version,
        kind=one.kind,
        at=moment(one.sample_time_us),
        text=in_words(one),
        changes=[_change(change) for change in one.changes],
    )


def _change(change: Change) -> ExplainedChange:
    return ExplainedChange(
        name=change.name,
        label=change.label,
        unit=change.unit,
        before=change.before,
        after=change.after,
        change=change.change,
        wear=change.wear,
        knowledge=change.knowledge,
    )
