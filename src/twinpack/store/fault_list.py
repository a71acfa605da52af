"""What is wrong with one vehicle: its newest findings, with the status bytes of its latest state and its alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from twinpack.detect import findings
from twinpack.detect.gbt import ALARMS
from twinpack.store.alarms.records import Alarm, FindingRecord
from twinpack.store.alarms.register import Wanted
from twinpack.store.registry import Registry

State = Literal["active", "passed", "pending", "gone"]

_STATES: Mapping[str, State] = {
    findings.RAISED: "active",
    findings.PASSED: "passed",
    findings.PENDING: "pending",
    findings.GONE: "gone",
}


@dataclass(frozen=True)
class Fault:
    """A code, or an anomaly of a cell or probe, as it stands.

    Attributes:
        found: The newest finding of it.
        raised: The one that last raised it, whose evidence tells most; the newest where that is not known.
        status: Status byte, by the vehicle's latest state where that tells it; 0 without a life cycle.
        fdc: Fault detection counter, -128 to 127, where it is known.
        alarm: Its open alarm.
    """

    found: FindingRecord
    raised: FindingRecord
    status: int
    fdc: int | None
    alarm: Alarm | None

    @property
    def code(self) -> str:
        """Its code."""
        return self.found.code

    @property
    def subject(self) -> str:
        """What of the pack it is about."""
        return self.found.subject

    @property
    def state(self) -> State:
        """Whether it is so now."""
        return _STATES[self.found.change]

    @property
    def has_life_cycle(self) -> bool:
        """Whether it is a trouble code, with a status byte, which can be cleared."""
        return bool(self.status or self.found.status)


@dataclass(frozen=True)
class VehicleFaults:
    """Faults of a vehicle.

    Attributes:
        vehicle_id: The vehicle.
        pack: Name of its pack, "" when it is not known.
        seen: Whether a sample of it was folded.
        detected: Whether faults were looked for.
        codes: Status byte of each code that the latest state tells of.
        gbt_level: Highest level of GB/T 32960, 0 to 3.
        gbt_bits: Its general alarms, bit by bit.
        all: Every fault there is or was, the most severe first, of these the newest first.
    """

    vehicle_id: str
    pack: str
    seen: bool
    detected: bool
    codes: Mapping[str, int]
    gbt_level: int
    gbt_bits: int
    all: tuple[Fault, ...]

    @property
    def gbt_names(self) -> list[str]:
        """The general alarms in words."""
        return [f"{name} (bit {bit})" for bit, name in enumerate(ALARMS) if self.gbt_bits >> bit & 1]

    @property
    def standing(self) -> list[Fault]:
        """Those that are not over: active ones, then passed, then pending."""
        return self.of("active") + self.of("passed") + self.of("pending")

    def of(self, state: State) -> list[Fault]:
        """Those of a state; of those that are over the newest first."""
        found = [fault for fault in self.all if fault.state == state]
        return sorted(found, key=lambda fault: -fault.found.sample_time_us) if state == "gone" else found


def faults_of(registry: Registry, vehicle_id: str) -> VehicleFaults:
    """The faults of a vehicle that is known.

    Raises:
        WorkspaceError: The registry cannot be read.
    """
    latest = registry.latest_of(vehicle_id)
    told: Mapping[str, Any] = latest.get("faults") or {}
    codes: Mapping[str, int] = told.get("codes") or {}
    counters: Mapping[str, int] = told.get("counters") or {}
    newest = registry.alarms.newest_findings(vehicle_id)
    alarms = {alarm.key: alarm for alarm in registry.alarms.alarms(Wanted(vehicle=vehicle_id))}
    faults = []
    for found in newest:
        alarm = alarms.get((vehicle_id, found.code, found.subject))
        passed = alarm is not None and found.change == findings.PASSED
        faults.append(
            Fault(
                found=found,
                raised=registry.alarms.finding(alarm.last_event) if alarm is not None and passed else found,
                status=found.status if found.subject else codes.get(found.code, found.status),
                fdc=None if found.subject else counters.get(found.code),
                alarm=alarm,
            )
        )
    known = registry.fleet.known().get(vehicle_id)
    return VehicleFaults(
        vehicle_id=vehicle_id,
        pack=known.pack_name if known is not None else "",
        seen=bool(latest),
        detected="faults" in latest or bool(newest),
        codes=codes,
        gbt_level=int(told.get("gbt_level") or 0),
        gbt_bits=int(told.get("gbt_bits") or 0),
        all=tuple(sorted(faults, key=_by_weight)),
    )


def _by_weight(fault: Fault) -> tuple[int, int, str, str]:
    return -fault.found.severity, -fault.found.sample_time_us, fault.code, fault.subject
