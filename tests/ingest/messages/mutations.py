"""Valid messages, and random changes of them, the same for the same seed.

`mutations` gives messages that are wrong in every way a message can be: bits flipped, cut, spliced, with numbers no
float holds, fields of other kinds, columns of other lengths, nested beyond any depth.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np

from twinpack.ingest.messages import Content, Message
from twinpack.telemetry.schema import SIGNALS

START_US = 1_740_830_400_000_000
VEHICLES = ("bus-1", "bus-2", "van_7", "A.b-3")

_Fields = dict[str, Any]

_NUMBER = re.compile(rb"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUMBERS = (b"1e999", b"-1e999", b"9" * 400, b"NaN", b"-Infinity", b"0x10", b"1.", b"01", b"-", b"1e-400", b"-0.0", b"")
_BYTES = bytes((0, 1, 0x22, 0x5B, 0x5D, 0x7B, 0x7D, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, *range(0xC0, 0xE0), 0xFF))
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64 - 1, -(2**63), 0.5, 1e308, -1e308, 1e-320),
    *("", "1", "NaN", "x" * 300, "2025-03-01T12:00:00Z", "2025-03-01T12:00:00", "0000-00-00T00:00:00Z", "\x00", "🚌"),
    *([], [None], [1, 2, 3], ["a"], [[]], [[1, 2], [3]], {}, {"a": 1}, {"a": {"b": [1]}}),
)
_ONLY_MSGPACK: tuple[Any, ...] = (
    *(float("nan"), float("inf"), float("-inf"), b"", b"1234", b"12345678", bytes(240), b"\xff" * 8),
    *(msgspec.msgpack.Ext(5, b"abc"), {1: 2}, {(1, 2): 3}),
)


def sample(rng: random.Random) -> dict[str, Any]:
    """The fields of a message with one sample."""
    chosen = [name for name in SIGNALS if rng.random() < 0.6]
    return {**_envelope(rng), "time": _time(rng, 0), **{name: _value(rng, name) for name in chosen}}


def columns(rng: random.Random, packed: bool = False) -> dict[str, Any]:
    """The fields of a message with several samples."""
    rows = rng.randint(1, 12)
    chosen = [name for name in SIGNALS if rng.random() < 0.4]
    fields: dict[str, Any] = {name: [_value(rng, name) for _ in range(rows)] for name in chosen}
    times: Any = [_time(rng, row) for row in range(rows)]
    if packed:
        times = np.arange(START_US, START_US + rows, dtype="<i8").tobytes()
        width = rng.choice(("<f4", "<f8"))
        for name in chosen:
            if SIGNALS[name].kind == "list":
                fields[name] = np.full(rows * rng.randint(0, 4), 3.5, "<f4").tobytes()
            else:
                fields[name] = np.linspace(1, 2, rows).astype(width).tobytes()
    return {**_envelope(rng), "time": times, **fields}


def valid(rng: random.Random) -> tuple[dict[str, Any], Content]:
    """The fields of a message of any kind that is all right, and its encoding."""
    kind = rng.randrange(5)
    if kind == 0:
        return columns(rng, packed=True), "msgpack"
    fields = sample(rng) if kind < 3 else columns(rng)
    return fields, "json" if kind % 2 else "msgpack"


def encode(fields: Any, content: Content) -> bytes:
    """Fields as bytes."""
    return msgspec.json.encode(fields) if content == "json" else msgspec.msgpack.encode(fields)


def mutations(seed: int, count: int) -> Iterator[Message]:
    """Random changes of valid messages; about one in twenty is left as it is."""
    rng = random.Random(seed)
    payload = b"{}"
    for _ in range(count):
        before = payload
        fields: Any
        fields, content = valid(rng)
        if rng.random() < 0.5:
            fields = _edited(rng, fields, content)
        payload = encode(fields, content)
        if rng.random() < 0.6:
            for _ in range(rng.randint(1, 3)):
                payload = rng.choice(_CHANGES)(rng, payload, before)
        told = content if rng.random() < 0.5 else None
        topic = rng.choice(VEHICLES) if rng.random() < 0.2 else None
        yield Message(payload, told, topic)


# --- what is valid --------------------------------------------------------------------------------------------------


def _envelope(rng: random.Random) -> dict[str, Any]:
    fields: dict[str, Any] = {"v": 1, "vehicle": rng.choice(VEHICLES), "seq": rng.randrange(10**6)}
    return {name: value for name, value in fields.items() if name == "vehicle" or rng.random() < 0.5}


def _time(rng: random.Random, row: int) -> Any:
    return (
        f"2025-03-01T12:{row:02d}:00.{rng.randrange(10**6):06d}Z" if rng.random() < 0.3 else START_US + row * 1_000_000
    )


def _value(rng: random.Random, name: str) -> Any:
    signal = SIGNALS[name]
    if rng.random() < 0.05:
        return None
    if signal.kind == "bool":
        return rng.random() < 0.5
    if signal.kind == "list":
        return [round(rng.uniform(3, 4), 3) for _ in range(rng.randrange(5))]
    return round(rng.uniform(signal.minimum, signal.maximum), rng.randrange(4))


# --- changes of fields ----------------------------------------------------------------------------------------------


def _edited(rng: random.Random, fields: Any, content: Content) -> Any:
    for _ in range(rng.randint(1, 3)):
        if not isinstance(fields, dict) or not fields:
            break
        fields = rng.choice(_EDITS)(rng, fields, content)
    return fields


def _replace_value(rng: random.Random, fields: _Fields, content: Content) -> Any:
    return {**fields, rng.choice(list(fields)): _any_value(rng, content)}


def _replace_element(rng: random.Random, fields: _Fields, content: Content) -> Any:
    lists = [name for name, value in fields.items() if isinstance(value, list) and value]
    if not lists:
        return fields
    name = rng.choice(lists)
    changed = list(fields[name])
    changed[rng.randrange(len(changed))] = _any_value(rng, content)
    return {**fields, name: changed}


def _change_length(rng: random.Random, fields: _Fields, content: Content) -> Any:
    sized = [name for name, value in fields.items() if isinstance(value, list | bytes | str) and value]
    if not sized:
        return fields
    name = rng.choice(sized)
    return {**fields, name: fields[name][:-1] if rng.random() < 0.5 else fields[name] * rng.randint(2, 3)}


def _rename(rng: random.Random, fields: _Fields, content: Content) -> Any:
    old = rng.choice(list(fields))
    new = rng.choice(("", "x", old[:-1], old.upper(), "\x00", "é" * 100, "time", "vehicle", *SIGNALS))
    return {new if name == old else name: value for name, value in fields.items()}


def _drop(rng: random.Random, fields: _Fields, content: Content) -> Any:
    dropped = rng.choice(list(fields))
    return {name: value for name, value in fields.items() if name != dropped}


def _nest(rng: random.Random, fields: _Fields, content: Content) -> Any:
    return rng.choice(([fields], {"vehicle": "bus-1", "time": START_US, "x": fields}, None, 7, "text"))


def _any_value(rng: random.Random, content: Content) -> Any:
    return rng.choice(_VALUES if content == "json" else _VALUES + _ONLY_MSGPACK)


_EDITS: tuple[Callable[[random.Random, _Fields, Content], Any], ...] = (
    *(_replace_value, _replace_value, _replace_element, _replace_element, _change_length, _rename, _drop, _nest),
)


# --- changes of bytes -----------------------------------------------------------------------------------------------


def _flip_bits(rng: random.Random, payload: bytes, other: bytes) -> bytes:
    changed = bytearray(payload)
    for _ in range(rng.randint(1, 4) if changed else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _set_byte(rng: random.Random, payload: bytes, other: bytes) -> bytes:
    place = rng.randrange(len(payload) + 1)
    return payload[:place] + bytes((rng.choice(_BYTES),)) + payload[place + rng.randrange(2) :]


def _cut(rng: random.Random, payload: bytes, other: bytes) -> bytes:
    place = rng.randrange(len(payload) + 1)
    return payload[:place] if rng.random() < 0.7 else payload[place:]


def _splice(rng: random.Random, payload: bytes, other: bytes) -> bytes:
    return payload[: rng.randrange(len(payload) + 1)] + other[rng.randrange(len(other) + 1) :]


def _repeat(rng: random.Random, payload: bytes, other: bytes) -> bytes:
    start = rng.randrange(len(payload) + 1)
    stop = min(len(payload), start + rng.randrange(30))
    return payload[:stop] + payload[start:stop] * rng.randint(1, 3) + payload[stop:]


def _insert(rng: random.Random, payload: bytes, other: bytes) -> bytes:
    place = rng.randrange(len(payload) + 1)
    return payload[:place] + rng.randbytes(rng.randint(1, 9)) + payload[place:]


def _edit_number(rng: random.Random, payload: bytes, other: bytes) -> bytes:
    found = list(_NUMBER.finditer(payload))
    if not found:
        return payload
    match = rng.choice(found)
    return payload[: match.start()] + rng.choice(_NUMBERS) + payload[match.end() :]


def _deepen(rng: random.Random, payload: bytes, other: bytes) -> bytes:
    opening = rng.choice((b"[", b'{"a":', b"\x91", b"\x81\xa1a", b"\xdd\x00\x00\x00\x01"))
    place = rng.choice((0, payload.find(b":") + 1, len(payload)))
    return payload[:place] + opening * rng.choice((1, 50, 5_000)) + payload[place:]


_CHANGES: tuple[Callable[[random.Random, bytes, bytes], bytes], ...] = (
    *(
        _flip_bits,
        _flip_bits,
        _set_byte,
        _set_byte,
        _cut,
        _splice,
        _repeat,
        _insert,
        _edit_number,
        _edit_number,
        _deepen,
    ),
)
