"""Names of fields: which are signals, by our names or by paths of the Vehicle Signal Specification."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinpack.ingest.messages.model import MAX_FIELDS, MAX_UNKNOWN_NAMES, OTHER_NAMES, Refusal, show
from twinpack.telemetry.schema import SIGNALS, Signal

ENVELOPE = ("v", "vss", "vehicle", "time", "seq")
"""Fields of a message that are no signals."""
VSS_DEFAULT = 6
"""Major version of the Vehicle Signal Specification that paths are of when a message does not say."""

_VSS_VERSIONS: dict[Any, int] = {5: 5, "5": 5, "5.0": 5, 6: 6, "6": 6, "6.0": 6}
_BY_PATH = {signal.vss: signal for signal in SIGNALS.values() if signal.vss}
# Version 6 counts the distance in metres, version 5 in kilometres; every other unit and sign is ours.
_SCALES = {6: {"odometer_km": 0.001}, 5: {}}

_SHORT_NAME = 80
_CACHED_SHAPES = 1_000
_CACHED_FIELDS = 64
_CACHED_CHARACTERS = 8_000


@dataclass(frozen=True, slots=True)
class SignalField:
    """A field that is a signal.

    Attributes:
        key: Its name in the message.
        signal: The signal.
        scale: Factor to the unit of the signal.
    """

    key: str
    signal: Signal
    scale: float


@dataclass(frozen=True, slots=True)
class Shape:
    """What the fields of a message mean.

    Attributes:
        scalars: Fields with one number a sample.
        lists: Fields with a list of numbers a sample.
        unknown: Names without a meaning, shortened.
    """

    scalars: tuple[SignalField, ...]
    lists: tuple[SignalField, ...]
    unknown: tuple[str, ...]


_shapes: dict[tuple[int, tuple[str, ...]], Shape] = {}


def shape_of(names: tuple[str, ...], vss: int) -> Shape:
    """What fields mean; shapes that were met before are remembered.

    Args:
        names: Every field of a message.
        vss: Major version of the Vehicle Signal Specification.

    Raises:
        Refusal: There are too many, or a signal is there twice.
    """
    known = _shapes.get((vss, names))
    if known is not None:
        return known
    shape = _make_shape(names, vss)
    if len(names) <= _CACHED_FIELDS and sum(map(len, names)) <= _CACHED_CHARACTERS:
        if len(_shapes) >= _CACHED_SHAPES:
            _shapes.clear()
        _shapes[(vss, names)] = shape
    return shape


def _make_shape(names: tuple[str, ...], vss: int) -> Shape:
    if len(names) > MAX_FIELDS:
        raise Refusal("size", f"{len(names):,} fields; at most {MAX_FIELDS:,} are taken")
    found: dict[str, SignalField] = {}
    unknown = []
    for name in names:
        signal = SIGNALS.get(name)
        scale = 1.0
        if signal is None and (signal := _BY_PATH.get(name)) is not None:
            scale = _SCALES[vss].get(signal.name, 1.0)
        if signal is None:
            if name not in ENVELOPE:
                unknown.append(short_name(name))
        elif signal.name in found:
            raise Refusal("format", f"{signal.name} is there twice: as {found[signal.name].key} and as {name}")
        else:
            found[signal.name] = SignalField(name, signal, scale)
    fields = found.values()
    return Shape(
        tuple(field for field in fields if field.signal.kind != "list"),
        tuple(field for field in fields if field.signal.kind == "list"),
        tuple(unknown),
    )


def vss_version(value: Any) -> int:
    """The version that a message states for its paths.

    Raises:
        Refusal: It is not known.
    """
    if value is None:
        return VSS_DEFAULT
    version = _VSS_VERSIONS.get(value) if type(value) in (int, str) else None
    if version is None:
        raise Refusal("version", f"vss is {show(value)}; known are 5 and 6")
    return version


def short_name(name: str) -> str:
    """A name that is safe to log: cut, and without characters that do not print."""
    cut = name if len(name) <= _SHORT_NAME else f"{name[: _SHORT_NAME - 3]}..."
    return cut if cut.isprintable() else "".join(mark if mark.isprintable() else "?" for mark in cut)


def closest_name(name: str) -> str | None:
    """The field that a name without a meaning was probably meant to be, or None."""
    known = [*SIGNALS, *_BY_PATH, *ENVELOPE]
    return next(iter(difflib.get_close_matches(name, known, 1, 0.8)), None)


class UnknownNames:
    """Names without a meaning that were met since the start.

    Attributes:
        counts: Messages with each of them, for at most `MAX_UNKNOWN_NAMES` names and the rest together.
    """

    def __init__(self) -> None:
        """None yet."""
        self.counts: dict[str, int] = {}

    def add(self, unknown: Mapping[str, int]) -> list[str]:
        """Count what a micro-batch met.

        Args:
            unknown: Messages by name, as `Decoded` has them.

        Returns:
            A line for a log about each name that is new.
        """
        fresh = []
        for name, messages in unknown.items():
            if name not in self.counts and len(self.counts) >= MAX_UNKNOWN_NAMES:
                name = OTHER_NAMES
            if name not in self.counts:
                fresh.append(_about(name))
            self.counts[name] = self.counts.get(name, 0) + messages
        return fresh


def _about(name: str) -> str:
    if name == OTHER_NAMES:
        return f"more than {MAX_UNKNOWN_NAMES} fields mean nothing here; the others are counted together"
    meant = closest_name(name)
    return f"field {name!r} means nothing here and is passed over" + (f"; did you mean {meant}?" if meant else "")
