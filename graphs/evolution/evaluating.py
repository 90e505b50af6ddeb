"""Evaluations: what the ledger has is not run again; what it lacks is run, scored and kept."""

from collections.abc import Sequence

from graphs.evolution.loop import HALTED, Halted, Loop
from labcrew.domain.evolution import CodeFile, Job, RawRun, ScoredRun, code_hash, run_id, seed_of
from labcrew.domain.evolution_spec import Case
from labcrew.errors import EvidenceError
from tools.evolution.outputs import keep_outputs
from tools.evolution.run_candidate import RunCandidate, run_candidate
from tools.evolution.score_outputs import ScoreOutputs, score_outputs, unscored
from tools.evolution.scoring import ScorerFailed

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
        loop.spend()
        try:
            raw = await _run(loop, files, missing, step)
            tokens, usd = sum(run.model_tokens for run in raw), sum(run.model_usd for run in raw)
            # Before they are scored: what no score comes of has been spent all the same.
            loop.spend(tokens, usd, evaluating=True)
            made = await _score(loop, files, missing, raw, step, twice=twice, or_worst=or_worst)
        finally:
            loop.spend(evaluating=True)
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
    raw = await _run(loop, files, missing, step)
    return await _score(loop, files, missing, raw, step)


async def _run(
    loop: Loop, files: tuple[CodeFile, ...], missing: Wanted, step: str
) -> tuple[RawRun, ...]:
    evolution, code = loop.evolution, code_hash(files)
    by_alias = {
        loop.drawn("alias", step, code, case.id, seed)[:24]: (case, seed) for case, seed in missing
    }
    # In the order of the aliases, so that a run's place says nothing of its case either.
    jobs = tuple(
        Job(case=case.id, alias=alias, input=case.input, seed=seed)
        for alias, (case, seed) in sorted(by_alias.items())
    )
    tools = loop.tools("experiment_launcher", step)
    runs = await tools.use(
        run_candidate,
        RunCandidate(
            files=files, jobs=jobs, image=evolution.image, parallel=evolution.spec.budget.parallel
        ),
    )
    keep_outputs(loop.bench.home, loop.id, runs)
    return runs


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
