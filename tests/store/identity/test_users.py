from __future__ import annotations

import pytest

from twinpack.errors import IdentityError, InputError, NotFoundError
from twinpack.store.fleet_records import FleetRecord
from twinpack.store.identity import passwords
from twinpack.store.identity.first_user import ensure_first_user
from twinpack.store.identity.records import ROLES, UserRecord
from twinpack.store.identity.users import Attempt
from twinpack.store.registry import Registry
from twinpack.views.sight import Role

NOW_US = 1_700_000_000_000_000
MINUTE_US = 60_000_000
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing as weak as argon2 allows: what is tested here is not how long guessing takes."""
    from argon2 import PasswordHasher

    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: hasher)
    passwords._no_password.cache_clear()  # noqa: SLF001


@pytest.fixture
def filled(registry: Registry) -> Registry:
    registry.fleet.create_fleet(FleetRecord("north"))
    registry.users.add(UserRecord("root", "admin"), PASSWORD)
    registry.users.add(UserRecord("m.kern", "operator", "M. Kern", ("north",)), PASSWORD)
    return registry


def attempt(registry: Registry, name: str, password: str, at_us: int = NOW_US) -> Attempt:
    return registry.users.try_password(name, password, failures=3, locked_minutes=15, at_us=at_us)


def test_the_roles_of_accounts_are_those_that_views_know() -> None:
    assert {*ROLES, "device"} == {role.value for role in Role}


def test_an_account_is_kept_without_its_password(filled: Registry) -> None:
    kept = filled.users.user("m.kern")
    assert (kept.display_name, kept.role, kept.fleets, kept.built_in) == ("M. Kern", "operator", ("north",), True)
    assert [user.username for user in filled.users.users()] == ["m.kern", "root"]
    assert PASSWORD not in repr(filled.users.users())


def test_names_differ_by_more_than_capitals(filled: Registry) -> None:
    with pytest.raises(InputError, match="already"):
        filled.users.add(UserRecord("M.Kern", "analyst"), PASSWORD)
    assert filled.users.user("M.KERN").username == "m.kern"
    assert attempt(filled, "M.Kern", PASSWORD).user is not None


@pytest.mark.parametrize(
    ("user", "password", "wrong"),
    [
        (UserRecord("a b", "operator"), PASSWORD, "user name"),
        (UserRecord("x" * 65, "operator"), PASSWORD, "user name"),
        (UserRecord("a", "device"), PASSWORD, "role 'device'"),
        (UserRecord("a", "operator", fleets=("south",)), PASSWORD, "no fleet 'south'"),
        (UserRecord("a", "operator", "x\ny"), PASSWORD, "display_name"),
        (UserRecord("a", "operator"), "short", "12 to 256"),
        (UserRecord("a", "operator"), "x" * 257, "12 to 256"),
        (UserRecord("a", "operator"), "aaaaaaaaaaaaaaaa", "different characters"),
        (UserRecord("operator1234", "operator"), "Operator1234!", "user name"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    filled: Registry, user: UserRecord, password: str, wrong: str
) -> None:
    with pytest.raises(InputError, match=wrong) as refused:
        filled.users.add(user, password)
    assert password not in str(refused.value)
    assert len(filled.users.users()) == 2


def test_the_right_password_signs_in_and_is_remembered(filled: Registry) -> None:
    found = attempt(filled, "m.kern", PASSWORD)
    assert found.user is not None
    assert filled.users.user("m.kern").last_sign_in_us == NOW_US


def test_the_same_accent_typed_in_two_ways_is_one_password(registry: Registry) -> None:
    registry.users.add(UserRecord("a", "analyst"), "caf\u00e9 au lait 7")
    assert attempt(registry, "a", "cafe\u0301 au lait 7").user is not None


@pytest.mark.parametrize("name", ["m.kern", "nobody"])
def test_wrong_passwords_lock_a_name_whether_an_account_has_it_or_not(filled: Registry, name: str) -> None:
    tries = [attempt(filled, name, "wrong, and again") for _ in range(4)]
    assert [found.locked for found in tries] == [False, False, True, False]
    assert attempt(filled, name, PASSWORD, NOW_US + 14 * MINUTE_US).user is None, "even the right one"
    assert (attempt(filled, name, PASSWORD, NOW_US + 16 * MINUTE_US).user is not None) is (name == "m.kern")


def test_a_lock_is_shown_and_undone(filled: Registry) -> None:
    for _ in range(3):
        attempt(filled, "m.kern", "wrong, and again")
    assert filled.users.user("m.kern").locked_until_us == NOW_US + 15 * MINUTE_US
    filled.users.unlock("m.kern")
    assert filled.users.user("m.kern").locked_until_us is None
    assert attempt(filled, "m.kern", PASSWORD).user is not None
    with pytest.raises(NotFoundError):
        filled.users.unlock("nobody")


def test_a_sign_in_forgets_the_wrong_passwords_before_it(filled: Registry) -> None:
    for _ in range(5):
        attempt(filled, "m.kern", "wrong, and again")
        attempt(filled, "m.kern", "wrong, and again")
        assert attempt(filled, "m.kern", PASSWORD).user is not None


def test_names_that_nobody_has_do_not_pile_up(filled: Registry) -> None:
    for number in range(20):
        attempt(filled, f"nobody-{number}", "wrong, and again", NOW_US + number)
    attempt(filled, "nobody", "wrong, and again", NOW_US + 1_000 * MINUTE_US)
    from sqlalchemy import func, select

    from twinpack.store import schema

    query = select(func.count()).select_from(schema.sign_in_failures)
    assert filled.users._database.value(query) == 1  # noqa: SLF001


def test_a_disabled_account_opens_nothing(filled: Registry) -> None:
    filled.users.change("m.kern", disabled=True)
    assert attempt(filled, "m.kern", PASSWORD).user is None


@pytest.mark.parametrize("change", [{"role": "analyst"}, {"fleets": ()}, {"disabled": True}, {"password": PASSWORD}])
def test_sign_ins_end_when_what_may_be_done_changes(filled: Registry, change: dict[str, object]) -> None:
    kept, _ = filled.sessions.begin("m.kern", 10**12)
    gone, _ = filled.sessions.begin("m.kern", 10**12)
    other, _ = filled.sessions.begin("root", 10**12)
    filled.users.change("m.kern", **change, keep_session=kept.session_id)  # type: ignore[arg-type]
    ended = [filled.sessions.find(session.session_id).ended_by for session in (kept, gone, other)]  # type: ignore[union-attr]
    assert ended == ["", "changed", ""]


def test_a_new_name_to_be_called_by_ends_nothing(filled: Registry) -> None:
    session, _ = filled.sessions.begin("m.kern", 10**12)
    assert filled.users.change("m.kern", display_name="Mara").display_name == "Mara"
    found = filled.sessions.find(session.session_id)
    assert found is not None
    assert found.ended_at_us is None


@pytest.mark.parametrize("change", [{"role": "analyst"}, {"disabled": True}])
def test_the_last_administrator_stays(filled: Registry, change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="last administrator"):
        filled.users.change("root", **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="last administrator"):
        filled.users.remove("root")
    filled.users.add(UserRecord("second", "admin"), PASSWORD)
    filled.users.remove("root")
    assert filled.users.find("root") is None


def test_who_is_removed_takes_sign_ins_and_keys_along(filled: Registry) -> None:
    filled.users.add(UserRecord("second", "admin"), PASSWORD)
    _, cookie = filled.sessions.begin("second", 10**12)
    key = filled.keys.add("robot", "analyst", "second")
    filled.users.remove("second")
    assert filled.sessions.of_cookie(cookie) is None
    assert filled.keys.verify(key.key) is None
    with pytest.raises(NotFoundError):
        filled.users.remove("second")


def test_the_first_account_is_made_once(registry: Registry) -> None:
    made = ensure_first_user(registry)
    assert made is not None
    assert made[0] == "admin"
    assert attempt(registry, *made).user is not None
    assert ensure_first_user(registry) is None


# OIDC identities


def test_an_identity_makes_its_account_where_the_token_says_what_for(filled: Registry) -> None:
    made = filled.users.sight_external("https://id.example 17", "anna", "operator", ["north"])
    assert (made.username, made.role, made.fleets, made.built_in) == ("anna", "operator", ("north",), False)
    assert filled.users.sight_external("https://id.example 17", "renamed", None, None) == filled.users.user("anna")
    with pytest.raises(IdentityError, match="no account"):
        filled.users.sight_external("https://id.example 18", "bert", None, None)


def test_an_account_made_beforehand_is_taken_by_one_identity_for_good(filled: Registry) -> None:
    filled.users.add(UserRecord("anna", "technician", fleets=("north",)))
    assert filled.users.sight_external("https://id.example 17", "Anna", None, None).role == "technician"
    with pytest.raises(IdentityError, match="another identity"):
        filled.users.sight_external("https://id.example 18", "anna", "admin", None)


def test_no_identity_takes_an_account_with_a_password(filled: Registry) -> None:
    with pytest.raises(IdentityError, match="another identity"):
        filled.users.sight_external("https://id.example 17", "root", "admin", None)
    assert attempt(filled, "root", PASSWORD).user is not None


def test_what_the_issuer_changes_is_changed_here(filled: Registry) -> None:
    filled.users.sight_external("https://id.example 17", "anna", "admin", None)
    session, _ = filled.sessions.begin("anna", 10**12)
    assert filled.users.sight_external("https://id.example 17", "anna", "analyst", ["north"]).role == "analyst"
    assert filled.users.user("anna").fleets == ("north",)
    found = filled.sessions.find(session.session_id)
    assert found is not None
    assert found.ended_by == "changed"


def test_an_account_of_an_issuer_has_no_password_to_guess(filled: Registry) -> None:
    filled.users.sight_external("https://id.example 17", "anna", "admin", None)
    assert attempt(filled, "anna", "").user is None
    assert attempt(filled, "anna", PASSWORD).user is None
