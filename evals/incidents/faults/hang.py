"""The loader waits for ever, once: a lost worker process."""

import time


class Injected:
    """Magnitude: means nothing."""

    programs = ("numpy_network", "sklearn_sgd", "boosting", "torch_net")
    magnitudes = (1.0, 2.0)
    moments = (0.3, 0.8)
    transient = True
    expected = ("stalled", "data_starved")
    right = ("restart_same", "restart_elsewhere")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment = moment

    def loading(self, step: int) -> None:
        if step == self.moment:
            time.sleep(3600)
