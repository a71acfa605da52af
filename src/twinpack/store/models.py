"""What was done about models, in the order in which it was done; nothing is changed or removed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import func, select

from twinpack.store import schema
from twinpack.store.database import Database
from twinpack.store.records import canonical_json, now_us

Action = Literal["compare", "promote", "rollback"]
COMPARE: Action = "compare"
PROMOTE: Action = "promote"
ROLLBACK: Action = "rollback"


@dataclass(frozen=True)
class ModelAction:
    """One comparison, promotion or roll-back.

    Attributes:
        number: 1, 2, 3, ...
        at_us: When, microseconds since the epoch.
        pack: Name of the pack.
        action: `compare`, `promote` or `rollback`.
        model_hash: The model compared, or the new champion.
        former_hash: The champion at the time.
        who: Who did it.
        reason: Why.
        log_offset: Row of the log that brings it about; None for a comparison.
        evidence: On what grounds (JSON values).
    """

    number: int
    at_us: int
    pack: str
    action: str
    model_hash: str
    former_hash: str
    who: str
    reason: str
    log_offset: int | None
    evidence: dict[str, Any]


class ModelActions:
    """The record of a registry."""

    def __init__(self, database: Database) -> None:
        """Keep it in `database`."""
        self._database = database

    def add(
        self,
        action: Action,
        pack: str,
        model_hash: str,
        former_hash: str,
        *,
        who: str,
        reason: str = "",
        log_offset: int | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> ModelAction:
        """Append to the record; arguments as the attributes of `ModelAction`.

        Raises:
            ValueError: A number of the evidence is NaN or infinite.
        """
        table = schema.model_actions
        row = {
            "at_us": now_us(),
            "pack": pack,
            "action": action,
            "model_hash": model_hash,
            "former_hash": former_hash,
            "who": who,
            "reason": reason,
            "log_offset": log_offset,
            "evidence": canonical_json(evidence or {}),
        }
        with self._database.write() as connection:
            number = int(connection.execute(select(func.max(table.c.number))).scalar() or 0) + 1
            connection.execute(table.insert(), {"number": number, **row})
        return ModelAction(**{**row, "number": number, "evidence": dict(evidence or {})})  # type: ignore[arg-type]

    def all(self, pack: str | None = None) -> list[ModelAction]:
        """The record, first to last; of one pack when it is named."""
        table = schema.model_actions
        query = select(table).order_by(table.c.number)
        if pack is not None:
            query = query.where(table.c.pack == pack)
        names = [column.name for column in table.c]
        rows = (dict(zip(names, row, strict=True)) for row in self._database.rows(query))
        return [ModelAction(**{**row, "evidence": json.loads(row["evidence"])}) for row in rows]
