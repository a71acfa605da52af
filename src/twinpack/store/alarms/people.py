"""Who did something, and when: checks that alarms, windows and maintenance share."""

from __future__ import annotations

from twinpack.errors import InputError

WHO_LIMIT = 128


def check_who(who: str, name: str = "who") -> str:
    """Return a person's name without blanks around it.

    Raises:
        InputError: It is empty, too long, or holds control characters.
    """
    who = who.strip()
    if not who:
        raise InputError(f"{name} is empty: say who it is")
    if len(who) > WHO_LIMIT:
        raise InputError(f"{name} has {len(who):,} characters; at most {WHO_LIMIT} are kept")
    if not who.isprintable():
        raise InputError(f"{name} {who[:40]!r} holds control characters")
    return who
