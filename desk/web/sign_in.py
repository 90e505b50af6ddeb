"""Signing in and out with a browser."""

import json
import secrets
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from desk.acting import actor
from desk.board.pages import bare
from desk.web.access import Caller, NoEntry, caller_of
from desk.web.answering import SIGN_IN, local
from desk.web.lab import Lab, lab_of
from labcrew.errors import InputError

router = APIRouter(include_in_schema=False)
AnyLab = Annotated[Lab, Depends(lab_of)]
_MOST = 4000


@router.get(SIGN_IN)
def page(
    request: Request,
    next: Annotated[str, Query(max_length=2000)] = "/",
    code: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The page that asks for a token; whoever is signed in goes on."""
    if request.state.caller is not None:
        return RedirectResponse(local(next), 303)
    return _asked(request, local(next), code=code)


@router.post(SIGN_IN)
async def sign_in(request: Request, lab: AnyLab) -> Response:
    """Takes a token, or a code that the board printed, as a form or as JSON."""
    form = not request.headers.get("content-type", "").startswith("application/json")
    said = _fields(await request.body(), form)
    address = request.client.host if request.client is not None else ""
    next = local(said.get("next", "/"))
    try:
        caller = await run_in_threadpool(_admit, lab, said, address)
    except NoEntry as error:
        if not form:
            raise
        return _asked(request, next, error.message, status=401)
    cookie, session = lab.sessions.begin(caller)
    answer: Response = RedirectResponse(next, 303)
    if not form:
        answer = JSONResponse(
            {"name": caller.name, "role": caller.role, "csrf": lab.sessions.csrf(session)}
        )
    answer.set_cookie(
        lab.cookie,
        cookie,
        max_age=int(lab.sessions.lasts.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/sign-out")
def sign_out(
    request: Request, caller: Annotated[Caller, Depends(caller_of)], lab: AnyLab
) -> Response:
    """Ends this browser's session."""
    if request.state.session is not None:
        lab.sessions.end(request.state.session)
        _note(lab, actor(caller.name), "access.signed_out", {"token": caller.id})
    answer = JSONResponse({"signed_out": True})
    answer.delete_cookie(lab.cookie, httponly=True, samesite="strict")
    return answer


def _admit(lab: Lab, said: dict[str, str], address: str) -> Caller:
    lab.attempts.check(address)
    code = said.get("code", "")
    token = said.get("token", "").strip()
    caller = lab.sessions.use_code(code) if code and not token else lab.access.caller(token)
    if caller is None:
        lab.attempts.failed(address)
        _note(lab, "rule", "access.refused", {"from": address})
        raise NoEntry(
            "This code is used up or too old; use a token."
            if code and not token
            else "This is no token of this lab.",
            "Make one with `labcrew board token add NAME`.",
        )
    seen = {"from": address, "token": caller.id, "role": caller.role}
    _note(lab, actor(caller.name), "access.signed_in", seen)
    return caller


def _note(lab: Lab, who: str, kind: str, data: dict[str, str]) -> None:
    key = f"{kind}/{secrets.token_hex(8)}"
    lab.ledger.events.append(ticket="", actor=who, kind=kind, key=key, data=data)


def _fields(body: bytes, form: bool) -> dict[str, str]:
    if len(body) > _MOST:
        raise InputError("A sign-in is a token and no more.")
    try:
        text = body.decode()
        said = dict(parse_qsl(text, max_num_fields=10)) if form else json.loads(text)
        json.dumps(said, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise InputError("This sign-in can't be read.", "Send a token.") from None
    if not isinstance(said, dict) or not all(isinstance(v, str) for v in said.values()):
        raise InputError("This sign-in can't be read.", 'Send {"token": "lab_…"}.')
    return said


def _asked(
    request: Request, next: str, problem: str = "", code: str = "", status: int = 200
) -> HTMLResponse:
    answer = bare(request, "sign_in.html", next=next, problem=problem, code=code)
    answer.status_code = status
    return answer
