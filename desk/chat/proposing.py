"""From what a person asks for to what exactly would be done: shown first, bound to what stands."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from desk.assigning import located
from desk.chat.answers.asking import Asked, Unanswered, asks
from desk.chat.budgets import changed
from desk.chat.telling import Answer, nothing, quoted
from desk.commissions import get, is_loop
from desk.office import Office
from labcrew.deciding import budget_with, settled
from labcrew.domain.base import Model, content_hash
from labcrew.domain.conversation import ActionName, Focus, Proposal
from labcrew.domain.evolution import Evolution
from labcrew.domain.review import Gate, MergeRequest
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import LabcrewError
from labcrew.given_path import given_path
from labcrew.ticket_file import read_ticket, ticket_text

_STATES: dict[str, tuple[str, ...]] = {
    "pause": ("assigned", "running", "waiting"),
    "resume": ("paused",),
    "stop": ("assigned", "running", "waiting", "paused", "failed"),
    "retry": ("failed", "stopped"),
    "budget": ("assigned", "running", "waiting", "paused", "failed", "stopped"),
}
_MEANS = {
    "pause": "Running trials go on; nothing new is begun.",
    "resume": "It goes on from where it was.",
    "stop": "For good: its running trials end and its open gates ask no more. Its records stay.",
    "retry": "It goes on from where it was.",
}
_LOOP_STATES: dict[str, tuple[str, ...]] = {
    "pause": ("assigned", "running", "waiting"),
    "resume": ("paused", "failed"),
    "stop": ("assigned", "running", "waiting", "paused", "failed"),
}
_LOOP_MEANS = {
    "pause": "What runs now is ended first; its round goes on when it is resumed.",
    "resume": "It goes on inside the round it was in.",
    "stop": "For good: its rounds stay, and it can't go on.",
}
_MOST_TEXT = 200_000
_OFFERED = 6


class Draft(Model):
    """What would be done, without the thread's own names."""

    action: ActionName
    target: str
    arguments: dict[str, Any]
    shown: tuple[str, ...]
    state: str


