"""How soon each proposer reaches a goal, alone and together: `python -m evals.evolution.proposers`.

Three small pure programs, each with a variant that is known to be better: constants that are off, a
function with two faults, and an agent whose model must be shown its mistake and asked less warmly.
Each is climbed by every proposer alone, by all with the bandit, and by all drawn by chance.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from agents.evolution.proposers import proposers
from evals.evolution.climbing import Score, climb, situation
from labcrew.domain.base import Model

RESULT = Path(__file__).parents[1] / "results" / "evolution" / "proposers.json"
ROUNDS, SEEDS = 40, 10
ALONE = ("parameters", "mutation", "guidelines", "crossover")
TOGETHER = ("bandit", "chance")
_RESAMPLES = 2_000

CONSTANTS = """
WIDTH = 2.0  # 0..10
DEPTH = 3  # 0..9
ORDER = "given"  # one of: given, short first, long first


def value(goods):
    ordered = list(goods)
    if ORDER != "given":
        ordered = sorted(goods, reverse=ORDER == "long first")
    return sum(ordered[:DEPTH]) - abs(WIDTH - 7)
"""

FAULTS = """
def positives(numbers):
    result = 0
    for number in numbers:
        if number < 0:
            result = result + number
    return result


def mean(numbers):
    return positives(numbers) / (len(numbers) + 1)
"""

AGENT = '''
PROMPT = "Do {task}. Be brief."
SAMPLING = {
    "temperature": 1.0,  # 0..1.5
}
CALLS = []


class ModelError(Exception):
    pass


def ask(messages, **changes):
    """A model that mends what it is shown, if it is not too warm; at most four times."""
    CALLS.append(messages)
    if len(CALLS) > 4:
        raise ModelError("the allowance is spent")
    warm = {**SAMPLING, **changes}["temperature"] > 0.4
    told = "wrong" in messages[0]
    return "right" if told and not warm else "near" if told or not warm else "poor"


def prompt(task, said=""):
    return [PROMPT.format(task=task) + said]


def parse(text):
    return text


def check(task, answer):
    return {"right": [], "near": ["one is wrong"]}.get(answer, ["one is wrong", "two is wrong"])


def attempt(task, said="", **changes):
    return parse(ask(prompt(task, said), **changes))


def solve(task):
    return attempt(task)
'''


def _constants(names: Mapping[str, Any]) -> float:
    return float(names["value"]([3, 1, 9, 4, 8, 2, 7]))


def _faults(names: Mapping[str, Any]) -> float:
    cases: tuple[list[int], ...] = ([1, 2], [3, -1], [0, 4, 4], [-5, 5, 2], [-1, -1])
    right = 0
    for case in cases:
        positives = [n for n in case if n > 0]
        right += names["positives"](list(case)) == sum(positives)
        right += abs(names["mean"](list(case)) - sum(positives) / len(case)) < 1e-9
    return float(right)


def _agent(names: Mapping[str, Any]) -> float:
    return {"right": 2.0, "near": 1.0}.get(names["solve"]("it"), 0.0)


@dataclass(frozen=True)
class Problem:
    """A program, how it is scored, and the score that counts as solved."""

    program: str
    score: Score
    goal: float
    kinds: Mapping[str, tuple[str, ...]]


PROBLEMS = {
    "constants": Problem(CONSTANTS, _constants, 33.0, {}),
    "faults": Problem(FAULTS, _faults, 10.0, {"wrong: # is not #": ("a", "b")}),
    "agent": Problem(AGENT, _agent, 2.0, {"wrong: one is wrong": ("a", "b")}),
}


class Arm(Model):
    """One way to propose, on one problem.

    Args:
        rounds: of each seed, until the goal; None: not within the budget.
        median: of the rounds; the budget stands for what did not reach the goal.
        low: and `high`: of the median, 95% by bootstrap over seeds.
    """

    problem: str
    arm: str
    rounds: tuple[int | None, ...]
    solved: int
    median: float
    low: float
    high: float


class Measured(Model):
    """All arms, and the budget."""

    budget: int
    seeds: int
    arms: tuple[Arm, ...]


def measure(seeds: int, budget: int, problems: Sequence[str] = tuple(PROBLEMS)) -> Measured:
    """Climbs every problem in every way."""
    arms = []
    for name in problems:
        problem = PROBLEMS[name]
        start = situation(problem.program, problem.kinds)
        for arm in (*ALONE, *TOGETHER):
            some = proposers(ALONE if arm in TOGETHER else (arm,))
            found = [
                climb(
                    some,
                    start,
                    problem.score,
                    problem.goal,
                    budget,
                    seed,
                    by_chance=arm == "chance",
                ).rounds
                for seed in range(seeds)
            ]
            arms.append(_arm(name, arm, found, budget))
    return Measured(budget=budget, seeds=seeds, arms=tuple(arms))


def _arm(problem: str, arm: str, rounds: Sequence[int | None], budget: int) -> Arm:
    counted = [budget if n is None else n for n in rounds]
    random = Random(0)
    medians = sorted(
        statistics.median(random.choices(counted, k=len(counted))) for _ in range(_RESAMPLES)
    )
    return Arm(
        problem=problem,
        arm=arm,
        rounds=tuple(rounds),
        solved=sum(n is not None for n in rounds),
        median=statistics.median(counted),
        low=medians[int(0.025 * _RESAMPLES)],
        high=medians[int(0.975 * _RESAMPLES)],
    )


def table(measured: Measured) -> str:
    """The result as Markdown."""
    lines = ["| problem | proposer | solved | median rounds | 95% |", "|---|---|---|---|---|"]
    for arm in measured.arms:
        span = f"{arm.low:g} to {arm.high:g}" if arm.solved else "-"
        median = f"{arm.median:g}" if arm.solved * 2 > measured.seeds else f"> {measured.budget}"
        lines.append(
            f"| {arm.problem} | {arm.arm} | {arm.solved} of {measured.seeds} | {median} | {span} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="evals.evolution.proposers", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="budget of a climb")
    parser.add_argument("--write", type=Path, help=f"e.g. {RESULT.name}")
    given = parser.parse_args(arguments)
    measured = measure(given.seeds, given.rounds)
    print(table(measured))
    if given.write is not None:
        given.write.parent.mkdir(parents=True, exist_ok=True)
        given.write.write_text(json.dumps(measured.model_dump(mode="json"), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
