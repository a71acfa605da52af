"""A vehicle that sends to a real gateway, as its own device would."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path

import httpx

from tests.servers.mosquitto import free_port
from twinpack.store.workspace import Workspace

_VOLTAGES_V = (371.0, 374.0, 377.0, 380.0)
_PERIOD_S = 1.0


def take_free_ports(home: Path) -> None:
    """Have the gateway and the embedded broker of a workspace listen where nothing else does."""
    settings = home / "settings.toml"
    text = re.sub(r"^port = \d+$", lambda _: f"port = {free_port()}", settings.read_text(), flags=re.MULTILINE)
    settings.write_text(text)


class Sender:
    """Sends a sample a second, each with another voltage, while it is used as a context manager."""

    def __init__(self, home: Path, vehicle_id: str) -> None:
        """Send as a vehicle of a workspace whose gateway runs."""
        workspace = Workspace.open(home, create=False)
        with workspace.registry() as registry:
            token = registry.credentials.issue("vehicle", vehicle_id, days=1).token
        http = workspace.settings.http
        self._http = httpx.Client(
            base_url=f"http://{http.host}:{http.port}", headers={"Authorization": f"Bearer {token}"}, timeout=30.0
        )
        self._vehicle_id = vehicle_id
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._send, name="sender")
        self.problem = ""

    def __enter__(self) -> Sender:
        """Begin to send."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self._stopped.set()
        self._thread.join()
        self._http.close()

    def _send(self) -> None:
        for voltage_v in cycle(_VOLTAGES_V):
            sample = {
                "vehicle": self._vehicle_id,
                "time": datetime.now(UTC).isoformat(),
                "pack_voltage_v": voltage_v,
                "pack_current_a": -20.0,
            }
            answer = self._http.post("/v1/telemetry", json=sample)
            if not answer.is_success or answer.json()["accepted"] != 1:
                self.problem = answer.text
            if self._stopped.wait(_PERIOD_S):
                return
