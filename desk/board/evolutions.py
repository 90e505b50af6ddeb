"""Loops of self-evolution: the list, each as it works, and what was kept."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from desk.api.page import Before
from desk.board.gain_bars import gain_bar, scale_of
from desk.board.pages import BoardLab, Viewer, page
from desk.views.evolution_changes import change_of, steps_of
from desk.views.evolutions import head_of, row_of

router = APIRouter(prefix="/evolutions", include_in_schema=False)
_LISTED = 40
_ROUNDS = 50


@router.get("")
def evolutions(
    request: Request, caller: Viewer, lab: BoardLab, before: Before = None
) -> HTMLResponse:
    """The loops, newest first."""
    rows = lab.ledger.evolutions.page(before=before, limit=_LISTED)
    return page(
        request,
        "evolutions.html",
        caller,
        found=[head_of(lab.ledger, evolution) for _, evolution in rows],
        next=rows[-1][0] if len(rows) == _LISTED else None,
        first=before is None,
    )


@router.get("/{id}")
def evolution(
    request: Request, caller: Viewer, lab: BoardLab, id: str, before: Before = None
) -> HTMLResponse:
    """One loop: rounds with their gains, budget, noise, plot, the sealed result, what was kept."""
    found = lab.ledger.evolutions.get(id)
    head = head_of(lab.ledger, found)
    rows = lab.ledger.rounds.page(ticket=id, before=before, limit=_ROUNDS)
    rounds = [row_of(round_) for _, round_ in rows]
    edge = scale_of(rounds)
    return page(
        request,
        "evolution.html",
        caller,
        head=head,
        question=found.spec.question,
        repository=found.repository,
        base_commit=found.base_commit,
        editable=(*found.spec.editable, *found.widened),
        rounds=[(row, gain_bar(row.gain, head.noise, edge)) for row in rounds],
        steps=steps_of(lab.ledger, found),
        next=rows[-1][0] if len(rows) == _ROUNDS else None,
        first=before is None,
    )


@router.get("/{id}/kept/{number}")
def change(request: Request, caller: Viewer, lab: BoardLab, id: str, number: int) -> HTMLResponse:
    """What a kept round changed in the program; asked for when it is looked at."""
    found = lab.ledger.evolutions.get(id)
    return page(
        request,
        "evolution_change.html",
        caller,
        differences=change_of(lab.ledger, found, number),
    )
