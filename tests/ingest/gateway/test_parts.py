"""The parts: the bounded queue, the bulk socket, topics, counters, raw text."""

from __future__ import annotations

import json
import logging
import socket
import threading
import zlib

import pytest

from twinpack.ingest.gateway.letters import MAX_RAW, raw_text
from twinpack.ingest.gateway.parcels import Parcel, Pending
from twinpack.ingest.gateway.sequences import SequenceCheck
from twinpack.ingest.gateway.sockets import BulkSocket
from twinpack.ingest.gateway.topics import Topics
from twinpack.ingest.logs import LOGGER, log_to_stderr
from twinpack.ingest.messages import Message
from twinpack.ingest.topics import telemetry_topic
from twinpack.store.credentials import Principal

SENDER = Principal("fleet", "f", "")


def parcel(messages: int, size: int = 1_000) -> Parcel:
    return Parcel("mqtt", [Message(bytes(size))] * messages, [SENDER], 0, lambda _: None)


def test_the_queue_is_bounded_by_bytes_until_they_are_durable() -> None:
    pending = Pending(10_000)
    assert pending.put(parcel(5))
    assert pending.has_room()
    assert pending.put(parcel(5))
    assert not pending.has_room()
    taken = pending.take(1_000, 0.0, 0.0)
    assert [one.count for one in taken] == [5, 5]
    assert not pending.has_room()
    pending.release(taken)
    assert (pending.bytes, pending.has_room()) == (0, True)


def test_a_batch_ends_where_there_is_enough() -> None:
    pending = Pending(1_000_000)
    for _ in range(5):
        pending.put(parcel(10))
    assert len(pending.take(25, 60.0, 60.0)) == 3
    assert len(pending.take(25, 0.0, 60.0)) == 2
    assert pending.take(25, 0.0, 0.0) == []


def test_whoever_waits_is_woken_by_what_comes_and_by_the_end() -> None:
    pending, found = Pending(1_000_000), []
    waiting = threading.Thread(target=lambda: found.append(pending.take(2, 60.0, 60.0)))
    waiting.start()
    pending.put(parcel(1))
    pending.put(parcel(1))
    waiting.join(30)
    assert [len(one) for one in found] == [2]
    ending = threading.Thread(target=lambda: found.append(pending.take(1, 60.0, 60.0)))
    ending.start()
    pending.close()
    ending.join(30)
    assert (found[1], pending.finished, pending.put(parcel(1))) == ([], True, False)


def test_a_bulk_socket_reads_and_writes_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        link = BulkSocket(ours)
        with pytest.raises(BlockingIOError):
            link.recv(1)
        theirs.sendall(b"abcdef")
        link.fill()
        assert (link.recv(1), link.recv(2), link.unread, link.recv(9)) == (b"a", b"bc", 3, b"def")
        assert link.send(b"12") + link.send(b"34") == 4
        assert link.unsent == 4
        link.flush()
        assert (theirs.recv(9), link.unsent) == (b"1234", 0)
        theirs.close()
        link.fill()
        assert (link.ended, link.recv(1)) == (True, b"")


def test_a_bulk_socket_keeps_what_cannot_be_sent_yet() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        link, whole = BulkSocket(ours), bytes(range(256)) * 20_000
        link.send(whole)
        got = bytearray()
        while len(got) < len(whole):
            link.flush()
            got += theirs.recv(1_000_000)
        assert (bytes(got), link.unsent) == (whole, 0)


def test_topics_are_those_of_the_design() -> None:
    topics, shard = Topics(256), zlib.crc32(b"V1") % 256
    assert telemetry_topic("f", "V1", 256) == f"twinpack/f/{shard}/V1/telemetry"
    read = topics.read(f"twinpack/f/{shard}/V1/telemetry")
    assert (read.vehicle, read.claim.name, read.fault) == ("V1", "f", "")
    assert topics.read(f"acme/twinpack/f/{shard}/V1/telemetry").fault == ""
    for wrong in (
        f"twinpack/f/{shard}/V1",
        f"twinpack/f/0{shard}/V1/telemetry",
        f"twinpack/f/{shard}/V 1/t",
        "",
        "////",
    ):
        assert topics.read(wrong).fault


@pytest.mark.parametrize(
    ("numbers", "missing", "restarts"),
    [([5, 6, 7], 0, 0), ([5, 9], 3, 0), ([5, 5], 0, 0), ([9, 0, 1, 2], 0, 1), ([9, 0, 3], 2, 1), ([], 0, 0)],
)
def test_counters(numbers: list[int], missing: int, restarts: int) -> None:
    check = SequenceCheck()
    check.take(("V1", number) for number in numbers)
    check.take([("V2", 100)])
    assert (check.missing, check.restarts) == (missing, restarts)


def test_raw_text_is_bounded_and_never_fails() -> None:
    assert raw_text(b'{"a": 1}') == '{"a": 1}'
    assert raw_text(b"\xff\xfe") == "base64://4="
    assert raw_text("ä".encode() * MAX_RAW) == "ä" * (MAX_RAW // 2)
    assert raw_text(b"x" + "ä".encode() * MAX_RAW) == "x" + "ä" * (MAX_RAW // 2 - 1)
    assert len(raw_text(b"\xff" * 100_000)) < MAX_RAW


def test_a_stranger_cannot_fill_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    loggers = [logging.getLogger(name) for name in (LOGGER, "uvicorn")]
    before = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    try:
        log_to_stderr()
        for _ in range(100):
            logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        (line,) = capsys.readouterr().err.splitlines()
    finally:
        for logger, handlers, level, propagate in before:
            logger.handlers, logger.level, logger.propagate = handlers, level, propagate
    assert json.loads(line)["event"] == "Invalid HTTP request received."
