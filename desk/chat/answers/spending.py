"""What was spent, what is left, and how far a ticket is against its forecast."""

from desk.chat.answers.asking import Asked
from desk.chat.telling import LISTED, Answer, nothing, plural, quoted
from labcrew.domain.conversation import Figure, Focus, Statement
from labcrew.domain.ticket import AssignedTicket

_RAN = ("finished", "scored", "failed", "stopped", "unknown", "running")
_HOUR = 1 / 3600
_SUMMED = 50
"""Tickets whose hours are summed; of more than these, each alone."""


def cost(asked: Asked) -> Answer:
    """Runs, hours, money and tokens; of all tickets together where none is named."""
    named = asked.tickets()
    if not named and asked.ledger.tickets.count() == 1:
        named = [asked.ticket()]
    if not named:
        return _all(asked)
    statements = [said for ticket in named[:LISTED] for said in _of(asked, ticket)]
    return Answer(statements=tuple(statements), focus=_focus(named))


def forecast(asked: Asked) -> Answer:
    """What the plan expects, and what of it is done."""
    owner = asked.ticket()
    plans = asked.ledger.plans.of(owner.id)
    statements: list[Statement] = []
    if not plans:
        said = f"{owner.id} has no plan yet, so there is no forecast. It is {owner.status}."
        statements.append(asked.tell.say(said, ("tickets", owner.id)))
    else:
        plan = plans[-1]
        expected = plan.forecast
        said = (
            f"The plan {plan.id} expects {plural(expected.trials, 'trial')},"
            f" {expected.hours:.2f} hours and {expected.cost_usd:.2f} USD;"
            f" it rests on {quoted(expected.basis, 200)}."
        )
        statements.append(asked.tell.say(said, ("plans", plan.id)))
    statements += _done(asked, owner)
    if owner.status in ("done", "failed", "stopped"):
        outcome = f": {quoted(owner.outcome, 200)}" if owner.outcome else ""
        statements.append(
            asked.tell.say(f"{owner.id} is {owner.status}{outcome}.", ("tickets", owner.id))
        )
    else:
        text = (
            f"{owner.id} is {owner.status}. I name no hour for its end: how long it waits for"
            " people is in no record."
        )
        statements.append(asked.tell.say(text, ("tickets", owner.id)))
    return Answer(statements=tuple(statements), focus=_focus([owner]))


def _of(asked: Asked, ticket: AssignedTicket) -> list[Statement]:
    statements = _done(asked, ticket)
    calls = asked.ledger.model_calls.of(ticket.id)
    if not calls:
        said = f"No chat model was used for {ticket.id}."
        return [*statements, asked.tell.say(said, ("tickets", ticket.id))]
    figures = [
        asked.tell.shown(
            Figure(shown="0", how="sum", table="model_calls", ticket=ticket.id, field=field), form
        )
        for field, form in (("tokens.total", "d"), ("usd", ".4f"))
    ]
    count = asked.tell.count("model_calls", ticket.id)
    unpriced = any(call.usd is None or call.unpriced for call in calls)
    more = "; some calls have no price" if unpriced else ""
    said = (
        f"Chat models: {plural(count.shown, 'call')}, {figures[0].shown} of"
        f" {ticket.budget.model_tokens} tokens, {figures[1].shown} USD{more}."
    )
    return [*statements, asked.tell.say(said, ("tickets", ticket.id), figures=[*figures, count])]


def _done(asked: Asked, ticket: AssignedTicket) -> list[Statement]:
    """Runs and hours against the budget."""
    used = asked.tell.shown(
        Figure(shown="0", how="runs_used", table="trials", ticket=ticket.id), "d"
    )
    hours = asked.tell.shown(
        Figure(shown="0", how="hours_run", table="trials", ticket=ticket.id), ".2f"
    )
    figures = [used, hours]
    left = ""
    budget = ticket.budget
    if budget.usd_per_hour:
        money = _hours(asked, ticket.id, budget.usd_per_hour)
        figures.append(money)
        left = f", {money.shown} USD at {budget.usd_per_hour:g} USD an hour"
    said = (
        f"{ticket.id} has used {used.shown} of {plural(budget.trials, 'trial')}, and"
        f" {hours.shown} hours of running time{left}; its budget is {budget.hours:g} hours."
    )
    return [asked.tell.say(said, ("tickets", ticket.id), figures=figures)]


def _all(asked: Asked) -> Answer:
    newest = [t for _, t in asked.ledger.tickets.page(limit=LISTED)]
    if not newest:
        return nothing("There are no tickets here yet, so nothing was spent.")
    trials = asked.tell.count("trials", "", *_RAN)
    tickets = asked.tell.count("tickets")
    figures = [tickets, trials]
    said = f"{plural(tickets.shown, 'ticket')} took {plural(trials.shown, 'trial')} so far"
    if int(tickets.shown) <= _SUMMED:
        hours = _hours(asked, "")
        tokens = asked.tell.shown(
            Figure(shown="0", how="sum", table="model_calls", field="tokens.total"), "d"
        )
        figures += [hours, tokens]
        said += f", {hours.shown} hours of running time and {tokens.shown} tokens of chat models"
    row = ("tickets", newest[0].id)
    statements = [asked.tell.say(f"{said}. The newest:", row, figures=figures)]
    statements += [said for ticket in newest for said in _done(asked, ticket)]
    return Answer(
        statements=tuple(statements), focus=Focus(listed=tuple(ticket.id for ticket in newest))
    )


def _hours(asked: Asked, ticket: str, scale: float = 1.0) -> Figure:
    figure = Figure(
        shown="0",
        how="sum",
        table="trials",
        ticket=ticket,
        field="result.duration_s",
        scale=_HOUR * scale,
    )
    return asked.tell.shown(figure, ".2f")


def _focus(tickets: list[AssignedTicket]) -> Focus:
    ids = tuple(ticket.id for ticket in tickets)
    return Focus(tickets=ids[:1], listed=ids)
