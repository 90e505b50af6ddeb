"""The port that commands speak to; a home fulfils it, and so does a server."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from desk.views.costs import Costs
from desk.views.evolutions import EvolutionHead, EvolutionSheet
from desk.views.failed import Failed
from desk.views.sheet import ListedTicket, TicketSheet
from labcrew.domain.evolution_spec import Control
from labcrew.domain.repository import Change
from labcrew.domain.review import Comment, Decision, DecisionKind, Gate, MergeRequest, Verification
from labcrew.domain.ticket import AssignedTicket

Move = Literal["pause", "resume", "stop", "retry"]
LoopMove = Literal["pause", "resume", "stop"]


class Front(Protocol):
    """Everything that a person does from a terminal; each raises LabcrewError."""

    def assign(self, file: Path) -> AssignedTicket:
        """Takes a ticket from its file."""

    def tickets(self, status: str | None) -> list[ListedTicket]:
        """All tickets, or those with a status, oldest first."""

    def sheet(self, ticket: str) -> TicketSheet:
        """One ticket and what belongs to it."""

    def move(self, ticket: str, move: Move) -> AssignedTicket:
        """Pauses, resumes, stops or retries a ticket."""

    def costs(self, ticket: str) -> Costs:
        """What a ticket took and may take."""

    def change_budget(self, ticket: str, changes: Mapping[str, Any]) -> AssignedTicket:
        """Sets some fields of a ticket's budget."""

    def start_loop(self, file: Path, control: Control) -> EvolutionHead:
        """Takes a spec from its file; whoever works on the home runs it."""

    def loops(self) -> list[EvolutionHead]:
        """All loops of self-evolution, oldest first."""

    def loop(self, id: str) -> EvolutionSheet:
        """One loop with its rounds."""

    def move_loop(self, id: str, move: LoopMove) -> EvolutionHead:
        """Pauses, resumes or stops a loop."""

    def inbox(self) -> list[Gate]:
        """What waits for a person, oldest first."""

    def failed(self) -> list[Failed]:
        """What failed and nobody took up or stopped since."""

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
        """Decides at a gate, or at a ticket's only one; `shown`: the hash of what was seen; `path`
        and `line`: where in the change a response to a merge request belongs."""

    def merge_requests(self) -> list[MergeRequest]:
        """All merge requests, oldest first."""

    def merge_request(self, name: str) -> MergeRequest:
        """A merge request, or a ticket's newest."""

    def comments(self, request: MergeRequest) -> list[Comment]:
        """The remarks on it, oldest first."""

    def change(self, request: MergeRequest) -> Change:
        """What it changes."""

    def verify(self, request: MergeRequest, *, rerun: bool) -> Verification:
        """Recomputes its numbers; with `rerun` the winner is run again too."""

    def comment(self, name: str, text: str, path: str, line: int | None) -> Comment:
        """Leaves a remark."""

    def merge_gate(self, request: MergeRequest) -> Gate:
        """The gate that asks about it. Raises InputError if none does, Conflict: a newer one's."""

    def finish_merge(self, request: MergeRequest) -> MergeRequest | None:
        """Merges what was approved while its branch was checked out; None: it was not approved."""

    def lines(self, ticket: str | None, *, once: bool) -> Iterator[str]:
        """What happened and happens, a line each; with `once` only what happened."""
