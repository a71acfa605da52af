"""What learning a model gives, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Learned:
    """A prototype ready to be stored: its artifact, and the card that tells people about it."""

    artifact: dict[str, Any]
    card: dict[str, Any]
