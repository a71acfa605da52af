"""A challenger beside the champion: the log folded once with each, from the same start, and nothing changed.

A model is judged on trips that began after what either was learned from, where there are enough; else on all, which is
told. What is told of vehicles is paired: both models predict the same trips.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import load_pack
from twinpack.errors import NotFoundError
from twinpack.fleet.commands import REGISTER, registers
from twinpack.fleet.events import PREDICTION
from twinpack.fleet.fold import fold
from twinpack.fleet.state import FoldSettings, ShardState
from twinpack.ingest.log import SegmentLog, open_log
from twinpack.runtime.genesis import KEY, fold_settings
from twinpack.runtime.promotion import challenger
from twinpack.runtime.run import on_every_core
from twinpack.store.models import COMPARE
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import command_rows
from twinpack.twin.score import TripScore
from twinpack.twin.settings import Prototype

Floats = npt.NDArray[np.float64]
Tell = Callable[[int, int], None]
"""Called with rows folded and rows to fold."""

MARGIN = 0.02
"""Share of the champion's figure by which a challenger may be worse and still be no worse."""
RESAMPLES = 2_000
LEAST_TRIPS, LEAST_VEHICLES = 10, 3
"""Trips and vehicles that are enough to judge by those after the training data alone."""

BETTER, NO_WORSE, UNCLEAR, WORSE = "better", "no worse", "unclear", "worse"


@dataclass(frozen=True)
class Figures:
    """How well twins of one model did on the trips compared: medians would hide the worst, so all steps count alike.

    Attributes:
        rmse_v: Root of the mean over trips of their squared RMSE, V.
        coverage: Mean share of steps inside the 95 % band, 0 to 1.
        interval_score_v: Mean interval score, V.
    """

    rmse_v: float
    coverage: float
    interval_score_v: float


