"""What went wrong, told to programs as problem+json (RFC 9457) and to people as a page."""

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from desk.web.access import NoEntry, NotAllowed
from labcrew.errors import Conflict, InputError, LabcrewError, NotFound, TicketError

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[LabcrewError], int] = {
    NoEntry: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    InputError: 422,
    LabcrewError: 503,
}
"""By the error's nearest class."""


def status_of(error: LabcrewError) -> int:
    """The HTTP status that an error is answered with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(
    status: int, title: str, detail: str, remedy: str = "", **facts: object
) -> JSONResponse:
    """A problem as programs read it.

    Args:
        title: the kind of problem, the same each time.
        detail: what happened this time.
        remedy: what to do.
        facts: more that programs may want to know.
    """
    return JSONResponse(
        {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "remedy": remedy,
            **facts,
        },
        status_code=status,
        media_type=MEDIA_TYPE,
    )


async def told(request: Request, error: Exception) -> Response:
    """Answers a LabcrewError."""
    assert isinstance(error, LabcrewError)
    facts: dict[str, object] = {}
    if isinstance(error, TicketError):
        facts["problems"] = [wrong.model_dump() for wrong in error.problems]
    elif isinstance(error, Conflict):
        facts["now"] = error.facts
    return problem(status_of(error), type(error).__name__, error.message, error.remedy, **facts)
