"""The build of the web app: when it is made again, when it is taken as it is, and when it is refused."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

WEB = Path(__file__).parents[2] / "web"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build's module, over a copy of the sources without packages."""
    shutil.copytree(WEB, tmp_path / "web", ignore=shutil.ignore_patterns("node_modules"))
    monkeypatch.delenv("TWINPACK_PREBUILT_WEB", raising=False)
    spec = importlib.util.spec_from_file_location("web_app", tmp_path / "web" / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built(folder: Path, page: str = "<!doctype html>") -> Path:
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(page)
    return folder


def test_what_was_never_built_is_not_fresh(app: ModuleType) -> None:
    assert not app.is_fresh()


@pytest.mark.parametrize(
    ("changed", "fresh"),
    [("src/main.tsx", False), ("package-lock.json", False), (".npmrc", False), ("src/a.test.ts", True)],
)
def test_a_change_of_a_source_asks_for_a_build_and_one_of_a_test_does_not(
    app: ModuleType, tmp_path: Path, changed: str, fresh: bool
) -> None:
    (built(tmp_path / "src" / "twinpack" / "_web") / ".stamp").write_text(app.inputs())
    assert app.is_fresh()

    with (tmp_path / "web" / changed).open("a") as source:
        source.write("\n// more\n")

    assert app.is_fresh() is fresh


def test_a_built_app_is_taken_as_it_is(app: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINPACK_PREBUILT_WEB", str(built(tmp_path / "elsewhere", "made elsewhere")))

    app.build()

    assert (tmp_path / "src" / "twinpack" / "_web" / "index.html").read_text() == "made elsewhere"
    assert not app.is_fresh()  # without the variable, it is made of the sources again


def test_a_folder_without_an_app_is_refused(app: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINPACK_PREBUILT_WEB", str(tmp_path))

    with pytest.raises(app.AppError, match=r"has no index\.html"):
        app.build()


def test_without_a_registry_it_fails_and_says_what_to_do(tmp_path: Path) -> None:
    shutil.copytree(WEB, tmp_path / "web", ignore=shutil.ignore_patterns("node_modules"))
    away = {"npm_config_registry": "http://127.0.0.1:9", "npm_config_cache": str(tmp_path / "cache")}
    environment = os.environ | away | {"npm_config_fetch_retries": "0"}
    command = [sys.executable, str(tmp_path / "web" / "app.py"), "build"]

    done = subprocess.run(command, capture_output=True, text=True, env=environment)

    assert done.returncode == 1
    assert "TWINPACK_PREBUILT_WEB=" in done.stderr
    assert not (tmp_path / "src").exists()
