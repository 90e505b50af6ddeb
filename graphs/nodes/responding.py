"""What is done about a run that has gone wrong: chosen from what may be done, asked of people."""

import asyncio

from agents.experiment_launcher import spent
from agents.monitoring.watch import Reading
from graphs.gates import gate_id, make_gate
from graphs.nodes.incidents import (
    Decided,
    answer_incident,
    chain_of,
    explain_by,
    open_incident,
    unanswered,
)
from graphs.work import Work
from labcrew.deciding import settled
from labcrew.domain.experiment import Incident, Trial
from labcrew.domain.monitoring import Action, Alarm
from labcrew.domain.ticket import AssignedTicket
from labcrew.evidence import as_text
from tools.offers import offers


async def respond(
    work: Work, assigned: AssignedTicket, trial: Trial, reading: Reading, alarm: Alarm | None
) -> Decided | None:
    """Does what can be done about a running run's alarms while it goes on.

    Args:
        alarm: what is wrong by the engine's account, beside what its log showed.

    Returns:
        What to do about a run that must be stopped; None for one that goes on.
    """
    alarms = (*reading.alarms, alarm) if alarm is not None else reading.alarms
    pending = unanswered(work, trial, alarms)
    if pending:
        cause = pending[0]
        decided = await decide(work, assigned, trial, cause, reading, running=True)
        if decided.action not in ("continue", "escalate", "free_space"):
            return decided
        if decided.action == "escalate":
            _ask(work, assigned, trial, cause, reading)
        answer_incident(work, trial, decided, reading.at_s)
        explain_by(work, trial, pending, cause, reading.at_s)
    return _said(work, assigned, trial)


async def decide(
    work: Work,
    assigned: AssignedTicket,
    trial: Trial,
    alarm: Alarm,
    reading: Reading,
    *,
    running: bool,
) -> Decided:
    """Chooses from what the ticket, the program and the budget allow."""
    trials = work.trials(assigned.id)
    monitor = work.crew.log_monitor
    situation = monitor.situation(
        assigned,
        trial,
        alarm,
        reading,
        chain=chain_of(work, trial),
        restarts=sum(1 for t in trials if t.restarts),
        budget_left=assigned.budget.trials - spent(trials),
        offers=await asyncio.to_thread(offers, assigned, work.bench.repositories),
        running=running,
    )
    verdict = await monitor.intervene(
        assigned,
        trial,
        alarm,
        situation,
        earlier=work.ledger.incidents.all(),
        acts=work.supervising,
    )
    return Decided.of(alarm, verdict)


def _gate(assigned: AssignedTicket, incident: Incident) -> str:
    return gate_id(assigned.id, "incident", assigned.revision, 0, incident.id)


def _ask(
    work: Work, assigned: AssignedTicket, trial: Trial, alarm: Alarm, reading: Reading
) -> None:
    """Opens a gate beside the run, which goes on meanwhile."""
    incident = open_incident(work, trial, alarm, reading.at_s)
    proposal: Action = "give_up"
    lines = "\n".join(f"    {as_text(line, 300)}" for line in incident.evidence)
    make_gate(
        work,
        assigned,
        "incident",
        0,
        about=incident.id,
        title=f"{trial.id}: {alarm.kind.replace('_', ' ')}",
        description=(
            f"{as_text(alarm.diagnosis, 600)} (confidence {alarm.confidence:.0%})\n\n{lines}\n\n"
            "accept: stop this run · ignore: let it go on"
        ),
        shown={"incident": incident.id, "trial": trial.id, "proposal": proposal},
        allowed=("accept", "ignore"),
    )


def _said(work: Work, assigned: AssignedTicket, trial: Trial) -> Decided | None:
    """What a person said at a gate about this run, where that is to stop it."""
    for incident in work.ledger.incidents.of(assigned.id):
        done = incident.intervention
        if incident.trial != trial.id or done is None or done.action != "escalate":
            continue
        gate = work.ledger.gates.find(_gate(assigned, incident))
        decision = settled(work.ledger, work.bench.clock, gate) if gate is not None else None
        if decision is not None and decision.kind == "accept":
            alarm = Alarm(kind=incident.kind, diagnosis=incident.diagnosis)
            because = f"{decision.by} said so"
            return Decided(alarm=alarm, action="give_up", because=because, by=decision.by)
    return None


def withdraw_questions(work: Work, assigned: AssignedTicket, trial: Trial) -> None:
    """Voids the open gates about a run that has ended."""
    for gate in work.ledger.gates.of(assigned.id):
        if gate.kind == "incident" and gate.status == "open" and gate.shown["trial"] == trial.id:
            work.ledger.gates.put(
                gate.model_copy(update={"status": "void"}), actor="log_monitor", kind="gate.voided"
            )
