"""Programs that tests need, installed with apt where that is allowed and they are missing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_S = 300
_GIVE_UP_S = 3600
_QUICK = ("-o", "Acquire::http::Timeout=20", "-o", "Acquire::Retries=1", "-o", "DPkg::Lock::Timeout=120")


def may_install() -> bool:
    """Whether this process may install packages of the system."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> None:
    """Install a package of the system if that is possible; one process at a time, and not again soon if it is not."""
    if not may_install():
        return
    with _alone(package) as tried:
        if time.time() - tried.stat().st_mtime < _GIVE_UP_S and tried.read_text() == "failed":
            return
        done = _apt("install", package) or (_apt("update") and _apt("install", package))
        tried.write_text("installed" if done else "failed")


@contextmanager
def _alone(package: str) -> Iterator[Path]:
    """The note of what came of earlier tries, held by this process."""
    path = Path(tempfile.gettempdir()) / f"twinpack-tests-{package}.apt"
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield path


def _apt(*what: str) -> bool:
    # A server that is installed would start and take its usual port; the packaged way to say no is the run level.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "-y", "--no-install-recommends", *_QUICK, *what]
    try:
        return subprocess.run(command, capture_output=True, timeout=LONGEST_S, env=environment).returncode == 0
    except subprocess.TimeoutExpired:
        return False
