"""`twinpack learn ageing`: how batteries age, with rates of each vehicle shrunk to the fleet's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import card, output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.stages import stages

if TYPE_CHECKING:
    from twinpack.runtime.ageing import LearnedAgeing


def learn_ageing(
    pack: Annotated[
        str | None, typer.Option(help="Pack to learn for.", show_default="each that has vehicles enough")
    ] = None,
    law: Annotated[
        str | None,
        typer.Option(
            help="Ageing law: schmalstieg-nmc, blast-nca, blast-lfp or wang-lfp.",
            show_default="that of the pack's chemistry",
        ),
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Learn how the fleet's batteries age, which `twinpack forecast` uses.

    A published law for the chemistry gives the shape; how fast each vehicle ages is learned from its own history and
    drawn to the fleet's the more, the less that history says.
    """
    from twinpack.runtime.ageing import learn_ageing_of
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with stages() as tell:
        learned, left_out = learn_ageing_of(workspace, pack, law, tell)
    if as_json:
        output.json_result({"models": [_plain(one) for one in learned], "left_out": list(left_out)})
        return
    for why in left_out:
        output.note(f"twinpack: {why}")
    for one in learned:
        card.show(one.card)
        output.line(f"model {one.model_hash[:12]}; next: twinpack forecast")


def _plain(one: LearnedAgeing) -> dict[str, object]:
    return {"model_hash": one.model_hash, **one.card}
