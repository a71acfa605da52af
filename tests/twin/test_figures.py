"""What is read from a version."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twin.made import version
from twinpack.twin.figures import deployed_version, figures, health, naming, onward, short_name, standard_deviations
from twinpack.twin.versions import ACCEPTED, REFUSED


def test_the_covariance_is_a_packed_lower_triangle() -> None:
    made = version(1, {"capacity_scale": (0.9, 0.01), "r0_scale": (1.2, 0.03), "offset_v": (0.1, 0.2)})
    assert standard_deviations(made) == pytest.approx((0.01, 0.03, 0.2))


def test_health_of_a_scale_and_of_ampere_hours() -> None:
    scale = health(version(1, {"capacity_scale": (0.9, 0.01), "r0_scale": (1.2, 0.03)}), None)
    assert (scale.capacity_pct, scale.capacity_sd_pct) == pytest.approx((90.0, 1.0))
    assert (scale.resistance_x, scale.resistance_sd_x) == pytest.approx((1.2, 0.03))
    hours = health(version(1, {"capacity_ah": (54.0, 0.6)}), 60.0)
    assert (hours.capacity_pct, hours.capacity_sd_pct) == pytest.approx((90.0, 1.0))
    assert (hours.resistance_x, hours.resistance_sd_x) == (None, None)


def test_what_cannot_be_told_is_none() -> None:
    assert health(version(1, {"capacity_ah": (54.0, 0.6)}), None).capacity_pct is None
    assert health(version(1, {"wear": (0.9, 0.1)}), 60.0).capacity_pct is None


def test_capacity_as_health_or_in_ampere_hours() -> None:
    made = version(1, {"capacity_scale": (0.9, 0.01)})
    (share,), (hours,) = figures(made, 60.0), figures(made, 60.0, as_health=False)
    assert (share.label, share.unit) == ("Capacity health", "%")
    assert (share.mean, share.sd) == pytest.approx((90.0, 1.0))
    assert (hours.label, hours.unit) == ("Capacity", "Ah")
    assert (hours.mean, hours.sd) == pytest.approx((54.0, 0.6))


@pytest.mark.parametrize(
    ("name", "label", "unit"),
    [
        ("ocv_05_v", "Open-circuit voltage at 5 %", "V"),
        ("hysteresis_mv", "Hysteresis", "mV"),
        ("entropy", "Entropy", ""),
    ],
)
def test_names_for_people(name: str, label: str, unit: str) -> None:
    assert (naming(name, None).label, naming(name, None).unit) == (label, unit)
    assert short_name(name) == label[0].lower() + label[1:]


def test_what_is_deployed_is_the_last_that_was_not_refused() -> None:
    chain = [version(1), version(2, kind=ACCEPTED), version(3, kind=REFUSED)]
    assert deployed_version(chain) is chain[1]
    assert deployed_version([]) is None


def test_a_rate_is_told_as_what_changes_and_a_version_goes_on_along_it() -> None:
    """Half a percent of range a trip over ten trips, straight (bend 0): five percent less, and known less well."""
    evidence = {"clock": "sessions", "clock_at": 3.0, "rate_of": [-1, 0], "drift": [0.001, 0.0], "bend": 0.0}
    then = version(2, {"wear": (0.1, 0.01), "wear_rate": (0.005, 0.0)}, evidence=evidence)
    level, rate = figures(then, None)
    assert (level.label, level.unit) == ("Range scale", "%")
    assert (level.mean, level.sd) == pytest.approx((90.0, 1.0))
    assert (rate.label, rate.unit) == ("Range scale, change", "% a trip")
    assert rate.mean == pytest.approx(-0.5)
    now = health(onward(then, 10.0), None)
    assert now.capacity_pct is None and now.shown_pct == pytest.approx(85.0)
    assert now.shown_sd_pct == pytest.approx(100.0 * np.sqrt(0.01**2 + 10 * 0.001**2))
    assert onward(then, 0.0) is then
