"""The actions that people take: on tickets, at gates, on merge requests."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agents.budget_used import spent
from desk.acting import actor, one_at_a_time
from desk.assigning import examine, located
from desk.commissions import find, get
from desk.merge_gate import merge_gate
from labcrew.deciding import budget_with, decide, settled
from labcrew.domain.budget import Budget
from labcrew.domain.repository import Repositories
from labcrew.domain.review import Comment, Decision, DecisionKind, Gate, MergeRequest
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import Conflict, InputError
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import Clock
from labcrew.remarks import Change, check_remark
from labcrew.settings import Settings
from tools.facts import shown_forge

_NUMBER = re.compile(r"T-(\d+)")
_MOVES = {
    "pause": "ticket.paused",
    "resume": "ticket.resumed",
    "retry": "ticket.retried",
    "stop": "ticket.stopped",
}
ENDED = ("done", "stopped", "failed")


class Office:
    """Everything a person can do to a home's tickets; each action is a line of the ledger.

    Args:
        home: where the tickets live.
        ledger: the truth about them.
        clock: when things happen.
        repositories: the git boundary.
        settings: what the lab has set.
    """

    def __init__(
        self,
        home: Home,
        ledger: Ledger,
        clock: Clock,
        repositories: Repositories,
        settings: Settings,
    ) -> None:
        self.home = home
        self.ledger = ledger
        self.clock = clock
        self.repositories = repositories
        self.settings = settings

    def assign(
        self,
        ticket: Ticket,
        *,
        source: str,
        by: str,
        beside: Path,
        settle: Callable[[AssignedTicket], None] = lambda assigned: None,
    ) -> AssignedTicket:
        """Takes a ticket, after everything that can be checked beforehand was checked.

        Args:
            ticket: as read.
            source: the file it came from, or who sent it.
            by: a person's name.
            beside: the folder that a relative repository path starts from.
            settle: writes to the ledger what follows, in the commit that takes the ticket.

        Raises:
            InputError: with all that is wrong; nothing was started.
        """
        person = actor(by)
        with one_at_a_time(self.home):
            id = self._next_id()
            examined = examine(ticket, id, beside, self.repositories, self.settings)
            assigned = AssignedTicket(
                id=id,
                ticket=ticket,
                source=source,
                assigned_by=by,
                assigned_at=self.clock.now().isoformat(timespec="seconds"),
                repository=str(examined.repository),
                base_commit=examined.commit,
                target_branch=examined.branch,
                budget=ticket.budget,
                warnings=examined.warnings,
            )
            with self.ledger.transaction():
                self.ledger.tickets.put(assigned, actor=person, kind="ticket.assigned")
                settle(assigned)
        return assigned

    def unfinished(
        self, ticket: Ticket, source: str, beside: Path
    ) -> tuple[AssignedTicket | None, AssignedTicket | None]:
        """The newest ticket from this very file and text that is not done or stopped: one at the
        commit that assigning would take now, and one at another commit; None where there is none.

        Raises:
            RepositoryError: the repository or commit is not there any more.
        """
        here, elsewhere = None, None
        for assigned in reversed(self.ledger.tickets.all()):
            same = assigned.source == source and assigned.ticket == ticket
            if not same or assigned.status in ("done", "stopped"):
                continue
            if assigned.base_commit == self._commit_now(assigned, beside):
                here = here or assigned
            else:
                elsewhere = elsewhere or assigned
        return here, elsewhere

    def pause(self, id: str, by: str) -> AssignedTicket:
        """Lets the ticket rest; running trials go on, nothing new is begun."""
        return self._move(id, by, ("assigned", "running", "waiting"), "paused", "pause")

    def resume(self, id: str, by: str) -> AssignedTicket:
        """Lets a paused ticket go on."""
        return self._move(id, by, ("paused",), "assigned", "resume")

    def retry(self, id: str, by: str) -> AssignedTicket:
        """Lets a failed or stopped ticket go on from where it was."""
        return self._move(id, by, ("failed", "stopped"), "assigned", "retry")

    def stop(self, id: str, by: str) -> AssignedTicket:
        """Ends a ticket for good measure; its records stay, its open gates ask no more.

        One that failed asks for nobody any more.
        """
        with self.ledger.transaction():
            allowed = ("assigned", "running", "waiting", "paused", "failed")
            stopped = self._move(id, by, allowed, "stopped", "stop")
            for gate in self.ledger.gates.of(id):
                if gate.status == "open":
                    void = gate.model_copy(update={"status": "void"})
                    self.ledger.gates.put(void, actor=actor(by), kind="gate.voided")
        return stopped

    def change_budget(self, id: str, by: str, changes: Mapping[str, Any]) -> AssignedTicket:
        """Sets some fields of a ticket's budget. Raises InputError."""
        with self.ledger.transaction():
            assigned = self.ledger.tickets.get(id)
            if assigned.status == "done":
                raise Conflict(f"{id} is done; its budget can't change any more.", status="done")
            budget = Budget.model_validate(budget_with(assigned.budget, changes))
            used = spent(self.ledger.trials.of(id))
            if budget.trials < used:
                raise InputError(
                    f"{id} has used {used} trials already; the budget can't be {budget.trials}."
                )
            changed = assigned.model_copy(update={"budget": budget})
            self.ledger.tickets.put(changed, actor=actor(by), kind="ticket.budget")
        return changed

    def inbox(self) -> list[Gate]:
        """The gates that wait for a person, oldest first; those that have expired do not."""
        now = self.clock.now()
        return [
            gate
            for gate in self.ledger.gates.all(status="open")
            if gate.expires_at is None or now < gate.expires_at
        ]

    def settle(self) -> None:
        """Decides the gates that have expired, each by its safe default."""
        now = self.clock.now()
        for gate in self.ledger.gates.all(status="open"):
            if gate.expires_at is not None and gate.expires_at <= now:
                settled(self.ledger, self.clock, gate)

    def gate_of(self, name: str) -> Gate:
        """A gate by its id, or the only open gate of a ticket or loop by that one's id."""
        if self.ledger.gates.find(name) is None and find(self.ledger, name) is not None:
            waiting = [gate for gate in self.inbox() if gate.ticket == name]
            if len(waiting) == 1:
                return waiting[0]
            raise InputError(
                f"{name} has {len(waiting) or 'no'} open gate{'s' * (len(waiting) != 1)}.",
                f"Name one: {', '.join(gate.id for gate in waiting)}." if waiting else "",
            )
        return self.ledger.gates.get(name)

    def decide(
        self,
        gate: str,
        kind: DecisionKind,
        by: str,
        payload_hash: str | None = None,
        comment: str = "",
        edits: Mapping[str, Any] | None = None,
        path: str = "",
        line: int | None = None,
    ) -> Decision:
        """Decides a gate, see `labcrew.deciding.decide`; a response to a merge request is also
        kept as a comment on it, for comments are what a revision works on.

        Args:
            path: of a response to a merge request: the file of the change that it is about.
            line: of that file, from 1.
        """
        actor(by)
        found = self.gate_of(gate)
        settled(self.ledger, self.clock, found)  # stands, whatever becomes of this decision
        with self.ledger.transaction():
            decision = decide(
                self.ledger,
                self.clock,
                found.id,
                kind,
                by=by,
                payload_hash=payload_hash,
                comment=comment,
                edits=edits,
            )
            if found.kind == "merge" and kind == "respond":
                request = self.merge_request(str(found.shown.get("merge_request", found.ticket)))
                same = (request.id, by, comment.strip(), path, line)
                noted = self.ledger.comments.of(found.ticket)
                if same not in [(c.merge_request, c.by, c.text, c.path, c.line) for c in noted]:
                    self.comment(request.id, by, comment, path, line)
            elif path:
                raise InputError("A path belongs to a response to a merge request.")
        return decision

    def merge_request(self, name: str) -> MergeRequest:
        """A merge request by its id, or a ticket's newest by the ticket's id."""
        if self.ledger.merge_requests.find(name) is None:
            of_ticket = self.ledger.merge_requests.of(name)
            if of_ticket:
                return of_ticket[-1]
            if find(self.ledger, name) is not None:
                raise InputError(f"{name} has no merge request yet.")
        return self.ledger.merge_requests.get(name)

    def comment(
        self, merge_request: str, by: str, text: str, path: str = "", line: int | None = None
    ) -> Comment:
        """Leaves a remark on an open merge request; it becomes work when the gate is answered.

        Args:
            merge_request: its id, or a ticket's for the newest.
            by: a person's name.
            text: 1 to 20,000 characters.
            path: the file of the change that it is about, "" for none.
            line: of that file as it becomes, from 1.

        Raises InputError, Conflict.
        """
        person = actor(by)
        request = self.merge_request(merge_request)
        if request.status != "open":
            raise Conflict(
                f"{request.id} is {request.status}; comments are for open ones.",
                status=request.status,
            )
        check_remark(text, path, line)
        if path:
            earlier = (r.commit for r in self.ledger.merge_requests.of(request.ticket))
            bases = (request.base_commit, *earlier)
            Change(self.repositories, request, bases).check(path, line)
        with self.ledger.transaction():
            number = sum(
                c.merge_request == request.id for c in self.ledger.comments.of(request.ticket)
            )
            comment = Comment(
                id=f"{request.id}-C{number + 1:02d}",
                merge_request=request.id,
                by=by,
                at=self.clock.now(),
                text=text.strip(),
                path=path,
                line=line,
            )
            self.ledger.comments.put(comment, actor=person, kind="merge_request.commented")
        return comment

    def finish_merge(self, request: MergeRequest, by: str) -> MergeRequest | None:
        """Merges what was approved while its branch was checked out; None if it was not approved.

        Does nothing but look where the person has merged it by hand meanwhile. Raises Conflict for
        what a forge merges.
        """
        approved = [
            gate
            for gate in self.ledger.gates.of(request.ticket)
            if gate.kind == "merge" and gate.shown.get("commit") == request.commit
        ]
        decision = self.ledger.decisions.find(approved[-1].id) if approved else None
        if request.status != "open" or request.target is None or decision is None:
            return None
        if decision.kind != "accept" or not request.merge_note:
            return None
        forge = shown_forge(self.ledger, request.ticket, request.revision)
        if forge:
            raise Conflict(
                f"{request.id} is merged at {forge}, as its plan gate said, and not past it."
                f" {request.merge_note}",
                "`labcrew up` and `labcrew board` go on trying; or merge it there.",
                status=request.status,
            )
        outcome = self.repositories.merge(
            Path(get(self.ledger, request.ticket).repository), request.target, request.commit
        )
        merged = outcome.state in ("merged", "already")
        changed = request.model_copy(
            update={
                "status": "merged" if merged else "open",
                "merge_note": outcome.message,
            }
        )
        self.ledger.merge_requests.put(
            changed, actor=actor(by), kind="merge_request.merged" if merged else ""
        )
        return changed

    def merge_gate(self, request: MergeRequest) -> Gate:
        """The open gate of a merge request, see `desk.merge_gate`. Raises InputError, Conflict."""
        return merge_gate(request, self.inbox())

    def _move(
        self, id: str, by: str, states: tuple[str, ...], to: str, action: str
    ) -> AssignedTicket:
        person = actor(by)
        with self.ledger.transaction():
            assigned = self.ledger.tickets.get(id)
            if assigned.status == to and to != "assigned":
                return assigned
            if assigned.status not in states:
                raise Conflict(
                    f"{id} is {assigned.status}; {action} is for tickets that are"
                    f" {' or '.join(states)}.",
                    status=assigned.status,
                )
            moved = assigned.model_copy(update={"status": to, "outcome": f"{action} by {by}"})
            self.ledger.tickets.put(moved, actor=person, kind=_MOVES[action])
        return moved

    def _commit_now(self, assigned: AssignedTicket, beside: Path) -> str:
        """The commit that the ticket means now. A snapshot of the same files has the same id."""
        ticket = assigned.ticket
        checkout = self.repositories.inspect(located(ticket, beside), ticket.commit)
        if not ticket.snapshot:
            return checkout.commit
        return self.repositories.take(
            assigned.id, checkout.repository, checkout.commit, snapshot=True
        )

    def _next_id(self) -> str:
        newest = self.ledger.tickets.page(limit=1)
        match = _NUMBER.fullmatch(newest[0][1].id) if newest else None
        number = int(match[1]) + 1 if match else self.ledger.tickets.count() + 1
        while self.ledger.tickets.find(f"T-{number:03d}") is not None:
            number += 1
        return f"T-{number:03d}"
