"""A spike of the loss that feeds itself: the rate creeps up until the run diverges.

Only the first attempt: it hangs on an order of events that does not come again.
"""


class Injected:
    """Magnitude: the factor by which the rate grows at each step."""

    programs = ("numpy_network", "torch_net", "boosting")
    magnitudes = (1.25, 1.7)
    transient = True
    expected = ("loss_spike", "diverged", "gradient_explosion", "not_finite")
    right = ("restart_same", "restart_lower_rate", "restart_clipped")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def rate(self, step: int, rate: float) -> float:
        grown = step - self.moment + 1
        return rate * float(self.magnitude ** min(grown, 200)) if grown > 0 else rate
