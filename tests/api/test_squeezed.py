"""Files of the web app that its build compressed are sent as they are."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from twinpack.api.static import WebApp
from twinpack.client.local import HOST, InProcess

SCRIPT = b"const answer = 42;"


@pytest.fixture
def http(tmp_path: Path) -> Iterator[httpx.Client]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(b"<!doctype html>")
    (tmp_path / "assets" / "app-1.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "app-1.js.gz").write_bytes(gzip.compress(SCRIPT))
    with httpx.Client(base_url=f"http://{HOST}", transport=InProcess(WebApp(tmp_path))) as client:
        yield client


def test_a_browser_gets_the_compressed_file(http: httpx.Client) -> None:
    answer = http.get("/assets/app-1.js", headers={"Accept-Encoding": "gzip, br"})

    assert answer.content == SCRIPT
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "immutable" in answer.headers["cache-control"]


def test_who_takes_no_compression_gets_the_file(http: httpx.Client) -> None:
    answer = http.get("/assets/app-1.js", headers={"Accept-Encoding": "identity"})

    assert answer.content == SCRIPT
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"


def test_an_address_of_the_app_is_its_page(http: httpx.Client) -> None:
    answer = http.get("/vehicles/HF-0417/twin")

    assert answer.text == "<!doctype html>"
    assert answer.headers["cache-control"] == "no-cache"
