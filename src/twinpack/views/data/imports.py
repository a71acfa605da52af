"""Imports of files that told of vehicles that may be seen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from twinpack.store.tables import DEAD_LETTERS
from twinpack.views.cursors import Place, place_of
from twinpack.views.data.sources import Import
from twinpack.views.moments import moment
from twinpack.views.shapes.common import PageInfo
from twinpack.views.shapes.data import ImportItem, ImportPage
from twinpack.views.sight import Right, Scope, Sight

if TYPE_CHECKING:
    from twinpack.views.opened import Views

_ORDER = "imports"


def import_page(views: Views, seer: Sight, cursor: str | None = None, limit: int = 50) -> ImportPage:
    """Imports that told of vehicles that may be seen, newest first.

    Raises:
        AccessError: None may be seen at all.
        InputError: The cursor is none of this list.
        WorkspaceError: The log cannot be read.
    """
    scope = seer.scope(Right.DATA)
    found = [one for one in views.imports.all() if _seen(views, scope, one)]
    rest = found if not cursor else _behind(found, cursor)
    shown = rest[:limit]
    last = shown[-1] if len(rest) > limit else None
    following = None if last is None else Place(_ORDER, float(last.at_us), last.import_id).cursor()
    letters = _letters(views, {one.file for one in shown})
    items = [
        ImportItem(
            import_id=one.import_id,
            at=moment(one.at_us),
            profile=one.profile,
            files=[one.file],
            rows=one.rows,
            dead_letters=letters[one.file],
        )
        for one in shown
    ]
    return ImportPage(items=items, page=PageInfo(next_cursor=following, total=len(found)))


def _seen(views: Views, scope: Scope, one: Import) -> bool:
    if scope.fleets is None:
        return True
    fleets = (views.fleet_of(name) for name in views.imports.vehicles(one))
    return any(fleet in scope.fleets for fleet in fleets if fleet is not None)


def _behind(found: list[Import], cursor: str) -> list[Import]:
    place = place_of(cursor, _ORDER)
    at = -place.value if isinstance(place.value, float) else 0.0
    return [one for one in found if (-one.at_us, one.import_id) > (at, place.name)]


def _letters(views: Views, files: set[str]) -> Counter[str]:
    """Rows of some files that could not be used."""
    if not files:
        return Counter()
    rows = views.lake.read(DEAD_LETTERS, ["file"], pc.field("file").isin(sorted(files)))
    return Counter(rows.column("file").to_pylist())
