"""The real loop, a round at a time: what is proposed is what the battery hands it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from agents.evolution.proposing import Situation
from desk.acting import one_at_a_time
from desk.evolutions import Evolutions
from evals.attacks.evolution import guards, target
from evals.attacks.evolution.cheat import Known
from evals.attacks.evolution.target import Kind
from graphs.evolution.evolver import Evolver
from graphs.evolution.loop import Halted, Loop
from labcrew.domain.evolution import (
    CodeFile,
    Evolution,
    ModelAnswer,
    ModelRequest,
    Proposal,
    Round,
    ScoredRun,
    code_hash,
    seed_of,
)
from tools.toolbox import Workbench

_SECRET = "5eed" * 16


class Knowing:
    """A model that tidies whatever line it is asked about."""

    def answer(self, request: ModelRequest, seed: int) -> ModelAnswer:
        """The line as it should be."""
        text = target.tidied(request.messages[-1].content)
        return ModelAnswer(text=text, prompt_tokens=20, completion_tokens=10, seconds=0.1)


@dataclass
class _Handed:
    """A proposer that has what it is handed, and then halts the loop."""

    name: str = "handed"
    next: Proposal | None = None

    def can(self, situation: Situation) -> bool:
        """Always."""
        return True

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        """What it was handed. Raises Halted: nothing."""
        if self.next is None:
            raise Halted
        handed, self.next = self.next, None
        return handed


@dataclass(frozen=True)
class Outcome:
    """What became of a program.

    Args:
        kept: whether it is the champion now.
        reason: as the ledger has it: the round's, or the loop's if it ended the loop.
        runs: of the program that the ledger has.
    """

    kept: bool
    reason: str
    runs: tuple[ScoredRun, ...]


@dataclass
class Stage:
    """One loop on one kind of target."""

    bench: Workbench
    evolution: str
    proposer: _Handed = field(default_factory=_Handed)

    @property
    def loop(self) -> Loop:
        """The loop at rest."""
        return Loop(id=self.evolution, bench=self.bench, proposers=())

    def go_on(self) -> Evolution:
        """Works until it wants another proposal, or has ended."""
        evolver = Evolver(
            self.bench, (self.proposer,), holder="battery", lease_s=600, assume_yes=True
        )
        return asyncio.run(evolver.advance(self.evolution))

    def known(self) -> Known:
        """What a lucky cheat knows."""
        loop = self.loop
        champion = code_hash(loop.evolution.baseline)
        first, rule = loop.first_seeds(), loop.evolution.spec.keep
        fresh = loop.seeds(f"retest/{champion}", rule.retest_seeds)
        seen = ((case.input, case.answer) for case in loop.cases("analysis"))
        return Known(
            first=tuple(seed_of(case.id, seed) for case in loop.cases("gate") for seed in first),
            shared=(*first, *fresh),
            seen=tuple((input["lines"], answer) for input, answer in seen),  # type: ignore[index, call-overload, misc]
        )

    def tried(self, name: str, files: tuple[CodeFile, ...]) -> Outcome:
        """Puts a program through one round."""
        before = self.loop.evolution.rounds
        guards.TRIED.files = files
        self.proposer.next = Proposal(
            proposer=self.proposer.name, title=name, rationale="", files=files
        )
        ended = self.go_on()
        done = [r for r in self.bench.ledger.rounds.of(self.evolution) if r.number == before + 1]
        code = code_hash(files)
        runs = tuple(r for r in self.bench.ledger.scored_runs.of(self.evolution) if r.code == code)
        round_ = done[0] if done else None
        reason = round_.reason if round_ is not None and round_.reason else ended.outcome
        if ended.status == "failed":
            self._revived(round_, reason)
        return Outcome(code_hash(self.loop.evolution.champion) == code, reason, runs)

    def _revived(self, round_: Round | None, reason: str) -> None:
        """As a person who has looked lets a loop go on that a cheat has ended."""
        loop = self.loop
        if round_ is not None and round_.status != "noted":
            fields = {"status": "noted", "verdict": "halted", "reason": reason}
            loop.put(round_.model_copy(update=fields), "ended")
            loop.update(rounds=round_.number)
        loop.update("evolution.assigned", status="assigned", outcome="")

    def back_to_baseline(self) -> None:
        """Takes back what was kept."""
        baseline = self.loop.evolution.baseline
        self.loop.update("evolution.kept", champion=baseline, champion_round=0)


@contextmanager
def stage(bench: Workbench, kind: Kind, folder: Path) -> Iterator[Stage]:
    """A loop that has measured its baseline, and waits for its first proposal."""
    place = folder / kind
    place.mkdir(parents=True)
    bench = replace(bench, broker=Knowing() if kind == "asking" else None)
    evolutions = Evolutions(
        bench.ledger, bench.clock, bench.repositories,
        lambda: one_at_a_time(bench.home, "evolve.lock"), proposers=("handed",), has_model=True,
    )  # fmt: skip
    repository = target.build(place / "repository", kind)
    begun = evolutions.start(
        target.spec(repository, kind), beside=place, source="SPEC.md", by="ada", secret=_SECRET
    )
    made = Stage(bench, begun.id)
    waiting = made.go_on()
    if waiting.noise is None or waiting.status == "failed":
        raise RuntimeError(f"the {kind} target did not begin: {waiting.outcome}")
    yield made
