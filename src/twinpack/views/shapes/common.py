"""What several shapes share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Provenance = Literal["measured", "estimated", "forecast"]
Column = list[float | None]
"""Values over something; null where nothing is known."""

TimeMs = Annotated[list[int], Field(description="Moments, milliseconds since the epoch, UTC.")]
VehicleId = Annotated[str, Field(description="The vehicle.", examples=["HF-0417"])]
At = Annotated[datetime, Field(examples=["2026-11-22T13:31:00Z"])]


class Shape(BaseModel):
    """What is answered; nothing can be added to it by mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(Shape):
    """A figure that the twin inferred, with its interval; or why it is not known yet.

    The interval is of 95 %: 1.96 standard deviations to each side.
    """

    value: float | None = Field(description="The figure; null when it is not known yet.", examples=[87.4])
    sd: float | None = Field(description="Its standard deviation.", examples=[0.85])
    low: float | None = Field(description="Lower end of its 95 % interval.", examples=[85.7])
    high: float | None = Field(description="Upper end of its 95 % interval.", examples=[89.1])
    unit: str = Field(description="Unit of all four.", examples=["%"])
    provenance: Provenance = "estimated"
    why_unknown: str = Field(default="", description="Why it is not known yet; empty when it is.")
    what_helps: str = Field(default="", description="What would make it known; empty when it is.")


class Problem(Shape):
    """Why a request was not done (RFC 9457, `application/problem+json`)."""

    type: str = Field(
        default="about:blank", description="Which problem, a URI reference.", examples=["/problems/not-available"]
    )
    title: str = Field(description="The kind of problem.", examples=["Not available"])
    status: int = Field(description="HTTP status.", examples=[404])
    detail: str = Field(default="", description="What is wrong, where, and what to do.")
    instance: str = Field(default="", description="The request, as in the server's log.", examples=["7c1e09"])


class PageInfo(Shape):
    """Where a list goes on."""

    next_cursor: str | None = Field(description="Give this as `cursor` for what follows; null at the end.")
    total: int = Field(description="How many there are in all that match.", examples=[1248])
