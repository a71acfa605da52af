"""`backtest forecast` on a workspace: forecasts of health from moments of its past, held against what came."""

from __future__ import annotations

from twinpack.battery.laws import law_for, law_named
from twinpack.errors import LearningError, NotFoundError
from twinpack.evaluate.health_forecasts import ORIGINS, HealthBacktest, backtest_health
from twinpack.learn.progress import Tell, silent
from twinpack.runtime.ageing import packs_of
from twinpack.runtime.usage import bring_up, fleet_lives, histories_of
from twinpack.store.workspace import Workspace


def backtest_forecasts(
    workspace: Workspace,
    pack: str | None = None,
    law: str | None = None,
    origins: int = ORIGINS,
    tell: Tell = silent,
) -> tuple[tuple[HealthBacktest, ...], tuple[str, ...]]:
    """Forecast the health of each pack's vehicles from moments of the past, and judge that by what came.

    Args:
        workspace: Whose histories are used; its lake is brought up to what was folded first. Nothing is stored.
        pack: One pack, all when None.
        law: Name of the law, the one of the pack's chemistry when None.
        origins: From how many moments.
        tell: Is told of progress.

    Returns:
        One back-test a pack, and why each other pack has none.

    Raises:
        InputError: There is no such law.
        NotFoundError: There is no such pack, or no vehicle was seen.
        LearningError: No pack has a past long enough; says what is missing.
    """
    if law is not None:
        law_named(law)
    found, left_out = [], []
    with workspace.registry() as registry:
        bring_up(workspace, registry)
        for name in packs_of(registry, pack):
            try:
                fleet = fleet_lives(workspace, registry, name)
                by = law or law_for(fleet.pack.chemistry).name
                found.append(backtest_health(histories_of(registry, fleet), fleet.pack, by, origins, tell))
            except (LearningError, NotFoundError) as error:
                left_out.append(str(error))
    if not found:
        raise LearningError("; ".join(left_out))
    return tuple(found), tuple(left_out)
