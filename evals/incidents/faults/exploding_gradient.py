"""The gradient grows without bound from a step on, as through a badly scaled layer."""


class Injected:
    """Magnitude: the factor by which the gradient grows at each step."""

    programs = ("numpy_network",)
    magnitudes = (1.3, 2.5)
    expected = ("gradient_explosion", "diverged", "not_finite", "loss_spike")
    right = ("restart_clipped",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def gradient(self, step: int) -> float:
        grown = step - self.moment + 1
        return float(self.magnitude ** min(grown, 200)) if grown > 0 else 1.0
