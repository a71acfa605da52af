"""The OpenAPI document, with what FastAPI cannot know: how errors are sent, and how one signs in."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from twinpack.api.middleware.identity import GUARDED, OPEN
from twinpack.api.problems import PROBLEM_TYPE, title_of

_ALWAYS = (400, 408, 413, 421, 429, 500, 503)
"""Answers that what stands before the routes may give in place of each."""
_SIGN_IN = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token of the issuer, an API key (`tpk_…`) or a device's token (`twp_…`).",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "twinpack_session",
        "description": "A browser's session; what changes something also needs `X-CSRF-Token`.",
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if not app.openapi_schema:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        refusals: set[int] = set()
        for path, methods in document["paths"].items():
            for operation in methods.values():
                refusals.update(_complete(operation, path))
        document["components"]["responses"] = {_name(status): _refusal(status) for status in sorted(refusals)}
        document["components"]["securitySchemes"] = _SIGN_IN
        app.openapi_schema = document
    return app.openapi_schema


def _complete(operation: dict[str, Any], path: str) -> set[int]:
    """Say of an operation how it refuses and who may ask; the statuses that it refuses with."""
    done = {status: answer for status, answer in operation["responses"].items() if int(status) < 400}
    refusals = {int(status) for status in operation["responses"] if status not in done} | set(_ALWAYS)
    operation["responses"] = done | {
        str(status): {"$ref": f"#/components/responses/{_name(status)}"} for status in sorted(refusals)
    }
    operation["security"] = [] if path in OPEN or not path.startswith(GUARDED) else [{"bearer": []}, {"session": []}]
    return refusals


def _refusal(status: int) -> dict[str, Any]:
    content = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": title_of(status), "content": content}


def _name(status: int) -> str:
    return f"Refused{status}"
