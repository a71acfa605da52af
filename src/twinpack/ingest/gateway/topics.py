"""What the topics of telemetry say to a gateway, whatever stands before `…/<fleet>/<shard>/<vehicle>/telemetry`."""

from __future__ import annotations

from dataclasses import dataclass

from twinpack.store.credentials import Principal
from twinpack.telemetry.identifiers import is_vehicle_id, shard_of

_LEVELS = 4
_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic says.

    Attributes:
        vehicle: The vehicle it names.
        claim: The fleet it names, as one who sends for it.
        fault: What is wrong with it, "" for nothing.
    """

    vehicle: str
    claim: Principal
    fault: str = ""


_NOBODY = Principal("fleet", "", "")


class Topics:
    """Reads topics, each distinct one once as far as memory allows."""

    def __init__(self, shards: int) -> None:
        """Expect vehicles in so many shards."""
        self._shards = shards
        self._known: dict[str, Topic] = {}

    def read(self, text: str) -> Topic:
        """What a topic says."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[text] = self._parse(text)
        return found

    def _parse(self, text: str) -> Topic:
        levels = text.split("/")
        if len(levels) <= _LEVELS:
            return Topic("", _NOBODY, "the topic is not …/<fleet>/<shard>/<vehicle>/telemetry")
        fleet, shard, vehicle = levels[-_LEVELS:-1]
        if not is_vehicle_id(vehicle) or not is_vehicle_id(fleet):
            return Topic("", _NOBODY, "the topic names a vehicle or a fleet with characters that are not allowed")
        right = str(shard_of(vehicle, self._shards))
        if shard != right:
            return Topic(vehicle, _NOBODY, f"the topic names shard {shard[:20]!r}; that of the vehicle is {right}")
        return Topic(vehicle, Principal("fleet", fleet, ""))
