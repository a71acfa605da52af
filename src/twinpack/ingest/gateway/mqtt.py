"""The MQTT source: takes messages from a broker and acknowledges them once they are durable.

One thread drives one paho client by its loop functions. A connection that is lost is made again, with the session that
the broker keeps: it sends again what was not acknowledged. When the intake has no room nothing is read, so that the
broker keeps what is to come.
"""

from __future__ import annotations

import os
import select
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from twinpack.ingest.gateway.access import access_of
from twinpack.ingest.gateway.metrics import Metrics
from twinpack.ingest.gateway.parcels import Parcel, Pending, Refused
from twinpack.ingest.gateway.sockets import BulkSocket
from twinpack.ingest.gateway.topics import Topics
from twinpack.ingest.logs import Events
from twinpack.ingest.messages import Message
from twinpack.store.credentials import Principal
from twinpack.store.settings import MqttSettings

_BACKOFF_S = (0.1, 30.0)
_POLL_MS = 500
_PATIENCE_S = 15.0
_STEADY_S = 5.0
_MOST_IN_FLIGHT = 65_535
_PUBACK = 0x4002
_HUNG_UP = select.POLLERR | select.POLLHUP | getattr(select, "POLLRDHUP", 0)
_UNSPECIFIED = "Unspecified error"
_PINGREQ = b"\xc0\x00"


