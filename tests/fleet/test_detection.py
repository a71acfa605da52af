"""Detection within the fold: batches do not matter, commands are obeyed, rules see the twin that is deployed."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.garage import DAY_US, LOOP, PACK, PROTOTYPE, START_US, Drives, healthy, log_of, worn
from twinpack.detect.findings import GONE, RAISED, Finding
from twinpack.detect.rules import shipped_rules
from twinpack.fleet.commands import clear_codes_command, model_command, repair_command, rules_command
from twinpack.fleet.events import FINDING, VERSION, Event
from twinpack.fleet.fold import fold
from twinpack.fleet.state import FoldSettings, ShardState
from twinpack.telemetry.batch import SampleBatch
from twinpack.telemetry.schema import command_rows, tick_row

RULES = shipped_rules()
SILENT = replace(LOOP, keep_steps=False)
CELL = 7


def slowed(drives: Drives) -> Drives:
    """The same drives with three times as long between samples: half an hour each."""
    since = drives.time_us - START_US
    return replace(drives, time_us=START_US + since // DAY_US * DAY_US + 3 * (since % DAY_US))


@cache
def faulty() -> pa.Table:
    """Three vehicles with cells: one loses its isolation, one has a low cell, one sends nonsense in a channel."""
    table = log_of(*(slowed(one) for one in (healthy("a", 4), healthy("b", 4), worn("c", 3))))
    rows, rng = table.num_rows, np.random.default_rng(2)
    names = np.array(table.column("vehicle_id").to_pylist())
    pack_v = np.nan_to_num(table.column("pack_voltage_v").to_numpy(zero_copy_only=False), nan=360.0)
    cells = (pack_v / 96)[:, None] + 0.001 * rng.standard_normal((rows, 96))
    cells[names == "b", CELL - 1] -= 0.06
    nonsense = (names == "c") & (np.arange(rows) > rows // 3)
    cells[nonsense, CELL] = np.nan
    isolation = np.where((names == "a") & (np.arange(rows) > rows // 2), 9.0, 4000.0)
    lists = pa.array([row.tolist() for row in cells.astype(np.float32)], pa.list_(pa.float32()))
    kind = table.column("kind").to_numpy()
    lists = pa.array([row if kind[at] == 0 else None for at, row in enumerate(lists.to_pylist())], lists.type)
    for name, values in {"cell_voltage_v": lists, "isolation_resistance_kohm": pa.array(isolation)}.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), values)
    return pa.concat_tables([table, tick_row(int(table.column("receipt_time").cast(pa.int64())[-1].as_py()) + 10**10)])


def folded(
    table: pa.Table, cuts: list[int] | None = None, state: ShardState | None = None
) -> tuple[ShardState, list[Event]]:
    state = state or ShardState.empty(
        FoldSettings(loop=replace(LOOP, keep_steps=False)), {PACK: PROTOTYPE}, rules=RULES
    )
    events: list[Event] = []
    edges = [0, *sorted(cuts or []), table.num_rows]
    for start, stop in itertools.pairwise(edges):
        state, more = fold(state, SampleBatch.from_arrow(table.slice(start, stop - start), start))
        events += more
    return state, events


def found(events: list[Event]) -> list[Finding]:
    return [event.body for event in events if event.kind == FINDING]


def by_vehicle(events: list[Event]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for event in events:
        if event.kind == FINDING:
            told.setdefault(event.vehicle_id, []).append(f"{event.event_id} {event.offset} {event.body}")
    return told


def ordered(table: pa.Table, body: dict[str, Any], at: int) -> pa.Table:
    """The table with a command before row `at`."""
    time_us = table.column("receipt_time").cast(pa.int64())[max(at - 1, 0)].as_py()
    row = command_rows([body.get("vehicle", "")], [time_us], [json.dumps(body)])
    return pa.concat_tables([table.slice(0, at), row, table.slice(at)])


@pytest.fixture(scope="module")
def whole() -> tuple[ShardState, list[Event]]:
    return folded(faulty())


def test_each_fault_is_found_and_blamed_on_what_is_at_fault(whole: tuple[ShardState, list[Event]]) -> None:
    raised = {(event.vehicle_id, event.body.code): event.body for event in whole[1] if _raised(event)}
    assert raised["a", "P0AA6"].category == "battery"
    assert raised["b", "TP-CELL-LOW"].subject == f"cell {CELL}"
    assert raised["c", "P0B3C"].category == "sensor"
    assert not {code for vehicle, code in raised if vehicle == "c"} & {"P0DE6", "TP-CELL-LOW", "P0BBD"}


def _raised(event: Event) -> bool:
    return event.kind == FINDING and event.body.change == RAISED


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, faulty().num_rows), max_size=6))
def test_batches_do_not_matter(whole: tuple[ShardState, list[Event]], cuts: list[int]) -> None:
    state, events = folded(faulty(), cuts)
    assert by_vehicle(events) == by_vehicle(whole[1])
    assert state.to_bytes() == whole[0].to_bytes()


def test_a_saved_state_goes_on_as_if_nothing_had_been(whole: tuple[ShardState, list[Event]]) -> None:
    table, half = faulty(), faulty().num_rows // 2
    state, before = folded(table.slice(0, half))
    again = ShardState.from_bytes(state.to_bytes())
    after_state, after = fold(again, SampleBatch.from_arrow(table.slice(half), half))
    assert by_vehicle(before + after) == by_vehicle(whole[1])
    assert after_state.to_bytes() == whole[0].to_bytes()


def test_a_state_of_the_release_before_finds_nothing_until_it_is_given_rules() -> None:
    table = faulty()
    state, events = folded(table, state=ShardState.empty(FoldSettings(), {}))
    assert found(events) == []
    body = rules_command(RULES, "Ada", "begin")
    with_rules, events = folded(ordered(table, body, 4), state=ShardState.empty(FoldSettings(), {}))
    assert {one.code for one in found(events)} >= {"P0AA6", "P0B3C"}
    assert len(with_rules.to_bytes()) > len(state.to_bytes())


def test_cleared_codes_are_gone_and_come_back_when_it_is_still_so() -> None:
    table = faulty()
    at = table.num_rows * 2 // 3
    _, events = folded(ordered(table, clear_codes_command("a", ["P0AA6"], "Ada", "try"), at))
    told = [(one.change, one.evidence.get("who")) for one in found(events) if one.code == "P0AA6"]
    assert told[:3] == [(RAISED, None), (GONE, "Ada"), (RAISED, None)]


def test_a_repair_ends_what_was_found_and_learns_the_cells_anew() -> None:
    table = faulty()
    _, events = folded(ordered(table, repair_command("b", "r1", "Ada", "cell replaced"), table.num_rows))
    gone = [event.body for event in events if event.vehicle_id == "b" and event.kind == FINDING and _is_gone(event)]
    assert ("TP-CELL-LOW", f"cell {CELL}") in {(one.code, one.subject) for one in gone}
    assert {one.evidence["record"] for one in gone if one.code == "TP-CELL-LOW"} == {"r1"}


def _is_gone(event: Event) -> bool:
    return bool(event.body.change == GONE)


def test_rules_that_are_dropped_end_their_codes() -> None:
    table = faulty()
    kept = RULES.split("[[rule]]")
    without = "[[rule]]".join(part for part in kept if '"P0AA6"' not in part)
    _, events = folded(ordered(table, rules_command(without, "Ada", "no isolation"), table.num_rows - 1))
    assert [one.change for one in found(events) if one.code == "P0AA6"][-1] == GONE


@pytest.mark.parametrize(
    "body",
    [
        {"type": "rules", "text": "[[rule]]\ncode = 1"},
        {"type": "rules"},
        {"type": "clear_codes", "vehicle": "nobody", "codes": None},
        {"type": "clear_codes", "vehicle": "a", "codes": "P0AA6"},
        {"type": "clear_codes", "vehicle": "a"},
        {"type": "repair"},
        {"type": "model", "prototype": {"pack": PACK}},
        {"type": "model", "prototype": 5},
    ],
)
def test_a_malformed_command_changes_nothing(whole: tuple[ShardState, list[Event]], body: dict[str, Any]) -> None:
    state, events = folded(ordered(faulty(), body, faulty().num_rows))
    assert state.to_bytes() == whole[0].to_bytes()
    assert by_vehicle(events) == by_vehicle(whole[1])


def test_a_rule_sees_the_capacity_of_the_twin_deployed_then() -> None:
    text = """
[[rule]]
code = "TP-TEST"
name = "Worn"
description = "The twin says so."
condition = "capacity_health_pct < limit.pct"
debounce_s = 0
severity = 2
limits = { pct = 99.9 }
"""
    loop = replace(LOOP, policy="always", keep_steps=False)
    state = ShardState.empty(FoldSettings(loop=loop), {PACK: PROTOTYPE}, rules=text)
    _, events = folded(log_of(worn("c", 4)), state=state)
    versions = [event for event in events if event.kind == VERSION]
    worn_at = next(event.offset for event in versions if event.body.mean[0] < 0.999)
    first = next(event for event in events if _raised(event))
    assert first.offset == worn_at
    assert first.body.evidence["frame"]["capacity_health_pct"] < 99.9


def test_a_model_given_later_makes_twins_of_the_vehicles_that_waited() -> None:
    table = log_of(healthy("a", 4))
    at = table.num_rows // 2
    state, events = folded(ordered(table, model_command(PROTOTYPE), at), state=ShardState.empty(FoldSettings(), {}))
    first = next(event for event in events if event.kind == VERSION)
    assert first.offset > at
    assert state.prototypes[PACK].model_hash == PROTOTYPE.model_hash
