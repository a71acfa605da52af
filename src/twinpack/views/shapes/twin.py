"""The living twin: errors, versions, what changed and why, predictions with bands."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from twinpack.views.shapes.common import At, Column, PageInfo, Shape, TimeMs, VehicleId


class Parameter(Shape):
    """A living parameter."""

    name: str = Field(description="In the model.", examples=["capacity_scale"])
    label: str = Field(description="For people.", examples=["Capacity"])
    unit: str = Field(default="", examples=["Ah"])
    mean: float
    sd: float
    never: float | None = Field(description="The prototype's value.")


class LoopStep(Shape):
    """One of the five steps of the last loop: predict, measure, decide, recalibrate, outcome."""

    title: str = Field(examples=["Measure 1.31 V"])
    detail: str = Field(examples=["RMSE; limit 1.20 V"])


class CoverageRow(Shape):
    """Samples inside the 95 % band, of a part of the last 30 scored trips."""

    name: str = Field(examples=["Hardest ¼"])
    updated_pct: float | None
    never_pct: float | None
    trips: int


class Twin(Shape):
    """A twin as it stands, or as it stood at a moment."""

    vehicle_id: VehicleId
    at: At | None = Field(description="The moment asked for; null for now.")
    model: str
    model_hash: str
    policy: str = Field(description="When a trip proposes new parameters: threshold, always or change.")
    threshold_v: float | None
    version: int | None = Field(description="Last entry of the history, whatever its kind.")
    deployed_version: int | None
    parameters: list[Parameter]
    soc_pct: float | None
    loop: list[LoopStep]
    coverage: list[CoverageRow]
    coverage_goal_pct: tuple[float, float] = (93.0, 97.0)
    trips_scored: int
    chain: Literal["verified", "broken", "empty"]
    chain_note: str = ""


class ErrorSeries(Shape):
    """Error of each scored trip; columns of one length."""

    vehicle_id: VehicleId
    trip: list[int]
    time_ms: TimeMs
    updated_rmse_v: Column
    never_rmse_v: Column
    version: list[int | None]
    decision: list[str]
    threshold_v: float | None


class ParameterSeries(Shape):
    """One parameter over the versions; columns of one length, drawn as steps."""

    name: str
    label: str
    unit: str
    trip: list[int]
    version: list[int]
    time_ms: TimeMs
    mean: Column
    sd: Column
    never: float | None
    axis: tuple[float, float] | None = Field(description="Range shared by all vehicles with this pack.")


class TwinHistory(Shape):
    """Errors and parameters over a twin's life."""

    errors: ErrorSeries
    parameters: list[ParameterSeries]


class Version(Shape):
    """An entry of the history: an update accepted or refused, a workshop's test, a promotion or a roll-back."""

    number: int
    kind: Literal["prototype", "accepted", "refused", "rollback", "promoted", "replayed", "measured"]
    at: At
    trip: int
    reason: str
    effect: str = Field(description="What it did, in words: errors before and after, parameters changed.")
    deployed: bool
    deployed_rmse_v: float | None
    challenger_rmse_v: float | None
    never_rmse_v: float | None
    next_rmse_v: float | None = Field(description="Error of the next scored trip: the proof of the update.")
    who: str = Field(default="", description="Who rolled back or tested; empty for the twin itself.")
    model: str
    code_version: str
    hash: str
    parent_hash: str
    parameters: list[Parameter]


class VersionPage(Shape):
    """Versions, newest first."""

    items: list[Version]
    page: PageInfo


class ParameterDifference(Shape):
    """One parameter in two versions."""

    name: str
    label: str
    unit: str
    mean_a: float | None
    sd_a: float | None
    mean_b: float | None
    sd_b: float | None
    change: float | None
    change_in_sd: float | None = Field(description="Change over the standard deviation of both.")


class VersionDifference(Shape):
    """Two versions beside each other."""

    vehicle_id: VehicleId
    a: Version
    b: Version
    parameters: list[ParameterDifference]


class RollbackRequest(Shape):
    """Go back to the parameters of an earlier version."""

    to_version: int = Field(ge=1, examples=[20])
    reason: str = Field(default="", max_length=500, examples=["sensor swap on 11 Nov"])


class RollbackPreview(Shape):
    """What a roll-back would do."""

    vehicle_id: VehicleId
    to_version: int
    new_version: int
    last_trip: int | None
    rmse_now_v: float | None = Field(description="Error of the deployed version on the last trip it was judged on.")
    rmse_then_v: float | None = Field(description="Error of the other version on the last trip it was judged on.")
    allowed: bool
    why_not: str = ""


class Ordered(Shape):
    """An order that was written to the log; it is carried out when the log is folded."""

    offset: int = Field(description="Its place in the log.")
    done: bool = Field(description="Whether it has been folded already.")
    note: str = ""


class Explained(Shape):
    """One version explained."""

    version: int
    kind: str
    at: At
    text: str
    changes: list[ExplainedChange]


class ExplainedChange(Shape):
    """How one figure changed: wear and better knowledge kept apart."""

    name: str
    label: str
    unit: str
    before: float | None
    after: float | None
    change: float
    wear: float
    knowledge: float


class Explanation(Shape):
    """Every change of a vehicle's figures, newest first, and the whole change since version 1."""

    vehicle_id: VehicleId
    total: list[ExplainedChange]
    versions: list[Explained]


class Prediction(Shape):
    """One trip's voltage: measured, predicted by the deployed version and never updated; columns of one length.

    Standard deviations are of the prediction of a measurement: a 95 % band is 1.96 of them to each side.
    """

    vehicle_id: VehicleId
    trip: int
    kind: str
    start: At
    version: int
    samples: int = Field(description="Before down-sampling.")
    scored_from_s: float = Field(description="First scored second; before it the start may be corrected.")
    time_s: Column
    measured_v: Column
    updated_v: Column
    updated_sd_v: Column
    never_v: Column
    never_sd_v: Column
    challenger_v: Column
    updated_rmse_v: float | None
    never_rmse_v: float | None
    challenger_rmse_v: float | None


Explained.model_rebuild()
Explanation.model_rebuild()
