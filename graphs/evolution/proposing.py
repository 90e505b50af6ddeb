"""A round begins: where does the champion fail, what is tried about it, and may it be?"""

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from statistics import fmean
from traceback import format_exception
from typing import Any

from langgraph.runtime import Runtime

from agents.evolution.analysis import analyse as analysed
from agents.evolution.bandit import choose
from agents.evolution.notes import family, loop_warning
from agents.evolution.proposing import Proposer, Situation, Tried
from agents.evolution.screening import screen as screened
from graphs.evolution.evaluating import evaluate as evaluated
from graphs.evolution.evaluating import every
from graphs.evolution.gates import open_gate
from graphs.evolution.loop import Halted, Loop
from graphs.evolution.moving import current, decided, finished
from graphs.evolution.state import EvolutionState, goes
from graphs.evolution.stopping import finish_reason
from labcrew.deciding import settled
from labcrew.domain.evolution import (
    Proposal,
    Round,
    ScoredRun,
    code_hash,
    round_id,
)
from labcrew.domain.research import Recalled
from labcrew.domain.review import Gate
from labcrew.domain.spending import Amount
from labcrew.errors import LabcrewError, ModelFailure
from labcrew.evolution_file import may_edit, widened
from tools.evolution.outputs import kept_output

_NOTES = 8
_EMPTY_TURNS = 3
"""So often proposers are asked, each time with other chance, before there is nothing left to try:
what a model answers may be of no use once."""
_TRACE_CHARACTERS = 4000
_BROKE = "proposer.error"


