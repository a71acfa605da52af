"""One who listens to live events."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from twinpack.api.events.wanted import Wanted
from twinpack.store.changes import Place

_WAITING = 1_000  # events that one may be behind; further behind, it is let go


@dataclass(eq=False)
class Listener:
    """One who listens.

    Attributes:
        wanted: What it is told; may be replaced by what may be seen now.
        start: How far changes were told to others when it came.
        too_slow: Whether it is let go.
    """

    wanted: Wanted
    start: Place
    too_slow: bool = False
    _states: dict[str, bytes] = field(default_factory=dict)
    _texts: deque[bytes] = field(default_factory=deque)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, text: bytes) -> None:
        """Let it have an event."""
        self._texts.append(text)
        if len(self._texts) > _WAITING:
            self.too_slow = True
            self._texts.clear()
        self._woken.set()

    def tell_state(self, name: str, text: bytes) -> None:
        """Let it have a state that is another than it was told last."""
        if text and self._states.get(name) != text:
            self._states[name] = text
            self.tell(text)

    def wake(self) -> None:
        """Let it look whether it is to end."""
        self._woken.set()

    async def next(self, seconds: float) -> bytes:
        """All that it was told since, as one piece; nothing when so many seconds have passed."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return b""
        self._woken.clear()
        texts = b"".join(self._texts)
        self._texts.clear()
        return texts
