"""`twinpack learn`: models from the fleet's own data."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home, command_group

command = command_group("Learn from the fleet's own data.")


@command.command("model")
def learn_model(
    kind: Annotated[str, typer.Option(help="thevenin-1rc, thevenin-2rc or thevenin-3rc.")] = "thevenin-2rc",
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
    learned = learn_prototype(workspace, kind, _count(trips), pack)
    card = learned.card
    if as_json:
        output.json_result({"model_hash": learned.model_hash, **card})
        return
    low, high = (100 * value for value in card["soc_range"])
    output.line(
        f"{card['kind']} for {card['pack']} from {output.counted(card['trips'], 'trip')} of "
        f"{output.counted(card['vehicles'], 'vehicle')}"
    )
    output.line(f"error {card['rmse_v']:.2f} V, recalibration over {card['threshold_v']:.2f} V")
    output.line(
        f"seen at {low:.0f} to {high:.0f} % charge, {card['temp_range_c'][0]:.0f} to {card['temp_range_c'][1]:.0f} °C"
    )
    output.line(f"model {learned.model_hash[:12]}; next: twinpack run")


def _count(trips: str) -> int:
    found = re.fullmatch(r"first:([1-9][0-9]{0,4})", trips)
    if found is None:
        raise typer.BadParameter(f"{trips!r} is not of the form first:N, such as first:3", param_hint="--trips")
    return int(found.group(1))
