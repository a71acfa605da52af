"""Schedules, against another implementation of cron."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter

from twinpack.store.cron import Cron

SCHEDULES = (
    *("* * * * * *", "0 0 3 * * *", "*/7 1-5 * * * *", "0 3 * * *", "30 2 1,15 * mon", "0 0 29 2 *"),
    *("5/10 * * * * *", "0 12 * jan-MAR sun", "0 0 13 * fri", "0 0 * * 7", "0 0 */2 * 1", "15 10 31 * *"),
)


@pytest.mark.parametrize("text", SCHEDULES)
def test_the_last_time_is_that_of_another_implementation(text: str) -> None:
    chance = random.Random(7)
    with_seconds = text if len(text.split()) == 6 else f"0 {text}"
    for _ in range(50):
        now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(4 * 365 * 86_400), microseconds=1)
        # It gives times before, never the present one: hence the microsecond.
        expected = croniter(with_seconds, now, second_at_beginning=True).get_prev(datetime)
        assert Cron.parse(text).last(now) == expected


def test_now_counts() -> None:
    due = datetime(2026, 3, 2, 3, tzinfo=UTC)
    assert Cron.parse("0 3 * * *").last(due) == due


def test_a_day_that_is_not_has_no_last_time() -> None:
    assert Cron.parse("0 0 30 2 *").last(datetime(2026, 1, 1, tzinfo=UTC)) is None
    leap = Cron.parse("0 0 29 2 *").last(datetime(2104, 2, 1, tzinfo=UTC))
    assert leap == datetime(2096, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("daily", "it has 5 fields"),
        ("* * * * * * *", "or 6 with the second in front"),
        ("60 * * * *", "minute '60' is not from 0 to 59"),
        ("0 0 0 * *", "day '0' is not from 1 to 31"),
        ("* * * foo *", "month 'foo' is not from 1 to 12"),
        ("5-3 * * * *", "minute '5-3' holds no value"),
        ("*/0 * * * *", r"minute '\*/0' holds no value"),
        ("1--2 * * * *", "minute '1--2' is not 0 to 59"),
        ("² * * * *", "minute '²' is not 0 to 59"),
    ],
)
def test_a_mistake_names_the_field(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cron.parse(text)
