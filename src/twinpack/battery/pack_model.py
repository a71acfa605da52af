"""What a twin asks of a model of a pack that is driven by its current, whatever is inside."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from twinpack.filters.model import Model, Scalar

Floats = npt.NDArray[np.float64]

INPUTS = ("current_a", "interval_start_a", "interval_end_a", "dt_s", "temp_c")
TANGENT_INPUTS = ("rows", "soc_ref", "ocv_slope")


class PackModel(Model):
    """Voltage of a pack from its current and temperature; `soc` is the first dynamic state, `capacity_scale` lives.

    Attributes:
        series: Cell groups in series.
        capacity_ah: Nominal capacity of the pack, Ah; `capacity_scale` multiplies it.
        prior_covariance: Prior covariance of the living parameters, (p, p); empty for independent ones.
        ocv_lives: Whether the open-circuit voltage itself is learned, so that trips are learned again (`tangent`).
        alpha: Spread of the filter's sigma points.
    """

    series: int
    capacity_ah: float
    prior_covariance: tuple[tuple[float, ...], ...] = ()
    ocv_lives: bool = False
    alpha: float = 1.0

    @abstractmethod
    def start(self, measured: Floats, u: Mapping[str, Floats], told: Floats, told_sd: float) -> tuple[Floats, Floats]:
        """Dynamic states at the start of a session, from what the BMS tells or else from the voltage.

        Args:
            measured: Voltage of the pack at the first step, V, NaN where missing, shape (B,).
            u: The inputs of that step, shape (B,) each; and `rest_s`, how long the vehicle rested before, s, NaN where
                that is not known, which a model may heed.
            told: State of charge told, 0 to 1, NaN where none is, shape (B,).
            told_sd: Its standard deviation.

        Returns:
            Mean and standard deviation, shape (dynamic states, B) each.
        """

    @abstractmethod
    def open_circuit(self, soc: Floats, mean: Floats) -> Floats:
        """Open-circuit voltage of one cell at some states of charge with given states and parameters, V.

        Args:
            soc: Any shape.
            mean: In the order of `names`, shape (n,).
        """

    @abstractmethod
    def tangent(self) -> PackModel:
        """The model with its OCV replaced by its tangent of slope `ocv_slope` at the state of charge `soc_ref`.

        What it measures is the mean of `rows` samples; all three are inputs.
        """


__all__ = ["INPUTS", "TANGENT_INPUTS", "PackModel", "Scalar"]
