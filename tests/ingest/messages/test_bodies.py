"""Bodies of requests: compression with a limit, and the messages in them."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable

import msgspec
import pyarrow as pa
import pytest

from tests.ingest.messages.mutations import mutations
from tests.ingest.messages.test_fuzz import check_accounts
from twinpack.errors import BodyError
from twinpack.ingest.messages import MAX_BODY_MESSAGES, Message, content_of, decode, expand, split_body

TEXT = b'{"vehicle":"bus-1","time":1740830400000000}' * 500


def zstd(body: bytes) -> bytes:
    packed: bytes = pa.compress(body, codec="zstd", asbytes=True)
    return packed


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd}


def refused(body: bytes, encoding: str, limit: int = 10**9) -> str:
    with pytest.raises(BodyError) as caught:
        expand(body, encoding, limit)
    assert len(str(caught.value)) < 200
    return caught.value.reason


def not_split(body: bytes, content_type: str) -> str:
    with pytest.raises(BodyError) as caught:
        split_body(body, content_type)
    assert len(str(caught.value)) < 400
    return caught.value.reason


# --- compression ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "GZIP ", "x-gzip"])
def test_a_body_is_expanded(encoding: str) -> None:
    compress = COMPRESS["zstd" if encoding == "zstd" else "gzip"]
    assert expand(compress(TEXT), encoding, len(TEXT)) == TEXT
    assert expand(compress(TEXT) + compress(b"") + compress(b"more"), encoding, 10**6) == TEXT + b"more"


def test_a_body_may_be_plain() -> None:
    assert expand(TEXT, "", len(TEXT)) is TEXT
    assert expand(b"", "identity", 0) == b""
    assert refused(TEXT, "", len(TEXT) - 1) == "size"


@pytest.mark.parametrize("encoding", COMPRESS)
def test_expanding_stops_at_the_limit(encoding: str) -> None:
    compress = COMPRESS[encoding]
    assert refused(compress(TEXT), encoding, len(TEXT) - 1) == "size"
    bomb = compress(bytes(50_000_000))
    assert len(bomb) < 100_000
    assert refused(bomb, encoding, 10**6) == "size"
    # Many members, each small, are one body.
    assert refused(compress(TEXT) * 100, encoding, 10 * len(TEXT)) == "size"


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_damaged_body_is_refused(encoding: str) -> None:
    whole = COMPRESS[encoding](TEXT)
    damaged = [b"", whole[:-1], whole[:5], whole + b"x", b"\0" + whole, b"plain text, no more"]
    assert {refused(body, encoding) for body in damaged} == {"body"}


def test_another_encoding_is_refused() -> None:
    assert refused(TEXT, "br") == "encoding"
    assert refused(TEXT, "gzip, zstd") == "encoding"


# --- splitting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "messages"),
    [
        (b'{"a":1}', "application/json", [b'{"a":1}']),
        (b' \n{"a":1} ', "Application/JSON; charset=utf-8", [b' \n{"a":1} ']),
        (b'[{"a":1}, {"b": "[,]"}]', "application/json", [b'{"a":1}', b'{"b": "[,]"}']),
        (b"[]", "application/json", []),
        (b'[{"a":1},7]', "application/json", [b'{"a":1}', b"7"]),
        (b'{"a":1}\n\r\n {"b":2}\r\nx', "application/x-ndjson", [b'{"a":1}', b'{"b":2}', b"x"]),
        (b"\x81\xa1a\x01", "application/msgpack", [b"\x81\xa1a\x01"]),
        (b"\x92\x81\xa1a\x01\x05", "application/x-msgpack", [b"\x81\xa1a\x01", b"\x05"]),
        (b"\xdc\x00\x01\x80", "application/vnd.msgpack", [b"\x80"]),
        (b"\xdd\x00\x00\x00\x00", "application/msgpack", []),
    ],
)
def test_a_body_is_split(body: bytes, content_type: str, messages: list[bytes]) -> None:
    split = split_body(body, content_type)
    assert [message.payload for message in split] == messages
    assert {message.content for message in split} <= {"msgpack" if "msgpack" in content_type else "json"}


def test_an_arrow_stream_is_one_message() -> None:
    assert split_body(b"x", "application/vnd.apache.arrow.stream") == [Message(b"x", "arrow")]


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"{}", "", "type"),
        (b"{}", "text/plain", "type"),
        (b"{}", "application/x-www-form-urlencoded", "type"),
        (b"", "application/json", "body"),
        (b"", "application/msgpack", "body"),
        (b"[{}", "application/json", "body"),
        (b"[{}]x", "application/json", "body"),
        (b"[" * 100_000, "application/json", "body"),
        (b"\x91" * 100_000, "application/msgpack", "body"),
        (b"\x92\x80", "application/msgpack", "body"),
        (b"\x91\x80\x80", "application/msgpack", "body"),
        (b"\xdd\x00\x01", "application/msgpack", "body"),
        (b"\xdd\xff\xff\xff\xff\x80", "application/msgpack", "size"),
        (b"\n" * (MAX_BODY_MESSAGES + 1), "application/x-ndjson", "size"),
        (b"[" + b"{}," * MAX_BODY_MESSAGES + b"{}]", "application/json", "size"),
        (b"[" + b"1," * (2 * MAX_BODY_MESSAGES) + b"1]", "application/json", "body"),
    ],
)
def test_a_body_that_cannot_be_split_is_refused(body: bytes, content_type: str, reason: str) -> None:
    assert not_split(body, content_type) == reason


def test_few_messages_with_many_values_are_split() -> None:
    column = list(range(60_000))
    body = msgspec.json.encode([{"time": column}, {"time": column}])
    assert [json.loads(message.payload)["time"] for message in split_body(body, "application/json")] == [column] * 2


# --- whatever comes -------------------------------------------------------------------------------------------------

TYPES = {"json": ("application/json", "application/x-ndjson"), "msgpack": ("application/msgpack",)}


def joined(messages: list[Message], content_type: str) -> bytes:
    """Messages as one body, whatever is in them."""
    payloads = [message.payload for message in messages]
    if content_type == "application/x-ndjson":
        return b"\n".join(payloads)
    if content_type == "application/json":
        return b"[" + b",".join(payloads) + b"]"
    return bytes((0x90 + len(payloads),)) + b"".join(payloads)


def test_bodies_of_mutated_messages_are_split_or_refused() -> None:
    rng = random.Random(3)
    outcomes: Counter[str] = Counter()
    by_content: dict[str, list[Message]] = {"json": [], "msgpack": []}
    for message in mutations(seed=3, count=3_000):
        by_content[message.content or content_of(message.payload)].append(message)
    for content, messages in by_content.items():
        for start in range(0, len(messages), 3):
            content_type = rng.choice(TYPES[content])
            body = joined(messages[start : start + rng.randint(1, 3)], content_type)
            try:
                split = split_body(body, content_type)
            except BodyError as error:
                outcomes[error.reason] += 1
                continue
            check_accounts(split, decode(split))
            outcomes["split"] += 1
    assert set(outcomes) == {"body", "split"}
    assert min(outcomes.values()) > 100


@pytest.mark.parametrize("encoding", COMPRESS)
def test_damaged_compression_is_expanded_or_refused(encoding: str) -> None:
    rng = random.Random(4)
    whole = COMPRESS[encoding](TEXT) + COMPRESS[encoding](TEXT[:1000])
    outcomes: Counter[str] = Counter()
    for _ in range(2_000):
        body = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        try:
            expanded = expand(bytes(body[: rng.randrange(len(body))] if rng.random() < 0.3 else body), encoding, 10**5)
        except BodyError as error:
            outcomes[error.reason] += 1
            continue
        assert len(expanded) <= 10**5
        outcomes["expanded"] += 1
    assert outcomes["body"] > 500
