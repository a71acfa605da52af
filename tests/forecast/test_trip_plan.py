"""Plans: what is good is read, what is wrong is named with its line and column."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.errors import InputError
from twinpack.forecast.trip_plan import read_plan


def test_time_and_distance_tell_the_same_way() -> None:
    by_time = read_plan("time_s,speed_kmh,elevation_m\n0,36,100\n100,36,110\n200,72,\n")
    by_way = read_plan("elevation_m,distance_km,speed_kmh,note\n100,0,36,a\n110,1,36,b\n,2.5,72,c\n")
    assert by_time.time_s.tolist() == pytest.approx([0.0, 100.0, 200.0])
    assert by_way.time_s == pytest.approx(by_time.time_s)
    assert by_way.speed_kmh.tolist() == [36.0, 36.0, 72.0]
    assert np.isnan(by_way.elevation_m[2]) and by_way.elevation_m[1] == 110.0


def test_no_elevation_and_a_mark_of_byte_order_are_fine() -> None:
    plan = read_plan("\ufefftime_s, speed_kmh\r\n\r\n0,10\r\n10,20\r\n")
    assert np.isnan(plan.elevation_m).all() and len(plan.time_s) == 2


HEAD = "time_s,speed_kmh,elevation_m\n0,50,100\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "way.csv: it is empty"),
        ("\n \n", "way.csv: it is empty"),
        ("time_s,speed_kmh\n", "0 rows below the header"),
        ("time_s,speed_kmh\n0,50\n", "1 rows below the header"),
        ("time_s,elevation_m\n0,1\n1,2\n", "line 1: column 'speed_kmh' is missing"),
        ("speed_kmh\n1\n2\n", "neither 'time_s' nor 'distance_km'"),
        ("time_s,distance_km,speed_kmh\n0,0,1\n1,1,1\n", "both 'time_s' and 'distance_km'"),
        ("time_s,time_s,speed_kmh\n0,0,1\n1,1,1\n", "column 'time_s' is there 2 times"),
        (HEAD + "10,fast,100\n", "line 3, column 'speed_kmh': 'fast' is not a number"),
        (HEAD + "10,nan,100\n", "line 3, column 'speed_kmh': nan is not possible"),
        (HEAD + "10,inf,100\n", "line 3, column 'speed_kmh': inf is not possible"),
        (HEAD + "10,,100\n", "line 3, column 'speed_kmh': it is empty"),
        (HEAD + "10\n", "line 3, column 'speed_kmh': it is empty"),
        (HEAD + "10,-5,100\n", "line 3, column 'speed_kmh': -5 is not possible; it must lie between 0 and 300"),
        (HEAD + "10,900,100\n", "line 3, column 'speed_kmh': 900 is not possible"),
        (HEAD + "10,50,20000\n", "line 3, column 'elevation_m': 20000 is not possible"),
        (HEAD + "\n0,50,100\n", "line 4, column 'time_s': 0 comes after 0; it must rise"),
        (HEAD + "10,50,1\n5,50,1\n", "line 4, column 'time_s': 5 comes after 10; it must rise"),
        ("distance_km,speed_kmh\n0,50\n-1,50\n", "line 3, column 'distance_km': -1 is not possible"),
        ("distance_km,speed_kmh\n0,50\n1,0\n2,0\n", "line 4, column 'speed_kmh': 0 after 0"),
        ("time_s,speed_kmh\n0,0\n10,0\n", "it goes nowhere"),
        ('time_s,speed_kmh\n0,"5\n', "rows below the header"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read_plan(text, "way.csv")
    assert told in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_a_plan_or_refused(text: str) -> None:
    try:
        plan = read_plan(text)
    except InputError:
        return
    assert (np.diff(plan.time_s) > 0.0).all() and (plan.speed_kmh >= 0.0).all()
