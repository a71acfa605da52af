"""What becomes of a batch of messages: decode, check, find what came before, route. Nothing is written here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.ingest.gateway.known import NARROWED, Entry, KnownVehicles, registration
from twinpack.ingest.gateway.letters import Letters, texts_of, values_of
from twinpack.ingest.gateway.parcels import Parcel, Refused
from twinpack.ingest.log.seen import Judgement, Seen
from twinpack.ingest.messages import Decoded, Message, decode
from twinpack.ingest.routing import DROPPED, Router
from twinpack.store.credentials import Principal, may_send
from twinpack.store.fleet_records import DEFAULT_FLEET
from twinpack.telemetry.checks import (
    Ledger,
    check_times,
    in_range,
    list_in_range,
    physical_limits,
    samples_table,
    taken,
)
from twinpack.telemetry.duplicates import CONFLICT, FIRST, Hashes, row_hashes
from twinpack.telemetry.readings import ROW_REJECTED, Floats, Integers
from twinpack.telemetry.schema import LOG, command_rows, to_log

AHEAD_US = 5_000_000
"""A sample time further ahead of its receipt than this, in microseconds, tells of a clock that is wrong."""

CONFLICTING = ("conflict", "another sample of this vehicle has the same time and other values", ROW_REJECTED)

_LIMITS = physical_limits()
_UNASKED = -2
"""Kind of a row that routing was not asked about yet."""

Rows = npt.NDArray[np.intp]


class Batch:
    """The messages of some parcels in one row: M of them.

    Attributes:
        parcels: The parcels.
        messages: The messages, parcel by parcel.
        receipt_us: Receipt of each, shape (M,).
        parcel: Parcel of each, shape (M,).
        first: Place of each parcel's first message.
        refused: Parcel and message of those that cannot be decoded.
    """

    def __init__(self, parcels: Sequence[Parcel]) -> None:
        """Join parcels."""
        counts = [len(parcel.messages) for parcel in parcels]
        self.parcels = parcels
        self.messages: list[Message] = [message for parcel in parcels for message in parcel.messages]
        self.parcel = np.repeat(np.arange(len(parcels)), counts)
        self.receipt_us = np.repeat(np.array([parcel.receipt_us for parcel in parcels], np.int64), counts)
        self.first: Integers = np.cumsum([0, *counts])
        self.refused: list[tuple[int, Refused]] = [
            (at, refused) for at, parcel in enumerate(parcels) for refused in parcel.refused
        ]
        codes: dict[Principal, int] = {}
        self._claim = np.array([codes.setdefault(claim, len(codes)) for claim in self._claims()], np.int64)
        self._principals = list(codes)

    def claims(self, message: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], list[Principal]]:
        """Who sends the message of each row: index, and whom it points to."""
        return self._claim[message], self._principals

    def place(self, message: int) -> str:
        """Where a message came in, for people."""
        parcel, topic_vehicle = self.parcels[self.parcel[message]], self.messages[message].topic_vehicle
        return f"{parcel.source}:{topic_vehicle}" if topic_vehicle else parcel.source

    def reject(self, message: int, reason: str, detail: str) -> None:
        """Tell the sender of a message, if it wants to know."""
        at = int(self.parcel[message])
        parcel = self.parcels[at]
        if parcel.wants_outcome:
            parcel.outcome.reject(parcel.offset + message - int(self.first[at]), reason, detail)

    def _claims(self) -> Iterator[Principal]:
        for parcel in self.parcels:
            if len(parcel.claims) == len(parcel.messages):
                yield from parcel.claims
            else:
                yield from repeat(parcel.claims[0], len(parcel.messages))


@dataclass
class Examined:
    """A batch whose N samples have been checked, and not yet compared with the log.

    Attributes:
        batch: The messages.
        decoded: What they hold.
        entries: The vehicles its samples name, None for one that may not send.
        ledger: What is wrong with samples.
        signals: Scalar signals once checked.
        lists: Lists once checked.
        receipt: Receipt time of each sample.
        kept: Samples that are all right.
        hashes: Of the values of those.
        kinds: What routing says of each of the N samples.
    """

    batch: Batch
    decoded: Decoded
    entries: list[Entry | None]
    ledger: Ledger
    signals: Mapping[str, Floats]
    lists: Mapping[str, Any]
    receipt: Integers
    kept: Rows
    hashes: Hashes
    kinds: npt.NDArray[np.int8]


@dataclass
class Verdict:
    """What is to be written of a batch, and counted once it is.

    Attributes:
        examined: The batch.
        judgement: What was before of the samples that are all right.
        rows: Registrations and samples, in the `LOG` schema.
        letters: Dead letters.
        entered: Samples that enter the log: positions among the N.
        registered: Vehicles that are registered.
        conflicts: Samples that contradict one of the same time.
        unrouted: Samples that no rule takes.
        late: Those that enter the log and are older than the newest of their vehicle.
    """

    examined: Examined
    judgement: Judgement
    rows: pa.Table
    letters: pa.Table
    entered: Rows
    registered: list[str]
    conflicts: Rows
    unrouted: int
    late: Rows


class Judge:
    """Judges batches one after the other."""

    def __init__(self, known: KnownVehicles, seen: Seen, router: Router, max_message_bytes: int) -> None:
        """Judge by the vehicles that are known, what the log holds and the routing rules."""
        self._known, self._seen, self._router = known, seen, router
        self._max_bytes = max_message_bytes

    def examine(self, batch: Batch) -> Examined:
        """Decode and check; what is wrong with a sample never touches another."""
        decoded = decode(batch.messages, self._max_bytes)
        readings = decoded.readings
        ledger = Ledger(len(readings), readings.faults)
        entries = self._admitted(batch, decoded, ledger)
        receipt = batch.receipt_us[decoded.message]
        check_times(readings.sample_time_us, receipt, None, ledger)
        limits = _limits_by_row(entries, readings.vehicle)
        signals = {}
        for name, values in readings.signals.items():
            low, high = limits.get(name, _LIMITS[name])
            signals[name], _ = in_range(name, values, low, high, ledger)
        lists = {name: list_in_range(name, values, _LIMITS[name], ledger) for name, values in readings.lists.items()}
        kept = np.flatnonzero(~ledger.rejected)
        whole = len(kept) == len(readings)
        hashes = row_hashes(
            signals if whole else {name: values[kept] for name, values in signals.items()},
            lists if whole else taken(lists, kept),
            len(kept),
        )
        kinds = np.full(len(readings), _UNASKED, np.int8)
        return Examined(batch, decoded, entries, ledger, signals, lists, receipt, kept, hashes, kinds)

    def decide(self, examined: Examined) -> Verdict:
        """Compare with what the log holds, and route. May be asked again when the log has moved."""
        readings, kept = examined.decoded.readings, examined.kept
        judgement = self._seen.judge(
            readings.vehicle_ids, readings.vehicle[kept], readings.sample_time_us[kept], examined.hashes
        )
        first = judgement.verdict == FIRST
        fresh = kept[first]
        samples = samples_table(readings, examined.signals, examined.lists, fresh, examined.receipt[fresh])
        kinds = self._kinds(examined, fresh, samples)
        rows = to_log(samples).set_column(LOG.get_field_index("kind"), LOG.field("kind"), pa.array(kinds))
        routed = kinds != DROPPED
        if not routed.all():
            rows = rows.filter(pa.array(routed))
        entered = fresh[routed]
        newcomers = self._newcomers(examined, entered)
        if newcomers:
            rows = pa.concat_tables([_registrations(newcomers, examined, entered), rows])
        conflicts = kept[judgement.verdict == CONFLICT]
        return Verdict(
            examined,
            judgement,
            rows,
            _letters(examined, conflicts),
            entered,
            [entry.vehicle_id for entry in newcomers],
            conflicts,
            int(np.count_nonzero(~routed)),
            fresh[judgement.late[first] & routed],
        )

    def accept(self, verdict: Verdict) -> None:
        """Remember what is in the log now."""
        examined = verdict.examined
        readings, at = examined.decoded.readings, np.searchsorted(examined.kept, verdict.entered)
        self._seen.accept(
            readings.vehicle_ids,
            readings.vehicle[verdict.entered],
            readings.sample_time_us[verdict.entered],
            examined.hashes[at],
        )
        self._known.confirm(verdict.registered)

    def _admitted(self, batch: Batch, decoded: Decoded, ledger: Ledger) -> list[Entry | None]:
        """The vehicles of a batch; rows of those that may not send, or not for whoever sends, are rejected."""
        readings = decoded.readings
        claim, principals = batch.claims(decoded.message)
        many = len(readings.vehicle_ids) + 1  # 0 stands for no vehicle, which is a fault of its own
        pairs, pair = np.unique(claim * many + readings.vehicle + 1, return_inverse=True)
        senders = [(at, principals[one // many], one % many - 1) for at, one in enumerate(pairs.tolist()) if one % many]
        entries, faults = self._faults(readings.vehicle_ids, senders)
        if any(reason != "unknown" for reason, _ in faults.values()) and self._known.read_if_due():
            entries, faults = self._faults(readings.vehicle_ids, senders)  # it may have been moved or taken back
        for reason in {reason for reason, _ in faults.values()}:
            mine = [at for at, fault in faults.items() if fault[0] == reason]
            ledger.reject(reason, np.isin(pair, mine), lambda row: faults[int(pair[row])][1])
        return entries

    def _faults(
        self, names: Sequence[str], senders: Sequence[tuple[int, Principal, int]]
    ) -> tuple[list[Entry | None], dict[int, tuple[str, str]]]:
        """The vehicles of some names, and which of the pairs of sender and vehicle may not be, by their place."""
        entries = self._known.find(names)
        faults = {}
        for at, sender, vehicle in senders:
            fault = self._fault(entries, vehicle, names[vehicle], sender)
            if fault is not None:
                faults[at] = fault
        return entries, faults

    def _fault(self, entries: list[Entry | None], at: int, name: str, sender: Principal) -> tuple[str, str] | None:
        """Why a vehicle may not send, or not by this sender; one that is taken in now is put into its place."""
        entry = entries[at]
        fleet = entry.fleet if entry is not None else sender.name if sender.scope == "fleet" else DEFAULT_FLEET
        if not may_send(sender, name, fleet):
            if sender.credential_id:
                return "forbidden", f"the token is that of {sender.scope} {sender.name!r}"
            return "topic", f"the topic names fleet {sender.name!r}, the vehicle is in fleet {fleet!r}"
        if entry is None:
            admitted = self._known.admit(name, fleet)
            if isinstance(admitted, str):
                return "unknown", admitted
            entries[at] = admitted
        elif entry.retired:
            return "retired", f"the vehicle is out of service: `twinpack fleet edit {name} --return` takes it back"
        return None

    def _kinds(self, examined: Examined, fresh: Rows, samples: pa.Table) -> npt.NDArray[np.int8]:
        kinds = examined.kinds
        if (kinds[fresh] == _UNASKED).any():  # asked once: a rule may let one sample of many through
            kinds[fresh] = self._router.kinds(samples)
        return kinds[fresh]

    def _newcomers(self, examined: Examined, entered: Rows) -> list[Entry]:
        registered = self._known.registered
        fresh = [at for at, entry in enumerate(examined.entries) if entry and entry.vehicle_id not in registered]
        if not fresh:
            return []
        sends = set(np.unique(examined.decoded.readings.vehicle[entered]).tolist())
        return [entry for at in fresh if at in sends and (entry := examined.entries[at]) is not None]


def _limits_by_row(entries: Sequence[Entry | None], vehicle: npt.NDArray[np.int32]) -> dict[str, tuple[Floats, Floats]]:
    """Limits that depend on the pack, one a row; a row without a vehicle that may send is rejected anyway."""
    widest = tuple(_LIMITS[name] for name in NARROWED)
    table = np.array([entry.limits if entry else widest for entry in entries] + [widest], np.float64)
    return {name: (table[vehicle, at, 0], table[vehicle, at, 1]) for at, name in enumerate(NARROWED)}


def _registrations(newcomers: Sequence[Entry], examined: Examined, entered: Rows) -> pa.Table:
    receipt = int(examined.receipt[entered[0]])
    bodies = [json.dumps(registration(entry), separators=(",", ":")) for entry in newcomers]
    return command_rows([entry.vehicle_id for entry in newcomers], [receipt] * len(newcomers), bodies)


def _letters(examined: Examined, conflicts: Rows) -> pa.Table:
    batch, decoded, letters = examined.batch, examined.decoded, Letters()
    for at, refused in batch.refused:
        letters.add_message(
            f"{batch.parcels[at].source}:{refused.place}", refused.message, refused.reason, refused.detail
        )
    for reject in decoded.rejected:
        letters.add_message(batch.place(reject.message), batch.messages[reject.message], reject.reason, reject.detail)
    for row, fault in [*_row_faults(examined), *((int(row), CONFLICTING) for row in conflicts)]:
        message = int(decoded.message[row])
        position = row - int(np.searchsorted(decoded.message, message)) + 1
        vehicle = int(decoded.readings.vehicle[row])
        name = decoded.readings.vehicle_ids[vehicle] if vehicle >= 0 else None
        letters.add_row(batch.place(message), position, name, fault, values_of(decoded.readings, row))
    return letters.table()


def _row_faults(examined: Examined) -> Iterator[tuple[int, tuple[str, str, str]]]:
    for fault in examined.ledger.faults:
        yield from texts_of(fault)
