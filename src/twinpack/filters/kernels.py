"""How the loops over samples are compiled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, ParamSpec, TypeVar

from numba import njit, types

_P = ParamSpec("_P")
_R = TypeVar("_R")
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def kernel(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """A function compiled at its first call and kept on disk; it lets other threads run meanwhile.

    Division by zero gives infinity or NaN as in NumPy. Sums keep their order, so that results repeat bit for bit.
    """
    compiled: Callable[_P, _R]
    try:
        compiled = njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # there is no folder that may be written to
        compiled = njit(**_OPTIONS)(function)
    else:
        _compile_anew_with_its_package(compiled, function.__module__.rpartition(".")[0])
    _compile_once_for_all_constants(compiled)
    return compiled


def _compile_once_for_all_constants(compiled: Any) -> None:
    """Let other kernels that pass a constant share what is compiled for its type; Numba compiles for each value."""
    by_value = compiled.get_call_template

    def by_type(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return by_value(tuple(map(types.unliteral, args)), {name: types.unliteral(one) for name, one in kws.items()})

    compiled.get_call_template = by_type


def _compile_anew_with_its_package(compiled: Any, package: str) -> None:
    """Make what is kept good only as long as no module beside it changes.

    Numba looks at the function's own file alone: after an update it would go on with what another file held before.
    """
    kept = compiled._cache._cache_file  # noqa: SLF001 - Numba has no other way in
    kept._source_stamp = (kept._source_stamp, _contents(package))  # noqa: SLF001


@cache
def _contents(package: str) -> str:
    """Digest of the modules of a package."""
    digest = hashlib.sha256()
    for item in sorted(resources.files(package).iterdir(), key=lambda item: item.name):
        if item.name.endswith(".py"):
            digest.update(item.read_bytes())
    return digest.hexdigest()
