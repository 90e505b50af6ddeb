"""The coordinator: plans, chooses among legal moves, and decides what becomes of a failed agent."""

from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.experiment import Forecast, Plan
from labcrew.domain.programming import Investigation
from labcrew.domain.research import (
    AgentName,
    Brief,
    DatasetCard,
    QuarantinedRow,
    Suggestion,
    UntrustedText,
)
from labcrew.domain.ticket import AssignedTicket
from labcrew.judgement import Judge, Judgement

Move = Literal["design_trials", "ask_budget", "open_merge_request", "finish", "escalate"]


class PlanQuestion(Model):
    """What a plan is written from."""

    title: str
    question: str
    metric: str
    direction: str
    target: float | None
    baseline_runs: int
    search_runs: int
    suggestions: tuple[Suggestion, ...]
    quarantined: dict[str, int] = Field(description="check → rows")
    lessons: tuple[str, ...]
    comment: str = Field(description="what a person asked to change; empty at first")
    kind: Literal["search", "implement", "fix"] = "search"
    found: Investigation | None = Field(
        default=None, description="what was found out before code is written"
    )
    tests: tuple[str, ...] = Field(default=(), description="that must fail before and pass after")
    measured: bool = Field(default=True, description="whether trials are run for the metric")


class PlanAnswer(Model):
    """The plan in words, and which suggestions to try, best first."""

    summary: str = Field(max_length=2000)
    steps: tuple[str, ...] = Field(min_length=1, max_length=20)
    suggestion_order: tuple[int, ...]


def _plan_for_code(q: PlanQuestion) -> PlanAnswer:
    found = q.found
    steps = list(found.steps[:10]) if found is not None else []
    if q.tests:
        steps.append(
            f"Run the tests as they are; {', '.join(q.tests[:5])} must fail, the others stand."
        )
    else:
        steps.append("Write a test that fails on the code as it is and shows what is asked for.")
    steps += [
        "Change the code until that passes and nothing that passed fails.",
        "Look for the same pattern elsewhere, and for anything left unfinished.",
    ]
    if q.measured:
        steps.append(
            f"Run the program as it is and as changed, each with {q.baseline_runs} seeds, and"
            f" compare {q.metric}."
        )
    steps.append("Run the tests of the change in a fresh sandbox, and open a merge request.")
    what = "Mend a fault in the code." if q.kind == "fix" else "Write what the ticket asks for."
    summary = f"{what} {found.summary[:1500]}" if found is not None and found.summary else what
    return PlanAnswer(
        summary=summary,
        steps=tuple(step[:500] for step in steps),
        suggestion_order=tuple(range(len(q.suggestions))),
    )


def _plan_rule(q: PlanQuestion) -> PlanAnswer:
    if q.kind != "search":
        return _plan_for_code(q)
    aim = f"{q.direction} {q.metric}" + (f" to {q.target:g}" if q.target is not None else "")
    steps = [f"Run the program as it is with {q.baseline_runs} seeds: the baseline."]
    if q.quarantined:
        rows = sum(q.quarantined.values())
        steps.append(
            f"Take {rows} rows out of the training data"
            f" ({', '.join(f'{n} {check}' for check, n in sorted(q.quarantined.items()))})"
            " and run the baseline again without them."
        )
    if q.suggestions:
        steps.append(f"Try {len(q.suggestions)} settings that the literature reports.")
    steps.append(f"Search with Optuna (TPE) in up to {q.search_runs} runs, failures never twice.")
    steps.append("Run the best two with all seeds; choose by the mean on validation.")
    steps.append("Open the holdout for the baseline and the winner, and a merge request.")
    summary = f"To {aim}: " + (
        "clean the training data, then search settings."
        if q.quarantined
        else "search settings against the baseline."
    )
    return PlanAnswer(
        summary=summary, steps=tuple(steps), suggestion_order=tuple(range(len(q.suggestions)))
    )


