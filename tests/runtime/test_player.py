"""Play telemetry at a broker: in order, at its speed, never ahead of the clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import paho.mqtt.client as mqtt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from twinpack.errors import InputError
from twinpack.ingest.addresses import parse_address
from twinpack.ingest.broker import BrokerProcess
from twinpack.ingest.messages import Message, decode
from twinpack.ingest.publisher import Login, Publisher
from twinpack.ingest.topics import telemetry_topic
from twinpack.runtime.player import Manner, Played, play, shift_of
from twinpack.runtime.tape import Length, Tape
from twinpack.store.fleet_records import FleetRecord, VehicleEntry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import TIME_TYPE

START_US = 1_600_000_000_000_000
SECOND_US = 1_000_000


def table(offsets_s: list[float], vehicles: list[str], receipts_s: list[float] | None = None) -> pa.Table:
    def times(seconds: list[float]) -> pa.Array:
        return pa.array([START_US + round(second * 1e6) for second in seconds]).cast(TIME_TYPE)

    columns = {"vehicle_id": vehicles, "sample_time": times(offsets_s), "pack_voltage_v": [1.0 * s for s in offsets_s]}
    if receipts_s is not None:
        columns["receipt_time"] = times(receipts_s)
    return pa.table(columns)


# What is on the tape


def played_order(tape: Tape, rows: int = 3) -> list[tuple[str, float]]:
    return [
        (vehicle, (at - START_US) / 1e6)
        for at_us, block in tape.blocks(rows)
        for vehicle, at in zip(block["vehicle_id"].to_pylist(), at_us.tolist(), strict=True)
    ]


def test_samples_of_several_files_come_in_the_order_of_their_receipt(tmp_path: Path) -> None:
    pq.write_table(table([5, 1, 9], ["A", "A", "A"], [5.5, 6, 9.5]), tmp_path / "a.parquet")
    pq.write_table(table([2, 7], ["B", "B"], [2.5, 7.5]), tmp_path / "b.parquet")
    with Tape(sorted(tmp_path.iterdir())) as tape:
        assert played_order(tape) == [("B", 2.5), ("A", 5.5), ("A", 6.0), ("B", 7.5), ("A", 9.5)]


def test_rows_of_one_moment_keep_their_order_and_no_receipt_means_their_time() -> None:
    names = [f"V{number:02d}" for number in range(40)]
    with Tape(table([3.0] * 20 + [1.0] * 20, names)) as tape:
        assert [name for name, _ in played_order(tape, 7)] == names[20:] + names[:20]


def test_length_skips_long_silences_and_knows_who_is_ahead() -> None:
    with Tape(table([0, 10, 1_000, 1_030], ["A", "A", "B", "B"])) as tape:
        length = tape.length(10.0, 60 * SECOND_US)
        assert (length.samples, length.vehicles) == (4, 2)
        assert length.plays_us == (10 + 60 + 30) / 10 * SECOND_US
        assert length.lead_us == START_US + 1_030 * SECOND_US - length.plays_us
        assert tape.length(None, 60 * SECOND_US).plays_us == 0
        slow = tape.length(0.5, 10_000 * SECOND_US)
        assert slow.plays_us == 2_060 * SECOND_US
        assert slow.lead_us == START_US  # the first sample is the one that must not be ahead


def test_no_sample_is_ahead_of_the_clock_when_it_is_shifted() -> None:
    length = Length(1, 1, 0, 0, 0, lead_us=START_US)
    shift = shift_of(length, START_US + 5_300_000)
    assert shift == 5 * SECOND_US
    assert shift_of(length, START_US - 1) == -SECOND_US


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (pa.table({"vehicle_id": ["A"]}), "no column sample_time"),
        (table([], []), "no sample to play"),
        ([], "no Parquet file"),
    ],
)
def test_what_cannot_be_played_is_said(given: object, words: str) -> None:
    with pytest.raises(InputError, match=words), Tape(given) as tape:
        tape.length(1.0, SECOND_US)


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(InputError, match=r"x\.parquet cannot be read"):
        Tape([tmp_path / "x.parquet"])


# Where it is played


class Listener:
    """The gateway's place: what it received, and when."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.got: list[tuple[int, mqtt.MQTTMessage]] = []
        self.listening = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="listener", protocol=mqtt.MQTTv311)
        self.client.username_pw_set(broker.user, broker.password_file.read_text())
        self.client.on_connect = lambda client, *_: client.subscribe("twinpack/+/+/+/telemetry", qos=1)
        self.client.on_subscribe = lambda *_: self.listening.set()
        self.client.on_message = lambda _c, _u, message: self.got.append((time.time_ns() // 1_000, message))
        address = parse_address(broker.url)
        self.client.connect(address.host, address.port)
        self.client.loop_start()
        assert self.listening.wait(20)

    def wait_for(self, count: int) -> None:
        until = time.monotonic() + 30
        while len(self.got) < count and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.got) == count

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def begun(home: Path) -> Workspace:
    """A workspace with the vehicles of `fleet`."""
    made = Workspace.open(home)
    with made.registry() as registry:
        registry.fleet.create_fleet(FleetRecord("north", default_pack="sim_nmc_96s"))
        registry.fleet.enter([VehicleEntry(f"CAR-{number}", "north") for number in range(3)])
    return made


def login_of(workspace: Workspace) -> Login:
    with workspace.registry() as registry:
        return Login("north", registry.credentials.issue("fleet", "north").token)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return begun(tmp_path_factory.mktemp("play") / "home")


@pytest.fixture(scope="module")
def broker(workspace: Workspace) -> Iterator[BrokerProcess]:
    with BrokerProcess(workspace.home) as started:
        yield started


@pytest.fixture
def listener(broker: BrokerProcess) -> Iterator[Listener]:
    made = Listener(broker)
    yield made
    made.close()


@pytest.fixture(scope="module")
def login(workspace: Workspace) -> Login:
    return login_of(workspace)


def fleet(seconds: int) -> pa.Table:
    rows = [(second, f"CAR-{number}") for second in range(seconds) for number in range(3)]
    return table([second + 0.25 for second, _ in rows], [name for _, name in rows])


def run(broker: BrokerProcess, login: Login, given: pa.Table, manner: Manner, **more: object) -> Played:
    with Tape(given) as tape, Publisher(broker.url, login) as publisher:
        return play(tape, publisher, manner, **more)  # type: ignore[arg-type]


def test_a_fleet_is_played_in_order_at_its_speed_and_not_ahead_of_the_clock(
    broker: BrokerProcess, login: Login, listener: Listener
) -> None:
    began = time.monotonic()
    played = run(broker, login, fleet(60), Manner("north", speed=60.0))
    took = time.monotonic() - began
    assert (played.samples, played.messages, played.acknowledged) == (180, 180, 180)
    assert took >= 59 / 60
    listener.wait_for(180)
    decoded = decode([Message(bytes(message.payload)) for _, message in listener.got])
    assert decoded.rejected == []
    times = decoded.readings.sample_time_us
    assert (np.diff(times) >= 0).all()
    arrived = np.array([at for at, _ in listener.got])
    assert (times <= arrived).all()
    assert played.shift_us % SECOND_US == 0
    assert int(times[0]) - played.shift_us == START_US + 250_000
    names = [decoded.readings.vehicle_ids[index] for index in decoded.readings.vehicle]
    assert [message.topic for _, message in listener.got] == [telemetry_topic("north", name, 256) for name in names]


def test_columns_as_fast_as_can_be_without_a_shift(broker: BrokerProcess, login: Login, listener: Listener) -> None:
    manner = Manner("north", speed=None, shift=False, encoding="msgpack", samples=30)
    played = run(broker, login, fleet(600), manner)
    assert (played.samples, played.messages, played.shift_us) == (1_800, 60, 0)
    listener.wait_for(60)
    decoded = decode([Message(bytes(message.payload)) for _, message in listener.got])
    assert sorted(set(decoded.readings.sample_time_us.tolist())) == [
        START_US + second * SECOND_US + 250_000 for second in range(600)
    ]


def test_it_stops_when_it_is_told(broker: BrokerProcess, login: Login, listener: Listener) -> None:
    stopped = threading.Event()

    def progress(samples: int, messages: int) -> None:
        if messages == 10:
            stopped.set()

    played = run(broker, login, fleet(600), Manner("north", speed=10.0), stopped=stopped, progress=progress)
    assert played.messages == played.acknowledged == 10


def test_who_is_turned_away_is_told(broker: BrokerProcess, listener: Listener) -> None:
    with pytest.raises(InputError, match="turns this user away"):
        run(broker, Login("north", "wrong"), fleet(1), Manner("north"))
    with pytest.raises(InputError, match="no broker answers"), Publisher("mqtt://127.0.0.1:1"):
        pass


def test_it_goes_on_after_the_broker_was_away(tmp_path: Path) -> None:
    workspace = begun(tmp_path / "home")
    with BrokerProcess(workspace.home) as broker:
        listener = Listener(broker)
        port = parse_address(broker.url).port
        back = threading.Event()
        told: list[str] = []

        def tell(text: str) -> None:
            told.append(text)
            if "back" in text:
                back.set()

        with Tape(fleet(2)) as tape, Publisher(broker.url, login_of(workspace), tell=tell) as publisher:
            first = play(tape, publisher, Manner("north", speed=None))
            listener.close()
            broker.stop()
            again = BrokerProcess(workspace.home, port=port)
            with again:
                second = Listener(again)
                assert back.wait(30)
                last = play(tape, publisher, Manner("north", speed=None))
                second.wait_for(6)
                second.close()
        assert (first.acknowledged, last.acknowledged) == (6, 12)
        assert told[:2] == ["the connection to the broker broke; it is tried again", "the broker is back"]
