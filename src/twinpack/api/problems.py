"""Errors as `application/problem+json`, the same for every route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from twinpack.errors import (
    AccessError,
    BodyError,
    ChangedError,
    IdentityError,
    InputError,
    JobError,
    NotFoundError,
    RegistryBusyError,
    ServiceError,
    TwinpackError,
    WorkspaceError,
    one_line,
)
from twinpack.views.shapes.common import Problem

PROBLEM_TYPE = "application/problem+json"

STATUS: Mapping[type[TwinpackError], int] = {
    TwinpackError: 422,
    InputError: 422,
    ChangedError: 409,
    BodyError: 400,
    NotFoundError: 404,
    IdentityError: 401,
    AccessError: 403,
    JobError: 409,
    ServiceError: 503,
    WorkspaceError: 503,
}
"""The status that each kind of error has; a kind that is not named has that of the one it is of."""

_TITLES = {
    400: "Not understood",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not available",
    405: "Not possible here",
    408: "Too slow",
    409: "Changed meanwhile",
    413: "Too large",
    415: "Not a type of body that is taken",
    421: "Asked for another host",
    422: "Not valid",
    429: "Too many requests",
    500: "A fault of the server",
    503: "Not possible now",
}
_MOST_FAULTS = 5
"""Faults of a request that are told; the rest are seldom more than their echo."""


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers other than success, for the OpenAPI of a route."""
    return {status: {"model": Problem, "description": _TITLES[status]} for status in (401, 403, 422, 429, *statuses)}


def title_of(status: int) -> str:
    """A status in words."""
    return _TITLES.get(status, "Not done")


def status_of(error: TwinpackError) -> int:
    """The status that an error is answered with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(scope: Scope, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that says why a request was not done."""
    title = title_of(status)
    told = Problem(
        type=f"/problems/{title.lower().replace(' ', '-')}",
        title=title,
        status=status,
        detail=one_line(detail),
        instance=scope.get("state", {}).get("request_id", ""),
    )
    return Response(told.model_dump_json(), status, dict(headers or {}) | _own_headers(status), PROBLEM_TYPE)


def problem_of(scope: Scope, error: TwinpackError) -> Response:
    """The same, of an error of the tree."""
    status = status_of(error)
    if isinstance(error, BodyError) and error.reason == "size":
        status = 413
    return problem(scope, status, str(error), _error_headers(error))


def answer_with_problems(app: FastAPI) -> None:
    """Have every error of an application answered as a problem."""

    @app.exception_handler(TwinpackError)
    async def of_ours(request: Request, error: TwinpackError) -> Response:
        return problem_of(request.scope, error)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> Response:
        detail = f"there is no {request.url.path} here" if error.status_code == 404 else str(error.detail)
        return problem(request.scope, error.status_code, detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def of_validation(request: Request, error: RequestValidationError) -> Response:
        return problem(request.scope, 422, _faults(error))


def _own_headers(status: int) -> dict[str, str]:
    # What was refused now may be allowed later, to another one too.
    return {"Cache-Control": "no-store"} | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})


def _error_headers(error: TwinpackError) -> dict[str, str]:
    return {"Retry-After": "2"} if isinstance(error, RegistryBusyError | ServiceError) else {}


def _faults(error: RequestValidationError) -> str:
    """What is wrong and where; never what was given, which may be a password."""
    faults = error.errors()
    told = [f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults[:_MOST_FAULTS]]
    return "; ".join(told) + ("; and more" if len(faults) > _MOST_FAULTS else "")
