"""The tables `forecasts` and `forecast_ends`: what was told of vehicles' future.

Month by month only the newest forecast of a pack is kept; when life ends, and how warranties stand, of every month in
which a forecast was made, so that what was told can be held against what came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from twinpack.errors import WorkspaceError
from twinpack.store.lake import WRITER, Lake, at_offset
from twinpack.store.places import told
from twinpack.store.tables import FORECAST_ENDS, FORECASTS, MADE, TABLES, conform


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

    def ends(self, pack: str | None = None) -> pa.Table:
        """What was told last of when life ends and of warranties, by vehicle; of one pack when it is named.

        Raises:
            WorkspaceError: The table cannot be read.
        """
        rows = self._lake.read(FORECAST_ENDS, filters=None if pack is None else pc.field("pack") == pack)
        if not rows.num_rows:
            return rows
        newest = rows.group_by("pack").aggregate([(MADE, "max")])
        last = dict(zip(newest.column("pack").to_pylist(), newest.column(f"{MADE}_max").to_pylist(), strict=True))
        keep = pc.equal(
            rows.column(MADE), pa.array([last[one] for one in rows.column("pack").to_pylist()], pa.date32())
        )
        return rows.filter(keep)

    def _replace(self, name: str, pack: str, rows: pa.Table, predicate: str, offset: int) -> None:
        if pc.any(pc.not_equal(rows.column("pack"), pack)).as_py():
            raise ValueError(f"rows of another pack among the {name} of {pack}")
        place = self._lake.place(name)
        with self._lake.writing(name):
            there = self._lake.open(name) is not None
            if not there and not rows.num_rows:
                return
            how: dict[str, Any] = {"mode": "overwrite", "predicate": predicate} if there else {"mode": "append"}
            try:
                write_deltalake(
                    place.uri,
                    conform(name, rows),
                    partition_by=list(TABLES[name].partitions),
                    schema_mode="merge",
                    commit_properties=at_offset(offset),
                    writer_properties=WRITER,
                    **how,
                )
                place.force_last_commit()
            except (DeltaError, OSError) as error:
                raise WorkspaceError(f"lake table {place.uri} cannot be written: {told(error)}") from error
