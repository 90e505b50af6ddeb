"""What happens when a trial has ended: keep its outputs, score it, act on what went wrong."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from agents.budget_used import spent
from agents.monitoring.disagreement import disagreement
from agents.monitoring.history import history_of
from agents.monitoring.remedies import remedy
from agents.monitoring.responses import ADVISORY
from agents.monitoring.watch import Reading
from agents.restarts import earlier_runs
from graphs.nodes.incidents import (
    Decided,
    answer_incident,
    answer_the_rest,
    close_incidents,
    open_incident,
    unanswered,
)
from graphs.nodes.responding import decide, withdraw_questions
from graphs.nodes.resuming import resumption
from graphs.work import Work
from labcrew import beneath
from labcrew.domain.experiment import (
    MetricPoint,
    Rescue,
    Score,
    TrackedRun,
    Trial,
    TrialResult,
    TrialStatus,
)
from labcrew.domain.measuring import Metric, ReportedNumber
from labcrew.domain.monitoring import Alarm, IncidentKind
from labcrew.domain.research import data_hash
from labcrew.domain.sandbox import SandboxStatus
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, ToolError
from tools.evaluate import EvaluateOutputs, evaluate_outputs
from tools.reported import from_file, from_output
from tools.run_trial import Collected, TrialContainer, collect_outputs
from tools.toolbox import Toolbox
from tools.track_run import TrackRun, track_run
from tools.trial_spec import trial_container


@dataclass(frozen=True)
class Ending:
    """A trial whose container has stopped, and why."""

    trial: Trial
    status: SandboxStatus
    reading: Reading
    points: tuple[MetricPoint, ...]
    decided: Decided | None
    age_s: float


_ENDED_FROM_OUTSIDE: dict[IncidentKind, TrialStatus] = {"engine_lost": "unknown"}


async def finish_trial(work: Work, assigned: AssignedTicket, ending: Ending) -> None:
    """Ends a trial's record. Each step can be repeated; the container goes last."""
    trial = ending.trial
    alarm = ending.decided.alarm if ending.decided else await _wrong(work, assigned, ending)
    tools = work.toolbox("log_monitor", assigned, f"finish/{trial.id}")
    kept = None
    if ending.status.state != "missing":
        try:
            kept = await tools.use(collect_outputs, TrialContainer(trial=trial.id))
        except BoundaryError as error:
            alarm = alarm or Alarm(kind="no_metric", diagnosis=error.message)
            work.ledger.events.append(
                ticket=assigned.id,
                actor="log_monitor",
                kind="outputs.left_behind",
                key=f"{trial.id}/outputs",
                data={"trial": trial.id, "because": error.message},
            )
    score = None
    if alarm is None and kept is not None:
        try:
            score = await _scored(work, assigned, trial, kept, tools)
        except ToolError as error:
            alarm = Alarm(kind="no_metric", diagnosis=error.message)
    if score is not None and kept is not None:
        alarm = await _doubted(work, assigned, ending, kept, score, tools)
        score = None if alarm is not None else score
    ended = trial.model_copy(
        update={
            "status": "scored" if score else _status(ending, alarm),
            "score": score,
            "result": _result(ending, alarm, kept),
        }
    )
    tracked = await _tracked(work, assigned, ended, kept, tools)
    ended = ended.model_copy(update={"tracker_run": tracked})
    decided = ending.decided
    if alarm is not None and decided is None:
        decided = await decide(work, assigned, trial, alarm, ending.reading, running=False)
    start = None
    if decided is not None and kept is not None and decided.action.startswith("restart"):
        start = await resumption(work, assigned, trial, decided.alarm, tools)
    _write(work, assigned, ending, decided, start, ended)
    await asyncio.to_thread(work.bench.sandboxes.remove, trial_container(trial.id))


def _status(ending: Ending, alarm: Alarm | None) -> TrialStatus:
    if alarm is not None and alarm.kind in _ENDED_FROM_OUTSIDE:
        return _ENDED_FROM_OUTSIDE[alarm.kind]
    return "stopped" if ending.decided is not None else "failed"


