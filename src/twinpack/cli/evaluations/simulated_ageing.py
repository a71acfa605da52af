"""Ageing on simulated fleets, whose truth is known: health now, ends of life to come, effects of another use.

A fleet lives through the whole of twinpack: its telemetry is imported, a model learned, its twins run; the versions of
its twins are the histories that ageing is learned from. What comes is then told at two moments, in the middle of the
data (nothing later is read) and at their end, and held against the hidden law carried on for decades.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from twinpack.battery.stress import Usage
    from twinpack.forecast.outlook import Outlook
    from twinpack.forecast.scenario import Scenario
    from twinpack.learn.ageing import AgeingModel, Histories, Rates
    from twinpack.learn.usage import Life
    from twinpack.runtime.usage import FleetLives
    from twinpack.simulate.future import ChangedUse
    from twinpack.simulate.settings import FleetSettings

Metrics = dict[str, Any]
Floats = npt.NDArray[np.float64]

YEARS, HORIZON = 5.0, 360
LEAST_EFFECT_PTS = 0.5
"""Effects on a fleet smaller than this are told in points, not in %."""

CHEMISTRIES = {"nmc": ("sim_nmc_96s", "schmalstieg-nmc"), "lfp": ("lfp_104s", "blast-lfp")}
"""Packs, and the law that is assumed of them: the form that their hidden one has."""

OTHER_LAW = "blast-nca"
"""A law that neither of them follows: what comes of assuming it."""

_SESSIONS = ("start_d", "end_d", "charging", "resting", "soc_start", "soc_end", "ah_in")


def evaluate(_: Path, quick: bool) -> Metrics:
    """Fleets of two chemistries against their hidden truth."""
    vehicles, trips = (12, 36) if quick else (48, 60)
    told: Metrics = {}
    inside: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (pack, law) in CHEMISTRIES.items():
            fleet = _lived(Path(folder) / name, pack, vehicles, trips)
            told |= {f"{name}_{moment}": found for moment, found in _judged(fleet, law, inside, quick).items()}
            told[f"{name}_effects"] = _effects(fleet, law)
            if name == "nmc":
                other = _judged(fleet, OTHER_LAW, [], quick)
                told |= {f"nmc_by_{OTHER_LAW}_{moment}": found for moment, found in other.items()}
    effects = [one for name in CHEMISTRIES for one in told[f"{name}_effects"].values() if "error_pct" in one]
    return {
        "soh_mae_pct": told["nmc_end"]["soh_mae_pct"],
        "soh_mae_last_version_pct": told["nmc_end"]["soh_mae_last_version_pct"],
        "eol_coverage_90_pct": 100.0 * float(np.mean(inside)),
        "effects_within_25_pct": 100.0 * float(np.mean([one["error_pct"] <= 25.0 for one in effects])),
        "effect_worst_error_pct": max(one["error_pct"] for one in effects),
        **told,
        "n": len(inside),
        "split": f"{vehicles} vehicles x {trips} drives in {YEARS:g} years, each chemistry; nothing later is read",
    }


@dataclass(frozen=True)
class SimulatedFleet:
    """A fleet that has lived through twinpack, and its true capacity, % of rated, month by month from its begin."""

    settings: FleetSettings
    lives: FleetLives
    histories: Histories
    truth: Floats

    def true_pct(self, month: float) -> Floats:
        """At the begin of a month counted from January 1970, (V,)."""
        row = self.position(month)
        low = min(int(row), len(self.truth) - 2)
        share = row - low
        return np.asarray(self.truth[low] * (1.0 - share) + self.truth[low + 1] * share)

    def position(self, month: float) -> float:
        """Months from the begin of the simulation to that of a month."""
        from twinpack.battery.stress import DAYS_PER_MONTH
        from twinpack.learn.usage import month_start_d

        begin = np.datetime64(self.settings.start).astype("datetime64[D]").astype(np.int64)
        return float((month_start_d(int(month)) - begin) / DAYS_PER_MONTH)

    def end_months(self, month: int, limit_pct: float) -> Floats:
        """Months from the begin of a month to the true end of life of each, infinite beyond the horizon."""
        rows = np.arange(len(self.truth), dtype=np.float64)
        found = np.array([np.interp(-limit_pct, -path, rows, right=np.inf) for path in self.truth.T])
        ahead = found - self.position(month)
        return np.where(ahead > HORIZON, np.inf, ahead)


def _lived(root: Path, pack: str, vehicles: int, trips: int) -> SimulatedFleet:
    from twinpack.battery.pack import load_pack
    from twinpack.cli.simulate_files import write_fleet
    from twinpack.cli.trial import live_through
    from twinpack.runtime.usage import bring_up, fleet_lives, histories_of
    from twinpack.simulate.future import true_health
    from twinpack.simulate.physics import PhysicsFleet
    from twinpack.simulate.settings import FleetSettings

    settings = FleetSettings(vehicles=vehicles, trips=trips, years=YEARS, seed=7, pack=pack, period_s=2.0)
    written = write_fleet(PhysicsFleet(settings), pack, root / "fleet")
    trial = live_through(root / "home", Path(written.telemetry), profile="twinpack", kind="thevenin-2rc", trips=3)
    with trial.workspace.registry() as registry:
        bring_up(trial.workspace, registry)
        lives = fleet_lives(trial.workspace, registry, pack)
        histories = histories_of(registry, lives)
    _, capacity, _ = true_health(settings, load_pack(pack), YEARS + HORIZON / 12.0 + 2.0)
    return SimulatedFleet(settings, lives, histories, capacity)


@dataclass(frozen=True)
class _Told:
    """What is known at a moment, and what is told from there on."""

    month: int
    histories: Histories
    usage: Usage
    model: AgeingModel
    rates: Rates
    outlook: Outlook


def _tell(fleet: SimulatedFleet, month: int, law: str) -> _Told:
    """Everything from what was known at the begin of a month."""
    from twinpack.forecast.outlook import outlook
    from twinpack.learn.ageing import learn_ageing
    from twinpack.learn.usage import lived, month_start_d, usage_of

    pack, known = fleet.lives.pack, fleet.histories.until(month)
    lives = [known_until(life, float(month_start_d(month))) for life in fleet.lives.lives]
    stress, _, _ = lived(lives, pack.capacity_ah, pack.energy_kwh, month)
    histories = replace(known, stress=stress)
    usage = usage_of(lives, pack.capacity_ah, pack.energy_kwh)
    model = learn_ageing(histories, pack, law)
    rates = model.rates(histories, pack.ocv)
    return _Told(month, histories, usage, model, rates, outlook(model, rates, usage, pack.ocv, HORIZON))


def known_until(life: Life, day: float) -> Life:
    """What was known of a vehicle at the begin of a day."""
    sessions, days = life.end_d < day, life.day_d < day
    kept = {
        one.name: getattr(life, one.name)[sessions if one.name in _SESSIONS else days]
        for one in fields(life)
        if one.name != "vehicle_id"
    }
    return replace(life, **kept)


def _judged(fleet: SimulatedFleet, law: str, inside: list[bool], quick: bool) -> dict[str, Metrics]:
    """What was told at both moments against the truth; whether each end of life lay inside is put to `inside`."""
    first, end = fleet.histories.first_month, fleet.histories.end_month
    found = {}
    for name, month in (("middle", first + (end - first) // 2), ("end", end)):
        told = _tell(fleet, month, law)
        found[name] = {"law": law, **_health(fleet, told), **_ahead(fleet, told, quick), **_ends(fleet, told, inside)}
    return found


def _health(fleet: SimulatedFleet, told: _Told) -> Metrics:
    """Health at the moment, beside the last that a twin said alone."""
    truth, now = fleet.true_pct(told.month), told.outlook.now_pct
    capacity = told.histories.capacity
    last = [lane[np.isfinite(lane)][-1] if np.isfinite(lane).any() else np.nan for lane in capacity.T]
    return {
        "soh_mae_pct": _mae(now[_middle()], truth),
        "soh_bias_pct": float((now[_middle()] - truth).mean()),
        "soh_coverage_90_pct": _share(now, truth),
        "soh_mae_last_version_pct": _mae(100.0 * np.array(last), truth),
    }


def _ahead(fleet: SimulatedFleet, told: _Told, quick: bool) -> Metrics:
    """Health in one and five years, beside baselines that go on with each vehicle's own measurements."""
    found: Metrics = {}
    simple = _baselines(told, quick)
    for years in (1, 5):
        truth, then = fleet.true_pct(told.month + 12 * years), told.outlook.capacity_pct[:, 12 * years - 1]
        found[f"in_{years}_y_mae_pct"] = _mae(then[_middle()], truth)
        found[f"in_{years}_y_coverage_90_pct"] = _share(then, truth)
        found |= {f"in_{years}_y_mae_{name}_pct": _mae(path[12 * years - 1], truth) for name, path in simple.items()}
    return found


