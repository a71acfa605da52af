"""Consumption of trips by physics whose coefficients are learned: a fleet's, and each vehicle's shrunk to it.

    E = sum of b_k x_k,   b_vehicle ~ N(b_fleet, spread²),   b_fleet ~ N(prior)

x are the terms of `learn.energy_terms`. Where heating and cooling were measured and can be true
(`learn.energy_heating`), a trip gives two equations, one for what drives it and one for its cabin, else one for the
sum. Everything is Gaussian, so that means and covariances are exact; the spread between vehicles is found by
expectation and maximisation. How far off predictions are is not taken from that but from trips left out in turn:
the quantiles of their error over its expected size (conformal, so that intervals cover whatever its distribution is).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import LearningError
from twinpack.learn.energy_model import STANDARD, EnergyModel, Estimate, Usual, levels_of
from twinpack.learn.energy_terms import LEAST, PRIOR_MEAN, PRIOR_SD, SUMS, TERMS, TRACTION, Body, Weather, terms_of
from twinpack.learn.energy_trips import LEAST_KM, EnergyTrips, some

Floats = npt.NDArray[np.float64]

LEAST_TRIPS = 8
"""Fewer trips tell no consumption."""
FOLDS = 10
"""Parts that trips are left out in to see how far off predictions are."""

# error of each equation: a share of the trip's energy, and kWh
_DRIVEN_ERROR, _CABIN_ERROR, _SUM_ERROR = (0.06, 0.02), (0.08, 0.03), (0.10, 0.03)
_FIRST_SPREAD = 0.10
_SPREAD_WEIGHT = 4.0
_ROUNDS = 12
_HELD = 0.01
_UNTOLD_TOGETHER = 0.3


def learn_energy(trips: EnergyTrips, pack: str, body: Body, folds: int = FOLDS) -> EnergyModel:
    """Learn consumption from trips.

    Args:
        trips: The trips; those too short or beyond belief are left out.
        pack: Name of the pack.
        body: The usual vehicle of it.
        folds: Parts that trips are left out in to find the errors; 0 for no errors (they are then the expected ones).

    Raises:
        LearningError: There are fewer than `LEAST_TRIPS` good trips.
    """
    good = trips.take(trips.good)
    if len(good) < LEAST_TRIPS:
        raise LearningError(
            f"{len(good)} trips of pack {pack!r} tell consumption, at least {LEAST_TRIPS} are needed: a trip of "
            f"{LEAST_KM:g} km or more with speed, voltage and current"
        )
    model = _fitted(good, pack, body)
    if folds:
        z = left_out_errors(good, body, min(folds, len(good)))
        model = replace(
            model,
            planned=levels_of(z[0]),
            measured=levels_of(z[1]),
            together=_together(good, z[0]),
            card=_figures(good, z),
        )
    return model


def left_out_errors(trips: EnergyTrips, body: Body, folds: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Errors of good trips left out in turn, each part a run of neighbours.

    Returns:
        Error over its expected size with heating not known, and with measured heating (NaN where it is not), shape
        (T,) each; and the two predictions, kWh.
    """
    part = part_of(trips, folds)
    z, energy = np.full((2, len(trips)), np.nan), np.full((2, len(trips)), np.nan)
    for number in range(folds):
        out = part == number
        if not out.any() or out.all():
            continue
        model, mine = _fitted(trips.take(~out), "", body), trips.take(out)
        for row, comfort in enumerate((None, mine.comfort_kwh)):
            told = model.predict(mine.vehicle, mine.sums, mine.weather, comfort)
            usable = np.ones(len(mine), dtype=np.bool_) if comfort is None else told.measured
            z[row, out] = np.where(usable, (mine.energy_kwh - told.energy_kwh) / told.size_kwh, np.nan)
            energy[row, out] = told.energy_kwh
    return z[0], z[1], energy[0], energy[1]