@dataclass(frozen=True)
class Comparison:
    """What came of a comparison.

    Attributes:
        pack: Name of the pack.
        champion: Hash of the champion.
        challenger: Hash of the challenger.
        champion_figures: Of twins that start from the champion.
        challenger_figures: Of twins that start from the challenger.
        vehicles: Vehicles compared.
        trips: Trips compared.
        unmatched: Trips that one of the two could not predict; they are not compared.
        rmse_change_v: 95 % interval of the challenger's RMSE less the champion's, by vehicles, V.
        interval_score_change_v: The same of the interval score.
        verdict: `better`, `no worse`, `unclear` or `worse`.
        notes: For people.
    """

    pack: str
    champion: str
    challenger: str
    champion_figures: Figures
    challenger_figures: Figures
    vehicles: int
    trips: int
    unmatched: int
    rmse_change_v: tuple[float, float]
    interval_score_change_v: tuple[float, float]
    verdict: str
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the challenger may be promoted."""
        return self.verdict in (BETTER, NO_WORSE)

    def evidence(self) -> dict[str, Any]:
        """As JSON values."""
        return {**json.loads(json.dumps(asdict(self))), "passed": self.passed}


def compare(
    workspace: Workspace, digits: str, vehicles: int = 0, *, who: str = "", tell: Tell | None = None
) -> Comparison:
    """Fold the log with the champion and with a challenger; the outcome is kept in the registry's record.

    Args:
        workspace: Whose log is folded.
        digits: The challenger, by the first digits of its hash.
        vehicles: Most vehicles to fold, evenly chosen by name; 0 for all.
        who: Who asks for it.
        tell: Progress.

    Raises:
        NotFoundError: There is no such model, or no trip that both predict.
        InputError: It is the champion, or does not fit.
        WorkspaceError: It is damaged, the log cannot be read, or the workspace was not run yet.
    """
    log = open_log(workspace)
    with workspace.registry() as registry:
        champion, other = challenger(workspace, registry, log, digits)
        settings = _settings(workspace, registry)
        cards = {one.hash: one.card for one in registry.models(champion.pack)}
        chosen = _chosen(log, champion.pack, vehicles)
        if not chosen:
            raise NotFoundError(f"no vehicle of pack {champion.pack} in the log")
        sides = [_Side(settings, prototype) for prototype in (champion, other)]
        first, end = log.start_offset, log.end_offset
        for batch in _batches(workspace, log, chosen):
            for side in sides:
                side.take(batch)
            if tell is not None:
                tell(min(batch.end_offset, end) - first, end - first)
        found = _judged(
            champion, other, sides[0], sides[1], [cards.get(one.model_hash, {}) for one in (champion, other)]
        )
        registry.model_actions.add(
            COMPARE, found.pack, found.challenger, found.champion, who=who, evidence=found.evidence()
        )
    return found


def stored_comparison(registry: Registry, champion: str, other: str) -> dict[str, Any] | None:
    """The evidence of the last comparison of two models, None when there was none."""
    found = [
        one.evidence
        for one in registry.model_actions.all()
        if one.action == COMPARE and (one.former_hash, one.model_hash) == (champion, other)
    ]
    return found[-1] if found else None


class _Side:
    """The fold with one model, and what its twins scored."""

    def __init__(self, settings: FoldSettings, prototype: Prototype) -> None:
        self.scores: dict[tuple[str, int], TripScore] = {}
        self._state = ShardState.empty(settings, {prototype.pack: prototype}, on_every_core)

    def take(self, batch: SampleBatch) -> None:
        """Fold a batch."""
        self._state, events = fold(self._state, batch)
        for event in events:
            if event.kind == PREDICTION and event.body.scored_samples:
                self.scores[event.body.vehicle_id, event.body.trip_number] = event.body


def _settings(workspace: Workspace, registry: Registry) -> FoldSettings:
    recorded = registry.genesis(KEY) or {}
    settings = fold_settings(workspace.settings, recorded.get("policy"))
    return replace(settings, loop=replace(settings.loop, keep_steps=False))


def _chosen(log: SegmentLog, pack: str, count: int) -> dict[str, str]:
    """Vehicles of a pack with their registration's pack: all, or so many evenly chosen by name."""
    known: dict[str, str] = {}
    for body in map(json.loads, log.commands()):
        if isinstance(body, dict) and registers(body):
            known.setdefault(body["vehicle"], body["pack"])
    names = sorted(name for name, given in known.items() if load_pack(given).name == pack)
    if 0 < count < len(names):
        names = [names[int(at)] for at in np.linspace(0, len(names) - 1, count).round()]
    return {name: known[name] for name in names}


def _batches(workspace: Workspace, log: SegmentLog, chosen: dict[str, str]) -> Iterator[SampleBatch]:
    """The log as if nobody but the chosen vehicles had come, and nothing had been ordered."""
    start, retired = log.start_offset, log.listing().retired
    if count := len(retired.commands):
        rows = command_rows([""] * count, [retired.last_receipt_us] * count, retired.commands)
        yield _of_vehicles(SampleBatch.from_arrow(rows, max(start - count, 0)), chosen)
    for first, table in log.read(start, workspace.settings.runtime.batch_rows):
        yield _of_vehicles(SampleBatch.from_arrow(table, first), chosen)


def _of_vehicles(batch: SampleBatch, chosen: dict[str, str]) -> SampleBatch:
    kept = tuple(
        (row, body) for row, body in batch.commands if body.get("type") == REGISTER and body.get("vehicle") in chosen
    )
    return replace(batch, commands=kept)


