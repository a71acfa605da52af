"""Routing: which samples go to the real-time path, which to the lake, and which to a webhook.

It is decided once, when a row enters the log; the kind of the row keeps it, so that a replay decides nothing anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.ingest.routing.conditions import TIME_LIMIT_S, Evaluator
from twinpack.ingest.routing.rules import Rule, load_rules
from twinpack.ingest.routing.thinning import Thinner
from twinpack.telemetry.readings import Flags
from twinpack.telemetry.schema import KIND_LAKE_SAMPLE, KIND_REALTIME_SAMPLE, KIND_SAMPLE, to_log

DROPPED = -1
"""Kind of a sample that no rule takes: it does not enter the log."""

_KINDS = np.array([DROPPED, KIND_REALTIME_SAMPLE, KIND_LAKE_SAMPLE, KIND_SAMPLE], np.int8)
"""Kind by 1 for the real-time path plus 2 for the lake."""
_PIECES = 256
"""Queries spent at most on finding the rows of a batch on which a rule fails."""


@dataclass
class RuleCounts:
    """What one rule did since the start.

    Attributes:
        taken: Samples it took.
        failed: Samples among them on which it failed, or took too long.
    """

    taken: int = 0
    failed: int = 0


@dataclass
class RoutingCounts:
    """What routing did since the start.

    Attributes:
        samples: Samples seen.
        dropped: Those that no rule took.
        interrupted: Batches on which the rules took too long, so that each took every sample.
        rules: By name of the rule.
    """

    samples: int = 0
    dropped: int = 0
    interrupted: int = 0
    rules: dict[str, RuleCounts] = field(default_factory=dict)


class Router:
    """Decides where samples go. One thread at a time may use it; `close` gives back what it holds.

    A rule that fails on a sample (a text that is no number, an overflow) counts as one that takes it, so that nothing
    is lost. A missing result (NULL) is not taken.

    Attributes:
        rules: The rules, in the order of the file.
        counts: What they did.
    """

    def __init__(self, rules: Sequence[Rule], time_limit_s: float = TIME_LIMIT_S) -> None:
        """Route by checked rules, whose conditions may take so many seconds over a batch."""
        self.rules = tuple(rules)
        self.counts = RoutingCounts(rules={rule.name: RuleCounts() for rule in rules})
        self._thin = {at: Thinner(rule.every_us) for at, rule in enumerate(self.rules) if rule.every_us}
        self._asked = [at for at, rule in enumerate(self.rules) if rule.condition.constant is None]
        conditions = [self.rules[at].condition for at in self._asked]
        self._evaluator = Evaluator(conditions, time_limit_s) if conditions else None
        self._realtime = np.array([rule.realtime for rule in self.rules])
        # What a webhook is sent is read from the log, which keeps what the lake or the real-time path gets.
        self._lake = np.array([rule.lake or not rule.realtime for rule in self.rules])

    @classmethod
    def load(cls, path: Path | None = None) -> Router:
        """Read rules from a TOML file, or take the shipped ones.

        Raises:
            RoutingError: It cannot be read or holds a mistake; names the file, the rule and the place.
        """
        return cls(load_rules(path))

    def kinds(self, samples: pa.Table) -> npt.NDArray[np.int8]:
        """Kind of the log row that each sample becomes, `DROPPED` (-1) for none.

        Args:
            samples: Table in the `TELEMETRY` schema, in the order of arrival.
        """
        taken = self.taken(samples)
        realtime = taken[self._realtime].any(axis=0)
        lake = taken[self._lake].any(axis=0)
        kinds: npt.NDArray[np.int8] = _KINDS[realtime + 2 * lake]
        self.counts.dropped += int(np.count_nonzero(kinds == DROPPED))
        return kinds

    def rows(self, samples: pa.Table) -> pa.Table:
        """The rows of the log that samples in the `TELEMETRY` schema become; those that no rule takes are left out."""
        kinds = self.kinds(samples)
        rows = to_log(samples)
        rows = rows.set_column(rows.schema.get_field_index("kind"), rows.schema.field("kind"), pa.array(kinds))
        return rows.filter(pa.array(kinds != DROPPED)) if (kinds == DROPPED).any() else rows

    def taken(self, samples: pa.Table) -> Flags:
        """Which rule takes which sample, shape (rules, N); counted."""
        rows = samples.num_rows
        taken = np.zeros((len(self.rules), rows), np.bool_)
        for at, rule in enumerate(self.rules):
            taken[at] = bool(rule.condition.constant)
        failed = np.zeros_like(taken)
        if self._evaluator is not None and rows:
            taken[self._asked], failed[self._asked] = self._evaluate(self._evaluator, samples)
        for at, thinner in self._thin.items():
            taken[at] = thinner.pass_some(samples, taken[at] & ~failed[at]) | failed[at]
        self._count(taken, failed)
        return taken

    def close(self) -> None:
        """Give back what it holds."""
        if self._evaluator is not None:
            self._evaluator.close()

    def __enter__(self) -> Router:
        """Use as a context manager to close it at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def _evaluate(self, evaluator: Evaluator, samples: pa.Table) -> tuple[Flags, Flags]:
        """Which of the rules that ask take which sample, and on which they fail, each (asked, N)."""
        table = evaluator.table(samples)
        try:
            taken = evaluator.every(table)
            return taken, np.zeros_like(taken)
        except duckdb.InterruptException:
            self.counts.interrupted += 1
            every = np.ones((len(self._asked), table.num_rows), np.bool_)
            return every, every.copy()
        except duckdb.Error:
            found = [_each_alone(evaluator, at, table) for at in range(len(self._asked))]
            return np.stack([each[0] for each in found]), np.stack([each[1] for each in found])

    def _count(self, taken: Flags, failed: Flags) -> None:
        self.counts.samples += taken.shape[1]
        for rule, rows, failures in zip(self.rules, taken.sum(axis=1), failed.sum(axis=1), strict=True):
            counts = self.counts.rules[rule.name]
            counts.taken += int(rows)
            counts.failed += int(failures)


def _each_alone(evaluator: Evaluator, at: int, table: pa.Table) -> tuple[Flags, Flags]:
    """Rows a rule takes, and rows on which it fails, found by halving; so the others are judged as ever."""
    taken = np.zeros(table.num_rows, np.bool_)
    failed = np.zeros(table.num_rows, np.bool_)
    waiting = [(0, table.num_rows)]
    for _ in range(_PIECES):
        if not waiting:
            break
        start, stop = waiting.pop()
        try:
            taken[start:stop] = evaluator.one(at, table.slice(start, stop - start))
        except duckdb.Error:
            if stop - start == 1:
                taken[start] = failed[start] = True
            else:
                middle = (start + stop) // 2
                waiting += [(middle, stop), (start, middle)]
    for start, stop in waiting:  # too many failures to tell one by one
        taken[start:stop] = failed[start:stop] = True
    return taken, failed
