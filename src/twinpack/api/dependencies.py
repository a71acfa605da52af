"""What handlers are given: who asks, and the workspace to be looked at."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from twinpack.errors import IdentityError
from twinpack.views.opened import Views
from twinpack.views.sight import Sight


async def sight_of(request: Request) -> Sight:
    """Who asks, as the identity middleware found."""
    seer: Sight | None = getattr(request.state, "sight", None)
    if seer is None:
        raise IdentityError("sign in first")
    return seer


async def views_of(request: Request) -> Views:
    """The workspace."""
    views: Views = request.app.state.views
    return views


Seer = Annotated[Sight, Depends(sight_of)]
Looked = Annotated[Views, Depends(views_of)]
