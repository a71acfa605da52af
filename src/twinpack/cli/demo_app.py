"""The demo's app: the whole service on the demo's workspace with its fleet driving on, looked at as its users would."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinpack.errors import CheckError, WorkspaceError

if TYPE_CHECKING:
    import httpx

    from twinpack.runtime.supervisor import Supervisor
    from twinpack.store.registry import Registry

ACCOUNTS = ("admin", "operator", "technician", "owner")
"""The demo's accounts, each named as its role."""

_START_S = 300.0
_PATIENCE_S = 60.0
_LOOK_S = 0.25


@dataclass(frozen=True)
class App:
    """The app as it was looked at.

    Attributes:
        url: Where it is.
        accounts: Who may sign in.
        password: The password of each.
        seen: What was seen, in words.
    """

    url: str
    accounts: tuple[str, ...]
    password: str
    seen: tuple[str, ...]


@contextmanager
def looked_at(home: Path, port: int | None, vehicles: int, faulty: str) -> Iterator[App]:
    """Serve the app on a demo's workspace and look at it; it is served until the context ends.

    Args:
        home: The workspace.
        port: The app's port; None takes the usual one, or a free one where that is taken.
        vehicles: How many vehicles there must be.
        faulty: The vehicle with the planted faults.

    Raises:
        WorkspaceError: The service does not begin.
        CheckError: Something in the app is not as it must be.
    """
    from twinpack.cli.serve import Manner, claimed, supervisor_of
    from twinpack.store.workspace import Workspace

    workspace = Workspace.open(home, create=False)
    with workspace.registry() as registry:
        accounts = make_accounts(registry, faulty)
    usual = workspace.settings.api.port
    chosen = port if port is not None else usual if _is_free(usual) else 0
    manner = Manner(port=chosen, simulated_fleet=True, log_level="error")
    with claimed(workspace, manner), served(supervisor_of(workspace, manner)) as url:
        yield App(url, ACCOUNTS, accounts.password, tuple(look(url, accounts, vehicles, faulty)))


def _is_free(port: int) -> bool:
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True)
class Accounts:
    """The demo's accounts: they share a password, and the owner has one vehicle."""

    password: str
    owned: str


def make_accounts(registry: Registry, faulty: str) -> Accounts:
    """Make an account of each role; the owner is given a vehicle with its whole history.

    Args:
        registry: Of the workspace.
        faulty: The vehicle that is not the owner's, if there is another.
    """
    from twinpack.store.fleet_records import DEFAULT_FLEET
    from twinpack.store.identity.passwords import make_password
    from twinpack.store.identity.records import UserRecord

    password = make_password()
    for role in ACCOUNTS:
        fleets = (DEFAULT_FLEET,) if role in ("operator", "technician") else ()
        registry.users.add(UserRecord(role, role, role.capitalize(), fleets), password)
    known = registry.vehicles()
    owned = next((vehicle for vehicle in known if vehicle.vehicle_id != faulty), known[0])
    registry.grants.give(owned.vehicle_id, "owner", "operator", from_us=owned.first_seen_us)
    return Accounts(password, owned.vehicle_id)


@contextmanager
def served(supervisor: Supervisor) -> Iterator[str]:
    """Run the service; gives the app's address once all of it is at work.

    Raises:
        WorkspaceError: It does not begin.
    """
    stopped = threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(stopped,))
    thread.start()
    try:
        until = time.monotonic() + _START_S
        while not supervisor.at_work.wait(_LOOK_S):
            if not thread.is_alive() or time.monotonic() > until:
                raise WorkspaceError("the demo's service did not begin; what it said stands above")
        yield supervisor.said["api"]
    finally:
        stopped.set()
        thread.join()


