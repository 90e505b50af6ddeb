"""The account for chat models of a ticket or draft, opened by whoever holds its lease."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from agents.budget_used import hours_run
from graphs.crew import Crew
from labcrew import calling
from labcrew.agent_limits import agent_limits
from labcrew.domain.base import content_hash
from labcrew.domain.budget import Budget
from labcrew.domain.spending import Bounds
from labcrew.home import Home
from labcrew.judgement import Consult, Judge, Judgement, Verdict
from labcrew.ledger import Ledger
from labcrew.metered import Desk, MeteredChat
from labcrew.ports import Clock
from labcrew.recordings import Recordings
from labcrew.redaction import Redaction
from labcrew.settings import Settings
from labcrew.spending import Account
from labcrew.taint import taint
from labcrew.tracing import OFF, Tracer
from tools.toolbox import Workbench


def accountable(
    crew: Crew,
    bench: Workbench,
    settings: Settings,
    id: str,
    bounds: Callable[[], Bounds],
    *,
    closed: bool = False,
    tainting: bool = False,
    consult: Consult | None = None,
) -> Crew:
    """The crew whose calls to models are paid from an account, see `accounted`.

    Args:
        bench: its ledger is fenced by the lease.
        closed, consult: see `labcrew.judgement.Judge`.
    """
    judge = accounted(
        crew.judge,
        bench.ledger,
        bench.home,
        bench.clock,
        settings,
        id,
        bounds,
        redact=bench.redact,
        tracer=bench.tracer,
        tainting=tainting,
    )
    return Crew.of(replace(judge, closed=closed, consult=consult), crew.embedder)


def accounted(
    judge: Judge,
    ledger: Ledger,
    home: Home,
    clock: Clock,
    settings: Settings,
    id: str,
    bounds: Callable[[], Bounds],
    *,
    redact: Redaction,
    tracer: Tracer = OFF,
    tainting: bool = False,
) -> Judge:
    """The judge whose calls to models are paid from an account, recorded and traced.

    What a killed process left under way is settled first.

    Args:
        ledger: fenced by the lease of what `id` names, where it has one.
        id: of the ticket, draft or attachment.
        bounds: what may be spent, as it stands when it is asked.
        redact: takes secrets out of what is kept.
        tainting: whether an answer to a question that holds untrusted text taints the ticket.
    """
    if not any(judge.models.values()):
        return replace(judge, tracer=tracer)
    folder = home.model_calls(id)
    account = Account(ledger, id, folder / "under-way", bounds, settings.prices, clock)
    recordings = Recordings(folder / "kept", redact)
    desk = Desk(account, recordings, clock, tracer)

    def record(asked: Judgement[Any, Any], question: BaseModel, verdict: Verdict[Any]) -> None:
        name = asked.name
        if tainting and verdict.by != "rule":
            for source in asked.reads(question):
                because = f"{verdict.by} answered {name}, which holds such text"
                taint(ledger, id, source, actor=asked.agent, because=because)
        kept, house = recordings.keep_question(question), judge.told(asked.agent)
        told = recordings.keep_text(house) if house else None
        found = recordings.keep_text(verdict.looked_up) if verdict.looked_up else None
        texts = [text for text in (kept, told, found) if text is not None]
        step = calling.current()
        # An answer that is found again after a crash has its first call's id, and is the same line;
        # the same question put to a model anew is another one.
        ledger.events.append(
            ticket=id,
            actor=asked.agent,
            kind="judgement.answered",
            key="/".join((id, "judgement", name, content_hash(question), *step.calls[:1])),
            data={
                "judgement": name,
                "by": verdict.by,
                "fallbacks": list(verdict.fallbacks),
                "answer": verdict.answer.model_dump(mode="json"),
                "question": kept.sha256,
                "told": told.sha256 if told else "",
                "looked_up": found.sha256 if found else "",
                "exact": all(text.exact for text in texts),
                "calls": step.calls,
                "refused": step.refused,
                "attempts": judge.attempts,
                "timeout_s": judge.timeout_s,
            },
        )

    models = {name: model and MeteredChat(model, desk) for name, model in judge.models.items()}
    return replace(judge, models=models, record=record, tracer=tracer)


def ticket_bounds(ledger: Ledger, settings: Settings, ticket: str) -> Bounds:
    """What may be spent on models for a ticket: its budget, and settings for each agent."""
    assigned = ledger.tickets.get(ticket)
    return Bounds(
        tokens=assigned.budget.model_tokens,
        usd=assigned.budget.model_usd,
        seconds=assigned.budget.hours * 3600,
        runs_s=3600 * hours_run(ledger.trials.of(ticket), assigned.budget.parallel),
        agents=agent_limits(ledger, settings.spending, ticket),
    )


def own_bounds(settings: Settings) -> Bounds:
    """What may be spent where no budget is set, for a draft, say: as much as a ticket's default."""
    budget = Budget()
    agents = {str(agent): most for agent, most in settings.spending.items()}
    return Bounds(tokens=budget.model_tokens, usd=budget.model_usd, agents=agents)
