"""Twins of models that are driven by current: where a trip starts, what its data could identify, what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from twinpack.battery.families import pack_model
from twinpack.battery.pack_model import PackModel
from twinpack.filters import MakeFilter, compile
from twinpack.twin.living import (
    S_US,
    Driven,
    Flags,
    Floats,
    LivingTwins,
    Need,
    Run,
    Traced,
    band_factor,
    filled,
    last_of,
    running,
)
from twinpack.twin.settings import LoopSettings, Prototype
from twinpack.twin.state import IDLE, TwinState

__all__ = ["BINS", "BIN_S", "Run", "Traced", "Twins", "band_factor"]

BIN_S, BINS = 5.0, 1080
"""Bins in which a trip is kept where the OCV lives: an hour and a half of it."""


class Twins(LivingTwins):
    """The loop for the vehicles of one prototype whose model is driven by current."""

    model: PackModel

    def __init__(self, prototype: Prototype, settings: LoopSettings, make: MakeFilter = compile) -> None:
        """Build model, filters and priors; arguments as for `LivingTwins`."""
        super().__init__(prototype, settings, make)
        self.tangent = make(self.model.tangent(), alpha=self.model.alpha)
        self.needs = (
            Need(
                "capacity_scale",
                0,
                settings.least_swing,
                "Capacity needs a {least:.0f} % swing of charge, the data had {seen:.0f} %.",
                100.0,
            ),
            Need(
                "r0_scale",
                1,
                settings.least_c_rate,
                "Resistance needs an RMS current of {least:g} C, the data had {seen:.2g} C.",
            ),
        )

    @staticmethod
    def model_of(prototype: Prototype) -> PackModel:
        """The model of the pack."""
        return pack_model(prototype.kind, prototype.model)

    def new_state(self, vehicles: int) -> TwinState:
        """Twins that have seen nothing."""
        bins = BINS if self.model.ocv_lives else 0
        return TwinState.new(self.filter, self.prior_mean, self.prior_cov, vehicles, bins)

    def driven(self, state: TwinState, run: Run) -> Driven:
        """Current and temperature; what is missing is held."""
        current, temp = filled(run.current, state.last_current), filled(run.temp, state.last_temp)
        inputs = self._inputs(state, run, current, temp)
        # A voltage says nothing of a pack whose current is not known.
        mid = 0.5 * (inputs["interval_start_a"] + inputs["interval_end_a"])
        flown = np.abs(mid) * inputs["dt_s"] / (3600.0 * self.model.capacity_ah)
        return Driven(inputs, np.ones_like(run.present), np.isfinite(run.current), flown)

    def start(self, run: Run, inputs: Mapping[str, Floats], rest_s: Floats) -> tuple[Floats, Floats]:
        """From what the BMS tells, or else from the voltage."""
        told = np.where(run.present, run.soc, np.nan)[0]
        first = {name: values[0] for name, values in inputs.items()} | {"rest_s": rest_s}
        return self.model.start(run.measured[0], first, told, self.settings.start_soc_sd)

    def gathered(self, state: TwinState, run: Run, driven: Driven) -> TwinState:
        """Evidence, bins of the trip, and the last current and temperature."""
        current, temp = driven.inputs["current_a"], driven.inputs["temp_c"]
        state = _keep(_evidence(state, run, driven.inputs), run, driven.learned, current, temp)
        return state.with_(
            last_current=last_of(current, run.present, state.last_current),
            last_temp=last_of(temp, run.present, state.last_temp),
        )

    def shown(self, state: TwinState) -> Floats:
        """Swing of charge, 0 to 1, and RMS current as C-rate, shape (2, B)."""
        capacity = self.model.capacity_ah
        scale = state.shadow_mean[self.states + self.names.index("capacity_scale")]
        count = state.effort[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            swing = np.where(scale > 0, (state.charge[2] - state.charge[1]) / (capacity * scale), 0.0)
            rate = np.where(count > 0, np.sqrt(state.effort[0] / count) / capacity, 0.0)
        return np.stack([swing, rate])

    def evidence(self, seen: Floats) -> dict[str, float]:
        """Both as they are called in a version's evidence."""
        return {"soc_swing": float(seen[0]), "c_rate_rms": float(seen[1])}

    def _inputs(self, state: TwinState, run: Run, current: Floats, temp: Floats) -> dict[str, Floats]:
        before_us = np.vstack([np.where(state.last_us < 0, run.time_us[0], state.last_us)[None], run.time_us[:-1]])
        dt = np.where(run.present, (run.time_us - before_us) / S_US, 0.0)
        first = np.vstack([state.last_current[None], current[:-1]])
        last = current.copy()
        # What flowed in a pause between sessions is not known; over a short one it was nothing.
        first[0] = np.where(run.opens, 0.0, first[0])
        last[0] = np.where(run.opens, 0.0, last[0])
        dt[0] = np.where(run.opens & (dt[0] > self.settings.carry_s), 0.0, dt[0])
        return {"current_a": current, "interval_start_a": first, "interval_end_a": last, "dt_s": dt, "temp_c": temp}


def _evidence(state: TwinState, run: Run, inputs: Mapping[str, Floats]) -> TwinState:
    """Swing of charge and effort, which say what the data could identify."""
    step = 0.5 * (inputs["interval_start_a"] + inputs["interval_end_a"]) * inputs["dt_s"] / 3600.0
    passed = running(state.charge[0], np.where(run.present, step, 0.0))
    square = np.where(run.present, inputs["current_a"] ** 2, 0.0)
    effort = running(state.effort, np.stack([square, run.present.astype(np.float64)], axis=1))
    low = np.minimum(state.charge[1], passed.min(axis=0))
    high = np.maximum(state.charge[2], passed.max(axis=0))
    return state.with_(charge=np.stack([passed[-1], low, high]), effort=effort[-1])


def _keep(state: TwinState, run: Run, learned: Flags, current: Floats, temp: Floats) -> TwinState:
    """Gather the trip in coarse bins, for `refine`; sums are added one step after the other."""
    bins = state.kept.shape[1]
    if not bins:
        return state
    use = run.present & learned & np.isfinite(run.measured) & (state.phase != IDLE)
    index = (run.time_us - state.opened_us) // round(BIN_S * S_US)
    fits = use & (index < bins)
    row, lane = np.nonzero(fits)
    kept = state.kept.copy()
    for which, values in enumerate((run.measured, current, temp, np.ones(use.shape))):
        np.add.at(kept[which], (index[row, lane], lane), values[row, lane])
    return state.with_(kept=kept, long=state.long | (use & ~fits).any(axis=0))
