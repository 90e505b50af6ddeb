"""One turn of the loop: analyse → propose → screen → evaluate → compare → keep or revert → note.

Each node finds the round as the ledger has it and moves it one step on; a killed loop goes on at
the step that was under way.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

from langgraph.runtime import Runtime

from agents.evolution.analysis import analyse as analysed
from agents.evolution.bandit import choose
from agents.evolution.keeping.compare import compare as compared
from agents.evolution.keeping.decide import decide, promising
from agents.evolution.keeping.looks import FILTER, level_at
from agents.evolution.keeping.racing import clearly_behind
from agents.evolution.keeping.ties import cheaper
from agents.evolution.notes import family, loop_warning, note_of
from agents.evolution.proposing import Situation, Tried
from agents.evolution.screening import screen as screened
from graphs.evolution.beginning import canaries, passed_canary
from graphs.evolution.evaluating import evaluate as evaluated
from graphs.evolution.evaluating import every
from graphs.evolution.gates import open_gate
from graphs.evolution.loop import Loop
from graphs.evolution.state import EvolutionState, goes
from graphs.evolution.stopping import finish_reason
from labcrew.domain.evolution import (
    Comparison,
    Evolution,
    Proposal,
    Round,
    ScoredRun,
    Verdict,
    code_hash,
    round_id,
)
from labcrew.domain.remembered import record_of_lesson
from labcrew.domain.research import Lesson
from labcrew.evolution_file import may_edit, widened
from tools.evolution.outputs import kept_output
from tools.evolution.record_round import RecordRound, record_round

_NOTES = 8


def _current(loop: Loop) -> Round:
    found = loop.round
    assert found is not None
    return found


async def analyse(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Begins a round, unless a bound is reached: where does the champion fail, and why?"""
    loop = runtime.context
    evolution = loop.evolution
    if why := finish_reason(evolution, loop.rounds()):
        loop.ledger.intend(finished(loop.id), loop.id, {})
        loop.ledger.done(finished(loop.id), {"why": why})
        return goes("open_sealed")
    loop.began_s, loop.evaluated_s, loop.tokens = loop.bench.clock.monotonic(), 0.0, 0
    number = evolution.rounds + 1
    cases = loop.cases("analysis")
    runs = await evaluated(
        loop, evolution.champion, every(cases, loop.seeds("analysis", 1)), f"R{number}/analysis"
    )
    outputs = await asyncio.to_thread(_outputs, loop, runs)
    analysis = analysed(evolution.scale, runs, outputs, cases)
    round_ = Round(
        id=round_id(loop.id, number),
        ticket=loop.id,
        number=number,
        status="analysed",
        champion=loop.champion,
        analysis=analysis,
        began_at=loop.bench.clock.now().isoformat(timespec="seconds"),
    )
    loop.put(round_, "begun")
    return goes("propose")


def finished(evolution: str) -> str:
    """The key of the effect that ends a loop's rounds."""
    return f"{evolution}/finished"


def _outputs(loop: Loop, runs: Sequence[ScoredRun]) -> dict[str, bytes]:
    return {
        run.id: kept_output(loop.bench.home, loop.id, run.output_sha256)
        for run in runs
        if run.output_sha256
    }


# Propose


