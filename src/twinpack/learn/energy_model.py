"""A model of consumption: coefficients of a fleet and its vehicles, how they are driven, and how far off it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.learn.energy_terms import SUMS, TERMS, TRACTION, Body, Weather, terms_of

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_ERRORS = 8
"""Fewer errors have no distribution of their own."""
DRIVEN = slice(0, len(TRACTION))
CABIN = slice(len(TRACTION), len(TERMS))

# by which an error is expected to grow: share of what drives, of the cabin's energy, kW of each hour
_SIZE_DRIVEN, _SIZE_CABIN, _SIZE_KW = 0.06, 0.30, 0.25
_SIZE_MEASURED_KW = 0.10
_QUANTILES = 201

# quantiles of a normal law, for a model whose errors are not known yet
STANDARD = (-2.0, -1.53, -1.18, -0.89, -0.64, -0.42, -0.21, 0.0, 0.21, 0.42, 0.64, 0.89, 1.18, 1.53, 2.0)


@dataclass(frozen=True)
class Usual:
    """How a vehicle is driven, of a kilometre in its trips.

    Attributes:
        sums: What is kept of a course, a kilometre, shape (len(SUMS),).
        trip_km: Mean length of a trip.
        spread: Relative standard deviation of a trip's energy a km at the same weather, by how it is driven.
        load_kg: Usual payload.
        ripple: Root mean square of the current over its mean, 1 for a steady one.
        trips: Trips that tell this.
    """

    sums: tuple[float, ...]
    trip_km: float
    spread: float
    load_kg: float
    ripple: float
    trips: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "sums": list(self.sums),
            "trip_km": self.trip_km,
            "spread": self.spread,
            "load_kg": self.load_kg,
            "ripple": self.ripple,
            "trips": self.trips,
        }


def usual_from_dict(values: Mapping[str, Any]) -> Usual:
    """What `Usual.to_dict` wrote."""
    return Usual(**{**values, "sums": tuple(values["sums"])})


@dataclass(frozen=True)
class Estimate:
    """Coefficients with their covariance, shape (K,) and (K, K) in the order of `TERMS`."""

    mean: Floats
    covariance: Floats


@dataclass(frozen=True)
class EnergyModel:
    """What a pack's vehicles take.

    Attributes:
        pack: Name of the pack.
        body: The usual vehicle that the terms are of.
        fleet: Coefficients of a vehicle of which nothing is known: the fleet's, with the spread between vehicles.
        vehicles: Coefficients of each vehicle learned from.
        usual: How the fleet is driven.
        usual_of: How each vehicle is driven.
        planned: Error over its expected size of trips left out, as sorted quantiles, heating not known.
        measured: The same with measured heating.
        together: Part of a trip's error that its vehicle's next trips share, 0 to 1.
        trips: Trips learned from.
        card: Figures for people (JSON values).
    """

    pack: str
    body: Body
    fleet: Estimate
    vehicles: Mapping[str, Estimate]
    usual: Usual
    usual_of: Mapping[str, Usual]
    planned: tuple[float, ...]
    measured: tuple[float, ...]
    together: float
    trips: int
    card: Mapping[str, Any] = field(default_factory=dict)

    def of(self, vehicle: str) -> Estimate:
        """The coefficients of a vehicle: the fleet's where nothing was learned of it."""
        return self.vehicles.get(vehicle, self.fleet)

    def usual_for(self, vehicle: str) -> Usual:
        """How a vehicle is driven: as the fleet where nothing is known of it."""
        return self.usual_of.get(vehicle, self.usual)

    def predict(
        self, vehicles: Sequence[str], sums: Floats, weather: Weather, comfort_kwh: Floats | None = None
    ) -> Predicted:
        """Energy of T trips.

        Args:
            vehicles: Whose, T names.
            sums: Shape (T, len(SUMS)).
            weather: What is known before.
            comfort_kwh: Measured heating and cooling, shape (T,); where it is NaN, and for None, it is predicted.
        """
        terms = terms_of(sums, weather, self.body)
        known = {name: self.of(name) for name in set(vehicles)}
        mean = np.stack([known[name].mean for name in vehicles])
        cov = np.stack([known[name].covariance for name in vehicles])
        cabin = (terms[:, CABIN] * mean[:, CABIN]).sum(axis=1)
        driven = (terms[:, DRIVEN] * mean[:, DRIVEN]).sum(axis=1)
        told = np.full(len(terms), np.nan) if comfort_kwh is None else np.asarray(comfort_kwh, dtype=np.float64)
        measured = np.isfinite(told)
        used = np.where(measured, told, np.maximum(cabin, 0.0))
        open_terms = np.where(measured[:, None] & (np.arange(len(TERMS)) >= len(TRACTION)), 0.0, terms)
        variance = np.einsum("tk,tkl,tl->t", open_terms, cov, open_terms)
        return Predicted(driven + used, used, _size(driven, used, sums[:, 0], measured, variance), measured)

    def quantiles(self, predicted: Predicted, shares: Sequence[float]) -> Floats:
        """Quantiles of the energy of T trips, kWh, shape (len(shares), T)."""
        z = np.where(
            predicted.measured, read_levels(self.measured, shares)[:, None], read_levels(self.planned, shares)[:, None]
        )
        return np.asarray(predicted.energy_kwh + z * predicted.size_kwh)

    def drawn(self, shares: Floats) -> Floats:
        """Errors over their expected size at some shares of their distribution, heating not known."""
        return read_levels(self.planned, shares)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "pack": self.pack,
            "terms": list(TERMS),
            "sums": list(SUMS),
            "body": self.body.to_dict(),
            "fleet": _estimate_dict(self.fleet),
            "vehicles": {name: _estimate_dict(one) for name, one in self.vehicles.items()},
            "usual": self.usual.to_dict(),
            "usual_of": {name: one.to_dict() for name, one in self.usual_of.items()},
            "planned": list(self.planned),
            "measured": list(self.measured),
            "together": self.together,
            "trips": self.trips,
            "card": dict(self.card),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EnergyModel:
        """What `to_dict` wrote.

        Raises:
            KeyError, TypeError, ValueError: The values are not those of such a model.
        """
        if tuple(values["terms"]) != TERMS or tuple(values["sums"]) != SUMS:
            raise ValueError("the model has other terms than this release: learn it again with `twinpack learn energy`")
        return cls(
            pack=values["pack"],
            body=Body(**values["body"]),
            fleet=_estimate_from(values["fleet"]),
            vehicles={name: _estimate_from(one) for name, one in values["vehicles"].items()},
            usual=usual_from_dict(values["usual"]),
            usual_of={name: usual_from_dict(one) for name, one in values["usual_of"].items()},
            planned=tuple(values["planned"]),
            measured=tuple(values["measured"]),
            together=float(values["together"]),
            trips=int(values["trips"]),
            card=values["card"],
        )


