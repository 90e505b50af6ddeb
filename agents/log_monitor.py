"""The log monitor: follows each run while it trains and stops what has gone wrong."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from agents.monitoring.detectors import DETECTORS
from labcrew.domain.base import Model
from labcrew.domain.experiment import Incident, Trial
from labcrew.domain.monitoring import Action, Alarm, Expectations, IncidentKind, Observation
from labcrew.domain.sandbox import SandboxStatus
from labcrew.domain.search_space import Parameter, Value, Values, nearest
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError
from labcrew.judgement import Judge, Judgement, Verdict
from tools.log_lines import metrics, step_of
from tools.reported import from_line

_KEPT_LINES = 400
_ENDED_FROM_OUTSIDE = (137, 143, 255)
"""SIGKILL, SIGTERM, and what a restarted engine reports: no verdict on the settings."""
_EVIDENCE_LINES = 8
_MAX_LINE = 20_000


class Reading(Model):
    """What is known of a followed run at one moment."""

    ended: bool
    alarm: Alarm | None
    reported: float | None
    step: int
    seconds_silent: float
    log_bytes: int
    tail: tuple[str, ...]


class Watch:
    """One run being followed, in a thread of its own.

    Args:
        chunks: the run's output from its first byte.
        assigned: whose metric is looked for.
        wake: called on an alarm and at the end.
    """

    def __init__(
        self, chunks: Iterator[str], assigned: AssignedTicket, wake: Callable[[], None]
    ) -> None:
        self._chunks, self._metric, self._wake = chunks, assigned.ticket.metric, wake
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._detectors = [make(expectations(assigned)) for make in DETECTORS]
        self._tail: deque[str] = deque(maxlen=_KEPT_LINES)
        self._alarm: Alarm | None = None
        self._reported: float | None = None
        self._step, self._lines, self._bytes = 0, 0, 0
        self._ended, self._closing = False, False
        self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="labcrew-watch")
        self._thread.start()

    def _follow(self) -> None:
        try:
            for line in _lines(self._chunks):
                if self._closing:
                    return
                self._take(line)
        except LabcrewError:
            return  # the engine or the container is gone; its status tells which
        finally:
            with self._lock:
                self._ended = True
            self._wake()

    def _take(self, line: str) -> None:
        numbers = metrics(line)
        value = from_line(self._metric, line)
        seen = Observation(at_s=time.monotonic() - self._begun, text=line, numbers=numbers)
        with self._lock:
            self._heard = time.monotonic()
            self._lines += 1
            self._bytes += len(line) + 1
            self._tail.append(line[:_MAX_LINE])
            self._step = step_of(numbers, self._step)
            if value is not None:
                self._reported = value
            if self._alarm is not None:
                return
            for detector in self._detectors:
                self._alarm = detector.see(seen)
                if self._alarm is not None:
                    break
            else:
                return
        self._wake()

    def reading(self) -> Reading:
        """What is known now."""
        with self._lock:
            return Reading(
                ended=self._ended,
                alarm=self._alarm,
                reported=self._reported,
                step=self._step,
                seconds_silent=0.0 if self._ended else time.monotonic() - self._heard,
                log_bytes=self._bytes,
                tail=tuple(self._tail),
            )

    def wake_by(self, wake: Callable[[], None]) -> None:
        """Calls another function from now on."""
        self._wake = wake

    def close(self) -> None:
        """Lets the thread go at its next line."""
        self._closing = True

    def join(self, timeout_s: float) -> None:
        """Waits for the end of the output."""
        self._thread.join(timeout_s)


def expectations(assigned: AssignedTicket) -> Expectations:
    """What is known of a ticket's runs before they start."""
    ticket, budget = assigned.ticket, assigned.budget
    return Expectations(
        metric=ticket.metric.name,
        direction=ticket.metric.direction,
        stall_s=ticket.run.stall_s,
        timeout_s=ticket.run.timeout_s,
        memory_mb=budget.memory_mb,
        disk_mb=budget.disk_mb,
    )


def _lines(chunks: Iterable[str]) -> Iterator[str]:
    """Whole lines out of chunks; a carriage return ends a line too, as progress bars use it."""
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        yield from whole
        if len(rest) > _MAX_LINE:
            yield rest
            rest = ""
    if rest:
        yield rest


class InterventionQuestion(Model):
    """What to do about an incident."""

    kind: IncidentKind
    diagnosis: str
    evidence: tuple[str, ...]
    values: Values
    adjustable: tuple[str, ...]
    allowed: tuple[Action, ...]


class InterventionAnswer(Model):
    """The choice from the closed list."""

    action: Action
    because: str


def _rule(question: InterventionQuestion) -> InterventionAnswer:
    order: dict[IncidentKind, tuple[Action, ...]] = {
        "not_finite": ("restart_lower_rate",),
        "diverged": ("restart_lower_rate",),
        "out_of_memory": ("restart_smaller_batch", "restart_with_memory"),
        "engine_lost": ("restart_same",),
    }
    for action in order.get(question.kind, ()):
        if action in question.allowed:
            return InterventionAnswer(
                action=action, because=f"{question.kind} is often cured by it; tried once"
            )
    return InterventionAnswer(action="give_up", because=f"no remedy is left for {question.kind}")


INTERVENTION = Judgement(
    name="log_monitor.intervention",
    agent="log_monitor",
    answer=InterventionAnswer,
    rule=_rule,
    prompt="You supervise training runs. Choose one action of `allowed` for the incident.",
    check=lambda q, a: None if a.action in q.allowed else f"{a.action} is not in {q.allowed}",
    reads=lambda q: ("logs",),
)

