"""Open one message: parse it, check what is around the signals, and that every column has its length."""

from __future__ import annotations

from typing import Any

import msgspec

from twinpack.ingest.messages.fields import Shape, shape_of, vss_version
from twinpack.ingest.messages.model import MAX_CELLS, MAX_SAMPLES, VERSION, Content, Message, Refusal, show
from twinpack.telemetry.identifiers import is_vehicle_id

_JSON = msgspec.json.Decoder(dict[str, Any])
_MSGPACK = msgspec.msgpack.Decoder(dict[str, Any])
_LARGEST_SEQUENCE = 2**63 - 1
_NOT_IN_JSON = "; NaN and Infinity are no JSON, write null"


class Opened(msgspec.Struct, frozen=True, gc=False):
    """A message that will give samples.

    Attributes:
        body: Its fields.
        shape: What they mean.
        vss: Version of the paths.
        vehicle: Its vehicle.
        samples: How many samples it has.
        batch: Whether they are in columns.
        sequence: Its counter, -1 where it has none.
    """

    body: dict[str, Any]
    shape: Shape
    vss: int
    vehicle: str
    samples: int
    batch: bool
    sequence: int


def content_of(payload: bytes) -> Content:
    """Whether a message is MessagePack or JSON, by its first byte.

    A map in MessagePack begins with a byte that neither JSON nor a byte order mark begins with.
    """
    return "msgpack" if payload and payload[0] >= 0x80 and payload[0] != 0xEF else "json"


def parse(message: Message, max_bytes: int) -> dict[str, Any]:
    """The fields of a message in JSON or MessagePack. A field that is there twice counts as it stands last.

    Raises:
        Refusal: It is none, or larger than `max_bytes`.
    """
    payload = message.payload
    if len(payload) > max_bytes:
        raise Refusal("size", f"{len(payload):,} bytes; at most {max_bytes:,} are taken")
    content = message.content or content_of(payload)
    if not payload:
        raise Refusal(content, "the message is empty")
    try:
        return _JSON.decode(payload) if content == "json" else _MSGPACK.decode(payload)
    except msgspec.ValidationError as error:
        raise Refusal("format", f"a message is an object with names and values: {error}") from error
    except RecursionError as error:
        raise Refusal(content, "it is nested too deeply") from error
    except ValueError as error:  # malformed, or text that is no UTF-8
        hint = _NOT_IN_JSON if b"NaN" in payload or b"Infinity" in payload else ""
        raise Refusal(content, f"{error}{hint if content == 'json' else ''}") from error


def open_message(message: Message, max_bytes: int, known_vehicles: dict[str, int]) -> Opened:
    """Parse a message and check all of it but the values of its signals.

    Args:
        message: The message.
        max_bytes: Largest size.
        known_vehicles: Names that are known to be allowed.

    Raises:
        Refusal: It gives no sample.
    """
    body = parse(message, max_bytes)
    version = body.get("v")
    if version is not None and (type(version) is not int or version != VERSION):
        raise Refusal("version", f"v is {show(version)}; this release knows version {VERSION}")
    vss = vss_version(body.get("vss"))
    shape = shape_of(tuple(body), vss)
    vehicle = _vehicle(body.get("vehicle"), message.topic_vehicle, known_vehicles)
    sequence = body.get("seq")
    if sequence is None:
        sequence = -1
    elif type(sequence) is not int or not 0 <= sequence <= _LARGEST_SEQUENCE:
        raise Refusal("format", f"seq is {show(sequence)}, not a whole number from 0 to 2**63 - 1")
    if "time" not in body:
        raise Refusal("time", "there is no time")
    time = body["time"]
    if type(time) in (list, bytes):
        samples = _samples(time)
        _check_columns(body, shape, samples)
        return Opened(body, shape, vss, vehicle, samples, True, sequence)
    for field in shape.lists:
        _check_cells(field.key, body[field.key])
    return Opened(body, shape, vss, vehicle, 1, False, sequence)


def _vehicle(named: Any, topic_vehicle: str | None, known_vehicles: dict[str, int]) -> str:
    if named is None:
        if topic_vehicle is None:
            raise Refusal("vehicle", "there is no vehicle")
        named = topic_vehicle
    elif topic_vehicle is not None and named != topic_vehicle:
        raise Refusal("topic", f"vehicle is {show(named)}, but the topic is that of {show(topic_vehicle)}")
    if type(named) is not str:
        raise Refusal("vehicle", f"vehicle is {show(named)}, not a text")
    if named not in known_vehicles and not is_vehicle_id(named):
        raise Refusal("vehicle", f"{show(named)} is not an allowed vehicle id")
    return named


def _samples(time: list[Any] | bytes) -> int:
    if type(time) is list:
        samples = len(time)
    elif len(time) % 8 == 0:
        samples = len(time) // 8
    else:
        raise Refusal("format", f"time has {len(time)} packed bytes, not 8 a sample")
    if samples == 0:
        raise Refusal("format", "time is empty: the message has no sample")
    if samples > MAX_SAMPLES:
        raise Refusal("size", f"{samples:,} samples; at most {MAX_SAMPLES:,} are taken in a message")
    return samples


def _check_columns(body: dict[str, Any], shape: Shape, samples: int) -> None:
    for field in shape.scalars:
        value = body[field.key]
        kind = type(value)
        if kind is list:
            if len(value) != samples:
                raise Refusal("format", f"{field.key} has {len(value):,} values for {samples:,} times")
        elif kind is bytes:
            if len(value) not in (8 * samples, 4 * samples):
                raise Refusal(
                    "format", f"{field.key} has {len(value):,} packed bytes, not 8 or 4 for each of {samples:,} times"
                )
        elif value is not None:
            raise Refusal("format", f"{field.key} is {show(value)}; time is a list, so it must be one of equal length")
    for field in shape.lists:
        _check_cell_column(field.key, body[field.key], samples)


def _check_cell_column(key: str, value: Any, samples: int) -> None:
    if type(value) is list:
        if len(value) != samples:
            raise Refusal("format", f"{key} has {len(value):,} lists for {samples:,} times")
        for one in value:
            _check_cells(key, one)
    elif type(value) is bytes:
        if len(value) % (4 * samples):
            raise Refusal("format", f"{key} has {len(value):,} packed bytes, not 4 a cell for {samples:,} times")
        if len(value) > 4 * samples * MAX_CELLS:
            raise Refusal("size", f"{key} has more than {MAX_CELLS:,} cells")
    elif value is not None:
        raise Refusal("format", f"{key} is {show(value)}; time is a list, so it must be one of equal length")


def _check_cells(key: str, value: Any) -> None:
    kind = type(value)
    if kind is bytes and len(value) % 4:
        raise Refusal("format", f"{key} has {len(value):,} packed bytes, not 4 a cell")
    if (kind is list and len(value) > MAX_CELLS) or (kind is bytes and len(value) > 4 * MAX_CELLS):
        raise Refusal("size", f"{key} has more than {MAX_CELLS:,} cells")
