from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from twinpack.battery.ocv import OcvTable, ocv_names, ocv_table
from twinpack.errors import InputError, NotFoundError

NAMES = ("nmc811", "lfp", "nca", "nmc532")


def test_the_shipped_tables_have_21_points_from_empty_to_full() -> None:
    assert ocv_names() == NAMES
    for name in NAMES:
        table = ocv_table(name)
        np.testing.assert_allclose(table.soc, np.linspace(0.0, 1.0, 21), atol=1e-12)
    assert ocv_table("nmc811").voltage_v[10] == 3.7509
    assert ocv_table("lfp").voltage_v[20] == 3.6


@pytest.mark.parametrize("name", NAMES)
def test_pchip_agrees_with_scipy(name: str) -> None:
    table = ocv_table(name)
    soc = np.linspace(0.0, 1.0, 1013)
    expected = PchipInterpolator(table.soc, table.voltage_v)(soc)
    np.testing.assert_allclose(table.pchip(soc), expected, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@given(soc=st.floats(-0.2, 1.2), step=st.floats(1e-6, 0.1))
def test_voltage_never_falls_as_charge_rises(name: str, soc: float, step: float) -> None:
    table = ocv_table(name)
    assert table.pchip(soc + step) >= table.pchip(soc) - 1e-12
    assert table.linear(soc + step) >= table.linear(soc) - 1e-12


@pytest.mark.parametrize("name", NAMES)
@given(soc=st.floats(0.0, 1.0))
def test_the_inverse_finds_the_state_of_charge(name: str, soc: float) -> None:
    table = ocv_table(name)
    found = float(table.soc_at(table.pchip(soc)))
    assert float(table.pchip(found)) == pytest.approx(float(table.pchip(soc)), abs=1e-9)


def test_beyond_the_ends_the_slope_goes_on() -> None:
    table = ocv_table("nmc811")
    inner = (table.pchip(1e-6) - table.pchip(0.0)) / 1e-6
    outer = (table.pchip(0.0) - table.pchip(-0.01)) / 0.01
    assert outer == pytest.approx(float(inner), rel=1e-3)
    assert table.slope(0.5) == pytest.approx(float((table.pchip(0.501) - table.pchip(0.499)) / 0.002), rel=1e-2)


def test_an_unknown_table_is_named_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"'nmc999'.*nmc811, lfp"):
        ocv_table("nmc999")


def test_points_that_do_not_rise_are_refused() -> None:
    with pytest.raises(InputError, match=r"voltage_v must rise.*point 3 is 3.4"):
        OcvTable("mine", "NMC", (0.0, 0.5, 1.0), (3.0, 3.5, 3.4))
    with pytest.raises(InputError, match=r"from 0 to 1"):
        OcvTable("mine", "NMC", (0.1, 0.5, 1.0), (3.0, 3.5, 4.0))
    with pytest.raises(InputError, match=r"3 SoC points and 2 voltages"):
        OcvTable("mine", "NMC", (0.0, 0.5, 1.0), (3.0, 3.5))
