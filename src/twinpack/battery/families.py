"""The model that an artifact's kind and values stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinpack.battery.pack_model import PackModel
from twinpack.battery.thevenin import Thevenin, circuit_from_dict
from twinpack.errors import InputError

THEVENIN = {"thevenin-1rc": 1, "thevenin-2rc": 2, "thevenin-3rc": 3}
"""RC pairs by kind."""

KINDS = tuple(THEVENIN)
"""Every kind of model that twins can start from."""


def pack_model(kind: str, values: Mapping[str, Any]) -> PackModel:
    """The model of a pack that is driven by its current.

    Args:
        kind: One of `KINDS`.
        values: What its artifact holds of the model, JSON values.

    Raises:
        InputError: The kind is not known.
        KeyError, TypeError, ValueError: The values are not those of such a model.
    """
    if kind in THEVENIN:
        return Thevenin(circuit_from_dict(values))
    raise InputError(f"model kind {kind!r} is not known; known are {', '.join(KINDS)}")
