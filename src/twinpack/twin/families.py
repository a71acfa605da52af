"""The twins that a prototype's kind asks for."""

from __future__ import annotations

from twinpack.battery.families import ROUTE
from twinpack.filters import MakeFilter, compile
from twinpack.twin.living import LivingTwins
from twinpack.twin.loop import Twins
from twinpack.twin.routes import RouteTwins
from twinpack.twin.settings import LoopSettings, Prototype


def twins_of(prototype: Prototype, settings: LoopSettings, make: MakeFilter = compile) -> LivingTwins:
    """The loop for the vehicles of one prototype, whatever drives its model.

    Args:
        prototype: What the twins start from.
        settings: How they live.
        make: Makes the filter of a model.

    Raises:
        InputError: The kind is not known.
        KeyError, TypeError, ValueError: The prototype's values are not those of its kind.
    """
    family = RouteTwins if prototype.kind == ROUTE else Twins
    return family(prototype, settings, make)
