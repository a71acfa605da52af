"""What a workspace's fold starts from: settings and prototypes, fixed by the first run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from twinpack.battery.pack import load_pack
from twinpack.errors import NotFoundError, SettingsError
from twinpack.fleet.state import FoldSettings, ShardState
from twinpack.store.artifacts import ModelArtifacts
from twinpack.store.registry import Registry
from twinpack.store.settings import Settings
from twinpack.telemetry.trips import CutSettings
from twinpack.twin.settings import LoopSettings, Policy, Prototype

KEY = "fold"
S_US = 1_000_000


def fold_settings(settings: Settings, policy: Policy | None = None) -> FoldSettings:
    """The fold's settings from the workspace's."""
    trips, twin = settings.trips, settings.twin
    return FoldSettings(
        step_us=round(twin.step_s * S_US),
        cut=CutSettings(
            gap_us=round(trips.gap_s * S_US),
            rest_us=round(trips.rest_s * S_US),
            rest_current_c_rate=trips.rest_current_c_rate,
        ),
        loop=LoopSettings(
            policy=policy or twin.policy,
            correct_s=twin.correct_s,
            threshold_v=None if twin.threshold_v == "auto" else float(twin.threshold_v),
            start_soc_sd=twin.start_soc_sd_pct / 100.0,
            keep_steps=settings.runtime.step_predictions,
        ),
    )


def first_state(registry: Registry, artifacts: ModelArtifacts, wanted: FoldSettings, packs: set[str]) -> ShardState:
    """The state before the first row, the same at every start of this workspace.

    Args:
        registry: Where it is recorded.
        artifacts: Where the prototypes are.
        wanted: Settings as they stand now.
        packs: Packs of the log's vehicles, by name or specification.

    Raises:
        NotFoundError: No prototype has been learned for any of the packs.
        SettingsError: The settings changed since the first run.
    """
    recorded = registry.genesis(KEY)
    if recorded is None:
        models = _models(artifacts, packs)
        registry.set_genesis(KEY, {"settings": asdict(wanted), "models": models})
        recorded = registry.genesis(KEY)
    _check_same(recorded["settings"], asdict(wanted))
    prototypes = {
        pack: Prototype.from_artifact(artifacts.load(digest), digest) for pack, digest in recorded["models"].items()
    }
    return ShardState.empty(wanted, prototypes)


def _models(artifacts: ModelArtifacts, packs: set[str]) -> dict[str, str]:
    names = sorted({load_pack(pack).name for pack in packs})
    found = {name: record.hash for name in names if (record := artifacts.latest(name)) is not None}
    if not found:
        listed = ", ".join(names) or "none; import or simulate a fleet first"
        raise NotFoundError(f"no model for the packs of this workspace ({listed}): run `twinpack learn model` first")
    return found


def _check_same(recorded: dict[str, Any], wanted: dict[str, Any]) -> None:
    changed = [
        f"{part}.{key} was {recorded[part][key]!r}, is {value!r}"
        for part in ("cut", "loop")
        for key, value in wanted[part].items()
        if recorded[part].get(key) != value
    ]
    if recorded["step_us"] != wanted["step_us"]:
        changed.append(f"step_us was {recorded['step_us']}, is {wanted['step_us']}")
    if changed:
        raise SettingsError(
            f"settings changed since this workspace's first run: {'; '.join(changed)}. Its history was made with the "
            "former ones: set them back, or run on a new workspace"
        )
