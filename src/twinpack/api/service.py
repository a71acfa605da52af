"""The API over a workspace, with all that it needs, from its first request to its last."""

from __future__ import annotations

from types import TracebackType

from twinpack.api.app import make_app
from twinpack.api.identity.authenticator import Authenticator
from twinpack.api.middleware.hosts import LOOPBACK
from twinpack.api.server import ApiServer
from twinpack.errors import InputError
from twinpack.store.workspace import Workspace
from twinpack.views.opened import Views


class ApiService:
    """Answers while it is used as a context manager.

    Attributes:
        views: The workspace as it is looked at.
        authenticator: Knows who asks.
    """

    def __init__(self, workspace: Workspace, *, port: int | None = None, no_auth: bool = False) -> None:
        """Take the port, and open the workspace.

        Args:
            workspace: The workspace.
            port: A port in place of that of the settings; 0 takes a free one.
            no_auth: Whether nobody has to sign in.

        Raises:
            InputError: The port cannot be used, or nobody would have to sign in from elsewhere.
            SettingsError: The certificate, or the issuer, cannot be used.
        """
        settings = workspace.settings.api
        if no_auth and settings.host not in LOOPBACK:
            raise InputError(
                f"--no-auth works on this machine alone, and [api] host is {settings.host}: anybody there could do "
                "everything; set it to 127.0.0.1, or leave --no-auth out"
            )
        self.views = Views(workspace)
        try:
            self.authenticator = Authenticator.of(self.views, no_auth=no_auth)
            self._app = make_app(self.views, self.authenticator, settings, no_auth=no_auth)
            self._server = ApiServer(self._app, settings, workspace.home, port)
        except BaseException:
            self.views.close()
            raise

    def __enter__(self) -> ApiService:
        """Begin to answer."""
        self.views.follow()
        self._server.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Take no new requests, end the streams of events, answer the rest, and close the workspace."""
        self._server.close(self._app.state.hub.close)
        self.views.close()

    @property
    def url(self) -> str:
        """Where it answers."""
        return self._server.url

    @property
    def alive(self) -> bool:
        """Whether it answers, once it was begun."""
        return self._server.alive
