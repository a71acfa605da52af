"""Webhooks: at least once, in order, and never in the way of another."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.ingest.routing.test_router import route, samples
from tests.servers.receiver import Receiver as HttpReceiver
from tests.waiting import until
from twinpack.ingest.log import SegmentLog
from twinpack.ingest.log.tidy import retain
from twinpack.ingest.routing import parse_rules
from twinpack.ingest.routing.webhooks import Sending, Webhooks, stream_names
from twinpack.store.registry import Registry
from twinpack.telemetry.schema import command_rows, to_log

QUICK = Sending(samples=4, timeout_s=5.0, pause_s=0.02, retry_s=0.02, retry_most_s=0.1)


class Receiver(HttpReceiver):
    """Tells the samples it was sent."""

    @property
    def seconds(self) -> list[float]:
        """The speed of each sample that came: tests number samples by it."""
        return [sample["speed_kmh"] for post in self.posts for sample in post["samples"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as server:
        yield server


class Place:
    """A log and a registry."""

    def __init__(self, folder: Path) -> None:
        self.log = SegmentLog(folder / "log")
        self.registry = Registry.open(f"sqlite:///{folder}/registry.db")
        self.registry.upgrade()
        self._told = 0

    def tell(self, count: int) -> None:
        """Samples whose speed is 1, 2, 3, … since the first; and a command between them."""
        numbers = list(range(self._told + 1, self._told + count + 1))
        self._told += count
        rows = to_log(samples(["a"] * count, numbers, speed_kmh=[float(number) for number in numbers]))
        self.log.append([command_rows(["a"], [1], ["{}"]), rows])

    def hooks(self, *routes: str) -> Webhooks:
        rules = parse_rules("\n".join(f"[[route]]\n{each}" for each in routes))
        return Webhooks(rules, self.log, self.registry, QUICK)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.registry.close()


def odd(port: int, name: str = "odd", path: str = "hook") -> str:
    return route(name, "speed_kmh % 2 = 1", f"['webhook:http://127.0.0.1:{port}/{path}']")


def test_what_a_rule_takes_is_posted_from_now_on(place: Place, receiver: Receiver) -> None:
    place.tell(5)  # before there was a webhook
    with place.hooks(odd(receiver.port)) as hooks:
        until(lambda: "webhook:odd" in place.registry.streams())
        place.tell(21)
        until(lambda: len(receiver.seconds) == 10)
        (state,) = hooks.states
        until(lambda: state.offset == place.log.end_offset)
    assert receiver.seconds == list(range(7, 27, 2))
    assert [len(post["samples"]) for post in receiver.posts] == [4, 4, 2]
    assert (state.posts, state.samples, state.failures, state.error) == (3, 10, 0, "")
    first = receiver.posts[0]
    assert (first["format"], first["rule"]) == ("twinpack.webhook/1", "odd")
    assert receiver.headers[0]["Idempotency-Key"] == first["id"] == "webhook:odd:8-15"
    assert first["samples"][0] == {
        "vehicle_id": "a",
        "sample_time": "2026-01-01T00:00:07Z",
        "receipt_time": "2026-01-01T00:00:07Z",
        "speed_kmh": 7.0,
    }
    assert place.registry.streams()["webhook:odd"] == place.log.end_offset


def test_it_goes_on_where_it_stood(place: Place, receiver: Receiver) -> None:
    with place.hooks(odd(receiver.port)):
        until(lambda: "webhook:odd" in place.registry.streams())
    place.tell(9)
    with place.hooks(odd(receiver.port)):
        until(lambda: len(receiver.seconds) == 5)
    place.tell(2)
    with place.hooks(odd(receiver.port)):
        until(lambda: len(receiver.seconds) == 6)
    assert receiver.seconds == [1, 3, 5, 7, 9, 11]


def test_failures_are_tried_again_and_nothing_is_lost(place: Place, receiver: Receiver) -> None:
    receiver.statuses = [503, 429, 200, 500, 404, 200]
    with place.hooks(odd(receiver.port)) as hooks:
        until(lambda: "webhook:odd" in place.registry.streams())
        place.tell(20)
        until(lambda: len(receiver.seconds) == 10)
    assert receiver.seconds == list(range(1, 20, 2))
    assert hooks.states[0].failures == 4


def test_one_that_is_down_holds_up_no_other_and_catches_up(place: Place, receiver: Receiver) -> None:
    with closing(Receiver()) as gone:
        port = gone.port
    with place.hooks(odd(port, "down"), odd(receiver.port, "up")) as hooks:
        until(lambda: len(place.registry.streams()) == 2)
        place.tell(20)
        until(lambda: len(receiver.seconds) == 10)
        down = hooks.states[0]
        until(lambda: down.failures > 1)
        assert (down.posts, down.offset) == (0, 0)
        assert down.error.startswith("not reached")
        with closing(Receiver(port)) as back:
            until(lambda: len(back.seconds) == 10)
            assert back.seconds == receiver.seconds


def test_a_redirect_is_not_followed(place: Place, receiver: Receiver) -> None:
    receiver.answer = 302
    with place.hooks(odd(receiver.port)) as hooks:
        until(lambda: "webhook:odd" in place.registry.streams())
        place.tell(2)
        until(lambda: hooks.states[0].failures > 1)
    assert set(receiver.paths) == {"/hook"}
    assert hooks.states[0].error == "answered 302: redirects are not followed"


def test_an_answer_that_is_no_http_is_a_failure(place: Place) -> None:
    import socket

    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(b"hello\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with place.hooks(odd(server.getsockname()[1])) as hooks:
            until(lambda: "webhook:odd" in place.registry.streams())
            place.tell(2)
            until(lambda: bool(hooks.states[0].error))
            assert "BadStatusLine" in hooks.states[0].error
            thread.join()


def test_rows_that_were_retired_meanwhile_are_counted(place: Place, receiver: Receiver) -> None:
    place.tell(2)
    with place.hooks(odd(receiver.port)):
        until(lambda: "webhook:odd" in place.registry.streams())
    place.tell(6)
    assert retain(place.log, place.log.end_offset, max_bytes=1)
    place.tell(4)
    with place.hooks(odd(receiver.port)) as hooks:
        until(lambda: len(receiver.seconds) == 2)
    assert receiver.seconds == [9, 11]
    assert hooks.states[0].skipped == 7


def test_secrets_of_an_address_are_sent_but_never_told(
    place: Place, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.statuses = [500]
    address = f"webhook:http://me:pa%20ss@127.0.0.1:{receiver.port}/key-123?token=tok-9Zq"
    with place.hooks(route("odd", "true", f"['{address}']")) as hooks:
        until(lambda: "webhook:odd" in place.registry.streams())
        place.tell(1)
        until(lambda: bool(receiver.posts))
        told = repr([vars(record) for record in caplog.records]) + repr(hooks.states)
    assert receiver.paths[-1] == "/key-123?token=tok-9Zq"
    assert receiver.headers[-1]["Authorization"] == "Basic bWU6cGEgc3M="
    assert "answered 500" in told
    assert not [secret for secret in ("key-123", "tok-9Zq", "pa%20ss", "pa ss") if secret in told]


def test_a_rule_may_have_several() -> None:
    (rule,) = parse_rules("[[route]]\n" + route("a", "true", "['lake', 'webhook:http://x/1', 'webhook:http://y/2']"))
    assert stream_names(rule) == ["webhook:a", "webhook:a:2"]
