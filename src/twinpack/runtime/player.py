"""Play telemetry at a broker as if its vehicles sent it now, at any speed.

Sample times are shifted so that none lies ahead of the clock when it is published: the faster it plays, the further in
the past it begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from twinpack.ingest.messages.encode import Encoder, Encoding
from twinpack.ingest.publisher import Publisher
from twinpack.ingest.topics import telemetry_topic
from twinpack.runtime.tape import Length, Tape
from twinpack.store.records import now_us
from twinpack.telemetry.readings import Integers
from twinpack.telemetry.schema import TIME_TYPE

SECOND_US = 1_000_000

_BLOCK_ROWS = 10_000
_MOST_BLOCK_ROWS = 500_000
_FLUSH_S, _STOPPED_FLUSH_S = 30.0, 5.0

Progress = Callable[[int, int], None]
"""Told samples and messages that were sent so far."""


@dataclass(frozen=True)
class Manner:
    """How telemetry is played.

    Attributes:
        fleet: The fleet of the topics.
        shards: Virtual shards of the workspace that is to take it.
        speed: How many times faster than the clock; None for as fast as can be.
        longest_pause_s: Silence of the whole fleet that is played, seconds of sample time; the rest of a longer one is
            skipped.
        shift: Whether sample times are moved so that the last ones are now; else they stay as they are.
        encoding: JSON or MessagePack.
        samples: Samples in a message.
    """

    fleet: str = "default"
    shards: int = 256
    speed: float | None = 60.0
    longest_pause_s: float = 60.0
    shift: bool = True
    encoding: Encoding = "json"
    samples: int = 1


@dataclass(frozen=True)
class Played:
    """What was played.

    Attributes:
        samples: Samples sent.
        messages: Messages sent.
        acknowledged: Messages that the broker has taken.
        seconds: How long it took.
        shift_us: What was added to each sample time, microseconds.
    """

    samples: int
    messages: int
    acknowledged: int
    seconds: float
    shift_us: int


def play(
    tape: Tape,
    publisher: Publisher,
    manner: Manner,
    *,
    stopped: threading.Event | None = None,
    progress: Progress = lambda samples, messages: None,
) -> Played:
    """Play a tape to its end, or until it is stopped.

    Args:
        tape: The telemetry.
        publisher: A connection to the broker.
        manner: How.
        stopped: Set to end it; what is on its way is waited for.
        progress: Told as it goes.

    Raises:
        InputError: There is no sample, or the broker turns its user away.
    """
    return _Player(tape, publisher, manner, stopped or threading.Event(), progress).run()


def shift_of(length: Length, begin_us: int) -> int:
    """What to add to sample times, microseconds in whole seconds, so that none lies ahead of the clock.

    Args:
        length: Of the tape.
        begin_us: When it begins to play, microseconds since the epoch.
    """
    return (begin_us - length.lead_us) // SECOND_US * SECOND_US


class _Player:
    def __init__(
        self, tape: Tape, publisher: Publisher, manner: Manner, stopped: threading.Event, progress: Progress
    ) -> None:
        self._tape = tape
        self._publisher = publisher
        self._manner = manner
        self._stopped = stopped
        self._progress = progress
        self._encoder = Encoder(manner.encoding, manner.samples)
        self._topics: dict[str, str] = {}
        self._samples = self._messages = 0
        self._at_us = self._played_us = 0

    def run(self) -> Played:
        manner = self._manner
        length = self._tape.length(manner.speed, round(manner.longest_pause_s * SECOND_US))
        # More rows at once where there are more vehicles, or messages of several samples would be cut short.
        rows = min(max(_BLOCK_ROWS, length.vehicles * manner.samples * 2), _MOST_BLOCK_ROWS)
        began = time.monotonic()
        shift_us = shift_of(length, now_us()) if manner.shift else 0
        self._at_us = length.first_us
        for at_us, table in self._tape.blocks(rows):
            if not self._block(at_us, _shifted(table, shift_us), began):
                break
        self._publisher.flush(_STOPPED_FLUSH_S if self._stopped.is_set() else _FLUSH_S)
        taken, seconds = self._publisher.acknowledged, time.monotonic() - began
        return Played(self._samples, self._messages, taken, seconds, shift_us)

    def _block(self, at_us: Integers, table: pa.Table, began: float) -> bool:
        """Play some rows; whether to go on."""
        due_s = self._due(at_us)
        for message in self._encoder.messages(table):
            wait_s = began + due_s[message.row] - time.monotonic()
            if (wait_s > 0 and self._stopped.wait(wait_s)) or self._stopped.is_set():
                return False
            if not self._publisher.send(self._topic(message.vehicle_id), message.payload):
                return False
            self._samples += message.samples
            self._messages += 1
            self._progress(self._samples, self._messages)
        return True

    def _due(self, at_us: Integers) -> list[float]:
        """When each row is to be sent, seconds after the beginning."""
        manner = self._manner
        if manner.speed is None:
            return [0.0] * len(at_us)
        steps = np.minimum(np.diff(at_us, prepend=self._at_us), round(manner.longest_pause_s * SECOND_US))
        played = self._played_us + np.cumsum(steps)
        if len(played):
            self._at_us, self._played_us = int(at_us[-1]), int(played[-1])
        due: list[float] = (played / (SECOND_US * manner.speed)).tolist()
        return due

    def _topic(self, vehicle_id: str) -> str:
        topic = self._topics.get(vehicle_id)
        if topic is None:
            topic = telemetry_topic(self._manner.fleet, vehicle_id, self._manner.shards)
            self._topics[vehicle_id] = topic
        return topic


def _shifted(table: pa.Table, shift_us: int) -> pa.Table:
    times = pa.array(np.asarray(table["sample_us"]) + shift_us).cast(TIME_TYPE)
    return table.set_column(table.column_names.index("sample_time"), "sample_time", times)
