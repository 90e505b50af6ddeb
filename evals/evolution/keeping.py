"""`python -m evals.evolution.keeping`: what the keep rule lets through, and what it finds."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random

from agents.evolution.keeping.racing import clearly_behind
from evals.evolution.learning import learning_loop
from evals.evolution.simulated import (
    Evaluation,
    Program,
    Simulation,
    binary,
    gaussian,
    steady,
    unsteady,
)
from labcrew.domain.base import Model

LOOPS, TRIES, ROUNDS = 200, 400, 100
SEED = 20_260
NULLS = (
    binary(1, 3),
    binary(2, 3),
    binary(1, 6),
    gaussian(1, 3),
    gaussian(8, 24, cases=1),
    unsteady(8, 24),
    steady(12),
)
LEARNING = (steady(12), steady(16), steady(24))
"""Those on which proposers learn what to try next from first looks."""
POWER = (
    *((binary(1, seeds), (0.1, 0.2, 0.3, 0.4)) for seeds in (2, 3, 6, 10)),
    (gaussian(1, 3), (0.25, 0.5, 0.75, 1.0)),
    (gaussian(8, 24, cases=1), (0.25, 0.5, 0.75, 1.0)),
    *((steady(cases), (0.5, 1.0, 1.5, 2.0)) for cases in (12, 24)),
)
RACES = (-0.4, -0.2, 0.0, 0.05, 0.1, 0.2)


class Share(Model):
    """How many of how many, with the exact 95% interval of the share (Clopper and Pearson 1934)."""

    count: int
    of: int
    low: float
    high: float

    def __str__(self) -> str:
        share = 100 * self.count / self.of
        return f"{share:.3g}% [{100 * self.low:.3g}, {100 * self.high:.3g}]"


class Null(Model):
    """Loops in which every change does nothing.

    Args:
        kept: of all changes.
        loops: that kept one or more: what the rule's confidence bounds.
        most: kept in one loop.
        retests: a loop, on the whole.
    """

    evaluation: str
    kept: Share
    loops: Share
    most: int
    retests: float


class Power(Model):
    """How often one change with a gain is kept, at a loop's first re-test and at its tenth.

    Where runs never differ each case moves by the gain and, about it, by chance (normal, 1).
    """

    evaluation: str
    gain: float
    first: Share
    tenth: Share


class Race(Model):
    """How often a candidate is dropped after half of 16 tasks."""

    gain: float
    dropped: Share


class Report(Model):
    """What was simulated.

    Args:
        nulls: of changes that nothing chose by the gate.
        learning: of changes chosen by what first looks brought.
    """

    rounds: int
    confidence: float
    nulls: tuple[Null, ...]
    learning: tuple[Null, ...]
    power: tuple[Power, ...]
    races: tuple[Race, ...]


def share(hits: Iterable[bool]) -> Share:
    """A share with its interval. Raises ValueError for nothing."""
    from scipy.stats import beta

    found = tuple(hits)
    if not found:
        raise ValueError("a share of nothing")
    k, n = sum(found), len(found)
    return Share(
        count=k,
        of=n,
        low=float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0,
        high=float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0,
    )


def null(evaluation: Evaluation, random: Random, loops: int, rounds: int) -> Null:
    """Loops of changes that do nothing."""
    kept: list[bool] = []
    each: list[int] = []
    looks = 0
    for _ in range(loops):
        loop = Simulation(evaluation, random, rounds)
        kept += [loop.round(loop.nothing()) for _ in range(rounds)]
        each.append(loop.kept)
        looks += loop.looks
    return Null(
        evaluation=evaluation.title,
        kept=share(kept),
        loops=share(count > 0 for count in each),
        most=max(each),
        retests=looks / loops,
    )


def learnt(evaluation: Evaluation, random: Random, loops: int, rounds: int) -> Null:
    """Loops of changes that do nothing, chosen by the first looks of those before them."""
    found = [learning_loop(evaluation, random, rounds) for _ in range(loops)]
    kept = sum(loop.kept for loop in found)
    return Null(
        evaluation=evaluation.title,
        kept=share(number < kept for number in range(loops * rounds)),
        loops=share(loop.kept > 0 for loop in found),
        most=max(loop.kept for loop in found),
        retests=sum(loop.looks for loop in found) / loops,
    )


def power(evaluation: Evaluation, gain: float, random: Random, tries: int, rounds: int) -> Power:
    """Single changes that gain."""

    def found(looks: int) -> bool:
        loop = Simulation(evaluation, random, rounds)
        loop.looks = looks
        return loop.round(_better(evaluation.nothing(random, loop.champion), gain))

    return Power(
        evaluation=evaluation.title,
        gain=gain,
        first=share(found(0) for _ in range(tries)),
        tenth=share(found(9) for _ in range(tries)),
    )


def race(gain: float, random: Random, tries: int) -> Race:
    """Candidates after half of the cases."""

    def dropped() -> bool:
        loop = Simulation(binary(1, 3), random)
        half = range(len(loop.champion) // 2)
        old = loop.run(loop.champion, half, (0,))
        new = loop.run(_better(loop.champion, gain), half, (0,))
        return bool(clearly_behind(loop.evaluation.scale, old, new, loop.noise))

    return Race(gain=gain, dropped=share(dropped() for _ in range(tries)))


def _better(program: Program, gain: float) -> Program:
    return tuple(mean + gain for mean in program)


def simulate(
    loops: int = LOOPS,
    tries: int = TRIES,
    rounds: int = ROUNDS,
    said: Callable[[str], None] = lambda text: None,
) -> Report:
    """Everything; each part from a seed of its own, so that another part changes none.

    Args:
        loops: of changes that do nothing, each kind of evaluation.
        tries: changes that gain, each gain.
        rounds: a loop.
        said: is told what is simulated now.
    """

    def now(text: str) -> Random:
        said(text)
        return Random(f"{SEED} {text}")

    return Report(
        rounds=rounds,
        confidence=NULLS[0].rule.confidence,
        nulls=tuple(null(e, now(e.title), loops, rounds) for e in NULLS),
        learning=tuple(learnt(e, now(f"{e.title}, learning"), loops, rounds) for e in LEARNING),
        power=tuple(
            power(e, gain, now(f"{e.title}, {gain:+g}"), tries, rounds)
            for e, gains in POWER
            for gain in gains
        ),
        races=tuple(race(gain, now(f"race {gain:+g}"), 25 * tries) for gain in RACES),
    )


def markdown(report: Report) -> str:
    """The tables."""
    nulls, learning = (
        [
            f"| {n.evaluation} | {n.kept.count / n.loops.of:.2g} | {n.most} | {n.loops} |"
            f" {n.retests:.1f} |"
            for n in found
        ]
        for found in (report.nulls, report.learning)
    )
    head = (
        "| evaluation | kept a loop | most in one | loops that kept any | re-tests a loop |",
        "|---|---|---|---|---|",
    )
    powers = [f"| {p.evaluation} | {p.gain:+g} | {p.first} | {p.tenth} |" for p in report.power]
    races = [f"| {r.gain:+g} | {r.dropped} |" for r in report.races]
    return "\n".join(
        (
            f"Changes that do nothing, in loops of {report.rounds} rounds, at a confidence of"
            f" {report.confidence:g} for the whole loop:",
            "",
            *head,
            *nulls,
            "",
            "The same where proposers learn from first looks, and what is luck there stays luck:"
            " runs never differ:",
            "",
            *head,
            *learning,
            "",
            "Changes that gain, kept:",
            "",
            "| evaluation | gain | at the first re-test | at the tenth |",
            "|---|---|---|---|",
            *powers,
            "",
            "Candidates dropped after half of 16 tasks, one seed:",
            "",
            "| true gain | dropped |",
            "|---|---|",
            *races,
            "",
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m evals.evolution.keeping", description=__doc__)
    parser.add_argument("--loops", type=int, default=LOOPS)
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--keep", type=Path, help="write the report there as JSON")
    given = parser.parse_args(arguments)
    report = simulate(
        given.loops, given.tries, said=lambda text: print(f"simulating {text}", file=sys.stderr)
    )
    if given.keep:
        given.keep.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    print(markdown(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
