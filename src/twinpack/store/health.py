"""The table `health`: rows are added as they become known; what was made from the log follows its offset."""

from __future__ import annotations

import pyarrow as pa
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from twinpack.errors import WorkspaceError
from twinpack.store.lake import WRITER, Lake, at_offset
from twinpack.store.places import told
from twinpack.store.tables import HEALTH, conform


class HealthTable:
    """The health of a lake."""

    def __init__(self, lake: Lake) -> None:
        """Use the table of a lake."""
        self._lake = lake

    @property
    def offset(self) -> int:
        """Log offset up to which the table is complete."""
        return self._lake.recorded_offset(HEALTH)

    def append(self, rows: pa.Table, offset: int) -> int:
        """Add rows, and remember the log offset that is reached with them; another process that was first wins.

        Args:
            rows: Rows of the table.
            offset: Log offset after those that gave the rows.

        Returns:
            How many rows were added.

        Raises:
            WorkspaceError: The table cannot be read or written.
        """
        with self._lake.writing(HEALTH):
            if self.offset >= offset:
                return 0
            self._write(rows, offset)
        return int(rows.num_rows)

    def add(self, rows: pa.Table) -> None:
        """Add rows that do not follow the log; the offset that is reached stays.

        Raises:
            WorkspaceError: The table cannot be read or written.
        """
        if rows.num_rows:
            with self._lake.writing(HEALTH):
                self._write(rows, self.offset)

    def _write(self, rows: pa.Table, offset: int) -> None:
        place = self._lake.place(HEALTH)
        try:
            write_deltalake(
                place.uri,
                conform(HEALTH, rows),
                mode="append",
                schema_mode="merge",  # takes columns that a later release added
                commit_properties=at_offset(offset),
                writer_properties=WRITER,
            )
            place.force_last_commit()
        except (DeltaError, OSError) as error:
            raise WorkspaceError(f"lake table {place.uri} cannot be written: {told(error)}") from error
