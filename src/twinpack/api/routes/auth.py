"""Signing in and out, and what belongs to the one who is signed in."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from twinpack.api.audit import leave_out
from twinpack.api.dependencies import Asked, Known, Looked
from twinpack.api.identity.identified import Identified
from twinpack.api.identity.me import me_of
from twinpack.api.problems import documented
from twinpack.errors import AccessError, IdentityError, InputError
from twinpack.store.identity.pseudonyms import Pseudonyms
from twinpack.store.identity.records import UserRecord
from twinpack.views.asking import request_id
from twinpack.views.opened import Views
from twinpack.views.own_data import own_data
from twinpack.views.shapes.identity import (
    Me,
    PasswordChange,
    Preferences,
    PublicKey,
    PublicKeys,
    RefreshRequest,
    SignIn,
    TokenPair,
)
from twinpack.views.sight import Right

public = APIRouter(tags=["identity"], responses=documented())
"""For those who are not signed in yet."""

router = APIRouter(tags=["identity"], responses=documented())

well_known = APIRouter(tags=["identity"])
"""At the root, for whoever checks tokens of the built-in issuer."""


@public.post("/auth/sign-in")
async def sign_in(body: SignIn, request: Request, response: Response, known: Known) -> Me:
    """Begin a browser session: sets an HttpOnly, SameSite cookie; the answer holds the CSRF token."""
    user = await known.sign_ins.with_password(body.username, body.password, _address(request))
    session, cookie = await run_in_threadpool(known.sign_ins.begin_browser, user)
    found = await run_in_threadpool(known.of_cookie, cookie)
    known.cookies.set(response, cookie, (session.expires_at_us - session.begun_at_us) // 1_000_000)
    return me_of(found, user)


@router.post("/auth/sign-out", status_code=204)
def sign_out(response: Response, asked: Asked, known: Known, looked: Looked) -> None:
    """End the browser session."""
    if asked.session_id:
        looked.registry.sessions.end(asked.session_id)
        known.forget()
    known.cookies.end(response)


@public.post("/auth/token")
async def token(body: SignIn, request: Request, known: Known) -> TokenPair:
    """Get an access token and a refresh token, for programs that people run."""
    user = await known.sign_ins.with_password(body.username, body.password, _address(request))
    return await run_in_threadpool(known.sign_ins.begin_tokens, user)


@public.post("/auth/refresh")
def refresh(body: RefreshRequest, known: Known) -> TokenPair:
    """Get a new pair for a refresh token, which is good once."""
    try:
        return known.sign_ins.refresh(body.refresh_token)
    finally:
        known.forget()  # a token that came twice has ended its sign-in


@router.get("/me")
def me(asked: Asked, known: Known, looked: Looked) -> Me:
    """Who is signed in, and what may be done."""
    return me_of(asked, _account(asked, looked), known.local_preferences)


@router.put("/me/preferences")
def set_preferences(body: Preferences, request: Request, asked: Asked, known: Known, looked: Looked) -> Me:
    """Keep how one likes to see things."""
    leave_out(request)
    if asked.shown == "none":
        known.local_preferences = body.model_dump_json()
    else:
        looked.registry.users.set_preferences(_own_account(asked, looked).username, body.model_dump_json())
    return me_of(asked, _account(asked, looked), known.local_preferences)


@router.post("/me/password", status_code=204)
async def set_password(body: PasswordChange, request: Request, asked: Asked, known: Known, looked: Looked) -> None:
    """Change the own password; every other session of the account ends."""
    user = await run_in_threadpool(_own_account, asked, looked)
    if not user.built_in:
        raise AccessError("the password of this account is kept by its issuer: change it there")
    try:
        await known.sign_ins.with_password(user.username, body.old, _address(request))
    except IdentityError:
        raise InputError("old is not the password of this account, or it is locked for some minutes") from None
    await known.sign_ins.off_the_loop(
        partial(looked.registry.users.change, user.username, password=body.new, keep_session=asked.session_id)
    )
    known.forget()


@router.get("/me/data", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
def export_own_data(asked: Asked, looked: Looked) -> Response:
    """All that is kept of the owner's vehicles within the times of the grants, and of the account, as a ZIP file."""
    asked.sight.need(Right.SHARE)
    pieces = own_data(looked, asked.sight, _own_account(asked, looked))
    headers = {"Content-Disposition": 'attachment; filename="twinpack-own-data.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@router.delete("/me/data", status_code=202)
def erase_own_data(request: Request, response: Response, asked: Asked, known: Known, looked: Looked) -> dict[str, str]:
    """Erase the account and what identifies its person; telemetry of the own times is erased from the lake."""
    asked.sight.need(Right.SHARE)
    user = _own_account(asked, looked)
    leave_out(request)  # it would name the one who is erased
    pseudonym = Pseudonyms(looked.workspace.home / "keys").person(user.username)
    erased = looked.registry.erasures.erase_owner(user.username, pseudonym, looked.now_us())
    vehicles = sorted({one.vehicle_id for one in erased})
    looked.registry.audit_log.write(
        pseudonym, user.role, "erase_own_data", pseudonym, {"vehicles": vehicles}, request_id.get(), looked.now_us()
    )
    known.forget()
    known.cookies.end(response)
    return {
        "done": "the account, its sign-ins, and what named you in grants, vehicles and the audit log are erased",
        "follows": "telemetry, trips and daily figures of your times are erased from the lake within two days",
    }


@well_known.get("/.well-known/jwks.json")
def public_keys(known: Known) -> PublicKeys:
    """Public keys of the built-in issuer (RFC 7517), for services that check its tokens themselves."""
    return PublicKeys(keys=[PublicKey.model_validate(key) for key in known.public_keys()])


def _account(asked: Identified, looked: Views) -> UserRecord | None:
    return None if asked.username is None else looked.registry.users.find(asked.username)


def _own_account(asked: Identified, looked: Views) -> UserRecord:
    user = _account(asked, looked)
    if user is None:
        raise AccessError("this is for accounts of people: keys and devices have no preferences and no password")
    return user


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
