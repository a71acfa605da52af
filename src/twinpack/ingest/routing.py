"""Routing rules: which samples go to the real-time path, which to the lake, and which to a webhook.

A rule is a name, a condition in SQL and its targets. Routing is decided once, when a row enters the log; the kind of
the row keeps it, so that a replay decides nothing anew.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twinpack.errors import RoutingError
from twinpack.ingest.conditions import TIME_LIMIT_S, Bools, Condition, Evaluator, parse_condition
from twinpack.ingest.thinning import Thinner
from twinpack.telemetry.schema import KIND_LAKE_SAMPLE, KIND_REALTIME_SAMPLE, KIND_SAMPLE, to_log

REALTIME = "realtime"
LAKE = "lake"
WEBHOOK = "webhook:"
DROPPED = -1
"""Kind of a sample that no rule takes: it does not enter the log."""
SHIPPED = "the shipped rules"
RULES_FILE = "routing.toml"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_EVERY = re.compile(r"(\d+(?:\.\d+)?)(ms|s|min|h|d)")
_UNITS_US = {"ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_KEYS = ("name", "when", "to", "every")
_KINDS = np.array([DROPPED, KIND_REALTIME_SAMPLE, KIND_LAKE_SAMPLE, KIND_SAMPLE], np.int8)
"""Kind by 1 for the real-time path plus 2 for the lake."""
_PIECES = 256
"""Queries spent at most on finding the rows of a batch on which a rule fails."""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: Its name.
        condition: Which samples it takes.
        realtime: Whether they go to the real-time path.
        lake: Whether they go to the lake.
        webhooks: Addresses they are posted to; they may hold secrets.
        every_us: Span of sample time, counted from the epoch, of which it takes one sample a vehicle; 0 for all.
    """

    name: str
    condition: Condition
    realtime: bool
    lake: bool
    webhooks: tuple[str, ...] = field(default=(), repr=False)
    every_us: int = 0

    @property
    def targets(self) -> list[str]:
        """Where it sends samples, in words without secrets."""
        plain = [name for name, meant in ((REALTIME, self.realtime), (LAKE, self.lake)) if meant]
        return plain + [f"{WEBHOOK}{shown_url(url)}" for url in self.webhooks]


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

    def taken(self, samples: pa.Table) -> Bools:
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

    def _evaluate(self, evaluator: Evaluator, samples: pa.Table) -> tuple[Bools, Bools]:
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

    def _count(self, taken: Bools, failed: Bools) -> None:
        self.counts.samples += taken.shape[1]
        for rule, rows, failures in zip(self.rules, taken.sum(axis=1), failed.sum(axis=1), strict=True):
            counts = self.counts.rules[rule.name]
            counts.taken += int(rows)
            counts.failed += int(failures)


def _each_alone(evaluator: Evaluator, at: int, table: pa.Table) -> tuple[Bools, Bools]:
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


# Reading rules


def load_rules(path: Path | None = None) -> tuple[Rule, ...]:
    """Rules of a TOML file, or the shipped ones.

    Raises:
        RoutingError: It cannot be read or holds a mistake.
    """
    if path is None:
        return parse_rules(shipped_text(), SHIPPED)
    try:
        return parse_rules(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeError) as error:
        raise RoutingError(f"{path}: cannot be read: {error}") from error


def shipped_text() -> str:
    """The shipped rules as TOML."""
    return resources.files(__package__).joinpath(RULES_FILE).read_text(encoding="utf-8")


def rules_path(home: Path, setting: str) -> Path | None:
    """The rules file of a workspace: the one its setting names, else `routing.toml` in its folder, else None.

    Args:
        home: Folder of the workspace.
        setting: `[gateway] rules`; a relative path counts from the folder.
    """
    if setting:
        return home / Path(setting).expanduser()
    path = home / RULES_FILE
    return path if path.is_file() else None


def parse_rules(text: str, where: str = RULES_FILE) -> tuple[Rule, ...]:
    """Read rules.

    Args:
        text: TOML.
        where: Name of the file, for messages.

    Raises:
        RoutingError: It holds a mistake; names the rule and the place.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RoutingError(f"{where}: not valid TOML: {error}") from error
    unknown = [key for key in given if key != "route"]
    if unknown:
        raise RoutingError(f"{where}: unknown key {unknown[0]!r}; rules are written as [[route]]")
    routes = given.get("route")
    if not isinstance(routes, list) or not routes or not all(isinstance(route, dict) for route in routes):
        raise RoutingError(f"{where}: there is no [[route]], so every sample would be dropped")
    rules = tuple(_rule(route, f"{where}: route {number}") for number, route in enumerate(routes, 1))
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise RoutingError(f"{where}: there are two routes {name!r}; counts are kept by name")
    return rules


def _rule(given: Mapping[str, Any], where: str) -> Rule:
    name = given.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RoutingError(f"{where}: name must be 1 to 40 letters, digits and _.- beginning with a letter or digit")
    where = f"{where} ({name})"
    for key in given:
        if key not in _KEYS:
            raise RoutingError(f"{where}: unknown key {key!r}; known: {', '.join(_KEYS)}")
    when = given.get("when")
    if not isinstance(when, str):
        raise RoutingError(f'{where}: when must be a text, an SQL condition such as "speed_kmh > 0", or "true"')
    try:
        condition = parse_condition(when)
    except RoutingError as error:
        raise RoutingError(f"{where}: when: {error}") from error
    targets = list(_targets(given.get("to"), where))
    return Rule(
        name,
        condition,
        REALTIME in targets,
        LAKE in targets,
        tuple(target.removeprefix(WEBHOOK) for target in targets if target.startswith(WEBHOOK)),
        _every(given.get("every"), where),
    )


def _targets(given: Any, where: str) -> Iterator[str]:
    allowed = 'to must be a list of "realtime", "lake" and "webhook:https://…"'
    if not isinstance(given, list) or not given:
        raise RoutingError(f"{where}: {allowed}")
    for at, target in enumerate(given, 1):
        if not isinstance(target, str) or not (target in (REALTIME, LAKE) or target.startswith(WEBHOOK)):
            raise RoutingError(f"{where}: {allowed}; target {at} is none of them")
        if target.startswith(WEBHOOK):
            _check_url(target.removeprefix(WEBHOOK), f"{where}: target {at}")
        yield target


def _check_url(url: str, where: str) -> None:
    """See that a webhook can be called; the address itself, which may hold a secret, is not told."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise RoutingError(f"{where}: a webhook is written webhook:https://host/path (or http)")


def shown_url(url: str) -> str:
    """Scheme, host and port of an address: its path, query and user may be secrets."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}/…"


def _every(given: Any, where: str) -> int:
    if given is None:
        return 0
    found = _EVERY.fullmatch(given) if isinstance(given, str) else None
    span_us = round(float(found[1]) * _UNITS_US[found[2]]) if found else 0
    if not 0 < span_us <= 366 * _UNITS_US["d"]:
        raise RoutingError(f'{where}: every must be a time such as "500ms", "10s", "5min", "1h" or "1d", not {given!r}')
    return span_us
