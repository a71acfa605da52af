"""Decoding of telemetry messages, against taking each message by itself and checking nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from benchmarks.result import Result, seconds_side_by_side
from twinpack.ingest.messages import Message, decode
from twinpack.telemetry.schema import SCALAR_SIGNALS

_START_US = 1_740_830_400_000_000
_MESSAGES = 1_000
_SAMPLES = 30
_SIGNALS = 10


def json_samples() -> Result:
    """Microseconds for a message of one sample in JSON, about 500 bytes; baseline: json.loads, then an Arrow table."""
    rng = np.random.default_rng(1)
    bodies = [
        {"vehicle": f"bus-{number:05d}", "seq": number, "time": "2025-03-01T12:00:00.250Z"}
        | {name: round(float(rng.uniform(1, 400)), 2) for name in SCALAR_SIGNALS[:16]}
        for number in range(_MESSAGES)
    ]
    payloads = [msgspec.json.encode(body) for body in bodies]
    return _measured(payloads, lambda: pa.Table.from_pylist([json.loads(payload) for payload in payloads]))


def msgpack_columns() -> Result:
    """Microseconds for 30 samples of 10 signals in MessagePack; baseline: its signals become arrays one by one."""
    payloads = _columns(np.ndarray.tolist)
    return _measured(payloads, lambda: _by_message(payloads, lambda column: np.array(column, np.float64)))


def msgpack_packed() -> Result:
    """The same with packed columns."""
    payloads = _columns(np.ndarray.tobytes)
    return _measured(payloads, lambda: _by_message(payloads, lambda column: np.frombuffer(column, "<f8")))


def _columns(column: Callable[[Any], Any]) -> list[bytes]:
    rng = np.random.default_rng(1)
    times = _START_US + 1_000_000 * np.arange(_SAMPLES, dtype=np.int64)
    return [
        msgspec.msgpack.encode(
            {"vehicle": f"bus-{number:05d}", "seq": number, "time": column(times)}
            | {name: column(rng.uniform(1, 400, _SAMPLES).astype("<f8")) for name in SCALAR_SIGNALS[:_SIGNALS]}
        )
        for number in range(_MESSAGES)
    ]


def _by_message(payloads: list[bytes], array: Callable[[Any], Any]) -> dict[str, Any]:
    bodies = [msgspec.msgpack.decode(payload) for payload in payloads]
    return {name: np.concatenate([array(body[name]) for body in bodies]) for name in SCALAR_SIGNALS[:_SIGNALS]}


def _measured(payloads: list[bytes], baseline: Callable[[], object]) -> Result:
    messages = [Message(payload) for payload in payloads]
    ours_s, theirs_s = seconds_side_by_side(lambda: decode(messages), baseline)
    return Result(1e6 * ours_s / _MESSAGES, "us", 1e6 * theirs_s / _MESSAGES, higher_is_better=False)
