"""What if: the outlook of vehicles as they are used beside that under other scenarios, path by path.

A vehicle's path s is the same draw of what is not known of it (its rates, its level, its drift) under the baseline and
under each scenario, so that the interval of a difference is that of the difference, not of two forecasts. How strongly
ageing answers to a changed stress is uncertain as well: the ratio of the loss to come is taken to a power near 1
(`ANSWER_SD`), more so where a scenario leads beyond what the fleet has lived (`BEYOND_SD`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from twinpack.battery.ocv import OcvTable
from twinpack.battery.stress import Usage
from twinpack.battery.warranty import END_OF_LIFE_PCT
from twinpack.forecast.outlook import LEVELS, EndOfLife, Outlook, Paths, paths, reached, told
from twinpack.forecast.scenario import Scenario
from twinpack.forecast.scenario_usage import changed_usage, window_top
from twinpack.forecast.whatif_experience import Beyond, Experience, Flags, beyond
from twinpack.learn.ageing import AgeingModel, Rates

Floats = npt.NDArray[np.float64]

ANSWER_SD, BEYOND_SD = 0.15, 0.35
"""Standard deviation of the power that the ratio of losses is taken to, within the fleet's experience and beyond it."""

_LEAST_LOSS = 1e-6
_RATIOS = (0.02, 50.0)


@dataclass(frozen=True)
class Course:
    """V vehicles under one scenario.

    Attributes:
        scenario: Which.
        usage: How they are used under it.
        charged_to: Charge at which charging usually ends under it, shape (V,).
        outlook: What comes of it.
        paths: The paths behind it; None where they were not kept.
        capacity_delta_pts: Capacity health less the baseline's, points of the rated capacity, at the quantiles
            `LEVELS`, shape (L, H, V).
        resistance_delta_x: Resistance less the baseline's, by that when new, likewise.
        end_delta_months: Months by which life ends later than in the baseline, one (L, V) a limit; infinite where one
            of both lies beyond the horizon, NaN where both usually do.
        beyond: Which vehicles it leads beyond the fleet's experience, shape (V,).
        notes: What of it does.
    """

    scenario: Scenario
    usage: Usage
    charged_to: Floats
    outlook: Outlook
    paths: Paths | None
    capacity_delta_pts: Floats
    resistance_delta_x: Floats
    end_delta_months: tuple[Floats, ...]
    beyond: Flags
    notes: tuple[Beyond, ...]


@dataclass(frozen=True)
class WhatIf:
    """V vehicles as they are used, and under other scenarios.

    Attributes:
        vehicle_ids: The vehicles.
        month: The first month, counted from January 1970.
        usage: How they are used.
        charged_to: Charge at which charging usually ends, shape (V,).
        baseline: What comes of it.
        paths: The paths behind it; None where they were not kept.
        courses: One a scenario.
    """

    vehicle_ids: tuple[str, ...]
    month: int
    usage: Usage
    charged_to: Floats
    baseline: Outlook
    paths: Paths | None
    courses: tuple[Course, ...]


