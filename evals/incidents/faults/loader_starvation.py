"""Loading a batch takes longer at each step: a disk or a share that gives way."""

import time


class Injected:
    """Magnitude: the seconds that each step adds to loading."""

    programs = ("numpy_network", "sklearn_sgd", "boosting", "torch_net")
    magnitudes = (0.006, 0.02)
    moments = (0.55, 0.75)
    transient = True
    expected = ("data_starved", "slowed")
    destructive = ("give_up",)
    right = ("restart_same", "restart_elsewhere")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def loading(self, step: int) -> None:
        if step >= self.moment:
            time.sleep(min(0.2, self.magnitude * (step - self.moment + 1)))
