"""Fleets, packs and vehicles as people enter them; the runtime never writes here.

A vehicle is known by either of two ways: a person entered it (`vehicle_entries`), or the log registered it
(`vehicles`). Neither waits for the other, and what is shown joins both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Column, Connection, Select, delete, select, update

from twinpack.battery.pack import PackSpec, load_pack, pack_text, parse_pack, shipped_packs
from twinpack.errors import InputError, NotFoundError, TwinpackError
from twinpack.store import schema
from twinpack.store.commit import CHUNK
from twinpack.store.database import Database, execute_many, insert_into
from twinpack.store.fleet_records import FleetRecord, KnownVehicle, PackRecord, VehicleEntry
from twinpack.store.records import now_us


class FleetRegister:
    """What a registry holds of fleets, packs and vehicles."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    # Fleets

    def fleets(self) -> list[FleetRecord]:
        """Every fleet, by name."""
        rows = self._database.rows(select(schema.fleets))
        return sorted((FleetRecord(*row) for row in rows), key=lambda fleet: fleet.name)

    def fleet(self, name: str) -> FleetRecord:
        """A fleet by name.

        Raises:
            NotFoundError: There is none.
        """
        for row in self._database.rows(select(schema.fleets).where(schema.fleets.c.name == name)):
            return FleetRecord(*row)
        raise NotFoundError(f"there is no fleet {name!r}; `twinpack fleet create {name}` makes it")

    def create_fleet(self, fleet: FleetRecord) -> FleetRecord:
        """Enter a fleet; returns it as kept.

        Raises:
            InputError: A field cannot be, or there is one of this name.
            NotFoundError: Its default pack is not known.
        """
        fleet.check()
        if fleet.default_pack:
            self.pack(fleet.default_pack)
        kept = replace(fleet, created_at_us=now_us())
        with self._database.write() as connection:
            if _has(connection, schema.fleets.c.name, fleet.name):
                raise InputError(f"there is a fleet {fleet.name!r} already; `twinpack fleet fleets` lists them")
            connection.execute(schema.fleets.insert(), asdict(kept))
        return kept

    # Packs

    def packs(self) -> list[PackRecord]:
        """Every pack that vehicles may have, by name: those shipped and those added."""
        shipped = [PackRecord(name, pack_text(name)) for name in shipped_packs()]
        added = [PackRecord(*row) for row in self._database.rows(select(schema.packs))]
        return sorted(shipped + added, key=lambda pack: pack.name)

    def pack(self, name: str) -> PackRecord:
        """A pack by name.

        Raises:
            NotFoundError: It is neither shipped nor added.
        """
        if name in shipped_packs():
            return PackRecord(name, pack_text(name))
        for row in self._database.rows(select(schema.packs).where(schema.packs.c.name == name)):
            return PackRecord(*row)
        raise NotFoundError(
            f"there is no pack {name!r}; `twinpack fleet packs` lists them, `twinpack fleet add-pack FILE` adds one"
        )

    def pack_for_fold(self, name: str) -> str:
        """A pack as a command of the log names it: a shipped name, or the specification itself.

        Raises:
            NotFoundError: It is neither shipped nor added.
        """
        return name if name in shipped_packs() else self.pack(name).specification

    def specification(self, name: str) -> PackSpec | None:
        """What is known of a pack by name, None when it is neither shipped nor here."""
        try:
            return load_pack(self.pack_for_fold(name))
        except NotFoundError:
            return None

    def loaded(self, name: str) -> PackSpec:
        """What is known of a pack by name.

        Raises:
            NotFoundError: It is neither shipped nor here.
        """
        return load_pack(self.pack_for_fold(name))

    def keep_packs(self, specifications: Iterable[str]) -> None:
        """Keep packs that vehicles were registered with in the log, where none of their names is here yet."""
        packs = {pack.name: pack for pack in (PackRecord(load_pack(s).name, s, now_us()) for s in specifications)}
        fresh = [asdict(pack) for name, pack in packs.items() if name not in shipped_packs()]
        if fresh:
            with self._database.write() as connection:
                statement = insert_into(connection, schema.packs).on_conflict_do_nothing(index_elements=["name"])
                execute_many(connection, statement, fresh)

    def add_pack(self, specification: str, where: str = "pack specification") -> PackRecord:
        """Add a pack; the same one again changes nothing.

        Raises:
            PackSpecError: The specification is wrong; names the field.
            InputError: Another pack has its name: what twins were made with never changes.
        """
        pack = PackRecord(parse_pack(specification, where).name, specification, now_us())
        if pack.name in shipped_packs():
            raise InputError(f"{where}: a pack {pack.name!r} is shipped; give yours another name")
        with self._database.write() as connection:
            kept = connection.execute(select(schema.packs).where(schema.packs.c.name == pack.name)).first()
            if kept is None:
                connection.execute(schema.packs.insert(), asdict(pack))
                return pack
        if kept.specification != specification:
            raise InputError(f"{where}: another pack {pack.name!r} was added before; give this one another name")
        return PackRecord(*kept)

    # Vehicles

    def entries(self, fleet: str | None = None) -> list[VehicleEntry]:
        """Every vehicle that a person entered, by name; of one fleet when it is named."""
        table = schema.vehicle_entries
        query = select(table) if fleet is None else select(table).where(table.c.fleet == fleet)
        return sorted(self._read_entries(query), key=lambda entry: entry.vehicle_id)

    def entry(self, vehicle_id: str) -> VehicleEntry | None:
        """What was said of a vehicle, None when nobody entered it."""
        table = schema.vehicle_entries
        return next(self._read_entries(select(table).where(table.c.vehicle_id == vehicle_id)), None)

    def entries_of(self, vehicle_ids: Sequence[str]) -> dict[str, VehicleEntry]:
        """What people said of some vehicles, by name; vehicles that nobody entered are left out."""
        table = schema.vehicle_entries
        found: dict[str, VehicleEntry] = {}
        for start in range(0, len(vehicle_ids), CHUNK):
            some = select(table).where(table.c.vehicle_id.in_(vehicle_ids[start : start + CHUNK]))
            found |= {entry.vehicle_id: entry for entry in self._read_entries(some)}
        return found

    def judge(self, entries: Sequence[VehicleEntry]) -> list[VehicleEntry | TwinpackError]:
        """New entries as they would be kept, each checked; in its place what is wrong with it.

        A vehicle without a pack gets the one that the log registered it with, else its fleet's default.
        """
        ids = [entry.vehicle_id for entry in entries]
        vins = [entry.vin for entry in entries if entry.vin]
        table = schema.vehicle_entries
        with self._database.read() as connection:
            there = _found(connection, table.c.vehicle_id, ids)
            taken = _found(connection, table.c.vin, vins)
            registered = _registered_packs(connection, ids)
        twice = {name for name, count in Counter(ids).items() if count > 1}
        taken |= {vin for vin, count in Counter(vins).items() if count > 1}
        known = _Known({fleet.name: fleet for fleet in self.fleets()}, {pack.name for pack in self.packs()}, registered)
        judged: list[VehicleEntry | TwinpackError] = []
        for entry in entries:
            try:
                if entry.vehicle_id in twice:
                    raise InputError(f"vehicle {entry.vehicle_id!r} stands here twice")
                if entry.vehicle_id in there:
                    raise InputError(
                        f"vehicle {entry.vehicle_id!r} was entered before; `twinpack fleet edit` changes it"
                    )
                if entry.vin in taken:
                    raise InputError(f"vin {entry.vin!r} belongs to another vehicle")
                judged.append(known.completed(entry))
            except TwinpackError as error:
                judged.append(error)
        return judged

    def enter(self, entries: Sequence[VehicleEntry], *, leave_known: bool = False) -> list[VehicleEntry]:
        """Enter vehicles, all or none.

        Args:
            entries: As `judge` gives them.
            leave_known: Pass over vehicles that were entered before instead of refusing them.

        Returns:
            Those that were entered.

        Raises:
            InputError: A vehicle was entered before.
        """
        at_us = now_us()
        with self._database.write() as connection:
            there = _found(connection, schema.vehicle_entries.c.vehicle_id, [entry.vehicle_id for entry in entries])
            if there and not leave_known:
                raise InputError(f"vehicle {min(there)!r} was entered before; `twinpack fleet edit` changes it")
            fresh = [replace(entry, entered_at_us=at_us) for entry in entries if entry.vehicle_id not in there]
            if fresh:
                connection.execute(schema.vehicle_entries.insert(), [asdict(entry) for entry in fresh])
        return fresh

    def change(self, vehicle_id: str, **changes: Any) -> VehicleEntry:
        """Change what is said of a vehicle, one that only the log knows too; retiring it revokes its credentials.

        Args:
            vehicle_id: The vehicle.
            changes: Fields of `VehicleEntry`; the pack is not among them, as its twin was made with it.

        Raises:
            InputError: A field cannot be.
            NotFoundError: The vehicle or the fleet is not known.
        """
        before = self.entry(vehicle_id) or self._met(vehicle_id)
        after = replace(before, **changes)
        if after.pack != before.pack:
            raise InputError(
                f"vehicle {vehicle_id!r} keeps pack {before.pack!r}: its twin is made with it. Retire it, and enter "
                "the vehicle under another id with the pack it has now"
            )
        after.check()
        self.fleet(after.fleet)
        self._keep(after)
        return after

    def known(self) -> dict[str, KnownVehicle]:
        """Every vehicle, entered by a person or met in the log, by name."""
        entries = {entry.vehicle_id: entry for entry in self.entries()}
        texts = {row.name: row.specification for row in self._database.rows(select(schema.packs))}
        met = dict(self._database.many(_VEHICLE_PACKS))
        shipped = frozenset(shipped_packs())
        found = {}
        for name in sorted(entries.keys() | met.keys()):
            entry = entries.get(name) or VehicleEntry(name)
            pack = met.get(name) or entry.pack
            found[name] = KnownVehicle(
                vehicle_id=name,
                fleet=entry.fleet,
                pack=pack if pack in shipped else texts.get(pack, ""),
                pack_name=pack,
                model_year=entry.model_year,
                climate=entry.climate,
                retired=entry.retired,
                registered=name in met,
            )
        return found

    def _read_entries(self, query: Select[Any]) -> Iterator[VehicleEntry]:
        return (VehicleEntry(*row) for row in self._database.rows(query))

    def _met(self, vehicle_id: str) -> VehicleEntry:
        """The entry of a vehicle that only the log knows."""
        query = _VEHICLE_PACKS.where(schema.vehicles.c.vehicle_id == vehicle_id)
        for row in self._database.rows(query):
            return VehicleEntry(vehicle_id, pack=row.pack, entered_at_us=now_us())
        raise NotFoundError(f"vehicle {vehicle_id!r} is not known here; `twinpack fleet add {vehicle_id}` enters it")

    def _keep(self, entry: VehicleEntry) -> None:
        table, credentials = schema.vehicle_entries, schema.device_credentials
        with self._database.write() as connection:
            if entry.vin:
                others = select(table.c.vehicle_id).where(
                    table.c.vin == entry.vin, table.c.vehicle_id != entry.vehicle_id
                )
                if (other := connection.execute(others).scalar()) is not None:
                    raise InputError(f"vin {entry.vin!r} belongs to vehicle {other!r}")
            connection.execute(delete(table).where(table.c.vehicle_id == entry.vehicle_id))
            connection.execute(table.insert(), asdict(entry))
            if entry.retired:
                mine = (credentials.c.scope == "vehicle") & (credentials.c.name == entry.vehicle_id)
                revoked = update(credentials).where(mine, credentials.c.revoked_at_us.is_(None))
                connection.execute(revoked.values(revoked_at_us=now_us()))


