"""Loops of self-evolution: watched, paused, taken up again."""

from fastapi import APIRouter, Response

from desk.api.common import ACT, READ, AnyLab, Id, Researcher, Viewer, problems
from desk.api.merge_requests import PLOT_HEADERS
from desk.api.once import OnceOnly
from desk.api.page import Before, Limit, Page
from desk.views.evolution_plot import plot_of
from desk.views.evolutions import EvolutionHead, RoundRow, head_of, row_of

router = APIRouter(prefix="/evolutions", tags=["evolutions"])


@router.get("", responses=problems())
def list_evolutions(
    caller: Viewer, lab: AnyLab, before: Before = None, limit: Limit = 50
) -> Page[EvolutionHead]:
    """The loops, newest first."""
    rows = lab.ledger.evolutions.page(before=before, limit=limit)
    return Page.of([(number, head_of(lab.ledger, found)) for number, found in rows], limit)


@router.get("/{id}", responses=READ)
def get_evolution(caller: Viewer, lab: AnyLab, id: Id) -> EvolutionHead:
    """One loop: its budget, its noise floor, what was kept, its sealed result."""
    return head_of(lab.ledger, lab.ledger.evolutions.get(id))


@router.get("/{id}/rounds", responses=READ)
def list_rounds(
    caller: Viewer, lab: AnyLab, id: Id, before: Before = None, limit: Limit = 50
) -> Page[RoundRow]:
    """Its rounds, newest first: what was tried, its gain with the interval, the verdict and why."""
    lab.ledger.evolutions.get(id)
    rows = lab.ledger.rounds.page(ticket=id, before=before, limit=limit)
    return Page.of([(number, row_of(found)) for number, found in rows], limit)


@router.get(
    "/{id}/plot",
    response_class=Response,
    responses={**READ, 200: {"content": {"image/svg+xml": {}}, "description": "The plot."}},
)
def get_plot(caller: Viewer, lab: AnyLab, id: Id) -> Response:
    """Its gate score by round with the noise band, and the sealed result once it is there."""
    raw = plot_of(lab.ledger, lab.ledger.evolutions.get(id))
    return Response(raw, media_type="image/svg+xml", headers=PLOT_HEADERS)


@router.post("/{id}/pause", responses=ACT)
def pause(caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id) -> EvolutionHead:
    """Halt a loop after what runs now."""
    return once.answer(
        lambda: head_of(lab.ledger, lab.evolutions.pause(id, caller.name)), EvolutionHead
    )


@router.post("/{id}/resume", responses=ACT)
def resume(caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id) -> EvolutionHead:
    """Let a paused or failed loop go on."""
    return once.answer(
        lambda: head_of(lab.ledger, lab.evolutions.resume(id, caller.name)), EvolutionHead
    )


@router.post("/{id}/stop", responses=ACT)
def stop(caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id) -> EvolutionHead:
    """End a loop for good; its rounds stay."""
    return once.answer(
        lambda: head_of(lab.ledger, lab.evolutions.stop(id, caller.name)), EvolutionHead
    )
