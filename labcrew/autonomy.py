"""How much of the operational work was closed with no person: counted from the ledger alone.

An operational step is one that keeps the work going between a person's decisions. It counts once it
is closed; it was closed alone when no person had a hand in it and it has stood since.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.event import Event
from labcrew.domain.experiment import Incident, Trial
from labcrew.domain.research import DatasetCard
from labcrew.domain.review import Decision, Gate, MergeRequest

StepName = Literal[
    "literature reviewed",
    "data profiled",
    "plan written",
    "environment prepared",
    "trial launched",
    "trial ended and scored",
    "incident handled",
    "smoke test run",
    "merge request opened",
]
DEFINITION = (
    "The share of operational steps that were closed with no person and not reversed later. Steps:"
    " literature reviewed, data profiled, plan written, environment prepared, trial launched, trial"
    " ended and scored, incident handled, smoke test run, merge request opened. A step counts once"
    " it is closed. A person had a hand in it where a person decided at an escalation about it,"
    " answered its incident, or was left to. It was reversed where its plan was sent back or"
    " changed, rows that it took out were taken back in, its action did not help, or its merge"
    " request was closed or superseded. Decisions that are a person's own (plan, budget and merge"
    " gates) are no operational steps; --yes at a gate is a person's decision, made in"
    " advance. By time, each step weighs what it took. What is undone outside labcrew is not seen."
)


class Step(Model):
    """One closed step.

    Args:
        person: whether a person had a hand in it.
        reversed: whether it was undone, or did not help.
        took_s: seconds from its beginning to its end.
    """

    name: StepName
    ticket: str
    subject: str = ""
    at: datetime
    person: bool = False
    reversed: bool = False
    took_s: float = Field(default=0.0, ge=0)

    @property
    def alone(self) -> bool:
        """Whether it counts for autonomy."""
        return not self.person and not self.reversed


class Share(Model):
    """Steps of one name."""

    name: str
    closed: int
    alone: int
    closed_s: float
    alone_s: float


class Autonomy(Model):
    """The measure, its definition, and what must be read beside it."""

    definition: str = DEFINITION
    by_count: float | None = Field(description="None: no step was closed")
    by_time: float | None = Field(description="None: no time was spent")
    closed: int
    alone: int
    closed_s: float
    alone_s: float
    steps: tuple[Share, ...]
    escalations: int = Field(description="gates at which a person was asked about trouble")
    wrong_actions: int = Field(description="incidents whose action did not help")
    unknown_outcomes: int = Field(description="incidents whose action can't be judged yet")
    misses: int = Field(
        description="trials that failed without an incident, and incidents a person told of"
    )


class Facts(Model):
    """What the measure is made from, of one ticket or many; all of it, whatever the period."""

    events: tuple[Event, ...] = ()
    trials: tuple[Trial, ...] = ()
    incidents: tuple[Incident, ...] = ()
    gates: tuple[Gate, ...] = ()
    decisions: tuple[Decision, ...] = ()
    datasets: tuple[DatasetCard, ...] = ()
    requests: tuple[MergeRequest, ...] = ()


_BY_EVENT: dict[str, StepName] = {
    "literature.reviewed": "literature reviewed",
    "data.profiled": "data profiled",
    "plan.written": "plan written",
    "trial.started": "trial launched",
    "trial.ended": "trial ended and scored",
    "merge_request.opened": "merge request opened",
}
_BY_TOOL: dict[str, StepName] = {
    "prepare_environment": "environment prepared",
    "run_smoke_test": "smoke test run",
}
_BEGINS = {"trial.ended": "trial.started", "trial.started": "trial.designed"}
_AGENT: dict[StepName, str] = {
    "literature reviewed": "literature_review",
    "data profiled": "data_pipeline",
}
_ASKING = ("escalation", "incident")


def autonomy(facts: Facts, since: datetime | None = None) -> Autonomy:
    """Measures it over the steps that were closed since a time; None: all."""
    steps = [step for step in closed_steps(facts) if since is None or step.at >= since]
    alone = [step for step in steps if step.alone]
    closed_s, alone_s = _seconds(steps), _seconds(alone)
    recent = {e.data.get("id") for e in facts.events if since is None or e.at >= since}
    incidents = [i for i in facts.incidents if i.id in recent]
    trials = [t for t in facts.trials if t.id in recent]
    gates = [g for g in facts.gates if since is None or g.opened_at >= since]
    helped = [i.intervention.helped for i in incidents if i.intervention]
    return Autonomy(
        by_count=len(alone) / len(steps) if steps else None,
        by_time=alone_s / closed_s if closed_s > 0 else None,
        closed=len(steps),
        alone=len(alone),
        closed_s=round(closed_s, 3),
        alone_s=round(alone_s, 3),
        steps=_shares(steps),
        escalations=sum(gate.kind in _ASKING for gate in gates),
        wrong_actions=sum(answer is False for answer in helped),
        unknown_outcomes=sum(answer is None for answer in helped),
        misses=len(_missed(facts, trials, incidents)),
    )


def closed_steps(facts: Facts) -> list[Step]:
    """Every closed step, in the order of the ledger."""
    steps: list[Step] = []
    begun: dict[tuple[str, str], datetime] = {}
    before: dict[str, datetime] = {}
    told: set[tuple[str, str]] = set()
    silent = _silent(facts.trials, facts.incidents)
    for event in facts.events:
        subject = str(event.data.get("id", ""))
        begun.setdefault((event.kind, subject), event.at)
        name = _BY_EVENT.get(event.kind)
        if event.kind == "tool.used" and event.data.get("outcome", "done") == "done":
            name = _BY_TOOL.get(str(event.data.get("tool")))
            subject = event.key
        # A record that is written again is no second step.
        if name is not None and (name, subject) not in told:
            told.add((name, subject))
            start = begun.get((_BEGINS.get(event.kind, ""), subject)) or before.get(event.ticket)
            steps.append(_step(facts, name, event, subject, start or event.at, silent))
        if event.ticket:
            before[event.ticket] = event.at
    return sorted([*steps, *_handled(facts, begun)], key=lambda step: step.at)


def _step(
    facts: Facts, name: StepName, event: Event, subject: str, start: datetime, silent: set[str]
) -> Step:
    failed = name == "trial ended and scored" and subject in silent
    return Step(
        name=name,
        ticket=event.ticket,
        subject=subject,
        at=event.at,
        person=event.actor.startswith("person:") or _asked_about(facts, name, event, subject),
        reversed=failed or _undone(facts, name, subject),
        took_s=max(0.0, (event.at - start).total_seconds()),
    )


def _handled(facts: Facts, begun: dict[tuple[str, str], datetime]) -> Iterable[Step]:
    for incident in facts.incidents:
        done = incident.intervention
        opened = begun.get(("incident.opened", incident.id))
        answered = begun.get(("incident.answered", incident.id)) or opened
        if done is None or done.part_of or opened is None or answered is None:
            continue
        human = not (done.by == "rule" or done.by.startswith("model:"))
        yield Step(
            name="incident handled",
            ticket=incident.ticket,
            subject=incident.id,
            at=answered,
            person=human or done.action == "escalate" or _decided(facts, incident.id),
            reversed=done.helped is False,
            took_s=max(0.0, (answered - opened).total_seconds()),
        )


def _asked_about(facts: Facts, name: StepName, event: Event, subject: str) -> bool:
    """Whether a person decided at an escalation about the step."""
    agent = _AGENT.get(name)
    return any(
        gate.ticket == event.ticket and gate.shown.get("agent") == agent and _by_person(facts, gate)
        for gate in facts.gates
        if gate.kind == "escalation" and agent is not None
    ) or (name.startswith("trial") and _decided(facts, subject))


def _decided(facts: Facts, subject: str) -> bool:
    """Whether a person decided at a gate about an incident or a trial."""
    return any(
        subject in (gate.shown.get("incident"), *_trials_of(gate)) and _by_person(facts, gate)
        for gate in facts.gates
        if gate.kind in _ASKING
    )


def _trials_of(gate: Gate) -> tuple[str, ...]:
    several = gate.shown.get("trials")
    return (str(gate.shown.get("trial", "")), *(several if isinstance(several, list) else ()))


def _by_person(facts: Facts, gate: Gate) -> bool:
    return any(d.gate == gate.id and d.by != "expired" for d in facts.decisions)


def _undone(facts: Facts, name: StepName, subject: str) -> bool:
    if name == "data profiled":
        return any(card.id == subject and card.readmitted for card in facts.datasets)
    if name == "merge request opened":
        return any(r.id == subject and r.status in ("closed", "superseded") for r in facts.requests)
    if name == "plan written":
        sent_back = {d.gate for d in facts.decisions if d.kind in ("respond", "edit")}
        return any(
            g.kind == "plan"
            and _plan_of(g) == subject
            and (g.status == "void" or g.id in sent_back)
            for g in facts.gates
        )
    return False


def _plan_of(gate: Gate) -> str:
    plan = gate.shown.get("plan")
    return str(plan.get("id", "")) if isinstance(plan, dict) else ""


def _silent(trials: Iterable[Trial], incidents: Iterable[Incident]) -> set[str]:
    """Trials that ended without a score and without an incident."""
    told = {incident.trial for incident in incidents}
    return {
        t.id
        for t in trials
        if t.status in ("failed", "unknown", "stopped", "finished") and t.id not in told
    }


def _missed(facts: Facts, trials: Sequence[Trial], incidents: Sequence[Incident]) -> set[str]:
    silent = _silent(trials, facts.incidents)
    by_person = {
        str(e.data.get("id"))
        for e in facts.events
        if e.kind == "incident.opened" and e.actor.startswith("person:")
    }
    return silent | (by_person & {i.id for i in incidents})


def _shares(steps: Sequence[Step]) -> tuple[Share, ...]:
    names = dict.fromkeys(step.name for step in steps)
    return tuple(
        Share(
            name=name,
            closed=len(mine),
            alone=sum(step.alone for step in mine),
            closed_s=round(_seconds(mine), 3),
            alone_s=round(_seconds([step for step in mine if step.alone]), 3),
        )
        for name in names
        for mine in [[step for step in steps if step.name == name]]
    )


def _seconds(steps: Iterable[Step]) -> float:
    return sum(step.took_s for step in steps)
