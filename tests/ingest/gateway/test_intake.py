"""What becomes of messages, by way of a gateway without a line: each is in the log, dropped, or a dead letter."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.compute as pc
import pytest

from tests.ingest.gateway import line
from tests.servers.disks import SmallDisk
from tests.waiting import until
from twinpack.ingest.gateway import Gateway
from twinpack.ingest.gateway.parcels import Outcome, Parcel
from twinpack.ingest.messages import Decoded, Message, decode
from twinpack.store.credentials import Principal
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.workspace import Workspace

BERLIN = Principal("fleet", line.FLEET, "")


def hand_in(
    gateway: Gateway, messages: Sequence[bytes | dict[str, Any]], sender: Principal = BERLIN, vehicle: str | None = None
) -> Outcome:
    """Messages of one parcel; what became of them, once they are durable."""
    done = threading.Event()
    payloads = [one if isinstance(one, bytes) else msgspec.json.encode(one) for one in messages]
    held = [Message(payload, None, vehicle) for payload in payloads]
    parcel = Parcel("http", held, [sender], line.now_us(), lambda _: done.set(), wants_outcome=True)
    assert gateway.intake.pending.put(parcel)
    assert done.wait(30)
    return parcel.outcome


def reasons(outcome: Outcome) -> list[tuple[int, str]]:
    return [(one.message, one.reason) for one in outcome.reasons]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return line.made(tmp_path / "home", None)


@pytest.fixture
def gateway(workspace: Workspace) -> Iterator[Gateway]:
    with Gateway(workspace, http=False) as started:
        yield started


@pytest.fixture
def begin() -> int:
    return line.now_us() - 3_600_000_000


def test_a_vehicle_is_registered_before_its_first_sample(gateway: Gateway, workspace: Workspace, begin: int) -> None:
    assert hand_in(gateway, [line.sample("V1", at, begin) for at in range(3)]).accepted == 3
    assert hand_in(gateway, [line.sample("V1", 3, begin)]).accepted == 1
    rows = next(gateway.log.read())[1].to_pylist()
    assert [row["kind"] for row in rows] == [2, 0, 0, 0, 0]
    command = msgspec.json.decode(rows[0]["command"])
    assert command == {"type": "register", "vehicle": "V1", "pack": line.PACK, "fleet": line.FLEET}


def test_a_vehicle_that_was_registered_is_not_registered_again(workspace: Workspace, begin: int) -> None:
    for at in range(2):
        with Gateway(workspace, http=False) as gateway:
            assert hand_in(gateway, [line.sample("V1", at, begin)]).accepted == 1
    assert list(gateway.log.log.commands()) != []
    assert len(list(gateway.log.log.commands())) == 1


def test_people_see_vehicles_that_were_taken_in(gateway: Gateway, workspace: Workspace, begin: int) -> None:
    hand_in(gateway, [line.sample("V1", 0, begin), line.sample("V2", 0, begin, time=0)])
    with workspace.registry() as registry:
        until(lambda: bool(registry.fleet.entries()), "entered")
        assert [(entry.vehicle_id, entry.fleet) for entry in registry.fleet.entries()] == [("V1", line.FLEET)]


def test_unknown_vehicles_are_kept_out_unless_they_are_wanted(tmp_path: Path, begin: int) -> None:
    workspace = line.made(tmp_path / "strict", None, gateway={"unknown_vehicles": "quarantine"})
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord(line.FLEET))
        registry.fleet.enter([VehicleEntry("V1", line.FLEET, line.PACK)])
        with Gateway(workspace, http=False) as gateway:
            outcome = hand_in(gateway, [line.sample(name, 0, begin) for name in ("V1", "V2")])
            assert (outcome.accepted, reasons(outcome)) == (1, [(1, "unknown")])
            registry.fleet.enter([VehicleEntry("V2", line.FLEET, line.PACK)])
            until(lambda: hand_in(gateway, [line.sample("V2", 0, begin)]).accepted == 1, "V2 known")
            registry.fleet.change("V2", retired=True)
            gateway.known.read()
            assert reasons(hand_in(gateway, [line.sample("V2", 1, begin)])) == [(0, "retired")]
    assert {letter["reason"] for letter in line.letters(workspace)} == {"unknown", "retired"}


def test_what_people_changed_counts_before_somebody_is_refused(
    workspace: Workspace, begin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinpack.ingest.gateway.known.REFRESH_S", 100_000.0)
    munich = Principal("fleet", "munich", "")
    with workspace.registry() as registry:
        for name in (line.FLEET, "munich"):
            registry.fleet.create_fleet(FleetRecord(name))
        registry.fleet.enter([VehicleEntry("V1", line.FLEET, line.PACK)])
        registry.fleet.change("V1", retired=True)
        with Gateway(workspace, http=False) as gateway:
            assert reasons(hand_in(gateway, [line.sample("V1", 0, begin)])) == [(0, "retired")]
            registry.fleet.change("V1", retired=False)
            until(lambda: hand_in(gateway, [line.sample("V1", 0, begin)]).accepted == 1, "taken back")
            registry.fleet.change("V1", fleet="munich")
            until(lambda: hand_in(gateway, [line.sample("V1", 1, begin)], munich).accepted == 1, "moved")


def test_which_sample_of_a_message_is_wrong_is_told(gateway: Gateway, begin: int) -> None:
    one = line.sample("V1", 0, begin)
    columns = {name: [one[name]] * 3 for name in ("pack_voltage_v", "pack_current_a")}
    columns["pack_voltage_v"][1] = 1e6
    outcome = hand_in(gateway, [{"vehicle": "V1", "time": [begin + at for at in range(3)], **columns}])
    assert (outcome.accepted, reasons(outcome)) == (2, [(0, "range")])
    assert outcome.reasons[0].detail.startswith("sample 2: ")
    assert hand_in(gateway, [one | {"time": begin + 9, "pack_voltage_v": 1e6}]).reasons[0].detail.startswith("pack_")


def test_a_sender_sends_for_its_own_only(gateway: Gateway, begin: int) -> None:
    hand_in(gateway, [line.sample("V1", 0, begin)])
    other = Principal("fleet", "munich", "")
    assert reasons(hand_in(gateway, [line.sample("V1", 1, begin)], other)) == [(0, "topic")]
    token = Principal("vehicle", "V1", "0123")
    outcome = hand_in(gateway, [line.sample("V1", 1, begin), line.sample("V2", 1, begin)], token)
    assert (outcome.accepted, reasons(outcome)) == (1, [(1, "forbidden")])


def test_the_vehicle_of_a_message_is_that_of_its_topic(gateway: Gateway, begin: int) -> None:
    assert reasons(hand_in(gateway, [line.sample("V1", 0, begin)], vehicle="V2")) == [(0, "topic")]


def test_repeats_are_dropped_and_contradictions_kept_aside(gateway: Gateway, workspace: Workspace, begin: int) -> None:
    first = line.sample("V1", 5, begin)
    assert hand_in(gateway, [first, first]).duplicates == 1
    outcome = hand_in(gateway, [first, first | {"pack_voltage_v": 351.5}, line.sample("V1", 3, begin)])
    assert (outcome.accepted, outcome.duplicates, outcome.late) == (1, 1, 1)
    assert reasons(outcome) == [(1, "conflict")]
    assert line.counted(gateway, "samples_late") == 1


def test_repeats_of_before_a_restart_are_dropped(workspace: Workspace, begin: int) -> None:
    messages = [line.sample("V1", at, begin) for at in range(10)]
    for expected in ((10, 0), (0, 10)):
        with Gateway(workspace, http=False) as gateway:
            outcome = hand_in(gateway, messages)
            assert (outcome.accepted, outcome.duplicates) == expected


def test_a_repeat_is_known_whatever_stands_beside_it(gateway: Gateway, begin: int) -> None:
    small = {"vehicle": "V1", "time": begin, "pack_voltage_v": 350.0, "pack_current_a": 0.0}
    rich = line.sample("V2", 0, begin, cell_voltage_v=[3.6] * 96, elevation_m=3.0)
    assert hand_in(gateway, [small]).accepted == 1
    outcome = hand_in(gateway, [rich, small])
    assert (outcome.accepted, outcome.duplicates, outcome.rejected) == (1, 1, 0)


def test_values_are_judged_by_the_pack_of_their_vehicle(workspace: Workspace, gateway: Gateway, begin: int) -> None:
    with workspace.registry() as registry:
        registry.fleet.create_fleet(FleetRecord(line.FLEET))
        registry.fleet.enter([VehicleEntry("bmw", line.FLEET, "bmw_i3_60ah")])
    gateway.known.read()
    high = {"pack_voltage_v": 480.0, "pack_current_a": -1.0}
    outcome = hand_in(gateway, [line.sample(name, 0, begin) | high for name in ("V1", "bmw")])
    assert (outcome.accepted, reasons(outcome)) == (1, [(1, "range")])


def test_clocks_ahead_are_told_and_those_far_ahead_kept_out(gateway: Gateway) -> None:
    now = line.now_us()
    outcome = hand_in(gateway, [line.sample("V1", 0, now + 60_000_000), line.sample("V1", 1, now + 400_000_000)])
    assert (outcome.accepted, reasons(outcome)) == (1, [(1, "clock")])
    assert gateway.intake.ahead == {"V1": 1}


def test_counters_tell_gaps_and_a_reboot_is_none(gateway: Gateway, begin: int) -> None:
    numbers = (7, 8, 11, 11, 0, 1)
    for at, number in enumerate(numbers):
        time = begin + min(at, 2 if number == 11 else at) * 1_000_000  # the second 11 is a repeat of the first
        fields = line.sample("V1", 0, 0) | {"seq": number, "time": time}
        hand_in(gateway, [fields])
    assert line.counted(gateway, "sequence_missing") == 2
    assert line.counted(gateway, "sequence_restarts") == 1
    assert line.counted(gateway, "samples_accepted") == 5


def test_a_misspelled_field_is_told_once_with_the_name_that_was_meant(
    gateway: Gateway, begin: int, caplog: pytest.LogCaptureFixture
) -> None:
    for at in range(3):
        hand_in(gateway, [line.sample("V1", at, begin) | {"soc_pc": 50.0}])
    told = [getattr(one, "twinpack_fields")["text"] for one in caplog.records if one.message == "unknown_field"]  # noqa: B009 - the logger adds it
    assert told == ["field 'soc_pc' means nothing here and is passed over; did you mean soc_pct?"]
    assert line.counted(gateway, "unknown_fields") == 3


def test_a_message_nobody_foresaw_stops_no_other(
    gateway: Gateway, workspace: Workspace, begin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(messages: Sequence[Message], max_bytes: int) -> Decoded:
        if any(b"poison" in message.payload for message in messages):
            raise ZeroDivisionError("nobody thought of this")
        return decode(messages, max_bytes)

    monkeypatch.setattr("twinpack.ingest.gateway.judge.decode", failing)
    messages: list[bytes | dict[str, Any]] = [line.sample("V1", at, begin) for at in range(20)]
    messages[13] = b'{"poison": 1}'
    outcome = hand_in(gateway, messages)
    assert (outcome.accepted, reasons(outcome)) == (19, [(13, "internal")])
    gateway.log.seal()
    assert [letter["raw"] for letter in line.letters(workspace)] == ['{"poison": 1}']


def test_every_kind_of_fault_is_a_dead_letter_with_its_place(
    gateway: Gateway, workspace: Workspace, begin: int
) -> None:
    hand_in(
        gateway,
        [
            b"junk",
            line.sample("V1", 0, begin) | {"pack_voltage_v": 9_999.0},
            line.sample("V1", 1, begin) | {"speed_kmh": 999.0},
            line.sample("V2", 0, begin, cell_voltage_v=[3.7, 65.535, None, 65.535]),
            line.sample("V1", 0, 0)
            | {"time": [begin, 5], "pack_voltage_v": [350.0] * 2, "pack_current_a": [1.0] * 2}
            | dict.fromkeys(("soc_pct", "speed_kmh", "cell_temp_avg_c")),
        ],
    )
    gateway.log.seal()
    found = {(one["reason"], one["row"], one["action"], one["vehicle_id"]) for one in line.letters(workspace)}
    assert found == {
        ("json", 0, "row rejected", None),
        ("range", 1, "row rejected", "V1"),
        ("range", 1, "value cleared", "V1"),
        ("range", 1, "value cleared", "V2"),
        ("time", 2, "row rejected", "V1"),
    }


def test_routing_decides_what_enters_the_log(tmp_path: Path, begin: int) -> None:
    workspace = line.made(tmp_path / "routed", None)
    rules = '[[route]]\nname = "moving"\nwhen = "speed_kmh > 10"\nto = ["realtime"]\n'
    (workspace.home / "routing.toml").write_text(rules)
    with Gateway(workspace, http=False) as gateway:
        outcome = hand_in(gateway, [line.sample("V1", at, begin, speed_kmh=speed) for at, speed in enumerate((0, 50))])
        assert (outcome.accepted, outcome.unrouted) == (1, 1)
    assert line.samples(workspace).column("kind").to_pylist() == [4]


def test_a_tick_tells_the_log_that_time_passed(gateway: Gateway) -> None:
    gateway.intake.tick_soon()
    until(lambda: gateway.log.end_offset == 1, "a tick")
    rows = next(gateway.log.read())[1]
    assert pc.all(pc.equal(rows.column("kind"), 1)).as_py()


def test_a_tick_that_cannot_be_written_shuts_the_door_for_seconds_only(
    small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinpack.ingest.gateway.intake.TICK_S", 100_000.0)
    with Gateway(line.made(small_disk.folder / "home", None), http=False) as gateway:
        small_disk.fill()
        gateway.intake.tick_soon()
        until(lambda: not gateway.intake.writable, "the tick failed")
        small_disk.free()
        until(lambda: gateway.intake.writable, "tried again")


def test_a_gateway_that_broke_waits_no_longer(gateway: Gateway, begin: int) -> None:
    def fail(parcel: Parcel) -> None:
        raise RuntimeError("nobody foresaw this")

    assert hand_in(gateway, [line.sample("V1", 0, begin)]).accepted == 1
    payload = msgspec.json.encode(line.sample("V1", 1, begin))
    assert gateway.intake.pending.put(Parcel("http", [Message(payload)], [BERLIN], line.now_us(), fail))
    assert not gateway.run_until(threading.Event())
    assert gateway.health()["status"] == "failing"
    told = threading.Event()
    told.set()
    assert gateway.run_until(told)
