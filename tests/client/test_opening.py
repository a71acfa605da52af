"""The two doors, and what goes through neither."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import twinpack
from twinpack.errors import InputError, NotFoundError


def test_the_package_is_light_until_the_client_is_asked_for() -> None:
    code = (
        "import sys, twinpack\n"
        "assert not {'httpx', 'pyarrow', 'pydantic', 'fastapi'} & set(sys.modules)\n"
        "twinpack.connect\n"
        "assert 'httpx' in sys.modules\n"
        "assert not {'fastapi', 'sqlalchemy', 'pandas', 'polars', 'duckdb'} & set(sys.modules), sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_names_that_are_not_there_are_missing_as_usual() -> None:
    assert {"connect", "open", "Client"} <= set(dir(twinpack))
    with pytest.raises(AttributeError, match="no attribute 'disconnect'"):
        twinpack.disconnect  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("url", ["twin.example", "ftp://twin.example", "https://", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="no address of a service"):
        twinpack.connect(url)


def test_half_a_sign_in_is_refused() -> None:
    with pytest.raises(InputError, match="together"):
        twinpack.connect("http://localhost", username="m.kern")


def test_a_folder_without_a_workspace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        twinpack.open(tmp_path / "nothing")
