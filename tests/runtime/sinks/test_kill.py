"""A kill between the message and the offset: it is sent again, with the same event id, and nothing is left out."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.runtime.sinks.made import Place, hook
from tests.runtime.test_live import FAST
from tests.servers.receiver import Receiver
from tests.waiting import until
from twinpack.runtime.service import LiveService


def test_killed_between_the_message_and_the_offset(tmp_path: Path) -> None:
    with closing(Receiver()) as receiver, closing(Place(tmp_path / "home", hook(receiver.url()))) as place:
        home = place.workspace.home
        process = subprocess.Popen([sys.executable, "-m", "tests.runtime.sinks.following", str(home)])
        try:
            until(lambda: "sink:hook:silence" in place.registry.streams())
            receiver.hold.clear()
            first = place.finds(vehicle="car-1")
            with closing(sqlite3.connect(home / "registry.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")  # while somebody else writes, the offset has to wait
                receiver.hold.set()
                until(lambda: receiver.posts)
                process.kill()
                process.wait()
                other.execute("ROLLBACK")
        finally:
            process.kill()
            process.wait()
        second = place.finds(vehicle="car-2")
        assert place.registry.streams()["sink:hook"] == first.offset
        with place.sinks():
            until(lambda: len(receiver.posts) == 3)
            until(lambda: place.registry.streams()["sink:hook"] == place.end)
        assert [post["id"] for post in receiver.posts] == [first.event_id, first.event_id, second.event_id]
        assert receiver.bodies[0] == receiver.bodies[1]


def test_the_service_tells_how_its_sinks_do(tmp_path: Path) -> None:
    with closing(Receiver()) as receiver, closing(Place(tmp_path / "home", hook(receiver.url()))) as place:
        with place.sinks():
            until(lambda: "sink:hook" in place.registry.streams())
        event = place.finds()
        with LiveService(place.workspace, http=False, pace=FAST) as service:
            until(lambda: receiver.posts)
            until(lambda: service.gateway.health()["sinks"][0]["sent"] == 1)
            (told,) = service.gateway.health()["sinks"]
            metrics = service.gateway.metrics.text().decode()
        assert receiver.posts[0]["id"] == event.event_id
        assert (told["name"], told["given_up"], told["problem"]) == ("hook", 0, "")
        assert 'twinpack_sink_sent_total{sink="hook"} 1.0' in metrics
        assert 'twinpack_sink_failing{sink="hook"} 0.0' in metrics
