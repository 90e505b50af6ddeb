"""What is done about a run that has gone wrong: chosen from what may be done, asked of people."""

import asyncio
from collections.abc import Sequence

from agents.budget_used import spent
from agents.log_monitor import incident_id
from agents.monitoring.diagnosis import cause, explained
from agents.monitoring.escalation import attempts_of, escalation, markdown, metric_of
from agents.monitoring.responses import RESPONSES
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
from labcrew.domain.experiment import Incident, MetricPoint, Trial
from labcrew.domain.monitoring import Action, Alarm, Choice
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError
from tools.free_space import FreeSpace, free_space
from tools.offers import offers
from tools.plots import incident_svg

_ASKED_ABOUT = tuple(kind for kind, actions in RESPONSES.items() if "escalate" in actions)
_DRAWN = 1e100
"""Larger numbers break the arithmetic of axes."""
_FULL, _GROWN = 0.6, 0.05
"""Shares of a workspace: from which room is made again, and by how much more after a vain try."""


async def respond(
    work: Work,
    assigned: AssignedTicket,
    trial: Trial,
    reading: Reading,
    points: Sequence[MetricPoint],
    alarm: Alarm | None,
) -> Decided | None:
    """Does what can be done about a running run's alarms while it goes on.

    Args:
        points: its numbers so far.
        alarm: what is wrong by the engine's account, beside what its log showed.

    Returns:
        What to do about a run that must be stopped; None for one that goes on.
    """
    alarms = (*reading.alarms, alarm) if alarm is not None else reading.alarms
    pending = unanswered(work, trial, alarms)
    if pending:
        main = cause(pending)
        decided = await decide(work, assigned, trial, main, reading, running=True)
        if decided.action not in ("continue", "escalate", "free_space"):
            return decided
        if decided.action == "free_space":
            await _make_room(work, assigned, trial, main)
        if decided.action == "escalate":
            await asyncio.to_thread(_ask, work, assigned, trial, main, reading, points)
        answer_incident(work, trial, decided, reading.at_s)
        # What it explains needs nothing more; what it does not is answered at the next look.
        explain_by(work, trial, explained(main, pending), main, reading.at_s)
    elif (in_use := _fills_again(work, trial, reading)) is not None:
        filling = Alarm(kind="disk_filling", diagnosis="it fills again")
        freed = await _make_room(work, assigned, trial, filling)
        # Where nothing could be removed, nothing is gained by trying until it has grown.
        work.made_room[trial.id] = 0.0 if freed else in_use
    return _said(work, assigned, trial)


def _fills_again(work: Work, trial: Trial, reading: Reading) -> float | None:
    """The share of its workspace that is in use, where room was made once and more is needed."""
    usage = reading.usage
    if usage is None or usage.disk_limit_bytes <= 0:
        return None
    in_use = usage.disk_bytes / usage.disk_limit_bytes
    if in_use < max(_FULL, work.made_room.get(trial.id, 0.0) + _GROWN):
        return None
    known = work.ledger.incidents.find(incident_id(trial, "disk_filling"))
    done = known.intervention if known is not None else None
    return in_use if done is not None and done.action == "free_space" else None


async def _make_room(work: Work, assigned: AssignedTicket, trial: Trial, alarm: Alarm) -> int:
    """Removes old checkpoints and answers the bytes that this freed; where it can't be done the run
    goes on as it is.
    """
    tools = work.toolbox("log_monitor", assigned, f"room/{trial.id}")
    try:
        call = FreeSpace(trial=trial.id, since_step=alarm.since_step)
        return (await tools.use(free_space, call)).freed_bytes
    except LabcrewError:  # its event tells; a full disk is an incident of its own
        return 0


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
    lost = {t.id for t in trials if t.status == "unknown"}  # by an engine: no fault of theirs
    monitor = work.crew.log_monitor
    situation = monitor.situation(
        assigned,
        trial,
        alarm,
        reading,
        chain=chain_of(work, trial),
        restarts=sum(bool(t.restarts) and t.restarts not in lost for t in trials),
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
    work: Work,
    assigned: AssignedTicket,
    trial: Trial,
    alarm: Alarm,
    reading: Reading,
    points: Sequence[MetricPoint],
) -> None:
    """Opens a gate beside the run, which goes on meanwhile."""
    incident = open_incident(work, trial, alarm, reading.at_s)
    gate = _gate(assigned, incident)
    if work.ledger.gates.find(gate) is not None:
        return
    proposal: Action = "give_up"
    options = (
        Choice(command=f"labcrew decide {gate} accept", means="this run is stopped"),
        Choice(command=f"labcrew decide {gate} ignore", means="it goes on"),
    )
    plot = _plot(work, assigned, incident, points)
    chain = chain_of(work, trial)
    asked = escalation(incident, attempts_of(chain), reading.tail, options, points, plot)
    make_gate(
        work,
        assigned,
        "incident",
        0,
        about=incident.id,
        title=asked.title,
        description=markdown(asked),
        shown={
            "incident": incident.id,
            "trial": trial.id,
            "proposal": proposal,
            "escalation": asked.model_dump(mode="json"),
        },
        allowed=("accept", "ignore"),
    )


def _plot(
    work: Work, assigned: AssignedTicket, incident: Incident, points: Sequence[MetricPoint]
) -> str:
    """Draws the number that shows the incident best; answers the file among the artefacts."""
    name = metric_of(incident, points)
    if not name:
        return ""
    file = work.bench.home.artefacts(assigned.id) / "incidents" / f"{incident.id}.svg"
    shown = [p for p in points if p.name == name and abs(p.value) < _DRAWN]
    try:
        drawn = incident_svg(name, shown, incident.step)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_bytes(drawn)
        partial.replace(file)
    except (OSError, ValueError, ArithmeticError):
        return ""  # the numbers are a log's own, and the question can be asked without a plot
    return f"incidents/{file.name}"


def _said(work: Work, assigned: AssignedTicket, trial: Trial) -> Decided | None:
    """What a person said at a gate about this run, where that is to stop it."""
    for kind in _ASKED_ABOUT:
        incident = work.ledger.incidents.find(incident_id(trial, kind))
        gate = work.ledger.gates.find(_gate(assigned, incident)) if incident is not None else None
        if incident is None or gate is None:
            continue
        # A stop made it void; the ticket was retried and the run goes on: it asks again.
        decision = settled(work.ledger, work.bench.clock, work.reopened(gate.id))
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
