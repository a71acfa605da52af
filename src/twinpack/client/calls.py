"""Asking the service: what is tried again, how answers are read, and lists that come in pages."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TypeVar

import httpx
from pydantic import ValidationError

from twinpack.client.problems import raise_for_problem
from twinpack.errors import InputError, ServiceError
from twinpack.views.shapes.common import PageInfo, Shape

S = TypeVar("S", bound=Shape)
Value = str | int | float | bool | datetime | None
Values = Value | list[str] | list[int]

ROOT = "/v1"
ARROW = "application/vnd.apache.arrow.stream"
_TRIES = 5
_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 10.0
_CALM_DOWN = 429
_NOT_NOW = 503


class Calls:
    """Asks, and asks again where that is safe."""

    def __init__(self, http: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        """Ask over `http`."""
        self.http = http
        self._sleep = sleep

    def get(self, shape: type[S], path: str, **query: Values) -> S:
        """What is at a path."""
        return read(shape, self.ask("GET", path, query))

    def get_arrow(self, path: str, **query: Values) -> bytes:
        """A table at a path, as an Arrow stream."""
        return self.ask("GET", path, {**query, "format": "arrow"}).content

    def send(self, shape: type[S], method: str, path: str, body: Shape) -> S:
        """What a change at a path is answered with; what the body leaves unset is not sent."""
        return read(shape, self.ask(method, path, body=body))

    def pages(self, shape: type[S], path: str, most: int | None, step: int, **query: Values) -> Iterator[S]:
        """A list page by page, until its end or `most` rows are there."""
        cursor: str | None = None
        while most is None or most > 0:
            page = self.get(shape, path, **query, cursor=cursor, limit=step if most is None else min(step, most))
            yield page
            info: PageInfo = getattr(page, "page")  # noqa: B009 - every page has one; `Shape` does not say so
            cursor = info.next_cursor
            if cursor is None:
                return
            most = None if most is None else most - len(getattr(page, "items"))  # noqa: B009

    def ask(
        self, method: str, path: str, query: Mapping[str, Values] | None = None, body: Shape | None = None
    ) -> httpx.Response:
        """Ask until there is an answer that counts.

        Raises:
            TwinpackError: As `raise_for_problem`, or a ServiceError when the service cannot be reached.
        """
        content = None if body is None else body.model_dump_json(exclude_unset=True)
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = self.http.build_request(
            method, f"{ROOT}{path}", params=_sent(query or {}), content=content, headers=headers
        )
        for left in reversed(range(_TRIES)):
            try:
                answer = self.http.send(request)
            except httpx.TransportError as error:
                if left == 0 or not _may_repeat(method, error):
                    raise ServiceError(f"{request.url.host} cannot be reached: {error}") from error
                wait = _wait(_TRIES - left)
            else:
                if left == 0 or not _is_for_later(method, answer.status_code):
                    raise_for_problem(answer)
                    return answer
                wait = _told_wait(answer) or _wait(_TRIES - left)
            self._sleep(wait)
        raise AssertionError("the last try answers or raises")


def read(shape: type[S], answer: httpx.Response) -> S:
    """An answer as its shape; what a later release adds to it is passed over.

    Raises:
        ServiceError: It is something else.
    """
    try:
        return shape.model_validate_json(answer.content, extra="ignore")
    except ValidationError as error:
        where = answer.request.url
        raise ServiceError(f"{where.host} answered {where.path} with what is no {shape.__name__}: {error}") from error


def moment(at: datetime | str | None) -> str | None:
    """A moment as it is sent.

    Raises:
        InputError: It says no zone, so that it could be any of two dozen moments.
    """
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise InputError(
                f"{at.isoformat()} says no time zone: give datetime(…, tzinfo=timezone.utc), or text with Z"
            )
        return at.isoformat()
    return at


def _sent(query: Mapping[str, Values]) -> dict[str, str | int | float | bool | list[str] | list[int]]:
    """What is given of a query."""
    return {name: value for name, value in query.items() if value is not None and not isinstance(value, datetime)}


def _is_for_later(method: str, status: int) -> bool:
    """Whether an answer asks to try again; a change may have been made by what says it is not there now."""
    return status == _CALM_DOWN or (status == _NOT_NOW and method == "GET")


def _may_repeat(method: str, error: httpx.TransportError) -> bool:
    return method == "GET" or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _told_wait(answer: httpx.Response) -> float | None:
    told: str = answer.headers.get("Retry-After", "")
    return min(float(told), _LONGEST_WAIT_S) if told.isdigit() else None


def _wait(tried: int) -> float:
    # Not all at once: those that were sent away together would come back together.
    longest: float = min(_FIRST_WAIT_S * 2**tried, _LONGEST_WAIT_S)
    return longest * random.uniform(0.5, 1.0)
