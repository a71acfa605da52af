"""`twinpack learn`: models from the fleet's own data."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from twinpack.cli import card, output, ranking
from twinpack.cli.learn_ageing import learn_ageing
from twinpack.cli.learn_energy import learn_energy
from twinpack.cli.learn_failure import learn_failure
from twinpack.cli.learn_noise import learn_noise
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group, first_of
from twinpack.cli.stages import stages

command = command_group("Learn from the fleet's own data.")


@command.command("model")
def learn_model(
    kind: Annotated[
        str, typer.Option(help="thevenin-1rc, thevenin-2rc, thevenin-3rc, hybrid, network or route.")
    ] = "thevenin-2rc",
    trips: Annotated[str, typer.Option(help="Which trips of each vehicle: first:N.")] = "first:3",
    pack: Annotated[
        str | None, typer.Option(help="Pack to learn for, when there are several.", show_default=False)
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Fit the prototype that twins start from to the vehicles' first trips.

    The error is that of whole simulated trips, not of one step. What the model does not show with certainty becomes
    the twins' prior uncertainty.
    """
    from twinpack.runtime.learning import learn_prototype
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with stages() as tell:
        learned = learn_prototype(workspace, kind, first_of(trips), pack, tell)
    if as_json:
        output.json_result({"model_hash": learned.model_hash, **learned.card})
        return
    card.show(learned.card)
    output.line(f"model {learned.model_hash[:12]}; {card.next_step(workspace, learned)}")


command.command("noise")(learn_noise)
command.command("ageing")(learn_ageing)
command.command("failure")(learn_failure)
command.command("energy")(learn_energy)


@command.command("anomaly")
def learn_anomaly(
    pack: Annotated[
        str | None, typer.Option(help="Pack to learn for.", show_default="each that has vehicles enough")
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", metavar="DAY", help="First day to learn from.", show_default="the first")
    ] = "",
    to: Annotated[
        str,
        typer.Option(
            metavar="DAY",
            help="Last day to learn from, such as 2026-01-31; days after it are scored.",
            show_default="two thirds of the vehicle-days",
        ),
    ] = "",
    score: Annotated[
        str,
        typer.Option(
            metavar="MODEL", help="Score with a stored model: `latest`, or digits of its hash.", show_default=False
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="Vehicles shown, the oddest first; 0 shows all.")] = 10,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Learn from daily features what is usual of a pack, score later days, and rank the vehicles by how odd they are.

    A vehicle is scored by what was learned from others, and a day by what was known up to it. --score brings a stored
    model's scores up to the newest day without learning. The scores are kept in the table `anomaly_scores`.
    """
    from twinpack.errors import InputError
    from twinpack.runtime.anomaly import LearnedAnomalies, learn_anomalies, score_anomalies
    from twinpack.store.workspace import Workspace

    if score and (from_ or to):
        raise InputError("--score uses a model that was learned already: --from and --to say what to learn from")
    since, until = _day(from_, "--from"), _day(to, "--to")
    if since is not None and until is not None and until < since:
        raise InputError(f"--to {to} is before --from {from_}")
    workspace = Workspace.open(home, create=False)
    if score:
        learned = LearnedAnomalies((score_anomalies(workspace, score, pack),), ())
    else:
        learned = learn_anomalies(workspace, pack, since, until)
    if as_json:
        output.json_result(learned)
        return
    for why in learned.left_out:
        output.note(f"twinpack: {why}")
    for one in learned.rankings:
        ranking.show(one, limit)


def _day(text: str, option: str) -> date | None:
    from twinpack.errors import InputError

    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"{option} {text}: not a day; write 2026-01-31") from None
