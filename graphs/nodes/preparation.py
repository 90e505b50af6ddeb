"""From assignment to a prepared ticket: intake, the two side-by-side agents, plan, prepare."""

import asyncio
from typing import Any

from langgraph.runtime import Runtime

from agents.coordinator import without_rows
from agents.data_pipeline import data_problems, left_to_people, report_problems
from agents.literature_review import review_problems
from graphs.gates import gate_id, make_gate, pause_for
from graphs.nodes.code import investigated
from graphs.plan_text import plan_text
from graphs.remembering import remember
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.budget import Budget
from labcrew.domain.experiment import Plan
from labcrew.domain.remembered import record_of_finding
from labcrew.domain.research import DatasetCard, QuarantinedRow, Suggestion, data_hash
from labcrew.domain.search_space import samples
from labcrew.domain.skills import RuleResult
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, InputError, MemoryDamaged, TicketError, ToolError
from labcrew.evidence import as_text
from labcrew.taint import taint, tainted, taints
from tools.facts import environment_effect
from tools.house_rules import kept_rules
from tools.make_change import render_settings, settings_overlay
from tools.prepare_environment import PrepareEnvironment, prepare_environment
from tools.recall_memory import RecallMemory, recall_memory
from tools.toolbox import Toolbox
from tools.trial_spec import environment_plan

_LESSONS = 5
_TOLD = 400
_NEAR_ENOUGH = 0.35


