"""What went wrong, told to programs as problem+json (RFC 9457) and to people as a page."""

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from desk.web.access import NoEntry, NotAllowed
from labcrew.errors import InputError, LabcrewError, NotFound

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[LabcrewError], int] = {
    NoEntry: 401,
    NotAllowed: 403,
    NotFound: 404,
    InputError: 422,
    LabcrewError: 503,
}
"""By the error's nearest class."""


def status_of(error: LabcrewError) -> int:
    """The HTTP status that an error is answered with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(status: int, title: str, detail: str, remedy: str = "") -> JSONResponse:
    """A problem as programs read it.

    Args:
        title: the kind of problem, the same each time.
        detail: what happened this time.
        remedy: what to do.
    """
    return JSONResponse(
        {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
            "remedy": remedy,
        },
        status_code=status,
        media_type=MEDIA_TYPE,
    )


async def told(request: Request, error: Exception) -> Response:
    """Answers a LabcrewError."""
    assert isinstance(error, LabcrewError)
    return problem(status_of(error), type(error).__name__, error.message, error.remedy)
