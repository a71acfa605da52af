"""Every error of the tree, as it is answered."""

from __future__ import annotations

import inspect

import pytest

from twinpack import errors
from twinpack.api.problems import problem_of, status_of, title_of
from twinpack.errors import AccessError, BodyError, ChangedError, NotFoundError, RegistryBusyError, TwinpackError

ERRORS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, TwinpackError)]


def made(kind: type[TwinpackError]) -> TwinpackError:
    return BodyError("body", "wrong\nhere") if kind is BodyError else kind("wrong\nhere")


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_status_and_says_in_one_line_what_is_wrong(kind: type[TwinpackError]) -> None:
    answer = problem_of({"type": "http", "state": {"request_id": "7c1e09"}}, made(kind))
    assert 400 <= answer.status_code < 600 and answer.status_code != 500
    assert title_of(answer.status_code) != "Not done"
    assert b'"detail":"wrong here","instance":"7c1e09"' in bytes(answer.body)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFoundError("x"), 404),
        (AccessError("x"), 403),
        (ChangedError("x"), 409),
        (RegistryBusyError("x"), 503),
        (BodyError("type", "x"), 400),
    ],
)
def test_the_status_of_some(error: TwinpackError, status: int) -> None:
    assert status_of(error) == status


def test_what_passes_says_when_to_try_again() -> None:
    assert problem_of({"type": "http"}, RegistryBusyError("x")).headers["retry-after"] == "2"
    assert problem_of({"type": "http"}, BodyError("size", "x")).status_code == 413
