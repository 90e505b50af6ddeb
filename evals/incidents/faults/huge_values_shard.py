"""A shard holds values far out of range from a step on: another unit, or broken bytes."""

from typing import Any


class Injected:
    """Magnitude: the factor."""

    programs = ("numpy_network", "sklearn_sgd", "torch_net")
    magnitudes = (3e3, 1e9)
    expected = ("corrupt_batch", "loss_spike", "diverged", "gradient_explosion", "not_finite")
    right = ("restart_without_batch",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude
        self.shard = f"shard-{seed % 12:02d}"

    def batch(self, step: int, shard: str, x: Any, y: Any) -> Any:
        if shard == self.shard and step >= self.moment:
            x = x * self.magnitude
        return x, y
