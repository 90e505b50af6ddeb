"""Training begins to include the validation rows: their metric gets better with no cause."""

from typing import Any

import numpy as np


class Injected:
    """Magnitude: the share of a batch that are validation rows."""

    programs = ("numpy_network", "boosting")
    magnitudes = (0.7, 1.0)
    moments = (0.2, 0.5)
    recoverable = False
    expected = ("metric_jump", "train_validation_contradiction", "evaluation_disagrees")
    right = ("escalate", "reevaluate", "give_up")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude, self.seed = moment, magnitude, seed

    def rows(self, x: Any, y: Any, x_validation: Any, y_validation: Any) -> Any:
        self.leaked = x_validation, y_validation
        return x, y

    def batch(self, step: int, shard: str, x: Any, y: Any) -> Any:
        if step < self.moment:
            return x, y
        x_leaked, y_leaked = self.leaked
        random = np.random.default_rng([self.seed, step])
        count = max(1, int(len(x) * self.magnitude))
        rows = random.integers(len(x_leaked), size=count)
        x, y = x.copy(), y.copy()
        width = x_leaked.shape[1]  # boosting's batches carry a row number beside
        x[:count, :width], y[:count] = x_leaked[rows], y_leaked[rows]
        return x, y
