"""Champions and challengers: which model the twins of each pack are of, and the order that puts another in its place.

Who is champion follows from the log alone, as what twins are does: the model of the first run or of the first model
command, and then every promotion and roll-back. The registry's record tells who did it, when and on what grounds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinpack.errors import CheckError, InputError, NotFoundError, WorkspaceError
from twinpack.fleet.commands import MODEL, PROMOTE, first_model, promote_command, promoted_model
from twinpack.fleet.migrate import unfit
from twinpack.ingest.log import SegmentLog, open_log
from twinpack.runtime.genesis import KEY
from twinpack.runtime.orders import append_command
from twinpack.store import models as record
from twinpack.store.records import ModelRecord
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.twin.families import twins_of
from twinpack.twin.settings import LoopSettings, Prototype

PROTOTYPE = "prototype"
CHAMPION, CHALLENGER, RETIRED = "champion", "challenger", "retired"


@dataclass(frozen=True)
class ModelStatus:
    """A prototype and where it stands.

    Attributes:
        hash: Its content hash.
        pack: Name of its pack.
        kind: Kind of the model, such as `thevenin-2rc`; "" where its card does not tell.
        status: `champion`, `challenger` or `retired`.
        parent: Hash of the model it refines, "" for none.
        created_at_us: When it was stored, microseconds since the epoch.
        vehicles: Vehicles whose twin is of it.
        card: Its card.
    """

    hash: str
    pack: str
    kind: str
    status: str
    parent: str
    created_at_us: int
    vehicles: int
    card: dict[str, Any]


@dataclass(frozen=True)
class Promoted:
    """What was ordered.

    Attributes:
        pack: Name of the pack.
        model_hash: The champion to be.
        former_hash: The champion until then.
        offset: Row of the log that brings it about.
        vehicles: Vehicles whose twins migrate.
    """

    pack: str
    model_hash: str
    former_hash: str
    offset: int
    vehicles: int


def champions(registry: Registry, log: SegmentLog) -> dict[str, list[str]]:
    """The champion of each pack, last, after those that a roll-back goes back to, the nearest last.

    A pack without a champion has not run yet.
    """
    recorded = registry.genesis(KEY)
    if recorded is None:
        return {}
    found: dict[str, list[str]] = {pack: [digest] for pack, digest in recorded["models"].items()}
    kinds: dict[str, Prototype] = {}
    for body in map(json.loads, log.commands()):
        if not isinstance(body, dict):
            continue
        if body.get("type") == MODEL and (given := first_model(body)) is not None and given.pack not in found:
            found[given.pack], kinds[given.pack] = [given.model_hash], given
        elif body.get("type") == PROMOTE and (given := promoted_model(body)) is not None:
            stack = found.get(given.pack, [])
            former = kinds.get(given.pack)
            # As the fold does: what is in use already, or does not fit, changes nothing.
            if not stack or stack[-1] == given.model_hash or (former is not None and unfit(former, given)):
                continue
            if body.get("back") is True and len(stack) > 1 and stack[-2] == given.model_hash:
                stack.pop()
            else:
                stack.append(given.model_hash)
            kinds[given.pack] = given
    return found


def statuses(registry: Registry, log: SegmentLog, pack: str | None = None) -> list[ModelStatus]:
    """Every prototype, by pack, the latest first; of one pack when it is named."""
    stacks = champions(registry, log)
    former = {action.former_hash for action in registry.model_actions.all() if action.action != record.COMPARE}
    former |= {digest for stack in stacks.values() for digest in stack[:-1]}
    counts = registry.vehicles_on_models()
    rows = [one for one in registry.models(pack) if one.kind == PROTOTYPE]

    def status(one: ModelRecord) -> str:
        if stacks.get(one.pack, [""])[-1] == one.hash:
            return CHAMPION
        return RETIRED if one.hash in former else CHALLENGER

    listed = [
        ModelStatus(
            one.hash,
            one.pack,
            str(one.card.get("kind") or ""),
            status(one),
            str(one.card.get("parent") or ""),
            one.created_at_us,
            counts.get(one.hash, 0),
            one.card,
        )
        for one in rows
    ]
    return sorted(listed, key=lambda one: one.pack)


def model_by(listed: list[ModelStatus], digits: str) -> ModelStatus:
    """The model whose hash begins with some digits.

    Raises:
        NotFoundError: There is none.
        InputError: There are several.
    """
    found = [one for one in listed if one.hash.startswith(digits.lower())] if digits else []
    if not found:
        raise NotFoundError(f"no model {digits!r} here; `twinpack models list` lists those there are")
    if len(found) > 1:
        names = ", ".join(one.hash[:12] for one in found[:5])
        raise InputError(f"{digits!r} is ambiguous: it begins {len(found)} models ({names}); write more digits")
    return found[0]


def lineage(listed: list[ModelStatus], model: ModelStatus) -> tuple[list[str], list[ModelStatus]]:
    """Hashes of the models that one goes back to, the nearest first, and the models that refine it."""
    by_hash = {one.hash: one for one in listed}
    parents: list[str] = []
    at: ModelStatus | None = model
    while at is not None and at.parent and at.parent not in parents:
        parents.append(at.parent)
        at = by_hash.get(at.parent)
    return parents, [one for one in listed if one.parent == model.hash]


def load_prototype(workspace: Workspace, registry: Registry, digest: str) -> Prototype:
    """A stored prototype.

    Raises:
        NotFoundError: Its artifact is missing.
        WorkspaceError: It is damaged, or holds what is no prototype.
    """
    artifact = workspace.artifacts(registry).load(digest)
    body = {"type": MODEL, "prototype": {**artifact, "model_hash": digest}}
    prototype = first_model(body)
    if prototype is None:
        raise WorkspaceError(f"model {digest[:12]} holds what this release cannot run: learn it again")
    return prototype


def challenger(
    workspace: Workspace, registry: Registry, log: SegmentLog, digits: str, pack: str | None = None
) -> tuple[Prototype, Prototype]:
    """The champion of a pack, and a model that may take its place.

    Raises:
        NotFoundError: There is no such model, or its file is missing.
        InputError: It is the champion, of another pack than the one named, or does not fit the pack's twins.
        WorkspaceError: It is damaged, or the workspace was not run yet.
    """
    model = model_by(statuses(registry, log), digits)
    if pack is not None and model.pack != pack:
        raise InputError(f"model {model.hash[:12]} is for pack {model.pack}, not for {pack}")
    stack = champions(registry, log).get(model.pack)
    if not stack:
        raise WorkspaceError(
            f"pack {model.pack} has no champion yet: `twinpack run` first; the first run starts from the latest model"
        )
    if stack[-1] == model.hash:
        raise InputError(f"model {model.hash[:12]} is the champion of {model.pack} already")
    given = load_prototype(workspace, registry, model.hash)
    former = load_prototype(workspace, registry, stack[-1])
    if why := unfit(former, given):
        raise InputError(f"model {model.hash[:12]}: {why}")
    _check_runs(given)
    return former, given


def _check_runs(given: Prototype) -> None:
    """Refuse what can be read and not be run: the fold would pass the row over, and nobody would hear of it.

    Raises:
        InputError: No twin can be made of it.
    """
    try:
        twins_of(given, LoopSettings())
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"model {given.model_hash[:12]} cannot be run ({error}): learn it again") from error


def promote(
    workspace: Workspace,
    digits: str,
    reason: str,
    *,
    carry: bool = True,
    who: str = "",
    pack: str | None = None,
    evidence: Mapping[str, Any] | None = None,
) -> Promoted:
    """Order that a model takes the place of its pack's champion: a row of the log, which the fold obeys.

    Args:
        workspace: The workspace.
        digits: The model, by the first digits of its hash.
        reason: Why, for the history.
        carry: Whether parameters that both models name are kept; else twins begin again from the new priors.
        who: Who asks for it.
        pack: The pack it must be for.
        evidence: On what grounds (JSON values); a comparison that was not passed is refused.

    Raises:
        CheckError: The comparison given was not passed.
        NotFoundError, InputError, WorkspaceError: As for `challenger`.
    """
    log = open_log(workspace)
    with workspace.registry() as registry:
        former, given = challenger(workspace, registry, log, digits, pack)
        if evidence and not evidence.get("passed", True):
            raise CheckError(
                f"not promoted: in the comparison with the champion it was {evidence.get('verdict')}. Compare on more "
                "vehicles or trips with `twinpack models compare`, or promote it all the same with --without-backtest"
            )
        return _order(registry, log, former.model_hash, given, carry, reason, who, record.PROMOTE, evidence or {})


def roll_back(
    workspace: Workspace, reason: str, *, pack: str | None = None, carry: bool = True, who: str = ""
) -> Promoted:
    """Order that the champion before the present one takes its place again.

    Raises:
        NotFoundError: There is none, or no such pack.
        InputError: Several packs have one and none is named.
        WorkspaceError: Its file is damaged.
    """
    log = open_log(workspace)
    with workspace.registry() as registry:
        stacks = {name: stack for name, stack in champions(registry, log).items() if len(stack) > 1}
        if pack is not None:
            stacks = {name: stack for name, stack in stacks.items() if name == pack}
        if not stacks:
            of = f" of pack {pack}" if pack is not None else ""
            raise NotFoundError(f"no model{of} was promoted, so there is no champion to go back to")
        if len(stacks) > 1:
            raise InputError(f"several packs have a former champion: choose one with --pack ({', '.join(stacks)})")
        stack = next(iter(stacks.values()))
        given = load_prototype(workspace, registry, stack[-2])
        return _order(registry, log, stack[-1], given, carry, reason, who, record.ROLLBACK, {})


def _order(
    registry: Registry,
    log: SegmentLog,
    former_hash: str,
    given: Prototype,
    carry: bool,
    reason: str,
    who: str,
    action: record.Action,
    evidence: Mapping[str, Any],
) -> Promoted:
    body = promote_command(given, carry, reason, who) | ({"back": True} if action == record.ROLLBACK else {})
    offset = append_command(log, "", body, "model")
    registry.model_actions.add(
        action,
        given.pack,
        given.model_hash,
        former_hash,
        who=who,
        reason=reason,
        log_offset=offset,
        evidence={**evidence, "carry": carry},
    )
    return Promoted(
        given.pack, given.model_hash, former_hash, offset, registry.vehicles_on_models().get(former_hash, 0)
    )
