"""Workspace settings: one table of every key, its default, its meaning and what it allows."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeVar

from twinpack.errors import SettingsError

T = TypeVar("T")
Check = Callable[[Any], str]
"""Returns what a value should have been, or "" when it is allowed."""

POLICIES = ("threshold", "always", "change")


def _text(value: Any) -> str:
    return "" if isinstance(value, str) else "text"


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _whole(least: int, most: int) -> Check:
    def check(value: Any) -> str:
        allowed = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if allowed else f"a whole number from {least} to {most}"

    return check


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _positive(value: Any) -> str:
    return "" if _number(value) and value > 0 else "a number above 0"


def _not_negative(value: Any) -> str:
    return "" if _number(value) and value >= 0 else "a number of at least 0"


def _one_of(*allowed: str) -> Check:
    return lambda value: "" if value in allowed else " or ".join(f'"{name}"' for name in allowed)


def _auto_or_positive(value: Any) -> str:
    return "" if value == "auto" or _positive(value) == "" else '"auto" or a number above 0'


def _setting(default: T, check: Check, doc: str) -> T:
    return field(default=default, metadata={"check": check, "doc": doc})


@dataclass(frozen=True)
class WorkspaceSettings:
    """What the workspace is: fixed for its life, since state is cut by it."""

    shards: int = _setting(256, _whole(1, 65_536), "virtual shards a fleet is cut into; fixed once data is there")
    pack: str = _setting("", _text, 'pack of vehicles imported without one, by name; "" when each import names it')
    registry_url: str = _setting("", _text, 'SQLAlchemy URL of the registry; "" is the file registry.db beside this')


@dataclass(frozen=True)
class TripSettings:
    """Where one session ends and the next begins."""

    gap_s: float = _setting(600.0, _positive, "silence that ends a session, seconds")
    rest_s: float = _setting(300.0, _positive, "time at rest that ends a driving or charging session, seconds")
    rest_current_c_rate: float = _setting(0.02, _positive, "current below this is rest, as C-rate (1 = one hour)")


@dataclass(frozen=True)
class TwinSettings:
    """How twins predict and when they are recalibrated."""

    policy: Literal["threshold", "always", "change"] = _setting(
        "threshold", _one_of(*POLICIES), "when a trip proposes new parameters: threshold, always or change"
    )
    correct_s: float = _setting(50.0, _not_negative, "first seconds of a trip that may correct its start; not scored")
    step_s: float = _setting(1.0, _positive, "samples within so many seconds are one step of the filter, their mean")
    threshold_v: float | Literal["auto"] = _setting(
        "auto", _auto_or_positive, 'error that calls for a recalibration, volts; "auto" takes it from the model'
    )
    start_soc_sd_pct: float = _setting(2.0, _positive, "standard deviation of the charge told at a trip's start, %")


@dataclass(frozen=True)
class RuntimeSettings:
    """How the runtime works through the log."""

    batch_rows: int = _setting(250_000, _whole(1, 100_000_000), "rows folded and committed at once")
    snapshot_every_rows: int = _setting(2_000_000, _whole(1, 10_000_000_000), "rows between two snapshots")
    step_predictions: bool = _setting(True, _flag, "keep each step's prediction in the lake, for pictures")


@dataclass(frozen=True)
class Settings:
    """All settings of a workspace, one attribute a section of `settings.toml`."""

    workspace: WorkspaceSettings = WorkspaceSettings()
    trips: TripSettings = TripSettings()
    twin: TwinSettings = TwinSettings()
    runtime: RuntimeSettings = RuntimeSettings()

    def to_toml(self) -> str:
        """The text of `settings.toml`: every key with its value and a line on what it means."""
        sections = (_section_text(part.name, getattr(self, part.name)) for part in fields(self))
        return "# Settings of this workspace. A key left out has its default.\n" + "".join(sections)


def parse_settings(text: str, where: str = "settings.toml") -> Settings:
    """Read settings; keys that are absent have their defaults.

    Args:
        text: TOML.
        where: Name of the file, for messages.

    Raises:
        SettingsError: Not TOML, an unknown section or key, or a value that is not allowed; names it.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: not valid TOML: {error}") from error
    known = {part.name: type(part.default) for part in fields(Settings)}
    _check_names(given, known, where, "section")
    return Settings(**{name: _parse_section(known[name], name, values, where) for name, values in given.items()})


def _parse_section(kind: Any, section: str, values: Any, where: str) -> Any:
    if not isinstance(values, Mapping):
        raise SettingsError(f"{where}: {section} must be a section, written [{section}]")
    known = {part.name: part for part in fields(kind)}
    _check_names(values, known, f"{where} [{section}]", "key")
    return kind(**{name: _parse_value(known[name], value, f"{where} [{section}]") for name, value in values.items()})


def _parse_value(part: Any, value: Any, where: str) -> Any:
    wanted = part.metadata["check"](value)
    if wanted:
        raise SettingsError(f"{where}: {part.name} must be {wanted}, not {value!r}")
    return float(value) if isinstance(value, int) and isinstance(part.default, float) else value


def _check_names(given: Mapping[str, Any], known: Mapping[str, Any], where: str, what: str) -> None:
    for name in given:
        if name not in known:
            raise SettingsError(f"{where}: unknown {what} {name!r}; known: {', '.join(known)}")


def _section_text(name: str, section: Any) -> str:
    lines = [f"\n[{name}]"]
    for part in fields(section):
        lines.append(f"# {part.metadata['doc']}")
        lines.append(f"{part.name} = {_toml_value(getattr(section, part.name))}")
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value)
