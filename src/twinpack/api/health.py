"""Whether the service lives, whether it can answer, and what is measured of it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from twinpack.api.metrics import Metrics
from twinpack.api.middleware.hosts import LOOPBACK
from twinpack.errors import AccessError, TwinpackError
from twinpack.views.opened import Views
from twinpack.views.sight import Right


class Health:
    """The routes of those who look after the service."""

    def __init__(self, views: Views, metrics: Metrics) -> None:
        """Tell of a workspace."""
        self._views, self._metrics = views, metrics
        self.router = APIRouter(include_in_schema=False)
        self.router.add_api_route("/livez", self.livez, methods=["GET"])
        self.router.add_api_route("/readyz", self.readyz, methods=["GET"])
        self.router.add_api_route("/metrics", self.metrics, methods=["GET"])

    async def livez(self) -> Response:
        """Whether it answers at all."""
        return JSONResponse({"status": "ok"})

    def readyz(self) -> Response:
        """Whether it can read the registry."""
        try:
            self._views.registry.revision()
        except TwinpackError:
            return JSONResponse({"status": "the registry cannot be read"}, 503)
        return JSONResponse({"status": "ok"})

    async def metrics(self, request: Request) -> Response:
        """What is measured, for Prometheus: on this machine, or with an administrator's key."""
        if request.client is None or request.client.host not in LOOPBACK:
            seer = await request.app.state.authenticator.identified(request)
            if not seer.sight.may(Right.AUDIT):
                raise AccessError("the figures of the service are for administrators, and for its own machine")
        return Response(self._metrics.text(), media_type=CONTENT_TYPE_LATEST)
