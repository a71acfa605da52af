"""What is written of requests, and what is answered for a handler that broke."""

from __future__ import annotations

import json
import logging

import pytest
from starlette.types import Receive, Scope, Send

from tests.api.middleware.asking import ask, plain
from tests.views.seers import NORTH
from twinpack.api.middleware.requests import API_LOGGER, Requests
from twinpack.ingest.logs import JsonLines

Seen = tuple[str, str, int, float]


@pytest.fixture(autouse=True)
def told_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that ran before may have kept its log to itself."""
    monkeypatch.setattr(logging.getLogger(API_LOGGER), "propagate", True)


@pytest.fixture
def seen() -> list[Seen]:
    return []


def observed(app: object, seen: list[Seen]) -> Requests:
    return Requests(app, lambda *told: seen.append(told))  # type: ignore[arg-type]


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [json.loads(JsonLines().format(record)) for record in caplog.records if record.name.startswith(API_LOGGER)]


def test_a_request_is_one_line_without_its_query_headers_and_body(
    caplog: pytest.LogCaptureFixture, seen: list[Seen]
) -> None:
    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["sight"] = NORTH
        await plain(scope, receive, send)

    with caplog.at_level(logging.INFO, API_LOGGER):
        asked = "/v1/search?q=WVWZZZ1JZXW000001"
        answer = ask(observed(known, seen), asked, "POST", {"Authorization": "Bearer s3cret"}, b"s3cret")
    line = lines(caplog)[0]
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "POST", "/v1/search", 200)
    assert (line["who"], line["request"]) == (NORTH.who, answer.headers["x-request-id"])
    assert "s3cret" not in caplog.text and "WVWZZZ" not in caplog.text
    assert seen[0][:3] == ("POST", "", 200)


def test_a_handler_that_breaks_is_answered_for_and_told_with_its_trace(
    caplog: pytest.LogCaptureFixture, seen: list[Seen]
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("secret insides")

    answer = ask(observed(broken, seen))
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret insides" not in answer.text
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    told = lines(caplog)[0]
    assert (told["event"], told["request"]) == ("request_broke", answer.headers["x-request-id"])
    assert "ValueError: secret insides" in str(told["trace"])
    assert seen[0][2] == 500


def test_an_answer_that_breaks_off_is_not_answered_twice(caplog: pytest.LogCaptureFixture, seen: list[Seen]) -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise OSError("the lake is away")

    with pytest.raises(AssertionError):  # the client of the test wants an answer to be whole
        ask(observed(half, seen))
    assert [line["event"] for line in lines(caplog)] == ["request_broke"]
