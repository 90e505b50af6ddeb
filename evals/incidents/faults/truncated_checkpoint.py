"""A checkpoint is written short, and the process dies: the newest one does not load."""

import os
from pathlib import Path


class Injected:
    """Magnitude: the share of the file that is left."""

    programs = ("numpy_network", "sklearn_sgd", "boosting", "torch_net")
    magnitudes = (0.1, 0.9)
    moments = (0.35, 0.8)
    transient = True
    expected = ("bad_checkpoint", "crashed")
    right = ("restart_same", "restart_elsewhere")

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def saved(self, step: int, path: Path) -> None:
        if step >= self.moment:
            os.truncate(path, int(path.stat().st_size * self.magnitude))
            os._exit(1)
