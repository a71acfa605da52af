"""What figures of health are told by: the packs of a workspace's vehicles, and the models of their twins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from twinpack.battery.families import ROUTE, pack_model
from twinpack.battery.pack import PackSpec
from twinpack.battery.pulse import SETTLED_S, pulse_ohm
from twinpack.errors import TwinpackError
from twinpack.forecast.health import REFERENCE_C_RATE, flat_slope_v, loss_share_of
from twinpack.forecast.known import UNITS, Z95, Basis, Told, basis_of
from twinpack.store.registry import Registry
from twinpack.store.tables import OFFSET, SAMPLE_TIME
from twinpack.store.workspace import Workspace
from twinpack.twin.settings import Prototype


@dataclass(frozen=True)
class Packs:
    """Packs and models of the vehicles, each looked up once."""

    workspace: Workspace
    registry: Registry
    specs: dict[str, PackSpec | None]
    bases: dict[str, Basis]

    def spec(self, text: str) -> PackSpec | None:
        """A pack; None when it cannot be read."""
        if text not in self.specs:
            try:
                self.specs[text] = self.registry.fleet.loaded(text)
            except TwinpackError:
                self.specs[text] = None
        return self.specs[text]

    def basis(self, model_hash: str, pack: PackSpec | None) -> Basis:
        """The basis of a model; an empty one when it is away or is driven by no current."""
        if model_hash not in self.bases:
            try:
                artifact = self.workspace.artifacts(self.registry).load(model_hash)
                self.bases[model_hash] = _basis(Prototype.from_artifact(artifact, model_hash), pack)
            except (TwinpackError, KeyError, TypeError, ValueError):
                self.bases[model_hash] = Basis({})
        return self.bases[model_hash]


def _basis(prototype: Prototype, pack: PackSpec | None) -> Basis:
    if prototype.kind == ROUTE or pack is None:
        return Basis({})
    model = pack_model(prototype.kind, prototype.model)
    living = {one.name: np.array([one.mean]) for one in model.living}
    ohm = float(pulse_ohm(model, living, 0.5, 25.0, SETTLED_S, REFERENCE_C_RATE, held=True)[0])
    slope_v = flat_slope_v(pack)
    return basis_of(model, loss_share_of(pack, ohm), slope_v is not None, slope_v or 1.0)


def row_of(vehicle_id: str, at: datetime, source: str, told: Told, version: int | None, offset: int) -> dict[str, Any]:
    """A row of the table."""
    low = high = None
    if told.value is not None and told.sd is not None:
        low, high = told.value - Z95 * told.sd, told.value + Z95 * told.sd
    return {
        "vehicle_id": vehicle_id,
        SAMPLE_TIME: at,
        "kind": told.kind,
        "source": source,
        "value": told.value,
        "sd": told.sd,
        "low": low,
        "high": high,
        "unit": UNITS[told.kind],
        "version_number": version,
        "reason": told.reason,
        OFFSET: offset,
    }
