"""When triggers start jobs: each event and each time of a schedule at most once, whatever is killed and when.

What a trigger has seen is a line of a small file. Before a job is started its name is written there; after a crash the
same name is started again, and the jobs' database takes a name once. The name holds the schedule's time, or the log
offset that the events reach.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from twinpack.errors import WorkspaceError
from twinpack.store.cron import Cron
from twinpack.store.files import write_atomic
from twinpack.store.triggers import Trigger


class Events(Protocol):
    """Where events are counted; see `WorkspaceEvents`."""

    def position(self, event: str) -> int:
        """Log offset up to which all events of a kind are known."""
        ...

    def count(self, event: str, start: int, end: int) -> int:
        """How many there are from an offset up to another."""
        ...


class Start(Protocol):
    """Starts a job; see `Jobs.start`."""

    def __call__(
        self, kind: str, arguments: Mapping[str, Any], *, job_id: str, trigger: str, facts: Mapping[str, Any]
    ) -> str:
        """Start a job; one whose name is taken is not started again."""
        ...


@dataclass
class _Seen:
    """How far a trigger has looked.

    Attributes:
        what: Its schedule or event; another one begins anew.
        at: The schedule's time, or when an event last started a job; ISO 8601, "" for never.
        offset: Log offset up to which events were counted.
        waiting: Events counted that have started no job yet.
        due: A job that is to be started: its name and what the trigger notes.
    """

    what: str
    at: str = ""
    offset: int = 0
    waiting: int = 0
    due: dict[str, Any] = field(default_factory=dict)


class Triggers:
    """The triggers of a workspace and what they have seen."""

    def __init__(self, triggers: Sequence[Trigger], path: Path, events: Events, start: Start) -> None:
        """Read what they have seen.

        Args:
            triggers: The triggers of the settings.
            path: The file that keeps what they have seen.
            events: Where events are counted.
            start: Starts a job.

        Raises:
            WorkspaceError: The file is damaged.
        """
        self._triggers = triggers
        self._path = path
        self._events = events
        self._start = start
        self._seen = _read(path)

    def look(self, now: datetime) -> list[str]:
        """Start the jobs that are due.

        A schedule whose times passed while nobody looked starts one job, for the last of them; so does an event, for
        all of those that happened. A schedule seen for the first time waits for its next time, an event looks back to
        the beginning of the log.

        Args:
            now: The time, UTC.

        Returns:
            Names of the jobs started.

        Raises:
            TwinpackError: A store does not answer; the next look makes up for it.
        """
        return [job_id for trigger in self._triggers if (job_id := self._look(trigger, now))]

    def _look(self, trigger: Trigger, now: datetime) -> str:
        seen = self._seen.get(trigger.name)
        if seen is None or seen.what != (trigger.schedule or trigger.event):
            seen = _Seen(trigger.schedule or trigger.event, now.isoformat() if trigger.schedule else "")
            self._seen[trigger.name] = seen
            self._save()
        if not seen.due and not (_schedule if trigger.schedule else self._event)(trigger, seen, now):
            return ""
        self._save()
        job_id = str(seen.due["job_id"])
        self._start(trigger.job, trigger.arguments, job_id=job_id, trigger=trigger.name, facts=seen.due["facts"])
        seen.due = {}
        self._save()
        return job_id

    def _event(self, trigger: Trigger, seen: _Seen, now: datetime) -> bool:
        end = self._events.position(trigger.event)
        if end > seen.offset:
            seen.waiting += self._events.count(trigger.event, seen.offset, end)
            seen.offset = end
        if seen.waiting < trigger.every or _too_soon(trigger, seen, now):
            return False
        count = seen.waiting - seen.waiting % trigger.every
        seen.waiting -= count
        seen.at = now.isoformat()
        seen.due = {
            "job_id": f"{trigger.name}-{trigger.event}-{seen.offset}",
            "facts": {"events": count, "offset": seen.offset},
        }
        return True

    def _save(self) -> None:
        names = {trigger.name for trigger in self._triggers}
        kept = {name: asdict(seen) for name, seen in self._seen.items() if name in names}
        self._path.parent.mkdir(exist_ok=True)
        write_atomic(self._path, json.dumps(kept, indent=1).encode())


def _schedule(trigger: Trigger, seen: _Seen, now: datetime) -> bool:
    due = Cron.parse(trigger.schedule).last(now)
    if due is None or due <= datetime.fromisoformat(seen.at):
        return False
    seen.at = due.isoformat()
    seen.due = {"job_id": f"{trigger.name}-{due:%Y%m%dT%H%M%SZ}", "facts": {"due": seen.at}}
    return True


def _too_soon(trigger: Trigger, seen: _Seen, now: datetime) -> bool:
    if not trigger.at_most_every_s or not seen.at:
        return False
    return (now - datetime.fromisoformat(seen.at)).total_seconds() < trigger.at_most_every_s


def _read(path: Path) -> dict[str, _Seen]:
    if not path.is_file():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return {name: _Seen(**line) for name, line in kept.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise WorkspaceError(
            f"{path} is damaged ({error}): remove it; schedules then wait for their next time, events count from the "
            "beginning of the log"
        ) from error
