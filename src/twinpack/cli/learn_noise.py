"""`twinpack learn noise`: noise, drift and priors of a stored model from the fleet's sessions."""

from __future__ import annotations

from typing import Annotated

import typer

from twinpack.cli import output
from twinpack.cli.card import next_step
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, first_of
from twinpack.cli.stages import stages


def learn_noise(
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="Model to refine: `latest`, or digits of its hash.")
    ] = "latest",
    trips: Annotated[str, typer.Option(help="Which trips of each vehicle: first:N.")] = "first:20",
    pack: Annotated[
        str | None, typer.Option(help="Pack to learn for, when there are several.", show_default=False)
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Learn the noise, drift and priors of a model from the fleet's sessions, and store it as a new model.

    What makes the sessions most likely is held to the model's own figures, which count as three vehicles. Nothing is
    deployed by it.
    """
    from twinpack.runtime.noise import refine_noise
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with stages() as tell:
        learned = refine_noise(workspace, model, first_of(trips), pack, tell)
    card = learned.card
    if as_json:
        output.json_result({"model_hash": learned.model_hash, **card})
        return
    data, figures = card["data"], card["figures"]
    output.line(
        f"noise of {card['kind']} for {card['pack']} from {output.counted(data['sessions'], 'trip')} of "
        f"{output.counted(data['vehicles'], 'vehicle')}"
    )
    if "noise" in figures:
        for name, value in figures["noise"].items():
            output.line(f"{name} {figures['noise_before'][name]:.3g} -> {value:.3g}")
        output.line(f"priors and drift: {figures['priors']}")
    else:
        output.line(f"wear a route {figures['rate']:.3g} ± {figures['rate_sd']:.2g} between vehicles")
        output.line(f"scatter {figures['drift']:.2g} a route, bend {figures['bend']:.3g}")
    output.line(f"model {learned.model_hash[:12]}, refines {card['parent'][:12]}; {next_step(workspace, learned)}")
