"""Every change that is asked for over the API goes to the audit log, from one place."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from twinpack.api.dependencies import Asked, Looked
from twinpack.views.asking import request_id

_READS = ("GET", "HEAD", "OPTIONS")


async def audited(request: Request, asked: Asked, looked: Looked) -> AsyncIterator[None]:
    """Write down what was done, once it was done and before it is answered.

    Use as `Depends(audited, scope="function")` on a router. The action is the handler's name; its subject the first
    name in the path. A handler says more with `tell`.
    """
    yield
    told: dict[str, object] = getattr(request.state, "audit_detail", {})
    if request.method in _READS or told.get("unaudited"):
        return
    parts = dict(request.path_params)
    first = next(iter(parts), "")
    subject = str(told.get("subject", parts.get(first, "")))
    detail = {name: value for name, value in (parts | told).items() if name not in (first, "subject")}
    action = getattr(request.scope.get("route"), "name", request.method)
    sight = asked.sight
    await run_in_threadpool(
        looked.registry.audit_log.write, sight.who, sight.role.value, action, subject, detail, request_id.get()
    )


def tell(request: Request, **detail: object) -> None:
    """Add to what the audit log says of this request; `subject` is what it is about. Never a secret, and no VIN."""
    request.state.audit_detail = {**getattr(request.state, "audit_detail", {}), **detail}


def leave_out(request: Request) -> None:
    """Have the audit log say nothing of this request: it changes nothing that matters to others."""
    tell(request, unaudited=True)
