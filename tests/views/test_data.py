"""How data comes in: rate and lag, imports, dead letters; and who may see which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from tests.views.conftest import begun
from tests.views.seers import LEAD, MECHANIC, NORTH, OWNER, READER
from twinpack.errors import AccessError, InputError
from twinpack.ingest.log import LiveLog, SegmentLog
from twinpack.ingest.records import DEAD_LETTERS, MemoryDeadLetters
from twinpack.store.deadletters import LakeDeadLetters
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.workspace import Workspace
from twinpack.telemetry.schema import TELEMETRY, to_log
from twinpack.views.cursors import Place
from twinpack.views.data.imports import import_page
from twinpack.views.data.ingest import ingest_state
from twinpack.views.data.letters import dead_letter_page
from twinpack.views.moments import moment
from twinpack.views.opened import Views
from twinpack.views.sight import Sight

NOW_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000


@pytest.fixture
def views(workspace: Workspace) -> Iterator[Views]:
    with Views(workspace, lambda: NOW_US) as views:
        begun(views.registry)
        yield views


def samples(vehicle: str, *ages_s: float) -> pa.Table:
    """Samples that were received so many seconds ago."""
    times = [NOW_US - round(age * 1e6) for age in ages_s]
    given: dict[str, list[Any]] = {"vehicle_id": [vehicle] * len(times), "sample_time": times, "receipt_time": times}
    columns = [
        pa.array(given[f.name]).cast(f.type) if f.name in given else pa.nulls(len(times), f.type) for f in TELEMETRY
    ]
    return to_log(pa.Table.from_arrays(columns, schema=TELEMETRY))


def imported(views: Views, name: str, *vehicles: str) -> None:
    """As the importer leaves a file."""
    notes = {"source_sha256": name.encode().hex().ljust(64, "0"), "source_name": name, "profile": "twinpack"}
    SegmentLog(views.workspace.log_dir).append([samples(one, 7200.0) for one in vehicles], notes)


def letters(views: Views, *named: tuple[str, int, str | None, str]) -> None:
    rows = [
        {"file": file, "row": row, "vehicle_id": vehicle, "reason": reason, "detail": f"{reason} of {row}"}
        | {"action": "rejected", "raw": "r" * 3000, "profile": "twinpack", "import_id": "f" * 32}
        for file, row, vehicle, reason in named
    ]
    LakeDeadLetters(views.lake).append(pa.Table.from_pylist(rows, schema=DEAD_LETTERS))


# --- ingest ---------------------------------------------------------------------------------------------------------


def test_an_empty_workspace_has_nothing_to_tell(views: Views) -> None:
    state = ingest_state(views, LEAD)
    assert (state.gateway, state.log_rows, state.lag_s, state.newest_receipt_at) == ("stopped", 0, None, None)
    assert (state.dead_letters, state.lake_behind_rows, set(state.rate_per_s)) == (0, 0, {0.0})
    assert len(state.rate_ms) == 60


def test_rate_and_lag_from_what_is_sealed_and_what_is_not(views: Views) -> None:
    log = SegmentLog(views.workspace.log_dir)
    log.append([samples("north-1", 7200.0, 125.0, 61.0)])
    views.registry.commit_batch(MAIN_STREAM, 0, 2, [], {})
    with LiveLog(log, MemoryDeadLetters(), segment_rows=1000, segment_age_s=1e6) as live:
        live.append(samples("north-1", 62.0, 30.0, 20.0))
        for _ in range(2):  # the second time nothing is read again, and nothing counted twice
            state = ingest_state(views, NORTH)
            assert (state.gateway, state.log_rows) == ("running", 6)
            assert state.newest_receipt_at == moment(NOW_US - 20_000_000)
            assert state.lag_s == 61.0  # of the oldest one that waits
            (main,) = state.streams
            assert (main.name, main.offset, main.behind_rows) == ("main", 2, 4)
            assert state.lake_behind_rows == 6
            by_minute = {ms: round(60 * (rate or 0)) for ms, rate in zip(state.rate_ms, state.rate_per_s, strict=True)}
            last = NOW_US // MINUTE_US * 60_000
            assert [by_minute[last - 60_000 * back] for back in (1, 2, 3)] == _received_in_minutes(61.0, 62.0, 125.0)
        views.registry.commit_batch(MAIN_STREAM, 2, 4, [], {})
        assert ingest_state(views, NORTH).lag_s == 20.0
        live.append(samples("north-1", 5.0))
        assert ingest_state(views, NORTH).log_rows == 7
    state = ingest_state(views, NORTH)
    assert (state.gateway, state.log_rows, state.log_mb > 0.0) == ("stopped", 7, True)


def _received_in_minutes(*ages_s: float) -> list[int]:
    """Of 61, 62 and 125 s ago and 20 and 30 s ago, how many fall into each of the last three whole minutes."""
    minutes = [(NOW_US - round(age * 1e6)) // MINUTE_US for age in (*ages_s, 20.0, 30.0)]
    return [minutes.count(NOW_US // MINUTE_US - back) for back in (1, 2, 3)]


def test_nothing_waits_once_all_is_folded(views: Views) -> None:
    SegmentLog(views.workspace.log_dir).append([samples("north-1", 300.0)])
    views.registry.commit_batch(MAIN_STREAM, 0, 1, [], {})
    assert ingest_state(views, LEAD).lag_s is None


# --- imports --------------------------------------------------------------------------------------------------------


def test_imports_are_those_of_vehicles_that_may_be_seen(views: Views) -> None:
    for name, vehicle in (("a.csv", "north-1"), ("b.csv", "south-1"), ("c.csv", "unknown-9")):
        imported(views, name, vehicle)
    letters(views, ("a.csv", 1, "north-1", "range"), ("a.csv", 2, "north-1", "range"))

    def files(who: Sight) -> list[str]:
        return sorted(file for item in import_page(views, who).items for file in item.files)

    assert files(LEAD) == ["a.csv", "b.csv", "c.csv"]
    assert files(NORTH) == ["a.csv"]
    (mine,) = import_page(views, NORTH).items
    assert (mine.rows, mine.profile, mine.dead_letters) == (1, "twinpack", 2)
    assert dead_letter_page(views, NORTH, import_id=mine.import_id).page.total == 2


def test_imports_come_page_by_page(views: Views) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        imported(views, name, "north-1")
    first = import_page(views, NORTH, limit=2)
    rest = import_page(views, NORTH, first.page.next_cursor, 2)
    found = [file for item in (*first.items, *rest.items) for file in item.files]
    assert (sorted(found), rest.page.next_cursor, rest.page.total) == (["a.csv", "b.csv", "c.csv"], None, 3)
    with pytest.raises(InputError, match="cursor"):
        import_page(views, NORTH, "nonsense")


# --- dead letters ---------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(views: Views) -> Views:
    letters(
        views,
        ("a.csv", 1, "north-1", "range"),
        ("a.csv", 2, "north-2", "time"),
        ("a.csv", 3, "south-1", "range"),
        ("a.csv", 4, None, "row"),
        ("a.csv", 5, "nobody-7", "range"),
    )
    return views


def test_dead_letters_are_those_of_vehicles_that_may_be_seen(refused: Views) -> None:
    mine = dead_letter_page(refused, NORTH)
    assert ([one.row for one in mine.items], mine.by_reason) == ([1, 2], {"range": 1, "time": 1})
    assert len(mine.items[0].raw) == 2000
    every = dead_letter_page(refused, LEAD)
    assert ([one.row for one in every.items], every.page.total) == ([1, 2, 3, 4, 5], 5)
    assert dead_letter_page(refused, NORTH, vehicle_id="south-1").items == []


def test_dead_letters_are_narrowed(refused: Views) -> None:
    found = dead_letter_page(refused, LEAD, reason="range")
    assert ([one.row for one in found.items], found.page.total) == ([1, 3, 5], 3)
    assert found.by_reason == {"range": 3, "time": 1, "row": 1}
    assert [one.row for one in dead_letter_page(refused, LEAD, vehicle_id="north-2").items] == [2]
    assert dead_letter_page(refused, LEAD, import_id="f" * 32).page.total == 5
    assert dead_letter_page(refused, LEAD, import_id="0" * 32).page.total == 0


def test_dead_letters_come_newest_first_page_by_page(refused: Views) -> None:
    first = dead_letter_page(refused, LEAD, limit=3)
    letters(refused, ("b.csv", 9, "north-1", "time"))
    rest = dead_letter_page(refused, LEAD, cursor=first.page.next_cursor, limit=3)
    assert [one.row for one in (*first.items, *rest.items)] == [1, 2, 3, 4, 5]
    assert rest.page.next_cursor is None
    assert dead_letter_page(refused, LEAD, limit=1).items[0].source == "b.csv"
    with pytest.raises(InputError, match="cursor"):
        dead_letter_page(refused, LEAD, cursor="nonsense")
    forged = Place("dead letters", 0.0, "a.csv:²").cursor()
    assert dead_letter_page(refused, LEAD, cursor=forged).items == []


def test_those_who_may_not_see_it_are_refused(views: Views) -> None:
    for who in (READER, MECHANIC, OWNER):
        for ask in (ingest_state, import_page, dead_letter_page):
            with pytest.raises(AccessError):
                ask(views, who)
