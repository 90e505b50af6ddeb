"""What the resources share: who may call, what an id is, and how refusals are documented."""

from typing import Annotated, Any

from fastapi import Depends, Path, Query

from desk.api.page import MOST
from desk.web.access import Caller, needs
from desk.web.lab import Lab, lab_of
from desk.web.problems import MEDIA_TYPE

Viewer = Annotated[Caller, Depends(needs("viewer"))]
Researcher = Annotated[Caller, Depends(needs("researcher"))]
Approver = Annotated[Caller, Depends(needs("approver"))]
AnyLab = Annotated[Lab, Depends(lab_of)]

Id = Annotated[str, Path(min_length=1, max_length=200, description="as lists show it")]
After = Annotated[
    int, Query(ge=0, le=2**53, description="the `next` of the page before; 0: from the start")
]
Most = Annotated[int, Query(ge=1, le=MOST, description="entries a page")]

_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "the kind of problem, the same each time"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what happened this time"},
        "remedy": {"type": "string", "description": "what to do; may be empty"},
    },
    "required": ["type", "title", "status", "detail"],
}
_SAID = {
    400: "The request can't be read.",
    401: "Nobody knows who asks.",
    403: "The caller's role does not include this.",
    404: "There is no such thing.",
    409: "What stands now is not what the caller saw.",
    413: "The request is too large.",
    422: "Something in the request is wrong; nothing was done.",
    429: "Too many requests.",
    503: "Something that this needs does not answer now.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its description: these, and those that any route has."""
    return {
        status: {
            "description": _SAID[status],
            "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
        }
        for status in sorted({*statuses, 401, 403, 422, 503})
    }


READ = problems(404)
ACT = problems(400, 404, 409, 413)
TRY = problems(400, 413)
