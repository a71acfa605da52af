"""What handlers are given: who asks, and the workspace to be looked at."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from twinpack.views.opened import Views
from twinpack.views.sight import Sight


def sight_of(request: Request) -> Sight:
    """Who asks, as the identity middleware found."""
    raise NotImplementedError


def views_of(request: Request) -> Views:
    """The workspace."""
    views: Views = request.app.state.views
    return views


Seer = Annotated[Sight, Depends(sight_of)]
Looked = Annotated[Views, Depends(views_of)]
