"""Going back to an earlier version: what it would do, and the order for it, which is a row of the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twinpack.errors import InputError, NotFoundError
from twinpack.fleet.commands import rollback_command
from twinpack.ingest.log import open_log
from twinpack.runtime.orders import append_command
from twinpack.store.locks import Claim
from twinpack.twin.versions import REFUSED, TwinVersion
from twinpack.views.opened import Views
from twinpack.views.shapes.twin import Ordered, RollbackPreview, RollbackRequest
from twinpack.views.sight import Reach
from twinpack.views.twin.facts import TwinFacts, twin_facts

_NO_REASON = "asked for without a reason"


def rollback_preview(views: Views, reach: Reach, to_version: int) -> RollbackPreview:
    """What a roll-back would do.

    Raises:
        NotFoundError: There is no such version that may be seen.
        WorkspaceError: Registry or lake cannot be read.
    """
    facts = twin_facts(views, reach)
    target = _target(facts, to_version)
    deployed = facts.deployed
    why_not = _why_not(target, deployed)
    now = _last_score(facts.scores, deployed.number if deployed else None)
    return RollbackPreview(
        vehicle_id=reach.vehicle_id,
        to_version=to_version,
        new_version=facts.versions[-1].number + 1,
        last_trip=now.get("trip_number"),
        rmse_now_v=now.get("deployed_rmse_v"),
        rmse_then_v=_last_score(facts.scores, to_version).get("deployed_rmse_v"),
        allowed=not why_not,
        why_not=why_not,
    )


def roll_back(views: Views, reach: Reach, asked: RollbackRequest) -> Ordered:
    """Order a roll-back: a row of the log, which the fold makes a new version of; nothing is erased.

    Raises:
        NotFoundError: There is no such version that may be seen.
        InputError: It cannot be deployed again; says why.
        WorkspaceError: Log or registry cannot be read or written.
    """
    facts = twin_facts(views, reach)
    target = _target(facts, asked.to_version)
    if why_not := _why_not(target, facts.deployed):
        raise InputError(f"to_version: {why_not}")
    body = rollback_command(target, asked.reason.strip() or _NO_REASON, reach.who)
    offset = append_command(open_log(views.workspace), reach.vehicle_id, body, "rollback")
    done = views.registry.offset() > offset
    return Ordered(offset=offset, done=done, note="" if done else when_folded(views))


def when_folded(views: Views) -> str:
    """When a row of the log takes effect, in words."""
    if Claim(views.workspace.home / "runtime.lock", "run").is_free():
        return "It takes effect when the log is folded next, by `twinpack run` or `twinpack serve`."
    return "It takes effect within seconds."


def _target(facts: TwinFacts, number: int) -> TwinVersion:
    found = next((version for version in facts.seen if version.number == number), None)
    if found is None:
        raise NotFoundError(f"vehicle {facts.vehicle_id!r} has no version {number} that may be seen")
    return found


def _why_not(target: TwinVersion, deployed: TwinVersion | None) -> str:
    """Why a version cannot be deployed again, "" when it can."""
    if target.kind == REFUSED:
        return f"version {target.number} was refused: what it proposed was never deployed"
    if deployed is None or target.number == deployed.number:
        return f"version {target.number} is deployed already"
    if (target.model_hash, target.parameters) != (deployed.model_hash, deployed.parameters):
        return f"version {target.number} belongs to another model than the one in use"
    return ""


def _last_score(scores: Sequence[Mapping[str, Any]], number: int | None) -> Mapping[str, Any]:
    """The last trip that a version was judged on, empty when there is none."""
    return next((score for score in reversed(scores) if score["version_number"] == number), {})