def _judged(champion: Prototype, other: Prototype, one: _Side, two: _Side, cards: list[dict[str, Any]]) -> Comparison:
    both = [key for key in one.scores if key in two.scores and _known(one.scores[key]) and _known(two.scores[key])]
    unmatched = len(one.scores.keys() | two.scores.keys()) - len(both)
    if not both:
        raise NotFoundError("no trip in the log that both models predict: nothing to compare")
    kept, notes = _unseen(both, one, cards)
    names = sorted({vehicle for vehicle, _ in kept})
    rows = np.array([names.index(vehicle) for vehicle, _ in kept])
    tables = [np.array([_terms(side.scores[key]) for key in kept]) for side in (one, two)]
    change = _change(tables, rows, len(names))
    figures = [_figures(table.mean(axis=0)) for table in tables]
    if len(names) < LEAST_VEHICLES:
        notes.append(f"an interval from {len(names)} of vehicles says little: compare on more")
    return Comparison(
        champion.pack,
        champion.model_hash,
        other.model_hash,
        figures[0],
        figures[1],
        len(names),
        len(kept),
        unmatched,
        change[0],
        change[1],
        _verdict(figures, change, len(names)),
        tuple(notes),
    )


def _known(score: TripScore) -> bool:
    return bool(np.isfinite([score.deployed_rmse_v, score.deployed_interval_score_v]).all())


def _terms(score: TripScore) -> list[float]:
    return [score.deployed_rmse_v**2, score.deployed_coverage_95, score.deployed_interval_score_v]


def _figures(mean: Floats) -> Figures:
    return Figures(float(np.sqrt(mean[0])), float(mean[1]), float(mean[2]))


def _unseen(
    both: list[tuple[str, int]], side: _Side, cards: list[dict[str, Any]]
) -> tuple[list[tuple[str, int]], list[str]]:
    """The trips to judge by, and what must be said of them."""
    ends = [(card.get("data") or {}).get("last") if isinstance(card.get("data"), dict) else None for card in cards]
    if all(isinstance(end, str) for end in ends):
        end_us = max(int(datetime.fromisoformat(str(end)).timestamp() * 1e6) for end in ends)
        later = [key for key in both if side.scores[key].start_us > end_us]
        if len(later) >= LEAST_TRIPS and len({vehicle for vehicle, _ in later}) >= LEAST_VEHICLES:
            return later, []
        return both, ["models were learned from some of these trips: too few began after their training data"]
    return both, ["a card does not tell when its training data end: the models may have learned from these trips"]


def _change(tables: list[Floats], rows: npt.NDArray[np.int64], vehicles: int) -> list[tuple[float, float]]:
    """95 % intervals of the change of RMSE and of interval score, by drawing vehicles with all their trips again."""
    counts = np.bincount(rows, minlength=vehicles).astype(np.float64)
    sums = [np.stack([np.bincount(rows, table[:, at], vehicles) for at in range(3)], axis=1) for table in tables]
    drawn = np.random.default_rng(0).integers(0, vehicles, (RESAMPLES, vehicles))
    trips = counts[drawn].sum(axis=1)[:, None]
    means = [total[drawn].sum(axis=1) / trips for total in sums]
    changes = np.sqrt(means[1][:, 0]) - np.sqrt(means[0][:, 0]), means[1][:, 2] - means[0][:, 2]
    return [(float(low), float(high)) for low, high in (np.quantile(each, (0.025, 0.975)) for each in changes)]


def _verdict(figures: list[Figures], change: list[tuple[float, float]], vehicles: int) -> str:
    """What the intervals allow to say.

    Worse where either figure surely is, by more than the margin. Better where the error surely is smaller and the
    interval score is not larger as it stands; no worse where both surely stay within the margin.
    """
    present = figures[0].rmse_v, figures[0].interval_score_v
    if any(low > MARGIN * base for (low, _), base in zip(change, present, strict=True)):
        return WORSE
    if vehicles >= LEAST_VEHICLES and change[0][1] < 0.0 and figures[1].interval_score_v <= present[1]:
        return BETTER
    no_worse = all(high <= MARGIN * base for (_, high), base in zip(change, present, strict=True))
    return NO_WORSE if no_worse else UNCLEAR
