"""A made-up fleet whose figures hang together, for looking at the page and for its tests."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise

import numpy as np

from twinpack.report.data import FleetRow, ReportData, TraceSeries, VehicleReport, VoltageHistory
from twinpack.report.summarise import fleet_errors, fleet_figures
from twinpack.views.sampling import keep_extremes
from twinpack.views.twin.loop import coverage, coverage_rows, loop_steps, median
from twinpack.views.twin.records import ParameterSeries, TripPoint, VersionRow

START_US = 1_577_869_200_000_000
DAY_US = 86_400_000_000
LIMIT_V = 0.8
NEW_AH = 180.0


def report(vehicles: int = 20, trips: int = 60, seed: int = 7) -> ReportData:
    rng = np.random.default_rng(seed)
    pages = [_vehicle(f"HF-{n:04d}", trips, rng) for n in range(1, vehicles + 1)]
    rows = [_row(page, rng) for page in pages]
    points = [trip for page in pages for trip in page.trips]
    figures = fleet_figures(rows, points)
    rows = [replace(row, deviation_pts=(row.health_pct or 0) - (figures.health_pct or 0)) for row in rows]
    versions = sum(row.versions for row in rows)
    return ReportData(
        title="Harbour Fleet",
        as_of_us=max(row.last_seen_us or 0 for row in rows) if rows else None,
        code_version="0.1.0",
        chain_ok=True,
        chain_note=f"{versions} versions, every hash and link",
        note="",
        figures=figures,
        errors=fleet_errors([page.trips for page in pages]),
        fleet=tuple(rows),
        vehicles=tuple(pages),
    )


def _row(page: VehicleReport, rng: np.random.Generator) -> FleetRow:
    capacity, resistance = page.parameters[0], page.parameters[1]
    return FleetRow(
        vehicle_id=page.vehicle_id,
        pack=page.pack,
        distance_km=float(rng.uniform(20_000, 160_000)),
        trips=len(page.trips),
        health_pct=100 * capacity.mean[-1] / NEW_AH,
        health_sd_pct=100 * capacity.sd[-1] / NEW_AH,
        deviation_pts=None,
        resistance_x=resistance.mean[-1],
        error_never_v=median(trip.never_v for trip in page.trips),
        error_living_v=median(trip.living_v for trip in page.trips),
        coverage_pct=coverage(page.trips, lambda trip: trip.living_coverage_pct),
        versions=len(page.versions),
        accepted=sum(version.kind == "accepted" for version in page.versions),
        refused=sum(version.kind == "refused" for version in page.versions),
        last_seen_us=page.trips[-1].end_us,
    )


def _vehicle(vehicle_id: str, count: int, rng: np.random.Generator) -> VehicleReport:
    wear = rng.uniform(4, 24)
    never, trips, versions = 0.5, [], [_version(vehicle_id, 1, "prototype", START_US, 0, "Learned from the fleet.", ())]
    capacity, deployed, living = [(0, 1, 0.985 * NEW_AH, 4.0)], 1, 0.5
    for number in range(1, count + 1):
        start = START_US + int(number * 1826 / count * DAY_US)
        never = 0.45 + wear / 8 * number / count + rng.uniform(0, 0.3)
        living = min(never, 0.35 + abs(living - 0.3) * 0.6 + 0.02 * wear * rng.uniform(0, 1))
        decision, version = "unscored" if number < 4 else "kept", deployed
        next_number = len(versions) + 1
        if number >= 4 and living > LIMIT_V:
            decision = "refused" if rng.uniform() < 0.25 else "accepted"
            reason = (
                "Capacity needs a 30 % swing, this trip had 11 %."
                if decision == "refused"
                else f"Error {living:.2f} V was over the limit of {LIMIT_V:.2f} V on a wide swing."
            )
            errors = (living, living * (1.2 if decision == "refused" else 0.5), never)
            versions.append(_version(vehicle_id, next_number, decision, start, number, reason, errors, versions[-1]))
            if decision == "accepted":
                deployed, living = next_number, 0.35
                mean = NEW_AH * (1 - wear / 100 * (number / count) ** 0.8) + rng.normal(0, 0.4)
                capacity.append((number, next_number, mean, 1.2 + 2.5 / len(capacity)))
        scored = number >= 4
        error = errors[0] if decision in ("accepted", "refused") else living
        trips.append(
            TripPoint(
                number=number,
                kind="driving",
                start_us=start,
                end_us=start + int(rng.uniform(0.5, 1.4) * 3.6e9),
                distance_km=float(rng.uniform(10, 80)),
                soc_swing_pct=float(rng.uniform(10, 60)),
                never_v=never if scored else None,
                living_v=error if scored else None,
                never_coverage_pct=float(rng.uniform(45, 75)) if scored else None,
                living_coverage_pct=float(rng.uniform(91, 98.5)) if scored else None,
                samples=int(rng.integers(300, 450)) if scored else 0,
                version=version,
                decision=decision,
                hardness=float(rng.uniform(0.1, 1.0)),
            )
        )
    versions = [_with_proof(version, trips, deployed) for version in versions]
    traces = tuple(_trace(trip, why, rng) for trip, why in _chosen(trips))
    names = ("capacity", "resistance R₀", "resistance R₁")
    return VehicleReport(
        vehicle_id=vehicle_id,
        pack="lark-64",
        pack_facts="NMC 96s3p · 180 Ah",
        new_capacity_ah=NEW_AH,
        threshold_v=LIMIT_V,
        policy="threshold",
        loop=loop_steps(trips, versions, LIMIT_V, "threshold", names),
        trips=tuple(trips),
        history=_history(trips, rng),
        traces=traces,
        parameters=_parameters(capacity),
        coverage=coverage_rows(trips),
        versions=tuple(versions),
        explanations=(
            "−0.6 pts on trip 58: the charge swung 39 %, so the interval narrowed from ±2.4 to ±1.7 (version 20 → 22).",
            "−0.4 pts on trip 51: wear; resistance rose by 1.1 % at the same time (version 17 → 20).",
        ),
    )


def _chosen(trips: list[TripPoint]) -> list[tuple[TripPoint, str]]:
    scored = [trip for trip in trips if trip.living_v is not None]
    if not scored:
        return []
    chosen = {scored[0].number: "first", max(scored, key=lambda t: t.living_v or 0).number: "worst"}
    for before, after in pairwise(scored):
        if before.decision == "accepted" and before.number not in chosen:
            chosen[before.number], chosen[after.number] = "update", "after"
            break
    chosen.setdefault(scored[-1].number, "last")
    return [(trip, chosen[trip.number]) for trip in scored if trip.number in chosen]


def _trace(trip: TripPoint, why: str, rng: np.random.Generator) -> TraceSeries:
    time = np.arange(0, 3000, 7.0)
    current = -60 - 80 * np.abs(np.sin(time / 90)) * (rng.uniform(0, 1, len(time)) > 0.3)
    measured = 385 - time / 150 + current * 0.1 + rng.normal(0, 0.3, len(time))
    measured[200:215] = np.nan
    offset = np.sign(rng.normal()) * (trip.never_v or 0) * (0.6 + time / 4000)
    living = (trip.living_v or 0) * np.sin(time / 700)
    columns = {
        "time_s": time,
        "measured_v": measured,
        "never_v": measured + offset + rng.normal(0, 0.1, len(time)),
        "never_sd_v": 0.9 + time / 3000,
        "living_v": measured + living + rng.normal(0, 0.1, len(time)),
        "living_sd_v": np.full(len(time), 0.42),
    }
    kept = keep_extremes(measured, 240)
    kept = np.union1d(kept, [200, 214])
    return TraceSeries(
        trip=trip.number,
        why=why,
        start_us=trip.start_us,
        version=trip.version,
        samples=len(time),
        scored_from_s=50.0,
        **{name: column[kept] for name, column in columns.items()},
    )


def _history(trips: list[TripPoint], rng: np.random.Generator) -> VoltageHistory:
    low = [395 - np.linspace(0, rng.uniform(10, 45), 12) - rng.uniform(2, 12, 12) for _ in trips]
    return VoltageHistory(
        start_us=tuple(trip.start_us for trip in trips),
        end_us=tuple(trip.end_us for trip in trips),
        trip=tuple(trip.number for trip in trips),
        min_v=tuple(low),
        max_v=tuple(bucket + rng.uniform(1, 8, 12) for bucket in low),
        samples=400 * len(trips),
    )


def _parameters(capacity: list[tuple[int, int, float, float]]) -> tuple[ParameterSeries, ...]:
    trip, version, mean, sd = (tuple(column) for column in zip(*capacity, strict=True))
    share = np.array(mean) / NEW_AH
    plan = [
        ("capacity_ah", "Capacity", "Ah", 1, np.array(mean), np.array(sd), (120.0, 190.0)),
        ("r0_scale", "Resistance R₀", "× new", 2, 1 + 2.4 * (1 - share), 0.02 + 0 * share, (0.8, 1.8)),
        ("r1_scale", "Resistance R₁", "× new", 2, 1 + 1.6 * (1 - share), 0.05 + 0 * share, (0.8, 1.8)),
        ("offset_v", "Voltage offset", "V", 2, 0.2 * (share - 0.9), 0.05 + 0 * share, (-0.5, 0.5)),
    ]
    return tuple(
        ParameterSeries(
            name=name,
            label=text,
            unit=unit,
            decimals=decimals,
            trip=trip,
            version=version,
            mean=tuple(values.tolist()),
            sd=tuple(spread.tolist()),
            never=float(values[0]),
            axis=axis,
        )
        for name, text, unit, decimals, values, spread, axis in plan
    )


def _version(
    vehicle_id: str,
    number: int,
    kind: str,
    time_us: int,
    trip: int,
    reason: str,
    errors: tuple[float, ...],
    parent: VersionRow | None = None,
) -> VersionRow:
    deployed, challenger, never = errors or (None, None, None)
    return VersionRow(
        number=number,
        kind=kind,
        time_us=time_us,
        trip=trip,
        reason=reason,
        error_v=deployed,
        challenger_v=challenger,
        never_v=never,
        hash=hashlib.sha256(f"{vehicle_id} {number}".encode()).hexdigest(),
        parent_hash=parent.hash if parent else "",
    )


def _with_proof(version: VersionRow, trips: list[TripPoint], deployed: int) -> VersionRow:
    after = [trip.living_v for trip in trips if trip.number > version.trip and trip.living_v is not None]
    proof = after[0] if after and version.kind == "accepted" else None
    return replace(version, next_error_v=proof, deployed=version.number == deployed)
