"""Pack specifications by name, read once: a specification never changes under its name."""

from __future__ import annotations

from twinpack.battery.pack import PackSpec
from twinpack.store.registry import Registry


class Packs:
    """The packs of a registry."""

    def __init__(self, registry: Registry) -> None:
        """Look them up in a registry."""
        self._registry = registry
        self._known: dict[str, PackSpec] = {}

    def get(self, name: str) -> PackSpec | None:
        """A specification, None when it is neither shipped nor here."""
        if name not in self._known:
            found = self._registry.fleet.specification(name) if name else None
            if found is None:
                return None
            self._known[name] = found
        return self._known[name]

    def capacity_ah(self, name: str) -> float | None:
        """Capacity of a new pack, None when the pack is not known."""
        pack = self.get(name)
        return None if pack is None else pack.capacity_ah
