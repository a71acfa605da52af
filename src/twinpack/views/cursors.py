"""Where a list goes on: the place of the last row shown, in the order that was asked for.

A cursor holds what the last row was sorted by and its name, so that a list that changed meanwhile goes on behind that
place: nothing is shown twice that stayed where it was, and no cursor goes round in circles. It grants nothing: what may
be seen is decided anew for each page.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass

from twinpack.errors import InputError

_VERSION = 1


@dataclass(frozen=True)
class Place:
    """A row's place in an order.

    Attributes:
        order: The order, by name.
        value: What the row is sorted by, None where it is not known.
        name: What tells rows of one value apart.
    """

    order: str
    value: float | str | None
    name: str

    def cursor(self) -> str:
        """The place as a text that only we read."""
        text = json.dumps([_VERSION, self.order, self.value, self.name], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str, order: str) -> Place:
    """The place that a cursor of ours tells.

    Raises:
        InputError: It is none, or one of another order.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, found, value, name = json.loads(text, parse_int=float)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise _refused() from error
    number = isinstance(value, float) and math.isfinite(value)
    good = version == _VERSION and isinstance(name, str) and (value is None or number or isinstance(value, str))
    if not good or found != order:
        raise _refused()
    return Place(order, value, name)


def _refused() -> InputError:
    return InputError(
        "cursor: it is not one that this list gave for this order; leave it out to begin at the first page"
    )
