"""A question with its names looked up: what does not exist is said, what is open is asked."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from desk.chat.known import Known
from desk.chat.slots import Slots
from desk.chat.telling import Answer, Teller, nothing, quoted
from desk.commissions import is_loop, title_of
from desk.views.recall import Recall
from labcrew.domain.conversation import Focus
from labcrew.domain.evolution import Evolution
from labcrew.domain.experiment import Trial
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger

_NEAR = 3
_OFFERED = 6


class Unanswered(Exception):
    """What was asked has no answer as it stands; `answer` says why, or asks back."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.statements[0].text)
        self.answer = answer


@dataclass(frozen=True)
class Asked:
    """A question to the records.

    Args:
        tell: makes statements.
        slots: what it names.
        known: what the lab's tickets are called.
        now: what `yesterday` is counted from.
        recall: finds what was learnt, by meaning.
        person: who asks.
    """

    tell: Teller
    slots: Slots
    known: Known
    now: datetime
    recall: Recall
    person: str

    @property
    def ledger(self) -> Ledger:
        return self.tell.ledger

    def tickets(self) -> list[AssignedTicket]:
        """The tickets that are named; none: none was. Raises Unanswered: one does not exist."""
        return [self._ticket(id) for id in self.slots.tickets]

    def ticket(self) -> AssignedTicket:
        """The one ticket that is meant: named, or the only one. Raises Unanswered."""
        named = self.tickets()
        if named:
            return named[0]
        newest = [ticket for _, ticket in self.ledger.tickets.page(limit=_OFFERED)]
        if len(newest) == 1:
            return newest[0]
        if not newest:
            raise Unanswered(nothing("There are no tickets here yet. Assign one to begin."))
        raise Unanswered(asks("Which ticket do you mean?", newest))

    def trials(self) -> list[Trial]:
        """The trials that are named, of the ticket that is named or can be meant.

        Raises Unanswered: one does not exist, or no ticket is named and several could be.
        """
        owner = self.ticket()
        have = {trial.number: trial for trial in self.ledger.trials.of(owner.id)}
        for number in self.slots.trials:
            if number not in have:
                raise Unanswered(self._no_trial(owner, number, sorted(have)))
        return [have[number] for number in self.slots.trials]

    def exist(self) -> None:
        """That every ticket and loop that is named is there. Raises Unanswered."""
        for id in self.slots.tickets:
            if is_loop(id):
                self.loop(id)
            else:
                self._ticket(id)

    def loop(self, id: str) -> Evolution:
        """A loop of self-evolution. Raises Unanswered: it does not exist."""
        found = self.ledger.evolutions.find(id)
        if found is None:
            ids = [loop.id for _, loop in self.ledger.evolutions.page(limit=2000)]
            raise Unanswered(_missing(f"There is no loop {id}.", id, ids, "evolutions"))
        return found

    def _ticket(self, id: str) -> AssignedTicket:
        found = self.ledger.tickets.find(id)
        if found is None:
            ids = [ticket.id for _, ticket in self.ledger.tickets.page(limit=2000)]
            raise Unanswered(_missing(f"There is no ticket {id}.", id, ids, "tickets"))
        return found

    def _no_trial(self, owner: AssignedTicket, number: int, have: Sequence[int]) -> Answer:
        if not have:
            return Answer(
                statements=(
                    self.tell.say(f"{owner.id} has no trials yet.", ("tickets", owner.id)),
                ),
                focus=Focus(tickets=(owner.id,)),
            )
        wanted = f"{owner.id}-{number:03d}"
        near = sorted(have, key=lambda n: abs(n - number))[:_NEAR]
        ids = [f"{owner.id}-{n:03d}" for n in sorted(near)]
        return _missing(f"There is no trial {wanted}.", wanted, ids, "trials")


def or_why(make: Callable[[Asked], Answer], asked: Asked) -> Answer:
    """The answer, or what keeps from it."""
    try:
        return make(asked)
    except Unanswered as why:
        return why.answer


def asks(question: str, tickets: Sequence[AssignedTicket | Evolution]) -> Answer:
    """A question back, with the tickets to choose from."""
    ids = tuple(ticket.id for ticket in tickets)
    told = "; ".join(f"{t.id}, {quoted(title_of(t), 60)} ({t.status})" for t in tickets)
    answer = nothing(question)
    listed = tuple(
        row
        for id in ids
        for row in Teller.rows_of("evolutions" if is_loop(id) else "tickets", (id,))
    )
    statement = answer.statements[0].model_copy(update={"text": f"{question} {told}."})
    statement = statement.model_copy(update={"rows": listed})
    return Answer(statements=(statement,), focus=Focus(listed=ids), choices=ids, open=True)


def _missing(text: str, wanted: str, ids: Sequence[str], table: str) -> Answer:
    """That something does not exist, and what is near to it."""
    near = difflib.get_close_matches(wanted, ids, n=_NEAR, cutoff=0.5) or list(ids[:_NEAR])
    more = f" Near it: {', '.join(near)}." if near else " There are none yet."
    statement = nothing(text + more).statements[0]
    rows = Teller.rows_of(table, tuple(near))
    return Answer(
        statements=(statement.model_copy(update={"rows": rows}),),
        focus=Focus(listed=tuple(near)),
        choices=tuple(near),
        open=True,
    )
