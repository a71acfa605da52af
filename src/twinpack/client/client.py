"""What can be asked and done, a method each; lists and signals are tables, single things are the API's shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Literal
from urllib.parse import quote

import httpx

from twinpack.client.calls import Calls, Value, Values, moment
from twinpack.client.events import Following
from twinpack.client.problems import raise_for_problem
from twinpack.client.tables import Table, of_columns, of_rows, of_stream
from twinpack.views.shapes import alarms as alarm_shapes
from twinpack.views.shapes import data as data_shapes
from twinpack.views.shapes import fleet as fleet_shapes
from twinpack.views.shapes import twin as twin_shapes
from twinpack.views.shapes import vehicle as vehicle_shapes
from twinpack.views.shapes import workshop as workshop_shapes
from twinpack.views.shapes.common import Shape
from twinpack.views.shapes.identity import Me

Moment = datetime | str | None
"""A moment with its zone, or RFC 3339 text such as 2026-11-22T12:00:00Z."""

_SILENCE_S = 60.0
"""A stream of events that says nothing for so long is dead: a live one shows itself every 15 seconds."""
_AWAY = (429, 502, 503, 504)
"""What is answered while the service, or the way to it, has to be waited for."""


class Client:
    """A fleet to be asked; from `twinpack.connect` or `twinpack.open`.

    One client may be used from several threads. Methods that give one page of an endless list after another give all
    of it, or the first `most` rows.

    Every method raises:
        InputError: What is asked is wrong.
        IdentityError: The service does not know who asks.
        AccessError: It knows, and this may not be done.
        NotFoundError: There is no such thing, or it may not be seen.
        ServiceError: The service cannot be reached, cannot do it now, or broke.
    """

    def __init__(self, http: httpx.Client, close: Callable[[], None] = lambda: None) -> None:
        """Ask over `http`; `close` gives back what is behind it."""
        self._http, self._close = http, close
        self._calls = Calls(http)

    def __enter__(self) -> Client:
        """Use as a context manager to close it at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give everything back."""
        self._http.close()
        self._close()

    # --- the fleet ------------------------------------------------------------------------------------------------

    def me(self) -> Me:
        """Who asks, and what may be done."""
        return self._calls.get(Me, "/me")

    def fleets(self) -> Table:
        """The fleets that may be seen."""
        return of_rows(fleet_shapes.FleetItem, self._calls.get(fleet_shapes.FleetList, "/fleets").items)

    def summary(self, fleet: str | None = None, pack: str | None = None) -> fleet_shapes.FleetSummary:
        """The figures over a fleet."""
        return self._calls.get(fleet_shapes.FleetSummary, "/fleet/summary", fleet=fleet, pack=pack)

    def scatter(self, fleet: str | None = None, pack: str | None = None) -> Table:
        """Capacity health against distance and age, a row a vehicle whose health is known."""
        found = self._calls.get(fleet_shapes.Scatter, "/fleet/scatter", fleet=fleet, pack=pack)
        return of_columns(found, ["vehicle_id", "pack", "distance_km", "age_years", "health_pct", "deviation_pts"])

    def vehicles(self, *, sort: str = "deviation_pts", most: int | None = None, **filters: Value) -> Table:
        """Vehicles, the worst deviation from their cohort first; what is not known comes last.

        Args:
            sort: A column, with `-` before it to turn it round.
            most: How many at most; all when left out.
            filters: As the API has them: fleet, pack, q, reporting, overdue, severity, health_min, health_max,
                distance_min, distance_max, age_min, age_max, retired.
        """
        pages = self._calls.pages(fleet_shapes.VehiclePage, "/vehicles", most, 1000, sort=sort, **filters)
        return of_rows(fleet_shapes.VehicleRow, [row for page in pages for row in page.items])

    def search(self, text: str) -> Table:
        """Vehicles, alarms, trouble codes and versions by name."""
        found = self._calls.get(fleet_shapes.SearchResult, "/search", q=text)
        return of_rows(fleet_shapes.SearchHit, found.items)

    # --- one vehicle ----------------------------------------------------------------------------------------------

    def vehicle(self, vehicle_id: str) -> vehicle_shapes.VehicleDetail:
        """A vehicle and its figures."""
        return self._calls.get(vehicle_shapes.VehicleDetail, _of(vehicle_id))

    def latest(self, vehicle_id: str) -> vehicle_shapes.Latest:
        """The newest value of each signal, with its time."""
        return self._calls.get(vehicle_shapes.Latest, _of(vehicle_id, "latest"))

    def telemetry(
        self,
        vehicle_id: str,
        *,
        start: Moment = None,
        end: Moment = None,
        signals: Sequence[str] = (),
        points: int = 1000,
    ) -> Table:
        """Signals over time: minimum, maximum and mean of each of `points` steps.

        Args:
            vehicle_id: The vehicle.
            start: From when; by default two hours before the newest sample.
            end: Until when; by default the newest sample.
            signals: Names of signals; the usual four by default.
            points: Steps that the range is cut into.
        """
        names = ",".join(signals) or None
        of, told = _of(vehicle_id, "telemetry"), {"start": moment(start), "end": moment(end)}
        return of_stream(self._calls.get_arrow(of, **told, signals=names, points=points))

    def marks(self, vehicle_id: str, *, start: Moment = None, end: Moment = None) -> Table:
        """What happened in a range of time: drives, charges, alarms, updates of the twin, maintenance."""
        of, told = _of(vehicle_id, "telemetry"), {"start": moment(start), "end": moment(end)}
        found = self._calls.get(vehicle_shapes.Telemetry, of, **told, points=1)
        return of_rows(vehicle_shapes.Mark, found.marks)

    def cells(self, vehicle_id: str, *, at: Moment = None) -> Table:
        """Every cell at a moment: the last whole frame at or before it, the newest when left out."""
        frame = self._calls.get(vehicle_shapes.CellFrame, _of(vehicle_id, "cells"), at=moment(at))
        numbers = list(range(1, len(frame.voltage_v) + 1))
        modules = [1 + (number - 1) // max(frame.cells_per_module, 1) for number in numbers]
        return of_columns(frame, ["voltage_v", "deviation_mv", "temp_c", "rank", "z"], cell=numbers, module=modules)

    def cell(self, vehicle_id: str, cell: int, *, start: Moment = None, end: Moment = None, points: int = 600) -> Table:
        """One cell over time beside the median of the others and their p10 to p90."""
        told = {"start": moment(start), "end": moment(end)}
        found = self._calls.get(vehicle_shapes.CellSeries, _of(vehicle_id, f"cells/{cell:d}"), **told, points=points)
        return of_columns(found, ["time_ms", "voltage_v", "median_v", "p10_v", "p90_v"])

    def spread(self, vehicle_id: str, *, days: int = 90) -> Table:
        """The spread of the cells, day by day."""
        found = self._calls.get(vehicle_shapes.SpreadTrend, _of(vehicle_id, "spread"), days=days)
        return of_columns(found, ["day_ms", "spread_mean_mv", "spread_max_mv"])

    def weakest_cells(self, vehicle_id: str) -> Table:
        """The cells that stand out."""
        found = self._calls.get(vehicle_shapes.SpreadTrend, _of(vehicle_id, "spread"))
        return of_rows(vehicle_shapes.WeakCell, found.weakest)

    def trips(
        self,
        vehicle_id: str,
        *,
        kind: Literal["driving", "charging", "resting"] | None = None,
        most: int | None = None,
    ) -> Table:
        """Trips, newest first, with the error of the twin."""
        pages = self._calls.pages(vehicle_shapes.TripPage, _of(vehicle_id, "trips"), most, 500, kind=kind)
        return of_rows(vehicle_shapes.Trip, [row for page in pages for row in page.items])

    def health(self, vehicle_id: str) -> Table:
        """Health as it was known after each version that was deployed."""
        found = self._calls.get(vehicle_shapes.HealthHistory, _of(vehicle_id, "health"))
        figures = ["capacity_pct", "capacity_sd_pct", "resistance_x", "resistance_sd_x", "distance_km"]
        return of_columns(found, ["time_ms", "version", *figures, "cohort_median_pct"])

    # --- its twin -------------------------------------------------------------------------------------------------

    def twin(self, vehicle_id: str, *, at: Moment = None) -> twin_shapes.Twin:
        """The twin as it stands, or as it stood at a moment."""
        return self._calls.get(twin_shapes.Twin, _of(vehicle_id, "twin"), at=moment(at))

    def errors(self, vehicle_id: str, *, trips: int = 1500) -> Table:
        """Error of each trip with and without updates; at most `trips` rows, the worst of each few."""
        found = self._history(vehicle_id, trips).errors
        return of_columns(found, ["trip", "time_ms", "updated_rmse_v", "never_rmse_v", "version", "decision"])

    def parameters(self, vehicle_id: str) -> Table:
        """The parameters over the versions, a row a parameter and version."""
        series = self._history(vehicle_id, 1).parameters
        rows = [
            _ParameterRow(name=one.name, label=one.label, unit=one.unit, version=version, trip=trip, mean=mean, sd=sd)
            for one in series
            for version, trip, mean, sd in zip(one.version, one.trip, one.mean, one.sd, strict=True)
        ]
        return of_rows(_ParameterRow, rows)

    def versions(self, vehicle_id: str, *, most: int | None = None) -> Table:
        """Versions, newest first."""
        pages = self._calls.pages(twin_shapes.VersionPage, _of(vehicle_id, "versions"), most, 500)
        return of_rows(twin_shapes.Version, [row for page in pages for row in page.items])

    def version(self, vehicle_id: str, number: int) -> twin_shapes.Version:
        """One version."""
        return self._calls.get(twin_shapes.Version, _of(vehicle_id, f"versions/{number:d}"))

    def compare(self, vehicle_id: str, a: int, b: int) -> twin_shapes.VersionDifference:
        """Two versions beside each other."""
        return self._calls.get(twin_shapes.VersionDifference, _of(vehicle_id, "versions/compare"), a=a, b=b)

    def preview_rollback(self, vehicle_id: str, to_version: int) -> twin_shapes.RollbackPreview:
        """What a roll-back would do."""
        return self._calls.get(twin_shapes.RollbackPreview, _of(vehicle_id, "rollback"), to_version=to_version)

    def rollback(self, vehicle_id: str, to_version: int, *, reason: str = "") -> twin_shapes.Ordered:
        """Order a roll-back; it is done when the runtime has come to it (`done`).

        Raises:
            ChangedError: The twin has moved on, so that it is not possible now.
        """
        body = twin_shapes.RollbackRequest(to_version=to_version, reason=reason)
        return self._calls.send(twin_shapes.Ordered, "POST", _of(vehicle_id, "rollback"), body)

    def explain(self, vehicle_id: str, *, last: int = 10) -> twin_shapes.Explanation:
        """Each change of the figures, in words."""
        return self._calls.get(twin_shapes.Explanation, _of(vehicle_id, "explain"), last=last)

    def prediction(self, vehicle_id: str, trip: int, *, points: int = 1000) -> Table:
        """One trip: measured voltage beside the updated and the never-updated prediction, with their deviations."""
        of = _of(vehicle_id, f"trips/{trip:d}/prediction")
        found = self._calls.get(twin_shapes.Prediction, of, points=points)
        predicted = ["updated_v", "updated_sd_v", "never_v", "never_sd_v", "challenger_v"]
        return of_columns(found, ["time_s", "measured_v", *predicted])

    def _history(self, vehicle_id: str, trips: int) -> twin_shapes.TwinHistory:
        return self._calls.get(twin_shapes.TwinHistory, _of(vehicle_id, "twin/history"), trips=trips)

    # --- alarms ---------------------------------------------------------------------------------------------------

    def alarms(
        self,
        *,
        state: Sequence[alarm_shapes.AlarmState] = (),
        severity: Sequence[int] = (),
        most: int | None = None,
        **filters: Value,
    ) -> Table:
        """Alarms: severity, then newest.

        Args:
            state: Of these states; active and acknowledged when left out.
            severity: Of these severities, 0 to 3.
            most: How many at most.
            filters: As the API has them: level, code, vehicle_id, fleet, assignee, snoozed, q.
        """
        of: dict[str, Values] = {"state": [str(name) for name in state], "severity": [*severity], **filters}
        pages = self._calls.pages(alarm_shapes.AlarmPage, "/alarms", most, 500, **of)
        return of_rows(alarm_shapes.AlarmRow, [row for page in pages for row in page.items])

    def alarm(self, alarm_id: str) -> alarm_shapes.AlarmDetail:
        """One alarm with its evidence."""
        return self._calls.get(alarm_shapes.AlarmDetail, f"/alarms/{_part(alarm_id)}")

    def alarm_signals(self, alarm_id: str, *, minutes: float = 10.0) -> alarm_shapes.AlarmSignals:
        """The signals around the moment an alarm was raised, against their limits."""
        return self._calls.get(alarm_shapes.AlarmSignals, f"/alarms/{_part(alarm_id)}/signals", minutes=minutes)

    def acknowledge(self, alarm_id: str, *, comment: str = "", revision: int | None = None) -> alarm_shapes.AlarmRow:
        """Say that somebody looks after it.

        Raises:
            ChangedError: With `revision`: the alarm has moved on since. So for every action.
        """
        return self._act(alarm_id, "acknowledge", comment=comment, revision=revision)

    def unacknowledge(self, alarm_id: str, *, comment: str = "", revision: int | None = None) -> alarm_shapes.AlarmRow:
        """Take that back: nobody looks after it yet."""
        return self._act(alarm_id, "unacknowledge", comment=comment, revision=revision)

    def assign(
        self, alarm_id: str, assignee: str, *, comment: str = "", revision: int | None = None
    ) -> alarm_shapes.AlarmRow:
        """Give it to somebody; an empty name takes it from all."""
        return self._act(alarm_id, "assign", assignee=assignee, comment=comment, revision=revision)

    def comment(self, alarm_id: str, text: str, *, revision: int | None = None) -> alarm_shapes.AlarmRow:
        """Say something about it."""
        return self._act(alarm_id, "comment", comment=text, revision=revision)

    def snooze(
        self, alarm_id: str, until: datetime | str, *, comment: str = "", revision: int | None = None
    ) -> alarm_shapes.AlarmRow:
        """Take it out of sight until a moment."""
        return self._act(alarm_id, "snooze", until=moment(until), comment=comment, revision=revision)

    def unsnooze(self, alarm_id: str, *, comment: str = "", revision: int | None = None) -> alarm_shapes.AlarmRow:
        """Bring it back into sight."""
        return self._act(alarm_id, "unsnooze", comment=comment, revision=revision)

    def clear(
        self, alarm_id: str, *, confirmed: bool | None = None, comment: str = "", revision: int | None = None
    ) -> alarm_shapes.AlarmRow:
        """End it; `confirmed` says whether the fault was real, which the record of its rule learns from."""
        return self._act(alarm_id, "clear", confirmed=confirmed, comment=comment, revision=revision)

    def bulk(self, alarm_ids: Sequence[str], action: alarm_shapes.AlarmAction, **body: Value) -> Table:
        """The same action on many alarms; each stands for itself, and the table says what became of it."""
        what = alarm_shapes.ActionRequest.model_validate(_given(body))
        request = alarm_shapes.BulkRequest(alarm_ids=list(alarm_ids), action=action, body=what)
        return of_rows(
            alarm_shapes.BulkOutcome, self._calls.send(alarm_shapes.BulkResult, "POST", "/alarms/bulk", request).items
        )

    def _act(self, alarm_id: str, action: alarm_shapes.AlarmAction, **body: Value) -> alarm_shapes.AlarmRow:
        what = alarm_shapes.ActionRequest.model_validate(_given(body))
        return self._calls.send(alarm_shapes.AlarmRow, "POST", f"/alarms/{_part(alarm_id)}/{action}", what)

    # --- maintenance ----------------------------------------------------------------------------------------------

    def maintenance(
        self,
        *,
        vehicle_id: str | None = None,
        status: Literal["planned", "done", "cancelled"] | None = None,
        most: int | None = None,
    ) -> Table:
        """Maintenance: planned first, then newest."""
        asked = {"vehicle_id": vehicle_id, "status": status}
        pages = self._calls.pages(workshop_shapes.MaintenancePage, "/maintenance", most, 500, **asked)
        return of_rows(workshop_shapes.Maintenance, [row for page in pages for row in page.items])

    def add_maintenance(self, vehicle_id: str, **fields: object) -> workshop_shapes.Maintenance:
        """Enter maintenance: kind, status, title, planned_on, done_on, odometer_km, reference, notes."""
        body = workshop_shapes.MaintenanceRequest.model_validate(fields)
        return self._calls.send(workshop_shapes.Maintenance, "POST", _of(vehicle_id, "maintenance"), body)

    def change_maintenance(self, record_id: str, **fields: object) -> workshop_shapes.Maintenance:
        """Change a record; what is left out stays.

        Raises:
            ChangedError: With `revision`: another person has changed it meanwhile.
        """
        body = workshop_shapes.MaintenanceRequest.model_validate(fields)
        return self._calls.send(workshop_shapes.Maintenance, "PATCH", f"/maintenance/{_part(record_id)}", body)

    def remove_maintenance(self, record_id: str) -> None:
        """Remove a record that the twin was not told of."""
        self._calls.ask("DELETE", f"/maintenance/{_part(record_id)}")

    # --- data -----------------------------------------------------------------------------------------------------

    def ingest(self) -> data_shapes.IngestState:
        """Whether data comes in, how much, and how far behind everything is."""
        return self._calls.get(data_shapes.IngestState, "/ingest")

    def imports(self, *, most: int | None = None) -> Table:
        """Imports of files, newest first."""
        pages = self._calls.pages(data_shapes.ImportPage, "/imports", most, 500)
        return of_rows(data_shapes.ImportItem, [row for page in pages for row in page.items])

    def dead_letters(self, *, most: int | None = None, **filters: Value) -> Table:
        """Rows and messages that could not be used, newest first; by reason, vehicle_id or import_id."""
        pages = self._calls.pages(data_shapes.DeadLetterPage, "/dead-letters", most, 500, **filters)
        return of_rows(data_shapes.DeadLetter, [row for page in pages for row in page.items])

    def query(self, sql: str, *, limit: int = 10_000) -> Table:
        """SQL over what may be seen; at most `limit` rows."""
        body = data_shapes.QueryRequest(sql=sql, limit=limit)
        return of_stream(self._calls.ask("POST", "/query", {"format": "arrow"}, body).content)

    # --- live -----------------------------------------------------------------------------------------------------

    def events(
        self,
        kinds: Sequence[Literal["alarm", "latest", "trip", "version", "ingest"]] = (),
        *,
        vehicle_id: str | None = None,
        after: str = "",
    ) -> Following:
        """What happens from now on, without an end.

        A lost connection is made again, and goes on after the last event that was given. Use it in a `with` to listen
        no longer when the loop is left.

        Args:
            kinds: Of these kinds; all when left out.
            vehicle_id: Of this vehicle alone; needed for latest.
            after: Go on after this event.
        """
        asked = {"kinds": ",".join(kinds) or None, "vehicle_id": vehicle_id}
        query = {name: value for name, value in asked.items() if value is not None}
        return Following(partial(self._listen, query), after)

    def _listen(self, query: dict[str, str], after: str) -> httpx.Response | None:
        """A stream of events, None while the service has to be waited for."""
        headers = {"Last-Event-ID": after} if after else {}
        timeout = httpx.Timeout(self._http.timeout.connect, read=_SILENCE_S)
        request = self._http.build_request("GET", "/v1/events", params=query, headers=headers, timeout=timeout)
        try:
            answer = self._http.send(request, stream=True)
            if answer.is_success:
                return answer
            answer.read()
        except httpx.TransportError:
            return None
        if answer.status_code not in _AWAY:
            raise_for_problem(answer)
        return None


class _ParameterRow(Shape):
    """A parameter in a version."""

    name: str
    label: str
    unit: str
    version: int
    trip: int
    mean: float | None
    sd: float | None


def _of(vehicle_id: str, what: str = "") -> str:
    return f"/vehicles/{_part(vehicle_id)}" + (f"/{what}" if what else "")


def _part(name: str) -> str:
    return quote(name, safe="")


def _given(body: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in body.items() if value not in (None, "") or name == "assignee"}