Remedy = Literal["learning_rate", "batch_size"]


class LogMonitor:
    """Diagnoses how runs go and end, and chooses interventions from a closed list."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def diagnose(
        self, assigned: AssignedTicket, reading: Reading, status: SandboxStatus, age_s: float
    ) -> Alarm | None:
        """What is wrong with a run, from what it printed and what the engine knows; or None.

        Args:
            age_s: seconds since its container started.
        """
        run = assigned.ticket.run
        if status.out_of_memory:
            return Alarm(kind="out_of_memory", diagnosis="the kernel ended it: out of memory")
        if status.workspace_full:
            room = assigned.budget.disk_mb
            return Alarm(
                kind="storage_full", diagnosis=f"its workspace is full (budget.disk_mb: {room} MiB)"
            )
        if reading.alarm is not None:
            return reading.alarm
        if status.state == "running":
            if age_s > run.timeout_s:
                return Alarm(kind="time_limit", diagnosis=f"it ran longer than {run.timeout_s:g} s")
            if reading.seconds_silent > run.stall_s:
                return Alarm(kind="stalled", diagnosis=f"no line of output for {run.stall_s:g} s")
            return None
        if status.state == "missing":
            return Alarm(kind="engine_lost", diagnosis="its container is gone; outcome unknown")
        if status.state == "exited" and status.exit_code in _ENDED_FROM_OUTSIDE:
            if age_s > run.timeout_s:
                return Alarm(kind="time_limit", diagnosis=f"it ran longer than {run.timeout_s:g} s")
            return Alarm(
                kind="engine_lost",
                diagnosis=f"something outside labcrew ended it (exit code {status.exit_code})",
            )
        if status.state == "exited" and status.exit_code != 0:
            return Alarm(kind="crashed", diagnosis=_cause(reading.tail, status.exit_code))
        return None

    async def intervene(
        self,
        assigned: AssignedTicket,
        trial: Trial,
        alarm: Alarm,
        reading: Reading,
        *,
        restarts: int,
        budget_left: int,
    ) -> tuple[Verdict[InterventionAnswer], Values, int]:
        """Chooses what to do; answers the verdict, and the settings and MiB of a new trial.

        Args:
            restarts: how many trials were restarted in this ticket already.
            budget_left: runs that the budget still holds.
        """
        space = assigned.ticket.search_space
        smaller = _smaller(space, trial.values, alarm.kind)
        # A restart of a restart, or of every third trial, would eat the search's budget.
        may_restart = (
            not trial.restarts
            and budget_left > 0
            and restarts < max(1, assigned.budget.trials // 8)
        )
        lower: Action = (
            "restart_smaller_batch" if alarm.kind == "out_of_memory" else "restart_lower_rate"
        )
        allowed: list[Action] = ["give_up"]
        if may_restart and smaller is not None:
            allowed.append(lower)
        if alarm.kind == "engine_lost" and not trial.restarts:
            allowed.append("restart_same")
        # Only as far as a person approved: no agent raises its own budget.
        ceiling = assigned.budget.memory_limit_mb or assigned.budget.memory_mb
        if may_restart and alarm.kind == "out_of_memory" and 2 * trial.memory_mb <= ceiling:
            allowed.append("restart_with_memory")
        verdict = await self._judge.ask(
            INTERVENTION,
            InterventionQuestion(
                kind=alarm.kind,
                diagnosis=alarm.diagnosis,
                evidence=evidence(reading),
                values=trial.values,
                adjustable=tuple(n for n, p in space.items() if p.role != "other"),
                allowed=tuple(allowed),
            ),
        )
        memory = trial.memory_mb * (2 if verdict.answer.action == "restart_with_memory" else 1)
        values = (smaller or trial.values) if verdict.answer.action == lower else trial.values
        return verdict, values, memory

    def incident(self, trial: Trial, alarm: Alarm, reading: Reading, age_s: float) -> Incident:
        """The incident's record; one a trial, so that a re-run writes the same."""
        return Incident(
            id=f"{trial.id}-I",
            ticket=trial.ticket,
            trial=trial.id,
            kind=alarm.kind,
            evidence=evidence(reading),
            diagnosis=alarm.diagnosis,
            at_s=round(age_s, 1),
        )


def evidence(reading: Reading) -> tuple[str, ...]:
    """The last lines that were printed, shortened."""
    return tuple(line[:300] for line in reading.tail[-_EVIDENCE_LINES:])


def _cause(tail: tuple[str, ...], exit_code: int | None) -> str:
    for line in reversed(tail):
        text = line.strip()
        if text and not text.startswith(("File ", "at ")):
            return f"it ended with exit code {exit_code}: {text[:300]}"
    return f"it ended with exit code {exit_code} and printed nothing"


def _smaller(space: dict[str, Parameter], values: Values, kind: IncidentKind) -> Values | None:
    """Settings with a tenth of the learning rate, or half the batch; None if that isn't legal."""
    role: Remedy = "batch_size" if kind == "out_of_memory" else "learning_rate"
    factor = 0.5 if role == "batch_size" else 0.1
    for name, parameter in space.items():
        value = values.get(name)
        if parameter.role != role or value is None or isinstance(value, str | bool):
            continue
        lower = _nearest_legal(parameter, value, factor)
        if lower is not None:
            return values | {name: lower}
    return None


def _nearest_legal(parameter: Parameter, value: int | float, factor: float) -> Value | None:
    if parameter.type == "choice":
        below = [
            c
            for c in parameter.choices
            if isinstance(c, int | float) and not isinstance(c, bool) and c < value
        ]
        return max(below, default=None)
    lower = nearest(parameter, value * factor)
    return lower if lower < value else None