async def intake(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Takes the ticket up.

    Raises:
        TicketError: its settings can't be written into its settings file.
    """
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    await _try_settings(work, assigned)
    return {
        "revision": assigned.revision,
        "plan_round": state.get("plan_round", 0),
        "budget_round": 0,
        "escalation_round": 0,
        "code_round": 0,
        "models_round": 0,
    }


async def _try_settings(work: Work, assigned: AssignedTicket) -> None:
    """Writes settings of every kind once, before a run is paid for that needs none written."""
    ticket = assigned.ticket
    tools = work.toolbox("experiment_launcher", assigned, "settings")
    for values in samples(ticket.search_space):
        call = settings_overlay(ticket.settings, values, ticket.seeds[0])
        if call is None:
            return
        try:
            await tools.use(render_settings, call)
        except (ToolError, BoundaryError) as error:
            raise TicketError(
                f"settings.file: {error.message}; correct the ticket or the file, commit it, and"
                " assign the ticket anew"
            ) from error


async def review_literature(
    work: Work, assigned: AssignedTicket, rules_only: bool, attempt: int
) -> list[str]:
    """The literature agent's attempt: its findings and brief go to ledger and memory if sound."""
    crew = work.rules if rules_only else work.crew
    tools = work.toolbox("literature_review", assigned, f"literature/{attempt}")
    review = await crew.literature_review.review(assigned, tools)
    problems = review_problems(review, assigned)
    if problems:
        return problems
    with work.ledger.transaction():
        for finding in review.findings:
            work.ledger.findings.put(finding, actor="literature_review")
        work.ledger.briefs.put(review.brief, actor="literature_review", kind="literature.reviewed")
        if review.untrusted_text_read:
            taint(
                work.ledger,
                assigned.id,
                "papers",
                actor="literature_review",
                because="sentences of papers, or what memory kept of them, may become settings",
            )
    await remember(work.bench, assigned.id, [record_of_finding(f) for f in review.findings])
    return []


async def profile_data(
    work: Work, assigned: AssignedTicket, rules_only: bool, attempt: int
) -> list[str]:
    """The data agent's attempt: a sound report's cards and notes go to the ledger, whatever else a
    person has to decide about the data.
    """
    if not assigned.ticket.data:
        return []
    crew = work.rules if rules_only else work.crew
    tools = work.toolbox("data_pipeline", assigned, f"data/{attempt}")
    report = await crew.data_pipeline.profile(assigned, tools)
    problems = report_problems(report, assigned)
    if problems:
        return problems
    with work.ledger.transaction():
        for card in report.cards:
            work.ledger.datasets.put(card, actor="data_pipeline", kind="data.profiled")
        if report.problems or _noted(work, assigned.id):
            work.ledger.events.append(
                ticket=assigned.id,
                actor="data_pipeline",
                kind="data.noted",
                key=f"{assigned.id}/data/noted/{attempt}",
                data={"problems": list(report.problems)},
            )
    return data_problems(report, assigned)


def _noted(work: Work, ticket: str) -> list[str]:
    """What the newest profile noted."""
    noted = work.ledger.events.of(ticket, kind="data.noted")
    return [str(problem) for problem in noted[-1].data["problems"]] if noted else []


async def plan(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Writes the plan and opens its gate."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    round_ = state.get("plan_round", 0)
    known = work.ledger.plans.find(_plan_id(assigned, round_))
    made = known or await _written(work, assigned, round_)
    if known is None:
        work.ledger.plans.put(made, actor="coordinator", kind="plan.written")
    breaches = await _breaches(work, assigned)
    make_gate(
        work,
        assigned,
        "plan",
        round_,
        title=f"Plan for {assigned.ticket.title}",
        description=plan_text(
            assigned,
            made,
            _notes(work, assigned.id),
            breaches,
            [taint.source for taint in taints(work.ledger, assigned.id)],
            work.bench.forge.name if work.bench.forge is not None else "",
        ),
        shown={
            "plan": made.model_dump(mode="json"),
            "budget": assigned.budget.model_dump(mode="json"),
            "base_commit": assigned.base_commit,
            **_guessed_and_made(assigned),
            **({"rules": [one.model_dump(mode="json") for one in breaches]} if breaches else {}),
            **({"forge": work.bench.forge.name} if work.bench.forge is not None else {}),
        },
    )
    return {"revision": assigned.revision, "plan_round": round_}


async def _breaches(work: Work, assigned: AssignedTicket) -> tuple[RuleResult, ...]:
    """The lab's rules that the plan breaks, or that nobody could tell of it."""
    found = await asyncio.to_thread(kept_rules, assigned, work.bench, work.crew.embedder)
    return tuple(one for one in found if one.outcome in ("broken", "unchecked"))


def _guessed_and_made(assigned: AssignedTicket) -> dict[str, Any]:
    """What a draft put into the ticket and an approval must bind to, where it did."""
    evaluator, doubts = assigned.ticket.evaluator, assigned.ticket.doubts
    shown: dict[str, Any] = {}
    if evaluator is not None and evaluator.files:
        shown["evaluator"] = {"command": evaluator.command, "files": evaluator.files}
    if doubts:
        shown["doubts"] = [doubt.model_dump(mode="json") for doubt in doubts]
    return shown


def _notes(work: Work, ticket: str) -> list[str]:
    """What the data checks could not settle: for a person to know before they decide."""
    return [as_text(problem, _TOLD) for problem in _noted(work, ticket)] + left_to_people(
        work.cards(ticket)
    )


def _plan_id(assigned: AssignedTicket, round_: int) -> str:
    return f"{assigned.id}-P{assigned.revision}.{round_}"


async def _written(work: Work, assigned: AssignedTicket, round_: int) -> Plan:
    environment = environment_plan(work.bench.environments, assigned)
    tools = work.toolbox("coordinator", assigned, f"plan/{round_}")
    lessons = await recalled(work, assigned, tools)
    briefs = work.ledger.briefs.of(assigned.id)
    comment, asked = _comments(work, assigned)
    made = await work.crew.coordinator.plan(
        assigned,
        briefs[-1] if briefs else None,
        work.cards(assigned.id),
        lessons=lessons,
        plan_id=_plan_id(assigned, round_),
        environment=environment.description,
        environment_key=environment.key,
        comment=comment,
        seconds_a_run=seconds_a_run(work, assigned),
        found=investigated(work, assigned, round_),
    )
    hosts = () if tainted(work.ledger, assigned.id) else made.hosts
    return made.model_copy(update={"suggestions": (*asked, *made.suggestions), "hosts": hosts})


async def recalled(work: Work, assigned: AssignedTicket, tools: Toolbox) -> tuple[str, ...]:
    """What earlier tickets on this repository left in memory and is near to what is asked.

    A damaged memory recalls nothing: the log says so of the call, and the plan is made without.
    """
    data = data_hash(work.cards(assigned.id), cleaned=False)
    found: list[str] = []
    for scope in ("lessons", "trials"):
        call = RecallMemory(
            scope=scope,
            query=f"{assigned.ticket.title}\n{assigned.ticket.question[:500]}",
            limit=_LESSONS,
            commit=assigned.base_commit,
            data_hash=data or None,
            repository=assigned.repository,
        )
        try:
            hits = await tools.use(recall_memory, call)
        except MemoryDamaged:
            break
        found += [
            hit.record.text + " (lapsed: the code or data has changed since)" * hit.lapsed
            for hit in hits
            if hit.similarity >= _NEAR_ENOUGH
        ]
    return tuple(found)


def _comments(work: Work, assigned: AssignedTicket) -> tuple[str, tuple[Suggestion, ...]]:
    """What people asked for since the last revision, as text and as settings to try."""
    from agents.reading.asked import asked_settings

    comments = [
        comment
        for request in work.ledger.merge_requests.of(assigned.id)
        for comment in work.ledger.comments.of(assigned.id)
        if comment.merge_request == request.id and comment.resolved_by_revision == assigned.revision
    ]
    texts = [comment.text for comment in comments]
    strangers = [comment.by for comment in comments if comment.by != assigned.assigned_by]
    texts += [
        decision.comment
        for decision in work.ledger.decisions.of(assigned.id)
        if decision.kind == "respond" and "-plan-" in decision.gate and decision.comment
    ]
    asked = tuple(
        Suggestion(values=values, because="asked for in a comment", finding="")
        for text in texts
        for values in asked_settings(text, assigned.ticket.search_space)
    )
    if asked and strangers:
        because = f"settings that {strangers[0]} asked for in a comment"
        taint(work.ledger, assigned.id, "comments", actor="coordinator", because=because)
    return "\n\n".join(texts), asked


def seconds_a_run(work: Work, assigned: AssignedTicket) -> float | None:
    """The median run of this command at this commit on this data, over all tickets."""
    data = data_hash(work.cards(assigned.id), cleaned=False)
    times = sorted(
        trial.result.duration_s
        for other in work.ledger.tickets.all()
        if other.base_commit == assigned.base_commit
        and other.ticket.run.command == assigned.ticket.run.command
        and (not data or data_hash(work.cards(other.id), cleaned=False) == data)
        for trial in work.ledger.trials.of(other.id)
        if trial.result is not None and trial.status == "scored"
    )
    return times[len(times) // 2] if times else None


async def gate_plan(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Waits for a person's word on the plan, and takes their edits into it."""
    work, round_ = runtime.context, state["plan_round"]
    assigned = work.assigned(state["ticket"])
    decision = pause_for(work, gate_id(assigned.id, "plan", assigned.revision, round_))
    if decision.kind == "ignore":
        return {"route": "close", "outcome": f"the plan was turned down by {decision.by}"}
    if decision.kind == "respond":
        return {"route": "plan", "plan_round": round_ + 1}
    if decision.kind == "edit":
        # From what was shown, not from what stands: a re-run edits nothing twice.
        gate = work.ledger.gates.get(decision.gate)
        _edit_plan(work, assigned, Plan.model_validate(gate.shown["plan"]), decision.edits)
    return {"route": "prepare"}


def _edit_plan(work: Work, assigned: AssignedTicket, made: Plan, edits: dict[str, Any]) -> None:
    dropped = set(edits.get("drop_suggestions", ()))
    readmitted = frozenset((str(path), int(row)) for path, row in edits.get("readmit", ()))
    changed = made.model_copy(
        update={
            "quarantine": without_rows(made, readmitted),
            "suggestions": tuple(s for i, s in enumerate(made.suggestions) if i not in dropped),
        }
    )
    with work.ledger.transaction():
        work.ledger.plans.put(changed, actor="coordinator", kind="plan.edited")
        if "budget" in edits:
            budget = Budget.model_validate(assigned.budget.model_dump() | dict(edits["budget"]))
            work.update(assigned.id, actor="coordinator", budget=budget)


async def prepare(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Installs the environment and makes the cleaned data, as the gate approved them."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    made = work.plan(assigned)
    wanted = await asyncio.to_thread(environment_plan, work.bench.environments, assigned)
    if wanted.key != made.environment_key:
        # Not what was approved (labcrew's own image is newer, say): a person looks again.
        return {"route": "plan", "plan_round": state["plan_round"] + 1}
    tools = work.toolbox("experiment_launcher", assigned, "prepare")
    image = await tools.use(
        prepare_environment, PrepareEnvironment(key=made.environment_key, approved=True)
    )
    key = environment_effect(assigned.id, made)
    work.ledger.intend(key, assigned.id, {"key": made.environment_key})
    work.ledger.done(key, {"image": image})
    await clean(work, assigned, made.quarantine)
    return {"route": "design_trials" if assigned.ticket.kind == "search" else "write_code"}


def _left_out(cards: tuple[DatasetCard, ...]) -> set[tuple[str, int]]:
    """The rows that the cleaned copies lack."""
    return {
        (row.path, row.row)
        for card in cards
        if card.cleaned_sha256
        for row in card.quarantined
        if row.row not in card.readmitted
    }


async def clean(work: Work, assigned: AssignedTicket, accepted: tuple[QuarantinedRow, ...]) -> None:
    """Makes the cleaned copies anew if they do not lack just the accepted rows."""
    cards = work.cards(assigned.id)
    if _left_out(cards) == {(row.path, row.row) for row in accepted}:
        return
    tools = work.toolbox("data_pipeline", assigned, "clean")
    cleaned = await work.crew.data_pipeline.clean(assigned, cards, accepted, tools)
    if accepted and not any(card.cleaned_sha256 for card in cleaned):
        raise InputError(f"{assigned.id}: rows were quarantined, but no cleaned copy was made.")
    with work.ledger.transaction():
        for card in cleaned:
            work.ledger.datasets.put(card, actor="data_pipeline", kind="data.cleaned")
