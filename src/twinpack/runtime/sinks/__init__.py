"""Where alarms are sent: each `[[sink]]` of the settings follows the findings by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twinpack.runtime.sinks.follow import Manner, SinkFollower, SinkState
from twinpack.runtime.sinks.senders import TIMEOUT_S, sender_of
from twinpack.store.registry import Registry
from twinpack.store.workspace import Workspace


class Sinks:
    """Every sink of a workspace.

    with Sinks(workspace, registry):
        ...  # what is found meanwhile is told
    """

    def __init__(
        self,
        workspace: Workspace,
        registry: Registry,
        *,
        position: Callable[[], int] | None = None,
        manner: Manner | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Prepare them; nothing runs before `start`.

        Args:
            workspace: Whose settings name them.
            registry: Its registry.
            position: Tells cheaply up to which log offset findings are committed; the registry is asked without it.
            manner: How they follow.
            timeout_s: Longest wait for the other side at any step, seconds.
        """
        self._followers = [
            SinkFollower(sink, sender_of(sink, workspace.home, timeout_s), registry, position=position, manner=manner)
            for sink in workspace.settings.sink
        ]

    @property
    def states(self) -> list[SinkState]:
        """What became of each."""
        return [follower.state for follower in self._followers]

    def health(self, end: int) -> list[dict[str, Any]]:
        """How each does; `behind` is how many rows of the log up to `end` it has still to look at."""
        return [
            {
                "name": state.name,
                "behind": max(end - state.offset, 0),
                "sent": state.sent,
                "given_up": state.given_up,
                "passed_over": dict(state.passed_over),
                "problem": state.problem,
            }
            for state in self.states
        ]

    def start(self) -> None:
        """Follow, each in a thread of its own."""
        for follower in self._followers:
            follower.start()

    def stop(self) -> None:
        """End; what is being sent is finished first."""
        for follower in self._followers:
            follower.stop()
        for follower in self._followers:
            follower.join()

    def __enter__(self) -> Sinks:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()
