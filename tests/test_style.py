"""Habits of the code that no linter knows: what the core may not touch, what every file has."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinpack import errors

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "twinpack"
CORE = ("filters", "battery", "telemetry", "twin", "detect", "simulate", "fleet", "learn", "forecast", "evaluate")

# The core is handed its data: it has no clock, no disk, no network, no threads, no random numbers of the process.
BANNED_IMPORTS = {
    *("time", "random", "secrets", "uuid", "threading", "multiprocessing", "asyncio", "concurrent", "subprocess"),
    *("os", "shutil", "tempfile", "glob", "fcntl", "sqlite3", "pickle", "socket", "ssl", "http", "urllib"),
    *("requests", "httpx", "duckdb", "deltalake", "sqlalchemy", "alembic", "rich", "typer"),
    *("pyarrow.parquet", "pyarrow.csv", "pyarrow.fs", "pyarrow.dataset", "pyarrow.feather"),
}
BANNED_CALLS = {"open", "print", "input", "exec", "eval"}
# The two exceptions: compiled kernels are kept on disk, which changes no result, and a fleet's blocks may be shared
# out to threads, none of which touches another's vehicles.
ALLOWED_IMPORTS = {
    "filters/cache.py": {"os", "shutil", "tempfile", "threading"},
    "filters/compiled.py": {"concurrent"},
}
ALLOWED_PATHS = {"filters/cache.py"}
# `numpy.random.rand` and its like share one hidden state; a generator is handed in.
SEEDED_RANDOM = {"Generator", "SeedSequence", "default_rng", "PCG64", "PCG64DXSM", "Philox", "BitGenerator"}


def faults_of_the_core(text: str, module: str = "") -> Iterator[str]:
    """Each thing in a module's source that the core may not do, with its line."""
    banned = BANNED_IMPORTS - ALLOWED_IMPORTS.get(module, set())
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (f"line {node.lineno}: imports {name}" for name in names_of(node) if is_banned(name, banned))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
            yield f"line {node.lineno}: calls {node.func.id}"
        elif isinstance(node, ast.Call) and is_path_of_the_caller(node) and module not in ALLOWED_PATHS:
            yield f"line {node.lineno}: makes a path"
        elif isinstance(node, ast.Attribute):
            owner, name = ast.unparse(node.value), node.attr
            if owner.endswith(("datetime", "date")) and name in ("now", "utcnow", "today"):
                yield f"line {node.lineno}: reads the clock"
            if owner in ("np.random", "numpy.random") and name not in SEEDED_RANDOM:
                yield f"line {node.lineno}: uses numpy's global random state"


def is_path_of_the_caller(call: ast.Call) -> bool:
    """`Path(...)` or `Path.cwd()`, but for `Path(__file__)`: that leads to the package's own resources."""
    named = ast.unparse(call.func)
    return named.endswith(("Path.cwd", "Path.home")) or (
        named in ("Path", "pathlib.Path") and [ast.unparse(argument) for argument in call.args] != ["__file__"]
    )


def names_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Dotted names an import statement can bring in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = f"{node.module}." if node.module and not node.level else "."
    return [f"{base}{alias.name}" for alias in node.names]


def is_banned(name: str, banned: set[str]) -> bool:
    """Whether a dotted name is a banned module or lies in one."""
    parts = name.split(".")
    return any(".".join(parts[:length]) in banned for length in range(1, len(parts) + 1))


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (PACKAGE / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", [PACKAGE / "errors.py", *modules(*CORE)], ids=relative)
def test_the_core_touches_nothing_outside(path: Path) -> None:
    assert list(faults_of_the_core(path.read_text(encoding="utf-8"), relative(path))) == []


def test_what_one_module_may_do_no_other_may() -> None:
    text = "import os\nfrom concurrent.futures import ThreadPoolExecutor\nPath('x')\nimport socket"
    assert len(list(faults_of_the_core(text, "filters/cache.py"))) == 2
    assert len(list(faults_of_the_core(text, "filters/compiled.py"))) == 3
    assert len(list(faults_of_the_core(text, "filters/graph.py"))) == 4


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "def f():\n    import socket",
        "from os import path",
        "from urllib.request import urlopen",
        "import pyarrow.parquet as pq",
        "from pyarrow import csv",
        "open('x')",
        "Path('x').read_text()",
        "Path.cwd()",
        "print('x')",
        "datetime.now(UTC)",
        "datetime.date.today()",
        "np.random.normal()",
    ],
)
def test_what_the_core_may_not_do_is_found(text: str) -> None:
    assert len(list(faults_of_the_core(text))) == 1


@pytest.mark.parametrize(
    "text",
    ["import pyarrow as pa", "Path(__file__).parent", "np.random.default_rng(1)", "from . import time"],
)
def test_what_the_core_may_do_passes(text: str) -> None:
    assert list(faults_of_the_core(text)) == []


@pytest.mark.parametrize("path", modules("."), ids=relative)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_every_error_is_in_the_tree() -> None:
    tree = errors.__doc__ or ""
    classes = [name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert [name for name in classes if not re.search(rf"\b{name}\b", tree)] == []


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


# Written so that this file does not match itself.
PRIVATE = re.compile(
    r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+|opt/pypi)[/ ]"
    r"|--(?:extra-)?index[-]url|index[-]url\s*=|find[-]links|https?://[^\s\"')]*/simple\b",
)


def test_no_private_path_and_no_index_address_is_tracked() -> None:
    files = tracked_files()
    if not files:
        pytest.skip("not a git clone")
    found = []
    for path in files:
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in PRIVATE.finditer(text)]
    assert found == []


@pytest.mark.parametrize("text", ["see /wo" + "rk/x", "--ind" + "ex-url y", "https://host/a/sim" + "ple/numpy"])
def test_private_words_are_found(text: str) -> None:
    assert PRIVATE.search(text)
