"""Answers what went wrong: problem+json under /api, a page elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from desk.board.pages import bare
from desk.web.access import NoEntry
from desk.web.attempts import TooMany
from desk.web.problems import FieldProblem, facts_of, problem, status_of
from labcrew.errors import LabcrewError

SIGN_IN = "/sign-in"
_SAID = {
    404: ("NotFound", "There is nothing at {path}.", "See what is linked from the start page."),
    405: ("MethodNotAllowed", "{path} does not take {method}.", "See /api/v1/openapi.json."),
}


def answer_errors(app: FastAPI) -> None:
    """Registers the answers with an application."""
    app.add_exception_handler(LabcrewError, _of_labcrew)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _of_validation)


def for_programs(request: Request) -> bool:
    """Whether a program asks: then it is answered in JSON."""
    json = "application/json"
    return (
        request.url.path.startswith("/api/")
        or request.headers.get("content-type", "").startswith(json)
        or request.headers.get("accept", "").startswith(json)
    )


def told(request: Request, error: LabcrewError) -> Response:
    """The answer to a LabcrewError; a page without a session goes to the sign-in."""
    if isinstance(error, NoEntry) and not for_programs(request):
        return _to_sign_in(request)
    headers = {"Retry-After": str(error.after_s)} if isinstance(error, TooMany) else {}
    if isinstance(error, NoEntry):
        headers["WWW-Authenticate"] = "Bearer"
    return refusal(
        request,
        status_of(error),
        type(error).__name__,
        error.message,
        error.remedy,
        headers,
        facts=facts_of(error),
    )


def refusal(
    request: Request,
    status: int,
    title: str,
    detail: str,
    remedy: str = "",
    headers: Mapping[str, str] | None = None,
    fields: Sequence[FieldProblem] = (),
    facts: Mapping[str, object] | None = None,
) -> Response:
    """A problem in the form that suits who asks; see `problem`."""
    if for_programs(request):
        return problem(status, title, detail, remedy, headers=headers, fields=fields, facts=facts)
    answer = bare(request, "error.html", status=status, detail=detail, remedy=remedy, fields=fields)
    answer.status_code = status
    answer.headers.update(headers or {})
    return answer


def local(path: str) -> str:
    """A path of this board, to go on to; anything else is the start page."""
    if not path.startswith("/") or path[1:2] in ("/", "\\") or not path.isprintable():
        return "/"
    return "/" if "\\" in path or len(path) > 2000 else path


def _to_sign_in(request: Request) -> Response:
    if request.headers.get("hx-request") == "true":
        try:
            at = urlsplit(request.headers.get("hx-current-url", "/"))
        except ValueError:  # no address at all
            at = urlsplit("/")
        where = local(at.path + (f"?{at.query}" if at.query else ""))
        # A part of a page: the whole page goes to the sign-in.
        return Response(status_code=401, headers={"HX-Redirect": _sign_in_for(where)})
    query = request.url.query
    here = request.url.path + (f"?{query}" if query else "")
    return RedirectResponse(_sign_in_for(local(here) if request.method == "GET" else "/"), 303)


def _sign_in_for(path: str) -> str:
    return f"{SIGN_IN}?next={quote(path, safe='/')}"


def _of_labcrew(request: Request, error: Exception) -> Response:
    assert isinstance(error, LabcrewError)
    return told(request, error)


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 400:  # of a body that can't even be decoded
        return refusal(request, 422, "InputError", "The body is no JSON in UTF-8.", "Correct it.")
    title, detail, remedy = _SAID.get(error.status_code, ("Refused", str(error.detail), ""))
    detail = detail.format(path=path, method=request.method) if "{" in detail else detail
    return refusal(request, error.status_code, title, detail, remedy, error.headers)


def _of_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = [_field(one) for one in error.errors()]
    count = f"{len(fields)} fields are" if len(fields) != 1 else "One field is"
    return refusal(
        request, 422, "InputError", f"{count} wrong.", "Correct and send again.", fields=fields
    )


def _field(error: Mapping[str, Any]) -> FieldProblem:
    """What is wrong with a field; never what was in it, which may be a secret."""
    where, *names = (str(part) for part in error["loc"])
    message = "This is not JSON." if error["type"] == "json_invalid" else str(error["msg"])
    return FieldProblem(where=where, field=".".join(names), message=message)
