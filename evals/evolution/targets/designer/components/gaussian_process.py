"""
---
name: gaussian-process
for: Learns from all scores at once where the best settings may lie, from few trials.
needs: [sampler]
put: wrap function sampler
---
"""

import random as chance
from typing import Any


def sampler(seed: int, startup: int) -> Any:
    """A Gaussian process with expected improvement (Jones et al. 1998, EGO) once it has begun.

    Conditional settings, and the first ones, are chosen as before.
    """
    import optuna

    learnt = before(seed, startup)
    complete = (optuna.trial.TrialState.COMPLETE,)

    class Process(optuna.samplers.BaseSampler):  # type: ignore[misc]
        def infer_relative_search_space(self, study: Any, trial: Any) -> Any:
            scored = study.get_trials(deepcopy=False, states=complete)
            if len(scored) < startup:
                return {}
            return optuna.search_space.intersection_search_space(scored)

        def sample_relative(self, study: Any, trial: Any, space: Any) -> Any:
            if not space:
                return {}
            scored = study.get_trials(deepcopy=False, states=complete)
            sign = 1 if study.direction == optuna.study.StudyDirection.MAXIMIZE else -1
            told = [(t.params, sign * t.value) for t in scored if math.isfinite(t.value)]
            return _promising(told, space, chance.Random(seed)) if told else {}

        def sample_independent(self, study: Any, trial: Any, name: str, told: Any) -> Any:
            return learnt.sample_independent(study, trial, name, told)

    return Process()


def _promising(told: Any, space: Any, random: Any) -> dict[str, Any]:
    """The settings with the largest expected improvement among drawn ones and neighbours."""
    import numpy as np

    names = sorted(space)
    best = sorted(told, key=lambda t: -t[1])[:NEIGHBOURS]
    offered = [{n: _placed(space[n], random.random()) for n in names} for _ in range(OFFERED)]
    for _ in range(OFFERED):
        near = random.choice(best)[0]
        offered.append({n: _moved(space[n], near[n], random) for n in names})
    x = np.array([_row(values, names, space) for values, _ in told])
    y = np.array([score for _, score in told])
    y = (y - y.mean()) / (y.std() or 1.0)
    new = np.array([_row(values, names, space) for values in offered])
    mean, spread, known = _posterior(x, y, new)
    gap = mean - known.max()
    z = gap / spread
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    below = 0.5 * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))
    return offered[int(np.argmax(gap * below + spread * density))]


def _posterior(x: Any, y: Any, new: Any) -> tuple[Any, Any, Any]:
    """Mean and spread at new places, and the mean at the known ones, under the likeliest scale."""
    import numpy as np

    likeliest, kept = -math.inf, None
    for length in (0.15, 0.3, 0.6, 1.2):
        for noise in (0.01, 0.1, 0.4):
            inside = _matern(x, x, length)
            factor = np.linalg.cholesky(inside + (noise + 1e-8) * np.eye(len(x)))
            half = np.linalg.solve(factor, y)
            likely = -0.5 * half @ half - np.log(np.diag(factor)).sum()
            if likely > likeliest:
                likeliest, kept = likely, (length, factor, half, inside)
    assert kept is not None
    length, factor, half, inside = kept
    across = np.linalg.solve(factor, _matern(x, new, length))
    spread = np.sqrt(np.maximum(1 - (across**2).sum(axis=0), 1e-9))
    return across.T @ half, spread, np.linalg.solve(factor, inside).T @ half


def _matern(a: Any, b: Any, length: float) -> Any:
    """The Matérn kernel with smoothness 5/2."""
    import numpy as np

    far = np.sqrt(5 * ((a[:, None] - b[None]) ** 2).sum(axis=2)) / length
    return (1 + far + far * far / 3) * np.exp(-far)


def _row(values: Any, names: Any, space: Any) -> list[float]:
    """Settings as places on the unit cube; alternatives one by one."""
    row: list[float] = []
    for name in names:
        told = space[name]
        if hasattr(told, "choices"):
            row += [0.5 * (values[name] == choice) for choice in told.choices]
        elif told.log:
            row.append(math.log(values[name] / told.low) / math.log(told.high / told.low))
        else:
            row.append((values[name] - told.low) / ((told.high - told.low) or 1))
    return row


def _placed(told: Any, share: float) -> Any:
    """The value at a share of a parameter's range."""
    if hasattr(told, "choices"):
        return told.choices[min(int(share * len(told.choices)), len(told.choices) - 1)]
    value = (
        told.low * (told.high / told.low) ** share
        if told.log
        else told.low + share * (told.high - told.low)
    )
    if isinstance(told.low, int):
        step = told.step or 1
        value = told.low + step * round((value - told.low) / step)
    return min(told.high, max(told.low, value))


def _moved(told: Any, value: Any, random: Any) -> Any:
    """A value near another; now and then another alternative."""
    if hasattr(told, "choices"):
        return random.choice(told.choices) if random.random() < 0.2 else value
    place = _row({"": value}, [""], {"": told})[0]
    return _placed(told, min(1.0, max(0.0, place + random.gauss(0, 0.1))))


OFFERED = 200  # fixed
NEIGHBOURS = 3  # 1..10
