"""A few rows, some with wrong labels, are learned by heart: validation gets worse meanwhile."""

from typing import Any


class Injected:
    """Magnitude: how many rows."""

    programs = ("numpy_network", "torch_net")
    magnitudes = (90.0, 220.0)
    moments = (0.0, 0.0)
    recoverable = False
    expected = ("overfitting", "train_validation_contradiction")
    right = ("escalate", "give_up")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.magnitude = magnitude

    def rate(self, step: int, rate: float) -> float:
        return 2 * rate

    def rows(self, x: Any, y: Any, x_validation: Any, y_validation: Any) -> Any:
        x, y = x[: int(self.magnitude)], y[: int(self.magnitude)].copy()
        y[::3] = (y[::3] + 1) % (int(y_validation.max()) + 1)
        return x, y
