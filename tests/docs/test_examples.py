"""Examples of the documentation run as they stand."""

from __future__ import annotations

import builtins
import re
from pathlib import Path

import numpy as np
import pytest

from twinpack.filters import Model, compile
from twinpack.filters.registry import load_model, model_names

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


PAGES = [page for page in sorted(DOCS.rglob("*.md")) if blocks(page, "python")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs_from_top_to_bottom(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "example"}
    for number, block in enumerate(blocks(page, "python"), 1):
        exec(builtins.compile(block, f"{page.name}, block {number}", "exec"), names)
    assert capsys.readouterr().out


def model_page() -> tuple[str, str]:
    """The model of the page about models, and its registration."""
    page = DOCS / "how-to" / "model.md"
    return blocks(page, "python")[0], blocks(page, "toml")[0]


def test_the_model_shown_is_short() -> None:
    assert len(model_page()[0].strip().splitlines()) < 40


def test_a_package_that_registers_the_model_shown_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, registration = model_page()
    group, name, module = re.findall(r'entry-points\."(.+)"\]\n(\S+) = "(\w+):Cell"', registration)[0]
    (tmp_path / f"{module}.py").write_text(model, encoding="utf-8")
    installed = tmp_path / f"{module}-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (installed / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:Cell\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert name in model_names()
    found = load_model(name)
    assert isinstance(found, Model)
    fleet = compile(found, backend="numpy")
    done = fleet.assimilate(
        fleet.init(2, {"soc": (0.8, 0.02), "u_v": (0.0, 0.01)}), {"current_a": -5.0, "dt_s": 1.0}, np.full((20, 2), 3.9)
    )
    assert done.ok.all()