@dataclass(frozen=True)
class Predicted:
    """Energy of T trips, shape (T,) each.

    Attributes:
        energy_kwh: Most likely.
        comfort_kwh: Of it for heating and cooling.
        size_kwh: Expected size of its error.
        measured: Whether heating was known.
    """

    energy_kwh: Floats
    comfort_kwh: Floats
    size_kwh: Floats
    measured: Flags


def _size(driven: Floats, cabin: Floats, hours: Floats, measured: Flags, variance: Floats) -> Floats:
    """Expected size of the error of trips, kWh."""
    open_cabin = np.where(measured, 0.0, _SIZE_CABIN * cabin)
    per_hour = np.where(measured, _SIZE_MEASURED_KW, _SIZE_KW) * hours
    return np.asarray(np.sqrt((_SIZE_DRIVEN * driven) ** 2 + open_cabin**2 + per_hour**2 + variance))


def levels_of(errors: Floats) -> tuple[float, ...]:
    """Sorted quantiles of errors, at most `_QUANTILES`; those of a normal law where there are too few."""
    known = np.sort(errors[np.isfinite(errors)])
    if len(known) < LEAST_ERRORS:
        return STANDARD
    if len(known) <= _QUANTILES:
        return tuple(float(one) for one in known)
    return tuple(float(one) for one in np.quantile(known, (np.arange(_QUANTILES) + 0.5) / _QUANTILES))


def read_levels(levels: Sequence[float], shares: Sequence[float] | Floats) -> Floats:
    """Conformal quantiles: of n errors the k-th covers k / (n + 1), so that the outermost are a little further out."""
    count = len(levels)
    return np.asarray(np.interp(np.asarray(shares), np.arange(1, count + 1) / (count + 1), np.asarray(levels)))


def interval_of(errors: Floats, share: float) -> tuple[float, float]:
    """Errors between which a share of such errors lies, conformal, NaN left out."""
    low, high = read_levels(levels_of(errors), (0.5 - 0.5 * share, 0.5 + 0.5 * share))
    return float(low), float(high)


def _estimate_dict(one: Estimate) -> dict[str, Any]:
    lower = np.tril_indices(len(one.mean))
    return {"mean": _short(one.mean), "covariance": _short(one.covariance[lower])}


def _estimate_from(values: Mapping[str, Any]) -> Estimate:
    mean = np.array(values["mean"], dtype=np.float64)
    lower = np.tril_indices(len(mean))
    cov = np.zeros((len(mean), len(mean)))
    cov[lower] = values["covariance"]
    return Estimate(mean, cov + np.tril(cov, -1).T)


def _short(values: Floats) -> list[float]:
    """Seven digits are more than any coefficient has."""
    return [float(f"{one:.7g}") for one in values]
