"""Scenario files: what is taken, and what each mistake is told as."""

from __future__ import annotations

import json
import re

import pytest

from twinpack.errors import ScenarioError
from twinpack.forecast.scenario import Scenario, Trip
from twinpack.forecast.scenario_file import KEYS, read_scenarios, together

WHOLE = """
[[scenario]]
name = "Charge to 80 %"
charge_from_pct = 30
charge_to_pct = 80
parked_soc_pct = 55
fast_share_pct = 10
charge_c_rate = 0.2
climate = "nordic"
warmer_c = -1.5
yearly_km = 12000
load_kg = 300
[[scenario.trip]]
distance_km = 120
speed_kmh = 95
ambient_c = -5

[[scenario]]
distance_x = 2
trips = "plan.csv"
"""
PLAN = "distance_km, speed_kmh, ambient_c\n30, 40,\n110,100, 21.5\n"


def test_every_key_is_taken() -> None:
    first, second = read_scenarios(WHOLE, "s.toml", {"plan.csv": PLAN}.__getitem__)
    assert first == Scenario(
        *("Charge to 80 %", 0.3, 0.8, 0.55, 0.1, 0.2, "nordic", -1.5, 12_000.0, None, 300.0),
        (Trip(120.0, 95.0, -5.0),),
    )
    assert second.name == "scenario 2"
    assert second.trips == (Trip(30.0, 40.0), Trip(110.0, 100.0, 21.5))
    assert second.changes == ("distance_x", "trips")


def test_json_is_the_same() -> None:
    text = json.dumps({"scenario": [{"name": "x", "charge_to_pct": 80}]})
    assert read_scenarios(text, "s.json", is_json=True) == [Scenario("x", charge_to=0.8)]


def one(body: str) -> str:
    return f'[[scenario]]\nname = "B"\n{body}\n'


