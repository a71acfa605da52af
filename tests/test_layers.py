"""The layers of the package: a module imports only to its left, never from a sibling layer, never in a circle.

Imports inside functions and under TYPE_CHECKING count: they couple all the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "twinpack"

LAYERS = (
    ("errors",),
    ("filters",),
    ("battery",),
    ("telemetry",),
    ("twin", "detect", "simulate"),
    ("fleet",),
    ("learn",),
    ("forecast",),
    ("evaluate",),
    ("store",),
    ("ingest",),
    ("runtime",),
    ("views",),
    ("report", "api", "scale", "testing"),
    ("client",),
    ("cli",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


# --- reading imports ------------------------------------------------------------------------------------------------


def module_names(package: Path) -> dict[str, Path]:
    """Every module of a package by its dotted name."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imported_names(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of everything `module` imports, wherever in the file it does so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: None if is_package and node.level == 1 else is_package - node.level]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and called_name(node) in ("import_module", "__import__"):
            name = node.args[0] if node.args else None
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield node.lineno, name.value


def called_name(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def edges(package: Path) -> list[tuple[str, int, str]]:
    """(module, line, imported module) within the package; `from a import b` counts for `a.b` when that is a module."""
    names = module_names(package)
    found = []
    for module, path in names.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for line, target in imported_names(tree, module, path.name == "__init__.py"):
            while target and target not in names:
                target = target.rpartition(".")[0]
            if target and target != module:
                found.append((module, line, target))
    return found


# --- the rules ------------------------------------------------------------------------------------------------------


def layer(module: str) -> str:
    """The layer of a module; the package itself (its version) is no layer, and running it is the command line."""
    name = module.split(".")[1] if "." in module else ""
    return "cli" if name == "__main__" else name


def layer_faults(package: Path) -> list[str]:
    """Every import that points right or to a sibling, and every module outside the layers."""
    faults = [
        f"{module} belongs to no layer: put it into one, or add the layer to the design and to this test"
        for module in module_names(package)
        if layer(module) and layer(module) not in LEVEL
    ]
    for module, line, target in edges(package):
        importer, imported = layer(module), layer(target)
        if importer == imported or not imported or importer not in LEVEL or imported not in LEVEL:
            if not importer and imported:
                faults.append(f"{module}:{line} imports {target}: the package itself imports nothing")
        elif LEVEL[imported] == LEVEL[importer]:
            faults.append(f"{module}:{line} imports {target}: siblings do not know each other")
        elif LEVEL[imported] > LEVEL[importer]:
            faults.append(f"{module}:{line} imports {target}: {imported} is to the right of {importer}")
    return faults


def import_cycle(package: Path) -> list[str]:
    """The modules of one import cycle, first and last the same; empty when there is none."""
    graph: dict[str, set[str]] = {}
    for module, _, target in edges(package):
        graph.setdefault(module, set()).add(target)
    finished: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in finished:
            return []
        for target in sorted(graph.get(module, ())):
            if cycle := visit(target, [*path, module]):
                return cycle
        finished.add(module)
        return []

    return next((cycle for module in sorted(graph) if (cycle := visit(module, []))), [])


# --- twinpack keeps them ---------------------------------------------------------------------------------------------


def test_every_import_points_to_the_left() -> None:
    assert layer_faults(PACKAGE) == []


def test_no_import_cycle() -> None:
    assert import_cycle(PACKAGE) == []


# --- the rules notice what they should -------------------------------------------------------------------------------


def make_package(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "twinpack"
    for name, text in {"__init__.py": "", **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("battery/pack.py", "import twinpack.store.lake", "right"),
        ("battery/pack.py", "from twinpack.store import lake", "right"),
        ("battery/pack.py", "from twinpack import store", "right"),
        ("battery/pack.py", "from ..store.lake import Lake", "right"),
        ("battery/__init__.py", "from ..store.lake import Lake", "right"),
        ("battery/ecm/__init__.py", "from ...store import lake", "right"),
        ("battery/pack.py", "def f():\n    from twinpack.store import lake", "right"),
        ("battery/pack.py", "if TYPE_CHECKING:\n    from twinpack.store.lake import Lake", "right"),
        ("battery/pack.py", "importlib.import_module('twinpack.store.lake')", "right"),
        ("simulate/physics.py", "from twinpack.twin import state", "siblings"),
        ("report/page.py", "from twinpack.cli import output", "right"),
        ("__init__.py", "from twinpack.store import lake", "itself"),
        ("helpers/text.py", "", "no layer"),
        ("helpers.py", "", "no layer"),
    ],
)
def test_a_bad_import_is_found(tmp_path: Path, file: str, text: str, fault: str) -> None:
    others = {f"{name}/__init__.py": "" for name in ("battery", "cli", "store", "simulate", "report", "twin")}
    package = make_package(
        tmp_path, others | {"store/lake.py": "", "twin/state.py": "", "cli/output.py": "", file: text}
    )
    faults = layer_faults(package)
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    "text",
    [
        "import numpy",
        "from twinpack import __version__",
        "from twinpack.errors import InputError",
        "from twinpack.battery import pack",
        "from . import lake",
        "from .lake import Lake",
        "from ..battery.pack import PackSpec",
        "name = 'twinpack.cli'",
    ],
)
def test_a_good_import_passes(tmp_path: Path, text: str) -> None:
    package = make_package(
        tmp_path,
        {"errors.py": "", "battery/__init__.py": "", "battery/pack.py": "", "store/__init__.py": ""}
        | {"store/lake.py": "", "store/registry.py": text},
    )
    assert layer_faults(package) == []
    assert import_cycle(package) == []


def test_a_cycle_is_found_also_inside_functions(tmp_path: Path) -> None:
    package = make_package(
        tmp_path,
        {
            "twin/__init__.py": "",
            "twin/a.py": "from twinpack.twin import b",
            "twin/b.py": "from .c import thing",
            "twin/c.py": "def f():\n    import twinpack.twin.a",
        },
    )
    assert import_cycle(package) == ["twinpack.twin.a", "twinpack.twin.b", "twinpack.twin.c", "twinpack.twin.a"]


def test_a_package_and_its_module_make_a_cycle(tmp_path: Path) -> None:
    package = make_package(
        tmp_path, {"twin/__init__.py": "from .state import State", "twin/state.py": "from twinpack.twin import prior"}
    )
    assert import_cycle(package) == ["twinpack.twin", "twinpack.twin.state", "twinpack.twin"]
