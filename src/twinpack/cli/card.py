"""A model card in lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twinpack.cli import output

if TYPE_CHECKING:
    from twinpack.runtime.learning import LearnedModel
    from twinpack.store.workspace import Workspace

_LIMITS = {
    "soc": (100.0, "% charge", 0),
    "temp_c": (1.0, "°C", 0),
    "c_rate": (1.0, "C", 1),
    "speed_kmh": (1.0, "km/h", 0),
    "load_kg": (1.0, "kg", 0),
    "distance_km": (1.0, "km", 0),
}
"""How a limit of validity is told: factor, unit, decimals."""


def show(card: Mapping[str, Any]) -> None:
    """Writes what a model was learned from, its errors, where it is valid, and what is thin about its data."""
    data = card["data"]
    sessions = output.counted(data["sessions"], "trip")
    output.line(f"{card['kind']} for {card['pack']} from {sessions} of {output.counted(data['vehicles'], 'vehicle')}")
    if data["first"]:
        output.line(f"{data['first'][:10]} to {data['last'][:10]}, {output.counted(data['samples'], 'sample')}")
    output.line(_errors(card["metrics"], card["figures"]))
    limits = [_range(name, *ends) for name, ends in card["limits"].items() if len(ends) == 2]
    if limits:
        output.line(f"seen at {', '.join(limits)}")
    for warning in card["warnings"]:
        output.line(f"thin: {warning}")


def next_step(workspace: Workspace, learned: LearnedModel) -> str:
    """What to do with a model that was just learned: a first one is run, a later one challenges the champion."""
    from twinpack.ingest.log import open_log
    from twinpack.runtime.promotion import champions

    with workspace.registry() as registry:
        champion = champions(registry, open_log(workspace)).get(learned.card["pack"], [""])[-1]
    if champion in ("", learned.model_hash):
        return "next: twinpack run"
    return f"challenges {champion[:12]}; next: twinpack models compare {learned.model_hash[:12]}"


def _errors(metrics: Mapping[str, float | None], figures: Mapping[str, Any]) -> str:
    if metrics.get("backtest_law_mae_pct") is not None:
        return _backtest(metrics)
    parts = [f"error {output.significant(metrics.get('rmse_v'), 2)} V"]
    if "held_out_rmse_v" in metrics:
        parts.append(f"{output.significant(metrics['held_out_rmse_v'], 2)} V on vehicles left out")
    if "next_trips_rmse_v" in metrics:
        parts.append(f"{output.significant(metrics['next_trips_rmse_v'], 2)} V on the next trips")
    if figures.get("threshold_v") is not None:
        parts.append(f"recalibration over {output.significant(figures['threshold_v'], 2)} V")
    return ", ".join(parts)


def _backtest(metrics: Mapping[str, float | None]) -> str:
    """What forecasts from the past were off by, in points of health."""
    told = {name.removeprefix("backtest_").removesuffix("_mae_pct"): value for name, value in metrics.items()}
    others = [
        f"{word} {output.number(told[name], 2)}"
        for name, word in (("fade", "data-driven"), ("linear", "straight line"), ("smoothing", "smoothing"))
        if name in told
    ]
    inside = output.number(metrics.get("backtest_law_coverage_90_pct"))
    beside = f" ({', '.join(others)})" if others else ""
    return f"forecasts from the past were off by {output.number(told['law'], 2)} points{beside}; {inside} % inside 90 %"


def _range(name: str, low: float, high: float) -> str:
    factor, unit, decimals = _LIMITS.get(name, (1.0, name, 2))
    return f"{output.number(factor * low, decimals)} to {output.number(factor * high, decimals)} {unit}"
