"""The application: routes, what stands before them, and the web app's files."""

from __future__ import annotations

import time
from functools import partial

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from twinpack import __version__
from twinpack.api.audit import audited
from twinpack.api.events.hub import Hub
from twinpack.api.health import Health
from twinpack.api.identity.authenticator import Authenticator
from twinpack.api.metrics import Metrics
from twinpack.api.middleware.headers import Headers
from twinpack.api.middleware.hosts import Hosts, allowed_hosts
from twinpack.api.middleware.identity import Identity
from twinpack.api.middleware.limits import Limits
from twinpack.api.middleware.rates import Rates, SignInRates
from twinpack.api.middleware.requests import Requests
from twinpack.api.openapi import describe
from twinpack.api.problems import answer_with_problems
from twinpack.api.routes import alarms, auth, data, events, fleets, twins, users, vehicles, workshop
from twinpack.api.static import WebApp
from twinpack.store.settings import ApiSettings
from twinpack.views.opened import Views

_MEGABYTE = 1_000_000


def make_routes() -> FastAPI:
    """The routes of the API alone: they can be described, and not asked."""
    app = FastAPI(
        title="twinpack",
        summary="Digital twins of a fleet's batteries.",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    # A route is looked for one after the other: what is asked for most comes first.
    for part in (vehicles, fleets, twins, alarms, events, workshop, data, auth, users):
        app.include_router(part.router, prefix="/v1", dependencies=[Depends(audited, scope="function")])
    app.include_router(auth.public, prefix="/v1")
    app.include_router(auth.well_known)
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    return app


def make_app(views: Views, authenticator: Authenticator, settings: ApiSettings, *, no_auth: bool = False) -> FastAPI:
    """The whole application.

    Args:
        views: The workspace to be looked at.
        authenticator: Knows who asks.
        settings: What bounds a request, and where it may come from.
        no_auth: Whether everybody may do all: the Host header is then held to this machine's names.
    """
    app = make_routes()
    app.state.views, app.state.authenticator, app.state.settings = views, authenticator, settings
    app.state.no_auth = no_auth
    metrics = Metrics()
    app.state.hub = Hub(views, metrics, settings.max_subscribers)
    answer_with_problems(app)
    app.include_router(Health(views, metrics).router)
    app.router.default = WebApp()
    app.user_middleware = _before(metrics, authenticator, settings, no_auth)
    return app


def _before(metrics: Metrics, authenticator: Authenticator, settings: ApiSettings, no_auth: bool) -> list[Middleware]:
    """What stands before the routes, the outermost first."""
    origins = [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]
    https = bool(settings.cert_file) or settings.public_url.startswith("https://")
    cors = Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        expose_headers=["X-Request-Id", "Retry-After"],
    )
    return [
        Middleware(Headers, https=https),
        Middleware(Requests, observe=metrics.observe),
        Middleware(Hosts, hosts=allowed_hosts(settings, no_auth), origins=origins),
        *([cors] if origins else []),
        Middleware(Limits, max_bytes=round(settings.max_body_mb * _MEGABYTE), seconds=settings.request_s),
        Middleware(SignInRates, clock=time.monotonic),
        Middleware(Identity, authenticator=authenticator),
        Middleware(Rates, per_minute=settings.requests_per_minute, clock=time.monotonic),
    ]
