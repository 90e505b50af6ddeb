"""The figures of a loop, computed again from the runs that the ledger has."""

from collections.abc import Iterator

from agents.evolution.keeping.compare import compare
from agents.evolution.keeping.looks import FILTER, level_at
from agents.evolution.keeping.noise import at_first_looks, noise_floor
from agents.evolution.keeping.scope import exact, over_on_gate
from graphs.evolution.comparing import left_out_gain, left_out_seeds, sealed_of, without_each
from graphs.evolution.loop import Loop
from labcrew.domain.evolution import Comparison, Round, ScoredRun, code_hash
from labcrew.domain.evolution_spec import Case
from labcrew.errors import EvidenceError


def misstated(loop: Loop) -> Iterator[str]:
    """Which figures are not what the runs give: noise, rounds, the sealed result, what was left
    out; a sentence each."""
    if loop.evolution.sealed is None:
        yield "the sealed split was not opened"
    else:
        again = sealed_of(loop)
        if again is None:
            yield "runs of the sealed split are missing"
        elif again != loop.evolution.sealed:
            yield "the sealed result is not what its runs give"
    yield from _noise(loop)
    for round_ in loop.rounds():
        yield from _round(loop, round_)
    yield from _left_out(loop)


def _noise(loop: Loop) -> Iterator[str]:
    evolution, rule = loop.evolution, loop.evolution.spec.keep
    cases, seeds = loop.cases("gate"), loop.seeds("noise", 2 * rule.noise_seeds)
    code, half = code_hash(evolution.baseline), rule.noise_seeds
    a, b = loop.scored(code, cases, seeds[:half]), loop.scored(code, cases, seeds[half:])
    if {len(a), len(b)} != {len(cases) * half}:
        yield "runs of the noise are missing"
        return
    again = noise_floor(evolution.scale, a, b, rule, evolution.spec.budget.rounds)
    again = again.model_copy(update={"parted": loop.parted})  # an older loop's cases were not
    if at_first_looks(again, (*a, *b), {case.id for case in loop.shown()}) != evolution.noise:
        yield "the noise is not what its runs give"


def _round(loop: Loop, round_: Round) -> Iterator[str]:
    rule, proposal = loop.evolution.spec.keep, round_.proposal
    if proposal is None or round_.first is None:
        return
    same = loop.evolution.noise is not None and loop.evolution.noise.deterministic
    pair = round_.champion, proposal.code
    first = _compared(loop, *pair, loop.shown(), loop.first_seeds(), FILTER, exact=same)
    if first != round_.first:
        yield f"the first comparison of round {round_.number} is not what its runs give"
    if round_.retest is None:
        return
    # A re-test that brought nothing ended half way.
    held = loop.held()
    many = round_.retest.pairs // len(held)
    seeds = loop.seeds(f"retest/{round_.champion}", rule.retest_seeds)[:many]
    level = level_at(round_.look, rule, loop.evolution.spec.budget.rounds)
    sure = exact(rule, many, level, deterministic=same)
    if _compared(loop, *pair, held, seeds, level, exact=sure) != round_.retest:
        yield f"the re-test of round {round_.number} is not what its runs give"


def _compared(
    loop: Loop,
    champion: str,
    candidate: str,
    cases: tuple[Case, ...],
    seeds: tuple[int, ...],
    level: float,
    *,
    exact: bool,
) -> Comparison | None:
    evolution = loop.evolution
    same = evolution.noise is not None and evolution.noise.deterministic
    old, new = (loop.scored(code, cases, seeds) for code in (champion, candidate))
    if not _whole(new, cases, seeds):
        return None
    try:
        over = over_on_gate(evolution.spec.keep, deterministic=same)
        return compare(evolution.scale, old, new, level, exact=exact, over=over)
    except EvidenceError:
        return None


def _left_out(loop: Loop) -> Iterator[str]:
    evolution, cases = loop.evolution, loop.held()
    seeds = left_out_seeds(loop, own=any(kept.own_seeds for kept in evolution.kept))
    told = {kept.round: kept for kept in evolution.kept}
    final = loop.scored(loop.champion, cases, seeds)
    for round_, rest in without_each(loop):
        kept = told.get(round_.number)
        if kept is None:
            yield f"what round {round_.number} brings is not told"
            continue
        runs = loop.scored(code_hash(rest), cases, seeds) if rest is not None else ()
        lacks = any(run.status == "unscored" for run in runs)
        scored = _whole(runs, cases, seeds) and _whole(final, cases, seeds) and not lacks
        if rest is not None and not scored and not kept.unscored:
            yield f"runs that tell what round {round_.number} brings are missing"
            continue
        again = left_out_gain(evolution, runs, final) if scored else None
        if again != kept.left_out or (kept.unscored and (scored or rest is None)):
            yield f"what round {round_.number} brings is not what its runs give"


def _whole(runs: tuple[ScoredRun, ...], cases: tuple[Case, ...], seeds: tuple[int, ...]) -> bool:
    return len(runs) == len(cases) * len(seeds) > 0
