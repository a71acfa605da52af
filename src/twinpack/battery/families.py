"""The model that an artifact's kind and values stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinpack.battery.bounded import bounded_from_dict
from twinpack.battery.hybrid import Hybrid
from twinpack.battery.network_pack import NetworkPack, network_cell_from_dict
from twinpack.battery.pack_model import PackModel
from twinpack.battery.route import route_model_from_dict
from twinpack.battery.thevenin import Thevenin, circuit_from_dict
from twinpack.errors import InputError
from twinpack.filters.model import Model

THEVENIN = {"thevenin-1rc": 1, "thevenin-2rc": 2, "thevenin-3rc": 3}
"""RC pairs by kind."""

NETWORK = "network"
"""Kind of a network that knows no physics."""

HYBRID = "hybrid"
"""Kind of physics with a network that corrects it."""

ROUTE = "route"
"""Kind of the model of a route's speed, load and distance."""

PACK_KINDS = (*THEVENIN, NETWORK, HYBRID)
"""Kinds of models that are driven by current."""

KINDS = (*PACK_KINDS, ROUTE)
"""Every kind of model that twins can start from."""


def pack_model(kind: str, values: Mapping[str, Any]) -> PackModel:
    """The model of a pack that is driven by its current.

    Args:
        kind: One of `PACK_KINDS`.
        values: What its artifact holds of the model, JSON values.

    Raises:
        InputError: The kind is not known.
        KeyError, TypeError, ValueError: The values are not those of such a model.
    """
    if kind in THEVENIN:
        return Thevenin(circuit_from_dict(values))
    if kind == NETWORK:
        return NetworkPack(network_cell_from_dict(values))
    if kind == HYBRID:
        return Hybrid(pack_model(values["kind"], values["physics"]), bounded_from_dict(values["residual"]))
    raise InputError(f"model kind {kind!r} is not known; known are {', '.join(PACK_KINDS)}")


def model_of(kind: str, values: Mapping[str, Any]) -> Model:
    """The model of any kind.

    Args:
        kind: One of `KINDS`.
        values: What its artifact holds of the model, JSON values.

    Raises:
        InputError: The kind is not known.
        KeyError, TypeError, ValueError: The values are not those of such a model.
    """
    return route_model_from_dict(values) if kind == ROUTE else pack_model(kind, values)
