"""The morning report: what happened since a time, what needs a person, what was saved."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from desk.board.pages import BoardLab, Viewer, page
from desk.morning import since_of
from labcrew.errors import InputError

router = APIRouter(prefix="/report", include_in_schema=False)
_SPANS = {"12h": "last night", "24h": "a day", "3d": "three days", "1w": "a week"}
Since = Annotated[str, Query(max_length=40)]


@router.get("")
def report(request: Request, caller: Viewer, lab: BoardLab, since: Since = "12h") -> HTMLResponse:
    """The page; the report itself is fetched by it, for a large lab's takes a moment to count."""
    trouble = ""
    try:
        since_of(since, lab.opened.clock.now())
    except InputError as error:
        trouble = f"{error.message} {error.remedy}"
    return page(
        request, "report.html", caller, since=since, spans=_SPANS, trouble=trouble, report=None
    )


@router.get("/body")
def body(request: Request, caller: Viewer, lab: BoardLab, since: Since = "12h") -> HTMLResponse:
    """What happened since a time; rules write its first paragraph."""
    made = lab.overnight.report(since)
    return page(request, "report_body.html", caller, report=made)
