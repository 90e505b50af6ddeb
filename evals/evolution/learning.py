"""Loops whose proposer learns from the gate: settings of which none brings anything, whose luck on
the cases of first looks the proposer finds.

Blind changes are chosen by nothing that was measured. These are: a third of them are the best under
a draw from a linear model of all first looks so far, as `agents/evolution/proposers/effects` makes
them; the others change a setting or two of the champion.
"""

from collections.abc import Sequence
from random import Random
from statistics import fmean
from typing import Any

from evals.evolution.simulated import Evaluation, Program, Simulation

SETTINGS, CHOICES = 12, 4
_LEARNT = 1 / 3
_NOISE = 0.1
_TRIES = 20


class Settings:
    """Programs of twelve settings with four choices each, of effects that add up.

    A choice moves each case up or down, as likely: for all cases there could be, it does nothing.

    Args:
        baseline: what the program scores with the first choice of each setting, a case each.
        shown: the cases of first looks, by their places: what there is to learn from.
        random: all that happens.
    """

    def __init__(self, baseline: Program, shown: Sequence[int], random: Random) -> None:
        self._baseline, self._shown, self._random = baseline, shown, random
        self._effects = [
            [[random.gauss(0, 1) * (choice > 0) for _ in baseline] for choice in range(CHOICES)]
            for _ in range(SETTINGS)
        ]
        self.champion = (0,) * SETTINGS
        self._means = {self.champion: self._mean(baseline)}

    def program(self, chosen: tuple[int, ...]) -> Program:
        """What a choice of all settings scores, a case each."""
        moved = [self._effects[setting][choice] for setting, choice in enumerate(chosen)]
        return tuple(sum(values) for values in zip(self._baseline, *moved, strict=True))

    def next(self) -> tuple[int, ...]:
        """A choice that was not tried yet; its first look is known afterwards."""
        chosen = self.champion
        learnt = self._random.random() < _LEARNT
        for number in range(10 * _TRIES):
            chosen = self._best_draw() if learnt and number < _TRIES else self._mutated()
            if chosen not in self._means:
                break
        self._means[chosen] = self._mean(self.program(chosen))
        return chosen

    def _mean(self, program: Program) -> float:
        return fmean(program[case] for case in self._shown)

    def _mutated(self) -> tuple[int, ...]:
        chosen = list(self.champion)
        for setting in self._random.sample(range(SETTINGS), self._random.choice((1, 1, 2))):
            chosen[setting] = self._random.randrange(CHOICES)
        return tuple(chosen)

    def _best_draw(self) -> tuple[int, ...]:
        import numpy as np

        rows = np.zeros((len(self._means), SETTINGS * CHOICES))
        for row, chosen in zip(rows, self._means, strict=True):
            row[[setting * CHOICES + choice for setting, choice in enumerate(chosen)]] = 1
        told: Any = np.array(list(self._means.values()))
        centred = (told - told.mean()) / (told.std() or 1.0)
        precision = np.eye(SETTINGS * CHOICES) + rows.T @ rows / _NOISE**2
        mean = np.linalg.solve(precision, rows.T @ centred / _NOISE**2)
        factor = np.linalg.cholesky(np.linalg.inv(precision))
        normal = np.array([self._random.gauss(0, 1) for _ in mean])
        effects = (mean + factor @ normal).reshape(SETTINGS, CHOICES)
        return tuple(int(choice) for choice in effects.argmax(1))


def learning_loop(evaluation: Evaluation, random: Random, rounds: int) -> Simulation:
    """A loop of such changes, at its end.

    Args:
        evaluation: whose runs never differ.
    """
    loop = Simulation(evaluation, random, rounds)
    settings = Settings(loop.champion, loop.shown, random)
    for _ in range(rounds):
        chosen = settings.next()
        if loop.round(settings.program(chosen)):
            settings.champion = chosen
    return loop
