"""The front of a home on this machine."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from desk import commissions
from desk.front.port import LoopMove, Move
from desk.views.costs import Costs, costs_of
from desk.views.evolutions import EvolutionHead, EvolutionSheet, head_of
from desk.views.evolutions import sheet_of as loop_sheet
from desk.views.failed import Failed, failed_in
from desk.views.sheet import ListedTicket, TicketSheet, listed, sheet_of
from desk.wiring import Opened, Say, halt
from labcrew.domain.evolution import Evolution
from labcrew.domain.evolution_spec import Control
from labcrew.domain.repository import Change
from labcrew.domain.review import Comment, Decision, DecisionKind, Gate, MergeRequest, Verification
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EngineError
from labcrew.evolution_file import read_spec
from labcrew.ticket_file import read_ticket

_POLL_S = 0.5


class Here:
    """Acts on an open home.

    Args:
        opened: the home.
        by: who acts.
        say: is told in plain words what takes a while or could not be done.
    """

    def __init__(self, opened: Opened, by: str, say: Say) -> None:
        self._opened, self._by, self._say = opened, by, say
        self._ledger, self._office = opened.ledger, opened.office()

    def assign(self, file: Path) -> AssignedTicket:
        file = file.absolute()
        return self._office.assign(
            read_ticket(file), source=str(file), by=self._by, beside=file.parent
        )

    def tickets(self, status: str | None) -> list[ListedTicket]:
        return listed(self._ledger, self._ledger.tickets.all(status=status))

    def sheet(self, ticket: str) -> TicketSheet:
        assigned = self._ledger.tickets.get(ticket)
        waiting = [gate for gate in self._office.inbox() if gate.ticket == ticket]
        return sheet_of(self._ledger, assigned, waiting, self._opened.settings.spending)

    def move(self, ticket: str, move: Move) -> AssignedTicket:
        moved: AssignedTicket = getattr(self._office, move)(ticket, self._by)
        if move == "stop":
            try:
                halt(self._opened, ticket)
            except EngineError as error:
                self._say(f"Its containers could not be stopped now: {error.message}")
        return moved

    def costs(self, ticket: str) -> Costs:
        assigned = self._ledger.tickets.get(ticket)
        return costs_of(self._ledger, assigned, self._opened.settings.spending)

    def change_budget(self, ticket: str, changes: Mapping[str, Any]) -> AssignedTicket:
        return self._office.change_budget(ticket, self._by, changes)

    def start_loop(self, file: Path, control: Control) -> EvolutionHead:
        file = file.absolute()
        started = self._opened.evolutions().start(
            read_spec(file), beside=file.parent, source=str(file), by=self._by, control=control
        )
        return head_of(self._ledger, started)

    def loops(self) -> list[EvolutionHead]:
        return [head_of(self._ledger, loop) for loop in self._ledger.evolutions.all()]

    def loop(self, id: str) -> EvolutionSheet:
        return loop_sheet(self._ledger, self._ledger.evolutions.get(id))

    def move_loop(self, id: str, move: LoopMove) -> EvolutionHead:
        moved: Evolution = getattr(self._opened.evolutions(), move)(id, self._by)
        return head_of(self._ledger, moved)

    def inbox(self) -> list[Gate]:
        return self._office.inbox()

    def failed(self) -> list[Failed]:
        return failed_in(self._ledger)

    def decide(
        self,
        gate: str,
        kind: DecisionKind,
        shown: str | None,
        comment: str,
        edits: Mapping[str, Any],
        path: str = "",
        line: int | None = None,
    ) -> Decision:
        return self._office.decide(gate, kind, self._by, shown, comment, edits, path, line)

    def merge_requests(self) -> list[MergeRequest]:
        return self._ledger.merge_requests.all()

    def merge_request(self, name: str) -> MergeRequest:
        return self._office.merge_request(name)

    def comments(self, request: MergeRequest) -> list[Comment]:
        noted = self._ledger.comments.of(request.ticket)
        return [comment for comment in noted if comment.merge_request == request.id]

    def change(self, request: MergeRequest) -> Change:
        return self._office.repositories.change(request.ticket, request.base_commit, request.commit)

    def verify(self, request: MergeRequest, *, rerun: bool) -> Verification:
        from desk.verifying import verification

        return verification(self._opened, request, rerun=rerun, say=self._say)

    def comment(self, name: str, text: str, path: str, line: int | None) -> Comment:
        return self._office.comment(name, self._by, text, path, line)

    def merge_gate(self, request: MergeRequest) -> Gate:
        return self._office.merge_gate(request)

    def finish_merge(self, request: MergeRequest) -> MergeRequest | None:
        return self._office.finish_merge(request, self._by)

    def lines(self, ticket: str | None, *, once: bool) -> Iterator[str]:
        from desk.live import Board

        if ticket is not None:
            commissions.get(self._ledger, ticket)
        only = None if ticket is None else [ticket]
        board = Board(self._ledger, self._opened.clock, only, replay=True)
        while True:
            yield from board.poll()
            if once:
                return
            time.sleep(_POLL_S)
