"""What waits for a person: the inbox and each gate."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from desk.board.pages import BoardLab, Viewer, page

router = APIRouter(include_in_schema=False)


@router.get("/inbox")
def inbox(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """Every gate that waits, oldest first."""
    return page(request, "inbox.html", caller, gates=lab.office.inbox())


@router.get("/inbox/count")
def count(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """How many gates wait, for the navigation."""
    return page(request, "inbox_count.html", caller)
