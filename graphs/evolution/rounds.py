"""A round ends: its change is committed, taken back unless it was kept, and learnt from."""

import asyncio
from typing import Any

from langgraph.runtime import Runtime

from agents.evolution.notes import note_of
from graphs.evolution.loop import Loop
from graphs.evolution.moving import current
from graphs.evolution.state import EvolutionState, goes
from labcrew.domain.evolution import Round
from labcrew.domain.remembered import record_of_lesson
from labcrew.domain.research import Lesson
from labcrew.errors import BoundaryError, LabcrewError
from tools.evolution.record_round import RecordRound, record_round


async def keep(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Commits the change: it is the champion from now on."""
    loop = runtime.context
    await _record(loop, current(loop))
    return goes("note")


async def revert(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Commits the change and its revert: what was tried can be read, and is gone."""
    loop = runtime.context
    await _record(loop, current(loop))
    return goes("note")


async def _record(loop: Loop, round_: Round) -> None:
    """Puts a round on its branch; a change that was refused never gets there.

    One that git can't hold gets there neither, and is not kept: no branch could ever hand it over.
    """
    if round_.verdict == "refused" or round_.proposal is None or round_.tip:
        return
    earlier = [r.tip for r in loop.rounds() if r.tip]
    evolution = loop.evolution
    tools = loop.tools("merge_request", f"R{round_.number}/record")
    parent = earlier[-1] if earlier else evolution.base_commit
    call = RecordRound(parent=parent, round=round_, champion=evolution.champion)
    try:
        made = await tools.use(record_round, call)
    except BoundaryError as error:
        if round_.verdict == "kept":
            why = f"it can't be committed: {error.message}"
            loop.put(round_.model_copy(update={"verdict": "reverted", "reason": why}), "decided")
        return
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
    round_, evolution = current(loop), loop.evolution
    cases, seeds = loop.cases("analysis"), loop.seeds("analysis", 1)
    before_it = loop.scored(round_.champion, cases, seeds)
    after = loop.scored(loop.champion, cases, seeds) if round_.verdict == "kept" else ()
    told = note_of(round_, evolution.scale, before_it, after, parted=loop.parted)
    learnt, criticism = told.note, told.criticism
    before, spent = evolution.before_round, loop.spend().spent
    evaluated_s = spent.evaluated_seconds - before.evaluated_seconds
    ended = round_.model_copy(
        update={
            "status": "noted",
            "note": learnt,
            "criticism": criticism,
            "seconds": round(evaluated_s, 3),
            "own_seconds": round(max(0.0, spent.seconds - before.seconds - evaluated_s), 3),
            "model_tokens": spent.model_tokens - before.model_tokens,
            "ended_at": loop.bench.clock.now().isoformat(timespec="seconds"),
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
        await _remember(loop, lesson)
    halted = f"failed: halted in round {round_.number}: {ended.reason}"
    with loop.ledger.transaction():
        if not evolution.control:
            loop.ledger.lessons.put(lesson, actor="coordinator", kind="lesson.kept")
        loop.put(ended, "ended")
        loop.update(rounds=round_.number, before_round=spent)
        if ended.verdict == "halted":  # in one with the round: killed here, it must not go on
            loop.move("failed", halted, "evolution.ended")
    loop.say(f"round {round_.number}: {ended.verdict}: {ended.reason}")
    if ended.verdict == "halted":
        return goes("close", halted)
    return goes("analyse")


async def _remember(loop: Loop, lesson: Lesson) -> None:
    """Puts a lesson into the memory, an index of the ledger: without it the loop goes on."""
    try:
        await asyncio.to_thread(loop.bench.memory.remember, [record_of_lesson(lesson)])
    except LabcrewError as error:
        loop.say(f"the lesson stands in the ledger alone: {error}")
