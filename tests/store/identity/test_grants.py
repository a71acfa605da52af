from __future__ import annotations

import pytest

from twinpack.errors import InputError, NotFoundError
from twinpack.store.fleet_records import VehicleEntry
from twinpack.store.identity.records import UserRecord
from twinpack.store.registry import Registry

NOW_US = 1_700_000_000_000_000
DAY_US = 86_400_000_000
FAR_US = 4_000_000_000_000_000


@pytest.fixture
def owners(registry: Registry) -> Registry:
    registry.fleet.enter([VehicleEntry("car-1", pack="sim_nmc_96s"), VehicleEntry("car-2", pack="sim_nmc_96s")])
    for name in ("anna", "bert"):
        registry.users.add(UserRecord(name, "owner", built_in=False))
    registry.users.add(UserRecord("tom", "technician", built_in=False))
    return registry


def spans(registry: Registry, name: str, at_us: int) -> dict[str, tuple[int | None, int | None]]:
    return dict(registry.grants.granted(name, at_us).spans)


def test_a_grant_opens_the_vehicle_for_its_time(owners: Registry) -> None:
    given = owners.grants.give("car-1", "Anna", "root", from_us=NOW_US - DAY_US, until_us=NOW_US + DAY_US, at_us=NOW_US)
    assert (given.username, given.kind) == ("anna", "owner")
    assert spans(owners, "anna", NOW_US) == {"car-1": (NOW_US - DAY_US, NOW_US + DAY_US)}
    assert spans(owners, "anna", NOW_US + DAY_US) == {}
    assert spans(owners, "bert", NOW_US) == {}
    assert owners.grants.owner("car-1", NOW_US) == given
    assert owners.grants.owner("car-2", NOW_US) is None
    assert owners.grants.owner("car-1", NOW_US + DAY_US) is None


@pytest.mark.parametrize("name", ["tom", "nobody"])
def test_only_owners_are_given_vehicles_and_others_are_told_alike(owners: Registry, name: str) -> None:
    with pytest.raises(InputError, match=f"no account '{name}' with role owner"):
        owners.grants.give("car-1", name, "root", at_us=NOW_US)


def test_a_vehicle_has_one_owner_until_it_is_handed_on(owners: Registry) -> None:
    first = owners.grants.give("car-1", "anna", "root", at_us=NOW_US)
    with pytest.raises(InputError, match="has an owner"):
        owners.grants.give("car-1", "bert", "root", at_us=NOW_US + 1)
    with pytest.raises(InputError, match="already"):
        owners.grants.give("car-1", "anna", "root", transfer=True, at_us=NOW_US + 1)
    owners.grants.give("car-1", "bert", "anna", transfer=True, at_us=NOW_US + DAY_US)
    assert owners.grants.grant(first.grant_id).ended_at_us == NOW_US + DAY_US
    assert spans(owners, "anna", NOW_US + DAY_US) == {}
    assert spans(owners, "bert", NOW_US + DAY_US) == {"car-1": (NOW_US + DAY_US, None)}


def test_who_hands_on_gives_no_more_than_it_has(owners: Registry) -> None:
    owners.grants.give("car-1", "anna", "root", until_us=NOW_US + DAY_US, at_us=NOW_US)
    with pytest.raises(InputError, match="your own right"):
        owners.grants.give("car-1", "bert", "anna", until_us=NOW_US + 2 * DAY_US, transfer=True, at_us=NOW_US + 1)
    owners.grants.give("car-1", "bert", "anna", transfer=True, at_us=NOW_US + 1)
    assert spans(owners, "bert", NOW_US + 2) == {"car-1": (NOW_US + 1, NOW_US + DAY_US)}
    assert spans(owners, "bert", NOW_US + DAY_US) == {}


@pytest.mark.parametrize("name", ["bert", "tom", "nobody"])
def test_what_cannot_be_handed_on_tells_of_no_account(owners: Registry, name: str) -> None:
    owners.grants.give("car-1", "anna", "root", until_us=NOW_US + DAY_US, at_us=NOW_US)
    for until_us, wrong in ((NOW_US - 1, "passed"), (NOW_US + 2 * DAY_US, "your own right")):
        with pytest.raises(InputError, match=wrong):
            owners.grants.give("car-1", name, "anna", until_us=until_us, transfer=True, at_us=NOW_US + 1)


def test_nobody_is_shown_what_was_another_owners(owners: Registry) -> None:
    owners.grants.give("car-1", "anna", "root", from_us=NOW_US - 5 * DAY_US, at_us=NOW_US)
    with pytest.raises(InputError, match="another owner's"):
        owners.grants.give("car-1", "bert", "root", from_us=NOW_US - DAY_US, transfer=True, at_us=NOW_US)
    assert spans(owners, "anna", NOW_US), "what was refused ended nothing"
    owners.users.remove("anna")
    with pytest.raises(InputError, match="another owner's"):
        owners.grants.give("car-1", "bert", "root", from_us=NOW_US - DAY_US, at_us=NOW_US + DAY_US)


