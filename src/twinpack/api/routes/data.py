"""How data comes in; SQL."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from twinpack.api.dependencies import Looked, Seer
from twinpack.api.problems import documented
from twinpack.views.data.imports import import_page
from twinpack.views.data.ingest import ingest_state
from twinpack.views.data.letters import dead_letter_page
from twinpack.views.data.query import asked_table, query_result
from twinpack.views.shapes.data import DeadLetterPage, ImportPage, IngestState, QueryRequest, QueryResult
from twinpack.views.telemetry.reading import arrow_stream

ARROW = "application/vnd.apache.arrow.stream"

router = APIRouter(tags=["data"], responses=documented())


@router.get("/ingest")
def ingest(seer: Seer, views: Looked) -> IngestState:
    """Whether data comes in, how much, and how far behind everything is."""
    return ingest_state(views, seer)


@router.get("/imports")
def imports(
    seer: Seer,
    views: Looked,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> ImportPage:
    """Imports of files, newest first."""
    return import_page(views, seer, cursor, limit)


@router.get("/dead-letters")
def dead_letters(
    seer: Seer,
    views: Looked,
    reason: str | None = None,
    vehicle_id: str | None = None,
    import_id: str | None = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DeadLetterPage:
    """Rows and messages that could not be used, newest first."""
    return dead_letter_page(views, seer, reason, vehicle_id, import_id, cursor, limit)


@router.post("/query", response_model=QueryResult, responses={200: {"content": {ARROW: {}}}})
def query(
    body: QueryRequest, seer: Seer, views: Looked, format: Literal["json", "arrow"] = "json"
) -> QueryResult | Response:
    """SQL over what may be seen."""
    found = asked_table(views, seer, body)
    return Response(arrow_stream(found), media_type=ARROW) if format == "arrow" else query_result(found)
