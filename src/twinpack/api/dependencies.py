"""What handlers are given: who asks, and the workspace to be looked at."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from twinpack.api.identity.authenticator import Authenticator
from twinpack.api.identity.identified import Identified
from twinpack.errors import IdentityError
from twinpack.views.opened import Views
from twinpack.views.sight import Sight


async def authenticator_of(request: Request) -> Authenticator:
    """Who finds out who asks."""
    found: Authenticator = request.app.state.authenticator
    return found


async def identified_of(request: Request) -> Identified:
    """Who asks, and by what it is known, as the identity middleware found."""
    found: Identified | None = getattr(request.state, "identified", None)
    if found is None:
        raise IdentityError("sign in first")
    return found


async def sight_of(found: Annotated[Identified, Depends(identified_of)]) -> Sight:
    """Who asks."""
    return found.sight


async def views_of(request: Request) -> Views:
    """The workspace."""
    views: Views = request.app.state.views
    return views


Seer = Annotated[Sight, Depends(sight_of)]
Asked = Annotated[Identified, Depends(identified_of)]
Known = Annotated[Authenticator, Depends(authenticator_of)]
Looked = Annotated[Views, Depends(views_of)]
