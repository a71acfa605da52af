"""Webhooks: samples that a routing rule takes are posted to an address, at least once, in the order of the log.

Each webhook follows the log in a thread of its own, from an offset of its own that the registry keeps, so that one
which cannot be reached holds up nobody else. Addresses may hold secrets: only scheme, host and port are ever told.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.errors import TwinpackError
from twinpack.ingest.logs import Events
from twinpack.ingest.posting import post, why_not_sent
from twinpack.ingest.routing.router import Router
from twinpack.ingest.routing.rules import Rule
from twinpack.store.urls import shown_url
from twinpack.telemetry.schema import SAMPLE_KINDS, TELEMETRY

READ_ROWS = 10_000
STORE_EVERY_ROWS = 50_000
"""Rows passed without a match after which the offset is kept: they are looked at again after a restart, no more."""

_EVENTS = Events("webhooks")
_FORMAT = "twinpack.webhook/1"


class Source(Protocol):
    """The log, as a webhook reads it."""

    @property
    def start_offset(self) -> int:
        """Offset of the first row that is left."""
        ...

    @property
    def end_offset(self) -> int:
        """Offset after the last row."""
        ...

    def read(self, start: int, max_rows: int, signals: Sequence[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
        """Rows from an offset to the end there is now."""
        ...


class Offsets(Protocol):
    """Where offsets are kept."""

    def streams(self) -> Mapping[str, int]:
        """Offset of every stream there is."""
        ...

    def commit_batch(
        self,
        stream: str,
        offset_before: int,
        offset_after: int,
        events: Sequence[Any],
        latest: Mapping[str, Mapping[str, Any]],
    ) -> int:
        """Advance a stream."""
        ...


@dataclass(frozen=True)
class Sending:
    """How samples are posted.

    Attributes:
        samples: Most samples of a post.
        timeout_s: Longest wait for the other side at any step, seconds.
        pause_s: Wait for more samples once the end of the log was reached, seconds.
        retry_s: Wait after the first failure, seconds; doubled after each further one.
        retry_most_s: Longest wait after a failure, seconds.
    """

    samples: int = 500
    timeout_s: float = 10.0
    pause_s: float = 1.0
    retry_s: float = 1.0
    retry_most_s: float = 60.0


@dataclass
class WebhookState:
    """What became of a webhook since the start.

    Attributes:
        name: Its name, and that of its stream in the registry.
        address: Scheme, host and port.
        offset: Log offset up to which it was served.
        posts: Posts that were taken.
        samples: Samples in them.
        failures: Posts that were not.
        skipped: Rows of the log that were retired before it was served.
        error: Why the last post failed; empty when it was taken.
    """

    name: str
    address: str
    offset: int = 0
    posts: int = 0
    samples: int = 0
    failures: int = 0
    skipped: int = 0
    error: str = ""


class Webhook:
    """One webhook: follows the log and posts what its rule takes."""

    def __init__(self, name: str, rule: Rule, url: str, log: Source, offsets: Offsets, sending: Sending) -> None:
        """Serve an address; nothing runs before `start` or `deliver`."""
        self.state = WebhookState(name, shown_url(url))
        self._url = url
        self._rule = rule
        self._log = log
        self._offsets = offsets
        self._sending = sending
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=name, daemon=True)
        self._router: Router | None = None
        self._kept = 0

    def start(self) -> None:
        """Follow the log until stopped."""
        self._thread.start()

    def stop(self) -> None:
        """Say that it is to end; `join` waits for it."""
        self._stop.set()

    def join(self) -> None:
        """Wait until it has ended, no longer than a post may take."""
        if self._thread.ident is not None:
            self._thread.join(3 * self._sending.timeout_s)

    def begin(self) -> None:
        """Take up the offset kept; a new webhook begins with what comes from now on.

        Raises:
            WorkspaceError: The registry or the log cannot be used.
        """
        kept = self._offsets.streams().get(self.state.name)
        if kept is None:
            kept = self._log.end_offset
            self._offsets.commit_batch(self.state.name, 0, kept, (), {})
        self.state.offset = self._kept = kept
        self._router = self._router or Router([self._rule])

    def deliver(self) -> None:
        """Post what the log holds beyond the offset; ends at its end, or when stopped.

        Raises:
            PostError: A post was not taken; what was taken before it is not repeated.
            WorkspaceError: The registry or the log cannot be used.
        """
        self._skip_retired()
        for first, table in self._log.read(self.state.offset, READ_ROWS):
            self._deliver_rows(first, table)
            if self._stop.is_set():
                break

    def close(self) -> None:
        """Keep the offset and give back what is held.

        Raises:
            WorkspaceError: The registry cannot be used; the rows passed since are looked at again.
        """
        if self._router is not None:
            self._router.close()
            self._router = None
            self._keep_offset()

    def _follow(self) -> None:
        wait, failures = 0.0, 0
        while not self._stop.wait(wait):
            try:
                if self._router is None:
                    self.begin()
                self.deliver()
                wait, failures = self._sending.pause_s, 0
            except Exception as error:  # noqa: BLE001 - a thread's boundary: it is told, and tried again
                wait = min(self._sending.retry_s * 2.0 ** min(failures, 30), self._sending.retry_most_s)
                failures += 1
                self._note_failure(error)
        try:
            self.close()
        except TwinpackError as error:
            _EVENTS.warning("webhook_offset_not_kept", webhook=self.state.name, error=str(error))

    def _note_failure(self, error: Exception) -> None:
        state = self.state
        known = state.error
        state.failures += 1
        state.error = _plain(error)
        if state.error != known:
            _EVENTS.warning("webhook_failing", webhook=state.name, address=state.address, error=state.error)

    def _skip_retired(self) -> None:
        start = self._log.start_offset
        if self.state.offset < start:
            self.state.skipped += start - self.state.offset
            _EVENTS.warning("webhook_missed_rows", webhook=self.state.name, rows=start - self.state.offset)
            self.state.offset = start
            self._keep_offset()

    def _deliver_rows(self, first: int, table: pa.Table) -> None:
        is_sample = pc.is_in(table.column("kind"), value_set=pa.array(SAMPLE_KINDS, pa.int8()))
        rows = np.flatnonzero(is_sample.to_numpy())
        samples = table.select(TELEMETRY.names).filter(is_sample)
        if self._router is None:
            raise RuntimeError("begin first")
        matches = np.flatnonzero(self._router.taken(samples)[0]) if len(rows) else rows
        for start in range(0, len(matches), self._sending.samples):
            piece = matches[start : start + self._sending.samples]
            end = first + int(rows[piece[-1]]) + 1
            self._post(samples.take(pa.array(piece)), first + int(rows[piece[0]]), end)
            self.state.offset = end
            self._keep_offset()
            if self._stop.is_set():
                return
        self.state.offset = first + table.num_rows
        if self.state.offset - self._kept >= STORE_EVERY_ROWS:
            self._keep_offset()

    def _post(self, samples: pa.Table, first: int, end: int) -> None:
        state = self.state
        key = f"{state.name}:{first}-{end}"
        body = {"format": _FORMAT, "rule": self._rule.name, "id": key, "samples": list(_as_json(samples))}
        post(self._url, msgspec.json.encode(body), {"Idempotency-Key": key}, self._sending.timeout_s)
        if state.error:
            _EVENTS.info("webhook_served_again", webhook=state.name, address=state.address)
        state.error = ""
        state.posts += 1
        state.samples += samples.num_rows

    def _keep_offset(self) -> None:
        if self.state.offset > self._kept:
            self._offsets.commit_batch(self.state.name, self._kept, self.state.offset, (), {})
            self._kept = self.state.offset


class Webhooks:
    """Every webhook of some rules."""

    def __init__(self, rules: Sequence[Rule], log: Source, offsets: Offsets, sending: Sending | None = None) -> None:
        """Prepare them; nothing runs before `start`.

        Args:
            rules: The rules; those without webhooks are passed over.
            log: What they follow.
            offsets: Where their offsets are kept.
            sending: How samples are posted.
        """
        self._hooks = [
            Webhook(name, rule, url, log, offsets, sending or Sending())
            for rule in rules
            for name, url in zip(stream_names(rule), rule.webhooks, strict=True)
        ]

    @property
    def states(self) -> list[WebhookState]:
        """What became of each."""
        return [hook.state for hook in self._hooks]

    def start(self) -> None:
        """Follow the log, each in a thread of its own."""
        for hook in self._hooks:
            hook.start()

    def stop(self) -> None:
        """End; what is being posted is finished first."""
        for hook in self._hooks:
            hook.stop()
        for hook in self._hooks:
            hook.join()

    def __enter__(self) -> Webhooks:
        """Use as a context manager to start them, and to stop them at the end."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self.stop()


def stream_names(rule: Rule) -> list[str]:
    """Name of each webhook of a rule, under which the registry keeps its offset."""
    more = [f"webhook:{rule.name}:{number}" for number in range(2, len(rule.webhooks) + 1)]
    return [f"webhook:{rule.name}", *more][: len(rule.webhooks)]


def _as_json(samples: pa.Table) -> Iterator[dict[str, Any]]:
    """Samples without what is missing, times in ISO 8601."""
    for row in samples.to_pylist():
        yield {name: value for name, value in row.items() if value is not None}


def _plain(error: Exception) -> str:
    """What went wrong, without anything of the address."""
    return str(error) if isinstance(error, TwinpackError) else why_not_sent(error)
