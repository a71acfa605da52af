"""What handlers are given: who asks, and the workspace as that one may see it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from twinpack.views.sight import Sight


def sight_of(request: Request) -> Sight:
    """Who asks, as the identity middleware found."""
    raise NotImplementedError


Seer = Annotated[Sight, Depends(sight_of)]
