"""What matters in the models of a workspace, as the report shows it."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from twinpack.learn.identify import by_label
from twinpack.report.data import EffectRow, SensitivityReport
from twinpack.runtime.sensitivity import KIND
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace


def sensitivities(workspace: Workspace, registry: Registry) -> tuple[SensitivityReport, ...]:
    """What was found last of each pack's models, by pack.

    Raises:
        WorkspaceError: What was stored was altered or damaged.
    """
    artifacts = workspace.artifacts(registry)
    found: dict[str, SensitivityReport] = {}
    for record in registry.models():
        if record.kind == KIND and record.pack not in found:
            found[record.pack] = effects(artifacts.load(record.hash))
    return tuple(found[pack] for pack in sorted(found))


def effects(stored: Mapping[str, Any]) -> SensitivityReport:
    """From what `runtime.sensitivity` stores."""
    judged, residual = stored["living"], stored["residual"]
    left = {label: median(ratios) for label, ratios, _ in by_label(stored["identified"])}
    order = sorted(range(len(judged["names"])), key=lambda at: -judged["total"][at])
    return SensitivityReport(
        pack=stored["pack"],
        kind=stored["kind"],
        model_hash=stored["model_hash"],
        trips=residual["trips"],
        none_v=residual["none_v"],
        set_v=residual["set_v"],
        all_v=residual["all_v"],
        rows=tuple(
            EffectRow(
                name=judged["names"][at],
                total=judged["total"][at],
                total_conf=judged["total_conf"][at],
                alone=judged["first"][at],
                lives=judged["names"][at] in stored["chosen"]["names"],
                left=left.get(judged["names"][at]),
            )
            for at in order
        ),
    )
