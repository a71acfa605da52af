from __future__ import annotations

from tests.servers.disks import small_disk
from tests.servers.mosquitto import broker

__all__ = ["broker", "small_disk"]
