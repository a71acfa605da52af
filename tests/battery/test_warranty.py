"""Limits of life in a pack's specification."""

from __future__ import annotations

import pytest

from twinpack.battery.pack import load_pack, pack_text, parse_pack
from twinpack.battery.warranty import CAPACITY, END_OF_LIFE_PCT, MINIMUM_PERFORMANCE
from twinpack.errors import PackSpecError

PLAIN = pack_text("sim_nmc_96s")


def with_life(text: str) -> str:
    """The specification with more fields: those without a table before its first table."""
    return PLAIN.replace('ocv = "nmc811"', f'ocv = "nmc811"\n{text}')


def test_without_limits_those_of_law_hold() -> None:
    spec = load_pack("sim_nmc_96s")
    assert spec.end_of_life_pct == END_OF_LIFE_PCT
    assert spec.warranty == MINIMUM_PERFORMANCE
    assert spec.new_energy_kwh == spec.energy_kwh


def test_a_pack_sets_its_own() -> None:
    text = with_life("end_of_life_pct = [60, 75]\ncertified_energy_kwh = 50.0")
    text += '\n[[warranty]]\nname = "ours"\nleast_pct = 75\nyears = 10\nkm = 240000\nhealth = "capacity"\n'
    spec = parse_pack(text)
    assert spec.end_of_life_pct == (75.0, 60.0)
    assert spec.new_energy_kwh == 50.0
    (one,) = spec.warranty
    assert (one.name, one.least_pct, one.years, one.km, one.health) == ("ours", 75.0, 10.0, 240_000.0, CAPACITY)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("end_of_life_pct = 80", "'end_of_life_pct' is 80; it must be a list"),
        ("end_of_life_pct = [180]", "'end_of_life_pct' is 180; it must be a number from 1 to 99.9"),
        ("end_of_life_pct = [true]", "'end_of_life_pct' is True"),
        ("warranty = 3", "'warranty' must be tables"),
        ('warranty = [{ name = "x" }]', "warranty 1: field 'least_pct' is missing"),
        ('warranty = [{ name = "", least_pct = 80, years = 5, km = 1000 }]', "field 'name' is ''"),
        ('warranty = [{ name = "x", least_pct = 80, years = 0, km = 1000 }]', "field 'years' is 0"),
        ('warranty = [{ name = "x", least_pct = 80, years = 5, km = 1e9 }]', "field 'km' is 1000000000.0"),
        (
            'warranty = [{ name = "x", least_pct = 80, years = 5, km = 10, health = "soul" }]',
            "field 'health' is 'soul'",
        ),
        ('warranty = [{ name = "x", least_pct = 80, years = 5, km = 10, sun = 1 }]', "unknown field 'sun'"),
    ],
)
def test_limits_that_cannot_be_are_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(PackSpecError, match=told.replace("[", r"\[")):
        parse_pack(with_life(text))
