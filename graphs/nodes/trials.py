"""The first half of the trial loop: design and launch."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from langgraph.runtime import Runtime

from agents.budget_used import hours_run
from agents.experiment_launcher import PastFailure, cured, design_problems
from graphs.nodes.incidents import incidents_of
from graphs.nodes.together import together
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.experiment import Trial, TrialResult
from labcrew.domain.monitoring import IncidentKind
from labcrew.domain.research import data_hash
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EvidenceError, ToolError
from tools.run_trial import StartTrial, start_trial
from tools.trial_spec import trial_container


async def design_trials(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Writes the next batch of trials; nothing left to try leads to the analysis."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    trials = work.trials(assigned.id)
    if hours_left(assigned, trials) <= 0 and not any(t.status == "running" for t in trials):
        return {"route": "analyse"}  # what is planned waits until a person gives more
    if any(trial.status in ("planned", "running") for trial in trials):
        return {"route": "launch_trials"}
    patch, failures = work.patch(assigned), past_failures(work, assigned)
    launcher = work.crew.experiment_launcher
    present = work.on_present_data(assigned, trials)
    comparable = {trial.id for trial in present}
    earlier = [trial for trial in trials if trial.id not in comparable]
    sampled = await asyncio.to_thread(
        launcher.design,
        assigned,
        work.plan(assigned),
        present,
        failures,
        state.get("escalation_round", 0) + 1,
        patch.code if patch is not None else "",
        earlier,
    )
    designed = await launcher.choose(assigned, present, sampled, failures, earlier)
    problems = design_problems(assigned, trials, designed)
    if problems:
        raise ToolError(f"the design of trials can't be used: {'; '.join(problems)}.")
    with work.ledger.transaction():
        for trial in designed:
            work.ledger.trials.put(trial, actor="experiment_launcher", kind="trial.designed")
    if any(trial.status == "planned" for trial in designed):
        return {"route": "launch_trials"}
    return {"route": "analyse"}


def hours_left(
    assigned: AssignedTicket, trials: Iterable[Trial], now: datetime | None = None
) -> float:
    """Hours of the budget that are left; runs side by side count once.

    Args:
        now: until when runs count that are under way; None: they count once they have ended.
    """
    return assigned.budget.hours - hours_run(trials, assigned.budget.parallel, now)


def past_failures(work: Work, assigned: AssignedTicket) -> list[PastFailure]:
    """Failed runs of other tickets on the same code and the same data that may fail so again."""
    mine = data_hash(work.cards(assigned.id), cleaned=False)
    return [
        PastFailure(
            trial=trial.id,
            values=trial.values,
            reason=trial.result.reason if trial.result else trial.status,
        )
        for other in work.ledger.tickets.all()
        if other.id != assigned.id
        and other.base_commit == assigned.base_commit
        and other.ticket.run.command == assigned.ticket.run.command
        and data_hash(work.cards(other.id), cleaned=False) == mine
        for trials in [work.ledger.trials.of(other.id)]
        for trial in trials
        if trial.status in ("failed", "stopped") and trial.values and trial.id not in cured(trials)
        if _may_fail_again(work, assigned, other, trial)
    ]


def _may_fail_again(
    work: Work, assigned: AssignedTicket, other: AssignedTicket, trial: Trial
) -> bool:
    """Whether what a run of another ticket failed by is the same here: its limit is no higher, the
    metric and the environment are no other.
    """
    kinds = {
        incident.kind
        for incident in incidents_of(work, trial)
        if incident.intervention is None or not incident.intervention.part_of
    }
    then, now = other.ticket, assigned.ticket
    changed: dict[IncidentKind, bool] = {
        "time_limit": now.run.timeout_s > then.run.timeout_s,
        "stalled": now.run.stall_s > then.run.stall_s,
        "out_of_memory": assigned.budget.memory_mb > trial.memory_mb,
        "storage_full": assigned.budget.disk_mb > other.budget.disk_mb,
        "no_metric": (now.metric, now.evaluator) != (then.metric, then.evaluator),
        "crashed": False,
    }
    here = work.plan(assigned).environment_key
    elsewhere = any(plan.environment_key != here for plan in work.ledger.plans.of(other.id)[-1:])
    return not any(kind in kinds and (elsewhere or differs) for kind, differs in changed.items())


async def launch_trials(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Starts planned trials while there are free slots; each container starts once."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    trials = work.trials(assigned.id)
    free = assigned.budget.parallel - sum(trial.status == "running" for trial in trials)
    chosen = [trial for trial in trials if trial.status == "planned"][: max(0, free)]
    await together(*(_launch(work, assigned, trial) for trial in chosen))
    return {}


async def _launch(work: Work, assigned: AssignedTicket, trial: Trial) -> None:
    tools = work.toolbox("experiment_launcher", assigned, f"launch/{trial.id}")
    name = trial_container(trial.id)

    async def start() -> dict[str, Any]:
        await tools.use(
            start_trial,
            StartTrial(
                trial=trial,
                image=work.image(assigned.id),
                cleaned=work.cleaned(assigned.id),
                overlay=await work.overlay(assigned, trial, tools),
                hosts=work.hosts(assigned),
            ),
        )
        return {"container": name}

    async def find() -> dict[str, Any] | None:
        # A container that was made but never started is finished by starting it again.
        status = await asyncio.to_thread(work.bench.sandboxes.status, name)
        return {"container": name} if status.state in ("running", "exited") else None

    def runs() -> None:
        began = {"status": "running", "started_at": work.bench.clock.now()}
        running = trial.model_copy(update=began)
        work.ledger.trials.put(running, actor="experiment_launcher", kind="trial.started")

    payload = {"trial": trial.id, "container": name}
    try:
        await work.ledger.once_async(f"{trial.id}/start", assigned.id, payload, start, find, runs)
    except EvidenceError as error:
        # Its checkpoint is gone or another: that ends this restart, not the ticket.
        _not_started(work, trial, error.message)


def _not_started(work: Work, trial: Trial, reason: str) -> None:
    """Writes down that a trial could not begin."""
    result = TrialResult(
        exit_code=None,
        reason=reason,
        duration_s=0,
        outputs_sha256="",
        output_files=0,
        log_bytes=0,
    )
    with work.ledger.transaction():
        work.ledger.done(f"{trial.id}/start", {"not_started": reason})
        work.ledger.trials.put(
            trial.model_copy(update={"status": "failed", "result": result}),
            actor="experiment_launcher",
            kind="trial.ended",
        )
