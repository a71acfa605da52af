"""Topics that vehicles publish to: `twinpack/<fleet>/<shard>/<vehicle>/telemetry`."""

from __future__ import annotations

from dataclasses import dataclass

from twinpack.telemetry.identifiers import is_vehicle_id, shard_of

ROOT, LEAF = "twinpack", "telemetry"


@dataclass(frozen=True)
class TelemetryTopic:
    """What a topic of telemetry names.

    Attributes:
        fleet: The fleet.
        shard: The shard, as text.
        vehicle_id: The vehicle.
    """

    fleet: str
    shard: str
    vehicle_id: str


def telemetry_topic(fleet: str, vehicle_id: str, shards: int) -> str:
    """The topic of a vehicle's telemetry."""
    return f"{ROOT}/{fleet}/{shard_of(vehicle_id, shards)}/{vehicle_id}/{LEAF}"


def parse_topic(topic: str) -> TelemetryTopic | None:
    """What a topic names, or None where it is none of telemetry."""
    levels = topic.split("/")
    if len(levels) != 5 or levels[0] != ROOT or levels[4] != LEAF:
        return None
    if not (is_vehicle_id(levels[1]) and levels[2].isdecimal() and is_vehicle_id(levels[3])):
        return None
    return TelemetryTopic(levels[1], levels[2], levels[3])