async def _wrong(work: Work, assigned: AssignedTicket, ending: Ending) -> Alarm | None:
    """What is wrong with a run that ended by itself, if anything."""
    monitor = work.crew.log_monitor
    earlier = earlier_runs(ending.trial, work.trials(assigned.id))
    last = monitor.ended(assigned, ending.reading, ending.status, ending.age_s, earlier)
    pending = unanswered(work, ending.trial, ending.reading.alarms)
    # A run that came to its end with something that it may go on with has come to its end.
    bad = [alarm for alarm in pending if last is not None or alarm.kind not in ADVISORY]
    if last is not None:
        bad.append(last)
    if not bad:
        return None
    return await monitor.diagnose(
        ending.trial, bad, ending.reading, ending.status, acts=work.supervising
    )


async def _doubted(
    work: Work,
    assigned: AssignedTicket,
    ending: Ending,
    kept: Collected,
    score: Score,
    tools: Toolbox,
) -> Alarm | None:
    """What is wrong with a score that is far from what the run printed, after a second look.

    The evaluator is asked again about the same outputs: where it says the same it stands, and the
    incident tells that the run's own number was wrong.
    """
    metric = assigned.ticket.metric
    found = None
    if score.source == "evaluator":
        found = disagreement(metric, ending.reading.reported, ending.points, score.value)
    if found is None or "reevaluate" not in assigned.ticket.supervision.actions:
        return None
    again = await _evaluated(work, assigned, ending.trial, kept, tools, suffix="score")
    same = again.value == score.value
    because = (
        f"the evaluator said {again.value:.6g} again" if same else f"it then said {again.value:.6g}"
    )
    told = Decided(alarm=found, action="reevaluate", because=because, by="rule")
    answer_incident(work, ending.trial, told, ending.age_s)
    if same:
        return None
    return found.model_copy(update={"diagnosis": f"{found.diagnosis}, and asked again {because}"})


async def _tracked(
    work: Work, assigned: AssignedTicket, ended: Trial, kept: Collected | None, tools: Toolbox
) -> str:
    """The tracker's id for the run; a tracker that is down costs its record, not the trial."""
    curves: tuple[MetricPoint, ...] = ()
    if kept is not None:
        chunks = beneath.chunks(kept.log.parent, kept.log.name)
        metric = assigned.ticket.metric.name
        curves = (await asyncio.to_thread(history_of, chunks, metric)).points()
    run = TrackedRun(trial=ended, title=assigned.ticket.title, metrics=curves)
    try:
        return await tools.use(track_run, TrackRun(run=run))
    except ToolError as error:
        work.ledger.events.append(
            ticket=assigned.id,
            actor="log_monitor",
            kind="tracking.failed",
            key=f"{ended.id}/tracking",
            data={"trial": ended.id, "because": error.message},
        )
        return ""


def _result(ending: Ending, alarm: Alarm | None, kept: Collected | None) -> TrialResult:
    status = ending.status
    took = (
        (status.finished_at - status.started_at).total_seconds()
        if status.finished_at and status.started_at
        else ending.age_s
    )
    return TrialResult(
        exit_code=status.exit_code,
        reason=alarm.diagnosis if alarm else "it ran to its end",
        duration_s=round(max(0.0, took), 3),
        outputs_sha256=kept.sha256 if kept else "",
        output_files=len(kept.files) if kept else 0,
        log_bytes=kept.log_bytes if kept else 0,
        log_sha256=kept.log_sha256 if kept else "",
        reported=ending.reading.reported,
        best=ending.reading.best,
        unread=ending.reading.unread,
    )


async def _scored(
    work: Work, assigned: AssignedTicket, trial: Trial, kept: Collected, tools: Toolbox
) -> Score:
    """The evaluator's score on validation; without an evaluator what the run reported."""
    if assigned.ticket.evaluator is not None:
        return await _evaluated(work, assigned, trial, kept, tools, suffix="validation")
    return Score(
        value=reported_value(assigned, kept.folder, kept.log, trial.id),
        split="validation",
        source="reported",
        trial=trial.id,
        commit=assigned.base_commit,
        data_sha256=data_hash(work.cards(assigned.id), cleaned=trial.data == "cleaned"),
        outputs_sha256=kept.sha256,
        seed=trial.seed,
        image_digest=work.bench.sandboxes.image_digest(work.image(assigned.id)),
    )


