"""Some shards have wrong labels from a step on: a join that went wrong."""

from typing import Any

import numpy as np


class Injected:
    """Magnitude: the share of a shard's labels."""

    programs = ("numpy_network", "sklearn_sgd", "torch_net")
    magnitudes = (0.7, 1.0)
    moments = (0.3, 0.5)
    expected = ("shifted_data", "corrupt_batch", "loss_spike")
    destructive = ("give_up",)
    right = ("restart_without_batch",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude
        self.shards = {f"shard-{(seed + n * 5) % 12:02d}" for n in range(1 + seed % 2)}

    def batch(self, step: int, shard: str, x: Any, y: Any) -> Any:
        if shard in self.shards and step >= self.moment:
            y = y.copy()
            count = int(len(y) * self.magnitude)
            labels = max(2, int(np.max(y)) + 1)
            y[:count] = (y[:count] + 1) % labels
        return x, y