def look(url: str, accounts: Accounts, vehicles: int, faulty: str) -> list[str]:
    """Look at the app as its users would; returns what was seen, in words.

    Args:
        url: Where it is.
        accounts: Who signs in.
        vehicles: How many vehicles there must be.
        faulty: The vehicle whose lost isolation must be an alarm.

    Raises:
        CheckError: Something is not as it must be.
    """
    import httpx

    with httpx.Client(base_url=url, timeout=_PATIENCE_S) as client:
        page = client.get("/")
        _check(page.status_code == 200 and 'id="root"' in page.text, "the app's first page is not served")
        _check(client.get("/v1/vehicles").status_code == 401, "one who has not signed in is answered")
        operator = _signed_in(client, "operator", accounts.password)
        summary = _reporting(client, operator)
        _check(summary["vehicles"] == vehicles, f"the fleet page counts {summary['vehicles']} vehicles")
        alarm = _isolation_alarm(client, operator, faulty)
        _comment(client, operator, alarm)
        seconds = _live(client, operator)
        owner = _signed_in(client, "owner", accounts.password)
        mine = _get(client, owner, "/v1/vehicles")["items"]
        _check([row["vehicle_id"] for row in mine] == [accounts.owned], "the owner does not see the own vehicle alone")
        hidden = client.get(f"/v1/vehicles/{faulty}", headers=owner).status_code
        _check(faulty == accounts.owned or hidden == 404, "the owner sees another's vehicle")
    return [
        f"fleet page: {summary['vehicles']} vehicles, {summary['reporting']} reporting now",
        f"{alarm['title']} of {faulty} is in the inbox",
        f"a live value changed within {seconds:.1f} s",
        "an owner sees the own vehicle only",
    ]


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise CheckError(f"the demo's app: {problem}")


def _signed_in(client: httpx.Client, name: str, password: str) -> dict[str, str]:
    answer = client.post("/v1/auth/token", json={"username": name, "password": password})
    _check(answer.status_code == 200, f"{name} cannot sign in ({answer.status_code})")
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _get(client: httpx.Client, who: dict[str, str], path: str) -> Any:
    answer = client.get(path, headers=who)
    _check(answer.status_code == 200, f"{path} answers {answer.status_code}: {answer.text[:200]}")
    return answer.json()


def _isolation_alarm(client: httpx.Client, who: dict[str, str], vehicle: str) -> dict[str, Any]:
    from twinpack.cli.demo_fault import ISOLATION_CODES

    found: list[dict[str, Any]] = _get(client, who, f"/v1/alarms?vehicle_id={vehicle}")["items"]
    planted = [alarm for alarm in found if alarm["code"] in ISOLATION_CODES]
    _check(bool(planted), f"no alarm tells of the lost isolation of {vehicle}")
    return planted[0]


def _comment(client: httpx.Client, who: dict[str, str], alarm: dict[str, Any]) -> None:
    path = f"/v1/alarms/{alarm['alarm_id']}/comment"
    answer = client.post(path, headers=who, json={"comment": "Seen by the demo."})
    _check(answer.status_code == 200, f"{path} answers {answer.status_code}: {answer.text[:200]}")


def _reporting(client: httpx.Client, who: dict[str, str]) -> Any:
    """The figures of the fleet page, once vehicles report."""
    summary: dict[str, Any] = {}

    def reporting() -> bool:
        summary.update(_get(client, who, "/v1/fleet/summary"))
        return bool(summary["reporting"])

    _until(reporting, "no vehicle reports")
    return summary


def _live(client: httpx.Client, who: dict[str, str]) -> float:
    """Seconds until there is a newer value of the vehicle that was seen last."""
    [newest] = _get(client, who, "/v1/vehicles?limit=1&sort=-last_seen_at")["items"]
    path = f"/v1/vehicles/{newest['vehicle_id']}/latest"
    before, began = _get(client, who, path)["at"], time.monotonic()
    _until(lambda: _get(client, who, path)["at"] != before, "no live value changes")
    return time.monotonic() - began


def _until(happened: Callable[[], bool], problem: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not happened():
        _check(time.monotonic() < until, problem)
        time.sleep(_LOOK_S)
