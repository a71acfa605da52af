"""How figures are written."""

from __future__ import annotations

import pytest

from twinpack.twin.words import decimals_for, signed


@pytest.mark.parametrize(("value", "text"), [(1.26, "+1.3"), (-0.5, "−0.5"), (0.01, "0.0"), (-0.01, "0.0")])
def test_a_difference_has_its_sign(value: float, text: str) -> None:
    assert signed(value, 1) == text


@pytest.mark.parametrize(("uncertainty", "decimals"), [(1.7, 1), (12.0, 0), (0.031, 3), (0.0, 2), (None, 2)])
def test_digits_follow_the_uncertainty(uncertainty: float | None, decimals: int) -> None:
    assert decimals_for(uncertainty) == decimals
