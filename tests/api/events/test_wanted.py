"""Who is told what: the kinds asked for, of the vehicles and times that may be seen, and never more."""

from __future__ import annotations

import pytest

from tests.views.conftest import views as views
from tests.views.conftest import workspace as workspace
from tests.views.seers import LEAD, MECHANIC, NORTH, READER, seer
from twinpack.api.events.messages import Message
from twinpack.api.events.wanted import RIGHT_OF, kinds_of, wanted_by
from twinpack.errors import AccessError, InputError, NotFoundError
from twinpack.store.changes import Place
from twinpack.views.opened import Views
from twinpack.views.shapes.events import EventKind
from twinpack.views.sight import Role, Sight, Span

ALL = kinds_of(None)


def message(kind: EventKind, vehicle: str, time_us: int = 100) -> Message:
    return Message(kind, vehicle, vehicle.partition("-")[0], time_us, Place(0), b"")


def told(views: Views, who: Sight, vehicle: str, time_us: int = 100) -> set[str]:
    wanted = wanted_by(views, who, ALL, None)
    return {kind for kind in RIGHT_OF if wanted.tells(message(kind, vehicle, time_us))}


def test_each_role_is_told_of_its_own_fleets_what_it_may_see(views: Views) -> None:
    assert told(views, LEAD, "south-1") == {"alarm", "trip", "version"}
    assert told(views, NORTH, "north-1") == told(views, READER, "north-1") == {"alarm", "trip", "version"}
    assert told(views, MECHANIC, "north-1") == {"alarm"}
    for who in (NORTH, READER, MECHANIC):
        assert told(views, who, "south-1") == set()


def test_an_owner_is_told_of_its_own_vehicle_and_time(views: Views) -> None:
    owner = seer(Role.OWNER, vehicles={"north-1": Span(50, 200)})
    assert told(views, owner, "north-1", 50) == {"trip"}
    assert told(views, owner, "north-1", 49) == told(views, owner, "north-1", 200) == set()
    assert told(views, owner, "north-2") == set()


def test_how_data_comes_in_is_for_those_who_look_after_it(views: Views) -> None:
    assert wanted_by(views, NORTH, ALL, None).ingest
    assert not wanted_by(views, READER, ALL, None).ingest


def test_a_vehicle_that_may_not_be_seen_is_as_one_that_is_not_there(views: Views) -> None:
    refused = []
    for vehicle in ("south-1", "west-1"):
        with pytest.raises(NotFoundError) as error:
            wanted_by(views, NORTH, ALL, vehicle)
        refused.append(str(error.value))
    assert refused[0] == refused[1]


def test_one_who_may_see_none_of_it_is_refused(views: Views) -> None:
    with pytest.raises(AccessError):
        wanted_by(views, seer(Role.DEVICE, vehicles={"north-1": Span()}), kinds_of("alarm,trip"), None)


def test_one_vehicle_alone(views: Views) -> None:
    wanted = wanted_by(views, NORTH, ALL, "north-1")
    assert wanted.tells(message("trip", "north-1"))
    assert not wanted.tells(message("trip", "north-2"))
    assert wanted.latest is not None and wanted.latest.vehicle_id == "north-1"


def test_kinds_that_are_not_known_are_named() -> None:
    assert kinds_of("alarm, trip,") == {"alarm", "trip"}
    with pytest.raises(InputError, match="there is no 'weather'"):
        kinds_of("alarm,weather")
