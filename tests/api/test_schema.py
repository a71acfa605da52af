"""Every route answers as the OpenAPI document says it does, whatever it is asked: schemathesis asks a real service.

A small fleet is behind it, and names in paths are those of its vehicles and alarms as often as not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.servers.small_fleet import FAULTY, pristine_fleet
from twinpack.api.app import make_routes
from twinpack.api.service import ApiService
from twinpack.store.workspace import Workspace

__all__ = ["pristine_fleet"]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Operation = APIOperation[Any, Any, Any, Any]
ENDLESS = "/v1/events"

SLOWED = ("/v1/auth/sign-in", "/v1/auth/token", "/v1/auth/refresh")
"""Who tries to sign in too often is kept waiting."""
FEW, MANY = 6, 60


@pytest.fixture(scope="module")
def asked(pristine_fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiService]:
    home = Path(shutil.copytree(pristine_fleet, tmp_path_factory.mktemp("schema") / "fleet"))
    workspace = Workspace.open(home, create=False)
    often = replace(workspace.settings.api, requests_per_minute=10_000_000)
    workspace = replace(workspace, settings=replace(workspace.settings, api=often))
    with ApiService(workspace, port=0, no_auth=True) as service:
        yield service


@pytest.fixture(scope="module")
def known(asked: ApiService) -> Mapping[str, Sequence[str]]:
    """Names of what is there, by what they are called in paths."""
    alarms = [alarm.alarm_id for alarm in asked.views.registry.alarms.alarms()]
    return {"vehicle_id": [FAULTY, "SIM-0002"], "alarm_id": alarms}


def operations() -> Iterator[Operation]:
    """Every route but the stream that never ends."""
    for found in schemathesis.openapi.from_dict(make_routes().openapi()).get_all_operations():
        assert isinstance(found, Ok)
        if found.ok().path != ENDLESS:
            yield found.ok()


OPERATIONS = list(operations())
bounded = settings(
    max_examples=FEW,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def answers_as_it_says(
    operation: Operation, how: settings, asked: ApiService, known: Mapping[str, Sequence[str]]
) -> None:
    @how
    @given(case=operation.as_strategy())
    def ask(case: Case[Any]) -> None:
        for name, value in case.path_parameters.items():
            # Three of four that were made up give way to a name that is known.
            if known.get(name) and (at := len(str(value))) % 4:
                case.path_parameters[name] = known[name][at % len(known[name])]
        case.call_and_validate(base_url=asked.url, checks=CHECKS, timeout=60)

    ask()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_route_answers_as_it_says(
    operation: Operation, asked: ApiService, known: Mapping[str, Sequence[str]]
) -> None:
    few = settings(bounded, max_examples=2) if operation.path in SLOWED else bounded
    answers_as_it_says(operation, few, asked, known)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_route_answers_as_it_says_when_asked_often(
    operation: Operation, asked: ApiService, known: Mapping[str, Sequence[str]]
) -> None:
    answers_as_it_says(operation, settings(bounded, max_examples=MANY, derandomize=False), asked, known)
