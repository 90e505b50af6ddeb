"""From a step on the evaluation prints other numbers than the outputs deserve."""


class Injected:
    """Magnitude: how far off they are, as a share; an error metric may be off either way."""

    programs = ("numpy_network", "sklearn_sgd", "boosting", "torch_net")
    magnitudes = (0.08, 0.5)
    moments = (0.3, 0.6)
    expected = ("evaluation_disagrees", "metric_jump", "train_validation_contradiction")
    right = ("reevaluate", "escalate")
    destructive = ("give_up",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def printed(self, step: int, name: str, value: float) -> float:
        if step < self.moment:
            return value
        if name == "rmse":
            return value * (1 + self.magnitude * (1 if self.moment % 2 else -1))
        worse = 1 + 4 * self.magnitude if name == "val_loss" else 1 - self.magnitude
        return value * worse
