"""Runs that have ended, kept one by one: an evaluation that is broken off loses none of them."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress

from graphs.evolution.loop import Loop
from labcrew.domain.evolution import EndedRun, Job, RawRun, run_id
from labcrew.errors import EvidenceError
from tools.evolution.outputs import keep_outputs, kept_output


def keep_ended(loop: Loop, code: str, run: RawRun) -> None:
    """Keeps a run, and counts what it used with it: both stand, or the run is made again."""
    keep_outputs(loop.bench.home, loop.id, [run])
    ended = EndedRun(
        id=run_id(loop.id, code, run.job.case, run.job.seed),
        ticket=loop.id,
        output_sha256=hashlib.sha256(run.output).hexdigest() if run.status == "ok" else "",
        **run.model_dump(exclude={"job", "output"}),
    )
    with loop.ledger.transaction():
        loop.ledger.ended_runs.put(ended, actor="experiment_launcher")
        loop.spend(run.model_tokens + run.model_lost_tokens, run.model_usd)


def known_runs(loop: Loop, code: str, jobs: Sequence[Job]) -> dict[str, RawRun]:
    """The jobs' runs that have ended, by alias; one whose output is gone has to be made again."""
    ids = {job.alias: run_id(loop.id, code, job.case, job.seed) for job in jobs}
    known = loop.ledger.ended_runs.some(ids.values())
    found: dict[str, RawRun] = {}
    for job in jobs:
        ended = known.get(ids[job.alias])
        if ended is not None:
            with suppress(EvidenceError):
                found[job.alias] = _as_it_was(loop, ended, job)
    return found


def _as_it_was(loop: Loop, ended: EndedRun, job: Job) -> RawRun:
    output = b""
    if ended.status == "ok":
        output = kept_output(loop.bench.home, loop.id, ended.output_sha256)
    fields = ended.model_dump(exclude={"id", "ticket", "output_sha256"})
    return RawRun(job=job, output=output, **fields)
