"""Models by name: those of twinpack and those that other packages register, through the same door.

A package registers a model as an entry point of the group `twinpack.models`: a name, and what makes the model when it
is called without arguments (its class, or a function).
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from twinpack.errors import NotFoundError, TraceError
from twinpack.filters.model import Model

GROUP = "twinpack.models"


def model_names() -> tuple[str, ...]:
    """Names of the registered models."""
    return tuple(sorted(_registered()))


def load_model(name: str) -> Model:
    """A registered model.

    Raises:
        NotFoundError: No model of that name is registered.
        TraceError: What is registered under it is no model, or cannot be made.
    """
    found = _registered()
    if name not in found:
        listed = ", ".join(sorted(found)) or "none"
        raise NotFoundError(
            f"no model {name!r}; registered are {listed}. A package registers its own as an entry point of the group "
            f"{GROUP!r}"
        )
    entry = found[name]
    try:
        made = entry.load()()
    except (ImportError, AttributeError, TypeError) as error:
        raise TraceError(f"model {name!r} cannot be made from {entry.value}: {error}") from error
    if not isinstance(made, Model):
        raise TraceError(f"model {name!r}: {entry.value} gives a {type(made).__name__}, not a twinpack.filters.Model")
    return made


def _registered() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
