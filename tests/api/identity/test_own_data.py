"""An owner takes along what is kept, and has it erased."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from tests.api.identity.people import SINCE_US, People
from tests.views.samples import built, rows, sealed
from twinpack.runtime.erasing import SETTLED_US, erase_due
from twinpack.store.registry import Registry
from twinpack.store.tables import TELEMETRY
from twinpack.store.workshop.records import MaintenanceRecord
from twinpack.store.workspace import Workspace

SINCE_S = SINCE_US // 1_000_000
VIN = "WBY1Z21060V300001"


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    """With samples of two cars, from before the grant of the one and from after it."""
    sealed(workspace, *(rows(name, [SINCE_S - 5, SINCE_S, SINCE_S + 5]) for name in ("north-1", "north-2")))
    built(workspace)
    with workspace.registry() as registry:
        registry.fleet.change("north-1", vin=VIN, label="Anna's car", notes="call Anna")
        registry.workshop.add(
            MaintenanceRecord(
                "north-1", "inspection", "look", "done", done_on="2026-02-12", notes="Anna waits", who="x"
            )
        )
    return workspace


def test_an_owner_takes_all_along_that_is_kept(people: People, workspace: Workspace) -> None:
    people["nora"].get("/v1/vehicles/north-1/telemetry")
    answer = people["anna"].get("/v1/me/data")
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert json.loads(archive.read("account.json"))["username"] == "anna"
        assert json.loads(archive.read("north-1/vehicle.json"))["vin"] == VIN
        assert [one["title"] for one in json.loads(archive.read("north-1/maintenance.json"))] == ["look"]
        assert {one["kind"] for one in json.loads(archive.read("grants.json"))} == {"owner", "shared"}
        read = [one for one in json.loads(archive.read("log.json")) if one["action"] == "read.telemetry"]
        assert [one["who"] for one in read] == ["nora"]
        table = pq.read_table(io.BytesIO(archive.read("north-1/telemetry.parquet")))
    assert {"README.txt", "north-1/trips.parquet", "north-1/versions.json", "north-1/features.parquet"} <= names
    assert not any("north-2" in name or "south" in name for name in names)
    times = [time.timestamp() for time in table.column("sample_time").to_pylist()]
    assert times == [SINCE_S, SINCE_S + 5], "not what was measured before it was hers"
    assert b"argon2" not in answer.content


@pytest.mark.parametrize("name", ["cleo", "bert"])
def test_what_is_shared_or_was_once_owned_is_not_taken_along(people: People, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(people[name].get("/v1/me/data").content)) as archive:
        assert set(archive.namelist()) == {"README.txt", "account.json", "log.json", "grants.json"}


@pytest.mark.parametrize("name", ["root", "nora", "tom"])
def test_only_owners_have_data_of_their_own(people: People, name: str) -> None:
    assert people[name].get("/v1/me/data").status_code == 403
    assert people[name].delete("/v1/me/data").status_code == 403


def test_an_owner_who_is_erased_leaves_no_name(people: People, workspace: Workspace, registry: Registry) -> None:
    people["anna"].get("/v1/vehicles/north-1/health")
    people["root"].patch("/v1/users/anna", display_name="Anna K.")
    people["nora"].get("/v1/vehicles/north-1/telemetry")
    erased = people["anna"].delete("/v1/me/data")
    assert erased.status_code == 202
    assert "twinpack_session" not in people["anna"].http.cookies
    assert registry.users.find("anna") is None
    assert people["cleo"].get("/v1/vehicles/north-1/health").status_code == 404, "what she shared has ended"
    entry = registry.fleet.entry("north-1")
    assert entry is not None
    assert (entry.vin, entry.label, entry.notes) == (None, "", "")
    assert [one.notes for one in registry.workshop.records("north-1")] == [""]
    log = registry.audit_log.entries()
    assert "anna" not in str(log).lower()
    (done,) = [one for one in log if one.action == "erase_own_data"]
    assert done.who.startswith("person-")
    assert {one.action for one in log if one.who == done.who} == {"erase_own_data", "sign-in"}
    assert "anna" not in str(registry.grants.grants())


def test_what_the_car_measured_is_erased_from_the_lake(
    people: People, workspace: Workspace, registry: Registry
) -> None:
    def times(name: str) -> list[int]:
        found = workspace.lake().read(TELEMETRY, ["sample_time"], vehicle=name).column("sample_time").to_pylist()
        return [round(time.timestamp()) for time in found]

    assert people["anna"].delete("/v1/me/data").status_code == 202
    (asked,) = registry.erasures.open()
    assert (asked.vehicle_id, asked.from_us) == ("north-1", SINCE_US)
    assert erase_due(workspace, registry)["samples_erased"] == 2
    assert times("north-1") == [SINCE_S - 5]
    assert times("north-2") == [SINCE_S - 5, SINCE_S, SINCE_S + 5]
    assert registry.erasures.open() == [asked], "what was on its way is waited for"
    late = asked.asked_at_us + SETTLED_US
    assert erase_due(workspace, registry, late) == {"samples_erased": 0, "rows_erased": 0, "erasures_failed": 0}
    assert registry.erasures.open() == []


def test_an_erasure_that_fails_is_tried_again(people: People, workspace: Workspace, registry: Registry) -> None:
    assert people["anna"].delete("/v1/me/data").status_code == 202
    files = list((workspace.lake_dir / "telemetry").rglob("*.parquet"))
    kept = {path: path.read_bytes() for path in files}
    for path in files:
        path.write_bytes(b"")
    later = round(datetime.now(UTC).timestamp() * 1e6) + SETTLED_US
    assert erase_due(workspace, registry, later)["erasures_failed"] == 1
    assert "telemetry" in registry.erasures.open()[0].problem
    for path, data in kept.items():
        path.write_bytes(data)
    assert erase_due(workspace, registry, later)["samples_erased"] == 2
    assert registry.erasures.open() == []
