"""What is asked again, what is not, and what answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.client.conftest import Ask
from twinpack.client.calls import Calls, moment
from twinpack.errors import (
    AccessError,
    ChangedError,
    IdentityError,
    InputError,
    NotFoundError,
    ServiceError,
    TwinpackError,
)
from twinpack.views.shapes.alarms import ActionRequest
from twinpack.views.shapes.common import PageInfo
from twinpack.views.shapes.data import ImportItem, ImportPage
from twinpack.views.shapes.fleet import FleetItem, FleetList

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
FLEETS = FleetList(items=[FleetItem(name="harbour", vehicles=3)])


class Script:
    """Answers request after request as written down, then goes on with the last; keeps what was asked."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []

    async def answer(self, request: Request) -> Response:
        self.asked.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v1/{path:path}", self.answer, methods=["GET", "POST", "DELETE"])])


def fleets() -> Response:
    return Response(FLEETS.model_dump_json())


def not_now(status: int = 503, **headers: str) -> Response:
    problem = {"title": "Not possible now", "status": status, "detail": "the registry is busy", "instance": "7c1e09"}
    return JSONResponse(problem, status, {name.replace("_", "-"): value for name, value in headers.items()})


def calls(ask: Ask, script: Script) -> tuple[Calls, list[float]]:
    slept: list[float] = []
    return Calls(ask(script.app()), slept.append), slept


@pytest.mark.parametrize("status", [429, 503])
def test_what_cannot_be_done_now_is_asked_again(ask: Ask, status: int) -> None:
    script = Script(not_now(status), not_now(status, Retry_After="3"), fleets())
    asks, slept = calls(ask, script)

    assert asks.get(FleetList, "/fleets") == FLEETS
    assert len(script.asked) == 3
    assert slept[1] == 3.0
    assert 0 < slept[0] < 1


def test_in_the_end_it_says_why(ask: Ask) -> None:
    asks, slept = calls(ask, Script(not_now()))

    with pytest.raises(ServiceError, match=r"the registry is busy \(request 7c1e09\)"):
        asks.get(FleetList, "/fleets")
    assert len(slept) == 4


def test_a_change_that_may_have_been_made_is_not_asked_for_again(ask: Ask) -> None:
    script = Script(not_now(503))
    asks, slept = calls(ask, script)

    with pytest.raises(ServiceError):
        asks.send(FleetList, "POST", "/alarms/a/acknowledge", ActionRequest())
    assert slept == []


def test_a_change_that_was_sent_away_is_asked_for_again(ask: Ask) -> None:
    script = Script(not_now(429), fleets())
    asks, slept = calls(ask, script)

    asks.send(FleetList, "POST", "/alarms/a/acknowledge", ActionRequest())

    assert len(slept) == 1


def test_a_service_that_is_not_there_is_told_of() -> None:
    slept: list[float] = []
    with httpx.Client(base_url="http://127.0.0.1:9") as http:
        with pytest.raises(ServiceError, match=r"127\.0\.0\.1 cannot be reached"):
            Calls(http, slept.append).get(FleetList, "/fleets")
    assert len(slept) == 4
    assert max(slept) <= 10


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InputError),
        (401, IdentityError),
        (403, AccessError),
        (404, NotFoundError),
        (409, ChangedError),
        (413, InputError),
        (422, InputError),
        (500, ServiceError),
    ],
)
def test_a_problem_is_an_error_of_the_tree(ask: Ask, status: int, kind: type[TwinpackError]) -> None:
    told = JSONResponse({"title": "A title", "status": status, "detail": "what is wrong"}, status)
    asks, _ = calls(ask, Script(told))

    with pytest.raises(kind, match="what is wrong"):
        asks.get(FleetList, "/fleets")


def test_the_page_of_a_proxy_is_not_shown(ask: Ask) -> None:
    asks, _ = calls(ask, Script(Response("<html>Bad gateway</html>", 502)))

    with pytest.raises(ServiceError, match=r"^localhost answered 502"):
        asks.get(FleetList, "/fleets")


def test_what_a_later_release_adds_is_passed_over(ask: Ask) -> None:
    asks, _ = calls(ask, Script(JSONResponse({"items": [{"name": "a", "vehicles": 1, "new": 1}], "also": {}})))

    assert asks.get(FleetList, "/fleets").items == [FleetItem(name="a", vehicles=1)]


def test_something_else_is_refused(ask: Ask) -> None:
    asks, _ = calls(ask, Script(JSONResponse({"hello": "world"})))

    with pytest.raises(ServiceError, match=r"/v1/fleets with what is no FleetList"):
        asks.get(FleetList, "/fleets")


def test_a_list_is_read_page_by_page(ask: Ask) -> None:
    script = Script(page(2, "next"), page(2, "last"), page(1, None))
    asks, _ = calls(ask, script)

    pages = list(asks.pages(ImportPage, "/imports", None, 2, profile="bdf"))

    assert [len(one.items) for one in pages] == [2, 2, 1]
    assert [request.query_params.get("cursor") for request in script.asked] == [None, "next", "last"]
    assert {request.query_params["profile"] for request in script.asked} == {"bdf"}


def test_no_more_than_asked_for_is_read(ask: Ask) -> None:
    script = Script(page(2, "next"), page(1, "more"))
    asks, _ = calls(ask, script)

    assert sum(len(one.items) for one in asks.pages(ImportPage, "/imports", 3, 2)) == 3
    assert [request.query_params["limit"] for request in script.asked] == ["2", "1"]


def page(items: int, cursor: str | None) -> Response:
    rows: Sequence[ImportItem] = [
        ImportItem(
            import_id=str(n), at=datetime(2026, 1, 1, tzinfo=UTC), profile="bdf", files=[], rows=1, dead_letters=0
        )
        for n in range(items)
    ]
    return Response(ImportPage(items=list(rows), page=PageInfo(next_cursor=cursor, total=5)).model_dump_json())


def test_a_moment_says_its_zone() -> None:
    assert moment(NEW_YEAR) == "2026-01-01T00:00:00+00:00"
    assert moment("2026-01-01T00:00:00Z") == "2026-01-01T00:00:00Z"
    assert moment(None) is None
    with pytest.raises(InputError, match="says no time zone"):
        moment(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
