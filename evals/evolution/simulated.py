"""Loops over programs that are chances alone: what the keep rule does, thousands of times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from agents.evolution.keeping.compare import compare
from agents.evolution.keeping.decide import decide, promising
from agents.evolution.keeping.looks import FILTER, level_at
from agents.evolution.keeping.noise import noise_floor
from agents.evolution.keeping.racing import clearly_behind
from agents.evolution.keeping.scope import exact, over_on_gate, parts
from labcrew.domain.evolution import Comparison, NoiseFloor, ScoredRun
from labcrew.domain.evolution_spec import KeepRule, Scale

Program = tuple[float, ...]
"""What a program scores on each case, on the whole."""


@dataclass(frozen=True)
class Evaluation:
    """A kind of evaluation.

    Args:
        title: in plain words.
        scale: of its scores.
        rule: how many seeds, and how sure.
        program: draws a baseline.
        score: draws one run's score of a case's mean.
        nothing: draws a change that brings nothing to a program; by default the program itself.
        steady: whether equal scores come of equal outputs.
    """

    title: str
    scale: Scale
    rule: KeepRule
    program: Callable[[Random], Program]
    score: Callable[[Random, float], float]
    nothing: Callable[[Random, Program], Program] = lambda _random, program: program
    steady: bool = False


def _share(random: Random, mean: float) -> float:
    return float(random.random() < mean)


def _noisy(random: Random, mean: float) -> float:
    return random.gauss(mean, 1.0)


def _failing(random: Random, mean: float) -> float:
    return random.gauss(mean, 1.0) - 20.0 * (random.random() < 0.1)


def binary(seeds: int, retest_seeds: int, cases: int = 16) -> Evaluation:
    """Tasks that a program passes or fails, each with a chance of its own from 0.3 to 0.6."""
    return Evaluation(
        title=f"{cases} tasks passed or failed, {seeds}+{retest_seeds} seeds",
        scale=Scale(name="passed", low=0, high=1),
        rule=KeepRule(seeds=seeds, retest_seeds=retest_seeds),
        program=lambda random: tuple(random.uniform(0.3, 0.6) for _ in range(cases)),
        score=_share,
    )


def gaussian(seeds: int, retest_seeds: int, cases: int = 16) -> Evaluation:
    """Cases far apart, each with normal noise of standard deviation 1."""
    what = f"{cases} cases" if cases > 1 else "one case"
    return Evaluation(
        title=f"{what} with normal noise, {seeds}+{retest_seeds} seeds",
        scale=Scale(name="score", low=-1000, high=1000),
        rule=KeepRule(seeds=seeds, retest_seeds=retest_seeds),
        program=lambda random: tuple(random.gauss(0, 3) for _ in range(cases)),
        score=_noisy,
    )


def unsteady(seeds: int, retest_seeds: int) -> Evaluation:
    """One case with normal noise whose runs come to nothing one time in ten."""
    return Evaluation(
        title=f"one case whose runs fail 1 time in 10, {seeds}+{retest_seeds} seeds",
        scale=Scale(name="score", low=-1000, high=1000),
        rule=KeepRule(seeds=seeds, retest_seeds=retest_seeds),
        program=lambda random: (random.gauss(0, 3),),
        score=_failing,
    )


def steady(cases: int) -> Evaluation:
    """Cases whose runs never differ, and changes that move each up or down, as likely."""
    return Evaluation(
        title=f"{cases} cases whose runs never differ",
        scale=Scale(name="score", low=-1000, high=1000),
        rule=KeepRule(seeds=1, retest_seeds=1),
        program=lambda random: tuple(random.gauss(0, 3) for _ in range(cases)),
        score=lambda _random, mean: mean,
        nothing=lambda random, program: tuple(random.gauss(mean, 1.0) for mean in program),
        steady=True,
    )


class Simulation:
    """One loop's rounds.

    Args:
        evaluation: what it is judged by.
        random: all that happens.
        rounds: most that there can be.
    """

    def __init__(self, evaluation: Evaluation, random: Random, rounds: int = 100) -> None:
        self.evaluation, self._random, self._rounds = evaluation, random, rounds
        self.champion = evaluation.program(random)
        self.rounds = self.looks = self.kept = self.dropped = 0
        rule = evaluation.rule
        self._seeds = count()
        cases = range(len(self.champion))
        a, b = (self.run(self.champion, cases, self._fresh(rule.noise_seeds)) for _ in "ab")
        self.noise: NoiseFloor = noise_floor(evaluation.scale, a, b, rule, most=rounds)
        self.shown, self._held = parts(cases, parted=self.noise.parted)
        self._first_seeds = self._fresh(rule.seeds)
        self._cached = self._first_look(self.champion)
        # The champion's side of re-tests is run once, as the loop does.
        self._again: tuple[ScoredRun, ...] = ()

    def _fresh(self, seeds: int) -> tuple[int, ...]:
        return tuple(next(self._seeds) for _ in range(seeds))

    def run(
        self, program: Program, cases: Sequence[int], seeds: Sequence[int]
    ) -> tuple[ScoredRun, ...]:
        """A program on cases, by their places, with every seed."""
        draw, steady = self.evaluation.score, self.evaluation.steady
        return tuple(
            ScoredRun.model_construct(
                id="", ticket="", code="", case=f"c{case}", split="gate", seed=seed, status="ok",
                score=(score := draw(self._random, program[case])), why="", seconds=1.0,
                model_calls=0, model_tokens=0, scorer_sha256="",
                output_sha256=f"{score if steady else next(self._seeds)}",
            )
            for case in cases
            for seed in seeds
        )  # fmt: skip

    def nothing(self) -> Program:
        """A change that brings nothing."""
        return self.evaluation.nothing(self._random, self.champion)

    def first_of(self, change: Program) -> Comparison:
        """A changed program's first comparison."""
        return self._compared(self._cached, self._first_look(change), FILTER)

    def _first_look(self, program: Program) -> tuple[ScoredRun, ...]:
        return self.run(program, self.shown, self._first_seeds)

    def _compared(
        self, old: Sequence[ScoredRun], new: Sequence[ScoredRun], level: float, retest: int = 0
    ) -> Comparison:
        rule, same = self.evaluation.rule, self.noise.deterministic
        sure = exact(rule, retest, level, deterministic=same) if retest else same
        over = over_on_gate(rule, deterministic=same)
        return compare(self.evaluation.scale, old, new, level, exact=sure, over=over)

    def round(self, change: Program) -> bool:
        """Whether a changed program is kept."""
        scale, rule = self.evaluation.scale, self.evaluation.rule
        self.rounds += 1
        new = self._first_look(change)
        old = self._cached
        half = len(self.shown) // 2 * rule.seeds
        if half and clearly_behind(scale, old[:half], new[:half], self.noise):
            self.dropped += 1
            return False
        first = self._compared(old, new, FILTER)
        if not promising(first, rule):
            return False
        self.looks += 1
        if not self._again:
            self._again = self.run(self.champion, self._held, self._fresh(rule.retest_seeds))
        seeds = tuple(dict.fromkeys(run.seed for run in self._again))
        old2, new2 = self._again, self.run(change, self._held, seeds)
        level = level_at(self.looks, rule, self._rounds)
        retest = self._compared(old2, new2, level, rule.retest_seeds)
        verdict, _ = decide(
            scale, rule, self.noise, first, retest,
            champion=(*old, *old2), candidate=(*new, *new2), protected=(),
        )  # fmt: skip
        if verdict != "kept":
            return False
        self.kept += 1
        self.champion, self._cached, self._again = change, new, ()
        return True
