"""The bits of the status byte of a trouble code, as ISO 14229-1 (D.2) has them."""

from __future__ import annotations

FAILED, FAILED_IN_CYCLE, PENDING, CONFIRMED = 0x01, 0x02, 0x04, 0x08
UNTESTED, FAILED_SINCE_CLEAR, UNTESTED_IN_CYCLE, LAMP = 0x10, 0x20, 0x40, 0x80

CLEARED = UNTESTED | UNTESTED_IN_CYCLE
"""The byte after a clear: not tested since then, nor in this operation cycle."""
