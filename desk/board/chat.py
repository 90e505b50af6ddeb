"""The chat with the coordinator: a person's threads, and one of them."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse

from desk.board.pages import BoardLab, Viewer, page

router = APIRouter(prefix="/chat", include_in_schema=False)
_SHOWN = 200
ThreadId = Annotated[str, InPath(max_length=200)]


@router.get("")
def threads(request: Request, caller: Viewer, lab: BoardLab) -> HTMLResponse:
    """A new conversation, and the ones before."""
    mine = lab.coordinator.threads.of(caller.name)
    return page(request, "chat.html", caller, threads=mine)


@router.get("/{id}")
def thread(request: Request, caller: Viewer, lab: BoardLab, id: ThreadId) -> HTMLResponse:
    """A conversation."""
    opened = lab.coordinator.open(id, caller)
    kept = lab.coordinator.threads
    return page(
        request,
        "chat_thread.html",
        caller,
        thread=opened,
        threads=kept.of(caller.name),
        messages=kept.newest(id, _SHOWN),
        proposals=kept.proposals(id),
    )
