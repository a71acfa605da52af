"""Model cards: what people should know of a model before they trust it, the same for every kind; JSON values."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from twinpack import __version__

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = 4


class Session(Protocol):
    """A session that models are learned from: a dataclass with arrays over its steps."""

    @property
    def vehicle_id(self) -> str:
        """Whose."""

    @property
    def start_us(self) -> int:
        """When it began, microseconds since the epoch; 0 where that is not known."""


@dataclass(frozen=True)
class Data:
    """What a model was learned from.

    Attributes:
        first: Time of the first sample, ISO 8601 in UTC; None where it is not known.
        last: Time of the last sample, likewise.
        vehicles: Vehicles.
        sessions: Sessions: trips, charges, routes.
        samples: Steps of all of them.
        fingerprint: SHA-256 over every value that was read, in order.
    """

    first: str | None
    last: str | None
    vehicles: int
    sessions: int
    samples: int
    fingerprint: str


def data_of(sessions: Sequence[Session]) -> Data:
    """What some sessions are, of `learn.prototype.TrainingTrip`, `learn.route.RouteTrip` or their like."""
    known = [one for one in sessions if one.start_us]
    first = min((one.start_us for one in known), default=None)
    last = max((one.start_us + _length_us(one) for one in known), default=None)
    return Data(
        first=_time(first),
        last=_time(last),
        vehicles=len({one.vehicle_id for one in sessions}),
        sessions=len(sessions),
        samples=sum(_samples(one) for one in sessions),
        fingerprint=fingerprint(sessions),
    )


def fingerprint(sessions: Iterable[Session]) -> str:
    """SHA-256 over every value of some sessions: their texts and numbers, and their arrays as little-endian floats."""
    digest = hashlib.sha256()
    for one in sessions:
        for name, value in _values(one).items():
            digest.update(f"{name}=".encode())
            if isinstance(value, np.ndarray):
                digest.update(f"{value.shape}:".encode())
                digest.update(np.ascontiguousarray(value, dtype="<f8").tobytes())
            else:
                digest.update(f"{value!r};".encode())
    return digest.hexdigest()


def make_card(
    *,
    pack: str,
    kind: str,
    data: Data,
    metrics: Mapping[str, float],
    limits: Mapping[str, Sequence[float]],
    parent: str = "",
    figures: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """The card of a model.

    Args:
        pack: The pack it is for.
        kind: Kind of the model.
        data: What it was learned from.
        metrics: Its errors by name with unit: `rmse_v` on what it was learned from, `held_out_rmse_v` on vehicles or
            trips left out where there are any.
        limits: What it was taught in: lowest and highest value by quantity (`span`); beyond it extrapolates.
        parent: Hash of the model it refines, "" for none.
        figures: What else people should see of it, such as `threshold_v`.
        settings: Of the fit.
        warnings: What is thin about the data, in sentences.
    """
    return {
        "pack": pack,
        "kind": kind,
        "parent": parent,
        "data": asdict(data),
        "metrics": _plain(metrics),
        "limits": _plain(limits),
        "figures": _plain(figures or {}),
        "settings": _plain(settings or {}),
        "warnings": list(warnings),
        "code_version": __version__,
    }


def span(arrays: Iterable[npt.NDArray[np.float64]]) -> list[float]:
    """Lowest and highest known value of some arrays; empty where nothing is known."""
    known = [part[np.isfinite(part)] for part in map(np.atleast_1d, arrays)]
    joined = np.concatenate([*known, np.zeros(0)])
    return [float(joined.min()), float(joined.max())] if len(joined) else []


def _values(session: Session) -> dict[str, Any]:
    return {one.name: getattr(session, one.name) for one in fields(session)}  # type: ignore[arg-type]


def _samples(session: Session) -> int:
    return max((len(value) for value in _values(session).values() if isinstance(value, np.ndarray)), default=0)


def _length_us(session: Session) -> int:
    """How long it is, where it says so by `time_s`."""
    time = _values(session).get("time_s")
    return round(1e6 * float(time[-1] - time[0])) if time is not None and len(time) else 0


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else (_EPOCH + timedelta(microseconds=time_us)).isoformat()


def _plain(value: Any) -> Any:
    """As JSON values: numbers to four digits, and null for what is not finite."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(one) for one in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
