"""A fleet from Python: over the network, or straight from a workspace on disk, with the same methods.

import twinpack

with twinpack.connect("https://twin.example", token="tpk_…") as client:
worst = client.vehicles(fleet="harbour", sort="deviation_pts").to_pandas()

with twinpack.open("./twinpack-data") as client:
day = client.telemetry("HF-0417", start="2026-11-22T00:00:00Z", end="2026-11-23T00:00:00Z").to_polars()
"""

from __future__ import annotations

from twinpack.client.client import Client
from twinpack.client.events import Event
from twinpack.client.opening import connect, open
from twinpack.client.tables import Table

__all__ = ["Client", "Event", "Table", "connect", "open"]
