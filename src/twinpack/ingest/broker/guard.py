"""The plugin that amqtt asks about each message: topics of devices, and the gateway alone to listen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from twinpack.errors import RegistryBusyError
from twinpack.ingest.broker.access import GATEWAY_USER, Access

REMEMBER_S = 5.0
"""How long an answer of the registry counts: a token that is revoked opens nothing after so long."""

_MOST_REMEMBERED = 50_000
_RETRY_S = 0.5


class Judge:
    """Answers of the registry, remembered for a moment, and what the guard counts.

    Attributes:
        access: Who may do what.
        tell: Told what is turned away, once a while for each.
        listeners: Client ids that subscribed.
        between: Messages let in that were not handed on yet.
    """

    def __init__(self, access: Access, tell: Callable[[str], None]) -> None:
        """Begin without answers."""
        self.access = access
        self.tell = tell
        self.listeners: set[str] = set()
        self.between = 0
        self._answers: dict[tuple[str, ...], tuple[float, bool]] = {}
        self._told: dict[str, float] = {}

    async def may_publish(self, user: str, password: str, topic: str) -> bool:
        """Whether a device may publish there; waits while the registry does not answer."""
        key = (user, password, topic)
        now = time.monotonic()
        known = self._answers.get(key)
        if known is not None and now < known[0]:
            return known[1]
        while True:
            try:
                answer = await asyncio.to_thread(self.access.may_publish, user, password, topic)
            except RegistryBusyError as error:
                self.say(f"messages wait, none is lost: {error}")
                await asyncio.sleep(_RETRY_S)
            else:
                break
        if len(self._answers) >= _MOST_REMEMBERED:
            self._answers.clear()
        self._answers[key] = (time.monotonic() + REMEMBER_S, answer)
        return answer

    def say(self, text: str) -> None:
        """Tell something, but the same no more than once a minute."""
        now = time.monotonic()
        if now < self._told.get(text, 0.0):
            return
        if len(self._told) >= 1_000:
            self._told.clear()
        self._told[text] = now + 60.0
        self.tell(text)


class Guard(BaseAuthPlugin, BaseTopicPlugin):
    """Lets devices publish and the gateway listen."""

    @dataclass
    class Config:
        """What the broker's settings hand over.

        Attributes:
            judge: The answers.
        """

        judge: Any

    def __init__(self, context: Any) -> None:
        """As amqtt makes it."""
        super().__init__(context)
        self._judge: Judge = self.config.judge

    async def authenticate(self, *, session: Session) -> bool:
        """The door lets in those only whom it knows."""
        return bool(session.username)

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        """Whether a message may come in, be subscribed to, or go out."""
        if session is None or not topic:
            return False
        judge, user, password = self._judge, session.username or "", session.password or ""
        if action != Action.PUBLISH:
            if action == Action.RECEIVE:
                judge.between = max(judge.between - 1, 0)
            return judge.access.is_gateway(user, password)
        if user != GATEWAY_USER and await judge.may_publish(user, password, topic):
            judge.between += 1
            return True
        judge.say(f"turned away: {user!r} may not publish to {topic[:200]!r}")
        return False

    async def on_broker_client_subscribed(self, client_id: str, topic: str, qos: int) -> None:
        """The gateway listens from now on."""
        self._judge.listeners.add(client_id)
