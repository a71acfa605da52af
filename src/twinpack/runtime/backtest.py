"""What another rule set would have raised, beside what the present one raises over the same log.

Both are folded alike: detection alone, from the first row there is, each by one rule set throughout. Nothing in the
workspace changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from twinpack.detect.findings import RAISED, Finding
from twinpack.detect.rules import RuleSet, parse_rules, shipped_rules
from twinpack.errors import InputError, NotFoundError
from twinpack.fleet.commands import CLEAR_CODES, REGISTER, REPAIR
from twinpack.fleet.events import FINDING, Event
from twinpack.fleet.fold import fold
from twinpack.fleet.state import FoldSettings, ShardState
from twinpack.ingest.log import SegmentLog, open_log
from twinpack.ingest.threads import read_ahead
from twinpack.runtime.replay import told
from twinpack.runtime.rules import rules_in_use
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import command_rows
from twinpack.telemetry.trips import CutSettings

Tell = Callable[[int, int], None]
"""Called with rows folded and rows to fold."""

MOST_ROWS = 50_000
"""Rows of the log that are folded at once, unless the settings say fewer: two folds hold them, with all their cells."""

_OBEYED = (REGISTER, CLEAR_CODES, REPAIR)
# Detection does not look at sessions, and each costs time: they are cut as seldom as can be.
_YEAR_US = 365 * 86_400 * 1_000_000
_SETTINGS = FoldSettings(cut=CutSettings(gap_us=_YEAR_US, rest_us=_YEAR_US, switch_us=_YEAR_US))
_OF_TWINS = {"capacity_health_pct", "resistance_ratio"}


@dataclass(frozen=True)
class Raised:
    """How often a rule set raised a code in the window.

    Attributes:
        count: How often.
        first_us: Sample time of the first, None when there was none.
        vehicles: The vehicles, by name.
    """

    count: int
    first_us: int | None
    vehicles: tuple[str, ...]


@dataclass(frozen=True)
class CodeOutcome:
    """One code under both rule sets.

    Attributes:
        code: The code.
        name: What the rule calls it.
        present: Under the rule set of the workspace; None where that has no such rule.
        changed: Under the other one; None where that has none.
    """

    code: str
    name: str
    present: Raised | None
    changed: Raised | None

    @property
    def differs(self) -> bool:
        """Whether a rule was added or removed, or anything else was raised."""
        return self.present != self.changed


@dataclass(frozen=True)
class RaisedOnce:
    """One time that a code was raised for the vehicle asked for.

    Attributes:
        by: `present`, `changed` or `both`.
        time_us: Sample time at which it was raised.
        since_us: Sample time from which on it was so.
        code: The code.
        severity: By the rule set that raised it, by the changed one where both did.
        text: Why, in words.
    """

    by: str
    time_us: int
    since_us: int
    code: str
    severity: int
    text: str


@dataclass(frozen=True)
class RulesBacktest:
    """What came of a back-test.

    Attributes:
        from_us: Sample time from which on is told what was raised, microseconds since the epoch.
        to_us: Sample time before which.
        first_offset: Log offset of the first row folded; above 0 when those before it were retired.
        end_offset: Log offset after the last.
        codes: Every code of either rule set, in its order; those of the present one that are gone come last.
        vehicle: What was raised for the vehicle asked for, by time.
        notes: For people.
    """

    from_us: int
    to_us: int
    first_offset: int
    end_offset: int
    codes: tuple[CodeOutcome, ...]
    vehicle: tuple[RaisedOnce, ...]
    notes: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the rule sets raised anything else."""
        return any(one.differs for one in self.codes)


def backtest_rules(
    workspace: Workspace,
    text: str,
    where: str,
    from_us: int | None = None,
    to_us: int | None = None,
    *,
    vehicle: str = "",
    tell: Tell | None = None,
) -> RulesBacktest:
    """Fold the log by a rule set and by that of the workspace, and tell what each raised in a window of time.

    Args:
        workspace: Whose log is folded; nothing in it changes.
        text: The rule set, TOML.
        where: Name of its file, for messages.
        from_us: Sample time from which on is told what was raised, from the beginning when None.
        to_us: Sample time before which, to the end when None.
        vehicle: Vehicle of which each time is told.
        tell: Progress.

    Raises:
        RulesError: The rule set has mistakes; names all of them.
        NotFoundError: There is no telemetry, or no such vehicle.
        InputError: The window is empty or outside of what the log holds.
        WorkspaceError: The log cannot be read.
    """
    changed = parse_rules(text, where)
    log = open_log(workspace)
    with workspace.registry() as registry:
        present = parse_rules(rules_in_use(registry, log) or shipped_rules(), "the rules of the workspace")
    window = _window(log, from_us, to_us)
    sides = tuple(_Side(rules, window, vehicle) for rules in (present, changed))
    first, end = log.start_offset, log.end_offset
    with ThreadPoolExecutor(len(sides)) as threads, closing(read_ahead(_batches(workspace, log))) as batches:
        for batch in batches:
            list(threads.map(lambda side, rows=batch: side.take(rows), sides))
            if tell is not None:
                tell(min(batch.end_offset, end) - first, end - first)
    if vehicle and vehicle not in sides[0].known:
        raise NotFoundError(f"no vehicle {vehicle!r} in the log; `twinpack fleet list` lists those there are")
    return RulesBacktest(
        *window,
        first_offset=first,
        end_offset=end,
        codes=_codes(*sides),
        vehicle=_each(*sides),
        notes=_notes(log, window, from_us, changed),
    )


