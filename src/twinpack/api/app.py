"""The application: routes, what stands before them, and the web app's files."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from twinpack import __version__
from twinpack.api.routes import alarms, auth, data, events, fleets, twins, users, vehicles, workshop


def make_app() -> FastAPI:
    """The whole application."""
    app = FastAPI(title="twinpack", version=__version__)
    v1 = APIRouter(prefix="/v1")
    for part in (auth, users, fleets, vehicles, twins, alarms, workshop, data, events):
        v1.include_router(part.router)
    app.include_router(v1)
    return app
