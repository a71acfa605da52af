"""What people do over HTTP: to alarms, twins and maintenance; how it is answered, and what the audit log says of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pyarrow as pa
import pytest

from tests.api.conftest import client, registry, service, workspace
from tests.store.alarms.made import finding
from tests.views.lives import COUNT, lived, start_us
from twinpack.ingest.log import SegmentLog
from twinpack.store.registry import MAIN_STREAM, Registry
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import tick_row

__all__ = ["client", "registry", "service", "workspace"]


@pytest.fixture(autouse=True)
def life(workspace: Workspace, registry: Registry) -> Iterator[None]:
    lived(workspace, registry, "north-1", "south-1")
    end = registry.offset()
    SegmentLog(workspace.log_dir).append([tick_row(start_us(COUNT))])
    registry.commit_batch(MAIN_STREAM, end, end + 1, [finding(end, vehicle="north-1")], {})
    yield


def last_entry(registry: Registry) -> tuple[str, str, dict[str, Any]]:
    entry = registry.audit_log.entries(limit=1)[0]
    return entry.action, entry.subject, entry.detail


def test_an_alarm_is_acted_on(client: httpx.Client, registry: Registry) -> None:
    (alarm,) = client.get("/v1/alarms").raise_for_status().json()["items"]
    path = f"/v1/alarms/{alarm['alarm_id']}"
    body = {"comment": "seen", "revision": alarm["revision"]}
    assert client.post(f"{path}/acknowledge", json=body).raise_for_status().json()["state"] == "acknowledged"
    assert last_entry(registry) == ("act", alarm["alarm_id"], {"action": "acknowledge", "vehicle": "north-1"})
    late = client.post(f"{path}/assign", json={"assignee": "kim", "revision": alarm["revision"]})
    assert (late.status_code, "changed meanwhile" in late.json()["detail"]) == (409, True)
    again = client.post(f"{path}/acknowledge", json={})
    assert (again.status_code, "acknowledged before" in again.json()["detail"]) == (422, True)
    assert client.get(path).raise_for_status().json()["history"][-1]["comment"] == "seen"
    assert client.get(f"{path}/signals").raise_for_status().json()["note"]


def test_many_alarms_are_acted_on(client: httpx.Client, registry: Registry) -> None:
    alarm_id = client.get("/v1/alarms").json()["items"][0]["alarm_id"]
    body = {"alarm_ids": ["0" * 12, alarm_id], "action": "clear", "body": {"comment": "dried", "confirmed": True}}
    items = client.post("/v1/alarms/bulk", json=body).raise_for_status().json()["items"]
    assert [item["done"] for item in items] == [False, True]
    assert last_entry(registry) == ("bulk", "", {"action": "clear", "alarms": [alarm_id]})


def test_a_twin_goes_back(client: httpx.Client, registry: Registry) -> None:
    path = "/v1/vehicles/north-1/rollback"
    preview = client.get(path, params={"to_version": 2}).raise_for_status().json()
    assert (preview["allowed"], preview["new_version"]) == (True, 5)
    answer = client.post(path, json={"to_version": 2, "reason": "sensor swap"})
    assert (answer.status_code, answer.json()["done"]) == (202, False)
    said = {"to_version": 2, "offset": answer.json()["offset"]}
    assert last_entry(registry) == ("rollback", "north-1", said)
    refused = client.post(path, json={"to_version": 3})
    assert (refused.status_code, "refused" in refused.json()["detail"]) == (422, True)
    assert client.post(path, json={"to_version": 99}).status_code == 404


def test_maintenance_comes_and_goes(client: httpx.Client, registry: Registry) -> None:
    asked = {"kind": "inspection", "title": "yearly"}
    added = client.post("/v1/vehicles/north-1/maintenance", json=asked)
    assert added.status_code == 201
    record_id = added.json()["record_id"]
    said = {"record_id": record_id, "kind": "inspection", "status": "planned"}
    assert last_entry(registry) == ("add", "north-1", said)
    path = f"/v1/maintenance/{record_id}"
    client.patch(path, json={"status": "done", "revision": 0}).raise_for_status()
    assert last_entry(registry)[2] == {"vehicle": "north-1", "fields": ["status"], "status": "done"}
    assert client.patch(path, json={"notes": "late", "revision": 0}).status_code == 409
    assert client.delete(path).status_code == 204
    assert last_entry(registry) == ("remove", record_id, {"vehicle": "north-1"})
    assert client.delete(path).status_code == 404


def test_twins_are_read(client: httpx.Client) -> None:
    twin = client.get("/v1/vehicles/north-1/twin", params={"at": "2024-01-01T00:00:00Z"}).raise_for_status().json()
    assert (twin["deployed_version"], twin["chain"]) == (4, "verified")
    for path in ("twin/history", "versions", "versions/4", "versions/compare?a=1&b=4", "explain", "trips/3/prediction"):
        client.get(f"/v1/vehicles/north-1/{path}").raise_for_status()
    for path in ("twin", "versions", "explain", "trips/3/prediction", "rollback?to_version=1"):
        assert client.get(f"/v1/vehicles/nobody/{path}").status_code == 404


def test_sql_is_answered_in_json_and_in_arrow(client: httpx.Client) -> None:
    body = {"sql": "select vehicle_id, count(*) as trips from trips group by all order by 1"}
    found = client.post("/v1/query", json=body).raise_for_status().json()
    assert (found["columns"], found["rows"]) == (["vehicle_id", "trips"], [["north-1", 5], ["south-1", 5]])
    answer = client.post("/v1/query", params={"format": "arrow"}, json=body | {"limit": 1}).raise_for_status()
    with pa.ipc.open_stream(io.BytesIO(answer.content)) as reader:
        table = reader.read_all()
    assert (table.to_pylist(), table.schema.metadata) == (
        [{"vehicle_id": "north-1", "trips": 5}],
        {b"truncated": b"true"},
    )
    assert client.post("/v1/query", json={"sql": "drop table trips"}).status_code == 422


def test_how_data_comes_in_is_read(client: httpx.Client) -> None:
    assert client.get("/v1/ingest").raise_for_status().json()["gateway"] == "stopped"
    for path in ("imports", "dead-letters", "maintenance"):
        assert client.get(f"/v1/{path}").raise_for_status().json()["page"]["total"] == 0
