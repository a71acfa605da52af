"""Trips with their scores, versions and parameters of a twin, as plain records for whoever shows them.

Units are in the names. Times are microseconds since the epoch, UTC. Missing is None. `Decimals` follow the uncertainty
of a figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Decimals:
    """How many decimals the numbers of a field keep in the page; `Annotated[float, Decimals(2)]`."""

    count: int


@dataclass(frozen=True)
class TripPoint:
    """One trip with its scores.

    Attributes:
        number: 1, 2, 3, ... in the vehicle's order.
        kind: driving, charging or resting.
        start_us: First sample.
        end_us: Last sample.
        distance_km: Distance driven.
        soc_swing_pct: Highest less lowest state of charge, pts.
        never_v: RMSE of the never-updated prediction.
        living_v: RMSE of the version deployed when the trip began.
        never_coverage_pct: Scored samples inside the never-updated 95 % band.
        living_coverage_pct: The same of the deployed version.
        samples: Scored samples.
        version: The version deployed when the trip began.
        decision: kept, accepted, refused or unscored.
        hardness: What trips are ordered by from gentle to hard, any unit (RMS C-rate where known).
    """

    number: int
    kind: str
    start_us: int
    end_us: int
    distance_km: Annotated[float | None, Decimals(1)]
    soc_swing_pct: Annotated[float | None, Decimals(1)]
    never_v: Annotated[float | None, Decimals(4)]
    living_v: Annotated[float | None, Decimals(4)]
    never_coverage_pct: Annotated[float | None, Decimals(2)]
    living_coverage_pct: Annotated[float | None, Decimals(2)]
    samples: int
    version: int
    decision: str
    hardness: Annotated[float | None, Decimals(4)]


@dataclass(frozen=True)
class ParameterSeries:
    """One living parameter over versions, as it was deployed after each.

    Attributes:
        name: Name in the model.
        label: Name for people.
        unit: Unit for people, "" where there is none.
        decimals: Decimals worth showing.
        trip: Trip that led to each version, 0 for the prototype.
        version: Version numbers.
        mean: Posterior mean.
        sd: Posterior standard deviation.
        never: The prototype's value, as the never-updated prediction uses it.
        axis: Lowest and highest value of the axis, the same for every vehicle with this pack.
    """

    name: str
    label: str
    unit: str
    decimals: int
    trip: tuple[int, ...]
    version: tuple[int, ...]
    mean: Annotated[tuple[float, ...], Decimals(5)]
    sd: Annotated[tuple[float, ...], Decimals(5)]
    never: Annotated[float | None, Decimals(5)] = None
    axis: Annotated[tuple[float, float] | None, Decimals(5)] = None


@dataclass(frozen=True)
class CoverageRow:
    """Coverage of the 95 % bands over a group of trips, % of scored samples."""

    group: str
    trips: int
    living_pct: Annotated[float | None, Decimals(2)]
    never_pct: Annotated[float | None, Decimals(2)]


@dataclass(frozen=True)
class VersionRow:
    """One entry of the version history.

    Attributes:
        number: 1, 2, 3, ...
        kind: prototype, accepted, refused, rollback, promoted or replayed.
        time_us: Sample time of the decision.
        trip: The trip that led to it, 0 for the prototype.
        reason: Why, in words; untrusted text.
        error_v: RMSE on that trip of the version deployed then.
        challenger_v: RMSE on it of what was proposed, as it stood before the trip.
        never_v: RMSE on it of the never-updated prototype.
        next_error_v: RMSE on the next scored trip, the proof of an update.
        deployed: Whether its parameters are in use now.
        hash: SHA-256 of the entry, hexadecimal.
        parent_hash: That of the entry before, "" for the first.
    """

    number: int
    kind: str
    time_us: int
    trip: int
    reason: str
    error_v: Annotated[float | None, Decimals(4)]
    challenger_v: Annotated[float | None, Decimals(4)]
    never_v: Annotated[float | None, Decimals(4)]
    next_error_v: Annotated[float | None, Decimals(4)] = None
    deployed: bool = False
    hash: str = ""
    parent_hash: str = ""


@dataclass(frozen=True)
class LoopStep:
    """One of the five steps of the last decision: a strong word, what follows it, and a supporting line."""

    word: str
    rest: str
    support: str