async def _evaluated(
    work: Work,
    assigned: AssignedTicket,
    trial: Trial,
    kept: Collected,
    tools: Toolbox,
    *,
    suffix: str,
) -> Score:
    """The evaluator's score on validation, in a container of its own."""
    return await tools.use(
        evaluate_outputs,
        EvaluateOutputs(
            subject=trial.id,
            folder=kept.folder,
            expected_sha256=kept.sha256,
            split="validation",
            seed=trial.seed,
            commit=assigned.base_commit,
            image=work.image(assigned.id),
            data_sha256=data_hash(work.cards(assigned.id), cleaned=trial.data == "cleaned"),
            container=f"{trial.id}-{suffix}".lower(),
        ),
    )


def reported_value(
    assigned: AssignedTicket,
    folder: Path,
    log: Path,
    subject: str,
    number: ReportedNumber | None = None,
) -> float:
    """The metric that a run reported, from its file or its log. Raises ToolError without one.

    Args:
        number: another number than the metric: its holdout.
    """
    metric: Metric | ReportedNumber = number or assigned.ticket.metric
    field = "metric.holdout" if number is not None else "metric"
    value = from_file(metric, folder) if metric.file is not None else None
    if value is None and metric.pattern is not None:
        value = from_output(metric, beneath.lines(log.parent, log.name))
    if value is None:
        where = "what is kept of the output"
        if metric.file is not None:
            where = f"{assigned.ticket.outputs}/{metric.file}"
        raise ToolError(
            f"{subject} ended well, but {where} shows no {metric.name!r}, or its last one is NaN,"
            " infinite or null.",
            f"Correct {field}.name, {field}.file or {field}.pattern in the ticket, or the program:"
            " it must write no null for what it didn't measure.",
        )
    return value


def _write(
    work: Work,
    assigned: AssignedTicket,
    ending: Ending,
    decided: Decided | None,
    start: Rescue | None,
    ended: Trial,
) -> None:
    """Writes trial, incidents and a restart in one commit, so that none is ever half there."""
    reading, trial = ending.reading, ending.trial
    with work.ledger.transaction():
        restart = _restart(work, assigned, trial, decided, start) if decided else None
        if decided is not None:
            new = restart.id if restart else ""
            if decided.action.startswith("restart") and restart is None:
                update = {"action": "give_up", "because": "the budget's runs are spent"}
                decided = decided.model_copy(update=update)
            answer_incident(work, trial, decided, ending.age_s, new)
        for alarm in reading.alarms:
            open_incident(work, trial, alarm, reading.at_s)
        answer_the_rest(work, trial, decided.alarm if decided is not None else None)
        withdraw_questions(work, assigned, trial)
        if reading.failed:
            work.ledger.events.append(
                ticket=assigned.id,
                actor="log_monitor",
                kind="detector.failed",
                key=f"{trial.id}/detectors",
                data={"trial": trial.id, "failed": reading.failed},
            )
        work.ledger.trials.put(ended, actor="log_monitor", kind="trial.ended")
        close_incidents(work, assigned, ended)


def _restart(
    work: Work, assigned: AssignedTicket, trial: Trial, decided: Decided, start: Rescue | None
) -> Trial | None:
    """The trial that starts a run again, where that was chosen and the budget still has a run."""
    trials = work.trials(assigned.id)
    # Runs that end side by side were each told of the same last run of the budget.
    affordable = spent(trials) < assigned.budget.trials or decided.alarm.kind == "engine_lost"
    if not decided.action.startswith("restart") or not affordable:
        return None
    again = remedy(assigned, trial, decided.action, decided.alarm, trials)
    rescue = again.rescue
    # Other settings begin anew: their score must be theirs.
    if start is not None and again.values == trial.values:
        rescue = rescue.model_copy(update=start.model_dump(exclude_defaults=True))
    made = work.crew.experiment_launcher.restart(
        assigned,
        trials,
        trial,
        again.values,
        again.memory_mb,
        rescue,
        f"{trial.id} again after {decided.alarm.kind.replace('_', ' ')}",
    )
    work.ledger.trials.put(made, actor="log_monitor", kind="trial.restarted")
    return made
