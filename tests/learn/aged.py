"""Fleets that age by a published law with scales of their own, and what is measured of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinpack.battery.ageing import accumulate
from twinpack.battery.laws import LAWS
from twinpack.battery.pack import load_pack
from twinpack.battery.stress import DAYS_PER_MONTH, Stress, Usage
from twinpack.learn.ageing import Histories

Floats = NDArray[np.float64]
PACK = load_pack("sim_nmc_96s")
LAW = "schmalstieg-nmc"
FIRST_MONTH = 600


@dataclass(frozen=True)
class Aged:
    """A fleet: what is known of it, how it is used, and its true health at the end of each month, (N + 1, V)."""

    histories: Histories
    usage: Usage
    capacity: Floats
    resistance: Floats
    scales: Floats


def aged(
    vehicles: int = 30,
    months: int = 48,
    beyond: int = 0,
    seed: int = 1,
    law: str = LAW,
    per_month: float = 0.5,
    sd: float = 0.006,
    lasting: float = 0.0,
    basis: float = 1.0,
    mean: tuple[float, float] = (-0.3, -0.2),
    spread: float = 0.25,
    fast_effect: float = 0.0,
    knees: dict[int, tuple[float, float]] | None = None,
) -> Aged:
    """A fleet whose scales are lognormal; `knees`: loss at it and how much faster beyond it, by vehicle."""
    chance = np.random.default_rng(seed)
    everything = months + beyond
    shape = (everything, vehicles)
    one = np.ones((everything, 1))
    season = 12.0 - 9.0 * np.cos(2.0 * np.pi * (np.arange(everything)[:, None] % 12 + 0.5) / 12.0)
    own = {
        "parked_soc": chance.uniform(0.4, 0.85, vehicles),
        "cycled_soc": chance.uniform(0.4, 0.75, vehicles),
        "depth": chance.uniform(0.25, 0.65, vehicles),
        "c_rate": np.full(vehicles, 0.4),
        "fast_share": chance.uniform(0.0, 0.7, vehicles),
    }
    temp = season + chance.uniform(-3.0, 6.0, vehicles)
    daily = chance.uniform(0.1, 0.3, vehicles)
    stress = Stress(
        days=np.full(shape, DAYS_PER_MONTH),
        cycles=one * daily * DAYS_PER_MONTH,
        temp_c=temp,
        **{name: one * values for name, values in own.items()},
    )
    scales = np.exp(np.array(mean)[:, None] + spread * chance.standard_normal((2, vehicles)))
    scales[1] *= np.exp(fast_effect * (own["fast_share"] - 0.35))
    new = basis * np.exp(0.008 * chance.standard_normal(vehicles))
    lost, gained = (
        np.array([np.pad(accumulate(k, x, p), ((0, 0), (1, 0))) for k, x, p in _parts(law, of, stress)])
        for of in ("capacity", "resistance")
    )
    law_loss = (scales[:, :, None] * lost).sum(axis=0)
    for vehicle, (loss, bend) in (knees or {}).items():
        law_loss[vehicle] += bend * np.maximum(law_loss[vehicle] - loss, 0.0)
    capacity = (new[:, None] * (1.0 - law_loss)).T
    resistance = (1.0 + gained.sum(axis=0) * np.exp(0.2 * chance.standard_normal(vehicles))[:, None]).T
    points = max(round(months * per_month), 1)
    at = np.sort(chance.uniform(0.5, months, (points, vehicles)), axis=0)
    errors = _errors(chance, at, sd, lasting)
    grid = np.arange(everything + 1)
    seen = [
        np.stack([np.interp(at[:, v], grid, truth[:, v]) for v in range(vehicles)], axis=1)
        for truth in (capacity, resistance)
    ]
    histories = Histories(
        tuple(f"car-{number:03d}" for number in range(vehicles)),
        FIRST_MONTH,
        Stress(**{name: getattr(stress, name)[:months] for name in Stress.__dataclass_fields__}),
        at,
        seen[0] + errors,
        np.full(at.shape, sd),
        seen[1] + 3.0 * errors[::-1],
        np.full(at.shape, 3.0 * sd),
    )
    usage = Usage(temp_c=temp[:12], cycles_per_day=daily, km_per_day=100.0 * daily, **own)
    return Aged(histories, usage, capacity, resistance, scales)


def _parts(law: str, of: str, stress: Stress) -> list[tuple[Any, Any, float]]:
    parts = getattr(LAWS[law], of)
    amounts = stress.days, stress.cycles
    return [
        (np.maximum(part.coefficient(stress, PACK.ocv), 0.0).T, amount.T, part.power)
        for part, amount in zip(parts, amounts, strict=True)
    ]


def _errors(chance: np.random.Generator, at: Floats, sd: float, lasting: float) -> Floats:
    """White errors, and errors that are forgotten to 1/e in four months."""
    errors = sd * chance.standard_normal(at.shape)
    slow: Any = lasting * chance.standard_normal(at.shape[1])
    for k in range(len(at)):
        kept = np.exp(-(at[k] - at[k - 1]) / 4.0) if k else np.ones(at.shape[1])
        fresh = np.sqrt(1.0 - kept**2) * chance.standard_normal(at.shape[1])
        slow = np.asarray(kept * slow + lasting * fresh)
        errors[k] += slow
    return errors
