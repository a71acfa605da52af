"""`learn_fade`: how capacity goes on, from what the curves of other batteries did after they looked alike.

For each of a row of drops (0.25 % of the reference, 0.5 %, and so on) the logarithm of the time until capacity has
dropped by that much is learned from what a curve tells at its end (`learn.fade_curves`), by extremely randomised trees;
the times turned round are a curve. A knee is nothing special to it: late drops follow early ones faster. Times are
learned by the age, so that what young batteries did tells of old ones, too.

A record that ends before a drop tells that it took at least until then. Such a row is not left out: what it would have
taken is filled in as expected under the model, given that it was longer (Buckley and James, "Linear regression with
censored data", 1979), and the model is learned again.

Trees are grown without some of the curves in turn, too: how far they stray on those gives the spread of a time, and the
share of later measurements below each quantile sets its width (cross-conformal: Vovk, "Cross-conformal predictors",
2015).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.errors import LearningError
from twinpack.learn.fade_curves import FadeCurve, features
from twinpack.learn.fade_fit import FadeSettings, Lessons, Rows, fit_centre, fit_spread, fit_widths
from twinpack.learn.fade_forecast import LEVELS, FadeForecast, forecast
from twinpack.learn.fade_trees import Trees

Floats = npt.NDArray[np.float64]

FORMAT = 1


@dataclass(frozen=True)
class FadeModel:
    """How capacity goes on; the artifact of kind `fade`.

    Attributes:
        drops: Drops whose times it tells, by the reference, shape (K,).
        extras: Quantities beside capacity that it reads.
        fill: What a feature is taken for where it is missing, shape (F,).
        centre: Trees that tell the logarithms of the times by the age.
        spread: Trees that tell the logarithm of how far these stray, by what is usual of a drop.
        usual: What is usual of a drop, shape (K,).
        widths: For each of `LEVELS`, how many spreads from the centre it lies.
        curves: How many it was learned from.
        age: Age about which it was learned; None for all.
    """

    drops: Floats
    extras: tuple[str, ...]
    fill: Floats
    centre: Trees
    spread: Trees
    usual: Floats
    widths: tuple[float, ...]
    curves: int
    age: float | None

    def forecast(self, curve: FadeCurve, at: Floats, *, beyond: bool = False) -> FadeForecast:
        """What is to come of a curve.

        Args:
            curve: Up to now.
            at: The clock at which capacity is wanted, later than the curve's end, shape (H,).
            beyond: Go on along the last slope below the deepest drop that was learned. Capacity stays there without.

        Raises:
            LearningError: The curve tells too little.
        """
        return self.forecasts([curve], [at], beyond=beyond)[0]

    def forecasts(
        self, curves: Sequence[FadeCurve], at: Sequence[Floats], *, beyond: bool = False
    ) -> list[FadeForecast]:
        """The same for many curves, each at its own clock."""
        if not curves:
            return []
        rows = self._filled(np.array([features(curve, self.extras) for curve in curves]))
        centre, spread = self.centre.mean(rows), np.exp(self.spread.mean(rows)) * self.usual
        return [
            forecast(curve, one, self.drops, mean + np.log(curve.at[-1]), sd, self.widths, beyond)
            for curve, one, mean, sd in zip(curves, at, centre, spread, strict=True)
        ]

    def _filled(self, rows: Floats) -> Floats:
        return np.where(np.isfinite(rows), rows, self.fill)

    def to_dict(self) -> dict[str, Any]:
        """The artifact, JSON values."""
        return {
            "format": FORMAT,
            "drops": self.drops.tolist(),
            "extras": list(self.extras),
            "fill": self.fill.tolist(),
            "centre": self.centre.to_dict(),
            "spread": self.spread.to_dict(),
            "usual": self.usual.tolist(),
            "widths": list(self.widths),
            "curves": self.curves,
            "age": self.age,
        }

    @classmethod
    def from_dict(cls, artifact: Mapping[str, Any]) -> FadeModel:
        """The model of an artifact.

        Raises:
            LearningError: It is none, or of a newer release.
        """
        if artifact.get("format") != FORMAT:
            raise LearningError(f"a fade model of format {artifact.get('format')!r}; this release reads {FORMAT}")
        try:
            age = artifact["age"]
            model = cls(
                np.array(artifact["drops"], dtype=np.float64),
                tuple(str(one) for one in artifact["extras"]),
                np.array(artifact["fill"], dtype=np.float64),
                Trees.from_dict(artifact["centre"]),
                Trees.from_dict(artifact["spread"]),
                np.array(artifact["usual"], dtype=np.float64),
                tuple(float(one) for one in artifact["widths"]),
                int(artifact["curves"]),
                None if age is None else float(age),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise LearningError(f"not a fade model: {error!r}") from error
        if not len(model.drops) == len(model.usual) == model.centre.outputs or len(model.widths) != len(LEVELS):
            raise LearningError("not a fade model: its parts do not fit")
        return model


def learn_fade(
    curves: Sequence[FadeCurve],
    *,
    age: float | None = None,
    weights: Floats | None = None,
    settings: FadeSettings | None = None,
) -> FadeModel:
    """Learn from whole records how capacity goes on.

    Args:
        curves: What is known of each battery until now. Records that ended early, or have not ended, belong here, too:
            they count as censored.
        age: The clock about which forecasts are to be made, if they all are; all ages without.
        weights: What each curve counts, shape (V,); the same without.
        settings: How.

    Raises:
        LearningError: Too few curves, or too few have dropped at all; says what is missing.
    """
    chosen = settings or FadeSettings()
    return learn_lessons(Lessons.of(curves, age, chosen.origins), weights=weights, settings=chosen)


def learn_lessons(
    lessons: Lessons, *, weights: Floats | None = None, settings: FadeSettings | None = None
) -> FadeModel:
    """Learn from what was taken from records before: whoever leaves out some curves in turn reads each once.

    Args:
        lessons: What the curves teach.
        weights: What each curve counts, shape (V,); the same without.
        settings: How.

    Raises:
        LearningError: Too few curves, or too few have dropped at all; says what is missing.
    """
    chosen = settings or FadeSettings()
    rows = Rows.of(lessons, weights, chosen)
    centre, own = fit_centre(rows, chosen)
    spread, usual, own_spread = fit_spread(rows, own, chosen)
    widths = fit_widths(rows, lessons.curves, own, own_spread, chosen.sampled)
    count = len(np.unique(rows.curve))
    return FadeModel(rows.drops, lessons.extras, rows.fill, centre, spread, usual, widths, count, lessons.age)
