"""The memory: what the crew learnt, listed or searched by meaning."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from desk.api.page import Before
from desk.board.pages import BoardLab, Viewer, page
from desk.views.held import Present, newest
from desk.views.recall import SCOPES, Scope

router = APIRouter(prefix="/memory", include_in_schema=False)
_SHOWN = 30
_FOUND = 20


@router.get("")
def memory(
    request: Request,
    caller: Viewer,
    lab: BoardLab,
    q: Annotated[str, Query(max_length=2000)] = "",
    scope: Scope = "lessons",
    before: Before = None,
) -> HTMLResponse:
    """What is remembered, newest first; with a question, nearest in meaning first."""
    present = Present(lab.ledger)
    next = None
    if q.strip():
        found = lab.recall.search(q, scope, _FOUND)
        held = [present.held(one.record, one.similarity) for one in found]
    else:
        rows = newest(lab.ledger, scope, _SHOWN, before)
        held = [present.held(record) for _, record in rows]
        next = rows[-1][0] if len(rows) == _SHOWN else None
    return page(
        request,
        "memory.html",
        caller,
        held=held,
        q=q,
        scope=scope,
        scopes=SCOPES,
        next=next,
        first=before is None,
    )
