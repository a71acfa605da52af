"""How data comes in; SQL."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from twinpack.api.dependencies import Seer
from twinpack.api.problems import documented
from twinpack.views.shapes.data import DeadLetterPage, ImportPage, IngestState, QueryRequest, QueryResult

router = APIRouter(tags=["data"], responses=documented())


@router.get("/ingest")
def ingest(seer: Seer) -> IngestState:
    """Whether data comes in, how much, and how far behind everything is."""
    raise NotImplementedError


@router.get("/imports")
def imports(
    seer: Seer,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> ImportPage:
    """Imports of files, newest first."""
    raise NotImplementedError


@router.get("/dead-letters")
def dead_letters(
    seer: Seer,
    reason: str | None = None,
    vehicle_id: str | None = None,
    import_id: str | None = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DeadLetterPage:
    """Rows and messages that could not be used, newest first."""
    raise NotImplementedError


@router.post("/query", responses={200: {"content": {"application/vnd.apache.arrow.stream": {}}}})
def query(body: QueryRequest, seer: Seer, format: Literal["json", "arrow"] = "json") -> QueryResult:
    """SQL over what may be seen."""
    raise NotImplementedError