@pytest.mark.parametrize(("begin", "end", "wrong"), [(1, None, "later"), (-2, -1, "passed"), (None, 0, "passed")])
def test_times_that_cannot_be_are_refused(owners: Registry, begin: int | None, end: int | None, wrong: str) -> None:
    times = [None if at is None else NOW_US + at for at in (begin, end)]
    with pytest.raises(InputError, match=wrong):
        owners.grants.give("car-1", "anna", "root", from_us=times[0], until_us=times[1], at_us=NOW_US)


def test_an_owner_shares_and_the_share_ends_with_the_own_right(owners: Registry) -> None:
    own = owners.grants.give("car-1", "anna", "root", from_us=NOW_US - DAY_US, at_us=NOW_US)
    owners.grants.share("car-1", "anna", "BERT", NOW_US + 9 * DAY_US, NOW_US)
    granted = owners.grants.granted("bert", NOW_US)
    assert dict(granted.spans) == {"car-1": (NOW_US - DAY_US, NOW_US + 9 * DAY_US)}
    assert granted.shared == {"car-1"}
    owners.grants.end(own.grant_id, NOW_US + DAY_US)
    assert spans(owners, "bert", NOW_US + DAY_US) == {}


def test_a_share_ends_by_itself(owners: Registry) -> None:
    owners.grants.give("car-1", "anna", "root", at_us=NOW_US)
    owners.grants.share("car-1", "anna", "tim", NOW_US + DAY_US, NOW_US)
    assert spans(owners, "tim", NOW_US + DAY_US - 1)
    assert spans(owners, "tim", NOW_US + DAY_US) == {}


@pytest.mark.parametrize("way", ["transfer", "removal"])
def test_a_share_ends_with_its_givers_right(owners: Registry, way: str) -> None:
    owners.grants.give("car-1", "anna", "root", at_us=NOW_US)
    owners.grants.share("car-1", "anna", "tim", FAR_US, NOW_US)
    assert spans(owners, "tim", NOW_US + 1)
    if way == "transfer":
        owners.grants.give("car-1", "bert", "anna", transfer=True, at_us=NOW_US + 2)
    else:
        owners.users.remove("anna")
    assert spans(owners, "tim", NOW_US + 3) == {}


def test_sharing_again_renews_and_does_not_pile_up(owners: Registry) -> None:
    owners.grants.give("car-1", "anna", "root", at_us=NOW_US)
    owners.grants.share("car-1", "anna", "bert", NOW_US + DAY_US, NOW_US)
    owners.grants.share("car-1", "anna", "bert", NOW_US + 2 * DAY_US, NOW_US + 1)
    active = [grant for grant in owners.grants.grants("car-1", "bert") if grant.active(NOW_US + 2)]
    assert [grant.until_us for grant in active] == [NOW_US + 2 * DAY_US]


def test_what_is_not_owned_is_not_shared(owners: Registry) -> None:
    own = owners.grants.give("car-1", "anna", "root", until_us=NOW_US + 5 * DAY_US, at_us=NOW_US)
    owners.grants.share("car-1", "anna", "bert", NOW_US + DAY_US, NOW_US)
    for owner, vehicle in (("bert", "car-1"), ("anna", "car-2")):
        with pytest.raises(NotFoundError):
            owners.grants.share(vehicle, owner, "tom", NOW_US + DAY_US, NOW_US)
    with pytest.raises(InputError, match="after your own"):
        owners.grants.share("car-1", "anna", "tom", NOW_US + 6 * DAY_US, NOW_US)
    with pytest.raises(InputError, match="your own already"):
        owners.grants.share("car-1", "anna", "Anna", NOW_US + DAY_US, NOW_US)
    with pytest.raises(InputError, match="passed"):
        owners.grants.share("car-1", "anna", "tom", NOW_US, NOW_US)
    owners.grants.end(own.grant_id, NOW_US + 1)
    with pytest.raises(NotFoundError):
        owners.grants.share("car-1", "anna", "tom", NOW_US + DAY_US, NOW_US + 2)


def test_a_share_with_nobody_does_not_wait_for_one_of_that_name(owners: Registry) -> None:
    owners.grants.give("car-1", "anna", "root", at_us=NOW_US)
    owners.grants.share("car-1", "anna", "newcomer", FAR_US, NOW_US)
    owners.users.add(UserRecord("Newcomer", "owner", built_in=False))
    assert spans(owners, "Newcomer", NOW_US + 1) == {}
    assert spans(owners, "newcomer", NOW_US + 1) == {}


def test_ending_twice_keeps_the_first_end(owners: Registry) -> None:
    given = owners.grants.give("car-1", "anna", "root", at_us=NOW_US)
    owners.grants.end(given.grant_id, NOW_US + 1)
    assert owners.grants.end(given.grant_id, NOW_US + 2).ended_at_us == NOW_US + 1
    with pytest.raises(NotFoundError):
        owners.grants.end("nothing", NOW_US)
