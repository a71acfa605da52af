"""Answers that say why a request was not done, as errors of the tree."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from pydantic import ValidationError

from twinpack.errors import (
    AccessError,
    ChangedError,
    IdentityError,
    InputError,
    NotFoundError,
    ServiceError,
    TwinpackError,
)
from twinpack.views.shapes.common import Problem

_KINDS: Mapping[int, type[TwinpackError]] = {
    400: InputError,
    401: IdentityError,
    403: AccessError,
    404: NotFoundError,
    409: ChangedError,
    413: InputError,
    422: InputError,
}


def raise_for_problem(answer: httpx.Response) -> None:
    """Raise what an answer tells of, if it is not a success.

    Raises:
        InputError: What was asked is wrong.
        IdentityError: The service does not know who asks.
        AccessError: It knows, and this may not be done.
        NotFoundError: There is no such thing, or it may not be seen.
        ChangedError: Another person has changed it meanwhile.
        ServiceError: The service cannot do it now, or broke.
    """
    if answer.is_success:
        return
    kind = _KINDS.get(answer.status_code, ServiceError)
    raise kind(_words(answer))


def _words(answer: httpx.Response) -> str:
    try:
        told = Problem.model_validate_json(answer.content, extra="ignore")
    except ValidationError:
        # Not the service but something before it: its page would only clutter the line.
        return f"{answer.request.url.host} answered {answer.status_code} {answer.reason_phrase}".rstrip()
    request = f" (request {told.instance})" if told.instance and answer.status_code >= 500 else ""
    return f"{told.detail or told.title}{request}"