class MqttSource:
    """Listens to a broker for as long as it runs."""

    def __init__(
        self,
        settings: MqttSettings,
        home: Path,
        pending: Pending,
        topics: Topics,
        metrics: Metrics,
        *,
        most_in_flight: int,
        now_us: Callable[[], int],
    ) -> None:
        """Name the broker and where messages go; `start` begins.

        Raises:
            SettingsError: The settings cannot be used.
        """
        self.settings, self.access = settings, access_of(settings, home)
        self.pending, self.topics, self.metrics, self.now_us = pending, topics, metrics, now_us
        self.most_in_flight = max(100, min(most_in_flight, _MOST_IN_FLIGHT))
        self.events = Events("mqtt")
        self.draining, self._closing, self.subscribed = threading.Event(), threading.Event(), threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        for handle in (self._wake_read, self._wake_write):
            os.set_blocking(handle, False)
        self._troubled = False
        self._thread: threading.Thread | None = None

    @property
    def connected(self) -> bool:
        """Whether the broker sends to us."""
        return self.subscribed.is_set()

    def start(self) -> None:
        """Begin to connect."""
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read nothing more; acknowledgements are still sent until it is closed."""
        self.draining.set()
        self.wake()

    def close(self) -> None:
        """Send the last acknowledgements, disconnect and end."""
        self.draining.set()
        self._closing.set()
        self.wake()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for handle in (self._wake_read, self._wake_write):
            os.close(handle)

    def tell_connected(self, session_kept: bool) -> None:
        """Tell that the broker took us, as loudly as that it had not; a session it did not keep lost what waited."""
        tell = self.events.warning if self._troubled else self.events.info
        tell("mqtt_connected", broker=self.settings.url, session_kept=session_kept)
        self._troubled = False

    def wake(self) -> None:
        """Have the thread look again."""
        with suppress(BlockingIOError):  # it has been woken often enough
            os.write(self._wake_write, b"x")

    def _run(self) -> None:
        pause = _BACKOFF_S[0]
        while not self._closing.is_set():
            began, served = time.monotonic(), False
            try:
                connection = Connection(self)
                served = connection.serve(self._wake_read, self._closing)
                ended_by = connection.ended_by
            except (OSError, ValueError) as error:  # ssl.SSLError and CertificateError are among them
                ended_by = f"{type(error).__name__}: {error}"
            except Exception as error:  # noqa: BLE001 - the edge of a thread: tell it, and connect anew
                ended_by = f"{type(error).__name__}: {error}"
                self.events.error("mqtt_failed", trace=True, error=ended_by)
            self.subscribed.clear()
            self.metrics.connected.set(0)
            if self._closing.is_set():
                break
            # One that is cut at once, such as by another client of our name, is not tried again at once.
            steady = served and time.monotonic() - began > _STEADY_S
            pause = _BACKOFF_S[0] if steady else min(2 * pause, _BACKOFF_S[1])
            self._troubled = True
            self.events.warning("mqtt_disconnected", broker=self.settings.url, reason=ended_by, again_in_s=pause)
            self._closing.wait(pause)


class Connection:
    """One connection to the broker; acknowledgements that come after its end are for nobody.

    Attributes:
        ended_by: Why it ended.
    """

    def __init__(self, source: MqttSource) -> None:
        """Prepare to connect."""
        self._source = source
        self._received = source.metrics.received.labels("mqtt")
        self.ended_by = ""
        self._acks: deque[list[int]] = deque()
        self._messages: list[Message] = []
        self._claims: list[Principal] = []
        self._refused: list[Refused] = []
        self._mids: list[int] = []
        self._began = self._pinged = time.monotonic()
        self._socket: BulkSocket | None = None
        self._client = self._make_client()

    def serve(self, wake: int, closing: threading.Event) -> bool:
        """Connect and take messages until the connection ends or `closing` is set; whether it had subscribed.

        Raises:
            OSError: It cannot be connected.
        """
        self._connect()
        link = self._socket
        if link is None:
            raise ConnectionError("the socket was not opened")
        try:
            self._serve(link, wake, closing)
        finally:
            link.close()
        return self._source.subscribed.is_set()

    def _serve(self, link: BulkSocket, wake: int, closing: threading.Event) -> None:
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        poll.register(link.fileno(), 0)
        while not self.ended_by:
            self._send(link)
            if closing.is_set():
                self._disconnect(link)
                break
            reads = self._reads()
            poll.modify(link.fileno(), (select.POLLIN if reads else _HUNG_UP) | (select.POLLOUT if link.unsent else 0))
            ready = dict(poll.poll(0 if reads and link.unread else _POLL_MS))
            if wake in ready:
                _drain(wake)
            if not reads and ready.get(link.fileno(), 0) & _HUNG_UP:
                self.ended_by = "the connection was lost"
            if reads:
                self._read(link)
            self._keep_alive(link, reads)

    # --- connecting -----------------------------------------------------------------------------------------------

    def _make_client(self) -> paho.Client:
        settings, access = self._source.settings, self._source.access
        newest = settings.version == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            settings.client_id,
            clean_session=None if newest else False,
            protocol=paho.MQTTv5 if newest else paho.MQTTv311,
            manual_ack=True,
        )
        client.tls_set_context(access.context())
        if access.username:
            client.username_pw_set(access.username, access.password())
        client.on_socket_open = self._on_socket_open
        client.on_socket_register_write = _nothing  # so that paho leaves it to us when to write
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _connect(self) -> None:
        settings, access = self._source.settings, self._source.access
        if settings.version == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = settings.session_expiry_s
            properties.ReceiveMaximum = self._source.most_in_flight
            self._client.connect(
                access.host, access.port, settings.keepalive_s, clean_start=False, properties=properties
            )
        else:
            self._client.connect(access.host, access.port, settings.keepalive_s)

    def _disconnect(self, link: BulkSocket) -> None:
        self._client.disconnect()
        self._send(link)
        self.ended_by = self.ended_by or "closed"

    def _on_socket_open(self, client: Any, data: Any, link: Any) -> None:
        self._socket = link

    def _on_connect(self, client: paho.Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self.ended_by = f"the broker refused the connection: {reason}"
            return
        self._source.metrics.reconnects.inc()
        self._source.tell_connected(bool(flags.session_present))
        if flags.session_present:  # the subscription is part of it, and messages may come at once
            self._subscribed()
        topic = self._source.settings.topic
        if self._source.settings.version == "5":
            client.subscribe(topic, options=SubscribeOptions(qos=1, retainHandling=1))
        else:
            client.subscribe(topic, qos=1)

    def _on_subscribe(self, client: Any, data: Any, mid: int, reasons: Any, properties: Any) -> None:
        failed = [str(reason) for reason in reasons if reason.is_failure]
        if failed:
            self.ended_by = f"the broker refused the subscription to {self._source.settings.topic!r}: {failed[0]}"
            return
        if any(reason.value < 1 for reason in reasons):
            self._source.events.warning(
                "mqtt_not_guaranteed", reason="the broker grants QoS 0 only: it may drop telemetry; let it grant QoS 1"
            )
        self._subscribed()
        self._source.events.info("mqtt_subscribed", topic=self._source.settings.topic)

    def _subscribed(self) -> None:
        self._source.subscribed.set()
        self._source.metrics.connected.set(1)

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.ended_by = self.ended_by or (self._hung_up() if reason == _UNSPECIFIED else str(reason))

    def _hung_up(self) -> str:
        """What may be behind an end of which the broker says nothing."""
        settings = self._source.settings
        if self._source.subscribed.is_set():
            return (
                f"the broker ended the connection; when this happens again and again, another client may have the "
                f"client_id {settings.client_id!r}, as each gateway needs its own"
            )
        return (
            f"the broker ended the connection before it answered: does it expect MQTT {settings.version}, and "
            f"{settings.url.partition(':')[0]}://?"
        )

    # --- messages -------------------------------------------------------------------------------------------------

    def _reads(self) -> bool:
        """Whether messages may be taken: until it is subscribed whatever the broker says is read."""
        source = self._source
        return not source.subscribed.is_set() or (source.pending.has_room() and not source.draining.is_set())

    def _read(self, link: BulkSocket) -> None:
        if not link.unread:
            link.fill()
        read = self._client.loop_read
        while link.unread or link.ended:
            if read() != MQTTErrorCode.MQTT_ERR_SUCCESS or self.ended_by:
                self.ended_by = self.ended_by or "the connection was lost"
                break
            if not self._reads():
                break
        self._hand_in()

    def _on_message(self, client: Any, data: Any, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        try:
            text = message.topic
        except UnicodeDecodeError:
            text = "?"
        topic = self._source.topics.read(text)
        if topic.fault:
            held = Message(payload, None, topic.vehicle or None)
            self._refused.append(Refused(held, text[:200], "topic", topic.fault))
        else:
            self._messages.append(Message(payload, None, topic.vehicle))
            self._claims.append(topic.claim)
        if message.qos:
            self._mids.append(message.mid)

    def _hand_in(self) -> None:
        if not (self._messages or self._refused):
            return
        parcel = Parcel(
            "mqtt",
            self._messages,
            self._claims,
            self._source.now_us(),
            partial(self._durable, self._mids),
            self._refused,
        )
        self._received.inc(parcel.count)
        self._source.pending.put(parcel)
        self._messages, self._claims, self._refused, self._mids = [], [], [], []

    def _durable(self, mids: list[int], parcel: Parcel) -> None:
        """Called from the committer's thread."""
        self._acks.append(mids)
        self._source.wake()

    def _send(self, link: BulkSocket) -> None:
        """Send acknowledgements and whatever paho wants to say."""
        while self._acks:
            mids = self._acks.popleft()
            link.send(struct.pack(f"!{2 * len(mids)}H", *(part for mid in mids for part in (_PUBACK, mid))))
        if self._client.want_write():
            self._client.loop_write()
        link.flush()

    def _keep_alive(self, link: BulkSocket, reads: bool) -> None:
        now = time.monotonic()
        if reads:
            self._client.loop_misc()
        elif now - self._pinged >= self._source.settings.keepalive_s / 2:
            # Nothing is read, so paho would miss the answer and hang up; the broker only wants to hear from us.
            self._pinged = now
            link.send(_PINGREQ)
        if not self._source.subscribed.is_set() and now - self._began > _PATIENCE_S:
            self.ended_by = "the broker did not answer"


def _nothing(*_: Any) -> None:
    """Stands where paho wants to be told of something."""


def _drain(handle: int) -> None:
    with suppress(BlockingIOError):
        while os.read(handle, 4096):
            pass
