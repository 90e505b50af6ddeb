"""The learning rate is multiplied from a step on, as a wrong schedule does."""


class Injected:
    """Magnitude: the factor."""

    programs = ("numpy_network", "torch_net", "boosting")
    magnitudes = (25.0, 90.0)
    expected = ("diverged", "not_finite", "loss_spike", "gradient_explosion")
    right = ("restart_lower_rate",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def rate(self, step: int, rate: float) -> float:
        return rate * self.magnitude if step >= self.moment else rate
