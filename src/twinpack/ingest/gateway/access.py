"""How the gateway reaches its broker, by the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from twinpack.errors import InputError, SettingsError
from twinpack.ingest.addresses import parse_address
from twinpack.ingest.gateway.sockets import BulkContext, plain_context, tls_context
from twinpack.ingest.named_files import named_file
from twinpack.store.settings import MqttSettings


@dataclass(frozen=True)
class BrokerAccess:
    """Where the broker is, and how to prove who we are."""

    host: str
    port: int
    context: Callable[[], BulkContext]
    username: str
    password_file: Path | None

    def password(self) -> str | None:
        """The password, read anew each time; None where there is no file.

        Raises:
            OSError: The file cannot be read.
        """
        path = self.password_file
        return path.read_text(encoding="utf-8").rstrip("\r\n") if path is not None else None


def access_of(settings: MqttSettings, home: Path) -> BrokerAccess:
    """The broker of the settings; files are looked for from the workspace's folder.

    Raises:
        SettingsError: The URL cannot be used, or a file it needs is not there.
    """
    if not _is_filter(settings.topic):
        raise SettingsError(
            f"[mqtt] topic {settings.topic!r} cannot be subscribed to: + and # stand for whole levels, # for the last"
        )
    try:
        address = parse_address(settings.url)
    except InputError as error:
        raise SettingsError(f"[mqtt] url: {error}") from error
    ca, cert, key, password = (
        named_file("mqtt", name, getattr(settings, name), home)
        for name in ("ca_file", "cert_file", "key_file", "password_file")
    )
    context = partial(tls_context, ca, cert, key) if address.secure else plain_context
    return BrokerAccess(address.host, address.port, context, settings.username, password)


def _is_filter(topic: str) -> bool:
    """Whether a topic can be subscribed to."""
    levels = topic.split("/")
    whole = all(level in ("+", "#") or not set(level) & {"+", "#"} for level in levels)
    return bool(topic) and whole and "#" not in levels[:-1]
