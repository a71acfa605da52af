"""`learn ageing` on a workspace: how the batteries of each pack age, learned from their histories and stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from twinpack.battery.laws import law_for, law_named
from twinpack.battery.pack import PackSpec
from twinpack.errors import LearningError, NotFoundError
from twinpack.evaluate.health_forecasts import HealthBacktest, backtest_health
from twinpack.learn.ageing import AgeingModel, Histories, learn_ageing
from twinpack.learn.card import Data, make_card, span
from twinpack.learn.progress import Tell, silent
from twinpack.runtime.named import LATEST, record_named
from twinpack.runtime.usage import FleetLives, bring_up, fleet_lives, histories_of
from twinpack.store.records import ModelRecord, canonical_json, sha256_text
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.twin.words import counted

KIND = "ageing"
"""Kind of the artifacts."""

_MEASURED = ("capacity", "resistance")
_EPOCH_YEAR = 1970


@dataclass(frozen=True)
class LearnedAgeing:
    """One stored model of how a pack ages: its content hash and its card."""

    model_hash: str
    card: dict[str, Any]


def learn_ageing_of(
    workspace: Workspace, pack: str | None = None, law: str | None = None, tell: Tell = silent, *, tried: bool = True
) -> tuple[tuple[LearnedAgeing, ...], tuple[str, ...]]:
    """Learn how the batteries of each pack age, and store that.

    Args:
        workspace: Whose histories are learned from; its lake is brought up to what was folded first.
        pack: One pack, all when None.
        law: Name of the law, the one of the pack's chemistry when None.
        tell: Is told of progress.
        tried: Whether forecasts from the past are held against what came, for the card.

    Returns:
        What was learned, one a pack, and why each other pack has no model.

    Raises:
        InputError: There is no such law.
        NotFoundError: There is no such pack, or no vehicle was seen.
        LearningError: No pack has vehicles and time enough; says what is missing.
    """
    if law is not None:
        law_named(law)
    with workspace.registry() as registry:
        bring_up(workspace, registry)
        learned, left_out = [], []
        names = packs_of(registry, pack)
        for done, name in enumerate(names):
            tell("learning how packs age", done, len(names))
            try:
                learned.append(_learn(workspace, registry, fleet_lives(workspace, registry, name), law, tell, tried))
            except (LearningError, NotFoundError) as error:
                left_out.append(str(error))
        if not learned:
            raise LearningError("; ".join(left_out))
    return tuple(learned), tuple(left_out)


def packs_of(registry: Registry, pack: str | None) -> list[str]:
    """Names of the packs that vehicles have, or the one that is named.

    Raises:
        NotFoundError: No vehicle has it, or there is none at all.
    """
    names = sorted({record.pack for record in registry.vehicles()})
    if not names:
        raise NotFoundError("no vehicle is known yet; `twinpack import` and `twinpack run` first")
    if pack is not None and pack not in names:
        raise NotFoundError(f"no vehicle of pack {pack!r} here; there are {', '.join(names)}")
    return names if pack is None else [pack]


def ageing_model(
    workspace: Workspace, registry: Registry, model: str = LATEST, pack: str | None = None
) -> tuple[ModelRecord, AgeingModel]:
    """A stored model of how a pack ages.

    Args:
        workspace: Where it is stored.
        registry: Where it is entered.
        model: `LATEST`, or the first digits of its hash.
        pack: Its pack, when there are several.

    Raises:
        NotFoundError: There is none; says which command makes one.
        LearningError: It is damaged, or of a newer release.
    """
    record = record_named(registry, KIND, model, pack)
    return record, AgeingModel.from_dict(workspace.artifacts(registry).load(record.hash))


def _learn(
    workspace: Workspace, registry: Registry, fleet: FleetLives, law: str | None, tell: Tell, tried: bool
) -> LearnedAgeing:
    histories = histories_of(registry, fleet)
    by = law or law_for(fleet.pack.chemistry).name
    model = learn_ageing(histories, fleet.pack, by)
    card = _card(fleet, histories, model, *(_tried(histories, fleet.pack, by, tell) if tried else (None, [])))
    digest = workspace.artifacts(registry).save(model.to_dict(), pack=fleet.pack.name, kind=KIND, card=card)
    return LearnedAgeing(digest, card)


def _tried(histories: Histories, pack: PackSpec, law: str, tell: Tell) -> tuple[HealthBacktest | None, list[str]]:
    """Forecasts from the past held against what came, and why there are none."""
    try:
        return backtest_health(histories, pack, law, tell=tell), []
    except LearningError as error:
        return None, [f"Forecasts were not tried on the past: {error}."]


def _metrics(tried: HealthBacktest | None) -> dict[str, float]:
    """Of each way to forecast its error, score and coverage, points of health."""
    told: dict[str, float] = {}
    for one in tried.methods if tried else ():
        told |= {f"backtest_{one.name}_mae_pct": one.mae_pct, f"backtest_{one.name}_crps_pct": one.crps_pct}
        if one.coverage_90_pct is not None:
            told[f"backtest_{one.name}_coverage_90_pct"] = one.coverage_90_pct
    return told


def _card(
    fleet: FleetLives, histories: Histories, model: AgeingModel, tried: HealthBacktest | None, why_not: list[str]
) -> dict[str, Any]:
    stress = histories.stress
    lived = stress.days > 0
    return make_card(
        pack=model.pack,
        kind=KIND,
        data=_data(fleet, histories),
        metrics=_metrics(tried),
        limits={
            "temp_c": span([stress.temp_c[lived]]),
            "parked_soc": span([stress.parked_soc[lived]]),
            "depth": span([stress.depth[lived]]),
            "c_rate": span([stress.c_rate[lived]]),
            "years": span([stress.days.sum(axis=0) / 365.25]),
            "capacity": span([histories.capacity]),
        },
        figures={
            "law": law_named(model.law).told,
            **model.figures(),
            "backtest": None if tried is None else asdict(tried),
        },
        settings={"law": model.law},
        warnings=[*why_not, *_warnings(histories, model)],
    )


def _data(fleet: FleetLives, histories: Histories) -> Data:
    known = np.isfinite(histories.capacity)
    days = [day for life in fleet.lives for day in (life.start_d[:1], life.end_d[-1:])]
    first, last = span(days) or [0.0, 0.0]
    told: Mapping[str, Any] = {name: np.nan_to_num(getattr(histories, name), nan=-1.0).tolist() for name in _MEASURED}
    return Data(
        first=_time(first),
        last=_time(last),
        vehicles=int(known.any(axis=0).sum()),
        sessions=sum(len(life.start_d) for life in fleet.lives),
        samples=int(known.sum()),
        fingerprint=sha256_text(canonical_json({"vehicles": list(histories.vehicle_ids), **told})),
    )


def _warnings(histories: Histories, model: AgeingModel) -> list[str]:
    years = float(histories.stress.days.sum(axis=0).max() / 365.25)
    found = []
    if years < 2.0:
        found.append(
            f"The longest history is {years:.1f} years: rates rest on the published law more than on the fleet."
        )
    if model.vehicles < 10:
        found.append(f"Of {counted(model.vehicles, 'vehicle')} alone: how much vehicles differ is hardly known.")
    return found


def _time(day_d: float) -> str:
    moment = datetime.combine(date(_EPOCH_YEAR, 1, 1), time(), UTC) + timedelta(days=day_d)
    return moment.replace(microsecond=0).isoformat()
