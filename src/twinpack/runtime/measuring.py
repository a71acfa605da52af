"""What a workshop tested: held against what is known of the vehicle, and told to its twin by a row of the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from twinpack.battery.families import ROUTE, pack_model
from twinpack.battery.pack import PackSpec
from twinpack.battery.pack_model import PackModel
from twinpack.errors import InputError, NotFoundError
from twinpack.fleet.commands import measure_command
from twinpack.ingest.log import open_log
from twinpack.runtime.orders import append_command
from twinpack.store.registry import Registry
from twinpack.store.workshop.records import DONE, REPLACEMENT, MaintenanceRecord
from twinpack.store.workspace import Workspace
from twinpack.twin.decide import square
from twinpack.twin.measured import CAPACITY, MOST_SIGMA, Judged, WorkshopTest, can_take, expected, judged, tests_of
from twinpack.twin.settings import Prototype
from twinpack.twin.versions import TwinVersion
from twinpack.twin.words import number, with_uncertainty

CAPACITY_RANGE = (0.3, 1.2)
"""Capacity by the rated one, outside of which a figure is a slip."""

RESISTANCE_RANGE = (0.3, 10.0)
"""Resistance by that of a new pack in the same pulse, outside of which a figure is a slip."""

_DAY_US = 86_400_000_000


def check_tests(workspace: Workspace, registry: Registry, record: MaintenanceRecord, confirmed: bool = False) -> None:
    """Raise when a record's test cannot be taken in by the twin of its vehicle; nothing is written.

    Args:
        workspace: Where the vehicle's model is.
        registry: Its open registry.
        record: The record as it is to be kept; one without a test is passed over.
        confirmed: Whether a test that contradicts the twin is to be taken in all the same.

    Raises:
        InputError: Names the field: no such battery has that figure, or it contradicts the twin; or the vehicle has no
            twin that could take it in.
        NotFoundError: The vehicle or its model is not known.
        WorkspaceError: The model cannot be read.
    """
    if not record.tested or record.test_offset is not None:
        return
    record.check()
    _check_replaced(registry, record)
    version, model, pack = _twin(workspace, registry, record.vehicle_id)
    order = record.tests()
    for test in tests_of(order):
        field = "capacity_ah" if test.name == CAPACITY else "resistance_mohm"
        if model is None or not can_take(model, test):
            raise InputError(
                f"{field}: the model of vehicle {record.vehicle_id!r} has no {test.name} that a test could tell; one "
                "that is driven by current has"
            )
        _check_plausible(field, order[field], model, test, pack)
        mean = np.array(version.mean)
        cov = _grown(registry, version, model)
        one = judged(model, test, mean, cov, _age_days(registry, record))
        if one.contradicts and not confirmed:
            raise InputError(_contradiction(field, one))


def tell_tests(
    workspace: Workspace, registry: Registry, records: Iterable[MaintenanceRecord], confirmed: bool = False
) -> list[MaintenanceRecord]:
    """Append a command to the log for each test of work that is done and was not told yet.

    The log comes first: told twice after a crash between the two, a test counts twice; `twinpack explain` shows
    both, and a roll-back undoes the second.

    Args:
        workspace: Where the log is.
        registry: Its open registry.
        records: Records as the registry keeps them; see `check_tests`.
        confirmed: Whether a person stands by them though they contradict the twin.

    Returns:
        The records that were told, as kept then.

    Raises:
        WorkspaceError: Log or registry cannot be written.
    """
    told = []
    for record in records:
        if record.tested and record.status == DONE and record.test_offset is None:
            day = f"{record.kind} on {record.done_on}: {record.title}"
            body = measure_command(
                record.vehicle_id,
                record.record_id,
                record.who,
                f"{day[:1].upper()}{day[1:]}",
                _measured_us(record),
                record.tests(),
                confirmed,
            )
            offset = append_command(open_log(workspace), record.vehicle_id, body, "maintenance")
            told.append(registry.workshop.told_test(record.record_id, offset))
    return told


def _twin(workspace: Workspace, registry: Registry, vehicle_id: str) -> tuple[TwinVersion, PackModel | None, PackSpec]:
    """What is deployed, its model (None for one that is driven by no current) and its pack."""
    version = registry.deployed(vehicle_id)
    if version is None:
        raise InputError(
            f"vehicle {vehicle_id!r} has no twin yet that could take a test in: enter the work without it, and add the "
            "test with `twinpack maintenance done ID` once `twinpack run` has made the twin"
        )
    prototype = Prototype.from_artifact(workspace.artifacts(registry).load(version.model_hash), version.model_hash)
    try:
        model = None if prototype.kind == ROUTE else pack_model(prototype.kind, prototype.model)
        return version, model, registry.fleet.loaded(registry.vehicle(vehicle_id).pack)
    except (KeyError, TypeError, ValueError) as error:
        raise NotFoundError(f"model {version.model_hash[:12]} of vehicle {vehicle_id!r} cannot be used here") from error


def _check_plausible(field: str, value: float, model: PackModel, test: WorkshopTest, pack: PackSpec) -> None:
    if test.name == CAPACITY:
        new, (least, most), unit, of = pack.capacity_ah, CAPACITY_RANGE, "Ah", "rated capacity"
    else:
        new = expected(model, test, np.array([one.mean for one in model.living]))[0]
        (least, most), unit, of = RESISTANCE_RANGE, "mΩ", "resistance of a new pack in such a pulse"
    if not least * new <= value <= most * new:
        raise InputError(
            f"{field} {value:g} is {number(100.0 * value / new)} % of the {of}, {new:.4g} {unit}; from "
            f"{100 * least:.0f} to {100 * most:.0f} % can be. Is it of the whole pack, in {unit}?"
        )


def _contradiction(field: str, one: Judged) -> str:
    unit = "Ah" if one.test.name == CAPACITY else "mΩ"
    known = with_uncertainty(one.prior, 2.0 * one.prior_sd)
    return (
        f"{field} {one.test.value:g} contradicts the twin, which knows {known} {unit}: {abs(one.sigma):.1f} standard "
        f"deviations, and more than {MOST_SIGMA:g} are not taken in unasked. Look at the figure, its unit and the "
        "vehicle; --confirm takes it in all the same and has the twin doubt what it knew"
    )


def _check_replaced(registry: Registry, record: MaintenanceRecord) -> None:
    """A test of a battery that is no longer in the vehicle says nothing."""
    for other in registry.workshop.records(record.vehicle_id, DONE, REPLACEMENT):
        if other.record_id != record.record_id and other.done_on > record.done_on:
            raise InputError(
                f"done_on {record.done_on} is before the replacement on {other.done_on} (record {other.record_id}): "
                "the test was of another battery"
            )


def _grown(registry: Registry, version: TwinVersion, model: PackModel | None) -> Any:
    """Covariance of what is deployed, with the drift up to the vehicle's last sample where it goes with days."""
    cov = square(version.covariance, len(version.mean))
    if model is None or model.clock != "days" or any(one.rate_of for one in model.living):
        return cov
    last_us = _last_seen_us(registry.latest_of(version.vehicle_id))
    days = max((last_us or version.sample_time_us) - version.sample_time_us, 0) / _DAY_US
    cov[np.diag_indices(len(cov))] += np.array([one.drift**2 for one in model.living]) * days
    return cov


def _age_days(registry: Registry, record: MaintenanceRecord) -> float:
    last_us = _last_seen_us(registry.latest_of(record.vehicle_id))
    return max((last_us or 0) - _measured_us(record), 0) / _DAY_US


def _last_seen_us(latest: Mapping[str, Any]) -> int | None:
    value = latest.get("last_seen_us")
    return value if isinstance(value, int) else None


def _measured_us(record: MaintenanceRecord) -> int:
    """Noon of the day of the test, UTC: its time of day is not told."""
    noon = datetime.fromisoformat(record.done_on).replace(tzinfo=UTC) + timedelta(hours=12)
    return int(noon.timestamp() * 1e6)
