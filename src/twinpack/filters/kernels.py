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
    _let_others_call(compiled, njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function))
    return compiled


def _let_others_call(compiled: Any, inner: Any) -> None:
    """Let other kernels call `inner`, the same without what Python needs to call it: that saves a fifth of compiling.

    Numba would also compile it for every constant that one of them passes; here all of a type share what is compiled.
    """

    def template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        of_types = {name: types.unliteral(one) for name, one in kws.items()}
        return inner.get_call_template(tuple(map(types.unliteral, args)), of_types)

    compiled.get_call_template = template
    compiled.get_overload = inner.get_overload


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
