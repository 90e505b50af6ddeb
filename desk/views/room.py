"""The crew at work: who does what for which ticket or loop, who waits, and who handed over."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, get_args

from pydantic import Field

from desk.commissions import is_loop, title_of
from desk.views.crew import last_done
from desk.wording import NAMES, sentence
from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.domain.evolution import Evolution
from labcrew.domain.research import AgentName
from labcrew.domain.review import Gate
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger
from sandboxes.text import clean

AGENTS: tuple[AgentName, ...] = get_args(AgentName)
PEOPLE = "people"
"""Whom the crew hands a gate to."""
_LOOKED_AT = 400
_LOOKED_AT_EACH = 50
_MOST_TICKETS = 30
_MOST_LINES = 4
_MOST_HANDED = 8
_AT_WORK = ("running", "assigned", "waiting", "paused")
_ASKS: dict[str, AgentName] = {"merge": "merge_request", "incident": "log_monitor"}
"""Who asks at a gate; the coordinator at the others."""


class UnderWay(Model):
    """A ticket or a loop that is not over."""

    id: str
    title: str
    status: str


class Doing(Model):
    """The newest thing that an agent did for one ticket or loop."""

    ticket: str
    words: str = Field(description="untrusted text")
    since: datetime
    now: bool = Field(description="it is the agent's turn, and a worker is at it")


class Desk(Model):
    """One agent's desk."""

    agent: AgentName
    name: str
    state: Literal["working", "waiting", "resting"]
    doing: tuple[Doing, ...] = Field(description="newest first, one a ticket")
    waits: tuple[Gate, ...] = Field(description="what it asked people and has no answer to")


class Handover(Model):
    """Work that went from one to another."""

    ticket: str
    sender: str = Field(description="an agent, or people")
    receiver: str
    at: datetime
    line: int
    now: bool = Field(description="the newest of a ticket that a worker is at, or an open gate")

    @property
    def names(self) -> tuple[str, str]:
        """Both as people read them."""
        return tuple(NAMES.get(one, "People") for one in (self.sender, self.receiver))  # type: ignore[return-value]


class Room(Model):
    """Everyone at their desks."""

    desks: tuple[Desk, ...]
    gates: tuple[Gate, ...] = Field(description="what waits for a person, oldest first")
    handovers: tuple[Handover, ...] = Field(description="newest first")
    tickets: tuple[UnderWay, ...] = Field(description="and loops, newest first")
    last: datetime | None = Field(description="when anything last happened")

    @property
    def summary(self) -> str:
        """The whole in one sentence."""
        busy = [f"{d.name} on {_and(_tickets(d))}" for d in self.desks if d.state == "working"]
        waiting = len(self.gates)
        asked = f"{waiting} decision{'s' * (waiting != 1)} wait{'s' * (waiting == 1)} for a person"
        if busy:
            return f"At work: {', '.join(busy)}.{f' {asked}.' if waiting else ''}"
        return f"The crew rests; {asked}." if waiting else "The crew rests. Nothing waits."


def room_of(ledger: Ledger, ticket: str | None = None) -> Room:
    """What is going on, read off the newest lines of the ledger.

    Args:
        ledger: only read.
        ticket: only what concerns this one, a ticket or a loop.
    """
    tickets = _unfinished(ledger)
    gates = tuple(gate for gate in ledger.gates.all(status="open") if ticket in (None, gate.ticket))
    # A loop goes on while a gate of it is open; it is "waiting" where it can't.
    held_up = {g.ticket for g in gates if g.kind != "incident" and not is_loop(g.ticket)}
    leased = {
        t.id
        for t in tickets
        if t.status == "running"
        and t.id not in held_up
        and ticket in (None, t.id)
        and ledger.lease_of(t.id) is not None
    }
    events = _newest(ledger, leased, ticket)
    turns = _turns(events, leased)
    doing = _doing(ledger, events, turns, leased, ticket)
    waits: dict[str, list[Gate]] = defaultdict(list)
    for gate in gates:
        waits[_ASKS.get(gate.kind, "coordinator")].append(gate)
    return Room(
        desks=tuple(_desk(agent, doing[agent], waits[agent]) for agent in AGENTS),
        gates=gates,
        handovers=_handovers(events, gates, leased),
        tickets=tickets,
        last=events[0].at if events else None,
    )


def _unfinished(ledger: Ledger) -> tuple[UnderWay, ...]:
    rows: list[tuple[int, AssignedTicket | Evolution]] = []
    for status in _AT_WORK:
        rows += ledger.tickets.page(limit=_MOST_TICKETS, status=status)
        rows += ledger.evolutions.page(limit=_MOST_TICKETS, status=status)
    newest = sorted(rows, key=lambda row: -row[0])[:_MOST_TICKETS]
    return tuple(UnderWay(id=o.id, title=title_of(o), status=o.status) for _, o in newest)


