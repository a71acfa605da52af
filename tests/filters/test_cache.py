"""Compiled kernels on disk: warm, shared, replaced when broken, and done without where they cannot be kept."""

from __future__ import annotations

import os
import platform
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import llvmlite.binding
import numpy as np
import pytest

from tests.filters.models import Corrected, Decay, Run, circuit, small_run
from twinpack.battery.thevenin import Thevenin
from twinpack.filters import Model, cache, compile
from twinpack.filters.compiled import source
from twinpack.filters.filter import Kind
from twinpack.filters.source import Numbers
from twinpack.filters.trace import trace

ROOT = Path(__file__).parents[2]
JOB = """
from tests.filters.models import Decay, small_run
from twinpack.filters import compile
run = small_run(Decay(), 5, 8)
print(compile(run.model).assimilate(*run.arguments).mean.tobytes().hex())
"""
TINY = '"""Tiny."""\nfrom numba import njit\n\n@njit("f8(f8)", cache=True)\ndef kernel(x):\n    return x + 1.5\n'


HASWELL = "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse4.2"


def start(folder: Path, job: str = JOB, **more: str) -> subprocess.Popen[str]:
    given = os.environ | {"TWINPACK_KERNEL_CACHE": str(folder), "OPENBLAS_NUM_THREADS": "1"} | more
    return subprocess.Popen(
        [sys.executable, "-c", job], cwd=ROOT, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(job: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = job.communicate(timeout=240)
    assert job.returncode == 0, err
    return out, err


def result(job: subprocess.Popen[str]) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float64]], str]:
    out, err = finished(job)
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


WIDE = """
import re
import numpy as np
from tests.filters.models import EveryOp, small_run
from twinpack.filters import compile
run = small_run(EveryOp(), 20, 12)
(learn, learn2), (look, look2) = (
    [compile(run.model, method, backend=backend) for backend in ("numba", "numpy")] for method in ("ukf", "ekf")
)
found, known = (one.assimilate(*run.arguments, steps=True) for one in (learn, learn2))
ahead, expected = (one.predict(run.posterior, run.inputs) for one in (look, look2))
assert found.ok.all() and ahead.ok.all()
pairs = [(found.mean, known.mean), (found.triangle, known.triangle), (found.innovation, known.innovation)]
pairs += [(ahead.mean, expected.mean), (ahead.variance, expected.variance), (ahead.points, expected.points)]
far = max(float(np.abs(one - other).max()) for one, other in pairs)
kernels = [kept.call for compiled in (learn, look) for kept in compiled._kernels.values()]
asm = "".join(text for kernel in kernels for text in kernel.inspect_asm().values())
assert len(kernels) == 2 and asm
print(far, *sorted({name[:4] for name in re.findall(r"%([xyz]mm)[0-9]+", asm)}))
"""


def has(*features: str) -> bool:
    """Whether this machine's processor has some features."""
    found = llvmlite.binding.get_host_cpu_features()
    return platform.machine() in ("x86_64", "AMD64") and all(found.get(one, False) for one in features)


