"""Senders: each brings one notice to where a sink leads, or says why not and whether trying again may help."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from twinpack.ingest.logs import Events
from twinpack.ingest.posting import PostError, post, why_not_sent
from twinpack.runtime.sinks.mail import MailSender
from twinpack.runtime.sinks.notice import Notice, headline
from twinpack.runtime.sinks.outcome import NotSentError, RefusedError, secret_of
from twinpack.store.sinks import EMAIL, WEBHOOK, Sink

TIMESTAMP_HEADER = "Twinpack-Timestamp"
SIGNATURE_HEADER = "Twinpack-Signature"

TIMEOUT_S = 10.0

_PASSING = (408, 425, 429)
"""Statuses of the four hundreds that say to come again."""

_OF_THE_LINE = frozenset({"format", "time", "level", "event"})
"""What a line of the log has of its own: `level` is how loud the line is, not how bad the alarm."""

_LOG = Events("alarms")


class Sender(Protocol):
    """Brings a notice to one place."""

    def send(self, notice: Notice) -> None:
        """Bring it there.

        Raises:
            RefusedError: The other side will not take it, now or later.
            NotSentError: It was not reached, or asks to come again.
        """
        ...


def sender_of(sink: Sink, home: Path, timeout_s: float = TIMEOUT_S) -> Sender:
    """The sender of a sink.

    Args:
        sink: Its settings.
        home: Folder of the workspace, from which paths count.
        timeout_s: Longest wait for the other side at any step, seconds.
    """
    if sink.type == WEBHOOK:
        return WebhookSender(sink, home, timeout_s)
    return MailSender(sink, home, timeout_s) if sink.type == EMAIL else LogSender(sink)


class WebhookSender:
    """Posts notices as JSON, signed with a secret that both sides know."""

    def __init__(
        self, sink: Sink, home: Path, timeout_s: float = TIMEOUT_S, clock: Callable[[], float] = time.time
    ) -> None:
        """Post to the address of a sink."""
        self._sink, self._home, self._timeout_s, self._clock = sink, home, timeout_s, clock

    def send(self, notice: Notice) -> None:
        """Post it once."""
        body, stamp = notice.json(), str(int(self._clock()))
        signature = sign(secret_of(self._home, self._sink.secret_file, "secret_file"), stamp, body)
        headers = {
            "Idempotency-Key": notice.event_id,
            "User-Agent": "twinpack",
            TIMESTAMP_HEADER: stamp,
            SIGNATURE_HEADER: f"sha256={signature}",
        }
        try:
            post(self._sink.url, body, headers, self._timeout_s, private=self._sink.allow_private)
        except PostError as error:
            if 300 <= error.status < 500 and error.status not in _PASSING:
                raise RefusedError(why_not_sent(error)) from None
            raise NotSentError(why_not_sent(error)) from None
        except OSError as error:
            raise NotSentError(why_not_sent(error)) from None


class LogSender:
    """Tells notices among the events of the service, in lines of JSON."""

    def __init__(self, sink: Sink) -> None:
        """Tell them as those of a sink."""
        self._sink = sink

    def send(self, notice: Notice) -> None:
        """Tell it."""
        wanted = notice.event == "raised" and notice.level == "alarm"
        body = notice.body()
        fields = {name: value for name, value in body.items() if name not in _OF_THE_LINE}
        fields |= {"sink": self._sink.name, "sample_time": body["time"], "alarm_level": notice.level}
        fields["text"] = headline(notice)
        (_LOG.error if wanted else _LOG.warning)(f"alarm_{notice.event}", **fields)


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp, a full stop and body, in hex digits."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
