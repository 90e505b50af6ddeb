"""Tool that runs a merge request's own commit, once, in a fresh sandbox; and reruns trials."""

import time
from pathlib import Path

from pydantic import Field

from labcrew import beneath
from labcrew.domain.base import Model
from labcrew.domain.experiment import Trial
from labcrew.domain.sandbox import OverlayFile, SandboxSpec
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket
from tools.beginnings import beginning, makes_checkpoints
from tools.network_log import note_requests
from tools.run_trial import Collected, collect
from tools.toolbox import Tool, Workbench
from tools.trial_spec import Beginning, run_spec, trial_spec

_TAIL_CHARACTERS = 2000


class RunSmokeTest(Model):
    """Runs a commit."""

    subject: str = Field(description="name for the container and the kept outputs")
    commit: str
    template: str
    values: Values
    seed: int
    image: str
    cleaned: dict[str, Path]


class Finished(Model):
    """A run that was waited for."""

    exit_code: int | None
    tail: str
    kept: Collected
    duration_s: float
    timed_out: bool


def run_to_end(
    bench: Workbench, assigned: AssignedTicket, spec: SandboxSpec, subject: str
) -> Finished:
    """Runs a container to its end or its deadline, keeps outputs and log, and removes it."""
    box = bench.sandboxes
    box.start(spec)
    deadline, timed_out = time.monotonic() + spec.limits.timeout_s, False
    while box.status(spec.name).state in ("created", "running"):
        if time.monotonic() > deadline:
            box.stop(spec.name)
            timed_out = True
            break
        time.sleep(0.05)
    if spec.hosts:
        note_requests(bench, assigned.id, subject, box.requests(spec.name))
    kept = collect(bench, assigned, spec.name, subject)
    status = box.status(spec.name)
    box.remove(spec.name)
    took = (
        (status.finished_at - status.started_at).total_seconds()
        if status.finished_at and status.started_at
        else 0.0
    )
    # A busy engine may note the start of a very short run after its end.
    took = max(took, 0.001)
    return Finished(
        exit_code=status.exit_code,
        tail=beneath.read(kept.log.parent, kept.log.name).decode("utf-8", "replace")[
            -_TAIL_CHARACTERS:
        ],
        kept=kept,
        duration_s=round(took, 3),
        timed_out=timed_out,
    )


def _smoke(call: RunSmokeTest, assigned: AssignedTicket, bench: Workbench) -> Finished:
    spec = run_spec(
        assigned,
        name=call.subject.lower(),
        purpose="smoke",
        image=call.image,
        commit=call.commit,
        template=call.template,
        values=call.values,
        seed=call.seed,
        memory_mb=assigned.budget.memory_mb,
        cleaned=call.cleaned,
        beginning=Beginning(checkpoints=makes_checkpoints(bench.repositories, assigned)),
    )
    return run_to_end(bench, assigned, spec, call.subject)


def rerun_trial(
    bench: Workbench,
    assigned: AssignedTicket,
    trial: Trial,
    image: str,
    cleaned: dict[str, Path],
    overlay: tuple[OverlayFile, ...],
    hosts: tuple[str, ...],
    subject: str,
) -> Finished:
    """Runs a recorded trial again, exactly as it ran: at the checkpoint that it began with.

    Args:
        hosts: what it may reach, as the plan gate let the ticket's trials.
    """
    spec = trial_spec(
        assigned,
        trial,
        image=image,
        cleaned=cleaned,
        overlay=overlay,
        hosts=hosts,
        name=subject.lower(),
        purpose="rerun",
        beginning=beginning(bench.home, bench.repositories, assigned, trial),
    )
    return run_to_end(bench, assigned, spec, subject)


run_smoke_test = Tool("run_smoke_test", RunSmokeTest, _smoke)
