"""Certificates for tests: an authority, and what it signs, made by the `openssl` program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def authority(folder: Path) -> Path:
    """A new authority; its certificate."""
    folder.mkdir(parents=True, exist_ok=True)
    subject = ["-subj", "/CN=test authority", "-addext", "basicConstraints=critical,CA:TRUE"]
    _openssl("req", "-x509", "-nodes", *_KEY, *subject, "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    return folder / "ca.pem"


def signed(folder: Path, name: str) -> tuple[Path, Path]:
    """Certificate and key of `name`, good for this machine, signed by the authority of the folder."""
    request, certificate, key, hosts = (folder / f"{name}.{kind}" for kind in ("csr", "pem", "key", "ext"))
    hosts.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    _openssl("req", "-new", "-nodes", *_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
    signer: list[str | Path] = ["-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial"]
    _openssl("x509", "-req", "-in", request, *signer, "-days", "2", "-extfile", hosts, "-out", certificate)
    return certificate, key


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def _openssl(*arguments: str | Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs the openssl program")
    subprocess.run([program, *map(str, arguments)], check=True, capture_output=True)
