"""A registry in which things are found, and sinks that follow it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from twinpack.detect.findings import Category, Change, Finding, Level
from twinpack.fleet.events import FINDING, Event, event_id
from twinpack.runtime.sinks import Sinks
from twinpack.runtime.sinks.follow import Manner
from twinpack.store.records import now_us
from twinpack.store.registry import MAIN_STREAM
from twinpack.store.settings import parse_settings
from twinpack.store.workspace import Workspace

QUICK = Manner(look_s=0.01, retry_s=0.02, retry_most_s=0.1, wake_s=0.05, join_s=10.0)
SECRET = "correct horse battery staple"
MINUTE_US = 60_000_000


def hook(url: str, name: str = "hook", more: str = "") -> str:
    """A webhook that may lie on this machine."""
    return (
        f'[[sink]]\nname = "{name}"\ntype = "webhook"\nurl = "{url}"\n'
        f'secret_file = "hook.secret"\nallow_private = true\n{more}\n'
    )


class Place:
    """A workspace in which faults are found one row after the other."""

    def __init__(self, home: Path, sinks: str = "") -> None:
        self.workspace = Workspace.open(home, settings=parse_settings(sinks))
        (home / "hook.secret").write_text(f"{SECRET}\n")
        self.registry = self.workspace.registry()
        self._began_us = now_us() - 10 * MINUTE_US

    @property
    def end(self) -> int:
        """Log offset up to which all is committed."""
        return self.registry.offset(MAIN_STREAM)

    def close(self) -> None:
        self.registry.close()

    def with_sinks(self, sinks: str) -> Place:
        """The same once the settings name other sinks."""
        fresh = replace(self.workspace.settings, sink=parse_settings(sinks).sink)
        (self.workspace.home / "settings.toml").write_text(fresh.to_toml(), encoding="utf-8")
        self.workspace = Workspace.open(self.workspace.home, create=False)
        return self

    def sinks(self) -> Sinks:
        return Sinks(self.workspace, self.registry, manner=QUICK, timeout_s=5.0)

    def finds(
        self,
        change: Change = "raised",
        vehicle: str = "car-1",
        *,
        code: str = "P0AA6",
        subject: str = "",
        level: Level = "alarm",
        severity: int = 3,
        category: Category = "battery",
        age_us: int = 0,
        evidence: Mapping[str, Any] | None = None,
    ) -> Event:
        """Find something with the next row of the log; its event."""
        (event,) = self.finds_all(
            [(change, vehicle, code, subject, level, severity, category, age_us, evidence)],
        )
        return event

    def finds_all(self, what: Sequence[tuple[Any, ...]]) -> list[Event]:
        """Find several things with one row."""
        row = self.end
        events = []
        for change, vehicle, code, subject, level, severity, category, age_us, evidence in what:
            time_us = self._began_us + row * 1_000_000 - age_us
            body = Finding(
                lane=0,
                time_us=time_us,
                offset=row,
                code=code,
                subject=subject,
                category=category,
                change=change,
                level=level,
                severity=severity,
                since_us=time_us - 10_000_000,
                status=0x2F,
                occurrence=1,
                evidence={"text": "isolation is 87 ohm/V", "ohm_per_v": 87.5} if evidence is None else evidence,
            )
            identity = event_id(vehicle, time_us, FINDING, f"{code}{subject}{change}")
            events.append(Event(identity, vehicle, time_us, FINDING, row, body))
        self.registry.commit_batch(MAIN_STREAM, row, row + 1, events, {})
        return events

    def passes(self, rows: int) -> None:
        """Rows of the log in which nothing is found."""
        self.registry.commit_batch(MAIN_STREAM, self.end, self.end + rows, [], {})
