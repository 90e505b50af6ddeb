"""What happens when a trial has ended: keep its outputs, score it, act on what went wrong."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from agents.experiment_launcher import spent
from agents.log_monitor import Reading
from graphs.work import Work
from labcrew import beneath
from labcrew.domain.experiment import (
    Incident,
    Intervention,
    Score,
    TrackedRun,
    Trial,
    TrialResult,
    TrialStatus,
)
from labcrew.domain.monitoring import Alarm
from labcrew.domain.research import data_hash
from labcrew.domain.sandbox import SandboxStatus
from labcrew.domain.ticket import AssignedTicket, Metric, ReportedNumber
from labcrew.errors import BoundaryError, ToolError
from tools.evaluate import EvaluateOutputs, evaluate_outputs
from tools.log_lines import points
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
    alarm: Alarm | None
    age_s: float
    budget_left: int


_STATUS: dict[str, TrialStatus] = {
    "not_finite": "stopped",
    "diverged": "stopped",
    "stalled": "stopped",
    "time_limit": "stopped",
    "engine_lost": "unknown",
}


async def finish_trial(work: Work, assigned: AssignedTicket, ending: Ending) -> None:
    """Ends a trial's record. Each step can be repeated; the container goes last."""
    trial, alarm = ending.trial, ending.alarm
    tools = work.toolbox("log_monitor", assigned, f"finish/{trial.id}")
    kept = None
    if ending.status.state != "missing":
        try:
            kept = await tools.use(collect_outputs, TrialContainer(trial=trial.id))
        except BoundaryError as error:
            alarm = alarm or Alarm(kind="no_metric", diagnosis=error.message)
    score = None
    if alarm is None and kept is not None:
        try:
            score = await _scored(work, assigned, trial, kept, tools)
        except ToolError as error:
            alarm = Alarm(kind="no_metric", diagnosis=error.message)
    ended = trial.model_copy(
        update={
            "status": "scored" if score else _STATUS.get(alarm.kind if alarm else "", "failed"),
            "score": score,
            "result": _result(ending, alarm, kept),
        }
    )
    tracked = await _tracked(work, assigned, ended, kept, tools)
    ended = ended.model_copy(update={"tracker_run": tracked})
    await _write(work, assigned, ending, alarm, ended)
    await asyncio.to_thread(work.bench.sandboxes.remove, trial_container(trial.id))


async def _tracked(
    work: Work, assigned: AssignedTicket, ended: Trial, kept: Collected | None, tools: Toolbox
) -> str:
    """The tracker's id for the run; a tracker that is down costs its record, not the trial."""
    lines = beneath.lines(kept.log.parent, kept.log.name) if kept else ()
    run = TrackedRun(trial=ended, title=assigned.ticket.title, metrics=points(lines))
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
    )


async def _scored(
    work: Work, assigned: AssignedTicket, trial: Trial, kept: Collected, tools: Toolbox
) -> Score:
    """The evaluator's score on validation; without an evaluator what the run reported."""
    data = data_hash(work.cards(assigned.id), cleaned=trial.data == "cleaned")
    image = work.image(assigned.id)
    if assigned.ticket.evaluator is not None:
        return await tools.use(
            evaluate_outputs,
            EvaluateOutputs(
                subject=trial.id,
                folder=kept.folder,
                expected_sha256=kept.sha256,
                split="validation",
                seed=trial.seed,
                commit=assigned.base_commit,
                image=image,
                data_sha256=data,
                container=f"{trial.id}-validation".lower(),
            ),
        )
    return Score(
        value=reported_value(assigned, kept.folder, kept.log, trial.id),
        split="validation",
        source="reported",
        trial=trial.id,
        commit=assigned.base_commit,
        data_sha256=data,
        outputs_sha256=kept.sha256,
        seed=trial.seed,
        image_digest=work.bench.sandboxes.image_digest(image),
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
        where = f"{assigned.ticket.outputs}/{metric.file}" if metric.file else "the output"
        raise ToolError(
            f"{subject} ended well, but {where} never shows {metric.name!r}.",
            f"Correct {field}.name, {field}.file or {field}.pattern in the ticket.",
        )
    return value


async def _write(
    work: Work, assigned: AssignedTicket, ending: Ending, alarm: Alarm | None, ended: Trial
) -> None:
    """Writes trial, incident and a restart in one commit, so that none is ever half there."""
    monitor, incident, restart = work.crew.log_monitor, None, None
    if alarm is not None:
        trials = work.trials(assigned.id)
        verdict, values, memory = await monitor.intervene(
            assigned,
            ending.trial,
            alarm,
            ending.reading,
            restarts=sum(1 for t in trials if t.restarts),
            budget_left=ending.budget_left,
        )
        incident = monitor.incident(ending.trial, alarm, ending.reading, ending.age_s)
        action = verdict.answer.action
        with work.ledger.transaction():
            trials = work.trials(assigned.id)
            # Runs that end side by side were each told of the same last run of the budget.
            affordable = spent(trials) < assigned.budget.trials or action == "restart_same"
            if action.startswith("restart") and affordable:
                made = work.crew.experiment_launcher.restart(
                    assigned,
                    trials,
                    ending.trial,
                    values,
                    f"{ending.trial.id} again after {alarm.kind.replace('_', ' ')}",
                )
                restart = made.model_copy(update={"memory_mb": memory})
                work.ledger.trials.put(restart, actor="log_monitor", kind="trial.restarted")
            done = Intervention(
                action=action,
                because=verdict.answer.because,
                by=verdict.by,
                new_trial=restart.id if restart else "",
            )
            work.ledger.incidents.put(
                incident.model_copy(update={"intervention": done}),
                actor="log_monitor",
                kind="incident.opened",
            )
            _close(work, ended)
        return
    with work.ledger.transaction():
        _close(work, ended)


def _close(work: Work, ended: Trial) -> None:
    """Writes an ended trial, and on the incident that it restarted whether that helped."""
    work.ledger.trials.put(ended, actor="log_monitor", kind="trial.ended")
    if not ended.restarts:
        return
    incident: Incident | None = work.ledger.incidents.find(f"{ended.restarts}-I")
    if incident is not None and incident.intervention is not None:
        helped = incident.intervention.model_copy(update={"helped": ended.status == "scored"})
        work.ledger.incidents.put(
            incident.model_copy(update={"intervention": helped}),
            actor="log_monitor",
            kind="incident.closed",
        )
