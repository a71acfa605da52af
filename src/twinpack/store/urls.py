"""Addresses that people name in settings and rules: whether they can be called, and what of them may be shown."""

from __future__ import annotations

from urllib.parse import urlsplit


def is_http_url(url: str) -> bool:
    """Whether it is `https://host/path` (or http), without signs that would end a line of a request."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    return usable and url.isascii() and not any(sign.isspace() or not sign.isprintable() for sign in url)


def shown_url(url: str) -> str:
    """Scheme, host and port of an address: its path, query and user may be secrets."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}/…"
