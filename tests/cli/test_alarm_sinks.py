"""`twinpack alarms test-sink`: whether a message reaches where a sink leads."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.runtime.sinks.made import Place, hook
from tests.servers.receiver import Receiver
from twinpack.cli.main import main

LOG = '[[sink]]\nname = "log"\ntype = "log"\n'


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, receiver: Receiver) -> Path:
    with closing(Place(tmp_path / "home", hook(receiver.url("key-123")) + LOG)) as place:
        return place.workspace.home


def test_a_message_is_sent_and_says_that_it_is_a_test(
    home: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alarms", "test-sink", "hook", "--home", str(home), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (post,) = receiver.posts
    assert (post["event"], post["id"]) == ("test", told["id"])
    assert told["target"] == f"http://127.0.0.1:{receiver.port}/…"
    assert "Twinpack-Signature" in receiver.headers[0]


def test_one_that_is_not_taken_is_a_failed_check_that_tells_no_secret(
    home: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answer = 403
    assert main(["alarms", "test-sink", "hook", "--home", str(home)]) == 1
    error = capsys.readouterr().err
    assert error == f"twinpack: sink hook: http://127.0.0.1:{receiver.port}/…: answered 403\n"
    assert len(receiver.paths) == 1


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """A command sets logging up for its process, which here is that of other tests too."""
    loggers = [logging.getLogger(name) for name in ("twinpack.gateway", "uvicorn")]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.usefixtures("logs_as_before")
def test_a_log_is_always_reached(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alarms", "test-sink", "log", "--home", str(home)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("A test message was taken: log, the service's log")
    assert json.loads(err)["event"] == "alarm_test"


def test_one_that_is_not_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alarms", "test-sink", "ops", "--home", str(home)]) == 2
    assert "there is no sink 'ops'; there are hook, log" in capsys.readouterr().err
