"""What went wrong, told to programs as problem+json (RFC 9457)."""

from collections.abc import Mapping, Sequence

from fastapi.responses import JSONResponse

from desk.web.access import NoEntry, NotAllowed
from desk.web.attempts import TooMany
from labcrew.domain.base import Model
from labcrew.errors import Conflict, InputError, LabcrewError, NotFound, TicketError

MEDIA_TYPE = "application/problem+json"
STATUS: dict[type[LabcrewError], int] = {
    NoEntry: 401,
    NotAllowed: 403,
    TooMany: 429,
    NotFound: 404,
    Conflict: 409,
    InputError: 422,
    LabcrewError: 503,
}
"""By the error's nearest class."""


class FieldProblem(Model):
    """What is wrong with one field of a request."""

    where: str
    field: str
    message: str


class Problem(Model):
    """A problem as programs read it (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    remedy: str
    fields: tuple[FieldProblem, ...] = ()


def status_of(error: LabcrewError) -> int:
    """The HTTP status that an error is answered with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def facts_of(error: LabcrewError) -> dict[str, object]:
    """What an error tells programs beside its words."""
    if isinstance(error, TicketError):
        return {"problems": [wrong.model_dump() for wrong in error.problems]}
    return {"now": error.facts} if isinstance(error, Conflict) else {}


def problem(
    status: int,
    title: str,
    detail: str,
    remedy: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    fields: Sequence[FieldProblem] = (),
    facts: Mapping[str, object] | None = None,
) -> JSONResponse:
    """A problem's answer.

    Args:
        title: the kind of problem, the same each time.
        detail: what happened this time.
        remedy: what to do.
        headers: more of the answer's headers.
        fields: what is wrong with which field.
        facts: more that programs may want to know.
    """
    told = Problem(title=title, status=status, detail=detail, remedy=remedy, fields=tuple(fields))
    return JSONResponse(
        {**told.model_dump(mode="json"), **(facts or {})},
        status,
        dict(headers or {}),
        media_type=MEDIA_TYPE,
    )
