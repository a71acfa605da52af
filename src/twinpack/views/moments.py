"""Moments as they are shown, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def moment(time_us: int) -> datetime:
    """A moment from microseconds since the epoch, to the microsecond."""
    return _EPOCH + timedelta(microseconds=time_us)


def moment_or_none(time_us: int | None) -> datetime | None:
    """The same of a moment that may not be known."""
    return None if time_us is None else moment(time_us)


def zoned(at: datetime) -> datetime:
    """A moment with its zone; one without is UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def micros_of(at: datetime) -> int:
    """Microseconds since the epoch; a moment without a zone is UTC."""
    return (zoned(at) - _EPOCH) // _MICROSECOND


def micros_or_none(at: datetime | None) -> int | None:
    """The same of a moment that may not be given."""
    return None if at is None else micros_of(at)
