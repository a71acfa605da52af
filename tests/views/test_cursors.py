"""Cursors of lists."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.errors import InputError
from twinpack.views.cursors import Place, place_of


@given(st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20), st.text(max_size=64))
def test_a_place_comes_back_from_its_cursor(value: float | str | None, name: str) -> None:
    place = Place("-health_pct", value, name)
    assert place_of(place.cursor(), "-health_pct") == place


@given(st.text(max_size=100))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="cursor"):
        place_of(text, "-health_pct")


@pytest.mark.parametrize(
    "content", ["[1]", "{}", "null", '[2,"a",1.0,"b"]', '[1,"a",NaN,"b"]', '[1,"a",1e999,"b"]', '[1,"a",true,"b"]',
                '[1,"a",[],"b"]', '[1,"a",1.0,5]', "[" * 100_000, "9" * 5000],
)  # fmt: skip
def test_what_looks_like_one_is_refused(content: str) -> None:
    with pytest.raises(InputError, match="cursor"):
        place_of(base64.urlsafe_b64encode(content.encode()).decode(), "a")


def test_one_of_another_order_is_refused() -> None:
    with pytest.raises(InputError, match="this order"):
        place_of(Place("age_years", 1.0, "car").cursor(), "health_pct")
