"""The tables `forecasts` and `forecast_ends`: what was told of vehicles' future.

Month by month only the newest forecast of a pack is kept; when life ends, and how warranties stand, of every month in
which a forecast was made, so that what was told can be held against what came.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from twinpack.store.lake import Lake
from twinpack.store.tables import FORECAST_ENDS, FORECASTS, MADE, TABLES


class ForecastTables:
    """The forecasts of a lake."""

    def __init__(self, lake: Lake) -> None:
        """Use the tables of a lake."""
        self._lake = lake

    def put(self, pack: str, ahead: Iterable[pa.Table], ends: Iterable[pa.Table], offset: int) -> None:
        """Put a pack's forecast in place of the one before; its ends in place of those made for the same month.

        Args:
            pack: Name of the pack.
            ahead: Rows of `forecasts`, all of this pack, piece by piece.
            ends: Rows of `forecast_ends`, all of this pack and of one month.
            offset: Log offset that the lake had reached.

        Raises:
            ValueError: A row is another pack's.
            WorkspaceError: A table cannot be written.
        """
        whole = pa.concat_tables([TABLES[FORECAST_ENDS].schema.empty_table(), *ends])
        months = pc.unique(whole.column(MADE)).to_pylist()
        made = " OR ".join(f"{MADE} = '{month.isoformat()}'" for month in months) or "false"
        of_pack = f"pack = '{pack}'"
        self._replace(
            FORECASTS, pack, pa.concat_tables([TABLES[FORECASTS].schema.empty_table(), *ahead]), of_pack, offset
        )
        self._replace(FORECAST_ENDS, pack, whole, f"{of_pack} AND ({made})", offset)

    def _replace(self, name: str, pack: str, rows: pa.Table, predicate: str, offset: int) -> None:
        if pc.any(pc.not_equal(rows.column("pack"), pack)).as_py():
            raise ValueError(f"rows of another pack among the {name} of {pack}")
        self._lake.replace(name, rows, predicate, offset)