@pytest.mark.parametrize(
    ("cpu", "registers"),
    [
        ({"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}, {"xmm"}),
        pytest.param(
            {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": HASWELL}, {"xmm", "ymm"}, marks=pytest.mark.slow
        ),
    ],
    ids=["generic", "haswell"],
)
def test_kernels_for_other_processors_compute_the_same(
    tmp_path: Path, cpu: dict[str, str], registers: set[str]
) -> None:
    if cpu["NUMBA_CPU_NAME"] == "haswell" and not has("avx2", "fma", "bmi2"):
        pytest.skip("this processor cannot run it")
    out, _ = finished(start(tmp_path / "kernels", WIDE, **cpu))
    far, *used = out.split()
    assert float(far) < 1e-10
    if has():
        assert set(used) == registers


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
    for name in [name for name in sys.modules if name.startswith("twinpack_kernels.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "kernels"))
    cache.folder.cache_clear()
    yield tmp_path / "kernels"
    for name in [name for name in sys.modules if name.startswith("twinpack_kernels.")]:
        del sys.modules[name]
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


def test_a_user_without_a_home_does_without(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("TWINPACK_KERNEL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    with pytest.warns(RuntimeWarning, match=r"home folder of a user who has none.*TWINPACK_KERNEL_CACHE"):
        assert tiny() == 2.5
    assert not kept.exists()


SLOW = "import time\ntime.sleep(0.2)\n" + TINY.split("\n", 1)[1]


def test_threads_that_need_a_kernel_first_at_once_all_get_it(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, all_here, load = list[str](), threading.Barrier(4), cache._load  # noqa: SLF001

    def counted(found: str, text: str) -> ModuleType:
        loaded.append(found)
        return load(found, text)

    def ask(_: int) -> float:
        all_here.wait(timeout=20.0)
        return float(cache.kernel("slow", SLOW)(1.0))

    monkeypatch.setattr(cache, "_load", counted)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [2.5] * 4
    assert len(loaded) == 1 and len(list(kept.glob("slow_*.py"))) == 1


def test_filters_that_differ_in_numbers_share_a_kernel_also_when_both_are_new_at_once(kept: Path) -> None:
    runs, all_here = [small_run(Corrected(seed), 5, 8) for seed in (3, 4)], threading.Barrier(2)

    def ask(run: Run) -> Any:
        compiled = compile(run.model)
        all_here.wait(timeout=20.0)
        return compiled.assimilate(*run.arguments).mean

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(ask, runs))
    for mean, run in zip(found, runs, strict=True):
        known = compile(run.model, backend="numpy").assimilate(*run.arguments).mean
        np.testing.assert_allclose(mean, known, rtol=1e-10)
    assert len(list(kept.glob("*.py"))) == 1


def test_a_kernel_that_cannot_be_imported_is_not_half_kept(kept: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cache.kernel("broken", f"{TINY}\n1 / 0\n")
        assert not [name for name in sys.modules if name.startswith("twinpack_kernels.broken")]
    assert float(cache.kernel("broken", TINY)(1.0)) == 2.5


def text_of(model: Model, kind: Kind = "learn", method: str = "ukf", dtype: str = "float64", alpha: float = 1.0) -> str:
    traced = trace(model)
    return source(traced, kind, method, alpha, dtype, Numbers(traced.graph))


OTHER_NUMBERS: dict[str, Any] = {
    "series": 14,
    "capacity_ah": 101.0,
    "ocv_v": tuple(3.0 + 0.06 * i - 0.0001 * i * i for i in range(21)),
    "r0_ohm": (0.0021, 0.0019, 0.0017),
    "pairs_ohm": ((0.0004, 0.00031, 0.00032), (0.0008, 0.00062, 0.00063)),
    "tau_s": (7.0, 310.0),
    "ea0_j_mol": 19e3,
    "ea1_j_mol": 26e3,
}


@pytest.mark.parametrize("method", ["ukf", "ekf"])
@pytest.mark.parametrize("kind", ["learn", "consider", "predict"])
@pytest.mark.parametrize("knots", [0, 4])
def test_circuits_that_differ_in_numbers_have_one_source(knots: int, kind: Kind, method: str) -> None:
    one, other = Thevenin(circuit(2, knots)), Thevenin(circuit(2, knots, **OTHER_NUMBERS))
    text = text_of(one, kind, method)
    assert text == text_of(other, kind, method)
    assert text != text_of(Thevenin(circuit(1, knots)), kind, method)
    assert text != text_of(Thevenin(circuit(2, knots + 5)), kind, method)
    assert text != text_of(one, kind, method, "float32")


def test_the_spread_is_a_number_too() -> None:
    assert text_of(Decay(), alpha=0.5) == text_of(Decay(), alpha=0.7) != text_of(Decay())
