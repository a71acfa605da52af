"""What a report shows, as plain records.

Units are in the names. Times are microseconds since the epoch, UTC. Missing is None for a single figure and NaN in an
array; the page says "not known yet" or leaves a gap. `Decimals` keep the file small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from twinpack.views.columns import FloatColumn
from twinpack.views.twin.records import CoverageRow, Decimals, LoopStep, ParameterSeries, TripPoint, VersionRow


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


@dataclass(frozen=True)
class EffectRow:
    """What one living parameter, or several judged as one, makes of the voltage's variance.

    Attributes:
        name: Its name.
        total: Share alone and with others.
        total_conf: Half width of its 95 % interval.
        alone: Share alone.
        lives: Whether it is of the living set.
        left: Standard deviation after a vehicle's trips over the one before; the median of several.
    """

    name: str
    total: Annotated[float, Decimals(3)]
    total_conf: Annotated[float, Decimals(3)]
    alone: Annotated[float, Decimals(3)]
    lives: bool
    left: Annotated[float | None, Decimals(2)]


@dataclass(frozen=True)
class SensitivityReport:
    """What `twinpack sensitivity` found last of a pack's model.

    Attributes:
        pack: Name of the pack.
        kind: Kind of the model.
        model_hash: The model.
        trips: Trips that were calibrated to.
        none_v: What is left of them with nothing calibrated, V.
        set_v: With the living set.
        all_v: With all living parameters.
        rows: Living parameters, the most important first.
    """

    pack: str
    kind: str
    model_hash: str
    trips: int
    none_v: Annotated[float, Decimals(4)]
    set_v: Annotated[float, Decimals(4)]
    all_v: Annotated[float, Decimals(4)]
    rows: tuple[EffectRow, ...]


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
        sensitivity: What matters in the models, where that was analysed, by pack.
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
    sensitivity: tuple[SensitivityReport, ...] = ()
