"""Windows in which alarms give no notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.store.alarms.made import at
from twinpack.errors import InputError, NotFoundError, TwinpackError
from twinpack.store.alarms.mutes import MuteWindow
from twinpack.store.fleet_records import FleetRecord
from twinpack.store.registry import Registry

WINDOW = MuteWindow("", "vehicle", "car-1", at(10), at(20), "wash", "Kim")


def test_a_window_is_kept_changed_and_ended(registry: Registry) -> None:
    kept = registry.mutes.add(WINDOW)
    assert len(kept.window_id) == 12 and kept.created_at_us > 0
    assert registry.mutes.window(kept.window_id[:5]) == kept
    longer = registry.mutes.change(kept.window_id, end_us=None, reason="repair")
    assert (longer.end_us, longer.reason, longer.start_us) == (None, "repair", at(10))
    assert registry.mutes.end(kept.window_id, at(15)) == replace(longer, end_us=at(15))
    with pytest.raises(InputError, match="has ended already"):
        registry.mutes.end(kept.window_id, at(16))


def test_a_window_that_has_not_begun_is_removed_when_it_is_ended(registry: Registry) -> None:
    kept = registry.mutes.add(WINDOW)
    assert registry.mutes.end(kept.window_id, at(5)) is None
    assert registry.mutes.windows() == []
    with pytest.raises(NotFoundError, match="no mute window"):
        registry.mutes.window(kept.window_id)


def test_windows_are_listed_the_latest_first_and_by_what_they_mute(registry: Registry) -> None:
    registry.fleet.create_fleet(FleetRecord("car-1"))
    first = registry.mutes.add(WINDOW)
    second = registry.mutes.add(replace(WINDOW, start_us=at(12)))
    third = registry.mutes.add(replace(WINDOW, scope="fleet", start_us=at(11)))
    assert registry.mutes.windows() == [second, third, first]
    assert registry.mutes.windows("vehicle", "car-1") == [second, first]
    assert registry.mutes.windows("fleet") == [third]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"end_us": at(10)}, "ends before it begins"),
        ({"scope": "world"}, "neither vehicle nor fleet"),
        ({"name": "no such/name"}, "vehicle id 'no such/name' is not allowed"),
        ({"scope": "fleet", "name": "south"}, "there is no fleet 'south'"),
        ({"who": " "}, "who is empty"),
        ({"reason": "x" * 2001}, "reason has 2,001 characters"),
    ],
)
def test_a_window_that_cannot_be_is_refused(registry: Registry, changes: dict[str, object], message: str) -> None:
    with pytest.raises(TwinpackError, match=message):
        registry.mutes.add(replace(WINDOW, **changes))  # type: ignore[arg-type]
    assert registry.mutes.windows() == []


def test_a_change_that_cannot_be_is_refused(registry: Registry) -> None:
    kept = registry.mutes.add(WINDOW)
    with pytest.raises(InputError, match="ends before it begins"):
        registry.mutes.change(kept.window_id, start_us=at(30))
    with pytest.raises(InputError, match="name of a window does not change"):
        registry.mutes.change(kept.window_id, name="car-2")
    assert registry.mutes.windows() == [kept]


def test_digits_that_several_windows_share_are_refused(registry: Registry) -> None:
    for _ in range(20):
        registry.mutes.add(WINDOW)
    digits = [window.window_id[0] for window in registry.mutes.windows()]
    shared = next(digit for digit in digits if digits.count(digit) > 1)
    with pytest.raises(InputError, match="several mute windows begin with"):
        registry.mutes.window(shared)
    with pytest.raises(NotFoundError):
        registry.mutes.window("")
    with pytest.raises(NotFoundError):
        registry.mutes.window("%")
