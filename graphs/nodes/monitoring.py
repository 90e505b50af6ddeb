"""The second half of the trial loop: follow running trials, and end those that need it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from langgraph.runtime import Runtime

from agents.monitoring.responses import ADVISORY
from agents.monitoring.watch import Watch
from graphs.nodes.ending import Ending, finish_trial
from graphs.nodes.incidents import Decided, left_open, open_incident, unanswered
from graphs.nodes.responding import respond
from graphs.nodes.together import together
from graphs.nodes.trials import hours_left
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.experiment import Trial
from labcrew.domain.monitoring import Alarm
from labcrew.domain.sandbox import SandboxStatus
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError
from tools.live_numbers import forget_numbers, show_numbers
from tools.run_trial import TrialContainer, stop_trial, watch_trial
from tools.trial_spec import trial_container


async def monitor_trials(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Follows running trials until one needs something done, or for one tick at most."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    running = [t for t in work.trials(assigned.id) if t.status == "running"]
    await _wait(work, assigned, running)
    endings = [e for e in await together(*(_look(work, assigned, t) for t in running)) if e]
    await together(*(finish_trial(work, assigned, ending) for ending in endings))
    for ending in endings:
        work.watches.pop(ending.trial.id).close()
        forget_numbers(work.bench.home, ending.trial)
    assigned, trials = work.assigned(assigned.id), work.trials(assigned.id)
    left = [t.status for t in trials if t.status in ("planned", "running")]
    slots = assigned.budget.parallel - left.count("running")
    hours = hours_left(assigned, trials, work.bench.clock.now())
    if "planned" in left and slots > 0 and hours > 0:
        return {"route": "launch_trials"}
    return {"route": "monitor_trials" if "running" in left else "design_trials"}


async def _wait(work: Work, assigned: AssignedTicket, running: list[Trial]) -> None:
    """Returns when a followed run has ended or has a new alarm, or after a tick."""
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
    await together(*(_tick(work, trial) for trial in running))
    for trial in running:
        reading = work.watches[trial.id].reading()
        if reading.ended or unanswered(work, trial, reading.alarms):
            return
    try:
        async with asyncio.timeout(work.tick_s):
            await woken.wait()
    except TimeoutError:
        return


async def _tick(work: Work, trial: Trial) -> None:
    """Tells a watch that time has passed, and what its container uses."""
    usage = None
    with suppress(LabcrewError):  # a lost engine: its status tells
        usage = await asyncio.to_thread(work.bench.sandboxes.usage, trial_container(trial.id))
    watch = work.watches[trial.id]
    await asyncio.to_thread(watch.tick, usage)
    await asyncio.to_thread(show_numbers, work.bench.home, trial, watch.points())


async def _followed(
    work: Work, assigned: AssignedTicket, trial: Trial, wake: Callable[[], None]
) -> Watch:
    tools = work.toolbox("log_monitor", assigned, f"watch/{trial.id}")
    chunks = await tools.use(watch_trial, TrialContainer(trial=trial.id))

    def opened(alarm: Alarm, at_s: float) -> None:
        # At once, from the watch's thread. A lost lease or a busy ledger: the loop does it again.
        with suppress(LabcrewError), work.ledger.transaction():
            if work.ledger.trials.get(trial.id).status == "running":
                open_incident(work, trial, alarm, at_s)

    return Watch(chunks, assigned, wake, opened)


def _stop_key(trial: Trial) -> str:
    return f"{trial.id}/stop"


def _stopped_for(work: Work, trial: Trial) -> Decided | None:
    """Why a run is being stopped, if that was decided before."""
    effect = work.ledger.effect(_stop_key(trial))
    return Decided.model_validate(effect.payload) if effect is not None else None


async def _look(work: Work, assigned: AssignedTicket, trial: Trial) -> Ending | None:
    """What has become of a run; a run that has gone wrong is helped or stopped here."""
    watch = work.watches[trial.id]
    reading = watch.reading()
    status = await _status(work, trial)
    # Of an ended run its own span: nobody may have looked for hours.
    until = status.finished_at or work.bench.clock.now()
    age_s = (until - status.started_at).total_seconds() if status.started_at else 0.0
    decided = _stopped_for(work, trial)
    if status.state == "running" and decided is None:
        alarm = work.crew.log_monitor.ended(assigned, reading, status, age_s)
        seen = left_open(work, trial, reading) if trial.id not in work.taken_up else ()
        work.taken_up.add(trial.id)
        if seen:
            reading = reading.model_copy(update={"alarms": (*seen, *reading.alarms)})
        decided = await respond(work, assigned, trial, reading, watch.points(), alarm)
        if decided is not None and decided.alarm.kind in ADVISORY:
            # A model may have thought for long: what has come to its end meanwhile is not stopped.
            status = await _status(work, trial)
            decided = decided if status.state == "running" else None
    if status.state == "running" and decided is not None:
        # Written down first: after a crash its exit code alone would look like a crash of its own.
        work.ledger.intend(_stop_key(trial), assigned.id, decided.model_dump(mode="json"))
        tools = work.toolbox("log_monitor", assigned, f"stop/{trial.id}")
        await tools.use(stop_trial, TrialContainer(trial=trial.id))
        status = await _status(work, trial)
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
        points=watch.points(),
        decided=decided,
        age_s=age_s,
    )


async def _status(work: Work, trial: Trial) -> SandboxStatus:
    return await asyncio.to_thread(work.bench.sandboxes.status, trial_container(trial.id))
