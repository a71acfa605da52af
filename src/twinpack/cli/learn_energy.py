"""`twinpack learn energy`: what a pack's vehicles take, from the fleet's own drives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.stages import stages


def learn_energy(
    pack: Annotated[
        str | None, typer.Option(help="Pack to learn for.", show_default="each that has trips enough")
    ] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Learn what trips take: rolling, drag, slopes, recuperation, electronics, heating and cooling, and cold.

    From the last drives of each vehicle with speed, voltage and current. A vehicle of which few trips are known is held
    to its fleet. How far off predictions are is told by trips left out. `twinpack range` uses what was learned.
    """
    from twinpack.runtime.energy import learn_energies
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with stages() as tell:
        learned = learn_energies(workspace, pack, tell)
    if as_json:
        output.json_result(learned)
        return
    for why in learned.left_out:
        output.note(f"twinpack: {why}")
    for one in learned.models:
        _show(one.card)
        output.line(f"model {one.model_hash[:12]}; next: twinpack range VEHICLE")


def _show(card: Mapping[str, Any]) -> None:
    data, errors = card["data"], card["metrics"]
    output.line(
        f"consumption of {card['pack']} from {output.counted(data['sessions'], 'trip')} of "
        f"{output.counted(data['vehicles'], 'vehicle')}: {output.number(card['figures']['kwh_100km'], 1)} kWh/100 km"
    )
    told = [f"{output.number(errors['mape_pct'], 1)} % from what is known before"]
    if errors.get("mape_measured_heating_pct") is not None:
        told.append(f"{output.number(errors['mape_measured_heating_pct'], 1)} % with measured heating")
    told.append(f"{output.number(errors['mape_mean_per_km_pct'], 1)} % by the mean a kilometre")
    output.line(f"error on trips left out: {', '.join(told)}")
    for warning in card["warnings"]:
        output.line(f"note: {warning}")
