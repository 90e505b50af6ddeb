"""The front of a home behind a server."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from desk import commissions
from desk.api.gates import ShownGate
from desk.api.page import MOST, Page
from desk.front.port import LoopMove, Move
from desk.front.server import Server, Unreachable, spelt
from desk.merge_gate import merge_gate
from desk.views.costs import Costs
from desk.views.evolutions import EvolutionHead, EvolutionSheet, RoundRow
from desk.views.failed import Failed, failed_of
from desk.views.sheet import ListedTicket, TicketSheet
from desk.web.feed import Line
from desk.wiring import Say
from labcrew.domain.evolution_spec import Control
from labcrew.domain.experiment import Incident, Trial
from labcrew.domain.repository import Change
from labcrew.domain.review import Comment, Decision, DecisionKind, Gate, MergeRequest, Verification
from labcrew.domain.ticket import AssignedTicket
from labcrew.evolution_file import read_spec
from labcrew.ticket_file import read_ticket, ticket_text

T = TypeVar("T")
_VERIFY_S = 600.0
_RERUN_S = 86_400.0
_LISTEN_S = 60.0  # the server says something every 15 s
_AWAY_S = 2.0


class There:
    """Acts on the home of a server, as whoever the token belongs to.

    Args:
        server: that home's.
        say: is told when the server is away for a while.
        pause: waits some seconds.
    """

    def __init__(self, server: Server, say: Say, pause: Callable[[float], None]) -> None:
        self._server, self._say, self._pause = server, say, pause

    def assign(self, file: Path) -> AssignedTicket:
        text = ticket_text(file)
        read_ticket(text, name=file.name)  # what is wrong with it is said with the file's name
        place = file.absolute()
        body = {"text": text, "beside": str(place.parent), "source": str(place)}
        return self._server.send("POST", "/tickets", AssignedTicket, body)

    def tickets(self, status: str | None) -> list[ListedTicket]:
        return self._all("/tickets", ListedTicket, status=status)

    def sheet(self, ticket: str) -> TicketSheet:
        place = f"/tickets/{spelt(ticket)}"
        return TicketSheet(
            ticket=self._server.get(place, AssignedTicket),
            gates=tuple(self._gates(ticket)),
            trials=tuple(self._all(f"{place}/trials", Trial)),
            merge_requests=tuple(self._all("/merge-requests", MergeRequest, ticket=ticket)),
            incidents=tuple(self._all(f"{place}/incidents", Incident)),
            costs=self.costs(ticket),
        )

    def move(self, ticket: str, move: Move) -> AssignedTicket:
        return self._server.send("POST", f"/tickets/{spelt(ticket)}/{move}", AssignedTicket)

    def costs(self, ticket: str) -> Costs:
        return self._server.get(f"/tickets/{spelt(ticket)}/costs", Costs)

    def change_budget(self, ticket: str, changes: Mapping[str, Any]) -> AssignedTicket:
        place = f"/tickets/{spelt(ticket)}/budget"
        return self._server.send("PATCH", place, AssignedTicket, changes)

    def start_loop(self, file: Path, control: Control) -> EvolutionHead:
        text = ticket_text(file)
        read_spec(text, name=file.name)  # what is wrong with it is said with the file's name
        place = file.absolute()
        body = {"text": text, "beside": str(place.parent), "source": str(place), "control": control}
        return self._server.send("POST", "/evolutions", EvolutionHead, body)

    def loops(self) -> list[EvolutionHead]:
        return self._all("/evolutions", EvolutionHead)

    def loop(self, id: str) -> EvolutionSheet:
        place = f"/evolutions/{spelt(id)}"
        head = self._server.get(place, EvolutionHead)
        rounds = self._all(f"{place}/rounds", RoundRow)
        return EvolutionSheet(**dict(head), rounds=tuple(rounds))

    def move_loop(self, id: str, move: LoopMove) -> EvolutionHead:
        return self._server.send("POST", f"/evolutions/{spelt(id)}/{move}", EvolutionHead)

    def inbox(self) -> list[Gate]:
        return self._gates(None)

    def failed(self) -> list[Failed]:
        return failed_of([*self.tickets("failed"), *self.loops()])

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
        seen = self._server.get(f"/gates/{spelt(gate)}", ShownGate)
        body = {
            "kind": kind,
            "payload_hash": shown or seen.payload_hash,
            "comment": comment,
            "edits": dict(edits),
            "path": path,
            "line": line,
        }
        return self._server.send("POST", f"/gates/{spelt(seen.gate.id)}/decision", Decision, body)

    def merge_requests(self) -> list[MergeRequest]:
        return self._all("/merge-requests", MergeRequest)

    def merge_request(self, name: str) -> MergeRequest:
        return self._server.get(f"/merge-requests/{spelt(name)}", MergeRequest)

    def comments(self, request: MergeRequest) -> list[Comment]:
        return self._all(f"/merge-requests/{spelt(request.id)}/comments", Comment)

    def change(self, request: MergeRequest) -> Change:
        return self._server.get(f"/merge-requests/{spelt(request.id)}/diff", Change)

    def verify(self, request: MergeRequest, *, rerun: bool) -> Verification:
        return self._server.send(
            "POST",
            f"/merge-requests/{spelt(request.id)}/verify{'?rerun=true' * rerun}",
            Verification,
            timeout_s=_RERUN_S if rerun else _VERIFY_S,
        )

    def comment(self, name: str, text: str, path: str, line: int | None) -> Comment:
        body = {"text": text, "path": path, "line": line}
        return self._server.send("POST", f"/merge-requests/{spelt(name)}/comments", Comment, body)

    def merge_gate(self, request: MergeRequest) -> Gate:
        return merge_gate(request, self._gates(request.ticket))

    def finish_merge(self, request: MergeRequest) -> MergeRequest | None:
        if request.status != "open" or not request.merge_note:
            return None
        place = f"/merge-requests/{spelt(request.id)}/merge"
        return self._server.send("POST", place, MergeRequest)

    def lines(self, ticket: str | None, *, once: bool) -> Iterator[str]:
        if ticket is not None:
            self._known(ticket)
        after, away = 0, False
        said: dict[tuple[str, str], str] = {}
        while True:
            try:
                with self._server.events(after, ticket, _LISTEN_S, once=once) as stream:
                    for event in stream:
                        if event.event != "ledger":
                            continue
                        line = Line.model_validate_json(event.data)
                        after, away = line.sequence, False
                        # A record is often put again without a change that matters to a person.
                        if line.text and said.get((line.ticket, line.kind)) != line.text:
                            said[line.ticket, line.kind] = line.text
                            mark = f"{line.ticket} " if ticket is None and line.ticket else ""
                            yield f"{line.at:%H:%M:%S} {mark}{line.text}"
                if once:
                    return
            except Unreachable as error:
                if once:
                    raise
                if not away:
                    self._say(f"{error.message} It is tried again.")
                away = True
            self._pause(_AWAY_S)

    def _known(self, id: str) -> None:
        """Raises NotFound: there is no such ticket or loop."""
        if commissions.is_loop(id):
            self._server.get(f"/evolutions/{spelt(id)}", EvolutionHead)
        else:
            self._server.get(f"/tickets/{spelt(id)}", AssignedTicket)

    def _gates(self, ticket: str | None) -> list[Gate]:
        found = self._all("/gates", ShownGate, status="open", ticket=ticket)
        return [shown.gate for shown in found]

    def _all(self, path: str, item: type[T], **query: Any) -> list[T]:
        """A whole list, oldest first."""
        found: list[T] = []
        before: int | None = None
        while True:
            page = self._server.get(
                path,
                Page[item],  # type: ignore[valid-type]
                limit=MOST,
                before=before,
                **query,
            )
            found += page.items
            if page.next is None:
                return found[::-1]
            before = page.next
