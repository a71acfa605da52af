"""Messages of vehicles: decode, expand and split what arrives. `docs/reference/telemetry.md` describes the format."""

from __future__ import annotations

from twinpack.ingest.messages.arrow import MAX_ARROW_ROWS
from twinpack.ingest.messages.bodies import ENCODINGS, MAX_BODY_MESSAGES, expand, split_body
from twinpack.ingest.messages.decode import decode
from twinpack.ingest.messages.envelope import content_of
from twinpack.ingest.messages.fields import UnknownNames, closest_name
from twinpack.ingest.messages.model import (
    MAX_CELLS,
    MAX_FIELDS,
    MAX_MESSAGE_BYTES,
    MAX_SAMPLES,
    REJECT_REASONS,
    ROW_REASONS,
    VERSION,
    Content,
    Decoded,
    Message,
    Reject,
)

__all__ = [
    "ENCODINGS",
    "MAX_ARROW_ROWS",
    "MAX_BODY_MESSAGES",
    "MAX_CELLS",
    "MAX_FIELDS",
    "MAX_MESSAGE_BYTES",
    "MAX_SAMPLES",
    "REJECT_REASONS",
    "ROW_REASONS",
    "VERSION",
    "Content",
    "Decoded",
    "Message",
    "Reject",
    "UnknownNames",
    "closest_name",
    "content_of",
    "decode",
    "expand",
    "split_body",
]