MISTAKES = {
    "": "s.toml: it is empty; `twinpack whatif template`",
    "# nothing\n": "s.toml: it holds no [[scenario]]",
    "[[scenario": "s.toml: not TOML: ",
    "charge_to_pct = 80": "s.toml: unknown key 'charge_to_pct'; a file holds tables [[scenario]] (the keys of a",
    "[scenario]\nwarmer_c = 1": "'scenario' must be tables, each begun with [[scenario]]",
    "[[scenario]]\nname = 'x'": "s.toml, scenario 1 (x): it changes nothing; set at least one of charge_from_pct",
    "[[scenario]]\nname = 7": "scenario 1: key 'name' is 7; it must be a text",
    "[[scenario]]\nname = ''\nwarmer_c = 1": "key 'name' is ''",
    one("charge_to = 80"): "s.toml, scenario 1 (B): unknown key 'charge_to' (did you mean 'charge_to_pct'?); the keys",
    one("charge_to_pct = 180"): "key 'charge_to_pct' is 180; it must be a number from 5 to 100 (charge at which",
    one("charge_to_pct = '80'"): "key 'charge_to_pct' is '80'; it must be a number",
    one("charge_to_pct = true"): "key 'charge_to_pct' is True; it must be a number",
    one("warmer_c = nan"): "key 'warmer_c' is nan; it must be a number from -30 to 30",
    one("yearly_km = inf"): "key 'yearly_km' is inf; it must be a number from 0 to 500000",
    one("climate = 'nordics'"): "key 'climate' is 'nordics'; it may be nordic, maritime, continental, mediterranean, "
    "subtropical (did you mean 'nordic'?)",
    one("climate = 5"): "key 'climate' is 5",
    one("climate = [1]"): "key 'climate' is [1]",
    one("charge_to_pct = 60\nparked_soc_pct = 70"): "(B): parked_soc_pct is 70, above charge_to_pct (60 %)",
    one("charge_from_pct = 60\nparked_soc_pct = 50"): "parked_soc_pct is 50, below charge_from_pct (60 %)",
    one("charge_from_pct = 60\ncharge_to_pct = 62"): "charge_from_pct is 60 and charge_to_pct 62: charging must end",
    one("fast_share_pct = 80\ncharge_c_rate = 0.2"): "charge_c_rate is 0.2 and fast_share_pct 80: with so much",
    one("fast_share_pct = 0\ncharge_c_rate = 0.5"): "charge_c_rate is 0.5 and fast_share_pct 0: charging at 0.4 C",
    one("yearly_km = 9\ndistance_x = 2"): "yearly_km (9) and distance_x (2) say the same",
    one("trip = 5"): "'trip' must be tables, each begun with [[scenario.trip]]",
    one("trip = []"): "'trip' is an empty list",
    one("[[scenario.trip]]\nspeed_kmh = 50"): "(B), trip 1: key 'distance_km' is missing (how far, km)",
    one("[[scenario.trip]]\ndistance_km = 5\nspeed = 50"): "trip 1: unknown key 'speed' (did you mean 'speed_kmh'?)",
    one(
        "[[scenario.trip]]\ndistance_km = 5\nspeed_kmh = 0"
    ): "trip 1: key 'speed_kmh' is 0; it must be a number from 3",
    one(
        "[[scenario.trip]]\ndistance_km = 500\nspeed_kmh = 5"
    ): "trip 1: distance_km is 500 and speed_kmh 5: that takes 100",
    one(
        "[[scenario.trip]]\ndistance_km = 5\nspeed_kmh = 50\nclimb_m = 1200"
    ): "climb_m is 1200 and distance_km 5: no road",
    one("trips = 'x.csv'\n[[scenario.trip]]\ndistance_km = 5\nspeed_kmh = 50"): "both 'trip' tables and a plan",
    one("trips = 5"): "key 'trips' is 5; it must be the name of a CSV file",
    "[[scenario]]\nwarmer_c = 1\n" * 4: "s.toml: 4 scenarios; at most 3 are compared",
    one("warmer_c = 1") * 2: "two scenarios are called 'B'",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_place(text: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(MISTAKES[text])):
        read_scenarios(text, "s.toml", {"x.csv": PLAN}.__getitem__)


PLANS = {
    "": "trips 'x.csv': it holds no trip",
    "distance_km,speed_kmh\n": "it holds no trip",
    "distance_km,sped_kmh\n1,2\n": "unknown key 'sped_kmh' (did you mean 'speed_kmh'?)",
    "distance_km,speed_kmh\n5,fast\n": "line 2: 'speed_kmh' is 'fast'; it must be a number",
    "distance_km,speed_kmh\n5\n": "line 2: it must have 2 fields (distance_km, speed_kmh)",
    "distance_km,speed_kmh\n5,6,7\n": "line 2: it must have 2 fields",
    "distance_km,speed_kmh\n5,50\n5,\n": "line 3: key 'speed_kmh' is missing",
    "distance_km,speed_kmh\n5,nan\n": "line 2: key 'speed_kmh' is nan",
    "distance_km,speed_kmh\n" + "5,50\n" * 501: "line 502: more than 500 trips",
}


@pytest.mark.parametrize("plan", PLANS)
def test_a_mistake_in_a_plan_is_told_with_its_line(plan: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(PLANS[plan])):
        read_scenarios(one("trips = 'x.csv'"), "s.toml", {"x.csv": plan}.__getitem__)


def test_json_mistakes() -> None:
    for text, why in (("{", "not JSON"), ("[]", "must be an object"), ('{"scenario": [1]}', "must be tables")):
        with pytest.raises(ScenarioError, match=why):
            read_scenarios(text, "s.json", is_json=True)
    with pytest.raises(ScenarioError, match="'warmer_c' is nan"):
        read_scenarios('{"scenario": [{"warmer_c": NaN}]}', "s.json", is_json=True)


def test_a_plan_needs_somebody_who_reads_it() -> None:
    with pytest.raises(ScenarioError, match="no file can be read here"):
        read_scenarios(one("trips = 'x.csv'"), "request")


def test_every_number_is_checked_at_both_ends() -> None:
    for name, key in KEYS.items():
        for value in (key.low - 1e-6, key.high * 1.001):
            with pytest.raises(ScenarioError, match=f"key '{name}'"):
                read_scenarios(one(f"{name} = {value!r}"), "s.toml")


def test_scenarios_of_several_files_are_three_at_most() -> None:
    some = [Scenario(str(at), warmer_c=1.0) for at in range(4)]
    assert together(some[:3], "x") == tuple(some[:3])
    with pytest.raises(ScenarioError, match="at most 3"):
        together(some, "x")