@dataclass
class _Tally:
    count: int = 0
    first_us: int | None = None
    vehicles: set[str] = field(default_factory=set)

    def add(self, event: Event) -> None:
        self.count += 1
        self.first_us = event.sample_time_us if self.first_us is None else min(self.first_us, event.sample_time_us)
        self.vehicles.add(event.vehicle_id)

    def outcome(self) -> Raised:
        return Raised(self.count, self.first_us, tuple(sorted(self.vehicles)))


class _Side:
    """The fold by one rule set, and what it raised in the window."""

    def __init__(self, rules: RuleSet, window: tuple[int, int], vehicle: str) -> None:
        self.rules = {rule.code: rule for rule in rules.rules}
        self.tallies = {code: _Tally() for code in self.rules}
        self.times: list[tuple[int, Finding]] = []
        self._window, self._vehicle = window, vehicle
        self._state = ShardState.empty(_SETTINGS, {}, rules=rules.text)

    @property
    def known(self) -> frozenset[str]:
        """The vehicles that were met."""
        return frozenset(self._state.vehicle_ids)

    def take(self, batch: SampleBatch) -> None:
        """Fold a batch."""
        self._state, events = fold(self._state, batch)
        first, end = self._window
        for event in events:
            if event.kind != FINDING or not first <= event.sample_time_us < end:
                continue
            finding = event.body
            # Findings of single cells have a subject; no rule set has a part in them.
            if finding.change == RAISED and not finding.subject and finding.code in self.tallies:
                self.tallies[finding.code].add(event)
                if event.vehicle_id == self._vehicle:
                    self.times.append((event.sample_time_us, finding))


def _window(log: SegmentLog, from_us: int | None, to_us: int | None) -> tuple[int, int]:
    segments = [segment for segment in log.listing().segments if segment.has_samples]
    if not segments:
        raise NotFoundError("nothing to test on: `twinpack import` telemetry first")
    oldest = min(segment.first_sample_us for segment in segments)
    newest = max(segment.last_sample_us for segment in segments)
    first = oldest if from_us is None else from_us
    end = newest + 1 if to_us is None else to_us
    if end <= first and not (from_us is None or to_us is None):
        raise InputError(f"--to {told(end)} is not after --from {told(first)}")
    if first > newest or end <= oldest:
        raise InputError(
            f"no sample from {told(first)} to {told(end)}: the log holds samples from {told(oldest)} to {told(newest)}"
        )
    return first, end


def _batches(workspace: Workspace, log: SegmentLog) -> Iterator[SampleBatch]:
    """The log without the commands that are not of detection, after those of rows that retention has taken."""
    start, retired = log.start_offset, log.listing().retired
    if count := len(retired.commands):
        rows = command_rows([""] * count, [retired.last_receipt_us] * count, retired.commands)
        yield _of_detection(SampleBatch.from_arrow(rows, max(start - count, 0)))
    for first, table in log.read(start, min(workspace.settings.runtime.batch_rows, MOST_ROWS)):
        yield _of_detection(SampleBatch.from_arrow(table, first))


def _of_detection(batch: SampleBatch) -> SampleBatch:
    commands = tuple((row, body) for row, body in batch.commands if body.get("type") in _OBEYED)
    return replace(batch, commands=commands)


def _codes(present: _Side, changed: _Side) -> tuple[CodeOutcome, ...]:
    found = []
    for code in dict.fromkeys((*changed.rules, *present.rules)):
        name = (changed.rules.get(code) or present.rules[code]).name
        before, after = (side.tallies[code].outcome() if code in side.rules else None for side in (present, changed))
        found.append(CodeOutcome(code, name, before, after))
    return tuple(found)


def _each(present: _Side, changed: _Side) -> tuple[RaisedOnce, ...]:
    """What was raised for one vehicle, of what both raised at the same time one line."""
    found: dict[tuple[int, str], RaisedOnce] = {}
    for side, by in ((present, "present"), (changed, "changed")):
        for time_us, finding in side.times:
            key = time_us, finding.code
            both = "both" if key in found and found[key].by != by else by
            text = str(finding.evidence.get("text", ""))
            found[key] = RaisedOnce(both, time_us, finding.since_us, finding.code, finding.severity, text)
    return tuple(found[key] for key in sorted(found))


def _notes(log: SegmentLog, window: tuple[int, int], from_us: int | None, changed: RuleSet) -> tuple[str, ...]:
    notes = []
    if log.start_offset:
        oldest = min(segment.first_sample_us for segment in log.listing().segments if segment.has_samples)
        notes.append(
            f"the rows before {log.start_offset:,} were retired: counters begin with nothing at {told(oldest)}"
            + (", and nothing is told of the time before" if from_us is not None and window[0] < oldest else "")
        )
    blind = [rule.code for rule in changed.rules if _OF_TWINS & set(rule.quantities)]
    if blind:
        notes.append(f"not tested, as the twins' health takes part in them: {', '.join(_first(blind))}")
    return tuple(notes)


def _first(codes: Sequence[str], most: int = 8) -> list[Any]:
    return [*codes[:most], *([f"and {len(codes) - most} more"] if len(codes) > most else [])]
