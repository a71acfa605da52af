"""Compiled kernels on disk: a readable source file each, with its machine code beside it.

The folder holds what this process will run, so it must be its owner's alone: it is made with mode 0700, and one that
belongs to somebody else or that others may write is not used. A file's name has a hash over its text, over everything
that compiling it depends on, and over the processor; its time is fixed, so that it does not matter which process wrote
it. Files may be deleted at any time.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import shutil
import stat
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any

import llvmlite
import llvmlite.binding
import numba
import numpy as np

FOLDER_VARIABLE = "TWINPACK_KERNEL_CACHE"
"""Names another folder for compiled kernels."""

_ONE_AT_A_TIME = RLock()
_WRITTEN_AT = 1_577_836_800  # any fixed time: machine code counts as stale when its source has another
_MADE_OF = ("lanes.py", "functions.py", "loops.py", "cache.py")


def kernel(name: str, text: str) -> Any:
    """The compiled function `kernel` of a source text, from the cache when it is there.

    Args:
        name: What to call it, for people: letters, digits and `_`.
        text: Source of a module with a function `kernel`, compiled when the module is imported.
    """
    found = f"{name}_{_key(text)}"
    # A module stands in `sys.modules` before it is whole.
    with _ONE_AT_A_TIME:
        loaded = sys.modules.get(f"twinpack_kernels.{found}")
        return (loaded or _load(found, text)).kernel


def _load(found: str, text: str) -> ModuleType:
    path = _written(folder() / f"{found}.py", text)
    try:
        return _imported(found, path)
    except Exception:  # noqa: BLE001 machine code that cannot be read, whatever is wrong with it, is made anew
        for kept in filter(None, (path.parent, numba.config.CACHE_DIR)):
            for stale in Path(kept).rglob(f"{found}*.nb*"):
                stale.unlink(missing_ok=True)
        return _imported(found, path)


def _imported(found: str, path: Path) -> ModuleType:
    name = f"twinpack_kernels.{found}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # Numba looks for the module of what it loads.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _written(path: Path, text: str) -> Path:
    """The file, written whole or not at all; whoever comes second finds it there."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return path
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".py")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.utime(made, (_WRITTEN_AT, _WRITTEN_AT))
    Path(made).replace(path)
    return path


@cache
def folder() -> Path:
    """Where kernels are kept: the cache folder, or one of this process alone when that cannot be used."""
    try:
        wanted = cache_folder()
        reason = _unusable(wanted)
    except RuntimeError:  # a user without a home
        wanted, reason = Path("~/.cache"), "is in the home folder of a user who has none"
    if reason is None:
        return wanted
    alone = Path(tempfile.mkdtemp(prefix="twinpack-kernels-"))
    atexit.register(shutil.rmtree, alone, ignore_errors=True)
    warnings.warn(
        f"compiled kernels are not kept: {wanted} {reason}. Every process compiles them anew, which takes seconds; "
        f"name a folder of your own with {FOLDER_VARIABLE}",
        RuntimeWarning,
        stacklevel=2,
    )
    return alone


def cache_folder() -> Path:
    """Where kernels should be kept."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "twinpack" / "kernels"


def _unusable(path: Path) -> str | None:
    """Why a folder cannot hold kernels; makes it where it is missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.stat()
        if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
            return "belongs to another user"
        if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o022:
            return "can be written by others"
        with tempfile.TemporaryFile(dir=path):
            return None
    except OSError as error:
        return f"cannot be written ({error.strerror or error})"


def _key(text: str) -> str:
    return hashlib.sha256(f"{text}\n{_surroundings()}".encode()).hexdigest()[:16]


@cache
def _surroundings() -> str:
    """Everything besides the text that machine code depends on."""
    here = Path(__file__).parent
    sources = [hashlib.sha256((here / name).read_bytes()).hexdigest() for name in _MADE_OF]
    cpu = llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten()
    versions = sys.version, numba.__version__, llvmlite.__version__, np.__version__
    return "\n".join([*versions, *cpu, *sources])
