"""Bodies of HTTP requests: expand what is compressed, and split it into messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
import pyarrow as pa

from twinpack.errors import BodyError
from twinpack.ingest.messages.model import Content, Message

_T = TypeVar("_T")

MAX_BODY_MESSAGES = 100_000
"""Most messages in one body."""

ENCODINGS = ("gzip", "zstd")
_OTHER_ENCODINGS = {"x-gzip": "gzip"}
_PLAIN = ("", "identity")
_CHUNK_BYTES = 262_144

_RAW_JSON = msgspec.json.Decoder(list[msgspec.Raw])
_RAW_MSGPACK = msgspec.msgpack.Decoder(list[msgspec.Raw])
# The length of a list in MessagePack: what its first byte is, and how many bytes after it tell.
_SHORT_LIST = range(0x90, 0xA0)
_LONG_LISTS = {0xDC: 2, 0xDD: 4}


class _Object(msgspec.Struct, gc=False):
    """Any JSON object, of which nothing is kept."""


_OBJECTS = msgspec.json.Decoder(list[_Object])


def expand(body: bytes, encoding: str, limit: int) -> bytes:
    """The body of a request without its compression. Several members or frames are joined.

    Args:
        body: The body as sent.
        encoding: Its Content-Encoding: gzip, zstd, or none.
        limit: Most bytes of the result; no more than that, and a piece, is ever expanded.

    Raises:
        BodyError: `encoding`: another encoding. `size`: it is larger. `body`: it is cut short or damaged.
    """
    name = encoding.strip().lower()
    codec = _OTHER_ENCODINGS.get(name, name)
    if codec in _PLAIN:
        if len(body) > limit:
            raise BodyError("size", f"the body has {len(body):,} bytes; at most {limit:,} are taken")
        return body
    if codec not in ENCODINGS:
        raise BodyError("encoding", f"Content-Encoding {name[:40]!r} is not known; use {' or '.join(ENCODINGS)}")
    if not body:
        raise BodyError("body", f"the body is empty, which is no {codec}")
    parts, size = [], 0
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
            while part := stream.read(_CHUNK_BYTES):
                size += len(part)
                if size > limit:
                    raise BodyError("size", f"the body expands to more than {limit:,} bytes; send it in parts")
                parts.append(part)
    except OSError as error:
        raise BodyError("body", f"the body is no {codec}: {error}") from error
    return b"".join(parts)


def split_body(body: bytes, content_type: str) -> list[Message]:
    """The messages of a body; each is judged when it is decoded.

    Args:
        body: The expanded body.
        content_type: Its Content-Type; what follows a semicolon is passed over.

    Returns:
        Its messages in order: one, those of a list, those of the lines, or a whole Arrow stream as one.

    Raises:
        BodyError: `type`: another type. `size`: too many messages. `body`: it cannot be split.
    """
    name = content_type.partition(";")[0].strip().lower()
    split = _TYPES.get(name)
    if split is None:
        raise BodyError("type", f"Content-Type {name[:80]!r} is not known; use one of {', '.join(_NAMED)}")
    if not body:
        raise BodyError("body", "the body is empty")
    return split(body)


def _json(body: bytes) -> list[Message]:
    if body.lstrip(b" \t\r\n")[:1] != b"[":
        return [Message(body, "json")]
    if body.count(b",") >= MAX_BODY_MESSAGES:
        # Few messages with many fields, perhaps. Count before any list is built: a body of 64 MB could hold 30 million.
        if body.count(b"{") > MAX_BODY_MESSAGES:
            raise _too_many()
        _parsed(_OBJECTS.decode, body, "JSON")
    return _messages(_parsed(_RAW_JSON.decode, body, "JSON"), "json")


def _lines(body: bytes) -> list[Message]:
    if body.count(b"\n") > MAX_BODY_MESSAGES:
        raise _too_many()
    return [Message(text, "json") for line in body.split(b"\n") if (text := line.strip(b" \t\r"))]


def _msgpack(body: bytes) -> list[Message]:
    first = body[0]
    if first not in _SHORT_LIST and first not in _LONG_LISTS:
        return [Message(body, "msgpack")]
    if int.from_bytes(body[1 : 1 + _LONG_LISTS.get(first, 0)], "big") > MAX_BODY_MESSAGES:
        raise _too_many()
    return _messages(_parsed(_RAW_MSGPACK.decode, body, "MessagePack"), "msgpack")


def _arrow(body: bytes) -> list[Message]:
    return [Message(body, "arrow")]


def _parsed(decode: Callable[[bytes], _T], body: bytes, language: str) -> _T:
    try:
        return decode(body)
    except RecursionError as error:
        raise BodyError("body", f"the {language} is nested too deeply") from error
    except ValueError as error:  # malformed, or text that is no UTF-8
        raise BodyError("body", f"the body is no list of messages in {language}: {error}") from error


def _messages(raw: list[msgspec.Raw], content: Content) -> list[Message]:
    if len(raw) > MAX_BODY_MESSAGES:
        raise _too_many()
    return [Message(bytes(one), content) for one in raw]


def _too_many() -> BodyError:
    return BodyError("size", f"more than {MAX_BODY_MESSAGES:,} messages in one body; send them in parts")


_NAMED: dict[str, Callable[[bytes], list[Message]]] = {
    "application/json": _json,
    "application/x-ndjson": _lines,
    "application/msgpack": _msgpack,
    "application/vnd.apache.arrow.stream": _arrow,
}
_TYPES = {
    **_NAMED,
    "application/ndjson": _lines,
    "application/jsonl": _lines,
    "application/x-msgpack": _msgpack,
    "application/vnd.msgpack": _msgpack,
}