def _read_by_plan(q: PlanQuestion) -> tuple[UntrustedText, ...]:
    held: tuple[tuple[UntrustedText, object], ...] = (
        ("papers", q.suggestions),
        ("memory", q.lessons),
        ("comments", q.comment),
        ("repository", q.found),
    )
    return tuple(source for source, text in held if text)


PLAN = Judgement(
    name="coordinator.plan",
    agent="coordinator",
    answer=PlanAnswer,
    rule=_plan_rule,
    prompt=(
        "You lead a machine-learning research crew. Write a short plan for the ticket, and order"
        " the suggestions (by index) by how promising they are."
    ),
    check=lambda q, a: (
        None
        if set(a.suggestion_order) <= set(range(len(q.suggestions)))
        else "suggestion_order holds an index that does not exist"
    ),
    reads=_read_by_plan,
)


class MoveQuestion(Model):
    """Where the ticket stands, and which moves the machine allows."""

    legal: tuple[Move, ...] = Field(min_length=1)
    trials_left: int
    hours_left: float
    target_met: bool
    gain: float | None = Field(description="best mean over the baseline's, on validation")
    budget_asked: int = Field(description="how often more budget was asked for in this revision")
    untried: int = Field(default=0, ge=0, description="settings that people asked for, not tried")


class MoveAnswer(Model):
    """The next move."""

    move: Move
    because: str = Field(max_length=500)


def _move_rule(q: MoveQuestion) -> MoveAnswer:
    if "design_trials" in q.legal:
        return MoveAnswer(move="design_trials", because="the design is not complete")
    if "ask_budget" in q.legal and q.budget_asked == 0:
        if q.untried:
            why = f"the budget is spent and {q.untried} settings that were asked for are untried"
            return MoveAnswer(move="ask_budget", because=why)
        if not q.target_met and (q.gain is None or q.gain <= 0):
            why = "the budget is spent and nothing beats the baseline"
            return MoveAnswer(move="ask_budget", because=why)
    for move in ("open_merge_request", "finish", "escalate"):
        if move in q.legal:
            why = {
                "open_merge_request": "the finalists are in",
                "finish": "nothing beats the baseline",
                "escalate": "nothing else is legal",
            }[move]
            return MoveAnswer(move=move, because=why)
    return MoveAnswer(move=q.legal[0], because="the only legal move")


NEXT_MOVE = Judgement(
    name="coordinator.next_move",
    agent="coordinator",
    answer=MoveAnswer,
    rule=_move_rule,
    prompt="You lead a machine-learning research crew. Choose one of the legal moves.",
    check=lambda q, a: None if a.move in q.legal else f"{a.move} is not among {q.legal}",
)


class RecoveryQuestion(Model):
    """An agent failed, or its output did not pass the check."""

    agent: AgentName
    problems: tuple[str, ...]
    attempts: int = Field(description="tries so far")
    model_used: bool = Field(description="whether a chat model answers for this agent")


class RecoveryAnswer(Model):
    """What becomes of it: try again, let the rules do it, or ask a person."""

    action: Literal["restart", "reroute", "escalate"]
    because: str = Field(max_length=500)


MAX_ATTEMPTS = 3


def _recovery_rule(q: RecoveryQuestion) -> RecoveryAnswer:
    if q.attempts == 1:
        return RecoveryAnswer(action="restart", because="a first failure may be passing")
    if q.attempts < MAX_ATTEMPTS and q.model_used:
        return RecoveryAnswer(action="reroute", because="the rules answer without the model")
    return RecoveryAnswer(action="escalate", because=f"it failed {q.attempts} times")


RECOVERY = Judgement(
    name="coordinator.recovery",
    agent="coordinator",
    answer=RecoveryAnswer,
    rule=_recovery_rule,
    prompt="An agent of your crew failed. Restart it, reroute to plain rules, or escalate.",
    check=lambda q, a: (
        "it was tried often enough; only escalate is left"
        if q.attempts >= MAX_ATTEMPTS and a.action != "escalate"
        else None
    ),
    reads=lambda q: ("repository",) if q.problems else (),
)