_VEHICLE_PACKS = select(schema.vehicles.c.vehicle_id, schema.vehicles.c.pack)


@dataclass(frozen=True)
class _Known:
    """What new entries are judged by: fleets and packs there are, and packs that the log registered vehicles with."""

    fleets: Mapping[str, FleetRecord]
    packs: Collection[str]
    registered: Mapping[str, str]

    def completed(self, entry: VehicleEntry) -> VehicleEntry:
        entry.check()
        fleet = self.fleets.get(entry.fleet)
        if fleet is None:
            raise NotFoundError(f"there is no fleet {entry.fleet!r}; `twinpack fleet create {entry.fleet}` makes it")
        had = self.registered.get(entry.vehicle_id, "")
        pack = entry.pack or had or fleet.default_pack
        if not pack:
            raise InputError(f"vehicle {entry.vehicle_id!r} has no pack, and fleet {fleet.name!r} has no default pack")
        if had and pack != had:
            raise InputError(f"vehicle {entry.vehicle_id!r} has pack {had!r} in the log, where its twin began")
        if pack not in self.packs and pack != had:
            raise NotFoundError(f"there is no pack {pack!r}; `twinpack fleet packs` lists them")
        return replace(entry, pack=pack)


def _registered_packs(connection: Connection, vehicle_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(vehicle_ids), CHUNK):
        chunk = vehicle_ids[start : start + CHUNK]
        rows = connection.execute(_VEHICLE_PACKS.where(schema.vehicles.c.vehicle_id.in_(chunk)))
        found.update({row.vehicle_id: row.pack for row in rows})
    return found


def _found(connection: Connection, column: Column[Any], values: Sequence[Any]) -> set[Any]:
    """Which of some values a column holds."""
    found: set[Any] = set()
    for start in range(0, len(values), CHUNK):
        found.update(connection.execute(select(column).where(column.in_(values[start : start + CHUNK]))).scalars())
    return found


def _has(connection: Connection, column: Column[Any], value: str) -> bool:
    return bool(_found(connection, column, [value]))
