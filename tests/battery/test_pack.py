from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from twinpack.battery.pack import check_pack, load_pack, pack_text, parse_pack, shipped_packs
from twinpack.errors import NotFoundError, PackSpecError

GOOD = pack_text("sim_nmc_96s")


def test_the_shipped_packs_load() -> None:
    series = {name: load_pack(name).series for name in shipped_packs()}
    known = {"bmw_i3_60ah": 96, "lfp_104s": 104, "lg_hg2_3ah": 1, "route_cell": 1, "sim_nmc_96s": 96}
    assert known.items() <= series.items()
    assert load_pack("bmw_i3_60ah").capacity_ah == 60.0


@pytest.mark.parametrize("name", shipped_packs())
def test_rated_energy_agrees_with_the_open_circuit_voltage(name: str) -> None:
    pack = load_pack(name)
    soc = np.linspace(0.0, 1.0, 501)
    energy_kwh = float(np.trapezoid(pack.ocv.pchip(soc), soc)) * pack.series * pack.capacity_ah / 1000.0
    assert pack.energy_kwh == pytest.approx(energy_kwh, rel=0.05)


def test_limits_of_the_pack_follow_from_its_cells() -> None:
    pack = load_pack("sim_nmc_96s")
    assert (pack.voltage_min_v, pack.voltage_max_v) == pytest.approx((268.8, 403.2))
    assert pack.cell_capacity_ah == 75.0


def test_a_text_is_read_as_a_specification() -> None:
    assert load_pack(GOOD) == load_pack("sim_nmc_96s")


def test_points_of_its_own_are_read() -> None:
    text = GOOD.replace('ocv = "nmc811"', "ocv = { soc = [0, 0.5, 1], voltage_v = [3.0, 3.7, 4.2] }")
    pack = parse_pack(text)
    assert pack.ocv.voltage_v == (3.0, 3.7, 4.2)
    assert pack.ocv.name == "sim_nmc_96s"


def test_without_display_the_cells_are_one_module() -> None:
    pack = parse_pack(GOOD.split("[display]")[0])
    assert (pack.display.modules, pack.display.cells_per_module) == (1, 96)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("capacity_ah = 150.0", "capacity_ah = -150.0", r"'sim_nmc_96s'.*'capacity_ah' is -150.0; it must lie between"),
        ("capacity_ah = 150.0", "capacity_ah = nan", r"'capacity_ah' is nan"),
        ("capacity_ah = 150.0", 'capacity_ah = "150"', r"'capacity_ah' is '150'; it must be a number"),
        ("capacity_ah = 150.0", "", r"'capacity_ah' is missing"),
        ("series = 96", "series = 96.5", r"'series' is 96.5; it must be a whole number"),
        ("series = 96", "series = true", r"'series' is True"),
        ("series = 96", "series = 90", r"'display' draws 96 cell groups.*'series' is 90"),
        ("rows = 2", "rows = 1", r"'display' has 6 places.*12 modules"),
        ("energy_kwh = 53.6", "energy_kwh = 536.0", r"'energy_kwh' is 536.0.*V a cell"),
        ("cell_voltage_min_v = 2.8", "cell_voltage_min_v = 4.3", r"'cell_voltage_min_v' is 4.3; it must be below"),
        (
            "cell_voltage_max_v = 4.2",
            "cell_voltage_max_v = 3.65",
            r"'cell_voltage_max_v' is 3.65, but.*'nmc811' is 4.1 V at 90",
        ),
        (
            "cell_voltage_min_v = 2.8",
            "cell_voltage_min_v = 3.5",
            r"'cell_voltage_min_v' is 3.5, but.*3.3 V at 10 % charge",
        ),
        (
            "energy_kwh = 53.6",
            "energy_kwh = 38.0",
            r"'energy_kwh' is 38.0.*2.64 V a cell, but the open-circuit voltage",
        ),
        ("charge_current_max_a = 300.0", "charge_current_max_a = 0.3", r"'charge_current_max_a' is 0.3.*0.002 times"),
        ("temp_min_c = -30.0", "temp_min_c = -300.0", r"'temp_min_c' is -300.0"),
        ('ocv = "nmc811"', 'ocv = "nmc"', r"'ocv' is 'nmc'; the shipped tables are"),
        ('ocv = "nmc811"', "ocv = { soc = [0, 1] }", r"'ocv' must be the name"),
        ('ocv = "nmc811"', "ocv = { soc = [0, 1, 2], voltage_v = [3, 4, 3] }", r"'ocv'.*voltage_v must rise"),
        ('ocv = "nmc811"', 'ocv = { soc = [0, "a", 2], voltage_v = [3, 4, 5] }', r"field 'ocv'"),
        ("parallel = 2", "paralel = 2", r"unknown field 'paralel'"),
        ('name = "sim_nmc_96s"', 'name = "../x"', r"'name' is '../x'"),
        ('chemistry = "NMC811"', 'chemistry = ""', r"'chemistry' is ''"),
        ("modules = 12", 'modules = "12"', r"display.*'modules' is '12'"),
        ("[display]", "[[display]]", r"'display' is .*must be a table"),
        ("series = 96", "series = ", r"not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_field(old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(PackSpecError, match=words):
        parse_pack(GOOD.replace(old, new))


def test_every_shipped_pack_agrees_with_itself() -> None:
    for name in shipped_packs():
        check_pack(load_pack(name))


def test_cells_of_no_size_are_refused() -> None:
    with pytest.raises(PackSpecError, match=r"150.0 Ah over 20000 in parallel are 0.0075 Ah a cell"):
        check_pack(replace(load_pack("sim_nmc_96s"), parallel=20_000))


def test_a_specification_that_stands_in_a_log_is_read_as_it_was() -> None:
    text = GOOD.replace("cell_voltage_max_v = 4.2", "cell_voltage_max_v = 3.65")
    assert load_pack(text).cell_voltage_max_v == 3.65


def test_an_unknown_pack_is_named_with_those_there_are() -> None:
    with pytest.raises(NotFoundError, match=r"'tesla'.*bmw_i3_60ah"):
        load_pack("tesla")
