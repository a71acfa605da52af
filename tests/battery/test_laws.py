"""The laws as forecasts use them, over stress, against the check values of the formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinpack.battery import ageing
from twinpack.battery.ecm import KELVIN
from twinpack.battery.laws import LAWS, Law, law_for, law_named
from twinpack.battery.ocv import OcvTable
from twinpack.battery.stress import Stress
from twinpack.errors import InputError

CHECKS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cell_model_checks.json").read_text("utf-8"))
# a cell of 3 to 5 V in a straight line, so that a voltage of a check is a charge
STRAIGHT = OcvTable("straight", "test", (0.0, 0.5, 1.0), (3.0, 4.0, 5.0))
PARTS = {
    "schmalstieg_calendar_capacity_loss": ("schmalstieg-nmc", "capacity", 0),
    "schmalstieg_cycle_capacity_loss": ("schmalstieg-nmc", "capacity", 1),
    "schmalstieg_calendar_resistance_gain": ("schmalstieg-nmc", "resistance", 0),
    "schmalstieg_cycle_resistance_gain": ("schmalstieg-nmc", "resistance", 1),
    "wang_cycle_loss_pct": ("wang-lfp", "capacity", 1),
    "nca_calendar_loss": ("blast-nca", "capacity", 0),
    "nca_cycle_loss": ("blast-nca", "capacity", 1),
    "lfp250_calendar_loss": ("blast-lfp", "capacity", 0),
    "lfp250_cycle_loss": ("blast-lfp", "capacity", 1),
}


def stress(x: dict[str, Any], intervals: int = 1) -> Stress:
    """What a check's cell lived through, in equal intervals."""
    charge = [x[name] for name in ("soc",) if name in x]
    charge += [(x[name] - 3.0) / 2.0 for name in ("v", "v_mean") if name in x]
    cycles = x.get("efc", 0.0) + x.get("q_ah", 0.0) / (2.0 * ageing.SCHMALSTIEG_CELL_AH)
    cycles += x.get("ah", 0.0) / ageing.WANG_CYCLE_AH
    same = {
        "temp_c": x.get("t_k", 308.15) - KELVIN,
        "parked_soc": charge[0] if charge else 0.5,
        "cycled_soc": charge[0] if charge else 0.5,
        "depth": x.get("dod", 0.5),
        "c_rate": x.get("c_rate", 0.5),
        "fast_share": 0.0,
        "days": x.get("days", 0.0) / intervals,
        "cycles": cycles / intervals,
    }
    return Stress(**{name: np.full((intervals, 1), value) for name, value in same.items()})


@pytest.mark.parametrize("intervals", [1, 7])
@pytest.mark.parametrize("check", [one for one in CHECKS if one["model"] in PARTS], ids=lambda one: one["id"])
def test_a_law_gives_its_check_value_over_stress(check: dict[str, Any], intervals: int) -> None:
    law, of, which = PARTS[check["model"]]
    part = getattr(LAWS[law], of)[which]
    got = part.passed(stress(check["inputs"], intervals), STRAIGHT).sum() ** part.power
    assert got * (100.0 if check["model"].endswith("pct") else 1.0) == pytest.approx(check["expected"], rel=1e-4)


def test_stress_that_changes_is_carried_in_virtual_time() -> None:
    (check,) = (one for one in CHECKS if one["model"] == "power_law_virtual_time")
    part = law_named("schmalstieg-nmc").capacity[0]
    both = stress({"v": 3.7, "t_k": 298.15, "days": 360}, 2)
    both.temp_c[:] = [[25.0], [45.0]]
    for order in ([0, 1], [1, 0]):
        turned = Stress(**{name: getattr(both, name)[order] for name in Stress.__dataclass_fields__})
        lost = part.passed(turned, STRAIGHT).sum() ** part.power
        assert lost == pytest.approx(check["expected"], rel=1e-4)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_every_law_wears_with_time_and_use_and_never_heals(law: Law) -> None:
    harsh = stress({"soc": 0.9, "t_k": 318.15, "dod": 0.9, "c_rate": 1.0, "days": 30.0, "efc": 20.0})
    mild = stress({"soc": 0.05, "t_k": 263.15, "dod": 0.01, "c_rate": 0.01, "days": 30.0, "efc": 0.5})
    for part in (*law.capacity, *law.resistance):
        assert part.passed(harsh, STRAIGHT)[0, 0] > 0.0
        assert part.passed(mild, STRAIGHT)[0, 0] >= 0.0


def test_chemistry_chooses_the_law() -> None:
    found = {name: law_for(name).name for name in ("NMC811", "LFP", "LiFePO4", "NCA", "NMC/NCA", "LMO", "")}
    assert found["LFP"] == found["LiFePO4"] == "blast-lfp"
    assert found["NCA"] == "blast-nca"
    assert {found[name] for name in ("NMC811", "NMC/NCA", "LMO", "")} == {"schmalstieg-nmc"}
    with pytest.raises(InputError, match="no ageing law 'magic'; there are schmalstieg-nmc"):
        law_named("magic")