def _newest(ledger: Ledger, leased: Iterable[str], ticket: str | None) -> list[Event]:
    """The newest lines, newest first; some of each that is worked on, so none hides another."""
    found = {event.sequence: event for event in ledger.events.newest(_LOOKED_AT, ticket)}
    for id in leased:
        found |= {e.sequence: e for e in ledger.events.newest(_LOOKED_AT_EACH, id)}
    return sorted(found.values(), key=lambda event: -event.sequence)


def _turns(events: Sequence[Event], leased: Iterable[str]) -> dict[str, str]:
    """Whose turn it is, by ticket: who did the newest thing for it."""
    turns: dict[str, str] = {}
    for event in events:
        if event.actor in AGENTS and event.ticket in leased:
            turns.setdefault(event.ticket, event.actor)
    return turns


def _stage(ledger: Ledger, loop: str) -> str:
    """What is run for a loop now; the lines of its runs say nothing."""
    found = ledger.evolutions.get(loop)
    if found.noise is None:
        return "Measures the noise of the program as it is"
    most = found.spec.budget.rounds
    if found.rounds >= most or found.sealed is not None:
        return "Weighs what was kept"
    return f"Runs and scores programs, round {found.rounds + 1} of {most}"


def _running(ledger: Ledger, ticket: str) -> tuple[str, ...]:
    return tuple(t.id for t in ledger.trials.of(ticket) if t.status == "running")


def _doing(
    ledger: Ledger,
    events: Sequence[Event],
    turns: dict[str, str],
    leased: Iterable[str],
    ticket: str | None,
) -> dict[str, tuple[Doing, ...]]:
    running = {id: _running(ledger, id) for id in leased if not is_loop(id)}
    stages = {id: _stage(ledger, id) for id in leased if is_loop(id)}
    found: dict[str, dict[str, Doing]] = {agent: {} for agent in AGENTS}
    for event in events:
        mine = found.get(event.actor)
        if mine is None or event.ticket in mine or len(mine) == _MOST_LINES:
            continue
        watched = running.get(event.ticket, ()) if event.actor in _WATCH else ()
        turn = turns.get(event.ticket) == event.actor
        if watched:
            words: str | None = _WATCH[event.actor](watched)
        elif turn and event.actor == "experiment_launcher" and event.ticket in stages:
            words = stages[event.ticket]
        else:
            words = sentence(event, ledger)
        if words is None:
            continue
        mine[event.ticket] = Doing(
            ticket=event.ticket,
            words=" ".join(clean(words).split()),
            since=event.at,
            now=bool(watched) or turn,
        )
    for id, agent in turns.items():  # whose lines of late say nothing
        if id not in found[agent] and len(found[agent]) < _MOST_LINES:
            found[agent] |= _last(ledger, agent, id, now=True)
    for agent, mine in found.items():
        if not mine:  # what it did long ago is still the last thing it did
            mine |= _last(ledger, agent, ticket, now=False)
    return {
        agent: tuple(sorted(mine.values(), key=lambda one: (one.now, one.since), reverse=True))
        for agent, mine in found.items()
    }


def _last(ledger: Ledger, agent: str, ticket: str | None, *, now: bool) -> dict[str, Doing]:
    last = last_done(ledger, agent, ticket)
    if last is None:
        return {}
    event, words = last
    return {event.ticket: Doing(ticket=event.ticket, words=words, since=event.at, now=now)}


_WATCH = {
    "experiment_launcher": lambda trials: f"Runs {_and(trials)}",
    "log_monitor": lambda trials: f"Watches {_and(trials)}",
}


def _desk(agent: AgentName, doing: tuple[Doing, ...], waits: list[Gate]) -> Desk:
    state: Literal["working", "waiting", "resting"] = "waiting" if waits else "resting"
    if any(one.now for one in doing):
        state = "working"
    return Desk(agent=agent, name=NAMES[agent], state=state, doing=doing, waits=tuple(waits))


def _handovers(
    events: Sequence[Event], gates: Sequence[Gate], leased: Iterable[str]
) -> tuple[Handover, ...]:
    """Where the next line of a ticket is another agent's; and the gates that are open."""
    found: list[Handover] = []
    later: dict[str, Event] = {}
    newest: set[str] = set()
    for event in events:
        if event.actor not in AGENTS or not event.ticket:
            continue
        after = later.get(event.ticket)
        if after is not None and after.actor != event.actor:
            found.append(
                Handover(
                    ticket=event.ticket,
                    sender=event.actor,
                    receiver=after.actor,
                    at=after.at,
                    line=after.sequence,
                    now=event.ticket in leased and event.ticket not in newest,
                )
            )
            newest.add(event.ticket)
        later[event.ticket] = event
    asked = [
        Handover(
            ticket=gate.ticket,
            sender=_ASKS.get(gate.kind, "coordinator"),
            receiver=PEOPLE,
            at=gate.opened_at,
            line=0,
            now=True,
        )
        for gate in gates[-_MOST_HANDED:]
    ]
    return tuple([*asked, *found][:_MOST_HANDED])


def _tickets(desk: Desk) -> list[str]:
    return [one.ticket for one in desk.doing if one.now]


def _and(words: Sequence[str]) -> str:
    shown = [*words[:3], *([f"{len(words) - 3} more"] if len(words) > 3 else [])]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
