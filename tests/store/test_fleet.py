from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from twinpack.battery.pack import load_pack, pack_text
from twinpack.errors import IdentifierError, InputError, NotFoundError, PackSpecError, TwinpackError
from twinpack.store.fleet_records import DEFAULT_FLEET, FleetRecord, KnownVehicle, VehicleEntry
from twinpack.store.records import VehicleRecord
from twinpack.store.registry import MAIN_STREAM, Registry

PACK = "sim_nmc_96s"
VIN = "WVWZZZ1KZAW123456"
OWN_PACK = pack_text(PACK).replace(f'name = "{PACK}"', 'name = "own"')


def enter(registry: Registry, *entries: VehicleEntry) -> list[VehicleEntry]:
    judged = registry.fleet.judge(entries)
    for one in judged:
        if isinstance(one, TwinpackError):
            raise one
    return registry.fleet.enter([one for one in judged if isinstance(one, VehicleEntry)])


def meet(registry: Registry, *names: str, pack: str = PACK) -> None:
    """As the runtime does when the log registers vehicles."""
    at = registry.offset()
    registry.commit_batch(MAIN_STREAM, at, at + 1, [], {}, [VehicleRecord(name, pack, "a" * 64, 0) for name in names])


def test_a_new_registry_has_one_fleet_and_the_shipped_packs(registry: Registry) -> None:
    assert [fleet.name for fleet in registry.fleet.fleets()] == [DEFAULT_FLEET]
    assert PACK in [pack.name for pack in registry.fleet.packs()]
    assert registry.fleet.entries() == []
    assert registry.fleet.known() == {}


def test_fleets_are_created_once(registry: Registry) -> None:
    made = registry.fleet.create_fleet(FleetRecord("north", PACK, "the cold ones"))
    assert made.created_at_us > 0
    assert made in registry.fleet.fleets()
    with pytest.raises(InputError, match="there is a fleet 'north' already"):
        registry.fleet.create_fleet(FleetRecord("north"))
    with pytest.raises(NotFoundError, match="there is no pack 'nope'"):
        registry.fleet.create_fleet(FleetRecord("south", "nope"))


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "-x", "two words", "x" * 65, "ä"])
def test_a_fleet_is_called_what_a_topic_level_may_be(registry: Registry, name: str) -> None:
    with pytest.raises(IdentifierError, match="fleet name"):
        registry.fleet.create_fleet(FleetRecord(name))


def test_a_pack_is_added_once_and_never_changes(registry: Registry) -> None:
    added = registry.fleet.add_pack(OWN_PACK)
    assert registry.fleet.add_pack(OWN_PACK) == added
    assert registry.fleet.pack("own").specification == OWN_PACK
    assert "own" in [pack.name for pack in registry.fleet.packs()]
    with pytest.raises(InputError, match="another pack 'own' was added before"):
        registry.fleet.add_pack(OWN_PACK.replace("55.0", "50.0"))
    with pytest.raises(InputError, match="is shipped; give yours another name"):
        registry.fleet.add_pack(pack_text(PACK))
    with pytest.raises(PackSpecError, match="not valid TOML"):
        registry.fleet.add_pack("name =")


def test_what_the_fold_needs_of_a_pack(registry: Registry) -> None:
    registry.fleet.add_pack(OWN_PACK)
    assert registry.fleet.pack_for_fold(PACK) == PACK
    assert load_pack(registry.fleet.pack_for_fold("own")).name == "own"


def test_packs_of_the_log_are_kept_where_their_names_are_free(registry: Registry) -> None:
    other = OWN_PACK.replace('"own"', '"other"')
    registry.fleet.keep_packs([])
    registry.fleet.keep_packs([OWN_PACK, other])
    registry.fleet.keep_packs([OWN_PACK.replace("55.0", "50.0"), pack_text(PACK)])
    assert [(pack.name, pack.specification) for pack in registry.fleet.packs() if pack.added_at_us] == [
        ("other", other),
        ("own", OWN_PACK),
    ]
    spec = registry.fleet.specification("own")
    assert spec is not None and spec.temp_max_c == 55.0
    assert registry.fleet.specification(PACK) == load_pack(PACK)
    assert registry.fleet.specification("nope") is None


def test_a_vehicle_is_entered_with_all_that_is_said_of_it(registry: Registry) -> None:
    registry.fleet.create_fleet(FleetRecord("north"))
    said = VehicleEntry("car-1", "north", PACK, "Anna", VIN, 2021, "cold", "second owner")
    (kept,) = enter(registry, said)
    assert replace(kept, entered_at_us=0) == said
    assert registry.fleet.entry("car-1") == kept
    assert registry.fleet.entries("north") == [kept]
    assert registry.fleet.entries("default") == []
    assert registry.fleet.entry("car-2") is None


