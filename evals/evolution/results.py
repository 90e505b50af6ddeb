"""What is kept of each loop, one JSON line a loop."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from evals.incidents.results import append, read
from labcrew.domain.base import Model
from labcrew.domain.evolution import (
    Comparison,
    Evolution,
    NoiseFloor,
    Round,
    ScoredRun,
    Verdict,
    code_hash,
)
from labcrew.ledger import Ledger

__all__ = ["Change", "Result", "append", "read", "result_of", "results_in"]


class Change(Model):
    """One round, as the report needs it."""

    number: int
    proposer: str
    title: str
    verdict: Verdict | None
    score: float | None
    reason: str = ""
    seconds: float = 0.0
    own_seconds: float = 0.0


class Result(Model):
    """One loop that ended."""

    target: str
    arm: str = Field(description="loop, or the name of its control")
    seed: int
    rounds_allowed: int
    status: str
    outcome: str
    baseline: float | None = Field(description="gate mean of the program as it began")
    noise: NoiseFloor | None = None
    cases: Literal["", "sample", "all"] = Field(
        default="", description="what the spec says its cases are; empty: no rule asked then"
    )
    changes: tuple[Change, ...] = ()
    runs: int = Field(description="of programs, all splits")
    run_seconds: float = Field(description="that those runs took together")
    seconds: float = Field(description="that the loop worked")
    kept: tuple[str, ...] = ()
    brings: tuple[Comparison | None, ...] = Field(
        default=(), description="for each kept change: the result over the result without it"
    )
    sealed: Comparison | None = None
    sealed_baseline: float | None = None
    sealed_final: float | None = None
    hindsight: float | None = None
    opened: int = 0
    final_scores: tuple[float, ...] = Field(
        default=(), description="sealed runs of what the gate chose, one each"
    )
    solved: int | None = Field(
        default=None, description="the first round whose gate mean reached the spec's target"
    )
    commit: str = Field(default="", description="of the merge request")

    def line(self) -> str:
        """The result on one line, for a person."""
        sealed = (
            f"sealed {self.sealed_baseline:.4g} → {self.sealed_final:.4g}"
            f" [{self.sealed.low:+.3g}, {self.sealed.high:+.3g}]"
            if self.sealed and self.sealed_baseline is not None and self.sealed_final is not None
            else "sealed split not opened"
        )
        solved = f", solved in round {self.solved}" if self.solved else ""
        return (
            f"{self.target} {self.arm} {self.seed}: {len(self.changes)} rounds,"
            f" {len(self.kept)} kept{solved}; {sealed}; {self.seconds:.0f} s ({self.outcome})"
        )


def results_in(folder: Path, target: str) -> list[Result]:
    """All kept results of a target."""
    return [
        result
        for file in sorted((folder / target).glob("*.jsonl"))
        if not file.name.startswith("starts")
        for result in read(file, Result)
    ]


def result_of(ledger: Ledger, evolution: Evolution, target: str, seed: int) -> Result:
    """What the ledger has of a loop that ended."""
    rounds = [r for r in ledger.rounds.of(evolution.id) if r.number <= evolution.rounds]
    runs = ledger.scored_runs.of(evolution.id)
    sealed = evolution.sealed
    requests = ledger.merge_requests.of(evolution.id)
    return Result(
        target=target,
        arm=evolution.control or "loop",
        seed=seed,
        rounds_allowed=evolution.spec.budget.rounds,
        status=evolution.status,
        # Without the command to merge by hand: it names a folder of the machine that ran it.
        outcome=evolution.outcome.split("; run: ")[0][:300],
        baseline=evolution.noise.mean if evolution.noise else None,
        noise=evolution.noise,
        cases=evolution.spec.keep.cases,
        changes=tuple(map(_change, rounds)),
        runs=len(runs),
        run_seconds=round(sum(run.seconds for run in runs), 1),
        seconds=round(evolution.seconds, 1),
        kept=tuple(
            r.proposal.title for r in rounds if r.verdict == "kept" and r.proposal is not None
        ),
        brings=tuple(kept.left_out for kept in evolution.kept),
        sealed=sealed.comparison if sealed else None,
        sealed_baseline=sealed.baseline if sealed else None,
        sealed_final=sealed.final if sealed else None,
        hindsight=sealed.hindsight if sealed else None,
        opened=sealed.opened if sealed else 0,
        final_scores=_final_scores(evolution, runs),
        solved=_solved(evolution, rounds),
        commit=requests[-1].commit if requests else "",
    )


def _change(r: Round) -> Change:
    return Change(
        number=r.number,
        proposer=r.proposal.proposer if r.proposal else "",
        title=r.proposal.title if r.proposal else "",
        verdict=r.verdict,
        score=r.score,
        reason=r.reason[:300],
        seconds=r.seconds,
        own_seconds=r.own_seconds,
    )


def _final_scores(evolution: Evolution, runs: Sequence[ScoredRun]) -> tuple[float, ...]:
    final = code_hash(evolution.champion)
    return tuple(run.score for run in runs if run.split == "sealed" and run.code == final)


def _solved(evolution: Evolution, rounds: list[Round]) -> int | None:
    scale, target = evolution.scale, evolution.scale.target
    if target is None:
        return None
    reached = (r.number for r in rounds if r.score is not None and scale.gain(r.score, target) >= 0)
    return next(reached, None)
