"""Erasing from the lake what owners asked to be erased: each night, until all that was on its way then has arrived."""

from __future__ import annotations

from twinpack.errors import TwinpackError, one_line
from twinpack.store.erasing import erase
from twinpack.store.records import now_us
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace

SETTLED_US = 86_400_000_000
"""A vehicle may still send what it measured before: after so long that has come, or is the next owner's to see."""


def erase_due(workspace: Workspace, registry: Registry, at_us: int | None = None) -> dict[str, int]:
    """Erase what is noted down to be erased.

    Args:
        workspace: Whose lake.
        registry: Its open registry.
        at_us: Now.

    Returns:
        How many samples and other rows were removed, and how many erasures could not be done.
    """
    now = now_us() if at_us is None else at_us
    samples = others = failed = 0
    for one in registry.erasures.open():
        try:
            erased = erase(workspace.lake(), one.vehicle_id, one.from_us, one.until_us)
        except TwinpackError as error:
            registry.erasures.tried(one.erasure_id, one_line(str(error)))
            failed += 1
            continue
        samples, others = samples + erased.samples, others + erased.others
        registry.erasures.tried(one.erasure_id, done_at_us=now if now - one.asked_at_us >= SETTLED_US else None)
    return {"samples_erased": samples, "rows_erased": others, "erasures_failed": failed}
