"""How long a kernel takes to compile, and a process that finds it compiled to start and filter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.result import Result

SCRIPT = """
import time
from benchmarks.models import Joint, START
from twinpack.filters import compile
start = time.perf_counter()
fleet = compile(Joint(6))
prior = fleet.init(1, START)
done = fleet.assimilate(prior, {"current_a": -20.0, "dt_s": 1.0}, [[3.9]] * 100)
assert done.ok.all()
print(time.perf_counter() - start)
"""


def compiling() -> Result:
    """Seconds from a model (n = 6) to its first result with an empty cache; beside it with a full one."""
    with tempfile.TemporaryDirectory() as folder:
        cold_s, warm_s = _inside(Path(folder)), _inside(Path(folder))
    return Result(cold_s, "s", warm_s, higher_is_better=False)


def warm_start() -> Result:
    """Seconds of a whole process that filters one vehicle (n = 6), its kernel in the cache; beside it without."""
    with tempfile.TemporaryDirectory() as folder:
        cold_s = _whole(Path(folder))
        warm_s = sorted(_whole(Path(folder)) for _ in range(5))[2]
    return Result(warm_s, "s", cold_s, higher_is_better=False)


def _whole(cache: Path) -> float:
    start = time.perf_counter()
    _inside(cache)
    return time.perf_counter() - start


def _inside(cache: Path) -> float:
    surroundings = os.environ | {"TWINPACK_KERNEL_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True, env=surroundings)
    return float(done.stdout)
