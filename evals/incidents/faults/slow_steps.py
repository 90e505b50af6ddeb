"""Every step takes longer from one on: a core that is throttled or shared.

Only the first attempt: a restart finds another place.
"""

import time


class Injected:
    """Magnitude: seconds more a step."""

    programs = ("numpy_network", "sklearn_sgd", "torch_net")
    magnitudes = (0.06, 0.18)
    moments = (0.5, 0.7)
    transient = True
    expected = ("slowed",)
    right = ("restart_same", "restart_elsewhere")
    destructive = ("give_up",)

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def before_step(self, step: int, batch_scale: float) -> None:
        if step >= self.moment:
            until = time.perf_counter() + self.magnitude
            while time.perf_counter() < until:
                sum(range(1000))
                time.sleep(0.004)
