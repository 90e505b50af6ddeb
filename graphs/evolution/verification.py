"""Whether a loop's merge request holds: recomputed from the ledger and the stored outputs."""

from statistics import fmean

from agents.evolution.description import compose
from agents.evolution.keeping.compare import compare
from agents.evolution.keeping.scope import fewest
from graphs.evolution.evaluating import every, run_and_score
from graphs.evolution.loop import Loop
from graphs.evolution.recounting import misstated
from labcrew.domain.evolution import ScoredRun, code_hash
from labcrew.domain.review import MergeRequest, Verification
from labcrew.errors import EvidenceError, NotFound
from tools.evolution.outputs import kept_output

_MOST = 20
_RERUN_LEVEL = 0.995


def composed(loop: Loop, *, branch: str, commit: str) -> MergeRequest:
    """The merge request as the ledger makes it now."""
    evolution = loop.evolution
    cases, seeds = loop.cases("sealed"), loop.seeds("sealed", evolution.spec.keep.sealed_seeds)
    return compose(
        evolution,
        loop.rounds(),
        loop.scored(code_hash(evolution.baseline), cases, seeds),
        loop.scored(loop.champion, cases, seeds),
        branch=branch,
        rounds_branch=f"{branch}-rounds",
        commit=commit,
    )


def verify(loop: Loop, request: MergeRequest) -> Verification:
    """Holds a merge request against what it is made from.

    Every run that it rests on must stand in the ledger with its output on disk; noise, comparisons,
    the sealed result and every word are computed again; the branch must hold the base commit with
    the program that the gate chose, and nothing else.
    """
    problems: list[str] = []
    checked = 0
    for evidence in request.evidence:
        for score in (*evidence.scores, *evidence.against):
            checked += 1
            problems += _run(loop, loop.ledger.scored_runs.find(score.trial), score.value)
    problems += misstated(loop)
    try:
        again = composed(loop, branch=request.branch, commit=request.commit)
    except EvidenceError as error:
        problems.append(f"it can't be made from the ledger again: {error.message}")
    else:
        for name in ("template", "description", "evidence", "gain", "verdict", "title"):
            if getattr(again, name) != getattr(request, name):
                problems.append(f"its {name} is not what the ledger makes of it")
    problems += _branch(loop, request)
    return Verification(
        merge_request=request.id, checked=checked, problems=tuple(dict.fromkeys(problems))[:_MOST]
    )


async def rerun(loop: Loop, request: MergeRequest) -> str:
    """Runs the program that the gate chose again, on the sealed cases with seeds of their own.

    Returns:
        A sentence on how its scores stand beside the recorded ones.

    Raises:
        EvidenceError: it is surely worse than what was recorded.
        ToolError: it can't be run or scored.
    """
    evolution = loop.evolution
    rule, cases = evolution.spec.keep, loop.cases("sealed")
    seeds = loop.seeds("sealed", rule.sealed_seeds)
    fresh = loop.seeds("rerun", rule.sealed_seeds)
    step = f"rerun/{loop.bench.clock.now():%Y%m%d%H%M%S}"
    again = await run_and_score(loop, evolution.champion, every(cases, fresh), step)
    before = loop.scored(loop.champion, cases, seeds)
    # The new seeds take the places of the old ones, so that a case stands beside itself.
    places = {
        (case.id, new): old
        for (case, new), (_, old) in zip(every(cases, fresh), every(cases, seeds), strict=True)
    }
    moved = [run.model_copy(update={"seed": places[run.case, run.seed]}) for run in again]
    same = evolution.noise is not None and evolution.noise.deterministic
    # Of a program that brought chance in, fewer runs may all show the same.
    sure = same and rule.sealed_seeds >= fewest(_RERUN_LEVEL)
    worse = compare(evolution.scale, moved, before, _RERUN_LEVEL, exact=sure)
    old, new = (fmean(run.score for run in runs) for runs in (before, again))
    told = (
        f"{request.id} run again on {len(cases)} sealed cases with {len(fresh)} new"
        f" seed{'s' * (len(fresh) != 1)}: mean {new:.6g}, was {old:.6g}"
    )
    if worse.low > 0:
        raise EvidenceError(
            f"{told}: worse, by more than chance does 199 times in 200.",
            "Do not merge it: find out what differs between then and now.",
        )
    return told


def _run(loop: Loop, run: ScoredRun | None, value: float) -> list[str]:
    if run is None:
        return ["it rests on a run that the ledger does not have"]
    if run.score != value:
        return [f"{run.id} scored {run.score:g}, not {value:g}"]
    if not run.output_sha256:
        return [] if run.status != "ok" else [f"{run.id} has no output"]
    try:
        kept_output(loop.bench.home, loop.id, run.output_sha256)
    except EvidenceError as error:
        return [error.message]
    return []


def _branch(loop: Loop, request: MergeRequest) -> list[str]:
    evolution, repositories = loop.evolution, loop.bench.repositories
    chosen = {file.path: file.text.encode() for file in evolution.champion}
    try:
        for path, content in chosen.items():
            if repositories.read(loop.id, request.commit, path) != content:
                return [f"{path} on the branch is not the program that the gate chose"]
        changed = repositories.changed_files(loop.id, evolution.base_commit, request.commit)
    except NotFound as error:
        return [error.message]
    mine = chosen.keys() | {file.path for file in evolution.baseline}
    if others := sorted({p for file in changed for p in (file.path, file.old_path)} - mine):
        return [f"the branch changes {others[0]}, which is no file of the program"]
    return []