class Proposing:
    """Makes proposals; changes nothing.

    Args:
        office: knows the tickets, and how one is examined.
        files: the folder that a ticket's file is looked for from; None: files are not read, a
            ticket's text must be pasted.
    """

    def __init__(self, office: Office, files: Path | None = None) -> None:
        self._office = office
        self._files = files

    def draft(self, action: ActionName, asked: Asked, pasted: str = "") -> Draft:
        """What would be done. Raises Unanswered: something is missing, or it can't be done."""
        made: dict[str, Callable[[], Draft]] = {
            "assign": lambda: self._assign(asked, pasted),
            "budget": lambda: self._budget(asked),
            "comment": lambda: self._comment(asked),
            "decide": lambda: self._decide(asked),
        }
        try:
            return made.get(action, lambda: self._move(action, asked))()
        except LabcrewError as error:
            raise _no(error) from None

    def state(self, proposal: Proposal | Draft) -> str:
        """What a proposal would change, as it stands now. Raises LabcrewError: it is gone."""
        ledger = self._office.ledger
        if proposal.action == "assign":
            ticket = read_ticket(str(proposal.arguments["text"]))
            return self._commit(ticket, Path(str(proposal.arguments["beside"])))
        if proposal.action == "decide":
            gate = ledger.gates.get(proposal.target)
            settled(ledger, self._office.clock, gate)
            gate = ledger.gates.get(proposal.target)
            return content_hash([gate.status, gate.payload_hash])
        if proposal.action == "comment":
            request = ledger.merge_requests.get(proposal.target)
            return content_hash([request.status, request.commit])
        if is_loop(proposal.target):
            return content_hash([ledger.evolutions.get(proposal.target).status])
        ticket_now = ledger.tickets.get(proposal.target)
        said: list[Any] = [ticket_now.status, ticket_now.revision]
        if proposal.action == "budget":
            said = [ticket_now.status == "done", ticket_now.budget.model_dump(mode="json")]
        return content_hash(said)

    def _move(self, action: ActionName, asked: Asked) -> Draft:
        if loops := [id for id in asked.slots.tickets if is_loop(id)]:
            return self._move_loop(action, asked.loop(loops[0]), asked)
        ticket = self._meant(action, asked)
        title = quoted(ticket.ticket.title, 120)
        shown = (f"{action.capitalize()} {ticket.id}, {title} ({ticket.status}).", _MEANS[action])
        return self._bound(action, ticket.id, {}, shown)

    def _move_loop(self, action: ActionName, loop: Evolution, asked: Asked) -> Draft:
        states = _LOOP_STATES.get(action, ())
        if loop.status not in states:
            if states:
                said = f"{loop.id} is {loop.status}; {action} is for loops that are"
                said = f"{said} {' or '.join(states)}."
            else:
                said = f"{loop.id} is a loop: it can be paused, resumed and stopped here."
            raise Unanswered(_about(asked, said, ("evolutions", loop.id)))
        title = quoted(loop.spec.title, 120)
        shown = (f"{action.capitalize()} {loop.id}, {title} ({loop.status}).", _LOOP_MEANS[action])
        return self._bound(action, loop.id, {}, shown)

    def _budget(self, asked: Asked) -> Draft:
        ticket = self._meant("budget", asked)
        if not asked.slots.budget:
            said = f"What should {ticket.id}'s budget be?"
            raise Unanswered(_say_so(asked, said, f"Set {ticket.id} to 40 trials", ticket.id))
        changes = changed(ticket.budget, asked.slots.budget)
        budget_with(ticket.budget, changes)
        shown = tuple(
            f"{ticket.id}, {name.replace('_', ' ')}: {_number(getattr(ticket.budget, name))}"
            f" becomes {_number(value)}."
            for name, value in changes.items()
        )
        return self._bound("budget", ticket.id, dict(changes), shown)

    def _comment(self, asked: Asked) -> Draft:
        request = self._request(asked)
        if request.status != "open":
            said = f"{request.id} is {request.status}; comments are for open ones."
            raise Unanswered(_about(asked, said, ("merge_requests", request.id)))
        text = asked.slots.text
        if not text:
            example = f"Comment on {request.id}: the seeds should be listed"
            raise Unanswered(_say_so(asked, "What is the comment?", example, request.ticket))
        where = f", at {asked.slots.path}" if asked.slots.path else ""
        where += f" line {asked.slots.line}" if asked.slots.line is not None else ""
        arguments = {"text": text, "path": asked.slots.path, "line": asked.slots.line}
        shown = (f"Comment on {request.id}{where}, in your name:", quoted(text, 20_000))
        return self._bound("comment", request.id, arguments, shown)

    def _decide(self, asked: Asked) -> Draft:
        gate = self._gate(asked)
        kind = asked.slots.decision
        if not kind:
            said = f"What do you decide at {gate.id}: {' or '.join(gate.allowed)}?"
            answer = _about(asked, said, ("gates", gate.id))
            raise Unanswered(answer.model_copy(update={"choices": gate.allowed}))
        if kind not in gate.allowed:
            said = f"{gate.id} can't be decided by {kind}; allowed: {', '.join(gate.allowed)}."
            raise Unanswered(_about(asked, said, ("gates", gate.id)))
        if kind == "respond" and not asked.slots.text:
            example = f"Send {gate.ticket} back: use fewer trials"
            raise Unanswered(_say_so(asked, "What should change?", example, gate.ticket))
        if kind == "edit":
            said = f"Edit {gate.id} in the inbox, where all of its fields are shown."
            raise Unanswered(_about(asked, said, ("gates", gate.id)))
        shown = [
            f"Decide {kind} at {gate.id}: {quoted(gate.title, 160)}, in your name.",
            f"It binds to what the gate shows now ({gate.payload_hash[:12]}).",
        ]
        if asked.slots.text:
            shown.append(f"With the comment: {quoted(asked.slots.text, 20_000)}")
        if gate.kind == "merge" and kind == "accept":
            shown.append("The crew then merges the change.")
        arguments = {
            "kind": kind,
            "payload_hash": gate.payload_hash,
            "comment": asked.slots.text,
        }
        return self._bound("decide", gate.id, arguments, tuple(shown))

    def _assign(self, asked: Asked, pasted: str) -> Draft:
        name = asked.slots.source
        if pasted:
            text, beside, source = pasted, self._files or Path.cwd(), "pasted"
        elif not name:
            said = "Which ticket? Name its file, or paste its text, front matter and all."
            raise Unanswered(nothing(said).model_copy(update={"choices": ("assign ticket.md",)}))
        elif self._files is None:
            said = (
                "I read no files of this machine from the board. Paste the ticket's text here, or"
                " use the page for assigning."
            )
            raise Unanswered(nothing(said))
        else:
            path = given_path(name, self._files)
            # Read once: what is shown is what is assigned, whatever becomes of the file.
            text, beside, source = ticket_text(path), path.parent, str(path)
        if len(text) > _MOST_TEXT:
            raise Unanswered(nothing("The ticket is too long to assign here; use `labcrew run`."))
        ticket = read_ticket(text)
        if self._files is None and not given_path(ticket.repository).is_absolute():
            said = (
                f"repository: {quoted(ticket.repository, 200)} is relative, and nothing here says"
                " to what. Name it from the root, /…, or use the page for assigning."
            )
            raise Unanswered(nothing(said))
        commit = self._commit(ticket, beside)
        budget = ticket.budget
        shown = (
            f"Assign {quoted(ticket.title, 160)}, a ticket of kind {ticket.kind}, in your name.",
            f"Repository {quoted(located(ticket, beside), 200)} at commit {commit[:12]}.",
            f"Measure {quoted(ticket.metric.name, 60)} ({ticket.metric.direction}).",
            f"Budget: {budget.trials} trials, {budget.hours:g} hours, {budget.parallel} at once.",
            f"It runs: {quoted(ticket.run.command, 300)}",
        )
        arguments = {"text": text, "beside": str(beside), "source": source}
        return self._bound("assign", "", arguments, shown)

    def _bound(
        self, action: ActionName, target: str, arguments: dict[str, Any], shown: tuple[str, ...]
    ) -> Draft:
        made = Draft(action=action, target=target, arguments=arguments, shown=shown, state="")
        return made.model_copy(update={"state": self.state(made)})

    def _meant(self, action: str, asked: Asked) -> AssignedTicket:
        """The ticket that is named, or the only one that this can be done to."""
        states = _STATES[action]
        named = asked.tickets()
        if named:
            ticket = named[0]
            if ticket.status not in states:
                said = (
                    f"{ticket.id} is {ticket.status}; {action} is for tickets that are"
                    f" {' or '.join(states)}."
                )
                raise Unanswered(_about(asked, said, ("tickets", ticket.id)))
            return ticket
        fit = [t for s in states for t in asked.ledger.tickets.all(status=s, limit=_OFFERED)]
        if len(fit) == 1:
            return fit[0]
        if not fit:
            raise Unanswered(nothing(f"There is no ticket to {action}: none is"
                                     f" {' or '.join(states)}."))  # fmt: skip
        verb = "change the budget of" if action == "budget" else action
        raise Unanswered(asks(f"Which ticket do you want to {verb}?", fit[:_OFFERED]))

    def _request(self, asked: Asked) -> MergeRequest:
        if asked.slots.merge_request or asked.slots.tickets:
            asked.exist()
            return self._office.merge_request(asked.slots.merge_request or asked.slots.tickets[0])
        open_ones = asked.ledger.merge_requests.all(status="open", limit=_OFFERED)
        if len(open_ones) == 1:
            return open_ones[0]
        if not open_ones:
            raise Unanswered(nothing("No merge request is open to be commented on."))
        tickets = [get(asked.ledger, request.ticket) for request in open_ones]
        raise Unanswered(asks("Which ticket's merge request?", tickets))

    def _gate(self, asked: Asked) -> Gate:
        asked.exist()
        if asked.slots.gate:
            gate = asked.ledger.gates.get(asked.slots.gate)
            if gate.status != "open":
                raise Unanswered(
                    _about(asked, f"{gate.id} is {gate.status} already.", ("gates", gate.id))
                )
            return gate
        wanted = set(asked.slots.tickets)
        gates = [g for g in self._office.inbox() if not wanted or g.ticket in wanted]
        if len(gates) == 1:
            return gates[0]
        if not gates:
            rows: Sequence[tuple[str, str]] = [
                ("evolutions" if is_loop(id) else "tickets", id) for id in sorted(wanted)
            ]
            raise Unanswered(_about(asked, "No gate is open there; nothing is asked.", *rows))
        tickets = [get(asked.ledger, g.ticket) for g in gates[:_OFFERED]]
        if len({t.id for t in tickets}) == 1:
            ids = tuple(gate.id for gate in gates[:_OFFERED])
            answer = _about(asked, "Which gate do you mean?", *(("gates", id) for id in ids))
            update = {"choices": ids, "focus": Focus(listed=ids), "open": True}
            raise Unanswered(answer.model_copy(update=update))
        raise Unanswered(asks("Which ticket's gate?", tickets))

    def _commit(self, ticket: Ticket, beside: Path) -> str:
        return self._office.repositories.inspect(located(ticket, beside), ticket.commit).commit


def _number(value: float | int | None) -> str:
    return "no bound" if value is None else f"{value:g}" if value < 1e6 else f"{value:.0f}"


def _about(asked: Asked, said: str, *rows: tuple[str, str]) -> Answer:
    return Answer(statements=(asked.tell.say(said, *rows),))


def _say_so(asked: Asked, said: str, example: str, ticket: str) -> Answer:
    answer = _about(asked, said, ("tickets", ticket))
    return answer.model_copy(update={"choices": (example,)})


def _no(error: LabcrewError) -> Unanswered:
    told = quoted(f"{error.message} {error.remedy}".strip(), 1500)
    return Unanswered(nothing(told))
