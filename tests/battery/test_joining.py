"""Where a circuit stands when a session begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numpy.testing import assert_allclose

from twinpack.battery.models import typical_circuit
from twinpack.battery.pack import load_pack
from twinpack.battery.thevenin import Circuit, Start, Thevenin

Floats = npt.NDArray[np.float64]
PLAIN = typical_circuit(load_pack("lg_hg2_3ah"), 2)
CELL: Circuit = replace(
    PLAIN,
    start=Start((0.0005, 0.002, 0.004), trip_v=0.003, load_c_rate=0.4),
    temps_c=((-20.0, -15.0), (20.0, 30.0)),
    ocv_at_v=(PLAIN.ocv_v, PLAIN.ocv_v),
    r0_at_ohm=(PLAIN.r0_ohm, PLAIN.r0_ohm),
    pairs_at_ohm=tuple((row, row) for row in PLAIN.pairs_ohm),
)
REST_V = float(np.interp(0.7, CELL.soc, CELL.ocv_v))


def _start(voltage: float, told: float, told_sd: float = 0.02, **inputs: float) -> tuple[Floats, Floats]:
    u: dict[str, Any] = {"current_a": 0.0, "temp_c": 25.0} | inputs
    arrays = {name: np.array([value]) for name, value in u.items()}
    mean, sd = Thevenin(CELL).start(np.array([voltage]), arrays, np.array([told]), told_sd)
    return mean[:, 0], sd[:, 0]


def test_after_a_rest_the_voltage_corrects_the_charge_told() -> None:
    mean, sd = _start(REST_V, told=0.72)
    assert mean[0] == pytest.approx(0.70, abs=0.005) and sd[0] < 0.012
    assert_allclose(mean[1:], 0.0)


@pytest.mark.parametrize("told", [0.5, 0.9])
def test_a_wrong_charge_is_found_after_a_rest_though_it_was_told_as_sure(told: float) -> None:
    mean, sd = _start(REST_V, told, rest_s=7200.0)
    assert abs(mean[0] - 0.7) < 2.0 * sd[0] and abs(mean[0] - 0.7) < 0.01


def test_without_a_charge_told_the_voltage_tells_it_as_well_as_it_can() -> None:
    rested, loaded = _start(REST_V, np.nan), _start(REST_V - 0.06, np.nan, current_a=-2.0)
    assert rested[0][0] == pytest.approx(0.7, abs=1e-6) and rested[1][0] < 0.02 < loaded[1][0]
    nothing = _start(np.nan, np.nan)
    assert (nothing[0][0], nothing[1][0]) == (0.5, 0.3)


def test_who_joins_under_load_does_not_know_the_pairs_and_leaves_the_charge_to_the_filter() -> None:
    mean, sd = _start(REST_V - 0.06, told=0.7, current_a=-2.0)
    assert mean[0] == 0.7 and sd[0] == 0.02
    assert (mean[1:3] < 0.0).all() and (sd[1:3] > 0.5 * np.abs(mean[1:3])).all()
    cold_mean, cold_sd = _start(REST_V - 0.3, told=0.7, current_a=-2.0, temp_c=-18.0)
    assert (np.abs(cold_mean[1:3]) > 2.0 * np.abs(mean[1:3])).all() and (cold_sd[1:3] > sd[1:3]).all()


def test_a_drive_that_begins_after_a_night_is_no_drive_that_is_joined() -> None:
    rested, joined = (_start(3.7, 0.7, current_a=-2.0, rest_s=rest_s)[1] for rest_s in (30_000.0, 60.0))
    assert rested[2] < 0.5 * joined[2]


def test_circuits_that_know_no_drives_start_as_they_did() -> None:
    u = {"current_a": np.array([-2.0]), "temp_c": np.array([25.0]), "rest_s": np.array([60.0])}
    mean, sd = Thevenin(PLAIN).start(np.array([3.6]), u, np.array([0.2]), 0.02)
    assert_allclose(mean[:, 0], [0.2, 0.0, 0.0, 0.0])
    assert_allclose(sd[:, 0], [0.02, *PLAIN.start.pairs_v[-2:], PLAIN.start.trip_v])