def test_a_vehicle_takes_the_default_pack_of_its_fleet(registry: Registry) -> None:
    registry.fleet.create_fleet(FleetRecord("north", PACK))
    assert enter(registry, VehicleEntry("car-1", "north"))[0].pack == PACK
    with pytest.raises(InputError, match="'car-2' has no pack, and fleet 'default' has no default pack"):
        enter(registry, VehicleEntry("car-2"))


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"vehicle_id": "a/b"}, "vehicle id 'a/b'"),
        ({"fleet": "a b"}, "fleet name 'a b'"),
        ({"fleet": "nowhere"}, "there is no fleet 'nowhere'"),
        ({"pack": "nope"}, "there is no pack 'nope'"),
        ({"vin": "WVWZZZ1KZAW12345O"}, "vin 'WVWZZZ1KZAW12345O' is not allowed"),
        ({"vin": ""}, "vin '' is not allowed"),
        ({"model_year": 20}, "model_year 20 is not from 1990 to 2100"),
        ({"climate": "x" * 65}, "climate has 65 characters"),
        ({"label": "a\x00b"}, "label .* control characters"),
        ({"notes": "x" * 2_001}, "notes has 2,001 characters"),
    ],
)
def test_a_field_that_cannot_be_is_named_and_nothing_is_kept(
    registry: Registry, fields: dict[str, Any], what: str
) -> None:
    with pytest.raises(TwinpackError, match=what):
        enter(registry, replace(VehicleEntry("car-1", pack=PACK), **fields))
    assert registry.fleet.entries() == []


def test_each_of_many_entries_is_judged_by_itself(registry: Registry) -> None:
    enter(registry, VehicleEntry("car-1", pack=PACK, vin=VIN))
    judged = registry.fleet.judge(
        [
            VehicleEntry("car-1", pack=PACK),
            VehicleEntry("car-2", pack=PACK),
            VehicleEntry("car-3", pack=PACK, vin=VIN),
            VehicleEntry("car-4", pack=PACK),
            VehicleEntry("car-4", pack=PACK),
            VehicleEntry("car-5", pack="nope"),
        ]
    )
    told = [str(one) if isinstance(one, TwinpackError) else one.vehicle_id for one in judged]
    assert told[1] == "car-2"
    assert "'car-1' was entered before" in told[0]
    assert f"vin '{VIN}' belongs to another vehicle" in told[2]
    assert "'car-4' stands here twice" in told[3]
    assert told[3] == told[4]
    assert "no pack 'nope'" in told[5]


def test_entering_is_all_or_nothing(registry: Registry) -> None:
    enter(registry, VehicleEntry("car-5", pack=PACK))
    many = [VehicleEntry(f"car-{number}", pack=PACK) for number in range(8)]
    with pytest.raises(InputError, match="'car-5' was entered before"):
        registry.fleet.enter(many)
    assert len(registry.fleet.entries()) == 1
    fresh = registry.fleet.enter(many, leave_known=True)
    assert [entry.vehicle_id for entry in fresh] == [one.vehicle_id for one in many if one.vehicle_id != "car-5"]


def test_a_vehicle_that_the_log_met_keeps_its_pack(registry: Registry) -> None:
    meet(registry, "car-1")
    assert enter(registry, VehicleEntry("car-1"))[0].pack == PACK
    meet(registry, "car-2")
    with pytest.raises(InputError, match="'car-2' has pack 'sim_nmc_96s' in the log, where its twin began"):
        enter(registry, VehicleEntry("car-2", pack="lfp_104s"))


def test_what_is_said_changes_but_for_the_pack(registry: Registry) -> None:
    (before,) = enter(registry, VehicleEntry("car-1", pack=PACK, vin=VIN))
    registry.fleet.create_fleet(FleetRecord("north"))
    after = registry.fleet.change("car-1", fleet="north", climate="cold", model_year=2020)
    assert after == replace(before, fleet="north", climate="cold", model_year=2020)
    assert registry.fleet.entry("car-1") == after
    with pytest.raises(InputError, match="keeps pack 'sim_nmc_96s'"):
        registry.fleet.change("car-1", pack="lfp_104s")
    with pytest.raises(NotFoundError, match="no fleet 'south'"):
        registry.fleet.change("car-1", fleet="south")
    with pytest.raises(NotFoundError, match="'car-9' is not known"):
        registry.fleet.change("car-9", label="x")
    enter(registry, VehicleEntry("car-2", pack=PACK))
    with pytest.raises(InputError, match="belongs to vehicle 'car-1'"):
        registry.fleet.change("car-2", vin=VIN)


def test_something_can_be_said_of_a_vehicle_that_only_the_log_knows(registry: Registry) -> None:
    meet(registry, "car-1")
    said = registry.fleet.change("car-1", label="Anna")
    assert (said.fleet, said.pack, said.label) == (DEFAULT_FLEET, PACK, "Anna")
    assert said.entered_at_us > 0


def test_vehicles_are_known_by_either_way(registry: Registry) -> None:
    registry.fleet.add_pack(OWN_PACK)
    registry.fleet.create_fleet(FleetRecord("north"))
    enter(registry, VehicleEntry("car-1", "north", "own", model_year=2021, climate="cold"))
    enter(registry, VehicleEntry("car-3", pack=PACK))
    registry.fleet.change("car-3", retired=True)
    meet(registry, "car-2", "car-3")
    meet(registry, "car-4", pack="imported from a file")
    assert list(registry.fleet.known().values()) == [
        KnownVehicle("car-1", "north", OWN_PACK, "own", 2021, "cold", retired=False, registered=False),
        KnownVehicle("car-2", DEFAULT_FLEET, PACK, PACK, None, "", retired=False, registered=True),
        KnownVehicle("car-3", DEFAULT_FLEET, PACK, PACK, None, "", retired=True, registered=True),
        KnownVehicle("car-4", DEFAULT_FLEET, "", "imported from a file", None, "", retired=False, registered=True),
    ]


def test_many_vehicles(registry: Registry) -> None:
    enter(registry, *(VehicleEntry(f"car-{number:05}", pack=PACK) for number in range(6_000)))
    assert len(registry.fleet.known()) == 6_000
