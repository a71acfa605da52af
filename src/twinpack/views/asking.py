"""The request at hand, for the audit log: set where a request comes in, read wherever something is written down."""

from __future__ import annotations

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request as in the service's log, "" outside of one."""
