"""A connection to a broker that publishes: at least once, with a bounded number of messages on their way."""

from __future__ import annotations

import ssl
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from twinpack.errors import InputError
from twinpack.ingest.addresses import parse_address

_ANSWER_S = 20.0
_LONGEST_PAUSE_S = 30
_WAIT_S = 0.2
# Waiting does not help against these; a server that is unavailable may come back.
_FINAL = {"Unsupported protocol version", "Client identifier not valid", "Bad user name or password", "Not authorized"}


@dataclass(frozen=True)
class Login:
    """How to prove oneself to a broker.

    Attributes:
        user: User name, "" for none.
        password: Password.
        ca_file: Certificates that may sign the broker's, "" for the system's.
        cert_file: Certificate of this client, "" for none.
        key_file: Its key.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


class Publisher:
    """Publishes with QoS 1 by MQTT 3.1.1, which every broker speaks, and connects again whenever it has to.

    Attributes:
        acknowledged: Messages that the broker has taken.
    """

    def __init__(
        self,
        url: str,
        login: Login | None = None,
        *,
        in_flight: int = 500,
        tell: Callable[[str], None] = lambda text: None,
        stopped: threading.Event | None = None,
    ) -> None:
        """Prepare; entering it connects.

        Args:
            url: The broker, as `parse_address` takes it.
            login: How to prove oneself.
            in_flight: Messages that may be on their way without an answer.
            tell: Told when the connection breaks and when it is back.
            stopped: Ends every wait.

        Raises:
            InputError: The address is none, or a file of the login cannot be used.
        """
        self.acknowledged = 0
        self._url = url
        self._address = parse_address(url)
        self._free = threading.Semaphore(in_flight)
        self._lock = threading.Condition()
        self._sent = 0
        self._tell = tell
        self._stopped = stopped or threading.Event()
        self._refused = ""
        self._connected = threading.Event()
        self._was_connected = False
        self._client = self._make_client(login or Login(), in_flight)

    def __enter__(self) -> Publisher:
        """Connect and wait for the broker's answer.

        Raises:
            InputError: Nothing listens there, or the broker turns this user away.
        """
        try:
            self._client.connect(self._address.host, self._address.port, keepalive=60)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"no broker answers at {self._url}: {error}") from error
        self._client.loop_start()
        waited = 0.0
        while not self._connected.wait(_WAIT_S) and not self._stopped.is_set():
            waited += _WAIT_S
            self._check()
            if waited > _ANSWER_S:
                self.close()
                raise InputError(f"the broker at {self._url} does not let anybody in; is a gateway there?")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; what was not acknowledged may be lost."""
        self.close()

    def send(self, topic: str, payload: bytes) -> bool:
        """Publish a message; waits while too many are on their way.

        Returns:
            Whether it is on its way; False when `stopped` was set before it could be.

        Raises:
            InputError: The broker turns this user away.
        """
        while not self._free.acquire(timeout=_WAIT_S):
            self._check()
            if self._stopped.is_set():
                return False
        self._sent += 1
        self._client.publish(topic, payload, qos=1)
        return True

    def flush(self, timeout_s: float) -> bool:
        """Wait until the broker has taken everything; whether it has."""
        with self._lock:
            return self._lock.wait_for(lambda: bool(self._refused) or self.acknowledged >= self._sent, timeout_s)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _make_client(self, login: Login, in_flight: int) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"twinpack-player-{uuid.uuid4().hex[:12]}", protocol=mqtt.MQTTv311
        )
        client.max_inflight_messages_set(in_flight)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(1, _LONGEST_PAUSE_S)
        if login.user:
            client.username_pw_set(login.user, login.password)
        if self._address.secure:
            try:
                client.tls_set(login.ca_file or None, login.cert_file or None, login.key_file or None)
            except (OSError, ssl.SSLError, ValueError) as error:
                raise InputError(f"the certificates for {self._url} cannot be used: {error}") from error
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _check(self) -> None:
        if self._refused:
            raise InputError(f"the broker at {self._url} turns this user away: {self._refused}")

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            if self._was_connected:
                self._tell("the broker is back")
            self._was_connected = True
            self._connected.set()
        elif str(reason) in _FINAL:
            with self._lock:
                self._refused = str(reason).lower()
                self._lock.notify_all()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._connected.is_set() and reason.is_failure:
            self._connected.clear()
            self._tell("the connection to the broker broke; it is tried again")

    def _on_publish(self, _client: Any, _data: Any, _number: Any, _reason: Any, _properties: Any) -> None:
        with self._lock:
            self.acknowledged += 1
            self._lock.notify_all()
        self._free.release()
