"""The trial loop: design, launch, monitor."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from langgraph.runtime import Runtime

from agents.experiment_launcher import PastFailure, design_problems, spent
from agents.log_monitor import Reading, Watch
from graphs.nodes.ending import Ending, finish_trial
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.experiment import Trial
from labcrew.domain.monitoring import Alarm
from labcrew.domain.research import data_hash
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tools.run_trial import (
    StartTrial,
    TrialContainer,
    start_trial,
    stop_trial,
    watch_trial,
)
from tools.trial_spec import trial_container

T = TypeVar("T")


async def _together(*parts: Awaitable[T]) -> list[T]:
    """Waits for all, then raises the first error: none is left running behind a failed step."""
    done = await asyncio.gather(*parts, return_exceptions=True)
    found: list[T] = []
    for result in done:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found


async def design_trials(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Writes the next batch of trials; nothing left to try leads to the analysis."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    trials = work.trials(assigned.id)
    if any(trial.status in ("planned", "running") for trial in trials):
        return {"route": "launch_trials"}
    if hours_left(assigned, trials) <= 0:
        return {"route": "analyse"}
    designed = await asyncio.to_thread(
        work.crew.experiment_launcher.design,
        assigned,
        work.plan(assigned),
        trials,
        past_failures(work, assigned),
        state.get("escalation_round", 0) + 1,
    )
    problems = design_problems(assigned, trials, designed)
    if problems:
        raise ToolError(f"the design of trials can't be used: {'; '.join(problems)}.")
    with work.ledger.transaction():
        for trial in designed:
            work.ledger.trials.put(trial, actor="experiment_launcher", kind="trial.designed")
    if any(trial.status == "planned" for trial in designed):
        return {"route": "launch_trials"}
    return {"route": "analyse"}


def hours_left(assigned: AssignedTicket, trials: Iterable[Trial]) -> float:
    """Hours of the budget that are left; runs side by side count once."""
    seconds = sum(t.result.duration_s for t in trials if t.result is not None)
    return assigned.budget.hours - seconds / 3600 / assigned.budget.parallel


def past_failures(work: Work, assigned: AssignedTicket) -> list[PastFailure]:
    """Failed runs of other tickets on the same code and the same data."""
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
        for trial in work.ledger.trials.of(other.id)
        if trial.status in ("failed", "stopped") and trial.values
    ]


async def launch_trials(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Starts planned trials while there are free slots; each container starts once."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    trials = work.trials(assigned.id)
    free = assigned.budget.parallel - sum(trial.status == "running" for trial in trials)
    chosen = [trial for trial in trials if trial.status == "planned"][: max(0, free)]
    await _together(*(_launch(work, assigned, trial) for trial in chosen))
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
        running = trial.model_copy(update={"status": "running"})
        work.ledger.trials.put(running, actor="experiment_launcher", kind="trial.started")

    payload = {"trial": trial.id, "container": name}
    await work.ledger.once_async(f"{trial.id}/start", assigned.id, payload, start, find, runs)


async def monitor_trials(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Follows running trials until one needs something done, or for one tick at most."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    running = [t for t in work.trials(assigned.id) if t.status == "running"]
    await _wait(work, assigned, running)
    endings = [e for e in await _together(*(_look(work, assigned, t) for t in running)) if e]
    await _together(*(finish_trial(work, assigned, ending) for ending in endings))
    for ending in endings:
        work.watches.pop(ending.trial.id).close()
    left = [t.status for t in work.trials(assigned.id) if t.status in ("planned", "running")]
    slots = assigned.budget.parallel - left.count("running")
    if "planned" in left and slots > 0:
        return {"route": "launch_trials"}
    return {"route": "monitor_trials" if "running" in left else "design_trials"}


async def _wait(work: Work, assigned: AssignedTicket, running: list[Trial]) -> None:
    """Returns when a followed run has ended or has an alarm, or after a tick."""
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            loop.call_soon_threadsafe(woken.set)

    for trial in running:
        known = work.watches.get(trial.id)
        if known is None:
            work.watches[trial.id] = await _followed(work, assigned, trial, wake)
        else:
            known.wake_by(wake)
    readings = [work.watches[trial.id].reading() for trial in running]
    if any(r.ended or r.alarm for r in readings):
        return
    try:
        async with asyncio.timeout(work.tick_s):
            await woken.wait()
    except TimeoutError:
        return


async def _followed(
    work: Work, assigned: AssignedTicket, trial: Trial, wake: Callable[[], None]
) -> Watch:
    tools = work.toolbox("log_monitor", assigned, f"watch/{trial.id}")
    chunks = await tools.use(watch_trial, TrialContainer(trial=trial.id))
    return Watch(chunks, assigned, wake)


def _stop_key(trial: Trial) -> str:
    return f"{trial.id}/stop"


def _stopped_for(work: Work, trial: Trial) -> Alarm | None:
    """Why a run is being stopped, if that was decided before."""
    effect = work.ledger.effect(_stop_key(trial))
    return Alarm.model_validate(effect.payload) if effect is not None else None


async def _look(work: Work, assigned: AssignedTicket, trial: Trial) -> Ending | None:
    """What has become of a run; a run that has gone wrong is stopped here."""
    watch = work.watches[trial.id]
    reading: Reading = watch.reading()
    status = await asyncio.to_thread(work.bench.sandboxes.status, trial_container(trial.id))
    now = work.bench.clock.now()
    age_s = (now - status.started_at).total_seconds() if status.started_at else 0.0
    alarm = _stopped_for(work, trial) or work.crew.log_monitor.diagnose(
        assigned, reading, status, age_s
    )
    if status.state == "running" and alarm is not None:
        # Written down first: after a crash its exit code alone would look like a crash of its own.
        work.ledger.intend(_stop_key(trial), assigned.id, alarm.model_dump())
        tools = work.toolbox("log_monitor", assigned, f"stop/{trial.id}")
        await tools.use(stop_trial, TrialContainer(trial=trial.id))
        status = await asyncio.to_thread(work.bench.sandboxes.status, trial_container(trial.id))
    elif status.state == "running" and reading.ended:
        # Following broke off, the run goes on: follow it anew, from its first byte, at leisure.
        watch.close()
        work.watches[trial.id] = await _followed(work, assigned, trial, lambda: None)
        await asyncio.sleep(min(1.0, work.tick_s))
        return None
    if status.state in ("running", "created"):
        return None
    if work.ledger.effect(_stop_key(trial)) is not None:
        work.ledger.done(_stop_key(trial), {})
    await asyncio.to_thread(watch.join, 5.0)
    return Ending(
        trial=trial,
        status=status,
        reading=watch.reading(),
        alarm=alarm,
        age_s=age_s,
        budget_left=assigned.budget.trials - spent(work.trials(assigned.id)),
    )
