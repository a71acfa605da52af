"""The table `anomaly_scores`: how odd each model finds each vehicle's day; a model's rows are replaced as a whole."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from twinpack.store.lake import Lake
from twinpack.store.tables import ANOMALY_SCORES, MODEL_HASH


class ScoreTable:
    """The anomaly scores of a lake."""

    def __init__(self, lake: Lake) -> None:
        """Use the table of a lake."""
        self._lake = lake

    def put(self, model_hash: str, rows: pa.Table, offset: int) -> None:
        """Put a model's scores in place of those that it gave before.

        Args:
            model_hash: The model, hex digits.
            rows: Rows of the table, all of this model.
            offset: Log offset that the features had reached.

        Raises:
            ValueError: A row is another model's.
            WorkspaceError: The table cannot be written.
        """
        others = pc.not_equal(rows.column(MODEL_HASH), model_hash)
        if pc.any(others).as_py():
            raise ValueError(f"scores of another model among those of {model_hash[:12]}")
        self._lake.replace(ANOMALY_SCORES, rows, f"{MODEL_HASH} = '{model_hash}'", offset)

    def read(self, model_hash: str) -> pa.Table:
        """What a model gave, by day and vehicle.

        Raises:
            WorkspaceError: The table cannot be read.
        """
        return self._lake.read(ANOMALY_SCORES, filters=pc.field(MODEL_HASH) == model_hash)
