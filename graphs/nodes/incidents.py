"""The records of incidents: opened the moment they are seen, answered once, scored at the end."""

from collections.abc import Iterable, Sequence

from agents.log_monitor import InterventionAnswer, incident_id
from agents.monitoring.responses import RESPONSES
from agents.monitoring.scoring import score
from agents.monitoring.watch import Reading
from agents.restarts import earlier_runs
from graphs.work import Work
from labcrew.domain.base import Model
from labcrew.domain.experiment import Incident, Intervention, Trial
from labcrew.domain.monitoring import Action, Alarm
from labcrew.domain.ticket import AssignedTicket
from labcrew.judgement import Verdict


class Decided(Model):
    """What is done about a run that is stopped, or has ended badly."""

    alarm: Alarm
    action: Action
    because: str
    by: str
    explored: bool = False

    @classmethod
    def of(cls, alarm: Alarm, verdict: Verdict[InterventionAnswer]) -> "Decided":
        """A verdict about an alarm."""
        answer = verdict.answer
        return cls(
            alarm=alarm,
            action=answer.action,
            because=answer.because,
            by=verdict.by,
            explored=answer.explored,
        )

    def intervention(self, new_trial: str = "") -> Intervention:
        """The record of it."""
        return Intervention(
            action=self.action,
            because=self.because,
            by=self.by,
            explored=self.explored,
            new_trial=new_trial,
        )


def open_incident(work: Work, trial: Trial, alarm: Alarm, at_s: float) -> Incident:
    """Writes an incident down, once, and answers what stands.

    Looking and writing are one transaction: the run's own thread opens incidents too, and must
    not write over what was decided meanwhile.
    """
    with work.ledger.transaction():
        known: Incident | None = work.ledger.incidents.find(incident_id(trial, alarm.kind))
        if known is None:
            known = work.crew.log_monitor.incident(trial, alarm, at_s).model_copy(
                update={"seen_at": work.bench.clock.now()}
            )
            work.ledger.incidents.put(known, actor="log_monitor", kind="incident.opened")
    return known


def answer_incident(
    work: Work, trial: Trial, decided: Decided, at_s: float, new_trial: str = ""
) -> None:
    """Writes down what is done about an incident; what stands already is left."""
    with work.ledger.transaction():
        incident = open_incident(work, trial, decided.alarm, at_s)
        _answer(work, incident, decided.intervention(new_trial))


def _answer(work: Work, incident: Incident, done: Intervention) -> None:
    if incident.intervention is None:
        work.ledger.incidents.put(
            incident.model_copy(update={"intervention": done}),
            actor="log_monitor",
            kind="incident.answered",
        )


def explain_by(
    work: Work, trial: Trial, alarms: Iterable[Alarm], cause: Alarm, at_s: float
) -> None:
    """Writes down of further alarms that another incident explains them."""
    because = f"explained by {cause.kind.replace('_', ' ')}"
    main = incident_id(trial, cause.kind)
    done = Intervention(action="continue", because=because, by="rule", part_of=main)
    with work.ledger.transaction():
        for alarm in alarms:
            if alarm.kind != cause.kind:
                _answer(work, open_incident(work, trial, alarm, at_s), done)


def answer_the_rest(work: Work, trial: Trial, cause: Alarm | None) -> None:
    """Writes down of a trial's incidents without an answer that its end has answered them.

    Args:
        cause: what it ended by, which explains them; None for a run that came to its end.
    """
    for incident in incidents_of(work, trial):
        if incident.intervention is not None:
            continue
        main = incident_id(trial, cause.kind) if cause is not None else ""
        because = f"explained by {cause.kind.replace('_', ' ')}" if cause else "it had ended"
        done = Intervention(action="continue", because=because, by="rule", part_of=main)
        _answer(work, incident, done)


def left_open(work: Work, trial: Trial, reading: Reading) -> tuple[Alarm, ...]:
    """Alarms that an earlier process saw and did not answer, and that this one has not seen.

    What needs time to be seen does not come again from a log that is read anew.
    """
    seen = {alarm.kind for alarm in reading.alarms}
    return tuple(
        Alarm(
            kind=incident.kind,
            diagnosis=incident.diagnosis,
            confidence=incident.confidence,
            step=incident.step,
            subject=incident.subject,
            lines=incident.evidence,
        )
        for incident in incidents_of(work, trial)
        if incident.intervention is None and incident.kind not in seen
    )


def unanswered(work: Work, trial: Trial, alarms: Sequence[Alarm]) -> tuple[Alarm, ...]:
    """Alarms about which nothing has been decided yet."""
    return tuple(alarm for alarm in alarms if not _answered(work, trial, alarm))


def _answered(work: Work, trial: Trial, alarm: Alarm) -> bool:
    incident: Incident | None = work.ledger.incidents.find(incident_id(trial, alarm.kind))
    return incident is not None and incident.intervention is not None


def chain_of(work: Work, trial: Trial) -> list[Incident]:
    """Incidents of a run and of those that it restarts, one after the other."""
    runs = (*earlier_runs(trial, work.trials(trial.ticket)), trial)
    return [i for run in runs for i in incidents_of(work, run)]


def incidents_of(work: Work, trial: Trial) -> list[Incident]:
    """A run's incidents, by their names: a ticket may have thousands of others."""
    found = (work.ledger.incidents.find(incident_id(trial, kind)) for kind in RESPONSES)
    return [incident for incident in found if incident is not None]


def close_incidents(work: Work, assigned: AssignedTicket, ended: Trial) -> None:
    """Scores what a trial's end shows: its own incidents that it went on with, and the one that it
    was restarted for.
    """
    metric = assigned.ticket.metric
    trials = [ended]
    if ended.restarts:
        trials.append(work.ledger.trials.get(ended.restarts))
    for incident in [i for trial in trials for i in incidents_of(work, trial)]:
        done = incident.intervention
        if done is None or done.score is not None or done.part_of:
            continue
        if incident.trial == ended.id and done.action in ("continue", "free_space", "reevaluate"):
            before = ended
        elif done.new_trial == ended.id:
            before = work.ledger.trials.get(incident.trial)
        else:
            continue
        good = score(metric, before, ended)
        scored = done.model_copy(update={"score": good, "helped": good > 0})
        work.ledger.incidents.put(
            incident.model_copy(update={"intervention": scored}),
            actor="log_monitor",
            kind="incident.closed",
        )
