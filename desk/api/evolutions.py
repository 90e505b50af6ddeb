"""Loops of self-evolution: started, watched, steered."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from desk.api.common import ACT, READ, TRY, AnyLab, Id, Researcher, Viewer, problems
from desk.api.merge_requests import PLOT_HEADERS
from desk.api.once import OnceOnly
from desk.api.page import Before, Limit, Page
from desk.api.sent import BESIDE, SOURCE, Checked, folder_of, problems_of
from desk.loop_preview import LoopPreview, loop_preview
from desk.views.evolution_plot import plot_of
from desk.views.evolutions import EvolutionHead, RoundRow, head_of, row_of
from labcrew.domain.base import Model
from labcrew.domain.evolution_spec import Control, EvolutionSpec
from labcrew.errors import InputError
from labcrew.evolution_file import read_spec
from labcrew.ticket_file import MOST_BYTES

router = APIRouter(prefix="/evolutions", tags=["evolutions"])


class SentSpec(Model):
    """A spec as it is sent: the text of its file."""

    text: str = Field(max_length=MOST_BYTES, description="Markdown with YAML front matter")
    beside: str | None = Field(default=None, max_length=4096, description=BESIDE)
    source: str = Field(default="", max_length=4096, description=SOURCE)
    control: Control = Field(
        default="", description="a loop that ours is held against; empty: ours"
    )

    def read(self) -> EvolutionSpec:
        """The spec. Raises TicketError."""
        return read_spec(self.text, name=Path(self.source).name or "SPEC.md")

    def folder(self, spec: EvolutionSpec) -> Path:
        """Where a relative repository path starts. Raises InputError."""
        return folder_of(self.beside, spec.repository)


@router.get("", responses=problems())
def list_evolutions(
    caller: Viewer, lab: AnyLab, before: Before = None, limit: Limit = 50
) -> Page[EvolutionHead]:
    """The loops, newest first."""
    rows = lab.ledger.evolutions.page(before=before, limit=limit)
    return Page.of([(number, head_of(lab.ledger, found)) for number, found in rows], limit)


@router.post("", status_code=201, responses=ACT)
def start(caller: Researcher, lab: AnyLab, once: OnceOnly, sent: SentSpec) -> EvolutionHead:
    """Start a loop: everything that can be checked beforehand is checked first.

    Whoever works on the home takes it up, and asks a person about the spec before anything runs.
    """
    spec = sent.read()
    beside = sent.folder(spec)
    return once.settled(
        lambda settle: head_of(
            lab.ledger,
            lab.evolutions.start(
                spec,
                beside=beside,
                source=sent.source or f"{caller.name}, by the API",
                by=caller.name,
                control=sent.control,
                settle=lambda started: settle(head_of(lab.ledger, started)),
            ),
        ),
        EvolutionHead,
    )


@router.post("/check", responses=TRY)
def check(
    caller: Viewer,
    lab: AnyLab,
    sent: SentSpec,
    thorough: Annotated[
        bool, Query(description="also hold it against the commit, as starting it would")
    ] = False,
) -> Checked:
    """Say all that is wrong with a spec, field by field; nothing is kept."""
    try:
        spec = sent.read()
        if not thorough or not caller.may("researcher"):
            return Checked(problems=())
        found = loop_preview(spec, sent.folder(spec), lab.evolutions)
    except InputError as error:
        return Checked(problems=problems_of(error))
    return Checked(problems=(), warnings=found.warnings)


@router.post("/preview", responses=ACT)
def preview(caller: Researcher, lab: AnyLab, sent: SentSpec) -> LoopPreview:
    """Show what a loop would work on, before it is started; nothing is kept."""
    spec = sent.read()
    return loop_preview(spec, sent.folder(spec), lab.evolutions)


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