async def analyse(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Begins a round, unless a bound is reached: where does the champion fail, and why?"""
    loop = runtime.context
    evolution = loop.evolution
    if why := finish_reason(evolution, loop.rounds(), loop.champion_mean()):
        loop.ledger.intend(finished(loop.id), loop.id, {})
        loop.ledger.done(finished(loop.id), {"why": why})
        return goes("open_sealed")
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


def _outputs(loop: Loop, runs: Sequence[ScoredRun]) -> dict[str, bytes]:
    return {
        run.id: kept_output(loop.bench.home, loop.id, run.output_sha256)
        for run in runs
        if run.output_sha256
    }


async def propose(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Asks proposers, the bandit's choice first, until one has something to try."""
    loop = runtime.context
    round_ = current(loop)
    situation = await situation_of(loop, round_)
    before = _used(loop)
    proposal, why = _let_through(loop), "a person let it through"
    for turn in range(_EMPTY_TURNS if proposal is None else 0):
        chance = loop.random(f"round/{round_.number}" + f"/again/{turn}" * bool(turn))
        try:
            proposal, why = await _proposed(loop, situation, chance)
        finally:
            if proposal is None:
                _pay(loop, before)
                before = _used(loop)
        if proposal is not None:
            break
    if proposal is None:
        loop.ledger.intend(finished(loop.id), loop.id, {})
        loop.ledger.done(
            finished(loop.id), {"why": f"no proposer has anything new to try{_lame(loop)}"}
        )
        return goes("open_sealed")
    loop.say(f"round {round_.number}: {proposal.title} ({why})")
    with loop.ledger.transaction():
        loop.put(round_.model_copy(update={"status": "proposed", "proposal": proposal}), "proposed")
        _pay(loop, before)
    return goes("screen")


def _used(loop: Loop) -> Amount:
    """What proposers have used of their model in this process."""
    return loop.asked.used if loop.asked is not None else Amount()


def _pay(loop: Loop, before: Amount) -> None:
    """Adds to the loop's account what proposers have used since then."""
    used = _used(loop)
    loop.spend(used.tokens.total - before.tokens.total, used.usd - before.usd)


async def _proposed(
    loop: Loop, situation: Situation, chance: Random
) -> tuple[Proposal | None, str]:
    """The first new proposal, and why its proposer had the turn; of kinds that rest, the last.

    Raises ModelFailure: a model could not be reached, and no proposer without one had anything.
    """
    left = {p.name: p for p in loop.proposers if _able(loop, p, situation)}
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
    failure: ModelFailure | None = None
    for name in order:
        try:
            proposal = await left[name].propose(situation, chance)
        except ModelFailure as error:
            failure = error
            continue
        except (LabcrewError, Halted):
            raise
        except Exception as error:
            _broken(loop, name, error)
            continue
        if proposal is not None and not resting.isdisjoint(family(proposal)):
            spare, proposal = spare or proposal, None
        if proposal is not None:
            return proposal, why
    if spare is None and failure is not None:
        raise failure
    return spare, f"{why} Nothing but what rests came to the proposers"


def _able(loop: Loop, proposer: Proposer, situation: Situation) -> bool:
    """Whether it has anything to work on; a broken one has not."""
    try:
        return proposer.can(situation)
    except (LabcrewError, Halted):
        raise
    except Exception as error:
        _broken(loop, proposer.name, error)
        return False


def _broken(loop: Loop, proposer: str, error: Exception) -> None:
    """A fault in one proposer leaves the round to the others, and stands in the ledger."""
    number = loop.evolution.rounds + 1
    said = "".join(format_exception(error))[-_TRACE_CHARACTERS:]
    loop.say(f"round {number}: {proposer} broke down: {type(error).__name__}: {str(error)[:200]}")
    loop.ledger.events.append(
        ticket=loop.id,
        actor="worker",
        kind=_BROKE,
        key=f"{loop.id}/error/{number}/{proposer}",
        data={"proposer": proposer, "round": number, "traceback": said},
    )


def _lame(loop: Loop) -> str:
    """Which proposers broke down in this round, in words."""
    number = loop.evolution.rounds + 1
    broken = {
        str(event.data["proposer"])
        for event in loop.ledger.events.of(loop.id)
        if event.kind == _BROKE and event.data["round"] == number
    }
    if not broken:
        return ""
    return f"; {', '.join(sorted(broken))} broke down, as `proposer.error` in the ledger tells"


async def situation_of(loop: Loop, round_: Round) -> Situation:
    """All that proposers may know; a control knows less."""
    evolution = loop.evolution
    history = loop.rounds()
    control = evolution.control
    notes: tuple[str, ...] = ()
    if not control or control == "always_keep":
        recalled = await _recalled(loop, round_)
        own = [f"{r.note} {r.criticism}".strip() for r in history[-_NOTES:]]
        notes = (*own, *(found.record.text for found in recalled if not found.lapsed))
    else:
        history = ()
    champion = evolution.baseline if control == "random_search" else evolution.champion
    return Situation(
        parted=loop.parted,
        spec=widened(evolution),
        champion=champion,
        baseline=evolution.baseline,
        analysis=round_.analysis,
        tried=_tried(loop, history),
        rounds=history,
        notes=notes,
        components=loop.components,
    )


async def _recalled(loop: Loop, round_: Round) -> list[Recalled]:
    """Lessons of other loops too; none where the memory fails, which must end no loop."""
    about = round_.analysis.summary
    try:
        return await asyncio.to_thread(loop.bench.memory.recall, "lessons", about, limit=_NOTES)
    except LabcrewError as error:
        loop.say(f"nothing is recalled: {error}")
        return []


def _tried(loop: Loop, history: Sequence[Round]) -> tuple[Tried, ...]:
    """The programs that have a whole gate score, the baseline first."""
    if not history:
        return ()
    found = []
    programs = [(0, loop.evolution.baseline, True)]
    programs += [
        (r.number, r.proposal.files, r.verdict == "kept")
        for r in history
        if r.proposal is not None and r.score is not None
    ]
    for number, files, kept in programs:
        code = code_hash(files)
        runs, score = loop.gate_runs(code), loop.gate_mean(code)
        if score is not None:
            seconds = fmean(run.seconds for run in runs)
            found.append(
                Tried(code=code, files=files, score=score, seconds=seconds, kept=kept, round=number)
            )
    return tuple(found)


def _let_through(loop: Loop) -> Proposal | None:
    """A change beyond the editable paths that a person accepted: one round tries it, no other."""
    number = loop.evolution.rounds + 1
    for gate, asked in _accepted(loop):
        paths = tuple(gate.shown["paths"])
        if not set(paths) <= set(loop.evolution.widened):
            loop.update("evolution.widened", widened=(*loop.evolution.widened, *paths))
        # Whatever comes of it, so that one which is refused again can't spend all that are left.
        key = _tried_key(gate)
        taken = loop.ledger.effect(key) or loop.ledger.intend(key, loop.id, {"round": number})
        if taken.payload["round"] == number:
            return asked
    return None


def _accepted(loop: Loop) -> Iterator[tuple[Gate, Proposal]]:
    """The changes beyond the editable paths that a person accepted, each with its gate."""
    for gate in loop.ledger.gates.of(loop.id):
        decision = loop.ledger.decisions.find(gate.id)
        if gate.kind == "escalation" and decision is not None and decision.kind == "accept":
            yield gate, Proposal.model_validate(gate.shown["proposal"])


def _tried_key(gate: Gate) -> str:
    return f"{gate.id}/tried"


def _is_let_through(loop: Loop, round_: Round) -> bool:
    """Whether this round tries what a person accepted; people may answer while it runs."""
    assert round_.proposal is not None
    taken = [
        loop.ledger.effect(_tried_key(gate))
        for gate, asked in _accepted(loop)
        if asked.code == round_.proposal.code
    ]
    return any(effect and effect.payload["round"] == round_.number for effect in taken)


async def screen(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Refuses what is not new, not allowed or not sane, before anything is spent on it."""
    loop = runtime.context
    round_ = current(loop)
    assert round_.proposal is not None
    situation = await situation_of(loop, round_)
    if _is_let_through(loop, round_):
        # It was refused when a person was asked; what they let through is no repeat of that.
        code = round_.proposal.code
        others = tuple(r for r in situation.rounds if r.proposal and r.proposal.code != code)
        situation = situation.model_copy(update={"rounds": others})
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
        why = f"{why}; {_answered(loop, gate)}"
    if why:
        return decided(loop, round_, "refused", why, screen=why)
    loop.put(round_.model_copy(update={"status": "screened"}), "screened")
    return goes("evaluate")


def _answered(loop: Loop, gate: Gate) -> str:
    """What a person says to a gate beside the loop; it may have been asked for an earlier round."""
    found = settled(loop.ledger, loop.bench.clock, gate)
    if found is None:
        return f"{gate.id} asks a person"
    said = "accepted" if found.kind == "accept" else "declined"
    return f"{found.by} {said} {gate.id}"


def beyond(situation: Situation, proposal: Proposal) -> tuple[str, ...]:
    """Paths that a proposal changes and that a person may let it; never what judges."""
    spec = situation.spec
    there = {file.path: file.text for file in situation.champion}
    touched = [file.path for file in proposal.files if there.get(file.path) != file.text]
    asking = spec.model_copy(update={"editable": ("**",)})
    return tuple(p for p in touched if may_edit(asking, p) and not may_edit(spec, p))
