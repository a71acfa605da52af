"""Who may do what at the embedded broker.

A device's user name is its vehicle or its fleet, its password a token of `twinpack token`; it may publish the telemetry
of that vehicle, or of that fleet's vehicles, and nothing else. Only the gateway may subscribe: its password is made
anew when the broker starts and stands in a file that nobody else can read.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from twinpack.errors import WorkspaceBusyError
from twinpack.ingest.topics import parse_topic
from twinpack.store.credentials import may_send
from twinpack.store.files import write_atomic
from twinpack.store.fleet_records import DEFAULT_FLEET
from twinpack.store.locks import Claim
from twinpack.store.registry import Registry
from twinpack.telemetry.identifiers import shard_of

GATEWAY_USER = "$gateway"
"""The gateway's user name; no vehicle and no fleet can have it."""


@dataclass(frozen=True)
class Access:
    """What the broker asks before it lets somebody in, or a message through.

    Attributes:
        registry: Where credentials and fleets are.
        shards: Virtual shards of the workspace.
        gateway_password: Password of `GATEWAY_USER`.
    """

    registry: Registry
    shards: int
    gateway_password: str = field(repr=False)

    def is_gateway(self, user: str, password: str) -> bool:
        """Whether it is the gateway that speaks."""
        return user == GATEWAY_USER and hmac.compare_digest(self.gateway_password.encode(), password.encode())

    def may_connect(self, user: str, password: str) -> bool:
        """Whether this is the gateway or a device.

        Raises:
            RegistryBusyError: The registry does not answer for now.
        """
        if user == GATEWAY_USER:
            return self.is_gateway(user, password)
        principal = self.registry.credentials.verify(password)
        return principal is not None and principal.name == user

    def may_publish(self, user: str, password: str, topic: str) -> bool:
        """Whether a device may publish to a topic: telemetry of its own, in the right fleet and shard.

        Raises:
            RegistryBusyError: The registry does not answer for now.
        """
        named = parse_topic(topic)
        if named is None or named.shard != str(shard_of(named.vehicle_id, self.shards)):
            return False
        principal = self.registry.credentials.verify(password)
        if principal is None or principal.name != user:
            return False
        entry = self.registry.fleet.entry(named.vehicle_id)
        # A vehicle that nobody entered is in no fleet yet: it is taken by its word if a fleet's account sends for it.
        unknown = named.fleet if principal.scope == "fleet" else DEFAULT_FLEET
        fleet = entry.fleet if entry is not None else unknown
        return fleet == named.fleet and may_send(principal, named.vehicle_id, fleet)


def password_path(home: Path) -> Path:
    """The file with the gateway's password, in the folder of keys."""
    return home / "keys" / "broker.password"


def become_broker(home: Path) -> Claim:
    """Be the one embedded broker of a workspace, with a new password for the gateway.

    Returns:
        What is released when the broker ends; the system lets go of it when this process does.

    Raises:
        WorkspaceBusyError: It has one already, whose password stays as it is; names its process.
    """
    claim = Claim(home / "broker.lock", "broker")
    if not claim.take():
        raise WorkspaceBusyError(
            f"workspace {home} has a broker already (process {claim.holder()[1]}): stop it, or use another workspace "
            "with --home"
        )
    write_atomic(password_path(home), secrets.token_urlsafe(32).encode(), mode=0o600)
    return claim
