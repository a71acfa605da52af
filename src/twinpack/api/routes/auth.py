"""Signing in and out, and what belongs to the one who is signed in."""

from __future__ import annotations

from fastapi import APIRouter, Response

from twinpack.api.dependencies import Seer
from twinpack.api.problems import documented
from twinpack.views.shapes.identity import (
    Me,
    PasswordChange,
    Preferences,
    PublicKeys,
    RefreshRequest,
    SignIn,
    TokenPair,
)

public = APIRouter(tags=["identity"], responses=documented())
"""For those who are not signed in yet."""

router = APIRouter(tags=["identity"], responses=documented())

well_known = APIRouter(tags=["identity"])
"""At the root, for whoever checks tokens of the built-in issuer."""


@public.post("/auth/sign-in")
def sign_in(body: SignIn, response: Response) -> Me:
    """Begin a browser session: sets an HttpOnly, SameSite cookie; the answer holds the CSRF token."""
    raise NotImplementedError


@router.post("/auth/sign-out", status_code=204)
def sign_out(response: Response, seer: Seer) -> None:
    """End the browser session."""
    raise NotImplementedError


@public.post("/auth/token")
def token(body: SignIn) -> TokenPair:
    """Get an access token and a refresh token, for programs that people run."""
    raise NotImplementedError


@public.post("/auth/refresh")
def refresh(body: RefreshRequest) -> TokenPair:
    """Get a new pair for a refresh token, which is good once."""
    raise NotImplementedError


@router.get("/me")
def me(seer: Seer) -> Me:
    """Who is signed in, and what may be done."""
    raise NotImplementedError


@router.put("/me/preferences")
def set_preferences(body: Preferences, seer: Seer) -> Me:
    """Keep how one likes to see things."""
    raise NotImplementedError


@router.post("/me/password", status_code=204)
def set_password(body: PasswordChange, seer: Seer) -> None:
    """Change the own password; every other session of the account ends."""
    raise NotImplementedError


@router.get("/me/data", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def export_own_data(seer: Seer) -> Response:
    """All that is kept of the owner's vehicles within the times of the grants, and of the account, as a ZIP file."""
    raise NotImplementedError


@router.delete("/me/data", status_code=202)
def erase_own_data(seer: Seer) -> dict[str, str]:
    """Erase the account and what identifies its person; telemetry of the own times is erased from the lake."""
    raise NotImplementedError


@well_known.get("/.well-known/jwks.json")
def public_keys() -> PublicKeys:
    """Public keys of the built-in issuer (RFC 7517), for services that check its tokens themselves."""
    raise NotImplementedError
