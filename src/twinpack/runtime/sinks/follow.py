"""One sink at work: it follows the findings in the registry, in a thread of its own, from an offset of its own.

At least once and in order: the offset is kept after a message was taken, so that what a kill cuts off is sent again,
with the same event id. A sink that cannot be reached is tried again and holds up nobody else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from twinpack.errors import TwinpackError
from twinpack.ingest.logs import Events
from twinpack.runtime.sinks.choosing import EVENT_OF, Told, choose, height, is_worse, of_fleet, told_of, wants
from twinpack.runtime.sinks.notice import Notice
from twinpack.runtime.sinks.outcome import NotSentError, RefusedError
from twinpack.runtime.sinks.senders import Sender
from twinpack.runtime.sinks.waking import as_new, woken
from twinpack.store.alarms.records import Alarm, FindingRecord
from twinpack.store.alarms.register import Wanted
from twinpack.store.fleet_records import DEFAULT_FLEET
from twinpack.store.records import now_us
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.sinks import RAISED, Sink

READ_FINDINGS = 500
STORE_EVERY_ROWS = 100_000
"""Rows of the log passed without a message after which the offset is kept: no more are looked at again."""

_MOST_REMEMBERED = 20_000
_GAVE_UP = "gave up on event"
_EVENTS = Events("sinks")


@dataclass(frozen=True)
class Manner:
    """How a sink follows, seconds.

    Attributes:
        look_s: Between two looks whether there are new rows.
        retry_s: Wait after the first failure; doubled after each further one.
        retry_most_s: Longest wait after a failure.
        wake_s: Between two looks whether a window or a snooze has ended.
        join_s: Longest wait for a message that is being sent when it is to end.
    """

    look_s: float = 0.05
    retry_s: float = 1.0
    retry_most_s: float = 60.0
    wake_s: float = 30.0
    join_s: float = 15.0


@dataclass
class SinkState:
    """What became of a sink since the start.

    Attributes:
        name: Its name.
        target: Where it leads, without secrets.
        offset: Log offset up to which it was served.
        sent: Messages that were taken.
        failures: Tries that were not.
        given_up: Messages that were refused too often.
        passed_over: Findings that were not told, by reason.
        problem: Why the last try failed; "" when it was taken.
    """

    name: str
    target: str
    offset: int = 0
    sent: int = 0
    failures: int = 0
    given_up: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)
    problem: str = ""


class SinkFollower:
    """Follows the findings and sends what its sink wants."""

    def __init__(
        self,
        sink: Sink,
        sender: Sender,
        registry: Registry,
        *,
        position: Callable[[], int] | None = None,
        manner: Manner | None = None,
    ) -> None:
        """Serve a sink; nothing runs before `start`, or `begin` and `deliver`.

        Args:
            sink: Its settings.
            sender: Brings messages there.
            registry: Where findings, alarms and offsets are.
            position: Tells cheaply up to which log offset findings are committed; the registry is asked without it.
            manner: How it follows.
        """
        self.state = SinkState(sink.name, sink.target)
        self._sink, self._sender, self._registry = sink, sender, registry
        self._manner = manner or Manner()
        self._position = position or (lambda: registry.offset(MAIN_STREAM))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"sink-{sink.name}", daemon=True)
        self._begun = False
        self._due = True  # what was found before the service began may still be untold
        self._kept = 0
        self._handled: set[str] = set()  # of the row at `offset`
        self._spoke = False  # since the offset was kept
        self._told: dict[str, Told | None] = {}
        self._refused: tuple[str, int] = ("", 0)
        self._look_at = 0.0
        self._woken: set[str] = set()

    def start(self) -> None:
        """Follow until stopped."""
        self._thread.start()

    def stop(self) -> None:
        """Say that it is to end; `join` waits for it."""
        self._stop.set()

    def join(self) -> None:
        """Wait until it has ended, no longer than a message may take."""
        if self._thread.ident is not None:
            self._thread.join(self._manner.join_s)

    def begin(self) -> None:
        """Take up the offset kept; a new sink begins with what is found from now on.

        Raises:
            WorkspaceError: The registry cannot be used.
        """
        kept = self._registry.streams().get(self._sink.stream)
        if kept is None:
            kept = self._registry.offset(MAIN_STREAM)
            self._registry.commit_batch(self._sink.stream, 0, kept, (), {})
        self.state.offset = self._kept = kept
        self._begun = True

    def deliver(self) -> None:
        """Send what was found beyond the offset; ends when all is done, or when stopped.

        Raises:
            NotSentError: A message was not taken; what was taken before it is not repeated.
            WorkspaceError: The registry cannot be used.
        """
        end = self._registry.offset(MAIN_STREAM)
        while self.state.offset < end and not self._stop.is_set():
            found = self._registry.alarms.findings_of_rows(self.state.offset, end, READ_FINDINGS)
            for one in found:
                if self._stop.is_set():
                    return
                if one.offset > self.state.offset:
                    self._reach(one.offset)
                if one.event_id not in self._handled:
                    self._handle(one)
                    self._handled.add(one.event_id)
            if len(found) < READ_FINDINGS:
                self._reach(end)

    def close(self) -> None:
        """Keep the offset.

        Raises:
            WorkspaceError: The registry cannot be used; the rows passed since are looked at again.
        """
        if self._begun:
            self._keep_offset()

    def _follow(self) -> None:
        wait, failures = 0.0, 0
        while not self._stop.wait(wait):
            try:
                if not self._begun:
                    self.begin()
                if self._due or self._position() > self.state.offset:
                    self.deliver()
                self._wake()
                if failures and not self.state.problem.startswith(_GAVE_UP):
                    self.state.problem = ""
                self._due, wait, failures = False, self._manner.look_s, 0
            except Exception as error:  # noqa: BLE001 - a thread's boundary: it is told, and tried again
                wait = min(self._manner.retry_s * 2.0 ** min(failures, 30), self._manner.retry_most_s)
                failures += 1
                self._due = True
                self._note_failure(error)
        try:
            self.close()
        except TwinpackError as error:
            _EVENTS.warning("sink_offset_not_kept", sink=self._sink.name, error=str(error))

    def _wake(self) -> None:
        """Tell, now and then, of alarms that are still there when a window or a snooze is over."""
        if time.monotonic() < self._look_at or self._stop.is_set():
            return
        registry, wanted = self._registry, Wanted(present=True, min_severity=self._sink.min_severity)
        name, now = f"{self._sink.stream}:silence", now_us()
        since = registry.streams().get(name)
        if since is None:
            registry.commit_batch(name, 0, now, (), {})
        elif RAISED in self._sink.events:
            alarms = [alarm for alarm in registry.alarms.alarms(wanted) if alarm.muted_by or alarm.snoozed_until_us]
            fleets = {alarm.vehicle_id: self._fleet(alarm.vehicle_id) for alarm in alarms}
            windows = registry.mutes.windows() if alarms else []
            for alarm, ended_us in woken(alarms, windows, fleets, since, now):
                self._tell_woken(alarm, ended_us, fleets[alarm.vehicle_id])
            # A wall-clock time in place of an offset: what was told before a kill is told again with the same event id.
            registry.commit_batch(name, since, max(since, now), (), {})
            self._woken.clear()
        self._look_at = time.monotonic() + self._manner.wake_s

    def _tell_woken(self, alarm: Alarm, ended_us: int, fleet: str) -> None:
        raised = self._registry.alarms.finding(alarm.last_event)
        if raised.offset >= self.state.offset or not wants(self._sink, raised, fleet):
            return
        notice = as_new(notice_of(raised, fleet), alarm, ended_us)
        if notice.event_id not in self._woken:
            self._send(notice)
            self._woken.add(notice.event_id)
            self._remember(alarm.alarm_id, Told(height(raised), now_us()))

    def _note_failure(self, error: Exception) -> None:
        state, known = self.state, self.state.problem
        state.failures += 1
        plain = isinstance(error, (NotSentError, TwinpackError))
        state.problem = str(error) if plain else f"unexpected error, {type(error).__name__}"
        if state.problem != known:
            _EVENTS.warning("sink_failing", sink=state.name, target=state.target, error=state.problem)

    def _handle(self, found: FindingRecord) -> None:
        """Tell a finding, where it is to be told."""
        if found.change not in EVENT_OF or found.alarm_id is None:
            return
        fleet = self._fleet(found.vehicle_id)
        if not of_fleet(self._sink, fleet):
            return
        alarm = self._registry.alarms.alarm(found.alarm_id)
        before = self._told_before(alarm, found)
        reason, after = choose(self._sink, before, found)
        if not reason and alarm.snoozed(now_us()) and not is_worse(before, found):
            self._pass_over("snoozed")  # of worse than what is known, people hear all the same
            return
        if not reason:
            self._send(notice_of(found, fleet))
        else:
            self._pass_over(reason)
        self._remember(alarm.alarm_id, after)

    def _send(self, notice: Notice) -> None:
        try:
            self._sender.send(notice)
        except RefusedError as error:
            known, tries = self._refused
            self._refused = (notice.event_id, tries + 1 if known == notice.event_id else 1)
            if self._refused[1] < self._sink.tries:
                raise
            self._give_up(notice, error)
        else:
            self._spoke = True
            if self.state.problem:
                _EVENTS.info("sink_served_again", sink=self.state.name, target=self.state.target)
            self.state.problem = ""
            self.state.sent += 1

    def _give_up(self, notice: Notice, error: RefusedError) -> None:
        self._spoke = True
        self.state.given_up += 1
        self.state.problem = f"{_GAVE_UP} {notice.event_id}: {error}"
        _EVENTS.error(
            "sink_gave_up",
            sink=self.state.name,
            target=self.state.target,
            notice=notice.event_id,
            alarm=notice.alarm_id,
            vehicle=notice.vehicle_id,
            tries=self._sink.tries,
            error=str(error),
        )

    def _told_before(self, alarm: Alarm, found: FindingRecord) -> Told | None:
        if alarm.alarm_id not in self._told:
            earlier = self._registry.alarms.findings_of(alarm.alarm_id)[::-1]
            told = [one for one in earlier if one.offset < found.offset or one.event_id in self._handled]
            self._remember(alarm.alarm_id, told_of(self._sink, told, alarm.snoozed_until_us))
        return self._told[alarm.alarm_id]

    def _remember(self, alarm_id: str, told: Told | None) -> None:
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()  # it is worked out again where it is needed
        self._told[alarm_id] = told

    def _pass_over(self, reason: str) -> None:
        self.state.passed_over[reason] = self.state.passed_over.get(reason, 0) + 1

    def _fleet(self, vehicle_id: str) -> str:
        entry = self._registry.fleet.entry(vehicle_id)
        return entry.fleet if entry is not None else DEFAULT_FLEET

    def _reach(self, offset: int) -> None:
        """All before a row is done; after a message at once, else now and then, the registry is told."""
        self.state.offset = offset
        self._handled.clear()
        if self._spoke or offset - self._kept >= STORE_EVERY_ROWS:
            self._keep_offset()
            self._spoke = False

    def _keep_offset(self) -> None:
        if self.state.offset > self._kept:
            self._registry.commit_batch(self._sink.stream, self._kept, self.state.offset, (), {})
            self._kept = self.state.offset


def notice_of(found: FindingRecord, fleet: str) -> Notice:
    """What is told of a finding that belongs to an alarm.

    Raises:
        ValueError: It belongs to none, or is of a kind that is not told.
    """
    if found.alarm_id is None or found.change not in EVENT_OF:
        raise ValueError(f"finding {found.event_id} is not one that is told")
    return Notice(
        event_id=found.event_id,
        event=EVENT_OF[found.change],
        alarm_id=found.alarm_id,
        vehicle_id=found.vehicle_id,
        fleet=fleet,
        code=found.code,
        subject=found.subject,
        category=found.category,
        level=found.level,
        severity=found.severity,
        status=found.status,
        occurrence=found.occurrence,
        time_us=found.sample_time_us,
        since_us=found.since_us,
        found_us=found.recorded_at_us,
        evidence=found.evidence,
    )
