"""The log monitor: what is wrong with a run, and what to do about it, from a closed list."""

from collections.abc import Iterable, Sequence

from agents.monitoring import ending
from agents.monitoring.bandit import Experience, choose, experience
from agents.monitoring.diagnosing import DIAGNOSIS, diagnosed, diagnosis_question, doubtful
from agents.monitoring.diagnosis import cause
from agents.monitoring.remedies import adjustable
from agents.monitoring.responses import Situation, allowed
from agents.monitoring.watch import Reading
from labcrew.domain.base import Model
from labcrew.domain.experiment import Incident, Trial
from labcrew.domain.monitoring import Action, Alarm, IncidentKind
from labcrew.domain.sandbox import SandboxStatus
from labcrew.domain.search_space import Values
from labcrew.domain.supervision import Offer
from labcrew.domain.ticket import AssignedTicket
from labcrew.judgement import Judge, Judgement, Verdict

_ENDED_FROM_OUTSIDE = (137, 143, 255)
"""SIGKILL, SIGTERM, and what a restarted engine reports: no verdict on the settings. A program may
end with them by itself, too: `sys.exit(-1)` gives 255."""
_EVIDENCE_LINES = 8
_LAST_RESORTS: tuple[Action, ...] = ("give_up", "escalate")


class InterventionQuestion(Model):
    """What to do about an incident."""

    id: str
    kind: IncidentKind
    diagnosis: str
    evidence: tuple[str, ...]
    values: Values
    allowed: tuple[Action, ...]
    known: tuple[Experience, ...] = ()
    learning: bool = True
    explore: bool = True


class InterventionAnswer(Model):
    """The choice from the closed list."""

    action: Action
    because: str
    explored: bool = False


def _rule(question: InterventionQuestion) -> InterventionAnswer:
    first = question.allowed[0]
    arms = tuple(e for e in question.known if e.action not in _LAST_RESORTS)
    # Nothing is learnt by giving up, and a person is asked where that is the first resort.
    if not question.learning or first in _LAST_RESORTS or not arms:
        return InterventionAnswer(action=first, because=f"the first resort for {question.kind}")
    choice = choose(arms, seed=question.id, explore=question.explore)
    one = next(e for e in arms if e.action == choice.action)
    if one.times:
        because = f"it brought {one.gained / one.times:.2f} of 1 in {one.times} earlier runs"
    else:
        because = f"not tried for {question.kind} yet"
    if choice.explored:
        because += "; another is believed to be better: tried to learn"
    return InterventionAnswer(action=choice.action, because=because, explored=choice.explored)


def _trouble(question: InterventionQuestion, answer: InterventionAnswer) -> str | None:
    """What is wrong with an answer: a model keeps to what binds the rule."""
    if answer.action not in question.allowed:
        return f"{answer.action} is not in {question.allowed}"
    bound = not question.explore or not question.learning
    if bound and answer.action != (best := _rule(question).action):
        return f"no experiments here: {best} is the action known as best"
    if answer.action == "give_up" and set(question.allowed) - set(_LAST_RESORTS):
        return "a remedy is left"
    return None


INTERVENTION = Judgement(
    name="log_monitor.intervention",
    agent="log_monitor",
    answer=InterventionAnswer,
    rule=_rule,
    prompt="You supervise training runs. Choose one action of `allowed` for the incident; `known`"
    " says what each brought before, from 0 to 1 a run.",
    check=_trouble,
    reads=lambda q: ("logs",),
)


