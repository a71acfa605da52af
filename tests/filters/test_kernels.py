"""Compiled loops are kept on disk, and compiled anew when a module beside them changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELPER = """
from twinpack.filters.kernels import kernel

@kernel
def size(x: float) -> float:
    return {factor} * x
"""
ENTRY = """
from made_for_this.helper import size
from twinpack.filters.kernels import kernel

@kernel
def entry(x: float) -> float:
    return size(x)
"""
RUN = "from made_for_this.entry import entry; print(entry(1.0), sum(entry.stats.cache_hits.values()))"

COMPILED = """
from numba.core import event
from made_for_this.entry import entry
with event.install_recorder("numba:compile") as seen:
    print(entry(1.0))
began = [one.data for _, one in seen.buffer if one.is_start]
told = [data["dispatcher"].py_func.__name__ + str(data["args"]) for data in began]
print(*sorted(one for one in told if one.startswith("size")))
"""


def run(folder: Path, code: str = RUN, **more: str) -> list[str]:
    # A module compiled by Python within the same second would not be read again.
    path = {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = os.environ | path | more
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    package = tmp_path / "made_for_this"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "entry.py").write_text(ENTRY)
    (package / "helper.py").write_text(HELPER.format(factor="2.0"))
    return package


def test_a_change_of_what_a_loop_calls_is_seen(package: Path, tmp_path: Path) -> None:
    assert run(tmp_path) == ["2.0", "0"]
    assert run(tmp_path) == ["2.0", "1"]
    (package / "helper.py").write_text(HELPER.format(factor="3.0"))
    assert run(tmp_path) == ["3.0", "0"]


def test_without_a_folder_to_keep_it_a_loop_is_compiled_each_time(package: Path, tmp_path: Path) -> None:
    blocked = package / "__pycache__"
    blocked.write_text("a file where a folder should be made")
    for _ in range(2):
        assert run(tmp_path, HOME=str(blocked), XDG_CACHE_HOME=str(blocked / "cache")) == ["2.0", "0"]


def test_division_by_zero_is_as_in_numpy() -> None:
    from tests.filters.divide import divide

    assert divide(1.0, 0.0) == float("inf")


def test_constants_share_what_is_compiled_for_their_type(package: Path, tmp_path: Path) -> None:
    (package / "entry.py").write_text(ENTRY.replace("size(x)", "size(x) + size(3) + size(4)"))
    assert run(tmp_path, code=COMPILED) == ["16.0", "size(float64,)", "size(int64,)"]


def test_what_other_loops_call_is_called_by_python_as_well() -> None:
    from tests.filters.divide import divide, divide_by_three_and_four

    assert (divide_by_three_and_four(12.0), divide(12.0, 3), divide_by_three_and_four(24.0)) == (7.0, 4.0, 14.0)
