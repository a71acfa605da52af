"""Twin versions: the append-only, hash-chained history of one vehicle's deployed model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

PROTOTYPE = "prototype"
ACCEPTED = "accepted"
REFUSED = "refused"
ROLLBACK = "rollback"
PROMOTED = "promoted"
REPLAYED = "replayed"
MEASURED = "measured"
KINDS = (PROTOTYPE, ACCEPTED, REFUSED, ROLLBACK, PROMOTED, REPLAYED, MEASURED)


@dataclass(frozen=True)
class TwinVersion:
    """One entry in a vehicle's history.

    `mean` and `covariance` are what is deployed *after* this entry: a refused version repeats its
    parent's and carries what was proposed in `evidence["proposed_mean"]`.

    Attributes:
        vehicle_id: The vehicle.
        number: 1, 2, 3, ... without a gap.
        kind: One of `KINDS`.
        sample_time_us: Sample time of the decision, microseconds since the epoch (never wall-clock time).
        model_hash: Content hash of the prototype artifact.
        trip_number: The trip that led to the decision, 0 for the prototype.
        window_start_us: First sample of the data the decision rests on.
        window_end_us: Last sample of it.
        reason: Why, in words for people.
        deployed_rmse_v: Error on that trip of the version deployed then, volts; None when not measured.
        challenger_rmse_v: Error of the shadow's posterior as it stood before the trip.
        never_rmse_v: Error of the never-updated prototype.
        parameters: Names of the living parameters.
        mean: Posterior mean, in the order of `parameters`.
        covariance: Lower triangle of the posterior covariance, row by row.
        evidence: Figures the decision rests on (JSON scalars or lists of numbers).
        code_version: The twinpack release that decided.
        parent_hash: Hash of the entry before, "" for the first.
        hash: SHA-256 over everything above; see `sealed`.
    """

    vehicle_id: str
    number: int
    kind: str
    sample_time_us: int
    model_hash: str
    trip_number: int
    window_start_us: int
    window_end_us: int
    reason: str
    deployed_rmse_v: float | None
    challenger_rmse_v: float | None
    never_rmse_v: float | None
    parameters: tuple[str, ...]
    mean: tuple[float, ...]
    covariance: tuple[float, ...]
    evidence: Mapping[str, Any] = field(default_factory=dict)
    code_version: str = ""
    parent_hash: str = ""
    hash: str = ""

    def content(self) -> dict[str, Any]:
        """Everything the hash covers, as JSON values (no wall-clock time among them)."""
        names = (f.name for f in fields(self) if f.name != "hash")
        return {name: _plain(getattr(self, name)) for name in names}

    def computed_hash(self) -> str:
        """The hash this entry should carry."""
        text = json.dumps(self.content(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def sealed(self) -> TwinVersion:
        """A copy that carries its hash."""
        return replace(self, hash=self.computed_hash())


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def from_content(content: Mapping[str, Any], version_hash: str) -> TwinVersion:
    """The version whose `content()` is given, carrying the hash that was stored with it."""
    values = dict(content)
    for name in ("parameters", "mean", "covariance"):
        values[name] = tuple(values[name])
    return TwinVersion(**values, hash=version_hash)
