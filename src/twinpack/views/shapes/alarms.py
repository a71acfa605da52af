"""Alarms: the inbox, one alarm with its evidence, and what people do about them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from twinpack.views.shapes.common import At, Column, PageInfo, Shape, TimeMs, VehicleId

AlarmState = Literal["active", "acknowledged", "cleared"]
AlarmAction = Literal["acknowledge", "unacknowledge", "assign", "comment", "snooze", "unsnooze", "clear"]


class AlarmRow(Shape):
    """An alarm as the inbox shows it."""

    alarm_id: str = Field(examples=["a1b2c3d4e5f6"])
    vehicle_id: VehicleId
    vehicle_label: str = ""
    fleet: str = ""
    code: str = Field(examples=["P0BBE"])
    title: str = Field(description="What the code means, in words.")
    subject: str = Field(default="", description="Which part of the pack, such as cell 82.")
    category: str
    level: str = Field(description="alarm or watch.")
    severity: int = Field(ge=0, le=3)
    state: AlarmState
    present: bool = Field(description="Whether the condition holds now.")
    count: int
    first_at: At
    last_at: At
    raised_at: At
    assignee: str = ""
    snoozed_until: At | None = None
    muted_by: str = ""
    revision: int = Field(description="Give it back with an action, so that nobody overwrites another's.")


class AlarmPage(Shape):
    """Alarms: severity, then newest."""

    items: list[AlarmRow]
    page: PageInfo
    by_severity: list[int] = Field(description="How many match, by severity 0 to 3.")


class AlarmEvent(Shape):
    """Something people or the detector did."""

    at: At
    who: str = Field(description="Empty for the detector.")
    action: str
    comment: str = ""


class Evidence(Shape):
    """A finding: what the detector saw."""

    event_id: str
    at: At
    change: str
    status: int = Field(description="ISO 14229 status byte.")
    text: str = Field(description="In words.")
    freeze_frame: dict[str, Any] = Field(description="Signals at that moment.")
    figures: dict[str, Any] = Field(description="What was compared with what.")


class SimilarVehicle(Shape):
    """Another vehicle that had the same code."""

    vehicle_id: VehicleId
    alarm_id: str
    last_at: At
    state: str


class RuleRecord(Shape):
    """How good the rule has been, of the alarms that may be seen."""

    raised: int
    confirmed: int = Field(description="Cleared as real, or followed by maintenance.")
    false: int = Field(description="Cleared as false.")
    open: int


class AlarmDetail(Shape):
    """An alarm with its evidence."""

    alarm: AlarmRow
    about: str = Field(description="What it means and what to do, in words.")
    condition: str = Field(default="", description="The rule's condition, in words.")
    debounce_s: float | None = Field(default=None, description="How long the condition must hold, seconds.")
    history: list[AlarmEvent]
    evidence: list[Evidence]
    similar: list[SimilarVehicle]
    rule: RuleRecord
    may: list[str] = Field(description="Actions the one who asks may take.")


class AlarmSignal(Shape):
    """One figure around the alarm, against its limit; columns as long as `time_ms`."""

    name: str
    label: str
    unit: str
    time_ms: TimeMs
    min: Column
    max: Column
    mean: Column
    limit: float | None = Field(description="The limit it is compared with; null when it has none.")
    limit_label: str = ""
    above: bool | None = Field(description="Whether the fault lies above the limit; null without one.")


class Stretch(Shape):
    """A stretch of time: when the condition was being debounced, or held."""

    start: At
    end: At
    kind: Literal["debouncing", "present"]


class AlarmSignals(Shape):
    """The signals 10 minutes to each side of the moment an alarm was raised."""

    alarm_id: str
    start: At
    end: At
    raised_at: At
    signals: list[AlarmSignal]
    stretches: list[Stretch]
    note: str = Field(default="", description="Why nothing can be shown, if so.")


class ActionRequest(Shape):
    """What a person does about an alarm."""

    comment: Annotated[str, Field(max_length=2000)] = ""
    assignee: Annotated[str, Field(max_length=128, description="With assign; empty takes it from all.")] = ""
    until: At | None = Field(default=None, description="With snooze: until when.")
    confirmed: bool | None = Field(default=None, description="With clear: whether the fault was real.")
    revision: int | None = Field(default=None, description="The revision seen; 409 when the alarm has moved on.")


class BulkRequest(Shape):
    """The same action on many alarms."""

    alarm_ids: Annotated[list[str], Field(min_length=1, max_length=500)]
    action: AlarmAction
    body: ActionRequest = ActionRequest()


class BulkOutcome(Shape):
    """What became of each."""

    alarm_id: str
    done: bool
    detail: str = ""
    alarm: AlarmRow | None = None


class BulkResult(Shape):
    """What became of all, in the order given."""

    items: list[BulkOutcome]
