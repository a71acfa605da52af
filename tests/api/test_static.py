"""The web app's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from tests.api.middleware.asking import ask
from twinpack.api.static import WebApp


@pytest.fixture
def app(tmp_path: Path) -> WebApp:
    folder = tmp_path / "_web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>the app</p>")
    (folder / "assets" / "index-abc123.js").write_text("let a = 1;" * 1_000)
    (folder / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("private")
    return WebApp(folder)


def test_every_path_of_the_app_is_its_one_page(app: WebApp) -> None:
    for path in ("/", "/fleet", "/vehicles/HF-0417/twin", "/alarms/a1b2c3d4e5f6", "/v1x"):
        answer = ask(app, path)
        assert (answer.status_code, answer.text) == (200, "<p>the app</p>")
        assert answer.headers["cache-control"] == "no-cache"


def test_files_are_themselves(app: WebApp) -> None:
    assert ask(app, "/favicon.svg").text == "<svg/>"
    answer = ask(app, "/assets/index-abc123.js")
    assert answer.text.startswith("let a = 1;")
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1",
        "/assets/old-123.js",
        "/robots.txt",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../x.js",
    ],
)
def test_what_is_not_there_is_not_found(app: WebApp, path: str) -> None:
    with pytest.raises(HTTPException) as refused:
        ask(app, path)
    assert refused.value.status_code == 404


def test_an_app_that_was_not_built_says_what_to_do(tmp_path: Path) -> None:
    answer = ask(WebApp(tmp_path / "none"), "/fleet")
    assert answer.status_code == 503
    assert "make serve" in answer.text
