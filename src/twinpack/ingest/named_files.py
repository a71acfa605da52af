"""Files that settings name."""

from __future__ import annotations

import ssl
from pathlib import Path

from twinpack.errors import SettingsError


def named_file(section: str, key: str, value: str, home: Path) -> Path | None:
    """The file that a setting names, looked for from the workspace's folder; None where it names none.

    Raises:
        SettingsError: It is not there.
    """
    if not value:
        return None
    path = home / Path(value).expanduser()
    if not path.is_file():
        raise SettingsError(f"[{section}] {key}: there is no file {path}")
    return path


def named_certificate(section: str, cert_file: str, key_file: str, home: Path) -> tuple[Path | None, Path | None]:
    """The certificate that a section names for what listens, and its key; None where it names none.

    Raises:
        SettingsError: They are not there or cannot be used: now, and not once something asks.
    """
    if key_file and not cert_file:
        raise SettingsError(f"[{section}] key_file is set and cert_file is not: name the certificate of this key")
    cert, key = named_file(section, "cert_file", cert_file, home), named_file(section, "key_file", key_file, home)
    if cert is None:
        return None, None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: "")
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"[{section}] cert_file: {cert} with the key in {key or 'the same file'} cannot be used ({error}); "
            "a certificate and its key are needed, in PEM and without a password"
        ) from error
    return cert, key
