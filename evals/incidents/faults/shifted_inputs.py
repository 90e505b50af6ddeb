"""Some shards come with other preprocessing from a step on: scaled and moved."""

from typing import Any


class Injected:
    """Magnitude: the factor and the shift."""

    programs = ("numpy_network", "sklearn_sgd", "torch_net")
    magnitudes = (4.0, 12.0)
    moments = (0.3, 0.5)
    expected = ("shifted_data", "corrupt_batch", "loss_spike")
    right = ("restart_without_batch",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude
        self.shards = {f"shard-{(seed + n * 5) % 12:02d}" for n in range(1 + seed % 2)}

    def batch(self, step: int, shard: str, x: Any, y: Any) -> Any:
        if shard in self.shards and step >= self.moment:
            x = x[:, ::-1] * self.magnitude + self.magnitude
        return x, y
