"""A hundred changes that bring nothing: the rule, and a rule without bounds."""

from collections.abc import Callable, Iterator
from random import Random

from evals.attacks.probe import Finding
from evals.evolution.simulated import Evaluation, Simulation, binary, gaussian, steady

CHANGES, MOST_KEPT = 100, 5
_KINDS = (binary(1, 3), binary(2, 3), gaussian(1, 3), gaussian(8, 24, cases=1), steady(12))
_SEED = 7


def noops() -> Iterator[Finding]:
    """The keep rule as it is."""
    yield from _each(lambda loop: loop.round(loop.nothing()))


def greedy() -> Iterator[Finding]:
    """Without noise floor, bound and re-test: what looks better is kept."""
    yield from _each(_greedy_round)


def _greedy_round(loop: Simulation) -> bool:
    """A better mean is enough."""
    first = loop.first_of(loop.nothing())
    return first.gain > 0


def _each(round_: Callable[[Simulation], bool]) -> Iterator[Finding]:
    for kind in _KINDS:
        yield _finding(kind, round_)


def _finding(kind: Evaluation, round_: Callable[[Simulation], bool]) -> Finding:
    loop = Simulation(kind, Random(_SEED), CHANGES)
    kept = sum(round_(loop) for _ in range(CHANGES))
    return Finding(
        probe=f"changes that do nothing: {kind.title}",
        tried=f"{CHANGES} changes that do nothing, one after the other",
        happened=f"{kept} were kept",
        verdict="held" if kept <= MOST_KEPT else "breached",
    )
