"""A shard holds rows that are not numbers, from a step on: a file that was written over."""

from typing import Any


class Injected:
    """Magnitude: the share of the shard's rows."""

    programs = ("numpy_network", "torch_net")
    magnitudes = (0.1, 0.9)
    expected = ("not_finite", "corrupt_batch")
    right = ("restart_without_batch",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude
        self.shard = f"shard-{seed % 12:02d}"

    def batch(self, step: int, shard: str, x: Any, y: Any) -> Any:
        if shard == self.shard and step >= self.moment:
            x = x.copy()
            x[: max(1, int(len(x) * self.magnitude))] = float("nan" if self.moment % 2 else "inf")
        return x, y