async def propose(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Asks proposers, the bandit's choice first, until one has something to try."""
    loop = runtime.context
    round_ = _current(loop)
    situation = await situation_of(loop, round_)
    chance = loop.random(f"round/{round_.number}")
    proposal = _let_through(loop, situation)
    if proposal is None:
        proposal, why = await _proposed(loop, situation, chance)
        if proposal is not None:
            loop.say(f"round {round_.number}: {proposal.title} ({why})")
    if proposal is None:
        loop.ledger.intend(finished(loop.id), loop.id, {})
        loop.ledger.done(finished(loop.id), {"why": "no proposer has anything new to try"})
        return goes("open_sealed")
    loop.put(round_.model_copy(update={"status": "proposed", "proposal": proposal}), "proposed")
    return goes("screen")


async def _proposed(
    loop: Loop, situation: Situation, chance: Random
) -> tuple[Proposal | None, str]:
    """The first new proposal, and why its proposer had the turn; of kinds that rest, the last."""
    left = {p.name: p for p in loop.proposers if p.can(situation)}
    if not left:
        return None, ""
    if loop.evolution.control in ("random_search", "no_memory"):
        names = sorted(left)
        order, why = tuple(chance.sample(names, len(names))), "drawn"
        resting: frozenset[str] = frozenset()
    else:
        resting = frozenset(loop_warning(situation.rounds).resting)
        turn = choose(tuple(left), situation.rounds, chance, resting=resting & set(left))
        order, why = turn.order, turn.why
    spare: Proposal | None = None
    for name in order:
        proposal = await left[name].propose(situation, chance)
        if proposal is not None and not resting.isdisjoint(family(proposal)):
            spare, proposal = spare or proposal, None
        if proposal is not None:
            return proposal, why
    return spare, f"{why} Nothing but what rests came to the proposers"


async def situation_of(loop: Loop, round_: Round) -> Situation:
    """All that proposers may know; a control knows less."""
    evolution = loop.evolution
    history = loop.rounds()
    control = evolution.control
    notes: tuple[str, ...] = ()
    if not control or control == "always_keep":
        recalled = await asyncio.to_thread(
            loop.bench.memory.recall, "lessons", round_.analysis.summary, limit=_NOTES
        )
        own = [f"{r.note} {r.criticism}".strip() for r in history[-_NOTES:]]
        notes = (*own, *(found.record.text for found in recalled if not found.lapsed))
    else:
        history = ()
    champion = evolution.baseline if control == "random_search" else evolution.champion
    return Situation(
        spec=widened(evolution),
        champion=champion,
        baseline=evolution.baseline,
        analysis=round_.analysis,
        tried=_tried(loop, history),
        rounds=history,
        notes=notes,
        components=loop.components(),
    )


def _tried(loop: Loop, history: Sequence[Round]) -> tuple[Tried, ...]:
    """The programs that have a whole gate score, the baseline first."""
    if not history:
        return ()
    found = []
    programs = [(0, loop.evolution.baseline, True)]
    programs += [(r.number, r.proposal.files, r.verdict == "kept") for r in history if r.proposal]
    cases, seeds = loop.cases("gate"), loop.first_seeds()
    for number, files, kept in programs:
        code = code_hash(files)
        score = loop.gate_mean(code)
        if score is not None:
            runs = loop.scored(code, cases, seeds)
            seconds = sum(run.seconds for run in runs) / len(runs)
            found.append(
                Tried(code=code, files=files, score=score, seconds=seconds, kept=kept, round=number)
            )
    return tuple(found)


def _let_through(loop: Loop, situation: Situation) -> Proposal | None:
    """A change beyond the editable paths that a person accepted, and that no round has tried."""
    tried = {r.proposal.code for r in loop.rounds() if r.proposal and not r.screen}
    for gate in loop.ledger.gates.of(loop.id):
        decision = loop.ledger.decisions.find(gate.id)
        if gate.kind != "escalation" or decision is None or decision.kind != "accept":
            continue
        asked = Proposal.model_validate(gate.shown["proposal"])
        paths = tuple(gate.shown["paths"])
        if not set(paths) <= set(loop.evolution.widened):
            loop.update("evolution.widened", widened=(*loop.evolution.widened, *paths))
        if asked.code not in tried:
            return asked
    return None


# Screen


async def screen(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Refuses what is not new, not allowed or not sane, before anything is spent on it."""
    loop = runtime.context
    round_ = _current(loop)
    assert round_.proposal is not None
    situation = await situation_of(loop, round_)
    why = screened(situation.spec, situation, round_.proposal)
    paths = beyond(situation, round_.proposal)
    if paths and not loop.evolution.control:
        gate = open_gate(
            loop,
            "escalation",
            about=round_.proposal.code[:12],
            title=f"Let the loop change {', '.join(paths)}, beyond what may be edited?",
            description=f"{round_.proposal.title}\n\n{round_.proposal.rationale}\n\nThe loop goes"
            " on meanwhile; accepted, the change is the next that is tried.",
            shown={"paths": list(paths), "proposal": round_.proposal.model_dump(mode="json")},
        )
        why = f"{why}; {gate.id} asks a person"
    if why:
        return _decided(loop, round_, "refused", why, screen=why)
    loop.put(round_.model_copy(update={"status": "screened"}), "screened")
    return goes("evaluate")


def beyond(situation: Situation, proposal: Proposal) -> tuple[str, ...]:
    """Paths that a proposal changes and that a person may let it; never what judges."""
    spec = situation.spec
    there = {file.path: file.text for file in situation.champion}
    touched = [file.path for file in proposal.files if there.get(file.path) != file.text]
    asking = spec.model_copy(update={"editable": ("**",)})
    return tuple(p for p in touched if may_edit(asking, p) and not may_edit(spec, p))


def _decided(
    loop: Loop, round_: Round, verdict: Verdict, reason: str, **fields: Any
) -> dict[str, Any]:
    changed = {"status": "decided", "verdict": verdict, "reason": reason, **fields}
    loop.put(round_.model_copy(update=changed), "decided")
    return goes("keep" if verdict == "kept" else "revert")


# Evaluate and compare


async def evaluate(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Runs the candidate on the gate split, in halves: one clearly behind is dropped."""
    loop = runtime.context
    round_, evolution = _current(loop), loop.evolution
    assert round_.proposal is not None
    files, spec = round_.proposal.files, evolution.spec
    cases, seeds = loop.cases("gate"), loop.first_seeds()
    half = len(cases) // 2 if spec.keep.racing and len(cases) > 3 else 0
    step = f"R{round_.number}/gate"
    begun = [*every(cases[:half], seeds), *canaries(loop)]
    runs = await evaluated(loop, files, begun, f"{step}/1")
    if (passed := passed_canary(loop, runs)) is not None:
        return _halted(loop, round_, passed)
    if half:
        mine = [run for run in runs if run.split == "gate"]
        theirs = await evaluated(loop, evolution.champion, begun[: len(mine)], f"{step}/champion")
        assert evolution.noise is not None
        behind = clearly_behind(spec.metric, theirs, mine, evolution.noise)
        if behind and not evolution.control:
            return _decided(loop, round_, "dropped", behind)
    await evaluated(loop, files, every(cases[half:], seeds), f"{step}/2")
    score = loop.gate_mean(round_.proposal.code)
    loop.put(round_.model_copy(update={"status": "evaluated", "score": score}), "evaluated")
    return goes("compare")


def _halted(loop: Loop, round_: Round, passed: ScoredRun) -> dict[str, Any]:
    """A pass of what nobody can pass says that scores can't be trusted: the loop stops."""
    reason = (
        f"it passed {passed.case}, which nobody can: scores of this loop can't be trusted"
        " until a person has looked"
    )
    return _decided(loop, round_, "halted", reason)


async def compare(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Holds the candidate against the champion; one that looks better is run again, both sides."""
    loop = runtime.context
    round_, evolution = _current(loop), loop.evolution
    assert round_.proposal is not None
    assert evolution.noise is not None
    spec, files = evolution.spec, round_.proposal.files
    cases = loop.cases("gate")
    wanted = every(cases, loop.first_seeds())
    mine = await evaluated(loop, files, wanted, f"R{round_.number}/gate")
    theirs = await evaluated(loop, evolution.champion, wanted, f"R{round_.number}/champion")
    same = evolution.noise.deterministic
    first = compared(spec.metric, theirs, mine, FILTER, deterministic=same)
    if evolution.control in ("always_keep", "random_search"):
        return _by_control(loop, round_, evolution, first)
    retest: Comparison | None = None
    mine_again: tuple[ScoredRun, ...] = ()
    theirs_again: tuple[ScoredRun, ...] = ()
    saved = cheaper(evolution.noise, theirs, mine)
    if promising(first, spec.keep, saved):
        round_ = round_.model_copy(
            update={"look": 1 + max((r.look for r in loop.rounds()), default=0)}
        )
        level = level_at(round_.look, spec.keep, spec.budget.rounds)
        # Of the champion's own, so that its runs are made once. No candidate was chosen by them.
        seeds = loop.seeds(f"retest/{loop.champion}", spec.keep.retest_seeds)
        for part in sorted({-(-len(seeds) // 2), len(seeds)}):
            fresh = every(cases, seeds[:part])
            step = f"R{round_.number}/retest/{part}"
            mine_again = await evaluated(loop, files, fresh, step)
            theirs_again = await evaluated(loop, evolution.champion, fresh, f"{step}/champion")
            retest = compared(spec.metric, theirs_again, mine_again, level, deterministic=same)
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
        protected=frozenset(case.id for case in cases if case.protected),
    )
    return _decided(loop, round_, verdict, reason, first=first, retest=retest)


def _by_control(
    loop: Loop, round_: Round, evolution: Evolution, first: Comparison
) -> dict[str, Any]:
    if evolution.control == "always_keep":
        return _decided(loop, round_, "kept", "the control keeps every change", first=first)
    best = first.gain > 0
    reason = "the best gate score so far" if best else "not the best gate score so far"
    return _decided(loop, round_, "kept" if best else "reverted", reason, first=first)


# Keep or revert, and note


async def keep(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Commits the change: it is the champion from now on."""
    loop = runtime.context
    await _record(loop, _current(loop))
    return goes("note")


async def revert(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Commits the change and its revert: what was tried can be read, and is gone."""
    loop = runtime.context
    await _record(loop, _current(loop))
    return goes("note")


async def _record(loop: Loop, round_: Round) -> None:
    """Puts a round on its branch; a change that was refused never gets there."""
    if round_.verdict == "refused" or round_.proposal is None or round_.tip:
        return
    earlier = [r.tip for r in loop.rounds() if r.tip]
    evolution = loop.evolution
    tools = loop.tools("merge_request", f"R{round_.number}/record")
    made = await tools.use(
        record_round,
        RecordRound(
            parent=earlier[-1] if earlier else evolution.base_commit,
            round=round_,
            champion=evolution.champion,
        ),
    )
    round_ = round_.model_copy(update={"commit": made.commit, "tip": made.tip})
    with loop.ledger.transaction():
        loop.put(round_, "recorded")
        if round_.verdict == "kept":
            assert round_.proposal is not None
            loop.update(
                "evolution.kept", champion=round_.proposal.files, champion_round=round_.number
            )


async def note(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Writes down what was learnt, and what of this round's own reasoning was wrong."""
    loop = runtime.context
    round_, evolution = _current(loop), loop.evolution
    cases, seeds = loop.cases("analysis"), loop.seeds("analysis", 1)
    mine = loop.scored(round_.proposal.code if round_.proposal else "", cases, seeds)
    told = note_of(round_, evolution.scale, loop.scored(round_.champion, cases, seeds), mine)
    learnt, criticism = told.note, told.criticism
    now = loop.bench.clock
    worked = now.monotonic() - loop.began_s if loop.began_s else loop.evaluated_s
    tokens = loop.tokens + (round_.proposal.tokens if round_.proposal else 0)
    ended = round_.model_copy(
        update={
            "status": "noted",
            "note": learnt,
            "criticism": criticism,
            "seconds": round(loop.evaluated_s, 3),
            "own_seconds": round(max(0.0, worked - loop.evaluated_s), 3),
            "model_tokens": tokens,
            "ended_at": now.now().isoformat(timespec="seconds"),
        }
    )
    lesson = Lesson(
        id=ended.id,
        ticket=loop.id,
        text=f"{evolution.spec.title}, round {ended.number}: {learnt} {criticism}".strip(),
        code_hash=evolution.base_commit,
        data_hash="",
        repository=evolution.repository,
    )
    if not evolution.control:
        await asyncio.to_thread(loop.bench.memory.remember, [record_of_lesson(lesson)])
    with loop.ledger.transaction():
        if not evolution.control:
            loop.ledger.lessons.put(lesson, actor="coordinator", kind="lesson.kept")
        loop.put(ended, "ended")
        loop.update(rounds=round_.number, seconds=evolution.seconds + worked)
    loop.say(f"round {round_.number}: {ended.verdict}: {ended.reason}")
    if ended.verdict == "halted":
        return goes("close", f"failed: halted in round {round_.number}: {ended.reason}")
    return goes("analyse")
