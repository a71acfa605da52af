"""What goes into decoding and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from twinpack.telemetry.readings import Integers, Readings

Content = Literal["json", "msgpack", "arrow"]

VERSION = 1
"""The version of the format that is written and read."""
MAX_MESSAGE_BYTES = 256_000
"""Largest message in JSON or MessagePack, unless the caller sets another limit."""
MAX_SAMPLES = 10_000
"""Most samples in one message in JSON or MessagePack."""
MAX_CELLS = 1_000
"""Most cells or probes of one sample."""
MAX_FIELDS = 1_000
"""Most fields of one message."""
MAX_UNKNOWN_NAMES = 100
"""Most names without a meaning that one call tells apart."""
OTHER_NAMES = "(other names)"
"""Where names beyond them are counted."""

REJECT_REASONS: Mapping[str, str] = {
    "json": "the text is no JSON",
    "msgpack": "the bytes are no MessagePack",
    "arrow": "the body is no Arrow IPC stream, or lacks a column",
    "format": "it is well formed, but no message: no object, a column of another length, a field of another kind",
    "version": "it is of a version that this release does not know",
    "vehicle": "it names no vehicle, or one with characters that are not allowed",
    "topic": "its vehicle is not that of the topic",
    "time": "it has no time",
    "size": "it is too large, or has too many samples, cells or fields",
}
"""Why a whole message is turned away."""

ROW_REASONS: Mapping[str, str] = {
    "vehicle": "a row of an Arrow body without a vehicle, or with one that is not allowed",
    "time": "a sample without a time, or with one that cannot be",
    "number": "something else where a number belongs",
}
"""Why a sample, or a value of it, is turned away here; validation adds infinite, range, clock and conflict."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message as it arrived.

    Attributes:
        payload: Its bytes.
        content: What they are; None to tell JSON and MessagePack apart by the first byte.
        topic_vehicle: The vehicle that its topic names, if a topic does.
    """

    payload: bytes
    content: Content | None = None
    topic_vehicle: str | None = None


class Reject(msgspec.Struct, frozen=True, gc=False):
    """A message that was turned away as a whole.

    Attributes:
        message: Its position among the messages.
        reason: One of `REJECT_REASONS`.
        detail: What is wrong with it, and what to do where that helps.
    """

    message: int
    reason: str
    detail: str


class Refusal(Exception):
    """Thrown inside the decoder by whatever finds a message wrong; `decode` makes it a `Reject`."""

    def __init__(self, reason: str, detail: str) -> None:
        """The reason in one word, and in full."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Decoded:
    """What a micro-batch of M messages holds.

    Attributes:
        readings: Their N samples, those of a message together and messages in their order. Faults of single samples
            and values are in it; receipt times are not. A signal without any value has no column.
        message: The message that each sample is from, shape (N,).
        rejected: Messages that gave no sample, in order: every message either has samples or is here.
        sequence: The counter of each message, shape (M,), -1 where it has none.
        unknown: How many messages had a field of this name, which means nothing here. At most `MAX_UNKNOWN_NAMES`
            names, each cut to 80 characters; the rest is counted under `OTHER_NAMES`.
    """

    readings: Readings
    message: npt.NDArray[np.int32]
    rejected: list[Reject]
    sequence: Integers
    unknown: Mapping[str, int] = field(default_factory=dict)


def show(value: Any) -> str:
    """A value of a message as a person reads it in an error: short, whatever it is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:40]}...")
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**20):
        return repr(value)
    names = {int: "a number of more than 20 digits", list: "a list", dict: "an object", bytes: "binary data"}
    return names.get(type(value), "an extension type")
