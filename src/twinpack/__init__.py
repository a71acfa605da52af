"""An open, self-hosted living digital twin for every battery in a fleet."""

from __future__ import annotations

__version__ = "0.1.0"
