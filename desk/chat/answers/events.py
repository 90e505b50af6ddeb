"""What happened since a time, who decided what, and what went wrong."""

import re
from datetime import datetime, timedelta

from desk.chat.answers.asking import Asked
from desk.chat.facts import TABLES
from desk.chat.telling import LISTED, Answer, plural, quoted
from desk.morning import since_of
from desk.wording import sentence
from labcrew.domain.conversation import Focus, Statement
from labcrew.errors import InputError

_LOOKED_BACK = 2000
_TOLD = 12
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HELPED = {None: "not known yet", True: "it helped", False: "it did not help"}


def since(asked: Asked) -> Answer:
    """The lines of the ledger since a time, in words, newest last."""
    named = asked.tickets()
    start = begin(asked.slots.since, asked.now)
    wanted = {ticket.id for ticket in named}
    ticket = next(iter(wanted)) if len(wanted) == 1 else None
    told: list[Statement] = []
    before, more = "", False
    for event in asked.ledger.events.newest(_LOOKED_BACK, ticket):
        if start is not None and event.at < start:
            break
        words = sentence(event, asked.ledger)
        if not words or words == before or (wanted and event.ticket not in wanted):
            continue  # several lines may say one thing
        if len(told) == _TOLD:
            more = True
            break
        before = words
        rows = [("events", str(event.sequence))]
        table, id = str(event.data.get("table", "")), str(event.data.get("id", ""))
        if table in TABLES:
            rows.append((table, id))
        place = "" if ticket else f"{event.ticket}: " if event.ticket else ""
        said = f"{event.at:%Y-%m-%d %H:%M} UTC, {place}{quoted(words, 240)}."
        told.insert(0, asked.tell.say(said, *rows))
    if not told:
        return Answer(
            statements=(Statement(text="Nothing that matters to people happened in that time."),),
            focus=Focus(tickets=tuple(wanted)),
        )
    if more:
        rest = "The newest lines, oldest of them first; the rest stands on the ticket's page."
        told.insert(0, Statement(text=rest))
    return Answer(statements=tuple(told), focus=Focus(tickets=tuple(sorted(wanted))[:1]))


def decisions(asked: Asked) -> Answer:
    """Who decided what at which gate."""
    named = asked.tickets()
    made = (
        [d for ticket in named for d in asked.ledger.decisions.of(ticket.id)]
        if named
        else asked.ledger.decisions.all(limit=LISTED)
    )
    if asked.slots.gate:
        made = [d for d in made if d.gate == asked.slots.gate]
    if asked.slots.merge_request:
        gates = {g.id for t in named for g in asked.ledger.gates.of(t.id)
                 if g.shown.get("merge_request") == asked.slots.merge_request}  # fmt: skip
        made = [d for d in made if d.gate in gates] or made
    if not made:
        rows = [("tickets", ticket.id) for ticket in named]
        return Answer(
            statements=(asked.tell.say("Nobody has decided anything there yet.", *rows),),
            focus=Focus(tickets=tuple(t.id for t in named)[:1]),
        )
    statements = []
    for one in made[-LISTED:]:
        remark = f', saying "{quoted(one.comment, 200)}"' if one.comment else ""
        by = "the clock, for nobody answered in time" if one.by == "expired" else quoted(one.by, 80)
        said = f"{one.kind} at {one.gate} by {by}, {one.at:%Y-%m-%d %H:%M} UTC{remark}."
        statements.append(asked.tell.say(said, ("decisions", one.gate)))
    listed = tuple(dict.fromkeys(one.ticket for one in made[-LISTED:]))
    return Answer(
        statements=tuple(statements),
        focus=Focus(tickets=listed if len(listed) == 1 else (), listed=listed),
    )


def incidents(asked: Asked) -> Answer:
    """What went wrong in runs, and what was done about it."""
    named = asked.tickets()
    found = (
        [i for ticket in named for i in asked.ledger.incidents.of(ticket.id)]
        if named
        else asked.ledger.incidents.all(limit=LISTED)
    )
    if asked.slots.trials:
        ids = {trial.id for trial in asked.trials()}
        found = [i for i in found if i.trial in ids]
    rows = [("tickets", ticket.id) for ticket in named]
    if not found:
        return Answer(
            statements=(asked.tell.say("No incident is recorded there.", *rows),),
            focus=Focus(tickets=tuple(t.id for t in named)[:1]),
        )
    statements = []
    for one in found[-LISTED:]:
        done = one.intervention
        then = " Nothing was done about it yet."
        if done is not None:
            trial = f" as {done.new_trial}" if done.new_trial else ""
            then = (
                f" Done: {done.action.replace('_', ' ')}{trial}, for"
                f" {quoted(done.because, 200)}; {_HELPED[done.helped]}."
            )
        step = f" at step {one.step}" if one.step is not None else ""
        said = (
            f"{one.trial}: {one.kind.replace('_', ' ')}{step}, {quoted(one.diagnosis, 240)}.{then}"
        )
        statements.append(asked.tell.say(said, ("incidents", one.id)))
    if len(found) > LISTED and len(named) == 1:
        figure = asked.tell.count("incidents", named[0].id)
        said = f"{plural(figure.shown, 'incident')} in all; these are the newest."
        statements.append(asked.tell.say(said, *rows, figures=[figure]))
    return Answer(
        statements=tuple(statements),
        focus=Focus(
            tickets=tuple(dict.fromkeys(i.ticket for i in found))[:1],
            listed=tuple(i.trial for i in found[-LISTED:]),
        ),
    )


def begin(said: str, now: datetime) -> datetime | None:
    """When a time that a person names begins; None: none is named, or it is none."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    words = {
        "today": today,
        "yesterday": today - timedelta(days=1),
        "last night": today - timedelta(hours=6),
        "this morning": today + timedelta(hours=5),
        "this week": today - timedelta(days=today.weekday()),
        "last week": today - timedelta(days=today.weekday() + 7),
    }
    if said in words:
        return words[said]
    if said in _DAYS:
        back = (today.weekday() - _DAYS.index(said)) % 7 or 7
        return today - timedelta(days=back)
    if not said or not re.match(r"\d", said):
        return None
    try:
        return since_of(said, now)
    except (InputError, OverflowError):
        return None
