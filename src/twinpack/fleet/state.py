"""The state of a shard: every vehicle's open step, open session and twin, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import load_pack
from twinpack.detect.state import DetectState
from twinpack.filters import MakeFilter, compile
from twinpack.telemetry.steps import STEP_SIGNALS, StepCarry
from twinpack.telemetry.trips import CutSettings, TripCarry
from twinpack.twin.codec import decode, encode
from twinpack.twin.families import twins_of
from twinpack.twin.living import LivingTwins
from twinpack.twin.settings import LoopSettings, Prototype
from twinpack.twin.state import TwinState

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FoldSettings:
    """Settings of the fold; frozen with the state they made.

    Attributes:
        step_us: Samples within a bin of this width are one step of the filter.
        cut: Where sessions end.
        loop: The living loop.
    """

    step_us: int = 1_000_000
    cut: CutSettings = field(default_factory=CutSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)


@dataclass(frozen=True)
class Group:
    """The vehicles that share a prototype.

    Attributes:
        twins: The loop that runs them (derived from prototype and settings).
        members: Lane of each of its vehicles, shape (B,).
        state: Their twins.
    """

    twins: LivingTwins
    members: Integers
    state: TwinState


@dataclass(frozen=True)
class ShardState:
    """Everything a fold carries from one batch to the next.

    Attributes:
        settings: How it folds.
        prototypes: Prototype of each pack: what the fleet gives a new vehicle.
        vehicle_ids: Vehicle of each lane.
        packs: Pack of each lane: the name, or the specification itself as TOML.
        steps: Unfinished steps.
        trips: Open sessions.
        groups: Twins by name of the pack.
        detect: Faults by pack.
        unknown: Samples of vehicles that were never registered.
        make: Makes the filters of the twins; not part of what is saved.
    """

    settings: FoldSettings
    prototypes: Mapping[str, Prototype]
    vehicle_ids: tuple[str, ...]
    packs: tuple[str, ...]
    steps: StepCarry
    trips: TripCarry
    groups: Mapping[str, Group]
    detect: DetectState = field(default_factory=DetectState)
    unknown: int = 0
    make: MakeFilter = compile

    @classmethod
    def empty(
        cls,
        settings: FoldSettings,
        prototypes: Mapping[str, Prototype],
        make: MakeFilter = compile,
        rules: str = "",
    ) -> ShardState:
        """A shard without vehicles.

        Args:
            settings: How it folds.
            prototypes: Prototype of each pack; vehicles of others have no twin.
            make: Makes the filters of the twins.
            rules: Rule set to find faults by, as TOML text; "" for none to be found.
        """
        nothing = StepCarry.empty(0), TripCarry.empty(0)
        return cls(settings, dict(prototypes), (), (), *nothing, {}, DetectState(rules), make=make)

    @property
    def capacity_ah(self) -> npt.NDArray[np.float64]:
        """Rated capacity of each lane's pack, shape (lanes,)."""
        return _capacity_ah(self.packs)

    def registered(self, vehicles: Iterable[tuple[str, str]]) -> ShardState:
        """With more vehicles, each with its pack; one that is known keeps its lane and pack."""
        known = set(self.vehicle_ids)
        fresh: dict[str, str] = {}
        for vehicle, pack in vehicles:
            if vehicle not in known:
                fresh.setdefault(vehicle, pack)
        if not fresh:
            return self
        first = len(self.vehicle_ids)
        return replace(
            self,
            vehicle_ids=(*self.vehicle_ids, *fresh),
            packs=(*self.packs, *fresh.values()),
            steps=self.steps.grown(first + len(fresh)),
            trips=self.trips.grown(first + len(fresh)),
            groups=_joined(self, [load_pack(pack).name for pack in fresh.values()], first),
            detect=self.detect.joined(tuple(fresh.values()), first),
        )

    def with_prototype(self, prototype: Prototype) -> ShardState:
        """With twins for the vehicles of a pack that had none; a pack that has a prototype keeps it."""
        if prototype.pack in self.prototypes:
            return self
        state = replace(self, prototypes={**self.prototypes, prototype.pack: prototype})
        names = [load_pack(pack).name for pack in self.packs]
        waiting = [name if name == prototype.pack else "" for name in names]
        return replace(state, groups=_joined(state, waiting, 0))

    def to_bytes(self) -> bytes:
        """The state as bytes; `from_bytes` gives it back, bit for bit."""
        arrays = {f"steps/{name}": values for name, values in self.steps.arrays().items()}
        arrays |= {f"trips/{name}": values for name, values in self.trips.arrays().items()}
        for pack, group in self.groups.items():
            arrays |= {f"twin/{pack}/{name}": values for name, values in group.state.arrays().items()}
            arrays[f"members/{pack}"] = group.members
        arrays |= {f"detect/{name}": values for name, values in self.detect.arrays().items()}
        meta = {
            "settings": asdict(self.settings),
            "prototypes": {pack: asdict(prototype) for pack, prototype in self.prototypes.items()},
            "vehicle_ids": list(self.vehicle_ids),
            "packs": list(self.packs),
            "groups": list(self.groups),
            "rules": self.detect.rules,
            "detect": list(self.detect.groups),
            "unknown": self.unknown,
        }
        return encode(meta, arrays)

    @classmethod
    def from_bytes(cls, data: bytes, make: MakeFilter = compile) -> ShardState:
        """The state that `to_bytes` wrote.

        Args:
            data: The bytes.
            make: Makes the filters of the twins.

        Raises:
            ValueError: The bytes are not a state of this release.
        """
        meta, arrays = decode(data)
        settings = _settings(meta["settings"])
        prototypes = {pack: Prototype.from_dict(values) for pack, values in meta["prototypes"].items()}
        groups = {
            pack: Group(
                twins=twins_of(prototypes[pack], settings.loop, make),
                members=arrays[f"members/{pack}"],
                state=TwinState.from_arrays(_part(arrays, f"twin/{pack}/")),
            )
            for pack in meta["groups"]
        }
        return cls(
            settings=settings,
            prototypes=prototypes,
            vehicle_ids=tuple(meta["vehicle_ids"]),
            packs=tuple(meta["packs"]),
            steps=StepCarry.from_arrays(_with_all_signals(_part(arrays, "steps/"))),
            trips=TripCarry.from_arrays(_part(arrays, "trips/")),
            groups=groups,
            # A state of the release before has no detection.
            detect=DetectState.from_arrays(meta.get("rules", ""), meta.get("detect", ()), _part(arrays, "detect/")),
            unknown=int(meta["unknown"]),
            make=make,
        )