def _ends(fleet: SimulatedFleet, told: _Told, inside: list[bool]) -> Metrics:
    """Ends of life that are still to come; one beyond the horizon is inside where the late date is beyond it, too."""
    found: Metrics = {}
    simple = _baselines(told, quick=True)
    for end in told.outlook.ends:
        truth = fleet.end_months(told.month, end.limit_pct)
        ahead = truth > 0.0
        hit = (end.months[0] <= truth) & (truth <= end.months[-1])
        inside += hit[ahead].tolist()
        seen = ahead & np.isfinite(truth)
        # a date that is told as beyond the horizon counts as at it
        middle, name = np.minimum(end.months[_middle()], HORIZON), f"eol_{end.limit_pct:.0f}"
        line = crossed(simple["linear"], end.limit_pct)
        found |= {
            f"{name}_n": int(ahead.sum()),
            f"{name}_n_beyond_horizon": int((ahead & ~seen).sum()),
            f"{name}_coverage_90_pct": _mean(100.0 * hit[ahead]),
            f"{name}_median_err_months": _median(np.abs(middle - truth)[seen]),
            f"{name}_median_err_pct": _median(100.0 * np.abs(middle / np.maximum(truth, 1.0) - 1.0)[seen]),
            f"{name}_median_err_linear_months": _median(np.abs(line - truth)[seen]),
        }
    return found