class Coordinator:
    """Asks the crew's strategic questions; gates are not its to skip."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def plan(
        self,
        assigned: AssignedTicket,
        brief: Brief | None,
        cards: tuple[DatasetCard, ...],
        *,
        lessons: tuple[str, ...],
        plan_id: str,
        environment: str,
        environment_key: str,
        comment: str = "",
        seconds_a_run: float | None = None,
        found: Investigation | None = None,
    ) -> Plan:
        """Writes the plan that a person will decide on.

        Args:
            lessons: what memory recalls, lapsed ones marked as such.
            seconds_a_run: measured before on this code, if it was.
            found: what an investigation found, for tickets that have code written.
        """
        ticket, budget = assigned.ticket, assigned.budget
        # What a person took back in stays in; its file was cleaned without it.
        rows = tuple(
            row for card in cards for row in card.quarantined if row.row not in card.readmitted
        )
        checks: dict[str, int] = {}
        for row in rows:
            checks[row.check] = checks.get(row.check, 0) + 1
        suggestions = brief.suggestions if brief is not None else ()
        baseline = len(ticket.seeds) * (2 if rows else 1)
        verdict = await self._judge.ask(
            PLAN,
            PlanQuestion(
                title=ticket.title,
                question=ticket.question[:4000],
                metric=ticket.metric.name,
                direction=ticket.metric.direction,
                target=ticket.metric.target,
                baseline_runs=len(ticket.seeds),
                search_runs=max(0, budget.trials - baseline),
                suggestions=suggestions,
                quarantined=checks,
                lessons=lessons,
                comment=comment,
                kind=ticket.kind,
                found=found,
                tests=ticket.tests.fail_to_pass if ticket.tests is not None else (),
                measured=ticket.measured,
            ),
        )
        answer = verdict.answer
        return Plan(
            id=plan_id,
            ticket=assigned.id,
            revision=assigned.revision,
            summary=answer.summary,
            steps=answer.steps,
            suggestions=tuple(suggestions[i] for i in dict.fromkeys(answer.suggestion_order)),
            quarantine=rows,
            environment=environment,
            environment_key=environment_key,
            hosts=ticket.hosts,
            forecast=forecast(assigned, seconds_a_run),
            recalled=lessons,
            by=verdict.by,
        )

    async def next_move(self, question: MoveQuestion) -> MoveAnswer:
        """One of the legal moves."""
        return (await self._judge.ask(NEXT_MOVE, question)).answer

    async def recover(self, question: RecoveryQuestion) -> RecoveryAnswer:
        """What becomes of an agent that failed."""
        return (await self._judge.ask(RECOVERY, question)).answer


def forecast(assigned: AssignedTicket, seconds_a_run: float | None) -> Forecast:
    """Hours and money for the whole budget, from a measured run or else from the time limit."""
    budget = assigned.budget
    if not assigned.ticket.measured:
        bound = f" or {budget.model_usd:g} USD" if budget.model_usd is not None else ""
        basis = f"at most {budget.steps} steps, {budget.model_tokens} tokens{bound} of chat models"
        return Forecast(trials=0, hours=budget.hours, cost_usd=budget.model_usd or 0.0, basis=basis)
    seconds = seconds_a_run or assigned.ticket.run.timeout_s
    basis = (
        f"{seconds:.0f} s a run, measured on this code before"
        if seconds_a_run
        else f"the time limit of {seconds:g} s a run: an upper bound"
    )
    # Running time is bounded by the budget's hours on every slot, and so is what it costs.
    running_hours = min(budget.trials * seconds / 3600, budget.hours * budget.parallel)
    return Forecast(
        trials=budget.trials,
        hours=round(running_hours / budget.parallel, 3),
        cost_usd=round(running_hours * budget.usd_per_hour, 2),
        basis=basis,
    )


def without_rows(plan: Plan, readmit: frozenset[tuple[str, int]]) -> tuple[QuarantinedRow, ...]:
    """The plan's quarantine without the rows (path, position) that a person took back in."""
    return tuple(row for row in plan.quarantine if (row.path, row.row) not in readmit)
