"""The outlook of the vehicles of a pack, out of a workspace and its stored ageing model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from twinpack.battery.pack import PackSpec
from twinpack.battery.stress import Usage
from twinpack.forecast.outlook import Outlook, outlook
from twinpack.learn.ageing import AgeingModel, Histories, Rates
from twinpack.runtime.ageing import ageing_model
from twinpack.runtime.named import LATEST
from twinpack.runtime.usage import FleetLives, fleet_lives, histories_of
from twinpack.store.records import ModelRecord
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace

MONTHS = 120
"""How far is looked where nothing else is asked for."""


@dataclass(frozen=True)
class PackOutlook:
    """The outlook of V vehicles of one pack.

    Attributes:
        pack: Their pack.
        record: The stored model that tells it.
        model: That model.
        fleet: What is kept of the vehicles, in the order of all arrays.
        histories: Their histories.
        rates: What those say under the model.
        usage: How each is used.
        outlook: What is to come.
    """

    pack: PackSpec
    record: ModelRecord
    model: AgeingModel
    fleet: FleetLives
    histories: Histories
    rates: Rates
    usage: Usage
    outlook: Outlook


def outlook_of(
    workspace: Workspace,
    registry: Registry,
    pack: str | None = None,
    vehicles: Sequence[str] | None = None,
    model: str = LATEST,
    months: int = MONTHS,
    limits_pct: Sequence[float] | None = None,
) -> PackOutlook:
    """The outlook of the vehicles of a pack, as far as the lake was brought up (`runtime.usage.bring_up`).

    Args:
        workspace: Whose vehicles.
        registry: Its registry.
        pack: Name of the pack; None for the one there is a model of.
        vehicles: Only these.
        model: Which ageing model, `LATEST` or the first digits of its hash.
        months: How far to look.
        limits_pct: Health at which life ends; None for those of the pack.

    Raises:
        NotFoundError: There is no such model, pack or vehicle.
        LearningError: The model is damaged, or of a newer release.
    """
    record, ages = ageing_model(workspace, registry, model, pack)
    fleet = fleet_lives(workspace, registry, ages.pack, vehicles)
    histories = histories_of(registry, fleet)
    rates, usage, spec = ages.rates(histories, fleet.pack.ocv), fleet.usage(), fleet.pack
    told = outlook(ages, rates, usage, spec.ocv, months, spec.end_of_life_pct if limits_pct is None else limits_pct)
    return PackOutlook(spec, record, ages, fleet, histories, rates, usage, told)
