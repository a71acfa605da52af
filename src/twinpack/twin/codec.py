"""Arrays and JSON values in one byte string; no code is ever read from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

FORMAT = 3
READS = (2, FORMAT)
"""Formats that are read: what 2 has not yet begins as if nothing had been known of it."""

_KINDS = frozenset("biufS")


def encode(meta: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Bytes of JSON values and arrays; the same content gives the same bytes."""
    packed = {
        name: [values.dtype.str, list(values.shape), np.ascontiguousarray(values).tobytes()]
        for name, values in arrays.items()
    }
    return msgspec.msgpack.encode({"format": FORMAT, "meta": dict(meta), "arrays": packed})


def decode(data: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """What `encode` was given.

    Raises:
        ValueError: The bytes are not of this format.
    """
    try:
        content = msgspec.msgpack.decode(data)
        if content["format"] not in READS:
            raise ValueError(f"state of format {content['format']}; this release reads format {READS[0]} to {FORMAT}")
        arrays = {name: _array(*parts) for name, parts in content["arrays"].items()}
        return content["meta"], arrays
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise ValueError(f"not a saved state: {error}") from error


def _array(dtype: str, shape: list[int], data: bytes) -> npt.NDArray[Any]:
    kind = np.dtype(dtype)
    if kind.kind not in _KINDS:
        raise ValueError(f"not a saved state: array of type {dtype}")
    return np.frombuffer(data, dtype=kind).reshape(shape).copy()
