"""How data comes in: ingest, imports, dead letters; and SQL over the lake."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from twinpack.views.shapes.common import At, Column, PageInfo, Shape, TimeMs


class StreamState(Shape):
    """How far a reader of the log has come."""

    name: str = Field(examples=["main"])
    offset: int
    behind_rows: int


class IngestState(Shape):
    """Whether data comes in, how much, and how far behind everything is."""

    as_of: At
    gateway: Literal["running", "stopped"]
    log_rows: int = Field(description="Rows of the log so far.")
    log_mb: float
    newest_receipt_at: At | None
    lag_s: float | None = Field(description="How long ago the oldest waiting row came in; null when none waits.")
    streams: list[StreamState]
    lake_behind_rows: int
    rate_ms: TimeMs = Field(description="Moments of the rate, one a minute, the last hour.")
    rate_per_s: Column = Field(description="Samples received a second.")
    dead_letters: int


class ImportItem(Shape):
    """An import of files."""

    import_id: str
    at: At
    profile: str
    files: list[str]
    rows: int | None
    dead_letters: int


class ImportPage(Shape):
    """Imports, newest first."""

    items: list[ImportItem]
    page: PageInfo


class DeadLetter(Shape):
    """A row or message that could not be used, and why."""

    source: str = Field(description="File or gateway.")
    row: int | None
    vehicle_id: str
    reason: str
    detail: str
    action: str
    raw: str = Field(description="As it came, cut to 2,000 characters.")
    at: At | None


class DeadLetterPage(Shape):
    """Dead letters, newest first."""

    items: list[DeadLetter]
    page: PageInfo
    by_reason: dict[str, int]


class QueryRequest(Shape):
    """SQL over the lake and registry tables; only rows that the one who asks may see are there."""

    sql: Annotated[str, Field(min_length=1, max_length=20_000)] = Field(
        examples=["select vehicle_id, count(*) from trips group by 1"]
    )
    limit: Annotated[int, Field(ge=1, le=100_000)] = 10_000


class QueryResult(Shape):
    """What was found, column by column."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    truncated: bool
