"""Parcels: messages that a source hands in together, and what it is told once they are durable."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from twinpack.ingest.messages import Message, Reject
from twinpack.store.credentials import Principal

Source = Literal["mqtt", "http"]

MAX_REASONS = 100
"""Most rejections that one outcome tells in full."""

_OVERHEAD_BYTES = 200
"""What a message costs in memory beside its payload."""


@dataclass(slots=True)
class Outcome:
    """What became of a parcel.

    Attributes:
        accepted: Samples in the log.
        duplicates: Samples dropped, as an identical one came before.
        late: Accepted ones older than the newest of their vehicle.
        unrouted: Samples that no routing rule takes.
        rejected: Messages and samples turned away.
        reasons: The first `MAX_REASONS` of them, by the message's place in the parcel.
    """

    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    unrouted: int = 0
    rejected: int = 0
    reasons: list[Reject] = field(default_factory=list)

    def reject(self, message: int, reason: str, detail: str) -> None:
        """Note that a message, or a sample of it, was turned away."""
        self.rejected += 1
        if len(self.reasons) < MAX_REASONS:
            self.reasons.append(Reject(message, reason, detail))


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that its source turned away before it could be decoded.

    Attributes:
        message: The message.
        place: Where it came in, such as its topic.
        reason: One word.
        detail: What is wrong with it.
    """

    message: Message
    place: str
    reason: str
    detail: str


@dataclass(slots=True)
class Parcel:
    """Messages that are acknowledged together.

    Attributes:
        source: How they came.
        messages: The messages.
        claims: Who sends each, one for all or one a message; a claim is believed as far as `may_send` goes.
        receipt_us: When they were received, microseconds since the epoch.
        done: Called from the committer's thread once all of it is durable.
        refused: Messages that came with them and cannot be taken.
        wants_outcome: Whether `outcome` is to be filled in.
        outcome: What became of it.
        offset: Place of its first message in what was sent, where it is a part of that.
    """

    source: Source
    messages: Sequence[Message]
    claims: Sequence[Principal]
    receipt_us: int
    done: Callable[[Parcel], None]
    refused: Sequence[Refused] = ()
    wants_outcome: bool = False
    outcome: Outcome = field(default_factory=Outcome)
    offset: int = 0

    @property
    def count(self) -> int:
        """Number of messages."""
        return len(self.messages) + len(self.refused)

    @property
    def bytes(self) -> int:
        """What it takes of the memory, about."""
        held = sum(len(message.payload) for message in self.messages)
        held += sum(len(refused.message.payload) for refused in self.refused)
        return held + _OVERHEAD_BYTES * self.count


class Pending:
    """Parcels on their way to the committer, bounded by what they take of the memory until they are durable."""

    def __init__(self, max_bytes: int) -> None:
        """Hold so many bytes; a single parcel may be larger."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._waiting: deque[tuple[Parcel, int]] = deque()
        self._messages = 0
        self._wanted = 1
        self._closed = False
        self._changed = threading.Condition()

    @property
    def bytes(self) -> int:
        """Bytes of all parcels that are not durable yet."""
        with self._changed:
            return self._bytes

    def has_room(self) -> bool:
        """Whether more may be put in."""
        return self._bytes < self._max_bytes and not self._closed

    def put(self, parcel: Parcel) -> bool:
        """Hand in a parcel; False when it is closed. Whoever puts in more than there is room for exceeds the bound."""
        size = parcel.bytes
        with self._changed:
            if self._closed:
                return False
            self._waiting.append((parcel, size))
            self._bytes += size
            self._messages += parcel.count
            if self._messages >= self._wanted:
                self._changed.notify_all()
        return True

    def take(self, most: int, linger_s: float, timeout_s: float) -> list[Parcel]:
        """Parcels to write together: what is there after a while, or as soon as there is enough.

        Args:
            most: Messages that are enough, and after which no more parcels are taken.
            linger_s: Longest wait for more once there are any.
            timeout_s: Longest wait for the first.
        """
        with self._changed:
            self._wait(1, timeout_s)
            if self._messages:
                self._wait(most, linger_s)
            taken: list[Parcel] = []
            count = 0
            while self._waiting and count < most:
                parcel, _ = self._waiting.popleft()
                taken.append(parcel)
                count += parcel.count
            self._messages -= count
            return taken

    def release(self, parcels: Sequence[Parcel]) -> None:
        """Their memory is free again."""
        freed = sum(parcel.bytes for parcel in parcels)
        with self._changed:
            self._bytes -= freed

    def close(self) -> None:
        """Take no more; what is there can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Whether it is closed and empty."""
        with self._changed:
            return self._closed and not self._waiting

    def _wait(self, messages: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._wanted = messages
        while self._messages < messages and not self._closed:
            left = until - time.monotonic()
            if left <= 0:
                break
            self._changed.wait(left)
        self._wanted = 1
