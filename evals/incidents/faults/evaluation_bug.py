"""From a step on the evaluation prints better numbers than the outputs deserve."""


class Injected:
    """Magnitude: how much of the distance to a perfect number is left out."""

    programs = ("numpy_network", "sklearn_sgd", "boosting", "torch_net")
    magnitudes = (0.5, 0.95)
    moments = (0.3, 0.6)
    expected = ("evaluation_disagrees", "metric_jump", "train_validation_contradiction")
    right = ("reevaluate", "escalate")
    destructive = ("give_up",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def printed(self, step: int, name: str, value: float) -> float:
        if step < self.moment:
            return value
        best = {"val_accuracy": 1.0, "val_acc": 100.0}.get(name, 0.0)
        return best + (value - best) * (1 - self.magnitude)
