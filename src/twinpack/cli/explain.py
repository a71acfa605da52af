"""`twinpack explain`: each change of a vehicle's figures, in words, from its versions."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from twinpack.cli import fleet_facts, output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinpack.twin.explain import Change, Explanation

WIDTH = 80
LAST = 10


def command(
    vehicle: Annotated[str, typer.Argument(help="The vehicle.")],
    last: Annotated[int, typer.Option(min=0, help="How many versions to tell, the newest first; 0 tells all.")] = LAST,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Explain each change of a vehicle's figures.

    What changed and by how much, what of it is wear and what is better knowledge, which trip led to it, what was
    refused and why.
    """
    from twinpack.store.workspace import Workspace
    from twinpack.twin.explain import explain

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        record = fleet_facts.find_vehicle(workspace, registry, vehicle)
        versions = registry.versions(vehicle)
        pack = registry.fleet.specification(record.pack)
    told = explain(versions, pack.capacity_ah if pack else None)
    newest = told[::-1][: last or None]
    if as_json:
        output.json_result(as_record(vehicle, told, newest))
        return
    for text in paragraphs(vehicle, told, newest):
        output.line(text)


def as_record(vehicle: str, told: Sequence[Explanation], newest: Sequence[Explanation]) -> dict[str, Any]:
    """The explanations as JSON values; `total` is over all versions, `versions` are those asked for."""
    from twinpack.twin.explain import totals

    return {
        "vehicle": vehicle,
        "total": [_with_change(change) for change in totals(told)],
        "versions": [{**asdict(each), "changes": [_with_change(change) for change in each.changes]} for each in newest],
    }


def _with_change(change: Change) -> dict[str, Any]:
    return {**asdict(change), "change": change.change}


def paragraphs(vehicle: str, told: Sequence[Explanation], newest: Sequence[Explanation]) -> list[str]:
    """Lines of at most 80 columns: the whole change first, then version by version."""
    from twinpack.twin.explain import totals
    from twinpack.twin.figures import CAPACITY, RANGE, RESISTANCE
    from twinpack.twin.sentences import change_in_words, lines

    if not told:
        return [f"{vehicle} has no version yet; its first trips are still to be learned from"]
    whole = [change for change in totals(told) if change.name in (*CAPACITY, *RESISTANCE, *RANGE)]
    text = [f"{vehicle}: {output.counted(len(told), 'version')}, {_counts(told)}"]
    text += [line for change in whole for line in wrapped(f"since version 1, {change_in_words(change)}")]
    for each in newest:
        head, *body = lines(each)
        text += ["", *wrapped(head), *(line for part in body for line in wrapped(part, "  "))]
    if len(newest) < len(told):
        text += ["", f"{output.counted(len(told) - len(newest), 'earlier version')} not told; --last 0 tells all"]
    return text


def _counts(told: Sequence[Explanation]) -> str:
    from twinpack.twin.versions import ACCEPTED, REFUSED, ROLLBACK

    by_kind = {kind: sum(each.kind == kind for each in told) for kind in (ACCEPTED, REFUSED, ROLLBACK)}
    text = f"{by_kind[ACCEPTED]} accepted, {by_kind[REFUSED]} refused"
    return f"{text}, {output.counted(by_kind[ROLLBACK], 'roll-back')}" if by_kind[ROLLBACK] else text


def wrapped(text: str, indent: str = "") -> list[str]:
    """A text in lines that fit a terminal; what follows the first is set in."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
