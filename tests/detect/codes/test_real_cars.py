"""Shipped rules on recorded vehicles: no battery code that limits a sound car, the same at any sampling rate."""

from __future__ import annotations

import pytest

from tests.detect.real_cars import real_car
from twinpack.detect.codes import CodesState, Ticks, codes
from twinpack.detect.findings import Finding
from twinpack.detect.rules import parse_rules, shipped_rules
from twinpack.detect.screen import ScreenState, screen


def found(car: str, every_s: int) -> list[Finding]:
    frames, pack = real_car(car, every_s)
    rules = parse_rules(shipped_rules()).for_pack(pack)
    _, screened = screen(ScreenState.empty(1, cells=pack.series, probes=0), frames, pack)
    return codes(CodesState.empty(1, rules=len(rules)), frames, screened.quantities, Ticks.none(), rules)[1]


@pytest.mark.parametrize("every_s", [1, 10, 30, 60])
@pytest.mark.parametrize("car", ["car1", "car3"])
def test_no_battery_code_limits_a_car(car: str, every_s: int) -> None:
    """Faulty and wide cells of both deviate by tens of millivolts: a matter of the cells themselves, not of codes."""
    findings = found(car, every_s)
    assert {one.code for one in findings if one.category == "battery" and one.severity >= 2} == set()
    assert {one.code for one in findings if one.level == "alarm"} == set()
    data = {one.code for one in findings if one.category == "data" and one.change == "raised"}
    assert data == ({"TP-SENTINEL"} if car == "car1" else set())
