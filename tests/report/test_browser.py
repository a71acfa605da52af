"""The page in a real browser, where there is one."""

from __future__ import annotations

import importlib.util
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.report.test_effects import STORED
from tests.servers import chromium
from twinpack.report.effects import effects
from twinpack.report.page import render

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
    "--window-size=1440,900",
    "--virtual-time-budget=2000",
    "--dump-dom",
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = importlib.util.spec_from_file_location("fabricate", Path(__file__).with_name("fabricate.py"))
    assert spec is not None and spec.loader is not None
    fabricate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fabricate)
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(
        render(replace(fabricate.report(vehicles=2, trips=20), sensitivity=(effects(STORED),))), encoding="utf-8"
    )
    return path


def dom(page: Path, route: str) -> str:
    profile = page.parent / f"profile{len(list(page.parent.iterdir()))}"
    command = [chromium.require(), *FLAGS, f"--user-data-dir={profile}", f"{page.as_uri()}{route}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


def test_the_fleet_is_drawn(page: Path) -> None:
    html = dom(page, "#/")

    assert html.count('<th scope="row">') == 2
    assert 'aria-sort="ascending"' in html
    assert "median" in html


def test_what_matters_in_a_model_is_told_where_it_was_analysed(page: Path) -> None:
    html = dom(page, "#/")
    assert "What the voltage goes with: p" in html and "Living set: ocv. " in html
    assert "1.00 V with nothing calibrated" in html


def test_a_vehicle_is_drawn(page: Path) -> None:
    html = dom(page, f"#/v/{quote('HF-0001')}")

    for words in ("Error per trip", "Voltage history", "prediction − measured", "What was refused and why", "Capacity"):
        assert words in html
    assert "<svg" in html


def test_an_unknown_vehicle_says_so(page: Path) -> None:
    assert "Not in this report" in dom(page, "#/v/none")
