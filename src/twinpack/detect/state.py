"""The state of detection: for each pack its vehicles' screens, trouble codes and cell histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from twinpack.battery.pack import PackSpec, load_pack
from twinpack.detect.cells import CellsState
from twinpack.detect.codes import CodesState
from twinpack.detect.rules import PackRules, RuleSet, parse_rules
from twinpack.detect.screen import ScreenState
from twinpack.telemetry.arrivals import Ints
from twinpack.telemetry.lane_store import LaneStore
from twinpack.telemetry.lanes import LaneArrays

Arrays = Mapping[str, npt.NDArray[Any]]


@lru_cache(maxsize=32)
def rule_set(text: str) -> RuleSet:
    """The rule set of a text that was checked before."""
    return parse_rules(text, "rule set")


@lru_cache(maxsize=256)
def rules_for(text: str, pack: str) -> PackRules:
    """The rules of a checked text with the limits of a pack."""
    return rule_set(text).for_pack(load_pack(pack))


@dataclass(frozen=True)
class DetectGroup:
    """The vehicles that share a pack.

    Attributes:
        pack: The pack, by name or as TOML text.
        members: Lane of each of its vehicles in the shard, ascending, shape (L,).
        screen: Data faults.
        codes: Trouble codes.
        cells: Histories of cells and probes.
    """

    pack: str
    members: Ints
    screen: LaneStore[ScreenState]
    codes: LaneStore[CodesState]
    cells: LaneStore[CellsState]

    @property
    def spec(self) -> PackSpec:
        """What is known of the pack."""
        return load_pack(self.pack)

    @classmethod
    def empty(cls, pack: str, rules: PackRules) -> DetectGroup:
        """A pack without vehicles."""
        cells = load_pack(pack).series
        return cls(
            pack,
            np.zeros(0, dtype=np.int64),
            LaneStore.empty(ScreenState, 0, cells=cells, probes=0),
            LaneStore.empty(CodesState, 0, rules=len(rules)),
            LaneStore.empty(CellsState, 0, cells=cells, probes=0),
        )

    def joined(self, lanes: Ints) -> DetectGroup:
        """With more vehicles of which nothing is known."""
        count = len(self.members) + len(lanes)
        return replace(
            self,
            members=np.concatenate([self.members, lanes]),
            screen=self.screen.grown(count),
            codes=self.codes.grown(count),
            cells=self.cells.grown(count),
        )

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that is saved of it, by name: of each part the vehicles of which something is known."""
        found: dict[str, npt.NDArray[Any]] = {"members": self.members}
        for part in PARTS:
            store: LaneStore[Any] = getattr(self, part)
            held = store.held()
            found[f"{part}/"] = held
            found |= {f"{part}/{name}": values for name, values in store.taken(held).arrays().items()}
        return found

    @classmethod
    def from_arrays(cls, pack: str, arrays: Arrays) -> DetectGroup:
        """The group whose `arrays` these are."""
        members = arrays["members"]
        stores = {name: _store(kind, arrays, f"{name}/", len(members)) for name, kind in PARTS.items()}
        return cls(pack, members, **stores)


PARTS: Mapping[str, type[LaneArrays]] = {"screen": ScreenState, "codes": CodesState, "cells": CellsState}
"""The parts of a group's state, and what each is."""


def _store(kind: type[LaneArrays], arrays: Arrays, prefix: str, lanes: int) -> LaneStore[Any]:
    mine = {name[len(prefix) :]: values for name, values in arrays.items() if name.startswith(prefix)}
    held = mine.pop("")
    states = kind.from_arrays(mine)
    return LaneStore.empty(kind, lanes, **states.sizes).written(held, states)


@dataclass(frozen=True)
class DetectState:
    """Detection over a shard.

    Attributes:
        rules: The rule set as TOML text; "" where nothing is detected.
        groups: Vehicles by pack.
    """

    rules: str = ""
    groups: Mapping[str, DetectGroup] = field(default_factory=dict)

    def joined(self, packs: Sequence[str], first: int) -> DetectState:
        """With a new vehicle for each pack, from lane `first` on."""
        if not self.rules:
            return self
        groups = dict(self.groups)
        for pack in dict.fromkeys(packs):
            group = groups.get(pack) or DetectGroup.empty(pack, rules_for(self.rules, pack))
            groups[pack] = group.joined(first + np.flatnonzero(np.array(packs) == pack))
        return replace(self, groups=groups)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that is saved of the groups, by the group's position and name."""
        return {
            f"{at}/{name}": values
            for at, group in enumerate(self.groups.values())
            for name, values in group.arrays().items()
        }

    @classmethod
    def from_arrays(cls, rules: str, packs: Sequence[str], arrays: Arrays) -> DetectState:
        """The state whose `arrays` these are, of the packs in that order."""
        groups = {}
        for at, pack in enumerate(packs):
            prefix = f"{at}/"
            mine = {name[len(prefix) :]: values for name, values in arrays.items() if name.startswith(prefix)}
            groups[pack] = DetectGroup.from_arrays(pack, mine)
        return cls(rules, groups)
