"""`learn energy` on a workspace: read the fleet's drives from the lake, learn what they take, store the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.battery.pack import PackSpec
from twinpack.errors import LearningError, NotFoundError
from twinpack.ingest.log import SegmentLog
from twinpack.learn.card import Data, fingerprint, make_card, span
from twinpack.learn.energy import learn_energy
from twinpack.learn.energy_model import EnergyModel
from twinpack.learn.energy_terms import SUMS, Body, body_of
from twinpack.learn.energy_trips import SIGNALS, EnergyTrip, EnergyTrips, read_trip, trips_of
from twinpack.learn.progress import Tell, silent
from twinpack.runtime.lake import build_telemetry
from twinpack.store.registry import Registry
from twinpack.store.tables import SAMPLE_TIME, TELEMETRY, TRIPS
from twinpack.store.workspace import Workspace

KIND = "energy"
"""Kind of the artifacts."""

TRIPS_EACH = 60
"""So many last drives of a vehicle tell its consumption."""
TRIPS_IN_ALL = 6_000
"""So many of a pack; of a larger fleet fewer of each, then of fewer vehicles."""
LEAST_EACH = 10

_SECONDS_AT_ONCE = 1_000_000.0
_PLUGGED = "is_charging"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LearnedEnergy:
    """A stored model of consumption.

    Attributes:
        model_hash: Its content hash.
        card: Its card.
    """

    model_hash: str
    card: dict[str, Any]


@dataclass(frozen=True)
class LearnedEnergies:
    """What was learned.

    Attributes:
        models: One a pack.
        left_out: Why each other pack has none.
    """

    models: tuple[LearnedEnergy, ...]
    left_out: tuple[str, ...]


def learn_energies(workspace: Workspace, pack: str | None = None, tell: Tell = silent) -> LearnedEnergies:
    """Learn a model of consumption for each pack, and store it.

    Args:
        workspace: Whose drives are learned from; the lake is brought up to what was folded first.
        pack: One pack, all when None.
        tell: Is told of progress.

    Raises:
        NotFoundError: There is no such pack, or no drive.
        LearningError: No pack has drives enough that tell consumption; says what is missing.
    """
    with workspace.registry() as registry:
        build_telemetry(workspace, SegmentLog(workspace.log_dir), registry, registry.offset())
        drives = _drives(workspace)
        learned, left_out = [], []
        for name, vehicles in sorted(_packs(registry, pack).items()):
            spec = registry.fleet.specification(name)
            mine = {one: drives[one] for one in vehicles if one in drives}
            try:
                if spec is None:
                    raise LearningError(f"the specification of pack {name!r} cannot be read")
                learned.append(_learned(workspace, registry, spec, mine, tell))
            except LearningError as error:
                left_out.append(str(error))
        if not learned:
            raise LearningError("; ".join(left_out))
        return LearnedEnergies(tuple(learned), tuple(left_out))


def energy_trips(
    workspace: Workspace, drives: dict[str, list[tuple[int, int]]], body: Body, tell: Tell = silent
) -> list[EnergyTrip]:
    """Drives as consumption is learned from them.

    Args:
        workspace: Whose lake they are in.
        drives: First and last sample of each vehicle's drives, microseconds since the epoch.
        body: The usual vehicle of the pack.
        tell: Is told of progress.
    """
    found: list[EnergyTrip] = []
    names = [name for name in drives if drives[name]]
    held: dict[str, list[tuple[int, int]]] = {}
    for at, name in enumerate(names, start=1):
        held[name] = drives[name]
        if at == len(names) or _seconds(held) >= _SECONDS_AT_ONCE:
            found += list(_read(workspace, held, body))
            held = {}
            tell("reading drives", at, len(names))
    return found


def _seconds(drives: dict[str, list[tuple[int, int]]]) -> float:
    """How long some drives last in all; with a sample a second that is how many rows they have."""
    return sum(end - start for some in drives.values() for start, end in some) / 1e6


def _packs(registry: Registry, pack: str | None) -> dict[str, list[str]]:
    """Vehicles by the name of their pack."""
    found: dict[str, list[str]] = {}
    for name, one in registry.fleet.known().items():
        if one.pack_name:
            found.setdefault(one.pack_name, []).append(name)
    if not found:
        raise NotFoundError("nothing to learn from: `twinpack import` telemetry and `twinpack run` first")
    if pack is not None and pack not in found:
        raise NotFoundError(f"no vehicle of pack {pack!r} here; there are {', '.join(sorted(found))}")
    return found if pack is None else {pack: found[pack]}


def _drives(workspace: Workspace) -> dict[str, list[tuple[int, int]]]:
    """First and last sample of every drive, by vehicle, in order."""
    rows = workspace.lake().read(TRIPS, ["vehicle_id", "start_us", "end_us"], filters=pc.field("kind") == "driving")
    found: dict[str, list[tuple[int, int]]] = {}
    for vehicle, start, end in zip(*(rows.column(name).to_pylist() for name in rows.column_names), strict=True):
        found.setdefault(vehicle, []).append((start, end))
    return {vehicle: sorted(set(drives)) for vehicle, drives in found.items()}


def last_drives(drives: dict[str, list[tuple[int, int]]]) -> dict[str, list[tuple[int, int]]]:
    """The last drives of each vehicle; of a large fleet fewer, and of vehicles evenly spread over their names."""
    each = min(TRIPS_EACH, max(LEAST_EACH, TRIPS_IN_ALL // max(len(drives), 1)))
    names = sorted(drives)
    step = -(-len(names) * each // TRIPS_IN_ALL) if names else 1
    return {name: drives[name][-each:] for name in names[:: max(step, 1)]}


def _read(workspace: Workspace, drives: dict[str, list[tuple[int, int]]], body: Body) -> Iterator[EnergyTrip]:
    """The drives of some vehicles, read at once."""
    since = min(start for some in drives.values() for start, _ in some)
    until = max(end for some in drives.values() for _, end in some)
    table = workspace.lake().read(
        TELEMETRY,
        ["vehicle_id", SAMPLE_TIME, _PLUGGED, *SIGNALS],
        filters=pc.field("speed_kmh").is_valid(),
        vehicle=list(drives),
        since=_EPOCH + timedelta(microseconds=since),
        until=_EPOCH + timedelta(microseconds=until + 1),
    )
    code = table.column("vehicle_id").combine_chunks().dictionary_encode()
    names = code.dictionary.to_pylist()
    # the first sample of a charge may end a drive: what lies between is no driving
    plugged = pc.fill_null(table.column(_PLUGGED), False).to_numpy(zero_copy_only=False)
    number = np.where(plugged, -1, code.indices.to_numpy(zero_copy_only=False))
    time_us = table.column(SAMPLE_TIME).cast(pa.int64()).to_numpy()
    signals = {name: table.column(name).to_numpy(zero_copy_only=False) for name in SIGNALS}
    for at, name in enumerate(names):
        rows = np.flatnonzero(number == at)
        order = rows[np.argsort(time_us[rows], kind="stable")]
        times = time_us[order]
        for start, end in drives[name]:
            mine = order[np.searchsorted(times, start) : np.searchsorted(times, end, side="right")]
            trip = _trip(name, start, time_us[mine], {key: values[mine] for key, values in signals.items()}, body)
            if trip is not None:
                yield trip


def _trip(name: str, start: int, time_us: Any, signals: dict[str, Any], body: Body) -> EnergyTrip | None:
    """One drive; of samples that came twice the first counts."""
    if len(time_us) < 2:
        return None
    once = np.concatenate([[True], np.diff(time_us) > 0])
    time_s = (time_us[once] - time_us[0]) / 1e6
    return read_trip(name, start, time_s, {key: values[once] for key, values in signals.items()}, body)


def _learned(
    workspace: Workspace,
    registry: Registry,
    spec: PackSpec,
    drives: dict[str, list[tuple[int, int]]],
    tell: Tell,
) -> LearnedEnergy:
    body = body_of(spec.energy_kwh)
    read = energy_trips(workspace, last_drives(drives), body, tell)
    trips = trips_of(read)
    model = learn_energy(trips, spec.name, body)
    card = _card(model, trips.take(trips.good), read)
    digest = workspace.artifacts(registry).save(model.to_dict(), pack=spec.name, kind=KIND, card=card)
    return LearnedEnergy(digest, card)


def _card(model: EnergyModel, trips: EnergyTrips, read: Sequence[EnergyTrip]) -> dict[str, Any]:
    disbelieved = sum(bool(one.why) for one in read)
    warnings = []
    if disbelieved:
        warnings.append(f"heating of {disbelieved} trips is not believed: it takes more than the pack gives")
    if not np.isfinite(trips.comfort_kwh).any():
        warnings.append("no heating was measured: weather alone tells it, from the energy of whole trips")
    data = Data(
        first=_iso(trips.start_us.min()),
        last=_iso(trips.start_us.max()),
        vehicles=len(set(trips.vehicle)),
        sessions=len(trips),
        samples=sum(one.samples for one in read),
        fingerprint=fingerprint(read),
    )
    figures = dict(model.card)
    metrics = {name: figures.pop(name) for name in list(figures) if name.startswith("mape")}
    return make_card(
        pack=model.pack,
        kind=KIND,
        data=data,
        metrics=metrics,
        limits={
            "ambient_c": span([np.asarray(trips.weather.ambient_c)]),
            "load_kg": span([np.asarray(trips.weather.load_kg)]),
            "distance_km": span([trips.sums[:, SUMS.index("distance_km")]]),
        },
        figures=figures,
        warnings=warnings,
    )


def _iso(time_us: Any) -> str:
    return (_EPOCH + timedelta(microseconds=int(time_us))).isoformat()
