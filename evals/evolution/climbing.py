"""The loop in miniature: proposals of small pure programs, run here, and kept when they score more.

No noise, so no keep rule; no sandbox, so the programs are this folder's own and only labcrew's own
operators change them. They see a few built-in functions, and stop after a number of lines.
"""

import asyncio
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import FrameType
from typing import Any

from agents.evolution.bandit import choose
from agents.evolution.notes import loop_warning
from agents.evolution.proposing import Proposer, Situation, Tried
from labcrew.domain.base import Model
from labcrew.domain.evolution import (
    Analysis,
    CodeFile,
    Comparison,
    Proposal,
    Round,
    code_hash,
    round_id,
)
from labcrew.domain.evolution_spec import EvolutionSpec, Program, Scale, Scorer

Score = Callable[[Mapping[str, Any]], float]
"""From the names that a program's file leaves to its score."""
PATH = "program/main.py"
_LINES = 20_000
_KNOWN = frozenset(
    {"abs", "all", "any", "bool", "dict", "enumerate", "float", "int", "isinstance", "len", "list",
     "max", "min", "range", "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple",
     "zip", "Exception", "ValueError", "KeyError", "IndexError", "TypeError", "RecursionError",
     "__build_class__"}
)  # fmt: skip


class TooLong(BaseException):
    """No program of these may catch it."""


class Climb(Model):
    """What became of it.

    Args:
        rounds: until the goal was reached; None: it was not.
        best: the best score.
        program: that had it.
        turns: whose proposal each round tried; empty where nobody had one.
    """

    rounds: int | None
    best: float
    program: tuple[CodeFile, ...]
    turns: tuple[str, ...]


def run(text: str, score: Score) -> float:
    """Runs a program and scores it. Raises whatever the program does, or TooLong."""
    import builtins

    left = _LINES

    def count(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise TooLong
        return count

    known = {name: getattr(builtins, name) for name in _KNOWN}
    names: dict[str, Any] = {"__builtins__": known, "__name__": "program"}
    before = sys.gettrace()
    sys.settrace(count)
    try:
        exec(compile(text, PATH, "exec"), names)
        return float(score(names))
    finally:
        sys.settrace(before)


def situation(text: str, kinds: Mapping[str, tuple[str, ...]] | None = None) -> Situation:
    """Where a climb begins: one file, and what kinds of failure are known."""
    files = (CodeFile(path=PATH, text=text),)
    spec = EvolutionSpec(
        title="a small program",
        repository=".",
        editable=("program",),
        program=Program(command=f"python {PATH} {{input}} {{output}}"),
        scorer=Scorer(command="python scorer.py {runs} {scores}", private=("scorer.py",)),
        cases="cases.jsonl",
        metric=Scale(name="score", low=-1_000, high=1_000),
    )
    analysis = Analysis(mean=0, failures=(), kinds=dict(kinds or {}), summary="see the kinds")
    return Situation(spec=spec, champion=files, baseline=files, analysis=analysis)


def climb(
    proposers: Sequence[Proposer],
    start: Situation,
    score: Score,
    goal: float,
    rounds: int,
    seed: int,
    *,
    by_chance: bool = False,
) -> Climb:
    """Proposes and keeps what scores more, until a goal or the end of the rounds.

    Args:
        proposers: one, or several among which the bandit chooses.
        seed: of all chance.
        by_chance: the proposers are drawn instead, each as likely.
    """
    random, worst = Random(seed), start.spec.metric.worst

    def judged(files: tuple[CodeFile, ...]) -> float:
        try:
            got = run(next(file.text for file in files if file.path == PATH), score)
        except (Exception, TooLong):
            return worst
        return got if math.isfinite(got) else worst

    now, best = start, judged(start.champion)
    tried, done, turns = [_tried(start.champion, best, True, 0)], list[Round](), list[str]()
    for number in range(1, rounds + 1):
        if best >= goal:
            break
        now = now.model_copy(update={"tried": tuple(tried), "rounds": tuple(done)})
        proposal = asyncio.run(_proposed(proposers, now, random, by_chance))
        turns.append(proposal.proposer if proposal is not None else "")
        if proposal is None:
            continue
        got = judged(proposal.files)
        kept = got > best
        done.append(_round(number, code_hash(now.champion), proposal, got, got - best))
        tried.append(_tried(proposal.files, got, kept, number))
        if kept:
            best = got
            now = now.model_copy(update={"champion": proposal.files})
    reached = len(turns) if best >= goal else None
    return Climb(rounds=reached, best=best, program=now.champion, turns=tuple(turns))


async def _proposed(
    proposers: Sequence[Proposer], now: Situation, random: Random, by_chance: bool
) -> Proposal | None:
    able = {proposer.name: proposer for proposer in proposers if proposer.can(now)}
    if not able:
        return None
    resting = frozenset(loop_warning(now.rounds).resting) & set(able)
    order = (
        tuple(random.sample(list(able), len(able)))
        if by_chance
        else choose(tuple(able), now.rounds, random, resting=resting).order
    )
    for name in order:
        proposal = await able[name].propose(now, random)
        if proposal is not None:
            return proposal
    return None


def _tried(files: tuple[CodeFile, ...], score: float, kept: bool, number: int) -> Tried:
    code = code_hash(files)
    return Tried(code=code, files=files, score=score, seconds=1, kept=kept, round=number)


def _round(number: int, champion: str, proposal: Proposal, score: float, gain: float) -> Round:
    first = Comparison(
        pairs=1, gain=gain, low=gain, high=gain, level=0.95, better=gain > 0, worse=gain < 0
    )
    return Round(
        id=round_id("E-001", number),
        ticket="E-001",
        number=number,
        status="noted",
        champion=champion,
        analysis=Analysis(mean=0, failures=(), summary=""),
        proposal=proposal,
        first=first,
        verdict="kept" if gain > 0 else "reverted",
        score=score,
        began_at="2026-01-01T00:00:00Z",
    )