def _effects(fleet: SimulatedFleet, law: str) -> Metrics:
    """What another use changes in five years, in points of capacity, against the hidden law under that use."""
    from twinpack.forecast.whatif import whatif
    from twinpack.runtime.whatif import charged_to
    from twinpack.simulate.future import true_health
    from twinpack.simulate.vehicles import draw_vehicles, season_c

    told = _tell(fleet, fleet.histories.end_month, law)
    pack, months = fleet.lives.pack, 60
    vehicles = draw_vehicles(fleet.settings, pack)
    middle = np.tile((np.arange(12) + 0.5) * 365.25 / 12.0, (len(vehicles.mean_c), 1))
    cases = effect_cases()
    scenarios = [scenario for scenario, _ in cases.values()]
    answer = whatif(
        told.model,
        told.rates,
        told.usage,
        pack.ocv,
        scenarios,
        months,
        air_c=season_c(vehicles, middle).T,
        charged_to=charged_to(fleet.lives),
    )
    usual = true_health(fleet.settings, pack, YEARS + 5.0)[1][-1]
    found: Metrics = {}
    for (name, (_, changed)), course in zip(cases.items(), answer.courses, strict=True):
        truth = true_health(fleet.settings, pack, YEARS + 5.0, changed)[1][-1] - usual
        effect = course.capacity_delta_pts[_middle(), -1]
        found[name] = {"effect_pts": float(effect.mean()), "truth_pts": float(truth.mean())}
        if abs(truth.mean()) >= LEAST_EFFECT_PTS:
            found[name]["error_pct"] = 100.0 * abs(float(effect.mean() / truth.mean()) - 1.0)
            found[name]["vehicle_median_error_pct"] = 100.0 * float(np.median(np.abs(effect / truth - 1.0)))
    return found


def effect_cases() -> dict[str, tuple[Scenario, ChangedUse]]:
    """What is asked of twinpack, and the same change of the hidden truth."""
    from twinpack.forecast.scenario import Scenario
    from twinpack.simulate.future import ChangedUse

    return {
        "parked_at_40_pct": (Scenario("parked", parked_soc=0.4), ChangedUse(parked_soc=0.4)),
        "charged_to_70_pct": (Scenario("window", charge_to=0.7), ChangedUse(charge_to=0.7)),
        "window_10_to_95_pct": (
            Scenario("deep", charge_from=0.1, charge_to=0.95),
            ChangedUse(charge_to=0.95, depth=0.85),
        ),
        "twice_as_far": (Scenario("far", distance_x=2.0), ChangedUse(distance_x=2.0)),
        "half_as_far": (Scenario("near", distance_x=0.5), ChangedUse(distance_x=0.5)),
        "subtropical": (Scenario("hot", climate="subtropical"), ChangedUse(climate="subtropical")),
        "nordic": (Scenario("cold", climate="nordic"), ChangedUse(climate="nordic")),
    }


def _middle() -> int:
    from twinpack.forecast.outlook import LEVELS

    return LEVELS.index(0.5)


def _mae(told: Floats, truth: Floats) -> float:
    return float(np.nanmean(np.abs(told - truth)))


def _mean(values: Floats) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _median(values: Floats) -> float | None:
    return float(np.median(values)) if len(values) else None


def _share(quantiles: Floats, truth: Floats) -> float:
    """How often the truth lies between the outer quantiles, 5 and 95 %, in %."""
    return 100.0 * float(((quantiles[0] <= truth) & (truth <= quantiles[-1])).mean())


def _baselines(told: _Told, quick: bool) -> dict[str, Floats]:
    """Health at the end of each month to come by each baseline, % of rated, (H, V); without the slow one when quick."""
    from twinpack.forecast.baselines import BASELINES

    span = told.histories.stress.days.shape[0]
    ahead = span + 1.0 + np.arange(HORIZON)
    found = {}
    for name, baseline in BASELINES.items():
        if quick and name == "smoothing":
            continue
        lanes = []
        for at, value in zip(told.histories.at.T, told.histories.capacity.T, strict=True):
            known = np.isfinite(value) & np.isfinite(at)
            several = known.sum() > 1
            lanes.append(baseline(at[known], 100.0 * value[known], ahead) if several else np.full(HORIZON, np.nan))
        found[name] = np.stack(lanes, axis=1)
    return found


def crossed(path: Floats, limit_pct: float) -> Floats:
    """Months until health (H, V) lies at a limit, the horizon where it never does."""
    below = path <= limit_pct
    return np.where(below.any(axis=0), below.argmax(axis=0) + 1.0, float(HORIZON))
