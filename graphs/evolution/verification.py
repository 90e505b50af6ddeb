"""Whether a loop's merge request holds: recomputed from the ledger and the stored outputs."""

from agents.evolution.description import compose
from agents.evolution.keeping.sealing import sealed_result
from graphs.evolution.loop import Loop
from labcrew.domain.evolution import ScoredRun, code_hash
from labcrew.domain.review import MergeRequest, Verification
from labcrew.errors import EvidenceError, NotFound
from tools.evolution.outputs import kept_output

_MOST = 20


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

    Every run that it rests on must stand in the ledger with its output on disk; the sealed result,
    every number and every word are computed again; the branch must hold the program that the gate
    chose.
    """
    problems: list[str] = []
    checked = 0
    for evidence in request.evidence:
        for score in (*evidence.scores, *evidence.against):
            checked += 1
            problems += _run(loop, loop.ledger.scored_runs.find(score.trial), score.value)
    problems += _sealed(loop)
    again = composed(loop, branch=request.branch, commit=request.commit)
    for name in ("template", "description", "evidence", "gain", "verdict", "title"):
        if getattr(again, name) != getattr(request, name):
            problems.append(f"its {name} is not what the ledger makes of it")
    problems += _branch(loop, request)
    return Verification(
        merge_request=request.id, checked=checked, problems=tuple(dict.fromkeys(problems))[:_MOST]
    )


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


def _sealed(loop: Loop) -> list[str]:
    evolution = loop.evolution
    sealed = evolution.sealed
    if sealed is None:
        return ["the sealed split was not opened"]
    cases, seeds = loop.cases("sealed"), loop.seeds("sealed", evolution.spec.keep.sealed_seeds)
    baseline = loop.scored(code_hash(evolution.baseline), cases, seeds)
    final = loop.scored(loop.champion, cases, seeds)
    if {len(baseline), len(final)} != {len(cases) * len(seeds)}:
        return ["runs of the sealed split are missing"]
    again = sealed_result(
        evolution.scale, evolution.spec.keep, baseline=baseline, final=final,
        others=(baseline, final), gate=sealed.gate,
        deterministic=evolution.noise is not None and evolution.noise.deterministic,
    )  # fmt: skip
    same = (again.comparison, again.baseline, again.final, again.relative, again.seeds)
    told = (sealed.comparison, sealed.baseline, sealed.final, sealed.relative, sealed.seeds)
    return [] if same == told else ["the sealed result is not what its runs give"]


def _branch(loop: Loop, request: MergeRequest) -> list[str]:
    try:
        for file in loop.evolution.champion:
            held = loop.bench.repositories.read(loop.id, request.commit, file.path)
            if held != file.text.encode():
                return [f"{file.path} on the branch is not the program that the gate chose"]
    except NotFound as error:
        return [error.message]
    return []