class LogMonitor:
    """Diagnoses how runs go and end, and chooses interventions from a closed list."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def ended(
        self,
        assigned: AssignedTicket,
        reading: Reading,
        status: SandboxStatus,
        age_s: float,
        earlier: Sequence[Trial] = (),
    ) -> Alarm | None:
        """What is wrong with how a run stands or ended, by what the engine knows; or None.

        Args:
            age_s: seconds since its container started.
            earlier: the runs that it starts again.
        """
        run = assigned.ticket.run
        if status.out_of_memory:
            return Alarm(kind="out_of_memory", diagnosis="the kernel ended it: out of memory")
        if status.workspace_full:
            room = assigned.budget.disk_mb
            return Alarm(
                kind="storage_full", diagnosis=f"its workspace is full (budget.disk_mb: {room} MiB)"
            )
        late = Alarm(kind="time_limit", diagnosis=f"it ran longer than {run.timeout_s:g} s")
        if status.state == "running":
            if age_s > run.timeout_s:
                return late
            if reading.seconds_silent > run.stall_s:
                return Alarm(kind="stalled", diagnosis=f"no line of output for {run.stall_s:g} s")
            return None
        if status.state == "missing":
            return Alarm(kind="engine_lost", diagnosis="its container is gone; outcome unknown")
        if status.state != "exited" or status.exit_code == 0:
            return None
        if status.exit_code in _ENDED_FROM_OUTSIDE and age_s > run.timeout_s:
            return late
        if (
            status.exit_code in _ENDED_FROM_OUTSIDE
            and not ending.failed_last(reading.tail)
            and not _lost_alike(earlier, status.exit_code)
        ):
            return Alarm(
                kind="engine_lost",
                diagnosis=f"something outside labcrew ended it (exit code {status.exit_code})",
            )
        return ending.ended(status.exit_code, False, False, reading.tail)

    async def diagnose(
        self,
        trial: Trial,
        alarms: Sequence[Alarm],
        reading: Reading,
        status: SandboxStatus,
        *,
        acts: str,
    ) -> Alarm:
        """What a run that has ended badly died of: the alarm to act on.

        Args:
            alarms: what is wrong with it; at least one.
            acts: as `intervene` takes it; by fixed rules nothing is asked.
        """
        if acts == "rules" or not doubtful(alarms):
            return cause(alarms)
        question = diagnosis_question(
            alarms,
            reading.tail,
            exit_code=status.exit_code,
            step=reading.step,
            values=trial.values,
        )
        return diagnosed(alarms, await self._judge.ask(DIAGNOSIS, question))

    def situation(
        self,
        assigned: AssignedTicket,
        trial: Trial,
        alarm: Alarm,
        reading: Reading,
        *,
        chain: Sequence[Incident],
        restarts: int,
        budget_left: int,
        offers: frozenset[Offer],
        running: bool,
    ) -> Situation:
        """What bounds the choice.

        Args:
            chain: incidents of the runs that this one restarts, and of this one.
            restarts: how many trials were restarted in this ticket already.
            budget_left: runs that the budget still holds.
            offers: what the program lets its supervisor do.
        """
        most = assigned.ticket.supervision.rescues
        depth = len({i.trial for i in chain if i.intervention and i.intervention.new_trial})
        # Restarts would else eat a search's budget.
        in_all = max(most, assigned.budget.trials // 8) - restarts
        # A run that only an engine lost is started again, however many it lost.
        lost = alarm.kind == "engine_lost"
        if lost:
            most, in_all = max(1, most), max(1, in_all)
        affordable = budget_left > 0 or lost
        tried = {
            i.intervention.action
            for i in chain
            if i.intervention and i.kind == alarm.kind and i.intervention.new_trial
        }
        return Situation(
            offers=offers,
            running=running,
            adjustable=adjustable(assigned.ticket.search_space, trial.values),
            memory_mb=trial.memory_mb,
            memory_limit_mb=assigned.budget.memory_limit_mb or assigned.budget.memory_mb,
            parallel=assigned.budget.parallel,
            restarts_left=max(0, min(most - depth, in_all)) if affordable else 0,
            evaluated=assigned.ticket.evaluator is not None,
            named_batch=bool(alarm.subject),
            progressed=reading.step > 0 or reading.reported is not None,
            tried=frozenset(tried),
        )

    async def intervene(
        self,
        assigned: AssignedTicket,
        trial: Trial,
        alarm: Alarm,
        situation: Situation,
        *,
        earlier: Iterable[Incident],
        acts: str,
    ) -> Verdict[InterventionAnswer]:
        """Chooses what to do about an incident.

        Args:
            earlier: recorded incidents, whose outcomes are learnt from.
            acts: "learning", "rules" or "alert", see `labcrew.settings.MonitorSettings`.
        """
        supervision = assigned.ticket.supervision
        choices = allowed(alarm.kind, supervision, situation)
        if acts == "alert":
            choices = ("continue",) if situation.running else ("give_up",)
        return await self._judge.ask(
            INTERVENTION,
            InterventionQuestion(
                id=incident_id(trial, alarm.kind),
                kind=alarm.kind,
                diagnosis=alarm.diagnosis,
                evidence=alarm.lines,
                values=trial.values,
                allowed=choices,
                known=experience(alarm.kind, choices, earlier),
                learning=acts == "learning",
                explore=not supervision.critical,
            ),
        )

    def incident(self, trial: Trial, alarm: Alarm, at_s: float) -> Incident:
        """The incident's record; one a trial and kind, so that a re-run writes the same."""
        return Incident(
            id=incident_id(trial, alarm.kind),
            ticket=trial.ticket,
            trial=trial.id,
            kind=alarm.kind,
            evidence=tuple(line[:300] for line in alarm.lines[-_EVIDENCE_LINES:]),
            diagnosis=alarm.diagnosis,
            confidence=alarm.confidence,
            step=alarm.step,
            subject=alarm.subject,
            at_s=round(at_s, 3),
        )


def _lost_alike(earlier: Sequence[Trial], code: int | None) -> bool:
    """Whether a run before was taken for lost by the same exit code: engines hardly do that."""
    return any(
        t.status == "unknown" and t.result is not None and t.result.exit_code == code
        for t in earlier
    )


def incident_id(trial: Trial, kind: IncidentKind) -> str:
    """An incident's name: a run has at most one of a kind."""
    return f"{trial.id}-{kind.replace('_', '-')}"
