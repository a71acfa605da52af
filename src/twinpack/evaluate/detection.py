"""How well faults are found: findings against the truth of a fleet in which faults were injected.

What counts:

- Findings of one vehicle, code and subject are joined into one *alarm* from the first that was raised until one is
  `gone`, as for people; it counts at the time and the level it first had, and again when its level rises to `alarm`.
- An alarm *tells* a fault when it is of the same vehicle, comes after the fault's onset, has one of the codes that
  speak of such a fault (`CODES`), and, where the alarm names a cell or probe and the fault sits in one, names that one.
- A fault is *found* by an alarm at level `alarm` that tells it. A fault of a sensor (`SENSOR_FAULTS`) is also found at
  level `watch` if the category is `sensor` or `data`: there a watch is the right answer.
- An alarm at level `alarm` that tells no fault is *false*, whatever it is about; on vehicles that have another fault,
  too. Not false is that a vehicle is told to be silent (`SILENCE`) which was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from twinpack.detect.findings import GONE, RAISED, Category, Change, Level

SILENCE = "U0111"
SENSOR_FAULTS = frozenset({"cell_sensor_drift", "probe_drift", "dead_channel"})
HARD_LIMITS = frozenset({"P0DE6", "P0DE7", "P0A7E", "P0BBD", "P0AFA"})
"""Codes that say a cell or the pack is beyond what it stands: developing faults should be found before."""

_CELL = {
    *("TP-CELL-LOW", "TP-CELL-HIGH", "TP-CELL-SHIFT", "TP-CELL-CAPACITY", "TP-CELL-RESISTANCE", "TP-SELFDIS"),
    *("TP-SPREAD", "P0BBD", "P0BBE", "P0DE6", "P0DE7", "P0AFA"),
}
_CHANNEL = {"P0B3C", "P0ABB"}
_PROBE = {"TP-PROBE", "P0C6E", "P0A9C", "P0A9D", "P0A9E"}
_HEAT = {"TP-THERMAL", "TP-RUNAWAY", "P0A7E", "P0C32"}
CODES: Mapping[str, frozenset[str]] = {
    "weak_cell": frozenset(_CELL),
    "imbalance": frozenset(_CELL),
    "internal_short": frozenset(_CELL),
    "cell_sensor_drift": frozenset(_CELL | _CHANNEL),
    "probe_drift": frozenset(_PROBE),
    "cooling_loss": frozenset({"TP-COOLING", "P0C32", "P0A7E", "P0C6E"}),
    "contactor_welded": frozenset({"P0AA1", "P0AA4"}),
    "isolation_loss": frozenset({"P0AA6", "P0DAA", "TP-ISOLATION"}),
    "thermal_runaway": frozenset(_CELL | _CHANNEL | _PROBE | _HEAT | {"P0AA6", "P0DAA", "TP-ISOLATION", "TP-COOLING"}),
    "dead_channel": frozenset(_CHANNEL | {"TP-SENTINEL"}),
}
"""Codes that speak of each kind of fault. A dead channel is no battery fault: codes of the battery do not tell it."""

_HEAT_SPREADS = frozenset({"thermal_runaway"})
"""Faults that more cells and probes feel than the one they sit in."""


@dataclass(frozen=True)
class Fault:
    """One injected fault.

    Attributes:
        vehicle_id: Where.
        kind: One of `CODES`.
        subject: `cell 12`, `probe 3` (from 1), or "" for the pack.
        onset_us: When it began.
        limit_us: When it came to the worst (it ran away, the vehicle was taken off the road); None if it did not.
    """

    vehicle_id: str
    kind: str
    subject: str
    onset_us: int
    limit_us: int | None = None


@dataclass(frozen=True)
class Told:
    """What is needed of a finding.

    Attributes:
        vehicle_id: Of which vehicle.
        code: Trouble code or name of an own rule.
        subject: As in `Fault`.
        category: What is at fault.
        change: What happened.
        level: `watch` or `alarm`.
        time_us: Sample time.
    """

    vehicle_id: str
    code: str
    subject: str
    category: Category
    change: Change
    level: Level
    time_us: int


@dataclass(frozen=True)
class KindScore:
    """How one kind of fault was found.

    Attributes:
        injected: Faults.
        found: How many of them were found.
        delay_h: Median time from onset to the alarm that found it, hours; None if none was found.
        lead_h: Median time from that alarm to the worst (`Fault.limit_us`, or a code of `HARD_LIMITS` that told the
            fault), hours, over the faults that came to it; negative where it came first; None without any.
    """

    injected: int
    found: int
    delay_h: float | None
    lead_h: float | None

    @property
    def recall_pct(self) -> float:
        """Share found, %."""
        return 100.0 * self.found / self.injected if self.injected else float("nan")


@dataclass(frozen=True)
class DetectionScore:
    """How a whole fleet was judged.

    Attributes:
        kinds: By kind of fault.
        true_alarms: Alarms at level `alarm` that tell a fault.
        false_battery, false_data: Alarms that tell none, of the battery, and of sensors and data.
        false_by_code: The same by code.
        vehicle_years: Time that vehicles were watched, with their faults.
        missed: Faults that were not found.
        false: The false alarms.
    """

    kinds: Mapping[str, KindScore]
    true_alarms: int
    false_battery: int
    false_data: int
    false_by_code: Mapping[str, int]
    vehicle_years: float
    missed: tuple[Fault, ...]
    false: tuple[Told, ...]

    @property
    def recall_pct(self) -> float:
        """Share of all faults that were found, %."""
        injected = sum(kind.injected for kind in self.kinds.values())
        return 100.0 * sum(kind.found for kind in self.kinds.values()) / injected if injected else float("nan")

    @property
    def precision_pct(self) -> float:
        """Share of alarms that tell a fault, %."""
        alarms = self.true_alarms + self.false_battery + self.false_data
        return 100.0 * self.true_alarms / alarms if alarms else float("nan")

    @property
    def false_alarms_per_vehicle_year(self) -> float:
        """False alarms of all categories."""
        return (self.false_battery + self.false_data) / self.vehicle_years


def score(
    faults: Sequence[Fault],
    told: Iterable[Told],
    vehicle_years: float,
    silences: Mapping[str, Sequence[tuple[int, int]]] | None = None,
) -> DetectionScore:
    """Judge findings.

    Args:
        faults: Every injected fault, at most one a vehicle.
        told: Findings in the order they were made.
        vehicle_years: Time that all vehicles were watched.
        silences: Start and end (µs) of the silences of each vehicle that was silent.
    """
    of_vehicle = {fault.vehicle_id: fault for fault in faults}
    alarms = list(joined(told))
    telling: dict[str, list[Told]] = defaultdict(list)
    false: list[Told] = []
    true_alarms = 0
    for alarm in alarms:
        fault = of_vehicle.get(alarm.vehicle_id)
        if fault is not None and tells(alarm, fault):
            telling[fault.vehicle_id].append(alarm)
            true_alarms += alarm.level == "alarm"
        elif alarm.level == "alarm" and not _was_silent(alarm, silences or {}):
            false.append(alarm)
    found = {fault: _first(fault, telling[fault.vehicle_id]) for fault in faults}
    kinds = dict.fromkeys(fault.kind for fault in faults)
    return DetectionScore(
        kinds={kind: _kind_score([fault for fault in faults if fault.kind == kind], found, telling) for kind in kinds},
        true_alarms=true_alarms,
        false_battery=sum(alarm.category == "battery" for alarm in false),
        false_data=sum(alarm.category != "battery" for alarm in false),
        false_by_code=dict(Counter(alarm.code for alarm in false).most_common()),
        vehicle_years=vehicle_years,
        missed=tuple(fault for fault, first in found.items() if first is None),
        false=tuple(false),
    )


def joined(told: Iterable[Told]) -> Iterable[Told]:
    """The findings that open an alarm or raise its level."""
    open_: dict[tuple[str, str, str], Level] = {}
    for one in told:
        key = one.vehicle_id, one.code, one.subject
        if one.change == GONE:
            open_.pop(key, None)
        elif one.change == RAISED and (key not in open_ or (open_[key] == "watch" and one.level == "alarm")):
            open_[key] = one.level
            yield one


def tells(alarm: Told, fault: Fault) -> bool:
    """Whether an alarm speaks of a fault of its vehicle."""
    if alarm.time_us < fault.onset_us or alarm.code not in CODES[fault.kind]:
        return False
    elsewhere = alarm.subject and fault.subject and alarm.subject != fault.subject
    return not elsewhere or fault.kind in _HEAT_SPREADS


def _finds(alarm: Told, fault: Fault) -> bool:
    return alarm.level == "alarm" or (fault.kind in SENSOR_FAULTS and alarm.category in ("sensor", "data"))


def _first(fault: Fault, telling: Sequence[Told]) -> int | None:
    """When a fault was found, by the alarms that tell it."""
    return min((alarm.time_us for alarm in telling if _finds(alarm, fault)), default=None)


def _was_silent(alarm: Told, silences: Mapping[str, Sequence[tuple[int, int]]]) -> bool:
    """Whether an alarm of silence is right: the last sample it is dated at comes just before a silence."""
    if alarm.code != SILENCE:
        return False
    slack_us = 3_600_000_000
    return any(start - slack_us <= alarm.time_us <= end + slack_us for start, end in silences.get(alarm.vehicle_id, ()))


def _kind_score(
    faults: Sequence[Fault], found: Mapping[Fault, int | None], telling: Mapping[str, Sequence[Told]]
) -> KindScore:
    delays, leads = [], []
    for fault in faults:
        at_us = found[fault]
        if at_us is None:
            continue
        delays.append((at_us - fault.onset_us) / 3.6e9)
        limits = [alarm.time_us for alarm in telling[fault.vehicle_id] if alarm.code in HARD_LIMITS]
        limits += [fault.limit_us] if fault.limit_us is not None else []
        leads += [(min(limits) - at_us) / 3.6e9] if limits else []
    return KindScore(len(faults), len(delays), _median(delays), _median(leads))


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
