"""Updates no longer reach the weights: the loss stands still far above where it could be.

Only the first attempt: the optimiser lost its parameters when it was set up.
"""


class Injected:
    """Magnitude: what is left of the rate."""

    programs = ("numpy_network", "torch_net", "boosting")
    magnitudes = (1e-9, 1e-6)
    moments = (0.03, 0.08)
    transient = True
    expected = ("plateau",)
    right = ("restart_same", "restart_lower_rate", "restart_clipped", "restart_elsewhere")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def gradient(self, step: int) -> float:
        return self.magnitude if step >= self.moment else 1.0

    def rate(self, step: int, rate: float) -> float:
        return rate * self.magnitude if step >= self.moment else rate
