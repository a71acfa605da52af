"""Compiled kernels on disk: warm, shared, replaced when broken, and done without where they cannot be kept."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.filters.models import Decay, small_run
from twinpack.filters import cache, compile

ROOT = Path(__file__).parents[2]
JOB = """
from tests.filters.models import Decay, small_run
from twinpack.filters import compile
run = small_run(Decay(), 5, 8)
print(compile(run.model).assimilate(*run.arguments).mean.tobytes().hex())
"""
TINY = '"""Tiny."""\nfrom numba import njit\n\n@njit("f8(f8)", cache=True)\ndef kernel(x):\n    return x + 1.5\n'


def start(folder: Path, **more: str) -> subprocess.Popen[str]:
    given = os.environ | {"TWINPACK_KERNEL_CACHE": str(folder), "OPENBLAS_NUM_THREADS": "1"} | more
    return subprocess.Popen(
        [sys.executable, "-c", JOB], cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def result(job: subprocess.Popen[str]) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], str]:
    out, err = job.communicate(timeout=120)
    assert job.returncode == 0, err
    return np.frombuffer(bytes.fromhex(out)).reshape(3, 5), err


def machine_code(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.nb*")}


def reference() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    run = small_run(Decay(), 5, 8)
    return np.asarray(compile(run.model, backend="numpy").assimilate(*run.arguments).mean)


def test_four_processes_at_once_agree_and_the_next_starts_warm(tmp_path: Path) -> None:
    folder = tmp_path / "kernels"
    found = [result(job) for job in [start(folder) for _ in range(4)]]
    assert len({mean.tobytes() for mean, _ in found}) == 1
    np.testing.assert_allclose(found[0][0], reference(), rtol=1e-10)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = machine_code(folder)
    assert before
    mean, err = result(start(folder))
    assert (mean.tobytes(), err) == (found[0][0].tobytes(), "")
    assert machine_code(folder) == before
    (source,) = folder.glob("*.py")
    text = source.read_text(encoding="utf-8")
    assert "of Decay (ukf, float64)" in text and "0 level, 1 rate, 2 gain" in text and "u0 push, u1 dt_s" in text
    assert str(ROOT) not in text and str(tmp_path) not in text


@pytest.mark.parametrize("cpu", [{"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}])
def test_a_kernel_without_wide_registers_computes_the_same(tmp_path: Path, cpu: dict[str, str]) -> None:
    mean, _ = result(start(tmp_path / "kernels", **cpu))
    np.testing.assert_allclose(mean, reference(), rtol=1e-10)


def test_a_folder_below_a_file_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "kernels"
    mean, err = result(start(folder, TMPDIR=str(tmp_path)))
    np.testing.assert_allclose(mean, reference(), rtol=1e-10)
    assert "RuntimeWarning" in err and str(folder) in err and "TWINPACK_KERNEL_CACHE" in err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of the test, in this process."""
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "kernels"))
    cache.folder.cache_clear()
    yield tmp_path / "kernels"
    cache.folder.cache_clear()


def tiny() -> float:
    for name in [name for name in sys.modules if name.startswith("twinpack_kernels.tiny")]:
        del sys.modules[name]
    return float(cache.kernel("tiny", TINY)(1.0))


@pytest.mark.parametrize("ending", [".nbi", ".nbc", ".pyc"])
@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_what_is_broken_is_replaced(kept: Path, ending: str, damage: bytes | None) -> None:
    assert tiny() == 2.5
    for path in kept.rglob(f"*{ending}"):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert tiny() == 2.5
    after = machine_code(kept)
    assert tiny() == 2.5 and machine_code(kept) == after


def test_a_folder_that_others_may_write_is_not_used(kept: Path) -> None:
    kept.mkdir()
    kept.chmod(0o777)
    with pytest.warns(RuntimeWarning, match=rf"{kept} can be written by others.*TWINPACK_KERNEL_CACHE"):
        assert tiny() == 2.5
    assert not list(kept.iterdir())


def test_a_folder_of_somebody_else_is_not_used(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: kept.stat().st_uid + 1)
    with pytest.warns(RuntimeWarning, match=rf"{kept} belongs to another user.*TWINPACK_KERNEL_CACHE"):
        assert tiny() == 2.5
    assert not list(kept.iterdir())


def test_a_file_in_place_of_the_folder_is_done_without(kept: Path) -> None:
    kept.touch()
    with pytest.warns(RuntimeWarning, match=rf"{kept} cannot be written.*TWINPACK_KERNEL_CACHE"):
        assert tiny() == 2.5
