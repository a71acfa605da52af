"""Range of a simulated fleet against the truth: every vehicle drives on until its battery is at the reserve."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from twinpack.forecast.range import RangeAt
    from twinpack.store.workspace import Workspace

Metrics = dict[str, Any]
Floats = npt.NDArray[np.float64]

WEATHERS_C = (35.0, 20.0, 5.0, -10.0)
TOLD_SD = 0.02
"""The charge that a range is asked for at is off by so much."""
PULSES: tuple[tuple[Literal["discharge", "charge"], float], ...] = (
    ("discharge", 10.0),
    ("discharge", 30.0),
    ("charge", 10.0),
    ("charge", 30.0),
)
_SEED = 5
_ROUNDING = 1.0 + 1e-9


def evaluate(_: Path, quick: bool) -> Metrics:
    """Ranges from a random charge at four weathers, as `twinpack range` tells them, against driving on."""
    from twinpack.cli.simulate import Kind, make_fleet
    from twinpack.cli.simulate_files import write_fleet
    from twinpack.cli.trial import live_through
    from twinpack.runtime.energy import learn_energies
    from twinpack.simulate.onward import EMPTY_PCT, drive_on
    from twinpack.simulate.pulses import true_power_kw
    from twinpack.simulate.settings import FleetSettings

    vehicles, trips = (8, 20) if quick else (24, 40)
    settings = FleetSettings(vehicles=vehicles, trips=trips)
    rng = np.random.default_rng(_SEED)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fleet, pack = make_fleet(Kind.physics, vehicles, trips, None, settings.seed)
        written = write_fleet(fleet, pack, root / "fleet")
        trial = live_through(root / "home", Path(written.telemetry), profile="twinpack", kind="thevenin-2rc", trips=3)
        learned = learn_energies(trial.workspace)
        found: list[RangeAt] = []
        km, kwh, power = [], [], []
        for number, air in enumerate(WEATHERS_C):
            soc = rng.uniform(0.5, 0.95, vehicles)
            true = drive_on(settings, soc, np.full(vehicles, air), seed=number)
            told = np.clip(soc + TOLD_SD * rng.standard_normal(vehicles), 0.0, 1.0)
            found += _ranges(trial.workspace, told, air, EMPTY_PCT)
            km.append(true.km)
            kwh.append(true.kwh)
            power.append([true_power_kw(settings, soc, air, seconds, way) for way, seconds in PULSES])
    metrics = _judged(found, np.concatenate(km), np.concatenate(kwh))
    metrics |= _power_judged(found, np.concatenate(power, axis=1))
    return metrics | {
        "energy_mape_pct": learned.models[0].card["metrics"]["mape_pct"],
        "split": f"{vehicles} vehicles x {trips} drives lived and learned from, then driven on where nothing sees it",
    }


def _power_judged(found: list[RangeAt], true_kw: Floats) -> Metrics:
    """State of power of every range, against the pulses that the batteries truly hold, shape (pulses, N)."""
    metrics: Metrics = {}
    for row, (way, seconds) in enumerate(PULSES):
        told = [next(p for p in one.power if (p.way, p.seconds) == (way, seconds)).power_kw for one in found]
        low, middle, high = (np.array([getattr(one, name) for one in told]) for name in ("p5", "p50", "p95"))
        inside = (low <= true_kw[row] * _ROUNDING) & (true_kw[row] <= high * _ROUNDING)
        metrics[f"power_{way}_{seconds:g}_s_mape_pct"] = 100.0 * float(np.mean(np.abs(middle / true_kw[row] - 1.0)))
        metrics[f"power_{way}_{seconds:g}_s_coverage_90_pct"] = 100.0 * float(inside.mean())
    return metrics


def _ranges(workspace: Workspace, soc: Floats, air: float, reserve_pct: float) -> list[RangeAt]:
    """The range of every vehicle at some charge and weather."""
    from twinpack.forecast.range import Conditions, range_at
    from twinpack.runtime.ranges import consumption_model, twin_battery

    found = []
    with workspace.registry() as registry:
        for vehicle, charge in zip(registry.vehicles(), soc, strict=True):
            name, spec = vehicle.vehicle_id, registry.fleet.specification(vehicle.pack)
            battery, reason = twin_battery(workspace, registry, spec, registry.deployed(name))
            model, _, missing = consumption_model(workspace, registry, vehicle.pack)
            if battery is None or model is None:
                raise RuntimeError(f"{name}: {reason or missing}")
            asked = Conditions(100.0 * charge, air, reserve_pct=reserve_pct, soc_sd_pct=100.0 * TOLD_SD)
            found.append(range_at("asked", battery, model, name, asked))
    return found


def _judged(found: list[RangeAt], km: Floats, kwh: Floats) -> Metrics:
    quantiles = {
        name: np.array([getattr(one.km, name) for one in found]) for name in ("p5", "p25", "p50", "p75", "p95")
    }
    inside = (quantiles["p5"] <= km) & (km <= quantiles["p95"])
    half = (quantiles["p25"] <= km) & (km <= quantiles["p75"])
    usable = np.array([one.usable_kwh.p50 for one in found])
    taken = np.array([one.kwh_km.p50 for one in found if one.kwh_km is not None])
    air = np.array([one.ambient_c for one in found])
    error = quantiles["p50"] / km - 1.0
    return {
        "range_mape_pct": 100.0 * float(np.mean(np.abs(error))),
        "range_bias_pct": 100.0 * float(np.mean(error)),
        "range_coverage_90_pct": 100.0 * float(inside.mean()),
        "range_coverage_50_pct": 100.0 * float(half.mean()),
        "range_width_90_pct": 100.0 * float(np.mean((quantiles["p95"] - quantiles["p5"]) / quantiles["p50"])),
        "usable_mape_pct": 100.0 * float(np.mean(np.abs(usable / kwh - 1.0))),
        "consumption_mape_pct": 100.0 * float(np.mean(np.abs(taken / (kwh / km) - 1.0))),
        "weathers": {
            f"{one:g}_c": {
                "range_mape_pct": 100.0 * float(np.mean(np.abs(error[air == one]))),
                "range_coverage_90_pct": 100.0 * float(inside[air == one].mean()),
            }
            for one in WEATHERS_C
        },
        "n": len(found),
    }
