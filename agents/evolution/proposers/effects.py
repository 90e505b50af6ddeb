"""Effects of alternatives: what each choice adds to the score, learnt from every program tried.

The parameter search learns from its own rounds and moves a few settings at a time. Where settings
are choices and their effects add up, every program that was scored says something of each choice in
it, whoever proposed it: a linear model holds that together. The next program is the best one under
a draw from its posterior (linear Thompson sampling, Agrawal & Goyal 2013).
"""

import math
from random import Random
from typing import Any

from agents.evolution.programs import Known
from agents.evolution.proposers.parameters import space_of, with_values
from agents.evolution.proposing import Situation
from labcrew.domain.chat import ChatModel
from labcrew.domain.evolution import CodeFile, Proposal, code_hash
from labcrew.domain.search_space import ChoiceParameter, Value

_FEWEST = 2
"""Settings that are choices, below which there is nothing to tell apart."""
_MOST = 400
"""Alternatives in all, above which the model would be slow and know nothing."""
_TRIES = 20
_NOISE = 0.1
"""Standard deviation of a score that the model expects, as a share of the scores' spread."""
_PRIOR = 1.0
"""That of a choice's effect, in the same unit."""


class Effects:
    """Sets choices together, by what each has brought so far."""

    name = "effects"

    def can(self, situation: Situation) -> bool:
        choices = _choices(situation)
        return len(choices) >= _FEWEST and sum(map(len, choices.values())) <= _MOST

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        if not self.can(situation):
            return None
        choices = _choices(situation)
        _, now = space_of(situation)
        known = Known(situation)
        posterior = _posterior(situation, choices)
        for _ in range(_TRIES):
            values = _drawn(choices, posterior, random)
            moved = {name: value for name, value in values.items() if value != now[name]}
            files = with_values(situation.champion, moved) if moved else None
            if files is None or files in known:
                continue
            told = [f"{name.partition(':')[2]} {now[name]!r} → {v!r}" for name, v in moved.items()]
            return Proposal(
                proposer=self.name,
                title=f"Choose {', '.join(sorted(told))}"[:200],
                rationale=(
                    f"What the alternatives of {len(choices)} settings add to the score, learnt"
                    f" from {len(situation.tried)} programs."
                ),
                files=files,
                values={**moved, "changed": sorted(moved)},
                parents=(code_hash(situation.champion),),
            )
        return None


def make(chat: ChatModel | None) -> Effects:
    return Effects()


def _choices(situation: Situation) -> dict[str, tuple[Value, ...]]:
    """The settings that are choices, and their alternatives."""
    space, _ = space_of(situation)
    return {
        name: parameter.choices
        for name, parameter in sorted(space.items())
        if isinstance(parameter, ChoiceParameter)
    }


def _columns(choices: dict[str, tuple[Value, ...]]) -> dict[tuple[str, int], int]:
    pairs = [(name, place) for name, options in choices.items() for place in range(len(options))]
    return {pair: column for column, pair in enumerate(pairs)}


def _posterior(situation: Situation, choices: dict[str, tuple[Value, ...]]) -> tuple[Any, Any]:
    """Mean and Cholesky factor of the covariance of the alternatives' effects."""
    import numpy as np

    columns = _columns(choices)
    rows, scores = [], []
    for tried in situation.tried:
        row = _row(situation, tried.files, choices, columns)
        if row is not None and math.isfinite(tried.score):
            rows.append(row)
            scores.append(tried.score)
    precision = np.eye(len(columns)) / _PRIOR**2
    mean = np.zeros(len(columns))
    if rows:
        matrix, told = np.array(rows), np.array(scores)
        spread = float(told.std()) or 1.0
        sign = 1 if situation.spec.metric.direction == "maximize" else -1
        centred = sign * (told - told.mean()) / spread
        precision = precision + matrix.T @ matrix / _NOISE**2
        mean = np.linalg.solve(precision, matrix.T @ centred / _NOISE**2)
    return mean, np.linalg.cholesky(np.linalg.inv(precision))


def _row(
    situation: Situation,
    files: tuple[CodeFile, ...],
    choices: dict[str, tuple[Value, ...]],
    columns: dict[tuple[str, int], int],
) -> list[float] | None:
    """Which alternatives a program has; None where it lacks one of the settings."""
    _, values = space_of(situation.model_copy(update={"champion": files}))
    row = [0.0] * len(columns)
    for name, options in choices.items():
        if name not in values or values[name] not in options:
            return None
        row[columns[name, options.index(values[name])]] = 1.0
    return row


def _drawn(
    choices: dict[str, tuple[Value, ...]], posterior: tuple[Any, Any], random: Random
) -> dict[str, Value]:
    """The best alternatives under one draw of all effects."""
    import numpy as np

    mean, factor = posterior
    normal = np.array([random.gauss(0, 1) for _ in range(len(mean))])
    effects = mean + factor @ normal
    columns = _columns(choices)
    return {
        name: options[max(range(len(options)), key=lambda p: effects[columns[name, p]])]
        for name, options in choices.items()
    }
