"""The account for chat models of a ticket or draft, opened by whoever holds its lease."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from graphs.crew import Crew
from graphs.nodes.trials import hours_left
from labcrew import calling
from labcrew.domain.base import content_hash
from labcrew.domain.spending import Bounds
from labcrew.domain.ticket import Budget
from labcrew.judgement import Judgement, Verdict
from labcrew.ledger import Ledger
from labcrew.metered import Desk, MeteredChat
from labcrew.recordings import Recordings
from labcrew.settings import Settings
from labcrew.spending import Account
from labcrew.taint import taint
from tools.toolbox import Workbench

RAISED = "spending.raised"
"""A line: a person let an agent use more for a ticket than settings do."""


def accountable(
    crew: Crew,
    bench: Workbench,
    settings: Settings,
    id: str,
    bounds: Callable[[], Bounds],
    *,
    closed: bool = False,
    tainting: bool = False,
) -> Crew:
    """The crew whose calls to models are paid from an account, recorded and traced.

    What a killed process left under way is settled first.

    Args:
        bench: its ledger is fenced by the lease.
        id: the ticket's or draft's.
        bounds: what may be spent, as it stands when it is asked.
        closed: whether untrusted text is kept from models.
        tainting: whether an answer to a question that holds untrusted text taints the ticket.
    """
    judge = crew.judge
    if not any(judge.models.values()):
        return crew.recording(lambda *_: None, closed=closed, tracer=bench.tracer)
    folder = bench.home.model_calls(id)
    account = Account(bench.ledger, id, folder / "under-way", bounds, settings.prices)
    recordings = Recordings(folder / "kept", bench.redact)
    desk = Desk(account, recordings, bench.clock, bench.tracer)

    def record(asked: Judgement[Any, Any], question: BaseModel, verdict: Verdict[Any]) -> None:
        name = asked.name
        if tainting and verdict.by != "rule":
            for source in asked.reads(question):
                because = f"{verdict.by} answered {name}, which holds such text"
                taint(bench.ledger, id, source, actor=asked.agent, because=because)
        kept = recordings.keep_question(question)
        # The same question asked again after a crash is the same line.
        bench.ledger.events.append(
            ticket=id,
            actor=asked.agent,
            kind="judgement.answered",
            key=f"{id}/judgement/{name}/{content_hash(question)}",
            data={
                "judgement": name,
                "by": verdict.by,
                "fallbacks": list(verdict.fallbacks),
                "answer": verdict.answer.model_dump(mode="json"),
                "question": kept.sha256,
                "exact": kept.exact,
                "calls": calling.current().calls,
                "attempts": judge.attempts,
                "timeout_s": judge.timeout_s,
            },
        )

    return crew.recording(
        record, closed=closed, pay=lambda model: MeteredChat(model, desk), tracer=bench.tracer
    )


def ticket_bounds(ledger: Ledger, settings: Settings, ticket: str) -> Bounds:
    """What may be spent on models for a ticket: its budget, and settings for each agent.

    A person who lets an agent use more at a gate adds to the agent's share.
    """
    assigned = ledger.tickets.get(ticket)
    agents = {str(agent): tokens for agent, tokens in settings.spending.items()}
    if agents and ledger.events.count(ticket, RAISED):
        for event in ledger.events.of(ticket):
            if event.kind == RAISED and event.data["agent"] in agents:
                agents[event.data["agent"]] += int(event.data["tokens"])
    left = hours_left(assigned, ledger.trials.of(ticket))
    return Bounds(
        tokens=assigned.budget.model_tokens,
        usd=assigned.budget.model_usd,
        seconds=max(0.0, left * 3600),
        agents=agents,
    )


def draft_bounds(settings: Settings) -> Bounds:
    """What may be spent on models for a draft: as much as a ticket that sets no budget."""
    budget = Budget()
    agents = {str(agent): tokens for agent, tokens in settings.spending.items()}
    return Bounds(tokens=budget.model_tokens, usd=budget.model_usd, agents=agents)
