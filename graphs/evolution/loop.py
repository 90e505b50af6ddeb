"""What every node of the evolution machine works with; it keeps nothing that the ledger lacks."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from statistics import fmean
from typing import Any

from agents.evolution.keeping.scope import parts
from agents.evolution.proposing import Proposer
from labcrew.counted import CountedChat
from labcrew.domain.base import content_hash
from labcrew.domain.evolution import (
    HALTED,
    CodeFile,
    Evolution,
    EvolutionStatus,
    Round,
    ScoredRun,
    code_hash,
    round_id,
    run_id,
    seed_of,
)
from labcrew.domain.evolution_spec import Case, Split
from labcrew.domain.research import AgentName
from labcrew.evolution_file import read_cases
from labcrew.ledger import Ledger
from labcrew.path_patterns import matches
from tools.toolbox import Toolbox, Workbench


class Halted(Exception):
    """A person has paused or stopped the loop: the step that was about to begin begins later."""


@dataclass
class Loop:
    """One evolution at work.

    Args:
        id: the evolution's.
        bench: adapters; its ledger is fenced by the evolution's lease.
        proposers: who may propose, in the table's order.
        say: is told in plain words what is being done.
        by_yes: gates are answered with accept, recorded as by "--yes".
        asked: the chat model that proposers ask; None: they have none.
        counted_s: up to when the hours worked stand in the ledger; None: nothing was counted yet.
    """

    id: str
    bench: Workbench
    proposers: Sequence[Proposer]
    say: Callable[[str], None] = lambda _text: None
    by_yes: bool = False
    asked: CountedChat | None = None
    counted_s: float | None = None
    _evaluating: bool = field(default=False, repr=False)
    _ended: list[Round] = field(default_factory=list, repr=False)
    _gate_runs: dict[str, tuple[ScoredRun, ...]] = field(default_factory=dict, repr=False)

    @property
    def ledger(self) -> Ledger:
        return self.bench.ledger

    @property
    def evolution(self) -> Evolution:
        """The loop as the ledger has it now."""
        return self.ledger.evolutions.get(self.id)

    def update(self, kind: str = "", **fields: Any) -> Evolution:
        """Changes fields of the loop's record, read afresh."""
        with self.ledger.transaction():
            changed = self.evolution.model_copy(update=fields)
            self.ledger.evolutions.put(changed, actor="coordinator", kind=kind)
        return changed

    def move(self, status: EvolutionStatus, outcome: str, kind: str = "") -> None:
        """Changes the loop's status, unless a person has stopped it meanwhile, or paused it.

        A pause yields to an end: there is nothing left to be taken up.
        """
        holds = ("stopped",) if status in ("done", "failed") else HALTED
        with self.ledger.transaction():
            if self.evolution.status not in holds:
                self.update(kind, status=status, outcome=outcome)

    def spend(self, tokens: int = 0, usd: float = 0.0) -> Evolution:
        """Adds to the loop's account what models used, and the time since it was last added to.

        At once, so that neither a kill nor a score that does not count makes it cheaper.

        Args:
            tokens: that candidates or proposers used.
            usd: what they cost.
        """
        with self.ledger.transaction():  # runs end in another thread than the one that keeps time
            now = self.bench.clock.monotonic()
            worked = now - self.counted_s if self.counted_s is not None else 0.0
            self.counted_s = now
            evolution = self.evolution
            return self.update(
                seconds=evolution.seconds + worked,
                evaluated_seconds=evolution.evaluated_seconds + worked * self._evaluating,
                model_tokens=evolution.model_tokens + tokens,
                model_usd=evolution.model_usd + usd,
            )

    @contextmanager
    def evaluation(self) -> Iterator[None]:
        """Time that is spent within is an evaluation's."""
        self.spend()
        self._evaluating = True
        try:
            yield
        finally:
            self.spend()
            self._evaluating = False

    def tools(self, agent: AgentName, step: str) -> Toolbox[Evolution]:
        """An agent's hands for one step."""
        return Toolbox(agent=agent, assigned=self.evolution, bench=self.bench, step=step)

    # Rounds

    @property
    def round(self) -> Round | None:
        """The round under way; None between two."""
        return self.ledger.rounds.find(round_id(self.id, self.evolution.rounds + 1))

    def rounds(self) -> tuple[Round, ...]:
        """The rounds that have ended, oldest first."""
        missing = range(len(self._ended) + 1, self.evolution.rounds + 1)
        ids = [round_id(self.id, number) for number in missing]
        found = self.ledger.rounds.some(ids)
        self._ended += (found[id] for id in ids)  # one that has ended is never written again
        return tuple(self._ended)

    def put(self, round_: Round, kind: str) -> None:
        """Writes a round as it stands."""
        self.ledger.rounds.put(round_, actor="coordinator", kind=f"round.{kind}")

    @cached_property
    def components(self) -> tuple[CodeFile, ...]:
        """The ready-made parts that the spec names, for proposers: of the base commit, for good."""
        evolution = self.evolution
        folder = evolution.spec.components
        if folder is None:
            return ()
        repositories, commit = self.bench.repositories, evolution.base_commit
        paths = [p for p in repositories.files(self.id, commit) if matches(p, (folder,))]
        return tuple(
            CodeFile(path=p, text=repositories.read(self.id, commit, p).decode("utf-8", "replace"))
            for p in paths
        )

    # Cases, seeds, chance

    def cases(self, split: Split) -> tuple[Case, ...]:
        """The cases of a split, in an order that says nothing."""
        return tuple(case for case in self._cases if case.split == split)

    @cached_property
    def _cases(self) -> tuple[Case, ...]:
        evolution = self.evolution
        raw = self.bench.repositories.read(
            self.id, evolution.base_commit, evolution.spec.cases, cap_mb=64
        )
        found = read_cases(raw, evolution.spec.cases)
        return tuple(sorted(found, key=lambda case: self.drawn("order", case.id)))

    @cached_property
    def _secret(self) -> bytes:
        """Drawn with the loop, and the same for good."""
        return bytes.fromhex(self.evolution.secret)

    def drawn(self, *what: object) -> str:
        """64 hexadecimal digits that follow from the secret and what they are for."""
        text = "/".join(str(part) for part in what).encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()

    def seeds(self, purpose: str, count: int) -> tuple[int, ...]:
        """Seeds that no candidate can know: the same whenever the same purpose asks."""
        return tuple(int(self.drawn("seed", purpose, n)[:8], 16) % 2**31 for n in range(count))

    def random(self, purpose: str) -> Random:
        """A source of chance for one purpose."""
        return Random(self.drawn("random", purpose))  # noqa: S311

    # Scores

    def scored(
        self, code: str, cases: Sequence[Case], seeds: Sequence[int]
    ) -> tuple[ScoredRun, ...]:
        """The runs of a program that the ledger has, in order; those it lacks are left out."""
        ids = [
            run_id(self.id, code, case.id, seed_of(case.id, seed))
            for case in cases
            for seed in seeds
        ]
        known = self.ledger.scored_runs.some(ids)
        return tuple(known[id] for id in ids if id in known)

    def first_seeds(self) -> tuple[int, ...]:
        """The seeds of every round's first comparison: the champion's runs are made once."""
        return self.seeds("gate", self.evolution.spec.keep.seeds)

    def retest_seeds(self) -> tuple[int, ...]:
        """The seeds of re-tests against the present champion, which was not chosen by them.

        They are its own, so that its side of them is run once.
        """
        return self.seeds(f"retest/{self.champion}", self.evolution.spec.keep.retest_seeds)

    def shown(self) -> tuple[Case, ...]:
        """The gate cases of first looks: proposers learn what programs score on them."""
        return self.parts(parted=self.parted)[0]

    def held(self) -> tuple[Case, ...]:
        """The gate cases of re-tests."""
        return self.parts(parted=self.parted)[1]

    @property
    def parted(self) -> bool:
        """Whether re-tests have gate cases of their own."""
        noise = self.evolution.noise
        return noise is not None and noise.parted

    def parts(self, *, parted: bool) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
        """The gate cases of first looks and of re-tests, see `agents.evolution.keeping.scope`.

        The same in every loop on these cases, for lessons of one are read in the next.
        """
        cases = self.cases("gate")
        if parted:
            cases = tuple(sorted(cases, key=lambda case: content_hash(case.id)))
        return parts(cases, parted=parted)

    def gate_runs(self, code: str) -> tuple[ScoredRun, ...]:
        """A program's runs of a first look; none where one is missing."""
        if code not in self._gate_runs:
            cases, seeds = self.shown(), self.first_seeds()
            runs = self.scored(code, cases, seeds)
            if len(runs) < len(cases) * len(seeds):
                return ()
            self._gate_runs[code] = runs  # a run that has a score is never made again
        return self._gate_runs[code]

    def gate_mean(self, code: str) -> float | None:
        """A program's mean at a first look; None where a run is missing."""
        runs = self.gate_runs(code)
        return fmean(run.score for run in runs) if runs else None

    def champion_mean(self) -> float | None:
        """The champion's mean on the gate split: where its cases are parted, on both parts as
        they were run when it was kept; None where a run is missing, or it is the baseline so.
        """
        number = self.evolution.champion_round
        if not self.parted or self.evolution.control:
            return self.gate_mean(self.champion)
        if not number:
            return None
        beaten = self.rounds()[number - 1].champion
        count = self.evolution.spec.keep.retest_seeds
        held, seeds = self.held(), self.seeds(f"retest/{beaten}", count)
        again = self.scored(self.champion, held, seeds)
        runs = self.gate_runs(self.champion)
        if not runs or len(again) < len(held) * len(seeds):
            return None
        by_case: dict[str, list[float]] = defaultdict(list)
        for run in (*runs, *again):
            by_case[run.case].append(run.score)
        return fmean(fmean(scores) for scores in by_case.values())

    @property
    def champion(self) -> str:
        """The code that stands."""
        return code_hash(self.evolution.champion)
