"""A stored model by what a user calls it: `latest`, or the first digits of its hash."""

from __future__ import annotations

from twinpack.errors import NotFoundError
from twinpack.store.records import ModelRecord
from twinpack.store.registry import Registry

LATEST = "latest"
"""Names the model saved last."""

PROTOTYPE = "prototype"
"""Kind of the artifacts that twins start from."""

_MADE_BY = {
    PROTOTYPE: ("model", "twinpack learn model"),
    "anomaly": ("anomaly model", "twinpack learn anomaly"),
    "ageing": ("ageing model", "twinpack learn ageing"),
    "failure": ("failure model", "twinpack learn failure"),
    "energy": ("energy model", "twinpack learn energy"),
}
_SHOWN = 5


def records_of(registry: Registry, kind: str, pack: str | None) -> list[ModelRecord]:
    """Models of a kind, of one pack when it is named, the latest first.

    Raises:
        NotFoundError: There is none.
    """
    found = [record for record in registry.models(pack) if record.kind == kind]
    if not found:
        of, (what, made_by) = f" of pack {pack!r}" if pack is not None else "", _MADE_BY[kind]
        raise NotFoundError(f"no {what}{of} here; `{made_by}` makes one")
    return found


def record_named(registry: Registry, kind: str, model: str, pack: str | None) -> ModelRecord:
    """The model of a kind that is named.

    Args:
        registry: Where models are entered.
        kind: `PROTOTYPE`, or that of anomaly or ageing models.
        model: `LATEST`, or the first digits of a hash.
        pack: Only models of this pack.

    Raises:
        NotFoundError: None is, or more than one.
    """
    records = records_of(registry, kind, pack)
    if model == LATEST:
        packs = sorted({record.pack for record in records})
        if len(packs) > 1:
            raise NotFoundError(f"there are models of several packs: choose one with --pack ({', '.join(packs)})")
        return records[0]
    matching = [record for record in records if model and record.hash.startswith(model.lower())]
    if len(matching) != 1:
        known = ", ".join(f"{record.hash[:12]} ({record.pack})" for record in records[:_SHOWN])
        what = f"{len(matching)} {_MADE_BY[kind][0]}s: write more digits" if matching else f"no {_MADE_BY[kind][0]}"
        raise NotFoundError(f"{model!r} names {what}; the last are {known}. {LATEST!r} is the first of them")
    return matching[0]