def whatif(
    model: AgeingModel,
    rates: Rates,
    usage: Usage,
    ocv: OcvTable,
    scenarios: Sequence[Scenario],
    months: int = 120,
    limits_pct: Sequence[float] = END_OF_LIFE_PCT,
    air_c: Floats | None = None,
    consumption_x: Mapping[str, Floats | float] | None = None,
    seen: Experience | None = None,
    keep_paths: bool = False,
    charged_to: Floats | None = None,
) -> WhatIf:
    """The outlook of a few vehicles under scenarios from now on; nothing that is handed in is changed.

    Args:
        model: How their pack ages.
        rates: What is known of each vehicle.
        usage: How each is used.
        ocv: Open-circuit voltage of a cell.
        scenarios: What is asked.
        months: How far to look, H.
        limits_pct: Health at which life ends.
        air_c: As `changed_usage` takes it.
        consumption_x: Energy a kilometre by what it is now, by name of the scenario.
        seen: What the fleet has lived through; None leaves out what lies beyond it.
        keep_paths: Whether the paths are kept: (H + 1) x V x S numbers each, twice.
        charged_to: As `changed_usage` takes it.

    Raises:
        ScenarioError: A scenario that cannot be told for these vehicles.
    """
    now = _held(paths(model, rates, usage, ocv, months))
    more = consumption_x or {}
    courses = []
    for scenario in scenarios:
        changed = changed_usage(usage, scenario, air_c, more.get(scenario.name, 1.0), charged_to)
        flags, notes = beyond(seen, usage, changed) if seen else (np.zeros(usage.vehicles, dtype=bool), ())
        then = _held(
            _answered(now, paths(model, rates, changed, ocv, months, usage), np.where(flags, BEYOND_SD, ANSWER_SD))
        )
        deltas = tuple(later(now, then, limit) for limit in limits_pct)
        courses.append(
            Course(
                scenario=scenario,
                usage=changed,
                charged_to=window_top(usage, charged_to, scenario),
                outlook=_outlook(rates, then, limits_pct),
                paths=then if keep_paths else None,
                capacity_delta_pts=_difference(now.capacity_pct, then.capacity_pct),
                resistance_delta_x=_difference(now.resistance_x, then.resistance_x),
                end_delta_months=deltas,
                beyond=flags,
                notes=notes,
            )
        )
    kept = now if keep_paths else None
    baseline, top = _outlook(rates, now, limits_pct), window_top(usage, charged_to)
    return WhatIf(rates.vehicle_ids, rates.month, usage, top, baseline, kept, tuple(courses))


def _outlook(rates: Rates, found: Paths, limits_pct: Sequence[float]) -> Outlook:
    capacity, resistance, now, ends = told(found, limits_pct)
    return Outlook(rates.vehicle_ids, rates.month, capacity, resistance, now, tuple[EndOfLife, ...](ends))


def _held(found: Paths) -> Paths:
    """Paths of which none falls below empty: a law knows no end, a battery does."""
    return Paths(np.maximum(found.capacity_pct, 0.0), found.resistance_x)


def _answered(now: Paths, then: Paths, sd: Floats) -> Paths:
    """Paths under a scenario when ageing answers more or less strongly than its law says, by `sd` (V,)."""
    power = sd[:, None] * _normal(now.capacity_pct.shape[-1])
    capacity = then.capacity_pct[:1] - _scaled(
        now.capacity_pct[:1] - now.capacity_pct, then.capacity_pct[:1] - then.capacity_pct, power
    )
    resistance = then.resistance_x[:1] + _scaled(
        now.resistance_x - now.resistance_x[:1], then.resistance_x - then.resistance_x[:1], power
    )
    return Paths(capacity, resistance)


def _scaled(usual: Floats, changed: Floats, power: Floats) -> Floats:
    """A changed wear to come, times its ratio to the usual one to a small power; where there is none, as it is."""
    grows = (usual > _LEAST_LOSS) & (changed > _LEAST_LOSS)
    ratio = np.where(grows, changed / np.where(grows, usual, 1.0), 1.0)
    return np.asarray(changed * np.clip(ratio, *_RATIOS) ** power)


def _normal(count: int) -> Floats:
    """A normal point for each path, in an order that no other point of it goes with."""
    even = ndtri((np.arange(count) + 0.5) / count)
    return np.asarray(np.random.default_rng(2).permutation(even))


def _difference(now: Floats, then: Floats) -> Floats:
    """Quantiles of path less path over months, (L, H, V)."""
    return np.asarray(np.quantile(then[1:] - now[1:], LEVELS, axis=-1))


def later(now: Paths, then: Paths, limit: float) -> Floats:
    """Quantiles of the months by which paths reach a limit later, (L, V)."""
    usual, changed = reached(now.capacity_pct, limit), reached(then.capacity_pct, limit)
    both = np.isinf(usual) & np.isinf(changed)
    later = np.where(both, np.nan, np.where(both, 0.0, changed) - np.where(both, 0.0, usual))
    ordered = np.sort(later, axis=-1)  # what is not known goes last
    known = (~both).sum(axis=-1)
    at = np.clip(np.ceil(np.array(LEVELS)[:, None] * known) - 1, 0, None).astype(np.intp)
    quantiles = np.take_along_axis(ordered, at.T, axis=-1).T
    return np.where(known >= 0.5 * later.shape[-1], quantiles, np.nan)
