"""The program dies at the same step on each attempt: a mistake in its own code."""


class Injected:
    """Magnitude: which error."""

    programs = ("numpy_network", "sklearn_sgd", "boosting", "torch_net")
    magnitudes = (1.0, 4.0)
    moments = (0.2, 0.9)
    recoverable = False
    expected = ("crashed",)
    right = ("escalate", "give_up")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def before_step(self, step: int, batch_scale: float) -> None:
        if step < self.moment:
            return
        if self.magnitude < 2:
            raise KeyError("label_smoothing")
        if self.magnitude < 3:
            raise IndexError(f"index {step} is out of bounds for axis 0 with size {step}")
        raise TypeError("unsupported operand type(s) for *: 'NoneType' and 'float'")
