"""A candidate is run and held against the champion: dropped, halted, reverted or kept."""

from typing import Any

from langgraph.runtime import Runtime

from agents.evolution.keeping.compare import compare as compared
from agents.evolution.keeping.decide import decide, promising
from agents.evolution.keeping.looks import FILTER, level_at
from agents.evolution.keeping.racing import clearly_behind
from agents.evolution.keeping.scope import exact, over_on_gate
from agents.evolution.keeping.ties import faster, fewer_tokens
from graphs.evolution.beginning import canaries, passed_canary
from graphs.evolution.evaluating import Wanted, every
from graphs.evolution.evaluating import evaluate as evaluated
from graphs.evolution.loop import Loop
from graphs.evolution.moving import current, decided
from graphs.evolution.state import EvolutionState, goes
from labcrew.domain.evolution import (
    CodeFile,
    Comparison,
    Evolution,
    Round,
    ScoredRun,
)
from labcrew.errors import EvidenceError
from tools.evolution.scoring import ScorerFailed

_FILTERLESS = ("always_keep", "random_search")
"""Controls that need each candidate's whole gate score, and no verdict of the keep rule."""


class Unbelievable(Exception):
    """Scores of a candidate that can't be trusted: its outputs broke, or bent, the scorer."""


async def evaluate(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Runs the candidate on the shown gate cases, in halves: one clearly behind is dropped."""
    loop = runtime.context
    try:
        return await _evaluate(loop)
    except Unbelievable as error:
        return decided(loop, current(loop), "reverted", str(error))


async def compare(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Holds the candidate against the champion; one that looks better is run again, both sides."""
    loop = runtime.context
    try:
        return await _compare(loop)
    except Unbelievable as error:
        return decided(loop, current(loop), "reverted", str(error))


async def _candidate(
    loop: Loop, files: tuple[CodeFile, ...], wanted: Wanted, step: str
) -> tuple[ScoredRun, ...]:
    """A candidate's runs. Raises Unbelievable where no score of them counts: the loop goes on."""
    try:
        return await evaluated(loop, files, wanted, step)
    except EvidenceError as error:
        raise Unbelievable(f"no score of it counts: {error.message}") from error


async def _champion(loop: Loop, wanted: Wanted, step: str) -> tuple[ScoredRun, ...]:
    """The champion's runs. Raises Unbelievable where no score of a kept one's counts: nothing can
    be held against it there, and what was kept must reach its sealed result all the same."""
    try:
        return await evaluated(loop, loop.evolution.champion, wanted, step)
    except (EvidenceError, ScorerFailed) as error:
        if not loop.evolution.champion_round:
            raise  # the program as it was: the scorer is at fault, and a person is told
        raise Unbelievable(f"no score of the champion's counts: {error.message}") from error


async def _evaluate(loop: Loop) -> dict[str, Any]:
    round_, evolution = current(loop), loop.evolution
    assert round_.proposal is not None
    files, spec = round_.proposal.files, evolution.spec
    cases, seeds = loop.shown(), loop.first_seeds()
    half = len(cases) // 2 if spec.keep.racing and len(cases) > 3 else len(cases)
    step = f"R{round_.number}/gate"
    begun = [*every(cases[:half], seeds), *canaries(loop, seeds)]
    runs = await _candidate(loop, files, begun, f"{step}/1")
    if (passed := passed_canary(loop, runs)) is not None:
        return _halted(loop, round_, passed)
    if half < len(cases):
        mine = [run for run in runs if run.split == "gate"]
        theirs = await evaluated(loop, evolution.champion, begun[: len(mine)], f"{step}/champion")
        assert evolution.noise is not None
        behind = clearly_behind(spec.metric, theirs, mine, evolution.noise)
        if behind and evolution.control not in _FILTERLESS:
            return decided(loop, round_, "dropped", behind)
    await _candidate(loop, files, every(cases[half:], seeds), f"{step}/2")
    score = loop.gate_mean(round_.proposal.code)
    loop.put(round_.model_copy(update={"status": "evaluated", "score": score}), "evaluated")
    return goes("compare")


def _halted(loop: Loop, round_: Round, passed: ScoredRun, **fields: Any) -> dict[str, Any]:
    """A pass of what nobody can pass says that scores can't be trusted: the loop stops."""
    reason = (
        f"it passed {passed.case}, which nobody can: scores of this loop can't be trusted"
        " until a person has looked"
    )
    return decided(loop, round_, "halted", reason, **fields)


async def _compare(loop: Loop) -> dict[str, Any]:
    round_, evolution = current(loop), loop.evolution
    assert round_.proposal is not None
    assert evolution.noise is not None
    spec, files = evolution.spec, round_.proposal.files
    wanted = every(loop.shown(), loop.first_seeds())
    mine = await _candidate(loop, files, wanted, f"R{round_.number}/gate")
    theirs = await evaluated(loop, evolution.champion, wanted, f"R{round_.number}/champion")
    same = evolution.noise.deterministic
    over = over_on_gate(spec.keep, deterministic=same)
    first = compared(spec.metric, theirs, mine, FILTER, exact=same, over=over)
    if evolution.control in _FILTERLESS:
        return await _by_control(loop, round_, evolution, first)
    retest: Comparison | None = None
    mine_again: tuple[ScoredRun, ...] = ()
    theirs_again: tuple[ScoredRun, ...] = ()
    quicker = ""
    if faster(evolution.noise, theirs, mine):
        quicker = await _side_by_side(loop, round_)
    saved = fewer_tokens(evolution.noise, theirs, mine) or quicker
    if promising(first, spec.keep, saved):
        looked = max((r.look for r in loop.rounds()), default=0)
        # A loop of before gate cases were parted sees those of its first look again: there each
        # round that could have been chosen by them counts.
        again = over == "cases" and not evolution.noise.parted
        look = max(looked + 1, round_.number) if again else looked + 1
        round_ = round_.model_copy(update={"look": look})
        level = level_at(round_.look, spec.keep, spec.budget.rounds)
        seeds = loop.retest_seeds()
        for part in sorted({-(-len(seeds) // 2), len(seeds)}):
            fresh = every(loop.held(), seeds[:part])
            step = f"R{round_.number}/retest/{part}"
            runs = await _candidate(loop, files, [*fresh, *canaries(loop, seeds)], step)
            if (passed := passed_canary(loop, runs)) is not None:
                return _halted(loop, round_, passed, first=first)
            mine_again = runs[: len(fresh)]
            theirs_again = await _champion(loop, fresh, f"{step}/champion")
            sure = exact(spec.keep, part, level, deterministic=same)
            retest = compared(spec.metric, theirs_again, mine_again, level, exact=sure, over=over)
            if retest.gain < 0 or (retest.gain == 0 and not saved):
                break  # half of it brought nothing: a stop for futility keeps nothing wrongly
    verdict, reason = decide(
        spec.metric,
        spec.keep,
        evolution.noise,
        first,
        retest,
        champion=(*theirs, *theirs_again),
        candidate=(*mine, *mine_again),
        protected=frozenset(case.id for case in loop.cases("gate") if case.protected),
        quicker=quicker,
    )
    if verdict == "kept":
        return await _kept(loop, round_, reason, first=first, retest=retest)
    return decided(loop, round_, verdict, reason, first=first, retest=retest)


async def _side_by_side(loop: Loop, round_: Round) -> str:
    """How much faster a candidate is than the champion, both run now; empty: it is not.

    The candidate runs between two turns of the champion's, so that a machine which is busy for a
    while, or is no longer, slows the champion down in one of them at most.
    """
    assert round_.proposal is not None
    assert loop.evolution.noise is not None
    cases, step = loop.cases("gate"), f"R{round_.number}/times"
    seeds = loop.seeds(step, 2)
    before = await _champion(loop, every(cases, seeds[:1]), f"{step}/before")
    mine = await _candidate(loop, round_.proposal.files, every(cases, seeds), step)
    after = await _champion(loop, every(cases, seeds[1:]), f"{step}/after")
    return faster(loop.evolution.noise, (*before, *after), mine)


async def _kept(loop: Loop, round_: Round, reason: str, **fields: Any) -> dict[str, Any]:
    """Keeps a candidate, once the runs that the next round's analysis needs of it are there."""
    assert round_.proposal is not None
    wanted = every(loop.cases("analysis"), loop.seeds("analysis", 1))
    try:
        await _candidate(loop, round_.proposal.files, wanted, f"R{round_.number}/analysis/after")
    except Unbelievable as error:
        return decided(loop, round_, "reverted", str(error), **fields)
    return decided(loop, round_, "kept", reason, **fields)


async def _by_control(
    loop: Loop, round_: Round, evolution: Evolution, first: Comparison
) -> dict[str, Any]:
    if evolution.control == "always_keep":
        return await _kept(loop, round_, "the control keeps every change", first=first)
    if first.gain > 0:
        return await _kept(loop, round_, "the best gate score so far", first=first)
    return decided(loop, round_, "reverted", "not the best gate score so far", first=first)