def part_of(trips: EnergyTrips, folds: int) -> npt.NDArray[np.int64]:
    """The part that each trip is left out with: of each vehicle neighbours in time go together."""
    part = np.zeros(len(trips), dtype=np.int64)
    names = np.array(trips.vehicle)
    for name in np.unique(names):
        mine = np.flatnonzero(names == name)
        order = mine[np.argsort(trips.start_us[mine], kind="stable")]
        part[order] = np.arange(len(mine)) * folds // len(mine) if len(mine) >= folds else mine % folds
    return part


def _fitted(trips: EnergyTrips, pack: str, body: Body) -> EnergyModel:
    """Coefficients alone; errors are the expected ones."""
    names, number = np.unique(np.array(trips.vehicle), return_inverse=True)
    terms = terms_of(trips.sums, trips.weather, body)
    normal, right = _equations(terms, trips, number, len(names))
    fleet, each = _within_bounds(normal, right)
    vehicles = {str(name): one for name, one in zip(names, each, strict=True)}
    untold = (STANDARD, STANDARD, _UNTOLD_TOGETHER)
    model = EnergyModel(pack, body, fleet, vehicles, _NO_USUAL, {}, *untold, len(trips))
    of = {str(name): _usual(trips.take(number == at), model) for at, name in enumerate(names)}
    return replace(model, usual=_usual(trips, model), usual_of=of)


def _equations(terms: Floats, trips: EnergyTrips, number: Any, vehicles: int) -> tuple[Floats, Floats]:
    """Normal equations of each vehicle, shape (V, K, K) and (V, K)."""
    usual = terms @ PRIOR_MEAN
    level = np.median(trips.energy_kwh / np.maximum(usual, 1e-6))
    size = np.maximum(usual * level, 0.05)
    split = np.isfinite(trips.comfort_kwh)
    inside = np.arange(len(TERMS)) < len(TRACTION)
    rows = [np.where(inside, terms, 0.0)[split], np.where(inside, 0.0, terms)[split], terms[~split]]
    right = [(trips.energy_kwh - trips.comfort_kwh)[split], trips.comfort_kwh[split], trips.energy_kwh[~split]]
    known = zip((_DRIVEN_ERROR, _CABIN_ERROR, _SUM_ERROR), (split, split, ~split), strict=True)
    errors = [np.hypot(share * size[chosen], least) for (share, least), chosen in known]
    of = np.concatenate([number[split], number[split], number[~split]])
    row, weight = np.concatenate(rows), 1.0 / np.concatenate(errors) ** 2
    normal, told = np.zeros((vehicles, len(TERMS), len(TERMS))), np.zeros((vehicles, len(TERMS)))
    np.add.at(normal, of, weight[:, None, None] * row[:, :, None] * row[:, None, :])
    np.add.at(told, of, (weight * np.concatenate(right))[:, None] * row)
    return normal, told


def _within_bounds(normal: Floats, right: Floats) -> tuple[Estimate, list[Estimate]]:
    """The same as `_shrunk`, each coefficient of the fleet that would be impossible held at the least that is not."""
    mean, sd = PRIOR_MEAN.copy(), PRIOR_SD.copy()
    for _ in range(len(TERMS)):
        fleet, each = _shrunk(normal, right, mean, sd)
        under = (LEAST - fleet.mean) / PRIOR_SD
        worst = int(np.argmax(under))
        if under[worst] <= _HELD:
            break
        mean[worst], sd[worst] = LEAST[worst], _HELD * PRIOR_SD[worst]
    return fleet, each


