"""Errors as `application/problem+json`, the same for every route."""

from __future__ import annotations

from typing import Any

from twinpack.views.shapes.common import Problem

PROBLEM_TYPE = "application/problem+json"


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers other than success, for the OpenAPI of a route."""
    return {status: {"model": Problem, "description": _TITLES[status]} for status in (401, 403, 422, 429, *statuses)}


_TITLES = {
    400: "Not understood",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not available",
    409: "Changed meanwhile",
    413: "Too large",
    422: "Not valid",
    429: "Too many requests",
    503: "Not possible now",
}
