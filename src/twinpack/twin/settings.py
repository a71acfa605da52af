"""How a twin predicts and when it is recalibrated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Policy = Literal["threshold", "always", "change"]
ThresholdOn = Literal["rmse", "mae"]

PREDICTORS = ("deployed", "never", "challenger")
"""Who predicts each trip: the deployed version, the never-updated prototype, the shadow as the trip began."""
DEPLOYED, NEVER, CHALLENGER = range(3)

Z95 = 1.959963984540054
ALPHA = 0.05


@dataclass(frozen=True)
class LoopSettings:
    """Settings of the living loop; frozen with the state they made.

    Attributes:
        policy: When a trip proposes new parameters.
        correct_s: First seconds of a trip that may correct its start state; declared and not scored.
        threshold_v: Error that calls for a recalibration, V; None takes the prototype's.
        threshold_on: Error that is held against it: `rmse`, or `mae` (mean absolute); None takes the prototype's.
        warm_up: So many first scored trips propose an update whatever the policy; None takes the prototype's.
        start_soc_sd: Standard deviation of the state of charge told at a trip's start, 0 to 1.
        carry_s: Longest pause over which the state of charge is carried instead of asked for again, s.
        least_scored: Fewest scored steps for a decision.
        least_swing: Swing of charge (0 to 1) that capacity must have been seen over before its value may change.
        least_c_rate: RMS current (C-rate) that resistance must have been seen at before its value may change.
        most_nis: Mean normalised innovation squared above which the shadow is not consistent with its data.
        tolerance: Share by which the challenger's error may exceed the deployed one's and still be no worse.
        band_rate: How fast a band's width follows its own misses, per trip.
        band_memory: Weight of the newest trip in the size of errors that a band follows.
        change_slack: Drift the change detector ignores, standard deviations a trip.
        change_limit: Sum at which it speaks.
        restart_after: Refusals in a row after which the shadow starts again from the deployed version.
        keep_steps: Whether each step's prediction is handed out.
    """

    policy: Policy = "threshold"
    correct_s: float = 50.0
    threshold_v: float | None = None
    threshold_on: ThresholdOn | None = None
    warm_up: int | None = None
    start_soc_sd: float = 0.02
    carry_s: float = 900.0
    least_scored: int = 30
    least_swing: float = 0.10
    least_c_rate: float = 0.05
    most_nis: float = 9.0
    tolerance: float = 0.02
    band_rate: float = 0.1
    band_memory: float = 0.06
    change_slack: float = 0.5
    change_limit: float = 3.0
    restart_after: int = 3
    keep_steps: bool = True


@dataclass(frozen=True)
class Prototype:
    """What a new vehicle's twin starts from.

    Attributes:
        model_hash: Content hash of the artifact.
        pack: Name of the pack it was learned for.
        kind: One of `battery.families.KINDS`.
        model: The model, as JSON values.
        threshold_v: Error that calls for a recalibration unless the settings say otherwise, V.
        threshold_on: Which error that is, `rmse` or `mae`, unless the settings say otherwise.
        warm_up: First scored trips that propose an update whatever the policy, unless the settings say otherwise.
    """

    model_hash: str
    pack: str
    kind: str
    model: dict[str, Any]
    threshold_v: float
    threshold_on: ThresholdOn = "rmse"
    warm_up: int = 0

    @classmethod
    def from_artifact(cls, artifact: dict[str, Any], model_hash: str) -> Prototype:
        """From the JSON of a stored artifact."""
        return cls.from_dict({**artifact, "model_hash": model_hash})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Prototype:
        """From its fields; earlier releases called the model `circuit` and had one error and no warm-up.

        Raises:
            KeyError: A field is missing.
            ValueError: The error is neither.
        """
        model = values["model"] if "model" in values else values["circuit"]
        on = values.get("threshold_on", "rmse")
        if on not in ("rmse", "mae"):
            raise ValueError(f"threshold_on is {on!r}; it is 'rmse' or 'mae'")
        return cls(
            values["model_hash"],
            values["pack"],
            values["kind"],
            model,
            values["threshold_v"],
            on,
            int(values.get("warm_up", 0)),
        )
