"""The one way in: sources hand in parcels, one thread makes them durable and has them acknowledged, in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from twinpack.errors import WorkspaceError
from twinpack.ingest.gateway.judge import AHEAD_US, CONFLICTING, Batch, Examined, Judge, Verdict
from twinpack.ingest.gateway.letters import texts_of
from twinpack.ingest.gateway.metrics import Metrics
from twinpack.ingest.gateway.parcels import Parcel, Pending, Refused
from twinpack.ingest.gateway.sequences import SequenceCheck
from twinpack.ingest.log import LiveLog, LogMovedError
from twinpack.ingest.logs import Events
from twinpack.ingest.messages import UnknownNames
from twinpack.store.settings import GatewaySettings
from twinpack.telemetry.duplicates import DUPLICATE, FIRST
from twinpack.telemetry.readings import ROW_REJECTED
from twinpack.telemetry.schema import tick_row

TICK_S = 60.0
"""How often the log is told that time has passed, seconds."""

_BACKOFF_S = (0.1, 5.0)
_IDLE_S = 1.0
_MEGABYTE = 1_000_000


class Intake:
    """Takes parcels of any source. What it acknowledges is on disk.

    Attributes:
        pending: Parcels that wait; sources look here whether there is room.
        ahead: Samples ahead of the clock, by vehicle.
        broken: What ended it for good, "" while it runs.
    """

    def __init__(
        self,
        log: LiveLog,
        judge: Judge,
        settings: GatewaySettings,
        metrics: Metrics,
        *,
        now_us: Callable[[], int],
        may_tick: Callable[[], bool] = lambda: True,
    ) -> None:
        """Name the log and who judges; `start` begins.

        Args:
            log: An open log.
            judge: What becomes of messages.
            settings: How much is written at once.
            metrics: Where it is counted.
            now_us: The clock, microseconds since the epoch.
            may_tick: Whether silence can be told now: not while nobody can be heard.
        """
        self.pending = Pending(round(settings.max_pending_mb * _MEGABYTE))
        self.ahead: dict[str, int] = {}
        self._log, self._judge, self._metrics = log, judge, metrics
        self._now_us, self._may_tick = now_us, may_tick
        self._most, self._linger_s = settings.batch_rows, settings.commit_ms / 1000
        self._samples_each = 1.0  # of a message, as it was of late
        self._sequences = SequenceCheck()
        self._unknown = UnknownNames()
        self._events = Events("intake")
        self.broken = ""
        self._failing = False
        self._giving_up = threading.Event()
        self._next_tick = time.monotonic() + TICK_S
        self._thread: threading.Thread | None = None

    @property
    def writable(self) -> bool:
        """Whether the last write succeeded."""
        return not (self._failing or self.broken)

    def start(self) -> None:
        """Begin to take parcels."""
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def stop(self, patience_s: float = 10.0) -> None:
        """Write what is there, and end. What cannot be written for so long stays unacknowledged."""
        self.pending.close()
        if self._thread is not None:
            self._thread.join(patience_s)
            self._giving_up.set()
            self._thread.join()

    def tick_soon(self) -> None:
        """Tell the log that time has passed, without waiting for the minute to be over."""
        self._next_tick = time.monotonic()

    def _run(self) -> None:
        try:
            self._take_and_commit()
        except Exception as error:  # noqa: BLE001 - the edge of a thread: said aloud, and nothing is acknowledged
            self.broken = f"{type(error).__name__}: {error}"
            self.pending.close()
            self._events.error("intake_stopped", trace=True, error=self.broken)

    def _take_and_commit(self) -> None:
        while not (self.pending.finished or self._giving_up.is_set()):
            enough = max(1, round(self._most / self._samples_each))
            parcels = self.pending.take(enough, self._linger_s, min(_IDLE_S, self._until_tick()))
            if parcels:
                self._commit(parcels)
            if self._until_tick() <= 0:
                self._tick()

    # --- committing -----------------------------------------------------------------------------------------------

    def _commit(self, parcels: Sequence[Parcel]) -> None:
        began = time.perf_counter()
        self._metrics.pending_bytes.set(self.pending.bytes)
        if not self._write_all(parcels):
            return  # ended before they could be written: they were not acknowledged, and their senders still have them
        self.pending.release(parcels)
        for parcel in parcels:
            parcel.done(parcel)
            self._metrics.acknowledged.labels(parcel.source).inc(parcel.count)
        self._metrics.pending_bytes.set(self.pending.bytes)
        self._metrics.commit.observe(time.perf_counter() - began)

    def _write_all(self, parcels: Sequence[Parcel]) -> bool:
        """Make parcels durable; whether they are. One whose messages nobody foresaw does not stop the others."""
        try:
            verdict = self._write(Batch(parcels))
        except Exception as error:  # noqa: BLE001 - the edge of a thread: no message may stop those behind it
            self._events.error("batch_failed", trace=True, error=f"{type(error).__name__}: {error}")
            return all(self._write_all(part) for part in _smaller(parcels, f"{type(error).__name__}: {error}"))
        if verdict is not None:
            self._count(verdict)
        return verdict is not None

    def _write(self, batch: Batch) -> Verdict | None:
        """Write a batch however long it takes; None when it is given up."""
        examined = self._judge.examine(batch)
        verdict = self._judge.decide(examined)
        pause = _BACKOFF_S[0]
        while verdict.rows.num_rows or verdict.letters.num_rows:
            try:
                self._log.append(verdict.rows, verdict.letters, compared_to=verdict.judgement.compared_to)
                break
            except LogMovedError:
                verdict = self._judge.decide(examined)
            except (OSError, WorkspaceError) as error:
                self._note_failure(error)
                if self._giving_up.wait(pause):
                    return None
                pause = min(2 * pause, _BACKOFF_S[1])
        self._note_success()
        self._judge.accept(verdict)
        return verdict

    def _note_failure(self, error: Exception) -> None:
        self._metrics.write_failures.inc()
        if not self._failing:
            self._events.error("log_not_writable", error=str(error), pending_bytes=self.pending.bytes)
        self._failing = True
        self._metrics.writable.set(0)

    def _note_success(self) -> None:
        if self._failing:
            self._events.warning("log_writable_again", pending_bytes=self.pending.bytes)
            self._failing = False
            self._metrics.writable.set(1)
        self._metrics.log_end.set(self._log.end_offset)

    # --- ticks ----------------------------------------------------------------------------------------------------

    def _until_tick(self) -> float:
        return self._next_tick - time.monotonic()

    def _tick(self) -> None:
        self._next_tick = time.monotonic() + TICK_S
        self._tell_skew()
        self._metrics.unsealed.set(self._log.unsealed_rows)
        if not self._may_tick():
            return
        try:
            self._log.append(tick_row(self._now_us()))
        except (OSError, WorkspaceError) as error:
            self._note_failure(error)
            self._next_tick = time.monotonic() + _BACKOFF_S[1]  # while it fails HTTP is shut, and nothing else tries
        else:
            self._note_success()

    def _tell_skew(self) -> None:
        if self.ahead:
            worst = sorted(self.ahead.items(), key=lambda item: -item[1])[:10]
            self._events.warning("clocks_ahead", vehicles=len(self.ahead), samples=dict(worst))

    # --- counting -------------------------------------------------------------------------------------------------

    def _count(self, verdict: Verdict) -> None:
        examined, metrics = verdict.examined, self._metrics
        duplicates = int(np.count_nonzero(verdict.judgement.verdict == DUPLICATE))
        metrics.accepted.inc(len(verdict.entered))
        metrics.duplicates.inc(duplicates)
        metrics.late.inc(len(verdict.late))
        metrics.unrouted.inc(verdict.unrouted)
        metrics.batch.observe(len(verdict.entered))
        metrics.unknown_fields.inc(sum(examined.decoded.unknown.values()))
        for told in self._unknown.add(examined.decoded.unknown):
            self._events.warning("unknown_field", text=told)
        metrics.decoded.inc(len(examined.batch.messages) - len(examined.decoded.rejected))
        metrics.samples.inc(len(examined.decoded.message))
        if examined.batch.messages:
            found = len(examined.decoded.message) / len(examined.batch.messages)
            self._samples_each = max(1.0, (self._samples_each + found) / 2)
        self._count_faults(verdict)
        self._count_clocks(verdict)
        self._count_sequences(verdict)
        _fill_outcomes(verdict)

    def _count_faults(self, verdict: Verdict) -> None:
        metrics, examined = self._metrics, verdict.examined
        for fault in examined.ledger.faults:
            counter = metrics.rejected if fault.action == ROW_REJECTED else metrics.cleared
            counter.labels(fault.reason).inc(len(fault.rows))
        if len(verdict.conflicts):
            metrics.rejected.labels(CONFLICTING[0]).inc(len(verdict.conflicts))
        for reject in examined.decoded.rejected:
            metrics.rejected_messages.labels(reject.reason).inc()
        for _, refused in examined.batch.refused:
            metrics.rejected_messages.labels(refused.reason).inc()

    def _count_clocks(self, verdict: Verdict) -> None:
        readings, entered = verdict.examined.decoded.readings, verdict.entered
        if not len(entered):
            return
        ahead = readings.sample_time_us[entered] - verdict.examined.receipt[entered]
        self._metrics.lag.observe(max(0.0, -float(ahead.mean()) / 1e6))
        wrong = entered[ahead > AHEAD_US]
        self._metrics.ahead.inc(len(wrong))
        for vehicle, count in zip(*np.unique(readings.vehicle[wrong], return_counts=True), strict=True):
            name = readings.vehicle_ids[int(vehicle)]
            if name not in self.ahead:
                self._events.warning("clock_ahead", vehicle=name)
            self.ahead[name] = self.ahead.get(name, 0) + int(count)

    def _count_sequences(self, verdict: Verdict) -> None:
        decoded = verdict.examined.decoded
        if not len(decoded.sequence) or decoded.sequence.max() < 0:
            return
        news = np.setdiff1d(verdict.entered, verdict.late, assume_unique=True)  # what is repeated or late tells nothing
        message, first = np.unique(decoded.message[news], return_index=True)
        vehicle = decoded.readings.vehicle[news[first]]
        numbers = decoded.sequence[message]
        told = numbers >= 0
        names = decoded.readings.vehicle_ids
        before = self._sequences.missing, self._sequences.restarts
        pairs = zip(vehicle[told].tolist(), numbers[told].tolist(), strict=True)
        self._sequences.take((names[at], number) for at, number in pairs)
        self._metrics.gaps.inc(self._sequences.missing - before[0])
        self._metrics.restarts.inc(self._sequences.restarts - before[1])


def _fill_outcomes(verdict: Verdict) -> None:
    examined = verdict.examined
    batch, message = examined.batch, examined.decoded.message
    if not any(parcel.wants_outcome for parcel in batch.parcels):
        return
    many = len(batch.parcels)
    parcel_of = batch.parcel[message]
    repeated = examined.kept[verdict.judgement.verdict == DUPLICATE]
    counts = [np.bincount(parcel_of[rows], minlength=many) for rows in (verdict.entered, repeated, verdict.late)]
    for parcel, accepted, duplicates, late in zip(batch.parcels, *counts, strict=True):
        parcel.outcome.accepted += int(accepted)
        parcel.outcome.duplicates += int(duplicates)
        parcel.outcome.late += int(late)
    routed = set(verdict.entered.tolist())
    first = examined.kept[verdict.judgement.verdict == FIRST]
    for row in first.tolist():
        if row not in routed:
            batch.parcels[int(parcel_of[row])].outcome.unrouted += 1
    for reject in examined.decoded.rejected:
        batch.reject(reject.message, reject.reason, reject.detail)
    for fault in examined.ledger.faults:
        if fault.action == ROW_REJECTED:
            for row, (reason, detail, _) in texts_of(fault):
                batch.reject(int(message[row]), reason, _with_place(examined, row, detail))
    for row in verdict.conflicts.tolist():
        batch.reject(int(message[row]), CONFLICTING[0], _with_place(examined, row, CONFLICTING[1]))


def _with_place(examined: Examined, row: int, detail: str) -> str:
    """What is wrong with a sample, and which it is where its message has several."""
    message = examined.decoded.message
    first, end = (int(np.searchsorted(message, message[row], side)) for side in ("left", "right"))
    return detail if end - first == 1 else f"sample {row - first + 1}: {detail}"


def _smaller(parcels: Sequence[Parcel], problem: str) -> list[list[Parcel]]:
    """The same in two, down to a single message, which is turned away."""
    if len(parcels) > 1:
        middle = len(parcels) // 2
        return [list(parcels[:middle]), list(parcels[middle:])]
    parcel = parcels[0]
    if parcel.refused and parcel.messages:
        return [[replace(parcel, refused=())], [replace(parcel, messages=(), claims=())]]
    if len(parcel.messages) == 1:
        refused = Refused(parcel.messages[0], "", "internal", f"it cannot be handled: {problem}")
        parcel.outcome.reject(parcel.offset, refused.reason, refused.detail)
        return [[replace(parcel, messages=(), claims=(), refused=(refused,))]]
    if not parcel.messages:
        raise RuntimeError(f"messages that were turned away cannot be kept: {problem}")
    middle = len(parcel.messages) // 2
    one_each = len(parcel.claims) == len(parcel.messages)
    return [
        [
            replace(
                parcel,
                messages=parcel.messages[part],
                claims=parcel.claims[part] if one_each else parcel.claims,
                offset=parcel.offset + part.start,
            )
        ]
        for part in (slice(0, middle), slice(middle, len(parcel.messages)))
    ]
