"""What a person confirmed is done once, whatever is killed in between, or it lapses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from desk.acting import one_at_a_time
from desk.budgets import raised
from desk.chat.proposing import Draft, Proposing
from desk.commissions import is_loop
from desk.office import Office
from desk.steering import Steering
from desk.web.access import Role
from labcrew.deciding import budget_with
from labcrew.domain.budget import Budget
from labcrew.domain.conversation import ActionName, Proposal
from labcrew.errors import InputError, LabcrewError
from labcrew.ledger import Ledger
from labcrew.ticket_file import read_ticket

NEEDS: dict[ActionName, Role] = {
    "assign": "researcher",
    "pause": "researcher",
    "resume": "researcher",
    "stop": "researcher",
    "retry": "researcher",
    "budget": "researcher",
    "comment": "researcher",
    "decide": "approver",
}
"""The least role that may do it; see `needed`."""

Halt = Callable[[str], None]


def needed(ledger: Ledger, proposal: Proposal | Draft) -> Role:
    """The least role that may do what is proposed: to raise a budget takes an approver."""
    if proposal.action == "budget":
        budget = ledger.tickets.get(proposal.target).budget
        after = Budget.model_validate(budget_with(budget, proposal.arguments))
        if raised(budget, after):
            return "approver"
    return NEEDS[proposal.action]


class CarryingOut:
    """Does what proposals say.

    Args:
        office: through which everything is done.
        proposing: tells what stands now.
        halt: ends the containers of a ticket that was stopped.
    """

    def __init__(
        self, office: Office, proposing: Proposing, halt: Halt = lambda ticket: None
    ) -> None:
        self._office = office
        self._proposing = proposing
        self._loops = Steering(office.ledger)
        self._halt = halt
        self._ledger = office.ledger

    def confirm(self, id: str, payload_hash: str, by: str) -> Proposal:
        """A person's yes; answers the proposal as it stands afterwards.

        Args:
            id: the proposal.
            payload_hash: of what the person saw.
            by: who says yes; only who asked may.

        Raises:
            InputError: it is another person's, or something else was shown.
        """
        with self._ledger.transaction():
            proposal = self._ledger.proposals.get(id)
            if proposal.by != by:
                raise InputError(f"{id} was asked for by {proposal.by}, who alone may confirm it.")
            if proposal.status != "open":
                return proposal
            if payload_hash != proposal.payload_hash:
                raise InputError(f"{id} says something else than what was confirmed.",
                                 "Look at it again.")  # fmt: skip
            self._put(proposal.model_copy(update={"status": "confirmed"}))
        return self.finish(id)

    def refuse(self, id: str, by: str, because: str = "") -> Proposal:
        """A person's no, or that something else was said meanwhile."""
        with self._ledger.transaction():
            proposal = self._ledger.proposals.get(id)
            if proposal.by != by:
                raise InputError(f"{id} was asked for by {proposal.by}, who alone may refuse it.")
            if proposal.status == "open":
                status = "lapsed" if because else "refused"
                proposal = proposal.model_copy(update={"status": status, "outcome": because})
                self._put(proposal)
        return proposal

    def finish(self, id: str) -> Proposal:
        """Does what was confirmed, if it is not done yet and nothing changed since it was shown.

        Called again after a kill, it does what is left: action and outcome are one commit.
        """
        proposal = self._ledger.proposals.get(id)
        if proposal.status != "confirmed":
            return proposal
        if proposal.action == "assign":
            return self._assign(proposal)
        with self._ledger.transaction():
            proposal = self._ledger.proposals.get(id)
            if proposal.status != "confirmed":
                return proposal
            ended = self._lapsed(proposal) or self._done(proposal)
            self._put(ended)
        if ended.status == "done" and ended.action == "stop" and not is_loop(ended.target):
            self._halt(ended.target)
        return ended

    def _done(self, proposal: Proposal) -> Proposal:
        try:
            with self._ledger.transaction():
                outcome = self._act(proposal)
        except LabcrewError as error:
            said = f"{error.message} {error.remedy}".strip()
            return proposal.model_copy(update={"status": "failed", "outcome": said})
        return proposal.model_copy(update={"status": "done", "outcome": outcome})

    def _act(self, proposal: Proposal) -> str:
        office, by, target = self._office, proposal.by, proposal.target
        arguments: dict[str, Any] = proposal.arguments
        if proposal.action == "budget":
            office.change_budget(target, by, arguments)
            return f"The budget of {target} is changed."
        if proposal.action == "comment":
            comment = office.comment(
                target, by, arguments["text"], arguments["path"], arguments["line"]
            )
            return f"{comment.id} stands on {target}."
        if proposal.action == "decide":
            decision = office.decide(
                target, arguments["kind"], by, arguments["payload_hash"], arguments["comment"]
            )
            return f"{decision.gate} is decided: {decision.kind}."
        if is_loop(target):
            loop = getattr(self._loops, proposal.action)(target, by)
            return f"{loop.id} is {loop.status}."
        moves = {
            "pause": office.pause,
            "resume": office.resume,
            "stop": office.stop,
            "retry": office.retry,
        }
        moved = moves[proposal.action](target, by)
        return f"{moved.id} is {moved.status}."

    def _assign(self, proposal: Proposal) -> Proposal:
        """Taking a ticket reads a repository, so it stands outside the ledger's own commit."""
        source = f"{proposal.arguments['source']} ({proposal.id})"

        def find() -> dict[str, Any] | None:
            taken = [t for t in self._ledger.tickets.all() if t.source == source]
            return {"ticket": taken[0].id} if taken else None

        def perform() -> dict[str, Any]:
            taken = self._office.assign(
                read_ticket(str(proposal.arguments["text"])),
                source=source,
                by=proposal.by,
                beside=Path(str(proposal.arguments["beside"])),
            )
            return {"ticket": taken.id}

        with one_at_a_time(self._office.home, "chat.lock"):
            proposal = self._ledger.proposals.get(proposal.id)
            if proposal.status != "confirmed":
                return proposal
            key = f"{proposal.id}/assign"
            begun = self._ledger.effect(key) is not None
            ended = None if begun else self._lapsed(proposal)
            if ended is None:
                try:
                    made = self._ledger.once(
                        key, proposal.thread, {"hash": proposal.payload_hash}, perform, find
                    )
                    update = {
                        "status": "done",
                        "target": made["ticket"],
                        "outcome": f"{made['ticket']} is assigned.",
                    }
                except InputError as error:
                    said = f"{error.message} {error.remedy}".strip()
                    update = {"status": "failed", "outcome": said}
                ended = proposal.model_copy(update=update)
            self._put(ended)
        return ended

    def _lapsed(self, proposal: Proposal) -> Proposal | None:
        """The proposal as lapsed, where what it would change is not as it was shown."""
        try:
            same = self._proposing.state(proposal) == proposal.state
        except LabcrewError:
            same = False
        if same:
            return None
        said = "It has changed since I showed it to you, so nothing was done. Ask again."
        return proposal.model_copy(update={"status": "lapsed", "outcome": said})

    def _put(self, proposal: Proposal) -> None:
        self._ledger.proposals.put(
            proposal, actor=f"person:{proposal.by}", kind=f"proposal.{proposal.status}"
        )
