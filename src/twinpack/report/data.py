"""What a report shows, as plain records.

Units are in the names. Times are microseconds since the epoch, UTC. Missing is None for a single figure and NaN in an
array; the page says "not known yet" or leaves a gap. `Decimals` follow the uncertainty of a figure and keep the file
small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]


@dataclass(frozen=True)
class Decimals:
    """How many decimals the numbers of a field keep in the page; `Annotated[float, Decimals(2)]`."""

    count: int


@dataclass(frozen=True)
class FleetRow:
    """One line of the fleet table.

    Attributes:
        vehicle_id: The vehicle; untrusted text.
        pack: Name of its pack specification.
        distance_km: Odometer, or the distance driven in the data.
        trips: Trips recorded.
        health_pct: Capacity health, % of the new pack's.
        health_sd_pct: Its standard deviation, pts.
        deviation_pts: Capacity health less the median of the fleet, pts.
        resistance_x: Resistance, times that of a new pack.
        error_never_v: Median over scored trips of the never-updated prediction's RMSE.
        error_living_v: The same of the living twin's.
        coverage_pct: Samples inside the living twin's 95 % band, % of scored samples.
        versions: Entries in its version history.
        accepted: Updates accepted.
        refused: Updates refused.
        last_seen_us: Its last sample.
    """

    vehicle_id: str
    pack: str
    distance_km: Annotated[float | None, Decimals(0)]
    trips: int
    health_pct: Annotated[float | None, Decimals(2)]
    health_sd_pct: Annotated[float | None, Decimals(2)]
    deviation_pts: Annotated[float | None, Decimals(2)]
    resistance_x: Annotated[float | None, Decimals(3)]
    error_never_v: Annotated[float | None, Decimals(4)]
    error_living_v: Annotated[float | None, Decimals(4)]
    coverage_pct: Annotated[float | None, Decimals(2)]
    versions: int
    accepted: int
    refused: int
    last_seen_us: int | None


@dataclass(frozen=True)
class FleetFigures:
    """The strip of figures over the fleet table; medians are over all scored trips."""

    vehicles: int
    packs: int
    trips: int
    scored_trips: int
    error_never_v: Annotated[float | None, Decimals(4)]
    error_living_v: Annotated[float | None, Decimals(4)]
    coverage_pct: Annotated[float | None, Decimals(2)]
    health_pct: Annotated[float | None, Decimals(2)]
    health_low_pct: Annotated[float | None, Decimals(2)]
    health_high_pct: Annotated[float | None, Decimals(2)]
    accepted: int
    refused: int


@dataclass(frozen=True, eq=False)
class FleetErrors:
    """Error over trips across the fleet: median and p10 to p90 of each trip number, V."""

    trip: tuple[int, ...]
    never_median_v: Annotated[FloatColumn, Decimals(3)]
    never_low_v: Annotated[FloatColumn, Decimals(3)]
    never_high_v: Annotated[FloatColumn, Decimals(3)]
    living_median_v: Annotated[FloatColumn, Decimals(3)]
    living_low_v: Annotated[FloatColumn, Decimals(3)]
    living_high_v: Annotated[FloatColumn, Decimals(3)]
    vehicles: tuple[int, ...]


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


@dataclass(frozen=True, eq=False)
class VoltageHistory:
    """The whole measured voltage, down-sampled so that minimum and maximum of each bucket are kept.

    One entry a session; a session has `len(min_v[i])` buckets of equal width between its start and end. What lies
    between sessions was not recorded.
    """

    start_us: tuple[int, ...]
    end_us: tuple[int, ...]
    trip: tuple[int, ...]
    min_v: Annotated[tuple[FloatColumn, ...], Decimals(2)]
    max_v: Annotated[tuple[FloatColumn, ...], Decimals(2)]
    samples: int = 0


@dataclass(frozen=True, eq=False)
class TraceSeries:
    """One trip's voltage, measured and predicted, down-sampled; NaN is a gap.

    Standard deviations are of the prediction of a measurement; bands are drawn 1.96 of them wide. The columns of one
    trace have one length.

    Attributes:
        trip: Trip number.
        why: Why this trip is shown: first, worst, update, after, last.
        start_us: Time of second 0.
        version: The version that was deployed.
        samples: Samples before down-sampling.
        scored_from_s: First scored second; before it the start state may be corrected.
        time_s: Seconds since the start.
        measured_v: Measured pack voltage.
        never_v: Never-updated prediction.
        never_sd_v: Its standard deviation.
        living_v: Prediction of the deployed version.
        living_sd_v: Its standard deviation.
    """

    trip: int
    why: str
    start_us: int
    version: int
    samples: int
    scored_from_s: Annotated[float, Decimals(0)]
    time_s: Annotated[FloatColumn, Decimals(0)]
    measured_v: Annotated[FloatColumn, Decimals(3)]
    never_v: Annotated[FloatColumn, Decimals(3)]
    never_sd_v: Annotated[FloatColumn, Decimals(3)]
    living_v: Annotated[FloatColumn, Decimals(3)]
    living_sd_v: Annotated[FloatColumn, Decimals(3)]


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


@dataclass(frozen=True, eq=False)
class VehicleReport:
    """Everything on one vehicle's page.

    Attributes:
        vehicle_id: The vehicle; untrusted text.
        pack: Name of its pack specification.
        pack_facts: One line about the pack, such as "NMC 96s, 180 Ah".
        new_capacity_ah: Capacity when new.
        threshold_v: Error that calls for an update.
        policy: Update policy in force.
        loop: Five steps of the last decision, or none.
        trips: All trips in order.
        history: Voltage history.
        traces: Trips whose samples can be shown.
        parameters: Living parameters, capacity first.
        coverage: All trips, then from gentle to hard.
        versions: All versions, oldest first.
        explanations: Why the figures changed, in words; untrusted text.
    """

    vehicle_id: str
    pack: str
    pack_facts: str
    new_capacity_ah: Annotated[float | None, Decimals(2)]
    threshold_v: Annotated[float | None, Decimals(4)]
    policy: str
    loop: tuple[LoopStep, ...]
    trips: tuple[TripPoint, ...]
    history: VoltageHistory
    traces: tuple[TraceSeries, ...]
    parameters: tuple[ParameterSeries, ...]
    coverage: tuple[CoverageRow, ...]
    versions: tuple[VersionRow, ...]
    explanations: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ReportData:
    """A whole report.

    Attributes:
        title: Name of the fleet; untrusted text.
        as_of_us: The last sample in it. No wall-clock time enters, so the same data gives the same bytes.
        code_version: The release that wrote it.
        chain_ok: Whether the version history was verified; None when it was not checked.
        chain_note: What the check found, in words.
        note: What was left out, such as "20 of 100 vehicles", or "".
        figures: Strip of figures.
        errors: Error over trips across the fleet.
        fleet: Fleet table.
        vehicles: Vehicle pages, in the order of `fleet`.
    """

    title: str
    as_of_us: int | None
    code_version: str
    chain_ok: bool | None
    chain_note: str
    note: str
    figures: FleetFigures
    errors: FleetErrors
    fleet: tuple[FleetRow, ...]
    vehicles: tuple[VehicleReport, ...] = ()
