"""What a workspace's fold starts from: settings and prototypes, fixed by the first run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from twinpack.battery.pack import load_pack
from twinpack.detect.rules import shipped_rules
from twinpack.errors import NotFoundError, SettingsError
from twinpack.filters import MakeFilter
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
            threshold_on=None if twin.threshold_on == "auto" else twin.threshold_on,
            warm_up=None if twin.warm_up == "auto" else twin.warm_up,
            start_soc_sd=twin.start_soc_sd_pct / 100.0,
            keep_steps=settings.runtime.step_predictions,
        ),
    )


def first_state(
    registry: Registry,
    artifacts: ModelArtifacts,
    settings: Settings,
    policy: Policy | None,
    packs: Callable[[], set[str]],
    make: MakeFilter,
    *,
    without_model: bool = False,
) -> ShardState:
    """The state before the first row, the same at every start of this workspace.

    Args:
        registry: Where it is recorded.
        artifacts: Where the prototypes are.
        settings: Settings of the workspace as they stand now.
        policy: When trips propose updates, None for what the first run chose, or else the settings'.
        packs: Gives the packs of the log's vehicles, by name or specification; asked for by a first run alone.
        make: Makes the filters of the twins.
        without_model: Whether a first run may begin though no prototype was learned; twins begin when one is.

    Raises:
        NotFoundError: No prototype has been learned for any of the packs.
        SettingsError: The settings changed since the first run.
    """
    recorded = registry.genesis(KEY)
    if recorded is None:
        models = _models(registry, artifacts, packs(), without_model)
        chosen = asdict(fold_settings(settings, policy))
        rules = shipped_rules()
        registry.set_genesis(KEY, {"settings": chosen, "models": models, "policy": policy, "rules": rules})
        recorded = registry.genesis(KEY)
    wanted = fold_settings(settings, policy or recorded["policy"])
    _check_same(recorded["settings"], asdict(wanted))
    prototypes = {
        pack: Prototype.from_artifact(artifacts.load(digest), digest) for pack, digest in recorded["models"].items()
    }
    # A workspace that an earlier release began finds faults from the row on that gives it rules.
    return ShardState.empty(wanted, prototypes, make, recorded.get("rules", ""))


def _models(registry: Registry, artifacts: ModelArtifacts, packs: set[str], without_model: bool) -> dict[str, str]:
    """The newest model of each pack that has one, whether its vehicles have come yet or not."""
    names = sorted({load_pack(pack).name for pack in packs})
    learned = sorted({record.pack for record in registry.models()})
    models = {name: record.hash for name in learned if (record := artifacts.latest(name)) is not None}
    found = models.keys() & set(names)
    if not found and not without_model:
        listed = ", ".join(names) or "none; import or simulate a fleet first"
        raise NotFoundError(
            f"no model for the packs of this workspace ({listed}): run `twinpack learn model` first, or "
            "`twinpack run --without-model` to find faults alone"
        )
    return models


def _check_same(recorded: dict[str, Any], wanted: dict[str, Any]) -> None:
    before, now = _flat(recorded), _flat(wanted)
    # A setting that the release of the first run had not yet cannot have been changed.
    changed = [_change(key, before[key], now[key]) for key in now if key in before and before[key] != now[key]]
    if changed:
        raise SettingsError(
            f"settings changed since this workspace's first run: {'; '.join(changed)}. Its history was made with the "
            "former ones: set them back, or run on a new workspace"
        )


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    parts = {f"{part}.{key}": value for part in ("cut", "loop") for key, value in settings[part].items()}
    return {"step_us": settings["step_us"], **parts}


_AS_SET: dict[str, tuple[str, float]] = {
    "step_us": ("[twin] step_s", 1 / S_US),
    "cut.gap_us": ("[trips] gap_s", 1 / S_US),
    "cut.rest_us": ("[trips] rest_s", 1 / S_US),
    "cut.rest_current_c_rate": ("[trips] rest_current_c_rate", 1),
    "loop.policy": ("[twin] policy (or --policy)", 1),
    "loop.correct_s": ("[twin] correct_s", 1),
    "loop.threshold_v": ("[twin] threshold_v", 1),
    "loop.threshold_on": ("[twin] threshold_on", 1),
    "loop.warm_up": ("[twin] warm_up", 1),
    "loop.start_soc_sd": ("[twin] start_soc_sd_pct", 100),
    "loop.keep_steps": ("[runtime] step_predictions", 1),
}
"""How settings.toml calls a setting of the fold, and what to multiply by for its unit."""


def _change(key: str, was: Any, now: Any) -> str:
    name, factor = _AS_SET.get(key, (key, 1))
    return f"{name} was {_told(was, factor)}, is {_told(now, factor)}"


def _told(value: Any, factor: float) -> str:
    if value is None:
        return "auto"
    if isinstance(value, (bool, str)):
        return str(value).lower()
    return f"{value * factor:g}"
