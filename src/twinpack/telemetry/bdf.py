"""Names of the Battery Data Format for what we have, as files in that format call them.

Units are ours, and so is the sign of the current: positive charges.
"""

from __future__ import annotations

TEST_TIME = "Test Time / s"
"""Seconds since the first row of the file; required."""
UNIX_TIME = "Unix Time / s"
"""Seconds since the epoch, UTC."""

BDF_COLUMNS: dict[str, str] = {
    "pack_voltage_v": "Voltage / V",
    "pack_current_a": "Current / A",
    "ambient_temp_c": "Ambient Temperature / degC",
    "cell_temp_avg_c": "Surface Temperature / degC",
}
"""Preferred label of each signal that the format has, in the order of a file's columns; the first two are required."""
BDF_REQUIRED = ("pack_voltage_v", "pack_current_a")