@lru_cache(maxsize=8)
def _capacity_ah(packs: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Asked for with every batch, while vehicles join now and then."""
    known = {pack: load_pack(pack).capacity_ah for pack in set(packs)}
    capacity = np.array([known[pack] for pack in packs], dtype=np.float64)
    capacity.flags.writeable = False
    return capacity


def _joined(state: ShardState, names: Sequence[str], first: int) -> dict[str, Group]:
    """The groups with a new lane for each named pack, from lane `first` on; a pack without prototype has none."""
    groups = dict(state.groups)
    for name in dict.fromkeys(names):
        prototype = state.prototypes.get(name)
        if prototype is None:
            continue
        lanes = first + np.flatnonzero(np.array(names) == name)
        group = groups.get(name) or _empty_group(twins_of(prototype, state.settings.loop, state.make))
        twins = group.state.joined(group.twins.new_state(len(lanes)))
        groups[name] = replace(group, members=np.concatenate([group.members, lanes]), state=twins)
    return groups


def _empty_group(twins: LivingTwins) -> Group:
    return Group(twins, np.zeros(0, dtype=np.int64), twins.new_state(0))


def _part(arrays: Mapping[str, npt.NDArray[Any]], prefix: str) -> dict[str, npt.NDArray[Any]]:
    return {name[len(prefix) :]: values for name, values in arrays.items() if name.startswith(prefix)}


def _with_all_signals(arrays: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Unfinished steps of a release that gathered fewer signals: of the others, the last ones, nothing came yet."""
    more = len(STEP_SIGNALS) - len(arrays["sums"])
    widened = {name: np.pad(arrays[name], ((0, max(more, 0)), (0, 0))) for name in ("sums", "counts")}
    return {**arrays, **widened}


def _settings(values: Mapping[str, Any]) -> FoldSettings:
    return FoldSettings(
        step_us=values["step_us"], cut=CutSettings(**values["cut"]), loop=LoopSettings(**values["loop"])
    )
