"""Rows of the registry as plain records, and the text in which a twin version is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from twinpack.twin.versions import TwinVersion, from_content


@dataclass(frozen=True)
class VehicleRecord:
    """A vehicle the fleet has met.

    Attributes:
        vehicle_id: The vehicle.
        pack: Name of its pack specification.
        model_hash: Content hash of the prototype it started from.
        first_seen_us: Sample time of its first row, microseconds since the epoch.
    """

    vehicle_id: str
    pack: str
    model_hash: str
    first_seen_us: int


@dataclass(frozen=True)
class ModelRecord:
    """A model artifact and what is said of it.

    Attributes:
        hash: Its content hash, under which `ModelArtifacts` keeps it.
        pack: The pack it was learned for.
        kind: What it is, such as `prototype`.
        created_at_us: When it was last saved, microseconds since the epoch.
        card: Its model card (JSON values).
    """

    hash: str
    pack: str
    kind: str
    created_at_us: int
    card: dict[str, Any]


@dataclass(frozen=True)
class SnapshotRecord:
    """A snapshot file: the log offset it stands at, its name and the SHA-256 of its bytes."""

    offset: int
    file: str
    sha256: str


class LatestFigures(msgspec.Struct, frozen=True, gc=False):
    """The figures of a vehicle's latest state that lists show.

    Attributes:
        last_seen_us: Newest sample folded, microseconds since the epoch; None before the first.
        soc: State of charge by its twin, 0 to 1; None without one.
        version: Its last version.
        deployed_version: The version deployed.
        late_samples: Samples that came too late for the twin.
        repeated_samples: Samples that came twice.
    """

    last_seen_us: int | None = None
    soc: float | None = None
    version: int | None = None
    deployed_version: int | None = None
    late_samples: int = 0
    repeated_samples: int = 0


@dataclass(frozen=True)
class VersionRow:
    """A twin version exactly as the registry holds it, unchecked.

    Attributes:
        vehicle_id: The vehicle.
        number: Its place in the chain.
        kind: As in the content.
        trip_number: As in the content.
        sample_time_us: As in the content.
        content: Canonical JSON of everything the hash covers.
        parent_hash: As in the content.
        hash: SHA-256 of `content`.
        offset: Log offset of the row that brought it about.
    """

    vehicle_id: str
    number: int
    kind: str
    trip_number: int
    sample_time_us: int
    content: str
    parent_hash: str
    hash: str
    offset: int

    def version(self) -> TwinVersion:
        """The version it holds."""
        return from_content(json.loads(self.content), self.hash)


def canonical_json(value: Mapping[str, Any]) -> str:
    """JSON in the one spelling that hashes are made of: sorted keys, no blanks, no NaN.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sha256_text(text: str) -> str:
    """SHA-256 of a text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def now_us() -> int:
    """Wall-clock time, microseconds since the epoch; only for columns no hash covers."""
    return int(datetime.now(UTC).timestamp() * 1e6)
