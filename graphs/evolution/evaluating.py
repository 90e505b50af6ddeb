"""Evaluations: what the ledger has is not run again; what it lacks is run, scored and kept."""

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from graphs.evolution.ended_runs import keep_ended, known_runs
from graphs.evolution.loop import Halted, Loop
from labcrew.domain.evolution import (
    HALTED,
    CodeFile,
    Evolution,
    Job,
    RawRun,
    ScoredRun,
    code_hash,
    run_id,
    seed_of,
)
from labcrew.domain.evolution_spec import Case
from labcrew.errors import EvidenceError
from tools.evolution.outputs import keep_outputs
from tools.evolution.run_candidate import RunCandidate, run_candidate
from tools.evolution.score_outputs import ScoreOutputs, score_outputs, unscored
from tools.evolution.scoring import ScorerFailed
from tools.toolbox import Tool, Workbench

Wanted = Sequence[tuple[Case, int]]


def every(cases: Sequence[Case], seeds: Sequence[int]) -> list[tuple[Case, int]]:
    """Every case with every seed, each case with seeds of its own."""
    return [(case, seed_of(case.id, seed)) for case in cases for seed in seeds]


async def evaluate(
    loop: Loop,
    files: tuple[CodeFile, ...],
    wanted: Wanted,
    step: str,
    *,
    twice: bool = False,
    or_worst: bool = False,
) -> tuple[ScoredRun, ...]:
    """The runs of one program on cases and seeds, in their order.

    Args:
        loop: the loop at work.
        files: the program.
        wanted: cases, of whatever splits, each with its seed.
        step: names the evaluation; the same on every re-run.
        twice: score it again, to see that the scorer agrees with itself.
        or_worst: outputs that the scorer can't be trusted with have the worst score there is; for
            a program that no other is held against, to which that would be a gift.

    Raises:
        Halted: a person paused or stopped the loop.
        EvidenceError, ToolError: the scorer can't be trusted with these outputs.
    """
    code = code_hash(files)
    ids = [run_id(loop.id, code, case.id, seed) for case, seed in wanted]
    known = loop.ledger.scored_runs.some(ids)
    missing = [pair for pair, id in zip(wanted, ids, strict=True) if id not in known]
    if missing:
        if loop.evolution.status in HALTED:
            raise Halted
        jobs = _jobs(loop, code, missing, step)
        with loop.evaluation():
            raw = known_runs(loop, code, jobs)
            if left := tuple(job for job in jobs if job.alias not in raw):
                keep = partial(keep_ended, loop, code)
                ran = await _run(loop, files, left, step, keep, until_halted=True)
                raw |= {run.job.alias: run for run in ran}
            if len(raw) < len(jobs):
                raise Halted
            runs = tuple(raw[job.alias] for job in jobs)
            made = await _score(loop, files, missing, runs, step, twice=twice, or_worst=or_worst)
        with loop.ledger.transaction():
            for run in made:
                loop.ledger.scored_runs.put(run, actor="experiment_launcher")
        known |= {run.id: run for run in made}
    return tuple(known[id] for id in ids)


async def run_and_score(
    loop: Loop, files: tuple[CodeFile, ...], missing: Wanted, step: str
) -> tuple[ScoredRun, ...]:
    """Runs a program and has it scored; the ledger is told nothing.

    Raises EvidenceError, ToolError.
    """
    jobs = _jobs(loop, code_hash(files), missing, step)
    raw = await _run(
        loop, files, jobs, step, lambda run: keep_outputs(loop.bench.home, loop.id, [run])
    )
    return await _score(loop, files, missing, raw, step)


def _jobs(loop: Loop, code: str, missing: Wanted, step: str) -> tuple[Job, ...]:
    by_alias = {
        loop.drawn("alias", step, code, case.id, seed)[:24]: (case, seed) for case, seed in missing
    }
    # In the order of the aliases, so that a run's place says nothing of its case either.
    return tuple(
        Job(case=case.id, alias=alias, input=case.input, seed=seed)
        for alias, (case, seed) in sorted(by_alias.items())
    )


async def _run(
    loop: Loop,
    files: tuple[CodeFile, ...],
    jobs: tuple[Job, ...],
    step: str,
    keep: Callable[[RawRun], None],
    *,
    until_halted: bool = False,
) -> tuple[RawRun, ...]:
    """The runs of jobs, in their order; `keep` is given each as it ends, in the tool's thread."""

    def each_kept(call: RunCandidate, evolution: Evolution, bench: Workbench) -> tuple[RawRun, ...]:
        ran: dict[str, RawRun] = {}
        with closing(run_candidate.run(call, evolution, bench)) as runs:
            for run in runs:
                keep(run)
                ran[run.job.alias] = run
        return tuple(ran[job.alias] for job in call.jobs if job.alias in ran)

    evolution = loop.evolution
    call = RunCandidate(
        files=files,
        jobs=jobs,
        image=evolution.image,
        parallel=evolution.spec.budget.parallel,
        until_halted=until_halted,
    )
    tool = Tool(run_candidate.name, run_candidate.call, each_kept)
    return await loop.tools("experiment_launcher", step).use(tool, call)


async def _score(
    loop: Loop,
    files: tuple[CodeFile, ...],
    missing: Wanted,
    runs: tuple[RawRun, ...],
    step: str,
    *,
    twice: bool = False,
    or_worst: bool = False,
) -> tuple[ScoredRun, ...]:
    evolution, cases = loop.evolution, {case.id: case for case, _ in missing}
    # The first scoring showed that so many at once fit into the scorer's time; more might not.
    most = max(1, len(loop.cases("gate")) * evolution.spec.keep.noise_seeds)
    scored: list[ScoredRun] = []
    for begin in range(0, len(runs), most):
        part = runs[begin : begin + most]
        call = ScoreOutputs(
            code=code_hash(files),
            runs=part,
            cases=tuple(cases[id] for id in dict.fromkeys(run.job.case for run in part)),
            image=evolution.image,
            twice=twice,
        )
        try:
            made = await loop.tools("experiment_launcher", step).use(score_outputs, call)
        except (EvidenceError, ScorerFailed) as error:
            if not or_worst:
                raise
            made = unscored(call, evolution, error.message)
        scored += made
    return tuple(scored)
