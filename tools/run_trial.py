"""Tools that start, follow, stop and collect trials; each does its effect at most once."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.experiment import Trial
from labcrew.domain.sandbox import OutputFile, OverlayFile
from labcrew.domain.ticket import AssignedTicket
from tools.beginnings import beginning
from tools.network_log import note_requests
from tools.stored_outputs import outputs_hash
from tools.toolbox import Tool, Workbench
from tools.trial_spec import trial_container, trial_spec


class StartTrial(Model):
    """Starts a trial's container."""

    trial: Trial
    image: str
    cleaned: dict[str, Path] = Field(description="data path → cleaned copy")
    overlay: tuple[OverlayFile, ...] = Field(default=(), description="edited settings files")
    hosts: tuple[str, ...] = Field(default=(), description="hosts that the plan gate let it reach")


class TrialContainer(Model):
    """Names a trial whose container is meant."""

    trial: str


class Collected(Model):
    """What a trial left, and a hash over all of it."""

    folder: Path
    files: tuple[OutputFile, ...]
    sha256: str
    log: Path
    log_bytes: int
    log_sha256: str


def _start(call: StartTrial, assigned: AssignedTicket, bench: Workbench) -> None:
    bench.sandboxes.start(
        trial_spec(
            assigned,
            call.trial,
            image=call.image,
            cleaned=call.cleaned,
            overlay=call.overlay,
            hosts=call.hosts,
            beginning=beginning(bench.home, bench.repositories, assigned, call.trial),
        )
    )


def _watch(call: TrialContainer, assigned: AssignedTicket, bench: Workbench) -> Iterator[str]:
    return bench.sandboxes.watch(trial_container(call.trial))


def _stop(call: TrialContainer, assigned: AssignedTicket, bench: Workbench) -> None:
    bench.sandboxes.stop(trial_container(call.trial))


def log_path(bench: Workbench, ticket: str, subject: str) -> Path:
    """Where a run's log is kept."""
    return bench.home.artefacts(ticket) / "logs" / f"{subject}.log"


def collect(bench: Workbench, assigned: AssignedTicket, container: str, subject: str) -> Collected:
    """Keeps an ended container's outputs and log; doing it again gives the same."""
    log = log_path(bench, assigned.id, subject)
    log.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    partial = log.with_suffix(".partial")
    with partial.open("wb") as file:
        for chunk in bench.sandboxes.follow(container):
            data = chunk.encode("utf-8")
            file.write(data)
            digest.update(data)
            size += len(data)
    partial.replace(log)
    folder = bench.home.outputs(assigned.id, subject)
    files = bench.sandboxes.collect(container, assigned.ticket.outputs, folder, bench.output_cap_mb)
    return Collected(
        folder=folder,
        files=files,
        sha256=outputs_hash(files),
        log=log,
        log_bytes=size,
        log_sha256=digest.hexdigest(),
    )


def _collect(call: TrialContainer, assigned: AssignedTicket, bench: Workbench) -> Collected:
    container = trial_container(call.trial)
    if assigned.ticket.hosts:
        note_requests(bench, assigned.id, call.trial, bench.sandboxes.requests(container))
    return collect(bench, assigned, container, call.trial)


start_trial = Tool("start_trial", StartTrial, _start)
watch_trial = Tool("watch_trial", TrialContainer, _watch)
stop_trial = Tool("stop_trial", TrialContainer, _stop)
collect_outputs = Tool("collect_outputs", TrialContainer, _collect)
