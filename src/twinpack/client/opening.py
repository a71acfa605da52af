"""The two doors: a service that is asked over the network, and a workspace on this machine's disk."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import httpx

from twinpack import __version__
from twinpack.client.client import Client
from twinpack.client.signing_in import Bearer, SignedIn
from twinpack.errors import InputError

TOKEN = "TWINPACK_TOKEN"
"""Holds the token where none is given, so that no program has to."""

_TIMEOUT_S = 30.0
_UNBOUNDED = 10_000_000


def connect(
    url: str,
    *,
    token: str | None = None,
    username: str | None = None,
    password: str | None = None,
    ca_file: str | Path | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> Client:
    """Ask a service over the network. Nothing is sent yet: the first method that asks is the first to fail.

    Args:
        url: Where it is, such as `https://twin.example`.
        token: An API key (`tpk_…`) or an access token; the variable TWINPACK_TOKEN when neither this nor a user name
            is given.
        username: Sign in as this account instead, and stay signed in.
        password: Its password.
        ca_file: Certificates to trust, for a service whose certificate this machine does not know.
        timeout_s: How long to wait for the service, seconds.

    Raises:
        InputError: The address is none, or only half of a sign-in is given.
    """
    base = httpx.URL(url)
    if base.scheme not in ("http", "https") or not base.host:
        raise InputError(f"{url} is no address of a service: it begins with https:// or http:// and names a host")
    if (username is None) != (password is None):
        raise InputError("give a user name and its password together")
    auth: httpx.Auth | None = None
    if username is not None and password is not None:
        auth = SignedIn(username, password)
    elif token := token or os.environ.get(TOKEN):
        auth = Bearer(token)
    trusted = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    headers = {"User-Agent": f"twinpack/{__version__}"}
    return Client(httpx.Client(base_url=base, auth=auth, verify=trusted, timeout=timeout_s, headers=headers))


def open(home: str | Path = "twinpack-data") -> Client:
    """Look at a workspace on this machine's disk, and act on it, as the one that it belongs to.

    It is answered by the service's own code in this process, so that both doors give the same. `twinpack serve` may
    run on the workspace meanwhile.

    Args:
        home: Its folder.

    Raises:
        NotFoundError: There is none.
        WorkspaceError: It cannot be read.
    """
    # Here and not above: one that asks over the network needs no web framework and no registry.
    from dataclasses import replace

    from twinpack.api.app import make_app
    from twinpack.api.identity.authenticator import Authenticator
    from twinpack.client.local import HOST, InProcess
    from twinpack.store.workspace import Workspace
    from twinpack.views.opened import Views

    workspace = Workspace.open(home, create=False)
    bounds = replace(workspace.settings.api, requests_per_minute=_UNBOUNDED, request_s=float(_UNBOUNDED))
    views = Views(workspace)
    try:
        app = make_app(views, Authenticator.of(views, no_auth=True), bounds, no_auth=True)
        inside = InProcess(app, app.state.hub.close)
    except BaseException:
        views.close()
        raise
    return Client(httpx.Client(base_url=f"http://{HOST}", transport=inside, timeout=None), views.close)
