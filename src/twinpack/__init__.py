"""An open, self-hosted living digital twin for every battery in a fleet.

`twinpack.connect` asks a service, `twinpack.open` a workspace on disk; see `twinpack.client`.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

_CLIENT = {"Client", "Event", "Table", "connect", "open"}


def __getattr__(name: str) -> object:
    """What the client offers, read when it is first asked for: the command line does without it."""
    if name not in _CLIENT:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.client"), name)


def __dir__() -> list[str]:
    """The names that can be asked for."""
    return [*globals(), *_CLIENT]
