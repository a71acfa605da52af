"""Rows and messages that could not be used, and why: those of vehicles that may be seen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from twinpack.store.tables import DEAD_LETTERS, TABLES
from twinpack.views.columns import micros
from twinpack.views.cursors import Place, place_of
from twinpack.views.shapes.common import PageInfo
from twinpack.views.shapes.data import DeadLetter, DeadLetterPage
from twinpack.views.sight import Right, Scope, Sight

if TYPE_CHECKING:
    from twinpack.views.opened import Views

_ORDER = "dead letters"
_RAW = 2_000
_KEYS = ["imported_at", "file", "row", "vehicle_id", "reason", "import_id"]


def dead_letter_page(
    views: Views,
    seer: Sight,
    reason: str | None = None,
    vehicle_id: str | None = None,
    import_id: str | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> DeadLetterPage:
    """A page of dead letters, newest first; by reason they are counted whatever the reason asked for.

    Those that name no vehicle that is known are for those who may see all alone.

    Raises:
        AccessError: None may be seen at all.
        InputError: The cursor is none of this list.
        WorkspaceError: The lake cannot be read.
    """
    condition = _condition(views, seer.scope(Right.DATA), vehicle_id, import_id)
    keys = views.lake.read(DEAD_LETTERS, _KEYS, condition)
    counts = Counter(keys.column("reason").to_pylist())
    if reason is not None:
        keys = keys.filter(pc.equal(keys.column("reason"), reason))
    keys = keys.append_column("at_us", pa.array(micros(keys.set_column(0, "imported_at", _dated(keys)), "imported_at")))
    keys = keys.sort_by([("at_us", "descending"), ("file", "ascending"), ("row", "ascending")])
    rest = keys.slice(_start(keys, cursor)) if cursor else keys
    shown = rest.slice(0, limit)
    following = _cursor(shown.slice(shown.num_rows - 1).to_pylist()[0]) if rest.num_rows > limit else None
    return DeadLetterPage(
        items=_letters(views, seer, condition, shown),
        page=PageInfo(next_cursor=following, total=keys.num_rows),
        by_reason=dict(counts.most_common()),
    )


def _dated(keys: pa.Table) -> pa.ChunkedArray:
    column = keys.column("imported_at")
    return pc.fill_null(column, pa.scalar(0, pa.int64()).cast(column.type))


def _condition(views: Views, scope: Scope, vehicle_id: str | None, import_id: str | None) -> pc.Expression:
    found = pc.scalar(True)
    if scope.fleets is not None:
        mine = [entry.vehicle_id for entry in views.fleet.entries if entry.fleet in scope.fleets]
        found = pc.field("vehicle_id").isin(pa.array(mine, pa.string()))
    if vehicle_id is not None:
        found &= pc.field("vehicle_id") == vehicle_id
    if import_id is not None:
        files = [one.file for one in views.imports.all() if one.import_id == import_id]
        found &= (pc.field("import_id") == import_id) | pc.field("file").isin(pa.array(files, pa.string()))
    return found


def _start(keys: pa.Table, cursor: str) -> int:
    """Where the rows behind a cursor begin."""
    place = place_of(cursor, _ORDER)
    file, _, row = place.name.rpartition(":")
    at = place.value if isinstance(place.value, float) else 0.0
    last = (-at, file, int(row) if row.isascii() and row.isdigit() else 0)
    at_us = keys.column("at_us").to_numpy()
    # Many may be of one moment: those are looked at one by one, the others are passed over at once.
    first, end = np.searchsorted(-at_us, [-at, -at + 1])
    same = keys.slice(int(first), int(end - first)).select(["file", "row"]).to_pylist()
    return int(first) + sum((-at, one["file"], one["row"]) <= last for one in same)


def _cursor(last: dict[str, Any]) -> str:
    return Place(_ORDER, float(last["at_us"]), f"{last['file']}:{last['row']}").cursor()


def _letters(views: Views, seer: Sight, condition: pc.Expression, shown: pa.Table) -> list[DeadLetter]:
    """The letters of a page, in its order."""
    if not shown.num_rows:
        return []
    files = pc.field("file").isin(pc.unique(shown.column("file")))
    rows = pc.field("row").isin(pc.unique(shown.column("row")))
    whole = views.lake.read(DEAD_LETTERS, TABLES[DEAD_LETTERS].schema.names, condition & files & rows)
    by_key: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for letter in whole.to_pylist():
        by_key.setdefault(_key(letter), []).append(letter)
    return [_letter(by_key[_key(one)].pop(0), seer.may(Right.VIN)) for one in shown.to_pylist()]


def _key(letter: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(letter[name] for name in _KEYS)


def _letter(letter: dict[str, Any], may_see_raw: bool) -> DeadLetter:
    at = letter["imported_at"]
    return DeadLetter(
        source=letter["file"] or "",
        row=letter["row"],
        vehicle_id=letter["vehicle_id"] or "",
        reason=letter["reason"] or "",
        detail=letter["detail"] or "",
        action=letter["action"] or "",
        raw=(letter["raw"] or "")[:_RAW] if may_see_raw else "",
        at=at,
    )
