"""`twinpack backtest forecast`: forecasts of health from moments of the past, held against what came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from twinpack.cli import output
from twinpack.cli.options import DEFAULT_HOME, AsJson, Home
from twinpack.cli.stages import stages

if TYPE_CHECKING:
    from twinpack.evaluate.health_forecasts import HealthBacktest

NAMES = {
    "law": "ageing law",
    "fade": "data-driven fade",
    "linear": "straight line",
    "last_half": "line, later half",
    "smoothing": "smoothing",
}
"""How a way to forecast is called."""


def forecast(
    pack: Annotated[
        str | None, typer.Option(help="Pack to look at.", show_default="each that has a past long enough")
    ] = None,
    law: Annotated[str | None, typer.Option(help="Ageing law.", show_default="that of the pack's chemistry")] = None,
    origins: Annotated[int, typer.Option(min=1, max=20, help="From how many moments of the past.")] = 3,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Forecast health from moments of the past, and hold that against what was measured later.

    At each moment ageing is learned from what was known then, as `twinpack learn ageing` does. Beside it stand the
    data-driven model and straight lines and exponential smoothing of each vehicle's own history, on the same
    measurements. Errors are in points of health; nothing is stored.
    """
    from twinpack.runtime.health_backtest import backtest_forecasts
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with stages() as tell:
        found, left_out = backtest_forecasts(workspace, pack, law, origins, tell)
    if as_json:
        output.json_result({"packs": list(found), "left_out": list(left_out)})
        return
    for why in left_out:
        output.note(f"twinpack: {why}")
    for one in found:
        show(one)


def show(found: HealthBacktest) -> None:
    """Writes a back-test for people."""
    judged = f"{output.counted(found.points, 'measurement')} of {output.counted(found.vehicles, 'vehicle')}"
    output.line(
        f"{found.pack} by {found.law}: {judged}, forecast from {', '.join(map(month_name, found.origins))}, "
        f"up to {output.number(found.horizon_months)} months ahead"
    )
    columns = ("forecast by", "error", "bias", "quantile loss", "CRPS", "inside 90 %")
    rows = [
        (
            NAMES.get(one.name, one.name),
            output.number(one.mae_pct, 2),
            output.number(one.bias_pct, 2),
            output.number(one.quantile_loss_pct, 2),
            output.number(one.crps_pct, 2),
            output.MISSING if one.coverage_90_pct is None else f"{output.number(one.coverage_90_pct)} %",
        )
        for one in found.methods
    ]
    output.table(columns, rows, "Points of capacity health, the best first")
    for note in found.notes:
        output.line(f"note: {note}")
    law, fade = found.of("law"), found.of("fade")
    if law is not None and fade is not None and fade.crps_pct < law.crps_pct:
        output.line("note: the data-driven fade did better here; forecasts rest on the law")


def month_name(month: int) -> str:
    """A month counted from January 1970, such as 2023-04."""
    return f"{1970 + month // 12}-{month % 12 + 1:02d}"
