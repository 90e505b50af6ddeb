"""How tickets stand, and what waits for a person."""

from collections import Counter

from desk.chat.answers.asking import Asked
from desk.chat.facts import TABLES
from desk.chat.telling import LISTED, Answer, nothing, plural, quoted
from desk.commissions import table_of
from desk.views.failed import failed_in
from desk.wording import sentence
from labcrew.domain.conversation import Focus, Statement
from labcrew.domain.ticket import AssignedTicket

_UNFINISHED = ("running", "waiting", "paused", "assigned", "failed")
_NEWEST = 5
_LOOKED_BACK = 100


def status(asked: Asked) -> Answer:
    """One ticket's standing, or a line on each, those that are under way first."""
    named = asked.tickets()
    if len(named) == 1 or (not named and asked.ledger.tickets.count() == 1):
        return _one(asked, named[0] if named else asked.ticket())
    if named:
        chosen = named
    else:
        chosen = [t for s in _UNFINISHED for t in asked.ledger.tickets.all(status=s, limit=LISTED)]
        chosen = chosen or [t for _, t in asked.ledger.tickets.page(limit=LISTED)]
    if not chosen:
        return nothing("There are no tickets here yet. Assign one to begin.")
    statements = [] if named else [_counted(asked)]
    for ticket in chosen[:LISTED]:
        outcome = f": {quoted(ticket.outcome, 160)}" if ticket.outcome else ""
        title = quoted(ticket.ticket.title, 80)
        said = f"{ticket.id}, {title}, is {ticket.status}{outcome}."
        statements.append(asked.tell.say(said, ("tickets", ticket.id)))
    if not named and not any(t.status in _UNFINISHED for t in chosen):
        statements.append(Statement(text="Nothing is under way."))
    ids = tuple(ticket.id for ticket in chosen[:LISTED])
    return Answer(statements=tuple(statements), focus=Focus(listed=ids))


def waiting(asked: Asked) -> Answer:
    """The gates that are open, oldest first, and what failed."""
    named = {ticket.id for ticket in asked.tickets()}
    gates = asked.ledger.gates.all(status="open")
    gates = [g for g in gates if not g.expires_at or g.expires_at > asked.now]
    gates = [gate for gate in gates if not named or gate.ticket in named]
    failed = [one for one in failed_in(asked.ledger) if not named or one.id in named]
    if not gates and not failed:
        rows = [("tickets", id) for id in sorted(named)]
        about = f" at {', '.join(sorted(named))}" if named else ""
        return Answer(
            statements=(asked.tell.say(f"Nothing waits for a person{about}.", *rows),),
            focus=Focus(tickets=tuple(sorted(named))),
        )
    statements = []
    for gate in gates[:LISTED]:
        until = (
            f"; it lapses to {gate.safe_default} at {gate.expires_at:%Y-%m-%d %H:%M} UTC"
            if gate.expires_at
            else ""
        )
        said = (
            f"{quoted(gate.title, 120)} ({gate.id}) waits since"
            f" {gate.opened_at:%Y-%m-%d %H:%M} UTC for a person who may approve:"
            f" {' or '.join(gate.allowed)}{until}."
        )
        statements.append(asked.tell.say(said, ("gates", gate.id)))
    if len(gates) > LISTED:
        more = asked.tell.count("gates", "", "open")
        said = f"{plural(more.shown, 'gate')} stand open in all; the inbox has each."
        statements.append(asked.tell.say(said, figures=[more]))
    for trouble in failed[-LISTED:]:
        because = f": {quoted(trouble.because, 160)}" if trouble.because else ""
        said = f"{trouble.id}, {quoted(trouble.title, 80)}, failed{because}."
        statements.append(asked.tell.say(said, (table_of(trouble.id), trouble.id)))
    shown = [*(gate.ticket for gate in gates[:LISTED]), *(t.id for t in failed[-LISTED:])]
    tickets = tuple(dict.fromkeys(shown))
    one = gates[0] if len(gates) == 1 else None
    return Answer(
        statements=tuple(statements),
        focus=Focus(
            tickets=tickets[:1] if len(tickets) == 1 else (),
            gate=one.id if one else "",
            listed=tickets,
        ),
    )


def _one(asked: Asked, ticket: AssignedTicket) -> Answer:
    outcome = f": {quoted(ticket.outcome, 240)}" if ticket.outcome else ""
    title = quoted(ticket.ticket.title, 120)
    statements = [
        asked.tell.say(
            f"{ticket.id}, {title}, is {ticket.status}{outcome}.", ("tickets", ticket.id)
        )
    ]
    trials = asked.ledger.trials.of(ticket.id)
    if trials:
        by = Counter(trial.status for trial in trials)
        figures = [asked.tell.count("trials", ticket.id, status) for status in by]
        told = ", ".join(
            f"{figure.shown} {status}" for figure, status in zip(figures, by, strict=True)
        )
        all_of_them = asked.tell.count("trials", ticket.id)
        said = f"It has {plural(all_of_them.shown, 'trial')}: {told}."
        last = trials[-1]
        statements.append(
            asked.tell.say(said, ("trials", last.id), figures=[all_of_them, *figures])
        )
    for gate in asked.ledger.gates.of(ticket.id):
        if gate.status == "open":
            said = f"A person is asked: {quoted(gate.title, 120)} ({gate.id})."
            statements.append(asked.tell.say(said, ("gates", gate.id)))
    statements += _last(asked, ticket)
    return Answer(statements=tuple(statements), focus=Focus(tickets=(ticket.id,)))


def _last(asked: Asked, ticket: AssignedTicket) -> list[Statement]:
    """What happened last, in words."""
    events = asked.ledger.events.newest(_LOOKED_BACK, ticket.id)
    for event in events:
        words = sentence(event, asked.ledger)
        table, id = str(event.data.get("table", "")), str(event.data.get("id", ""))
        if words and table in TABLES and table not in ("tickets", "gates"):
            said = f"Last, at {event.at:%Y-%m-%d %H:%M} UTC: {quoted(words, 240)}."
            return [asked.tell.say(said, (table, id), ("events", str(event.sequence)))]
    return []


def _counted(asked: Asked) -> Statement:
    statuses = [
        s for s in (*_UNFINISHED, "done", "stopped") if asked.ledger.tickets.count(status=s)
    ]
    figures = [asked.tell.count("tickets", "", status) for status in statuses]
    told = ", ".join(f"{f.shown} {s}" for f, s in zip(figures, statuses, strict=True))
    total = asked.tell.count("tickets")
    said = f"There {'is' if total.shown == '1' else 'are'} {plural(total.shown, 'ticket')}: {told}."
    newest = asked.ledger.tickets.page(limit=1)[0][1]
    return asked.tell.say(said, ("tickets", newest.id), figures=[total, *figures])
