"""The results of a sweep."""

import math


class Study:
    """Trials with their parameters and values.

    Args:
        metric: the name of what was measured.
        direction: "maximize" or "minimize".
    """

    def __init__(self, metric, direction):
        if direction not in ("maximize", "minimize"):
            raise ValueError("direction must be maximize or minimize")
        self.metric = metric
        self.direction = direction
        self.trials = []

    def add(self, parameters, value):
        """Records a finished trial."""
        self.trials.append((dict(parameters), float(value)))

    def finite(self):
        """The trials that have a number."""
        return [trial for trial in self.trials if math.isfinite(trial[1])]

    def ranking(self):
        """The trials, best first; the earlier one first where they are equal."""
        sign = -1 if self.direction == "maximize" else 1
        return sorted(self.finite(), key=lambda trial: sign * trial[1])

    def best(self):
        """The best trial, or None."""
        ranked = self.ranking()
        return ranked[0] if ranked else None

    def best_so_far(self):
        """The best value after each finite trial."""
        values, best = [], None
        for _, value in self.finite():
            better = max if self.direction == "maximize" else min
            best = value if best is None else better(best, value)
            values.append(best)
        return values


def report(study, count=3):
    """Lines for the best trials."""
    return [f"{study.metric}={value:g} {sorted(p.items())}" for p, value in study.ranking()[:count]]