def _shrunk(normal: Floats, right: Floats, prior_mean: Floats, prior_sd: Floats) -> tuple[Estimate, list[Estimate]]:
    """The fleet's coefficients and each vehicle's, by expectation and maximisation of the spread between vehicles."""
    vehicles = len(right)
    spread = (_FIRST_SPREAD * np.maximum(np.abs(PRIOR_MEAN), 0.3)) ** 2
    first = spread
    for _ in range(_ROUNDS if vehicles > 1 else 1):
        between = np.diag(1.0 / spread)
        cov = np.linalg.inv(normal + between)
        own = np.einsum("vkl,vl->vk", cov, right)
        # each vehicle's say on the fleet's mean: precision, and precision times what it says
        say = between - between @ cov @ between
        precision = say.sum(axis=0) + np.diag(1.0 / prior_sd**2)
        fleet_cov = np.linalg.inv(precision)
        mean = fleet_cov @ (between @ own.sum(axis=0) + prior_mean / prior_sd**2)
        each = own + np.einsum("vkl,l->vk", cov, between @ mean)
        if vehicles > 1:
            away = ((each - mean) ** 2 + np.einsum("vkk->vk", cov)).sum(axis=0)
            spread = (away + _SPREAD_WEIGHT * first) / (vehicles + _SPREAD_WEIGHT)
    passed = np.einsum("vkl,lm->vkm", cov, between)
    whole = cov + np.einsum("vkl,lm,vnm->vkn", passed, fleet_cov, passed)
    return Estimate(mean, fleet_cov + np.diag(spread)), [Estimate(each[at], whole[at]) for at in range(vehicles)]


def _usual(trips: EnergyTrips, model: EnergyModel) -> Usual:
    """How some trips are driven."""
    km = trips.sums[:, SUMS.index("distance_km")]
    per_km = (trips.sums / km[:, None], km)
    sums = np.average(per_km[0], axis=0, weights=per_km[1])
    load = some(trips.weather.load_kg, len(trips), np.arange(len(trips)))
    usual_load = float(np.nanmean(load)) if np.isfinite(load).any() else 0.0
    alike = model.predict(trips.vehicle, trips.sums, Weather(20.0, usual_load)).energy_kwh / km
    net = -trips.mean_a
    flows = np.isfinite(trips.rms_a) & (net > 0.0)
    ripple = float(np.median(trips.rms_a[flows] / net[flows])) if flows.any() else 1.8
    return Usual(
        sums=tuple(float(one) for one in sums),
        trip_km=float(km.mean()),
        spread=float(np.std(np.log(np.maximum(alike, 1e-3)))) if len(trips) > 2 else 0.15,
        load_kg=usual_load,
        ripple=float(np.clip(ripple, 1.0, 5.0)),
        trips=len(trips),
    )


def _together(trips: EnergyTrips, errors: Floats) -> float:
    """Correlation of the errors of neighbouring trips of a vehicle, held towards a usual one where pairs are few."""
    names, order = np.array(trips.vehicle), np.lexsort((trips.start_us, np.array(trips.vehicle)))
    first, second = order[:-1], order[1:]
    pair = (names[first] == names[second]) & np.isfinite(errors[first]) & np.isfinite(errors[second])
    a, b = errors[first][pair], errors[second][pair]
    if len(a) < LEAST_TRIPS or not a.std() * b.std():
        return _UNTOLD_TOGETHER
    found = float(np.corrcoef(a, b)[0, 1])
    return float(np.clip((len(a) * found + 10.0 * _UNTOLD_TOGETHER) / (len(a) + 10.0), 0.0, 1.0))


def _figures(trips: EnergyTrips, found: tuple[Floats, Floats, Floats, Floats]) -> dict[str, Any]:
    """What people should see of the errors of trips left out."""
    _, measured, energy, with_heating = found
    km = trips.sums[:, SUMS.index("distance_km")]
    mean = (trips.energy_kwh.sum() - trips.energy_kwh) / np.maximum(km.sum() - km, 1e-9) * km
    figures = {
        "mape_pct": _mape(energy, trips.energy_kwh),
        "mape_mean_per_km_pct": _mape(mean, trips.energy_kwh),
        "kwh_100km": 100.0 * float(trips.energy_kwh.sum() / km.sum()),
        "heating_measured": int(np.isfinite(trips.comfort_kwh).sum()),
    }
    if np.isfinite(measured).any():
        chosen = np.isfinite(measured)
        figures["mape_measured_heating_pct"] = _mape(with_heating[chosen], trips.energy_kwh[chosen])
    return figures


def _mape(guess: Floats, truth: Floats) -> float:
    return 100.0 * float(np.mean(np.abs(guess / truth - 1.0)))


_NO_USUAL = Usual(tuple(0.0 for _ in SUMS), 0.0, 0.0, 0.0, 1.0, 0)
