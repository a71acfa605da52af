"""Which vehicles may send, with the fleet and pack of each: what the registry and the log say, held in memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twinpack.battery.pack import load_pack
from twinpack.errors import InputError, NotFoundError, WorkspaceError
from twinpack.fleet.commands import REGISTER
from twinpack.ingest.log import LiveLog
from twinpack.ingest.logs import Events
from twinpack.store.fleet_records import DEFAULT_FLEET, FleetRecord, KnownVehicle, VehicleEntry
from twinpack.store.registry import Registry
from twinpack.telemetry.checks import Limits, limits_for, physical_limits

REFRESH_S = 30.0
"""How often the registry is read again, seconds; sooner when a vehicle turns up that is not known."""

_SOONEST_S = 0.25
_SHARE = 20
"""Reading the registry takes at most one part in so many of the time, however many unknown vehicles send."""

NARROWED = ("pack_voltage_v", "pack_current_a")
"""Signals whose limits depend on the pack."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A vehicle that may send.

    Attributes:
        vehicle_id: The vehicle.
        fleet: Its fleet.
        pack: Its pack as a command of the log names it, "" when none can be found.
        limits: Lowest and highest value of the signals in `NARROWED`.
        retired: Whether what it sends is turned away.
    """

    vehicle_id: str
    fleet: str
    pack: str
    limits: tuple[tuple[float, float], ...]
    retired: bool = False


class KnownVehicles:
    """The vehicles that may send.

    Attributes:
        registered: Vehicles that the log registers; a sample of any other needs a command before it.
    """

    def __init__(self, registry: Registry, log: LiveLog, *, register: bool, default_pack: str, events: Events) -> None:
        """Read what is known.

        Args:
            registry: Where people enter vehicles.
            log: Where vehicles were registered before.
            register: Whether a vehicle that nobody entered is taken in.
            default_pack: Its pack, where its fleet has none; "" for none.
            events: Where to tell what happens.

        Raises:
            WorkspaceError: The registry or the log cannot be read.
            NotFoundError: The default pack is not known.
        """
        self._registry, self._register, self._default_pack, self._events = registry, register, default_pack, events
        self._limits: dict[str, Limits] = {}
        self._entries: dict[str, Entry] = {}
        self._packs: dict[str, tuple[str, str]] = {}  # of new vehicles, by fleet: name, and text for the fold
        self._offered: dict[str, tuple[Entry, str]] = {}  # taken in, and without a sample in the log
        self._admitted: dict[str, tuple[Entry, str]] = {}  # not entered yet, with the name of the pack
        self._told: dict[str, dict[str, str]] = {}
        self._log, self._imports = log, 0
        self.registered: set[str] = set(log.last_sample_us())
        self._learn_commands(log.log.commands())
        self._reading = threading.Lock()
        self._next_read = 0.0
        self._wanted, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.read()

    def start(self) -> None:
        """Begin to read the registry again from time to time."""
        self._thread = threading.Thread(target=self._keep_reading, name="known-vehicles", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; vehicles that are still to be entered are entered."""
        self._stopping.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def find(self, vehicle_ids: Sequence[str]) -> list[Entry | None]:
        """Vehicles that may send, None for those that nobody knows; the registry is asked again before it says so."""
        found = [self._entries.get(name) for name in vehicle_ids]
        if None in found and self.read_if_due():
            found = [self._entries.get(name) for name in vehicle_ids]
        return found

    def read_if_due(self) -> bool:
        """Ask the registry again, before somebody is refused by what it said a while ago; whether it was asked."""
        due = time.monotonic() >= self._next_read
        if due:
            self._read_or_tell()
        return due

    def admit(self, vehicle_id: str, fleet: str) -> Entry | str:
        """Take in a vehicle that nobody entered, if that is allowed; else why not. It stays once it is confirmed."""
        if not self._register:
            return f"nobody entered this vehicle: `twinpack fleet add {vehicle_id}`, or set unknown_vehicles"
        pack, text = self._packs.get(fleet) or self._packs[""]
        if not pack:
            return f"no pack is known for it: give fleet {fleet!r} a default pack, or set pack in [workspace]"
        entry = self._entry(vehicle_id, fleet, text)
        self._offered[vehicle_id] = entry, pack
        return entry

    def confirm(self, vehicle_ids: Sequence[str]) -> None:
        """Vehicles are registered in the log now; those that were taken in are entered for people to see."""
        self.registered.update(vehicle_ids)
        for name in vehicle_ids:
            if name in self._offered:
                self._admitted[name] = self._offered[name]
                self._entries[name] = self._offered[name][0]
                self._wanted.set()
        self._offered.clear()

    def read(self) -> None:
        """Read the registry now.

        Raises:
            WorkspaceError: It cannot be read.
        """
        with self._reading:
            began = time.monotonic()
            self._learn_imports()
            register = self._registry.fleet
            packs = {fleet.name: self._pack_text(fleet.default_pack) for fleet in register.fleets()}
            self._packs = packs | {"": self._pack_text("")}  # whole at once: `admit` looks from another thread
            found = {name: self._known(vehicle) for name, vehicle in register.known().items()}
            for name, body in list(self._told.items()):
                if name not in found:  # in the log, and not folded yet
                    found[name] = self._entry(name, body.get("fleet", DEFAULT_FLEET), body.get("pack", ""))
            self._entries = found
            for name, (entry, _) in list(self._admitted.items()):
                found.setdefault(name, entry)
            taken = time.monotonic() - began
            self._next_read = began + taken + max(_SOONEST_S, _SHARE * taken)

    # --- reading --------------------------------------------------------------------------------------------------

    def _learn_commands(self, commands: Iterable[str]) -> None:
        for text in commands:
            body = json.loads(text)
            if body.get("type") == REGISTER and isinstance(body.get("vehicle"), str):
                self._told.setdefault(body["vehicle"], body)
                self.registered.add(body["vehicle"])

    def _keep_reading(self) -> None:
        while not self._stopping.is_set():
            self._wanted.wait(REFRESH_S)
            self._wanted.clear()
            self._read_or_tell(enter=True)
            self._stopping.wait(1.0)

    def _read_or_tell(self, enter: bool = False) -> None:
        try:
            if enter:
                self._enter_admitted()
            self.read()
        except WorkspaceError as error:
            self._next_read = time.monotonic() + 1.0
            self._events.warning("registry_unavailable", error=str(error))

    def _learn_imports(self) -> None:
        for newest in self._log.imported(self._imports):
            self.registered.update(newest)
            self._imports += 1

    def _pack_text(self, pack: str) -> tuple[str, str]:
        pack = pack or self._default_pack
        return pack, self._registry.fleet.pack_for_fold(pack) if pack else ""

    def _enter_admitted(self) -> None:
        """Let people see the vehicles that were taken in."""
        waiting = list(self._admitted.values())
        if not waiting:
            return
        register = self._registry.fleet
        there = {fleet.name for fleet in register.fleets()}
        for fleet in sorted({entry.fleet for entry, _ in waiting} - there):
            register.create_fleet(FleetRecord(fleet))
        entries = [VehicleEntry(entry.vehicle_id, entry.fleet, pack) for entry, pack in waiting]
        register.enter(entries, leave_known=True)
        for entry in entries:
            self._admitted.pop(entry.vehicle_id, None)
        self._events.info("vehicles_registered", count=len(entries), first=entries[0].vehicle_id)

    def _known(self, vehicle: KnownVehicle) -> Entry:
        pack = vehicle.pack or self._told.get(vehicle.vehicle_id, {}).get("pack", "")
        return replace(self._entry(vehicle.vehicle_id, vehicle.fleet, pack), retired=vehicle.retired)

    def _entry(self, vehicle_id: str, fleet: str, pack: str) -> Entry:
        limits = self._limits.get(pack)
        if limits is None:
            limits = self._limits[pack] = _limits_of(pack)
        return Entry(vehicle_id, fleet, pack, tuple(limits[name] for name in NARROWED))


def _limits_of(pack: str) -> Limits:
    try:
        return limits_for(load_pack(pack)) if pack else physical_limits()
    except (InputError, NotFoundError):
        return physical_limits()


def registration(entry: Entry) -> Mapping[str, Any]:
    """The command that makes a vehicle known to the fold."""
    return {"type": REGISTER, "vehicle": entry.vehicle_id, "pack": entry.pack, "fleet": entry.fleet}
