"""Changes of figures, split into wear and better knowledge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.made import version
from twinpack.twin.explain import Change, explain, total, wear_direction
from twinpack.twin.versions import ACCEPTED, PROMOTED, REFUSED, ROLLBACK, TwinVersion


def capacities(*figures: tuple[float, float], kind: str = ACCEPTED) -> list[TwinVersion]:
    """A chain whose capacity is `(mean, standard deviation)`, in % of new."""
    return [
        version(number, {"capacity_scale": (mean / 100, sd / 100)}, kind if number > 1 else "prototype")
        for number, (mean, sd) in enumerate(figures, start=1)
    ]


def capacity_changes(versions: Sequence[TwinVersion]) -> list[Change]:
    return [each.changes[0] for each in explain(versions)[1:]]


def test_a_move_within_the_earlier_interval_is_better_knowledge() -> None:
    (change,) = capacity_changes(capacities((98, 3), (95, 1)))
    assert (change.change, change.wear, change.knowledge) == pytest.approx((-3, 0, -3))
    assert change.narrowed


def test_a_move_beyond_it_is_wear_for_the_part_beyond() -> None:
    (change,) = capacity_changes(capacities((98, 1), (93, 1)))
    assert (change.wear, change.knowledge) == pytest.approx((-3, -2))


def test_slow_wear_is_found_over_several_versions() -> None:
    # No version leaves the interval of the one before it, the last is 3 pts below what the first allowed.
    changes = capacity_changes(capacities((98, 1), (97, 1), (96, 1), (95, 1), (94, 1), (93, 1)))
    assert [change.wear for change in changes] == pytest.approx([0, 0, -1, -1, -1])


def test_a_capacity_that_rises_is_never_wear() -> None:
    (change,) = capacity_changes(capacities((90, 1), (95, 1)))
    assert (change.wear, change.knowledge, change.beyond) == pytest.approx((0, 5, 3))


def test_a_fall_that_undoes_a_rise_is_better_knowledge_and_the_rest_of_it_wear() -> None:
    # 94 to 122 is 26 beyond what 94 ± 2 allows; of the fall by 33, 2 lie within 122 ± 2 and 26 undo the rise.
    rise, fall = capacity_changes(capacities((94, 1), (122, 1), (89, 1)))
    assert (rise.wear, rise.knowledge) == pytest.approx((0, 28))
    assert (fall.beyond, fall.wear, fall.knowledge) == pytest.approx((-31, -5, -28))


def test_a_fall_by_less_than_the_rise_is_no_wear_and_what_is_left_is_undone_later() -> None:
    changes = capacity_changes(capacities((94, 1), (122, 1), (110, 1), (94, 1), (88, 1)))
    assert [change.wear for change in changes] == pytest.approx([0, 0, 0, -6])


def test_resistance_wears_upwards_and_an_offset_has_no_direction() -> None:
    before = version(1, {"r0_scale": (1.0, 0.01), "offset_v": (0.0, 0.1)})
    after = version(2, {"r0_scale": (1.1, 0.01), "offset_v": (-0.5, 0.1)}, ACCEPTED)
    resistance, offset = explain([before, after])[1].changes
    assert (resistance.wear, resistance.knowledge) == pytest.approx((0.08, 0.02))
    assert (offset.wear, offset.knowledge) == pytest.approx((-0.3, -0.2))
    assert [wear_direction(name) for name in ("capacity_ah", "r_scale", "ocv_20_v")] == [-1, 1, 0]


def test_a_refused_version_changes_nothing_and_says_what_was_proposed() -> None:
    first, second = capacities((98, 1), (95, 1))
    refused = version(3, {"capacity_scale": (0.95, 0.01)}, REFUSED, "swing", evidence={"proposed_mean": [0.7]})
    told = explain([first, second, refused, *capacities((0, 1), (0, 1), (0, 1), (94, 1))[3:]])
    assert told[2].changes == ()
    assert told[2].proposed[0].value == pytest.approx(70.0)
    assert told[2].proposed[0].kept.mean == pytest.approx(95.0)
    assert (told[2].replaced, told[3].replaced) == (2, 2)
    assert told[3].changes[0].before == pytest.approx(95.0)


@pytest.mark.parametrize("proposed", [None, [], [1.0, 2.0], "text", ["text"]])
def test_evidence_of_another_shape_is_passed_over(proposed: object) -> None:
    refused = version(2, {"capacity_scale": (0.95, 0.01)}, REFUSED, evidence={"proposed_mean": proposed})
    assert explain([*capacities((95, 1)), refused])[1].proposed == ()


def test_a_roll_back_is_neither_and_what_it_undid_no_longer_counts() -> None:
    chain = capacities((98, 1), (90, 1), (98, 1), (95, 1))
    back = version(3, {"capacity_scale": (0.98, 0.01)}, ROLLBACK, "workshop")
    told = explain([chain[0], chain[1], back, chain[3]])
    assert told[2].back_to == 1
    assert (told[2].changes[0].wear, told[2].changes[0].knowledge) == (0.0, 0.0)
    assert told[2].changes[0].change == pytest.approx(8.0)
    assert (told[3].changes[0].wear, told[3].changes[0].knowledge) == pytest.approx((-1.0, -2.0))
    whole = total(told, "capacity_scale")
    assert whole is not None
    assert (whole.change, whole.wear, whole.knowledge) == pytest.approx((-3.0, -1.0, -2.0))
    assert total(told[:3], "capacity_scale") is None


def test_a_new_model_is_compared_where_it_has_the_same_figure() -> None:
    first = version(1, {"capacity_scale": (0.98, 0.01), "wear": (0.5, 0.1)})
    second = version(2, {"capacity_scale": (0.90, 0.01), "r0_scale": (1.1, 0.1)}, PROMOTED, model_hash="b" * 64)
    (change,) = explain([first, second])[1].changes
    assert (change.name, change.wear, change.knowledge) == ("capacity_scale", 0.0, 0.0)


def test_the_total_is_the_sum_of_its_parts() -> None:
    whole = total(explain(capacities((98, 1), (93, 1), (94, 0.5))), "capacity_scale")
    assert whole is not None
    assert (whole.before, whole.after, whole.wear, whole.knowledge) == pytest.approx((98, 94, -3, -1))
    assert total(explain(capacities((98, 1))), "capacity_scale") is None


def test_noise_alone_is_hardly_taken_for_wear_and_wear_is_found_in_noise() -> None:
    assert abs(mean_wear_told(true_wear=0.0)) < 0.5
    assert -20.0 < mean_wear_told(true_wear=20.0) < -12.0


def mean_wear_told(true_wear: float, versions: int = 40, vehicles: int = 20) -> float:
    """Wear told of vehicles whose health, in pts, is followed by a Kalman filter through noise of 2 pts."""
    rng = np.random.default_rng(1)
    told = []
    for _ in range(vehicles):
        true = 98.0 + rng.normal(0.0, 2.0)
        mean, variance = 98.0, 4.0
        chain = [(mean, 2.0)]
        for _ in range(versions - 1):
            true -= true_wear / versions
            variance += max((true_wear / versions) ** 2, 0.02)
            gain = variance / (variance + 4.0)
            mean += gain * (true + rng.normal(0.0, 2.0) - mean)
            variance *= 1.0 - gain
            chain.append((mean, variance**0.5))
        told.append(sum(change.wear for change in capacity_changes(capacities(*chain))))
    return float(np.mean(told))


figure = st.tuples(st.floats(60, 110), st.floats(0.01, 5))


@given(st.lists(figure, min_size=2, max_size=8))
def test_every_change_is_wear_and_better_knowledge_and_nothing_else(chain: list[tuple[float, float]]) -> None:
    for change in capacity_changes(capacities(*chain)):
        assert change.wear + change.knowledge == pytest.approx(change.change, abs=1e-9)
        assert change.wear <= 0.0
        assert abs(change.wear) <= abs(change.change) + 1e-9
