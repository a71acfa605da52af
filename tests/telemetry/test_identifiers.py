from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinpack.errors import IdentifierError
from twinpack.telemetry.identifiers import VEHICLE_ID_PATTERN, check_vehicle_id, is_vehicle_id


@pytest.mark.parametrize("good", ["a", "i3", "car-1", "WVWZZZ1KZAW000001", "a" * 64, "9.x_y-z"])
def test_good_ids_come_back_unchanged(good: str) -> None:
    assert check_vehicle_id(good) == good


@pytest.mark.parametrize("bad", ["", "-a", ".", "..", "a/b", "a b", "a\n", "<b>", "ü", "a" * 65, "a+b", "#"])
def test_bad_ids_are_refused_with_what_is_allowed(bad: str) -> None:
    with pytest.raises(IdentifierError, match="letters, digits"):
        check_vehicle_id(bad)


@given(st.text(max_size=70))
def test_pattern_and_check_agree(text: str) -> None:
    # A trailing newline is the one case where `$` and a full match differ.
    expected = re.match(VEHICLE_ID_PATTERN, text) is not None and not text.endswith("\n")
    assert is_vehicle_id(text) == expected
